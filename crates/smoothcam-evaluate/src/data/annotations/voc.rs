//! Reads object annotations in the Pascal VOC format: one XML file for each picture.

use roxmltree::{Document, Node};
use smoothcam::Rect;

use super::object::Object;

/// Reads a picture's file name and its objects. In the file, boxes are in pixels counted from 1, with
/// both ends included.
pub(super) fn read(text: &str) -> Result<(String, Vec<Object>), String> {
    let document = Document::parse(text).map_err(|e| format!("not an XML file: {e}"))?;
    let root = document.root_element();
    if !root.has_tag_name("annotation") {
        return Err("not in the Pascal VOC format: there is no <annotation>".into());
    }
    let picture = child(root, "filename")?.to_owned();
    let objects = root.children().filter(|n| n.has_tag_name("object")).map(object);
    Ok((picture, objects.collect::<Result<_, _>>()?))
}

fn object(node: Node<'_, '_>) -> Result<Object, String> {
    let bounds =
        node.children().find(|n| n.has_tag_name("bndbox")).ok_or("an object has no <bndbox>")?;
    let number = |name: &str| {
        let text = child(bounds, name)?;
        text.parse::<f64>().map_err(|_| format!("<{name}> is '{text}', expected a number"))
    };
    let (left, top) = (number("xmin")? - 1.0, number("ymin")? - 1.0);
    Ok(Object {
        category: child(node, "name")?.to_owned(),
        bounds: Rect {
            x: left,
            y: top,
            width: number("xmax")? - left,
            height: number("ymax")? - top,
        },
        mask: None,
    })
}

/// Returns the text of the child element of this name.
fn child<'a>(node: Node<'a, '_>, name: &str) -> Result<&'a str, String> {
    let child = node.children().find(|n| n.has_tag_name(name)).and_then(|n| n.text());
    child.map(str::trim).ok_or_else(|| format!("<{}> has no <{name}>", node.tag_name().name()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_box_includes_both_ends() {
        let text = "<annotation><filename> a.jpg </filename><size/><object><name>n02123045</name>\
            <part><bndbox/></part><bndbox><xmin>1</xmin><ymin>3</ymin><xmax>10.0</xmax><ymax>3</ymax></bndbox>\
            </object></annotation>";
        let (picture, objects) = read(text).unwrap();
        assert_eq!((picture.as_str(), objects[0].category.as_str()), ("a.jpg", "n02123045"));
        assert_eq!(objects[0].bounds, Rect { x: 0.0, y: 2.0, width: 10.0, height: 1.0 });
    }

    #[test]
    fn errors_name_the_element() {
        for (text, expected) in [
            ("", "XML"),
            ("<html/>", "no <annotation>"),
            ("<annotation/>", "no <filename>"),
            ("<annotation><filename>a</filename><object/></annotation>", "no <bndbox>"),
            (
                "<annotation><filename>a</filename><object><bndbox><xmin>x</xmin></bndbox></object></annotation>",
                "'x', expected a number",
            ),
        ] {
            let error = read(text).unwrap_err();
            assert!(error.contains(expected), "{error}");
        }
    }
}
