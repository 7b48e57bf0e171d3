//! Runs models on the pictures of requests: for scores, predictions and explanations.

use std::ops::{ControlFlow, Deref};
use std::sync::Arc;

use smoothcam::{Decoding, Explanation, Prediction, Settings, Step};

use crate::models::ServedModel;
use crate::pictures::prepared::PreparedPicture;
use crate::pictures::sent::SentPicture;
use crate::rejection::Rejection;
use crate::reserve;
use crate::state::AppState;
use crate::work::job::Job;
use crate::work::memory::WorkMemory;

/// Reports how far the explanation of a picture is; called after each pass.
pub(crate) type Report<'a> =
    &'a mut dyn FnMut(&PreparedPicture, &Step<'_>) -> smoothcam::Result<()>;

/// A model's scores (before softmax or sigmoid) and probabilities (0 to 1) of a picture, one for each class.
pub(crate) struct Scores {
    pub(crate) scores: Vec<f32>,
    pub(crate) probabilities: Vec<f64>,
}

/// A picture of the cache that is in use, and the memory of its pixels: the cache may drop it meanwhile.
pub(crate) struct PictureInUse {
    picture: Arc<PreparedPicture>,
    _memory: WorkMemory,
}

impl Deref for PictureInUse {
    type Target = PreparedPicture;

    fn deref(&self) -> &PreparedPicture {
        &self.picture
    }
}

/// A picture made ready for a model.
///
/// # Errors
/// If it is no picture, the model cannot take it, or there is no memory to decode it.
pub(crate) fn prepared(
    state: &AppState,
    model: &ServedModel,
    sent: &SentPicture,
    decoding: &Decoding,
    job: &Job,
) -> Result<PictureInUse, Rejection> {
    let mut memory = reserve::decoding(job, sent, &state.pictures.limits)?;
    let picture = state.pictures.get(model, sent, decoding)?;
    memory.shrink_to(picture.picture.rgb().len());
    Ok(PictureInUse { picture, _memory: memory })
}

/// The scores of a picture.
pub(crate) fn scores(
    state: &AppState,
    model: &ServedModel,
    sent: &SentPicture,
    decoding: &Decoding,
    job: &Job,
) -> Result<Scores, Rejection> {
    let picture = prepared(state, model, sent, decoding, job)?;
    let scores = model.explainer.forward(picture.study.input())?;
    let probabilities = model.explainer.probabilities_of(&scores);
    Ok(Scores { scores: scores.to_vec(), probabilities: probabilities.to_vec() })
}

/// All classes of a picture, the most probable first.
pub(crate) fn predictions(
    state: &AppState,
    model: &ServedModel,
    sent: &SentPicture,
    decoding: &Decoding,
    job: &Job,
) -> Result<(PictureInUse, Vec<Prediction>), Rejection> {
    let picture = prepared(state, model, sent, decoding, job)?;
    let predictions = model.explainer.predictions(picture.study.input())?;
    Ok((picture, predictions))
}

/// The explanation of a picture, of as many noised samples as are taken before it is stopped.
///
/// # Errors
/// If the settings do not suit the model, the engine fails, or `report` does.
pub(crate) fn explanation(
    state: &AppState,
    model: &ServedModel,
    sent: &SentPicture,
    decoding: &Decoding,
    settings: &Settings,
    job: &Job,
    report: Report<'_>,
) -> Result<(PictureInUse, Explanation), Rejection> {
    let picture = prepared(state, model, sent, decoding, job)?;
    let mut failure = None;
    let explanation = picture.study.watch(settings, &mut |step| {
        state.metrics.passed();
        #[cfg(test)]
        state.test_hook.after_pass(step.done, &job.stop);
        if let Err(error) = report(&picture, step) {
            failure = Some(error);
        }
        if failure.is_some() || job.stop.is_set() {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    })?;
    if let Some(error) = failure {
        return Err(error.into());
    }
    state.metrics.explained(&model.name, settings.method.name());
    Ok((picture, explanation))
}
