//! Reads and writes the messages of KServe's data plane, version 1.

use std::fmt;

use serde::de::value::SeqAccessDeserializer;
use serde::de::{Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::ToSchema;

use crate::answer::explanation::Answer;
use crate::answer::predicted::Predicted;
use crate::kserve::example::DOT;
use crate::pictures::numbers::Numbers;
use crate::pictures::sent::SentPicture;
use crate::rejection::Rejection;
use crate::request::base64;
use crate::request::json::BoundedList;
use crate::request::options::OptionFields;

/// The models' names.
#[derive(Serialize, ToSchema)]
pub(crate) struct ModelsAnswer {
    pub(crate) models: Vec<String>,
}

/// Whether a model is ready.
#[derive(Serialize, ToSchema)]
pub(crate) struct ReadyAnswer {
    pub(crate) name: String,
    pub(crate) ready: bool,
}

/// Pictures, and the options for all of them.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"instances": [{"b64": DOT}], "options": {"method": "grad-cam"}}))]
pub(crate) struct V1Request {
    /// Pictures: `{"b64": "..."}` for a file in base64, or nested lists of numbers, preprocessed as the model
    /// takes them.
    #[schema(value_type = Vec<InstanceSchema>, min_items = 1, required = true)]
    #[serde(default)]
    instances: Option<BoundedList<Instance>>,
    /// The options for all pictures.
    #[serde(default)]
    pub(crate) options: OptionFields,
    /// TensorFlow Serving's name of what is computed: `serving_default` alone.
    #[serde(default)]
    signature_name: Option<String>,
    /// TensorFlow Serving's other form of `instances`, which is refused with the way out.
    #[serde(default)]
    #[schema(ignore)]
    inputs: Option<IgnoredAny>,
}

impl V1Request {
    /// The pictures and the options.
    ///
    /// # Errors
    /// If there are no `instances`, or it asks for what is not served.
    pub(crate) fn into_parts(self) -> Result<(Vec<Instance>, OptionFields), Rejection> {
        if let Some(name) = self.signature_name.filter(|name| name != SIGNATURE) {
            return Err(Rejection::bad(format!(
                "there is no signature '{name}', expected '{SIGNATURE}'"
            )));
        }
        let BoundedList(instances) = self.instances.ok_or_else(|| {
            let error = if self.inputs.is_some() {
                "the request's JSON has 'inputs', the columnar form, expected 'instances'"
            } else {
                "the request's JSON has no 'instances'"
            };
            Rejection::bad(error).with_hint(FORM)
        })?;
        if self.inputs.is_some() {
            return Err(Rejection::bad(
                "the request's JSON has both 'instances' and 'inputs', expected the first",
            ));
        }
        Ok((instances, self.options))
    }
}

/// The form of a request, as a hint.
pub(crate) const FORM: &str = "send a list of pictures: {\"instances\": [{\"b64\": \"...\"}]}";

/// The only signature.
const SIGNATURE: &str = "serving_default";

/// The most probable classes of each picture.
#[derive(Serialize, ToSchema)]
pub(crate) struct V1Predictions {
    pub(crate) predictions: Vec<Vec<Predicted>>,
}

/// The explanation of each picture.
#[derive(Serialize, ToSchema)]
pub(crate) struct V1Explanations {
    pub(crate) explanations: Vec<Answer>,
}

/// A picture of a request.
pub(crate) struct Instance(pub(crate) SentPicture);

/// A picture of a request.
#[derive(ToSchema)]
#[schema(as = Instance)]
#[serde(untagged)]
#[expect(dead_code, reason = "for the API's description")]
enum InstanceSchema {
    /// A file in base64.
    File {
        /// The file.
        b64: String,
    },
    /// What the model takes, without the axis of pictures.
    Numbers(Vec<Vec<Vec<f32>>>),
}

impl<'de> Deserialize<'de> for Instance {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(InstanceVisitor)
    }
}

impl Instance {
    /// A file in base64.
    fn decode<E: Error>(text: &str) -> Result<Instance, E> {
        let wrong = |e| E::custom(format!("an instance is not valid base64: {e}"));
        base64::decode(text).map_err(wrong).map(|file| Instance(SentPicture::File(file.into())))
    }
}

struct InstanceVisitor;

impl<'de> Visitor<'de> for InstanceVisitor {
    type Value = Instance;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a picture: {\"b64\": \"...\"}, or nested lists of numbers")
    }

    /// `{"b64": "..."}`, or a picture under any one name, as clients of other servers send it.
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Instance, A::Error> {
        let key: Option<String> = map.next_key()?;
        let instance = match key.as_deref() {
            None => return Err(A::Error::custom("an instance is empty")),
            Some("b64") => Instance::decode(&map.next_value::<String>()?)?,
            Some(_) => map.next_value()?,
        };
        match map.next_key::<String>()? {
            None => Ok(instance),
            Some(other) => {
                Err(A::Error::custom(format!("an instance has more than a picture: '{other}'")))
            }
        }
    }

    /// A file in base64 without a name.
    fn visit_str<E: Error>(self, text: &str) -> Result<Instance, E> {
        Instance::decode(text)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Instance, A::Error> {
        let numbers = Numbers::deserialize(SeqAccessDeserializer::new(list))?;
        Ok(Instance(SentPicture::Numbers(numbers)))
    }
}
