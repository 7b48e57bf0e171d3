use onnx_grad::{Tape, Var};

use super::*;

type Make = fn(Var<'_>) -> Vec<(&'static str, ValueId)>;

/// What is chosen of the outputs that `make` writes and names, with five labels known.
fn chosen(make: Make, name: Option<&str>) -> Result<String> {
    let tape = Tape::new(Graph::new());
    let y = tape.input("picture", &[1, 5]) * 2.0;
    let outputs = make(y);
    let mut graph = tape.into_graph().unwrap();
    for (name, id) in &outputs {
        graph.rename(*id, name);
    }
    graph.set_outputs(&outputs.iter().map(|(_, id)| *id).collect::<Vec<_>>());
    let found = choose(&graph, name, &[5])?;
    let note = if found.note.is_some() { ", noted" } else { "" };
    Ok(format!("{}{note}", graph.value(found.value).name))
}

fn argmax(y: Var<'_>) -> ValueId {
    y.tape().op("ArgMax", &[Some(y)], &[], DType::I64, vec![1, 1]).id()
}

fn normalised(y: Var<'_>, p: i64) -> ValueId {
    let attributes = [("p", Attribute::Int(p))];
    y.tape().op("LpNormalization", &[Some(y)], &attributes, DType::F32, vec![1, 5]).id()
}

#[test]
fn scores_are_told_from_other_outputs() {
    let unit: Make = |y| {
        let norm = y.squared().sum(&[1]).sqrt();
        vec![("y", (y / norm).id())]
    };
    for (make, name, expected) in [
        ((|y| vec![("y", y.id())]) as Make, None, Ok("y")),
        (
            |y| vec![("label", argmax(y)), ("probabilities", y.softmax(1).id())],
            None,
            Ok("probabilities, noted"),
        ),
        (|y| vec![("embedding", (y * 3.0).id()), ("logits", y.id())], None, Ok("logits, noted")),
        (|y| vec![("a", (y + 1.0).id()), ("b", y.softmax(1).id())], None, Ok("b, noted")),
        (|y| vec![("a", (y + 1.0).id()), ("b", y.softmax(1).id())], Some("a"), Ok("a")),
        (|y| vec![("aux_out", (y + 1.0).id()), ("main_out", y.id())], None, Ok("main_out, noted")),
        (|y| vec![("embedding", y.id())], Some("embedding"), Ok("embedding")),
        (|y| vec![("embedding", y.id())], None, Err("'embedding' is an embedding")),
        (unit, None, Err("scaled to unit length")),
        (
            |y| {
                let norm = y.squared().sum(&[1]).sqrt();
                let scale = (1.0 / norm).binary("Min", y.tape().scalar(1e6));
                vec![("y", (y * scale).id())]
            },
            None,
            Err("scaled to unit length"),
        ),
        (|y| vec![("y", normalised(y, 1))], None, Ok("y")),
        (|y| vec![("y", normalised(y, 2))], None, Err("scaled to unit length")),
        (|y| vec![("y", y.id())], Some("z"), Err("no output 'z'")),
        (
            |y| {
                let op = |op, of| y.tape().op(op, &[Some(of)], &[], DType::F32, vec![1, 5]);
                vec![("scores", op("Gather", op("NonMaxSuppression", y)).id())]
            },
            None,
            Err("'scores' is of boxes"),
        ),
    ] {
        match (chosen(make, name), expected) {
            (Ok(found), Ok(expected)) => assert_eq!(found, expected),
            (Err(e), Err(words)) => assert!(e.to_string().contains(words), "{e}"),
            (found, expected) => panic!("{found:?}, expected {expected:?}"),
        }
    }
    // Of the index of the best class, the scores that it is taken of.
    let found = chosen(|y| vec![("label", argmax(y.exp()))], None).unwrap();
    assert!(found.ends_with(", noted") && !found.contains("label"), "{found}");
}
