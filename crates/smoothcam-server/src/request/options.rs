//! Reads the options of a request by the library's table: what to explain, how, and what the answer holds.
//!
//! Handlers take [`Options`], which are read from the query string, a form or JSON.

use serde::Deserialize;
use serde::de::IgnoredAny;
use smoothcam::options::{self, AnswerOptions, Kind, OptionSpec, Place, RawOptions};
use smoothcam::render::Style;
use smoothcam::{Decoding, Error, Hint, MOST_TARGETS, Samples, Settings};

use super::json::MOST_OPTIONS;
use crate::config::Limits;
use crate::rejection::Rejection;

/// The option that names the model, which is in no table: the command line calls files by it.
pub(super) const MODEL: &str = "model";

/// The options of a request, all of them valid and within the limits.
#[derive(Clone, Debug)]
pub(crate) struct Options {
    /// The model's name; `None` for the first model.
    pub(crate) model: Option<String>,
    /// What to explain, and how.
    pub(crate) settings: Settings,
    /// How the picture's file is decoded.
    pub(crate) decoding: Decoding,
    /// How a picture is drawn.
    pub(crate) style: Style,
    /// What the answer holds besides the map.
    pub(crate) answer: AnswerOptions,
}

/// The options of a request as text, before they are read.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct OptionFields(pub(super) RawOptions);

impl OptionFields {
    /// The options of a query string.
    ///
    /// # Errors
    /// If it is not one.
    pub(crate) fn of_query(query: &str) -> Result<OptionFields, Rejection> {
        let pairs: Vec<(String, String)> = serde_html_form::from_str(query)
            .map_err(|e| Rejection::bad(format!("the query string: {e}")))?;
        if pairs.len() > MOST_OPTIONS {
            return Err(Rejection::bad(format!("there are more than {MOST_OPTIONS} options")));
        }
        let mut options = RawOptions::default();
        pairs.into_iter().for_each(|(name, value)| options.push(name, value));
        Ok(OptionFields(options))
    }

    /// Adds an option.
    pub(super) fn push(&mut self, name: String, value: String) {
        self.0.push(name, value);
    }

    /// Reads every option.
    ///
    /// # Errors
    /// If an option is unknown, not valid or over a limit, or two options contradict each other.
    pub(crate) fn read(self, limits: &Limits) -> Result<Options, Rejection> {
        let OptionFields(mut raw) = self;
        check_lengths(&raw)?;
        let model = raw.take(MODEL);
        let mut settings = options::settings(&mut raw, Place::Http)?;
        let decoding = options::decoding(&mut raw, Place::Http)?;
        let style = options::style(&mut raw, Place::Http)?;
        let answer = options::answer(&mut raw, Place::Http)?;
        raw.finish(Place::Http)?;
        bound_samples(&mut settings.samples, limits)?;
        Ok(Options { model, settings, decoding, style, answer })
    }
}

/// Refuses texts and lists that are longer than any use of them: reading them cannot be stopped.
fn check_lengths(options: &RawOptions) -> Result<(), Rejection> {
    const LONGEST: usize = 20_000;
    const LONGEST_CLASS: usize = 1000;
    let classes = options.values("class").count();
    if classes > MOST_TARGETS {
        return Err(Rejection::bad(format!(
            "{classes} classes are requested, at most {MOST_TARGETS} are explained at once"
        )));
    }
    for name in options.names() {
        let most = if name == "class" { LONGEST_CLASS } else { LONGEST };
        if let Some(text) = options.values(name).find(|text| text.len() > most) {
            return Err(Rejection::bad(format!(
                "the option {name} is {} bytes long, at most {most} are allowed",
                text.len()
            )));
        }
    }
    Ok(())
}

/// Keeps the number of samples within the server's limit.
fn bound_samples(samples: &mut Samples, limits: &Limits) -> Result<(), Rejection> {
    match samples {
        Samples::Fixed(count) if *count > limits.samples => Err(Error::input(format!(
            "{count} samples are requested, at most {} are allowed",
            limits.samples
        ))
        .with_hint(Hint::set("samples", "8", "8 samples give nearly the same map as 256"))
        .into()),
        Samples::Auto { most, .. } => {
            *most = limits.samples.min(*most);
            Ok(())
        }
        _ => Ok(()),
    }
}

/// The value of an option in JSON.
#[derive(Deserialize)]
#[serde(untagged)]
pub(super) enum JsonValue {
    Null,
    Flag(bool),
    Integer(u64),
    Number(f64),
    Text(String),
    List(Vec<JsonValue>),
    Other(IgnoredAny),
}

impl JsonValue {
    /// The value as text, as far as it is of the option's kind; none for `null`.
    ///
    /// # Errors
    /// What was expected.
    pub(super) fn into_texts(self, spec: Option<&OptionSpec>) -> Result<Vec<String>, String> {
        let kind = spec.map_or(Kind::Text("TEXT", |_| Ok(())), |spec| spec.kind);
        let text = match (self, kind) {
            (JsonValue::Null, _) => return Ok(Vec::new()),
            (JsonValue::List(values), _) if spec.is_some_and(|spec| spec.many) => {
                let texts: Result<Vec<_>, _> =
                    values.into_iter().map(|value| value.into_texts(spec)).collect();
                return texts.map(|texts| texts.concat());
            }
            (JsonValue::Flag(flag), Kind::Flag) => flag.to_string(),
            (JsonValue::Integer(n), Kind::Integer(..) | Kind::Number(..) | Kind::Text(..)) => {
                n.to_string()
            }
            (JsonValue::Number(x), Kind::Number(..) | Kind::Text(..)) => x.to_string(),
            (JsonValue::Text(text), Kind::Text(..) | Kind::Choice(..)) => text,
            (_, Kind::Text(..)) => return Err("expected a text or a number".to_owned()),
            (_, kind) => return Err(format!("expected {kind}")),
        };
        Ok(vec![text])
    }
}

