//! Reads and describes options in JSON: the deserialiser and the OpenAPI schema of the table.

use std::fmt;

use serde::de::{Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use serde_json::value::RawValue;
use smoothcam::options::{self, Kind, OptionSpec, Place, RawOptions};
use std::ops::Bound;
use utoipa::openapi::path::{Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::schema::{
    AdditionalProperties, ArrayBuilder, ObjectBuilder, OneOfBuilder, Schema, SchemaFormat,
    SchemaType, Type,
};
use utoipa::openapi::{RefOr, Required};
use utoipa::{IntoParams, PartialSchema, ToSchema};

use super::json::{MOST_OPTIONS, check_size};
use super::options::{JsonValue, MODEL, OptionFields};

impl<'de> Deserialize<'de> for OptionFields {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(FieldsVisitor)
    }
}

struct FieldsVisitor;

impl<'de> Visitor<'de> for FieldsVisitor {
    type Value = OptionFields;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of options")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<OptionFields, A::Error> {
        let mut options = RawOptions::default();
        let mut count = 0;
        while let Some(name) = map.next_key::<String>()? {
            count += 1;
            if count > MOST_OPTIONS {
                return Err(A::Error::custom(format!(
                    "there are more than {MOST_OPTIONS} options"
                )));
            }
            let spec = options::find(&name, Place::Http);
            let json: Box<RawValue> = map.next_value()?;
            let wrong = |e: &dyn fmt::Display| A::Error::custom(format!("the option {name}: {e}"));
            check_size(&json).map_err(|e| wrong(&e))?;
            let value: JsonValue = serde_json::from_str(json.get()).map_err(|e| wrong(&e))?;
            let texts = value.into_texts(spec);
            let texts = texts.map_err(|e| wrong(&e))?;
            texts.into_iter().for_each(|text| options.push(name.clone(), text));
        }
        Ok(OptionFields(options))
    }
}

impl ToSchema for OptionFields {
    fn name() -> std::borrow::Cow<'static, str> {
        "Options".into()
    }
}

impl PartialSchema for OptionFields {
    fn schema() -> RefOr<Schema> {
        let object = ObjectBuilder::new()
            .description(Some("What to explain, how, and what the answer holds."))
            .additional_properties(Some(AdditionalProperties::FreeForm(false)))
            .property(MODEL, model_schema());
        let properties = options::shown_at(Place::Http);
        properties.fold(object, |object, spec| object.property(spec.name, json_schema(spec))).into()
    }
}

impl IntoParams for OptionFields {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let parameter = |name: &str, description: String, schema: RefOr<Schema>| {
            ParameterBuilder::new()
                .name(name)
                .parameter_in(ParameterIn::Query)
                .required(Required::False)
                .description(Some(description))
                .schema(Some(schema))
                .build()
        };
        let model = parameter(MODEL, MODEL_HELP.to_owned(), text(&[Type::String]).into());
        let of_table = options::shown_at(Place::Http)
            .map(|spec| parameter(spec.name, description(spec), query_schema(spec)));
        [model].into_iter().chain(of_table).collect()
    }
}

const MODEL_HELP: &str =
    "The model's name. Default: the first model. Not allowed where the address names the model.";

fn model_schema() -> RefOr<Schema> {
    text(&[Type::String, Type::Null]).description(Some(MODEL_HELP)).into()
}

/// An option's sentence and its default.
fn description(spec: &OptionSpec) -> String {
    match spec.default_in_words() {
        Some(default) => format!("{}. Default: {default}.", spec.help),
        None => format!("{}.", spec.help),
    }
}

/// The schema of an option in a query string.
fn query_schema(spec: &OptionSpec) -> RefOr<Schema> {
    let one = value(spec, false);
    if spec.many { ArrayBuilder::new().items(one).into() } else { one.into() }
}

/// The schema of an option in JSON, where `null` stands for its absence.
fn json_schema(spec: &OptionSpec) -> RefOr<Schema> {
    let one = value(spec, true).description(Some(description(spec)));
    if !spec.many {
        return one.into();
    }
    let list = ArrayBuilder::new().items(value(spec, true));
    OneOfBuilder::new().item(one).item(list).description(Some(description(spec))).into()
}

/// The schema of one value.
fn value(spec: &OptionSpec, json: bool) -> ObjectBuilder {
    let null = if json { &[Type::Null][..] } else { &[] };
    let of = |types: &[Type]| text(&[types, null].concat());
    match spec.kind {
        Kind::Flag => of(&[Type::Boolean]),
        Kind::Integer(min, max) => {
            let integer = of(&[Type::Integer]).minimum(Some(min as f64));
            if max == u64::MAX {
                return integer.format(Some(SchemaFormat::Custom("uint64".to_owned())));
            }
            integer.maximum(Some(max as f64))
        }
        Kind::Number(min, max) => {
            let number = of(&[Type::Number]);
            let number = match min {
                Bound::Included(min) => number.minimum(Some(min)),
                Bound::Excluded(min) => number.exclusive_minimum(Some(min)),
                Bound::Unbounded => number,
            };
            match max {
                Bound::Included(max) => number.maximum(Some(max)),
                Bound::Excluded(max) => number.exclusive_maximum(Some(max)),
                Bound::Unbounded => number,
            }
        }
        Kind::Choice(names, _) => {
            let names = names().into_iter().map(Value::from);
            let null = json.then_some(Value::Null);
            of(&[Type::String]).enum_values(Some(names.chain(null)))
        }
        // A number may stand for its text.
        Kind::Text(..) if json => of(&[Type::String, Type::Number]),
        Kind::Text(..) | Kind::Numbers | Kind::File(_) => of(&[Type::String]),
    }
}

/// The schema of a value of these types.
fn text(types: &[Type]) -> ObjectBuilder {
    let types = match types {
        [one] => SchemaType::Type(one.clone()),
        several => SchemaType::Array(several.to_vec()),
    };
    ObjectBuilder::new().schema_type(types)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every option of the table stands in the API's description: as a parameter, and as a property in JSON, with its
    /// sentence, its default and its limits.
    #[test]
    fn every_option_of_the_table_is_described() {
        let document = serde_json::to_value(crate::openapi()).unwrap();
        let parameters = document["paths"]["/explain"]["post"]["parameters"].as_array().unwrap();
        let properties = &document["components"]["schemas"]["Options"]["properties"];
        let mut names = vec![MODEL];
        for spec in options::shown_at(Place::Http) {
            let name = spec.name;
            names.push(name);
            let parameter = parameters.iter().find(|p| p["name"] == name);
            let parameter = parameter.unwrap_or_else(|| panic!("{name} is no parameter"));
            let property = &properties[name];
            for described in [&parameter["description"], &property["description"]] {
                let text = described.as_str().unwrap_or_default();
                assert!(text.starts_with(spec.help), "{name}: {text}");
                assert!(
                    text.contains(&spec.default_in_words().unwrap_or_default()),
                    "{name}: {text}"
                );
            }
            let of = |key: &str| (&parameter["schema"][key], &property[key]);
            match spec.kind {
                Kind::Integer(min, _) => assert_eq!(of("minimum").0.as_f64(), Some(min as f64)),
                Kind::Choice(values, _) => {
                    assert_eq!(*of("enum").0, Value::from(values()), "{name}");
                    assert_eq!(of("enum").1.as_array().unwrap().len(), values().len() + 1);
                }
                _ => {}
            }
        }
        let described: Vec<&str> = parameters.iter().filter_map(|p| p["name"].as_str()).collect();
        assert_eq!(described, names, "the parameters are those of the table");
        assert_eq!(properties.as_object().unwrap().len(), names.len());
    }
}
