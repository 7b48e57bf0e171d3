//! Regions as annotations in COCO's format.

use std::path::Path;

use serde_json::json;
use smoothcam::{Error, Prediction, Rect, Region, Result};

/// The annotations of one picture: the regions of the class that was explained. A segmentation is the
/// region's mask in uncompressed run-length encoding; a score is its share of the map.
///
/// # Errors
/// If they cannot be written as JSON.
pub(super) fn annotations(
    picture: &Path,
    (width, height): (u32, u32),
    class: &Prediction,
    regions: &[Region],
) -> Result<Vec<u8>> {
    let file_name = picture.file_name().unwrap_or_default().to_string_lossy();
    let name = class.label.clone().unwrap_or_else(|| format!("class {}", class.class));
    let annotation = |(id, region): (usize, &Region)| {
        let Rect { x, y, width: w, height: h } = region.area();
        json!({
            "id": id,
            "image_id": 1,
            "category_id": class.class,
            "bbox": [x, y, w, h],
            "area": region.pixels(),
            "iscrowd": 0,
            "segmentation": {
                "size": [height, width],
                "counts": region.coco_counts((width, height)),
            },
            "score": region.share,
        })
    };
    let file = json!({
        "images": [{ "id": 1, "file_name": file_name, "width": width, "height": height }],
        "categories": [{ "id": class.class, "name": name }],
        "annotations": (1..).zip(regions).map(annotation).collect::<Vec<_>>(),
    });
    serde_json::to_vec(&file).map_err(|e| Error::failure(format!("cannot write JSON: {e}")))
}
