//! Draws an explanation as a PNG file.

use ndarray::Array2;
use smoothcam::render::{draw, encode_png, heatmap};
use smoothcam::{Explanation, TargetMap, regions};

use crate::pictures::prepared::PreparedPicture;
use crate::rejection::Rejection;
use crate::request::options::Options;
use smoothcam::options::View;

/// The map of the one class explained, as a PNG file.
pub(crate) fn png(
    prepared: &PreparedPicture,
    explanation: &Explanation,
    options: &Options,
) -> Result<Vec<u8>, Rejection> {
    let class = one_class(explanation)?;
    let (picture, seen, style) = (&prepared.picture, &explanation.seen, &options.style);
    let size = (picture.width(), picture.height());
    let alone = |map: &Array2<f32>| heatmap(map.view(), seen, size, style.colors);
    let drawn = match (options.answer.view, &class.uncertainty) {
        (View::Overlay, _) => {
            let map = class.map.view();
            let threshold = options.answer.regions;
            let regions = threshold.map(|threshold| regions(map, seen, size, threshold));
            draw(picture, map, seen, style, &regions.transpose()?.unwrap_or_default())?
        }
        (View::Heatmap, _) => alone(&class.map)?,
        (View::Uncertainty, Some(uncertainty)) => alone(uncertainty)?,
        (View::Uncertainty, None) => {
            return Err(Rejection::bad(
                "the view is 'uncertainty', but the uncertainty is not requested",
            )
            .with_hint("add uncertainty=true"));
        }
    };
    Ok(encode_png(&drawn)?)
}

/// The map of the one class explained, for answers that hold no more.
///
/// # Errors
/// If several classes are explained.
pub(crate) fn one_class(explanation: &Explanation) -> Result<&TargetMap, Rejection> {
    match &explanation.targets[..] {
        [class] => Ok(class),
        classes => Err(Rejection::bad(format!(
            "{} classes are requested, but this form of answer holds one",
            classes.len()
        ))
        .with_hint("accept JSON, or request one class at a time")),
    }
}
