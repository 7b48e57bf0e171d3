//! The operator that pairs scores with classes, or names the best class, lists the classes' names.

use onnx_grad::{Attribute, Graph, Node};

use super::labels::ClassNames;
use super::source::Source;

/// The classes' names as `ZipMap` or `LabelEncoder` of ONNX's ML operators have them, as in models of scikit-learn and of
/// Azure's Custom Vision; `None` if there are none, or if each class is called by its index.
pub(crate) fn class_list(graph: &Graph) -> Option<Source> {
    let named = graph.nodes().find_map(|(_, node)| Some((node, names(node)?)));
    let (node, names) = named?;
    let by_index = names.iter().enumerate().all(|(index, name)| *name == index.to_string());
    (!by_index).then(|| Source {
        name: format!("the model's {}", node.op),
        labels: Some(ClassNames::split(names)),
        ..Source::default()
    })
}

/// The names that a node lists, in the order of the scores.
fn names(node: &Node) -> Option<Vec<String>> {
    let strings = |name| match node.attribute(name) {
        Some(Attribute::Strings(names)) => Some(names.clone()),
        _ => None,
    };
    let ints = |name| match node.attribute(name) {
        Some(Attribute::Ints(ints)) => Some(ints.clone()),
        _ => None,
    };
    match node.op.as_str() {
        "ZipMap" => strings("classlabels_strings").or_else(|| {
            let numbers = ints("classlabels_int64s")?;
            Some(numbers.iter().map(ToString::to_string).collect())
        }),
        // The keys are the classes' indices.
        "LabelEncoder" => {
            let numbered =
                || Some(ints("values_int64s")?.iter().map(ToString::to_string).collect());
            let (keys, values) =
                (ints("keys_int64s")?, strings("values_strings").or_else(numbered)?);
            let mut pairs: Vec<(i64, String)> = keys.into_iter().zip(values).collect();
            pairs.sort();
            let in_order = (0..).zip(&pairs).all(|(index, (key, _))| index == *key);
            in_order.then(|| pairs.into_iter().map(|(_, name)| name).collect())
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use onnx_grad::{DType, Tape};

    use super::*;

    #[test]
    fn labels_are_read_off_operators() {
        let strings = |names: &[&str]| {
            Attribute::Strings(names.iter().map(|name| (*name).to_owned()).collect())
        };
        for (op, attributes, expected) in [
            (
                "ZipMap",
                vec![("classlabels_strings", strings(&["cat", "dog"]))],
                &["cat", "dog"][..],
            ),
            ("ZipMap", vec![("classlabels_int64s", Attribute::Ints(vec![3, 8]))], &["3", "8"]),
            ("ZipMap", vec![("classlabels_int64s", Attribute::Ints(vec![0, 1]))], &[]),
            (
                "LabelEncoder",
                vec![
                    ("keys_int64s", Attribute::Ints(vec![1, 0])),
                    ("values_strings", strings(&["dog", "cat"])),
                ],
                &["cat", "dog"],
            ),
            (
                "LabelEncoder",
                vec![
                    ("keys_int64s", Attribute::Ints(vec![0, 1])),
                    ("values_int64s", Attribute::Ints(vec![3, 8])),
                ],
                &["3", "8"],
            ),
            (
                "LabelEncoder",
                vec![
                    ("keys_int64s", Attribute::Ints(vec![5, 7])),
                    ("values_strings", strings(&["dog", "cat"])),
                ],
                &[],
            ),
            ("Relu", vec![], &[]),
        ] {
            let tape = Tape::new(Graph::new());
            let x = tape.input("x", &[1, 2]);
            tape.op(op, &[Some(x)], &attributes, DType::F32, vec![1, 2]);
            let source = class_list(&tape.into_graph().unwrap());
            let labels = source.and_then(|s| s.labels).unwrap_or_default().labels;
            assert_eq!(labels, expected, "{op} {attributes:?}");
        }
    }
}
