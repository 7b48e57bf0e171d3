//! Reads object annotations in the COCO format: one JSON file for all pictures.

use std::collections::HashMap;

use serde::Deserialize;
use smoothcam::Rect;

use super::mask::{Mask, decompress};
use super::object::Object;

#[derive(Deserialize)]
struct File {
    images: Vec<Image>,
    annotations: Vec<Annotation>,
    categories: Vec<Category>,
}

#[derive(Deserialize)]
struct Image {
    id: Id,
    file_name: String,
}

#[derive(Deserialize)]
struct Category {
    id: Id,
    name: String,
}

#[derive(Deserialize)]
struct Annotation {
    image_id: Id,
    category_id: Id,
    bbox: Option<[f64; 4]>,
    segmentation: Option<Segmentation>,
}

/// An identifier: a number by the standard, a string in some files.
#[derive(Deserialize, PartialEq, Eq, Hash)]
#[serde(untagged)]
enum Id {
    Number(i64),
    Text(String),
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Segmentation {
    /// The corners of each polygon as x, y, x, y ..., in pixels.
    Polygons(Vec<Vec<f64>>),
    /// A run-length encoded mask of (height, width) pixels.
    Runs { size: [usize; 2], counts: Counts },
}

/// The lengths of the runs of a mask, in either of COCO's encodings.
#[derive(Deserialize)]
#[serde(untagged)]
enum Counts {
    Plain(Vec<usize>),
    Compressed(String),
}

/// Reads the objects of each picture; a picture without objects has an empty list.
pub(super) fn read(text: &str) -> Result<HashMap<String, Vec<Object>>, String> {
    let file: File =
        serde_json::from_str(text).map_err(|e| format!("not in COCO's format: {e}"))?;
    let names: HashMap<Id, String> = file.categories.into_iter().map(|c| (c.id, c.name)).collect();
    let images: HashMap<Id, String> =
        file.images.into_iter().map(|i| (i.id, i.file_name.replace('\\', "/"))).collect();
    let mut objects: HashMap<String, Vec<Object>> =
        images.values().map(|name| (name.clone(), Vec::new())).collect();
    for (i, annotation) in file.annotations.into_iter().enumerate() {
        let wrong = |what: &str| format!("annotation {i} {what}");
        let picture = images
            .get(&annotation.image_id)
            .ok_or_else(|| wrong("belongs to no image of the file"))?;
        let category = names
            .get(&annotation.category_id)
            .ok_or_else(|| wrong("belongs to no category of the file"))?;
        let mask = annotation.segmentation.map(to_mask).transpose().map_err(wrong)?.flatten();
        let [x, y, width, height] =
            annotation.bbox.ok_or_else(|| wrong("has no box ('bbox': [x, y, width, height])"))?;
        let bounds = Rect { x, y, width, height };
        if let Some(of_picture) = objects.get_mut(picture) {
            of_picture.push(Object { category: category.clone(), bounds, mask });
        }
    }
    Ok(objects)
}

/// Converts a segmentation; `None` if it is empty.
fn to_mask(segmentation: Segmentation) -> Result<Option<Mask>, &'static str> {
    match segmentation {
        Segmentation::Polygons(polygons) if polygons.is_empty() => Ok(None),
        Segmentation::Polygons(polygons) => {
            let corners = |p: Vec<f64>| p.as_chunks::<2>().0.iter().map(|c| (c[0], c[1])).collect();
            Ok(Some(Mask::Polygons(polygons.into_iter().map(corners).collect())))
        }
        Segmentation::Runs { size: [rows, columns], counts } => {
            let counts = match counts {
                Counts::Plain(counts) => Some(counts),
                Counts::Compressed(text) => decompress(&text),
            };
            let mask = counts.and_then(|counts| Mask::from_counts(rows, columns, &counts));
            mask.map(Some).ok_or("has a segmentation whose runs do not cover the picture")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(annotation: &str) -> String {
        format!(
            r#"{{"info": {{}}, "images": [{{"id": 7, "file_name": "a\\b.jpg", "width": 4, "height": 3}},
            {{"id": 8, "file_name": "none.jpg"}}], "annotations": [{annotation}],
            "categories": [{{"id": 3, "name": "dog", "supercategory": "animal"}}]}}"#
        )
    }

    #[test]
    fn boxes_and_masks_are_read() {
        let box_and = |more: &str| {
            file(&format!(r#"{{"image_id": 7, "category_id": 3, "bbox": [1, 0, 2, 3]{more}}}"#))
        };
        for (more, inside, outside) in [
            ("", (1.5, 0.5), (0.5, 0.5)),
            (r#", "segmentation": []"#, (1.5, 0.5), (0.5, 0.5)),
            (r#", "segmentation": [[0, 0, 4, 0, 4, 2, 0, 2]]"#, (0.5, 0.5), (0.5, 2.5)),
            (r#", "segmentation": {"size": [3, 4], "counts": [4, 3, 5]}"#, (1.5, 1.5), (1.5, 0.5)),
            (r#", "segmentation": {"size": [3, 4], "counts": "435"}"#, (1.5, 1.5), (1.5, 0.5)),
        ] {
            let objects = read(&box_and(more)).unwrap();
            let [object] = objects["a/b.jpg"].as_slice() else { panic!("{more}") };
            assert_eq!(object.category, "dog");
            assert_eq!(object.bounds, Rect { x: 1.0, y: 0.0, width: 2.0, height: 3.0 });
            assert!(object.covers(inside.0, inside.1), "{more}");
            assert!(!object.covers(outside.0, outside.1), "{more}");
            assert!(objects["none.jpg"].is_empty());
        }
    }

    #[test]
    fn errors_name_the_annotation() {
        for (annotation, expected) in [
            (r#"{"image_id": 1, "category_id": 3, "bbox": [0, 0, 1, 1]}"#, "no image"),
            (r#"{"image_id": 7, "category_id": 1, "bbox": [0, 0, 1, 1]}"#, "no category"),
            (r#"{"image_id": 7, "category_id": 3}"#, "no box"),
            (
                r#"{"image_id": 7, "category_id": 3, "bbox": [0, 0, 1, 1],
                "segmentation": {"size": [3, 4], "counts": [1]}}"#,
                "do not cover",
            ),
            (r#"{"image_id": 7}"#, "COCO"),
        ] {
            let error = read(&file(annotation)).unwrap_err();
            assert!(error.contains(expected), "{error}");
        }
    }
}