#[cfg(test)]
mod tests {
    use smoothcam::TargetSpec;
    use smoothcam::options::View;

    use super::*;

    #[test]
    fn a_query_and_json_are_read_alike() {
        let query = "method=grad-cam&class=281&class=tiger+cat&samples=8&sigma=0.1&seed=3&signed=true&maps=3&top=2&view=heatmap";
        let json = r#"{"method": "grad-cam", "class": [281, "tiger cat"], "samples": 8, "sigma": 0.1,
            "seed": 3, "signed": true, "maps": 3, "top": 2, "view": "heatmap", "layer": null}"#;
        let from_query = OptionFields::of_query(query).unwrap();
        let from_json: OptionFields = serde_json::from_str(json).unwrap();
        assert_eq!(from_query, from_json);
        let options = from_json.read(&Limits::default()).unwrap();
        assert_eq!(options.settings.samples, Samples::Fixed(8));
        assert_eq!(options.settings.targets, ["281", "tiger cat"].map(TargetSpec::class));
        assert_eq!((options.answer.view, options.answer.top), (View::Heatmap, 2));
        let one = OptionFields::of_query("class=281").unwrap().read(&Limits::default()).unwrap();
        assert_eq!(one.settings.targets, [TargetSpec::class(281)]);
    }

    /// Every option of the table is read from a query and from JSON, and refused where it is wrong.
    #[test]
    fn every_option_of_the_table_is_an_option_here() {
        for spec in options::shown_at(Place::Http) {
            let value = match spec.kind {
                Kind::Flag => "true".to_owned(),
                Kind::Integer(min, _) => min.to_string(),
                Kind::Number(..) => "0.5".to_owned(),
                Kind::Choice(names, _) => names()[0].to_owned(),
                Kind::Text(..) => match spec.name {
                    "grid" => "14x14".to_owned(),
                    "neurons" => "0,0".to_owned(),
                    "regions" => "0.5".to_owned(),
                    "window" => "-160,240".to_owned(),
                    _ => "1".to_owned(),
                },
                Kind::Numbers | Kind::File(_) => panic!("{} is no option of requests", spec.name),
            };
            let json = match spec.kind {
                Kind::Choice(..) | Kind::Text(..) => format!("\"{value}\""),
                _ => value.clone(),
            };
            let query =
                OptionFields::of_query(&format!("{}={}", spec.name, value.replace('+', "%2B")));
            let query = query.unwrap();
            let json = format!("{{\"{}\": {json}}}", spec.name);
            assert_eq!(query, serde_json::from_str::<OptionFields>(&json).unwrap(), "{json}");
            let read = query.read(&Limits::default()).map(drop);
            match (spec.requires, read) {
                (None, read) => read.unwrap(),
                (Some(other), read) => assert!(read.unwrap_err().body.error.contains(other)),
            }
            let wrong = format!("{{\"{}\": {{}}}}", spec.name);
            assert!(serde_json::from_str::<OptionFields>(&wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn mistakes_are_named() {
        for (query, words) in [
            ("method=cam%2B", "no method 'cam+'"),
            ("samples=many", "'many' is not a number of samples"),
            ("samples=100000", "at most 10000"),
            ("samples=1001", "at most 1000 are allowed"),
            ("samples=8&tolerance=0.1", "left open"),
            ("sigma=1&sigma_absolute=1", "both"),
            ("skip_tokens=1", "no grid"),
            ("grid=x&layer=x", "x"),
            ("maps=x", "'x' names no feature maps"),
            ("neurons=x", "'x' names no neurons"),
            ("opacity=2", "'2' is not a number from 0 to 1"),
            ("colormap=hot", "'hot'"),
            ("regions=2", "'2'"),
            ("top=1001", "'1001' is not a whole number from 0 to 1000"),
            ("feature_maps=4097", "from 0 to 4096"),
            ("layers=x", "no option 'layers'"),
            ("noise=/etc/passwd", "no option 'noise'"),
            ("seed=-1", "'-1'"),
            ("seed=x", "'x'"),
            ("signed=maybe", "'maybe' is not true or false"),
            ("view=x", "no view 'x'"),
            ("window=1", "'1' is no window"),
            ("window=3,2", "'3,2' is no window"),
            ("frame=0", "'0' is not a whole number"),
            ("samples=1&samples=2", "several times"),
        ] {
            let options = OptionFields::of_query(query).and_then(|o| o.read(&Limits::default()));
            let error = options.unwrap_err().body.error;
            assert!(error.contains(words), "{query}: {error}");
        }
        for json in [
            r#"{"signed": "true"}"#,
            r#"{"seed": "3"}"#,
            r#"{"sigma": "0.1"}"#,
            r#"{"seed": [3]}"#,
            r#"{"top": 1.5}"#,
            "[]",
        ] {
            assert!(serde_json::from_str::<OptionFields>(json).is_err(), "{json}");
        }
    }
}
