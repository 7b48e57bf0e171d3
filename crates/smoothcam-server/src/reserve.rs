//! Estimates the memory that a request takes, from its options, and holds it before the work begins.

use smoothcam::options::AnswerOptions;
use smoothcam::{Hint, MemoryNeed, Photo, Settings};

use crate::models::ServedModel;
use crate::pictures::prepared::PreparedPicture;
use crate::pictures::sent::SentPicture;
use crate::rejection::Rejection;
use crate::work::job::Job;
use crate::work::memory::WorkMemory;

/// The most rows and columns of a map that is to be looked at.
pub(crate) const SMALL: usize = 32;
/// The bytes that a float takes as text, with a comma: of any value, and rounded to thousandths.
const TEXT: u64 = 14;
const SHORT_TEXT: u64 = 8;
/// About the bytes that a predicted class takes in an answer.
const PREDICTED: u64 = 300;
/// The bytes of an answer that do not depend on the options: the record with its notes.
const RECORD: u64 = 20_000;
/// About the bytes of a map's regions, of which there are at most a hundred.
const REGIONS: u64 = 100 * 200;

/// What an answer is made of.
#[derive(Clone, Copy)]
pub(crate) enum Form<'a> {
    /// Explanations in JSON, with what the options add.
    Json(&'a AnswerOptions),
    /// The same, and the maps after each pass.
    Events(&'a AnswerOptions),
    /// The maps alone.
    Maps,
    /// The arrays of an explanation.
    Arrays,
    /// A picture, whose size depends on the one that is sent.
    Picture,
}

/// Holds the memory that explanations of so many pictures, one after the other, take, and that of their answer.
///
/// # Errors
/// If the settings do not suit the model, or take more memory than there is or is free.
pub(crate) fn explanations(
    job: &Job,
    model: &ServedModel,
    settings: &Settings,
    pictures: usize,
    form: Form<'_>,
) -> Result<WorkMemory, Rejection> {
    let need = model.explainer.need(settings)?;
    let Size { values, text } = form.size(&need).times(pictures as u64);
    let mut hint = need.hint();
    if let Form::Json(options) | Form::Events(options) = form
        && options.feature_maps.is_some()
    {
        hint = Hint::set("feature_maps", "5", "request fewer feature maps").or(hint);
    }
    if let Form::Arrays = form
        && need.samples > 8
    {
        hint = Hint::set("samples", "8", "take fewer samples, whose noise is returned").or(hint);
    }
    if pictures > 1 {
        hint = Hint::advice("send fewer pictures in a request").or(hint);
    }
    job.memory.hold_answer(text, &hint)?;
    // A text that grows is copied.
    let making = values.saturating_add(text.saturating_mul(2));
    job.memory.hold(need.working.saturating_add(making), &hint)
}

/// Holds the memory that predictions for so many pictures take, with `values` numbers and `classes` classes in the answer
/// for each.
///
/// # Errors
/// If that is more than there is or is free.
pub(crate) fn predictions(
    job: &Job,
    model: &ServedModel,
    pictures: usize,
    values: usize,
    classes: usize,
) -> Result<WorkMemory, Rejection> {
    let (pictures, values, classes) = (pictures as u64, values as u64, classes as u64);
    let text = RECORD + pictures * (values * TEXT + classes * PREDICTED);
    let hint = Hint::advice("send fewer pictures in a request");
    job.memory.hold_answer(text, &hint)?;
    // Numbers are gathered, and copied for the answer.
    let making = 2 * text + 8 * pictures * values;
    job.memory.hold(model.explainer.forward_bytes() + making, &hint)
}

/// Holds the memory that Grad-CAM at all layers takes.
///
/// # Errors
/// If that is more than there is or is free.
pub(crate) fn overview(job: &Job, model: &ServedModel) -> Result<WorkMemory, Rejection> {
    let cells = (SMALL * SMALL) as u64;
    let text = RECORD + model.explainer.layers().len() as u64 * cells * SHORT_TEXT;
    let hint = Hint::advice("explain at one layer");
    job.memory.hold_answer(text, &hint)?;
    let overview = model.explainer.overview_bytes()?;
    job.memory.hold(overview.saturating_add(3 * text), &hint)
}

/// Holds the memory that it takes to decode a picture.
///
/// # Errors
/// If that is more than there is or is free.
pub(crate) fn decoding(
    job: &Job,
    sent: &SentPicture,
    limits: &smoothcam::Limits,
) -> Result<WorkMemory, Rejection> {
    let bytes = match sent {
        SentPicture::File(file) => Photo::decoding_bytes(file, limits),
        // They are copied as the model's input, and then as a picture.
        SentPicture::Numbers(numbers) => 8 * numbers.values.len() as u64,
    };
    job.memory.hold(bytes, &Hint::advice("send a smaller picture"))
}

/// Holds the memory that it takes to draw on a picture, and that of the drawn one.
///
/// # Errors
/// If that is more than there is or is free.
pub(crate) fn drawing(job: &Job, prepared: &PreparedPicture) -> Result<WorkMemory, Rejection> {
    // Small pictures are enlarged, to a side of 448 pixels.
    let pixels = (prepared.picture.rgb().len() as u64 / 3).max(448 * 448);
    let hint = Hint::advice("send a smaller picture");
    job.memory.hold_answer(3 * pixels, &hint)?;
    // The picture, enlarged, drawn, encoded, and the encoded one as it grows.
    job.memory.hold((3 + 3 + 3 + 2 * 3) * pixels, &hint)
}

/// Holds the memory that it takes to read a body of JSON: its numbers, in lists that grow, one by one, and as arrays.
///
/// # Errors
/// If that is more than there is or is free.
pub(crate) fn reading(job: &Job, body: usize) -> Result<WorkMemory, Rejection> {
    job.memory.hold(7 * body as u64, &Hint::advice("send smaller pictures, as files"))
}

/// The bytes of an answer before it is written, and written.
#[derive(Clone, Copy, Default)]
struct Size {
    values: u64,
    text: u64,
}

impl Size {
    /// That of so many numbers.
    fn numbers(count: u64, text: u64) -> Size {
        Size { values: count.saturating_mul(4), text: count.saturating_mul(text) }
    }

    fn plus(self, other: Size) -> Size {
        Size {
            values: self.values.saturating_add(other.values),
            text: self.text.saturating_add(other.text),
        }
    }

    fn times(self, count: u64) -> Size {
        Size { values: self.values.saturating_mul(count), text: self.text.saturating_mul(count) }
    }
}

impl Form<'_> {
    /// The size of the answer for one picture.
    fn size(self, need: &MemoryNeed) -> Size {
        let (maps, height, width) = need.layer;
        let cells = (height * width) as u64;
        let map = Size::numbers(cells, TEXT);
        match self {
            Form::Json(options) => {
                let count = options.feature_maps.unwrap_or(0).min(maps) as u64;
                let small = (height.min(SMALL) * width.min(SMALL)) as u64;
                // Each row is a list of its own.
                let rows = Size { values: 24 * height.min(SMALL) as u64 + 64, text: 64 };
                let features = Size::numbers(small, SHORT_TEXT).plus(rows).times(count);
                // With the uncertainty.
                let class =
                    map.times(2).plus(features).plus(Size { values: REGIONS, text: REGIONS });
                let top = PREDICTED * options.top as u64;
                class.times(need.targets as u64).plus(Size { values: 2 * top, text: RECORD + top })
            }
            Form::Events(options) => {
                // Those that wait to be sent.
                const EVENTS: u64 = 10;
                Form::Json(options).size(need).plus(map.times(need.targets as u64 * EVENTS))
            }
            Form::Maps => map.times(need.targets as u64),
            // The results are counted as part of the work, and those of one target are written.
            Form::Arrays => Size { values: 0, text: need.results.saturating_add(RECORD) },
            Form::Picture => Size::default(),
        }
    }
}
