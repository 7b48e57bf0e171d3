//! Pictures that have been asked about: what is known of them serves the next question.

use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use ndarray::{Array4, ArrayD, IxDyn};
use sha2::{Digest, Sha256};
use smoothcam::{Array, Explainer, Photo, Picture, Study};

use crate::app::Served;
use crate::config::Limits;
use crate::reject::Rejection;
use crate::tensor::Numbers;

/// A picture as requests send it.
#[derive(Clone, Debug)]
pub(crate) enum Given {
    /// A picture file, or a NumPy array.
    File(Bytes),
    /// An input that is preprocessed already.
    Numbers(Numbers),
}

/// A picture under study by a model.
pub(crate) struct Subject {
    pub(crate) explainer: &'static Explainer,
    pub(crate) study: Study<'static>,
    /// To draw on.
    pub(crate) picture: Picture,
    /// Whether the input was preprocessed already.
    pub(crate) prepared: bool,
}

/// About what a subject takes beside its arrays: small ones are not endless either.
const ROOM: usize = 16 << 10;

/// A model's name, and the SHA-256 of what was given.
type Key = (String, [u8; 32]);

struct Entry {
    key: Key,
    subject: Arc<Subject>,
    bytes: usize,
}

/// The last subjects, as many as memory allows.
pub(crate) struct Subjects {
    /// The most recently used last.
    kept: Mutex<Vec<Entry>>,
    most: usize,
    limits: smoothcam::Limits,
}

impl Subjects {
    pub(crate) fn new(limits: &Limits) -> Subjects {
        let pictures =
            smoothcam::Limits { max_bytes: limits.body as u64, max_pixels: limits.pixels };
        Subjects { kept: Mutex::default(), most: limits.kept, limits: pictures }
    }

    /// The subject of what was given. Takes as long as decoding does.
    pub(crate) fn of(&self, model: &Served, given: &Given) -> Result<Arc<Subject>, Rejection> {
        let key = (model.name.clone(), given.hash());
        {
            let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(at) = kept.iter().position(|entry| entry.key == key) {
                let entry = kept.remove(at);
                let subject = entry.subject.clone();
                kept.push(entry);
                return Ok(subject);
            }
        }
        let photo = match given {
            Given::File(bytes) => Photo::decode(bytes, &self.limits)?,
            Given::Numbers(numbers) => Photo::Array(numbers.to_array(model.explainer)?),
        };
        let subject = Arc::new(Subject {
            explainer: model.explainer,
            study: model.explainer.study_photo(&photo)?,
            picture: model.explainer.picture_of(&photo)?,
            prepared: matches!(photo, Photo::Array(_)),
        });
        {
            let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
            if !kept.iter().any(|entry| entry.key == key) {
                kept.push(Entry { key, subject: subject.clone(), bytes: 0 });
            }
        }
        // Whatever comes of the work: it may fail.
        self.tidy();
        Ok(subject)
    }

    /// Forgets what has not been used for longest, until the rest is within the memory allowed. To be called
    /// after work, which adds to it.
    pub(crate) fn tidy(&self) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        for entry in kept.iter_mut() {
            let Subject { study, picture, .. } = &*entry.subject;
            // While passes are run nobody knows; whoever runs them tidies up afterwards.
            let input = study.input().len() * size_of::<f32>();
            entry.bytes = ROOM + study.memory() + input + picture.rgb().len();
        }
        let mut all: usize = kept.iter().map(|entry| entry.bytes).sum();
        let mut forgotten = 0;
        while all > self.most && forgotten < kept.len() {
            all -= kept[forgotten].bytes;
            forgotten += 1;
        }
        kept.drain(..forgotten);
    }
}

impl Given {
    fn hash(&self) -> [u8; 32] {
        let mut hash = Sha256::new();
        match self {
            Given::File(bytes) => hash.update(bytes),
            Given::Numbers(Numbers { values, shape }) => {
                hash.update(format!("{shape:?}"));
                values.iter().for_each(|x| hash.update(x.to_le_bytes()));
            }
        }
        hash.finalize().into()
    }
}

impl Numbers {
    /// As a model's input of one picture.
    fn to_array(&self, explainer: &Explainer) -> Result<Array, Rejection> {
        let array = ArrayD::from_shape_vec(IxDyn(&self.shape), self.values.clone())
            .map_err(|_| Rejection::bad("an array has another number of values than its shape"))?;
        let input: Array4<f32> = Array::Floats(array).into_picture()?;
        // Refused here in the words of the request, not of a file.
        let expected = explainer.input_shape();
        if input.shape()[1..] != expected[1..] {
            return Err(Rejection::bad(format!(
                "an array has shape {:?}, expected {:?}, preprocessed as the model takes it",
                &input.shape()[1..],
                &expected[1..]
            ))
            .with_hint("or send a picture file in base64"));
        }
        Ok(Array::Floats(input.into_dyn()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_bounded_even_if_no_work_is_done() {
        let model = concat!(env!("CARGO_MANIFEST_DIR"), "/../../models/digits/model.onnx");
        let explainer = Explainer::builder().model(model).build().unwrap();
        let model = Served { name: "digits".into(), explainer: Box::leak(Box::new(explainer)) };
        let subjects = Subjects::new(&Limits { kept: 1_200_000, ..Limits::default() });
        let cat = include_bytes!("../../../examples/cat.png");
        // Bytes after a PNG's end make it another picture, and are not looked at.
        let given = |i: u8| Given::File([&cat[..], &[i]].concat().into());
        for i in 0..5 {
            subjects.of(&model, &given(i)).unwrap();
        }
        // 451 x 300 pixels and 3 x 96 x 96 floats take half a megabyte.
        assert_eq!(subjects.kept.lock().unwrap().len(), 2);
        let again = subjects.of(&model, &given(4)).unwrap();
        assert!(Arc::ptr_eq(&again, &subjects.of(&model, &given(4)).unwrap()));
    }
}
