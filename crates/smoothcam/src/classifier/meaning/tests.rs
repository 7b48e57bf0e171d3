use onnx_grad::{DType, Tape, Tensor, Var};

use super::*;
use crate::engine::{self, EngineOptions};

type Tail = fn(Var<'_>) -> Var<'_>;

fn half<'g>(y: Var<'g>) -> Var<'g> {
    y * 0.5
}

/// The logits of a head of four classes, and what a graph makes of them.
fn told(tail: Tail, said: Option<Said>) -> (bool, Head) {
    let tape = Tape::new(Graph::new());
    let x = tape.input("x", &[1, 3]);
    let weights: Vec<f32> = (0..12).map(|i| (i * 7 % 5) as f32 * 0.3 - 0.5).collect();
    let y = x.matmul(tape.constant(Tensor::from_f32s(&[3, 4], &weights).unwrap()));
    let output = tail(y);
    let (x, y, output) = (x.id(), y.id(), output.id());
    let mut graph = tape.into_graph().unwrap();
    graph.set_outputs(&[output]);
    let engine = engine::open(&EngineOptions::default(), graph.take_weights()).unwrap();
    let found = meaning(graph, &*engine, x, output, 4, said).unwrap();
    (found.score == y, found.head)
}

#[test]
fn softmax_is_taken_once() {
    let by_hand: Tail = |y| {
        let e = (y - y.reduce("ReduceMax", &[1])).exp();
        e / e.sum(&[1])
    };
    for (what, tail, logits, head) in [
        ("logits", (|y| y + 1.0) as Tail, false, Head::Softmax),
        ("softmax", |y| y.softmax(1), true, Head::Softmax),
        (
            "softmax, flattened",
            |y| y.reshape(&[1, 4, 1, 1]).softmax(1).reshape(&[4]),
            false,
            Head::Softmax,
        ),
        ("clipped", |y| y.softmax(1).binary("Max", y.tape().scalar(1e-7)), true, Head::Softmax),
        ("exp(log_softmax)", |y| y.softmax(1).ln().exp(), false, Head::Probabilities),
        ("exp / sum", by_hand, true, Head::Softmax),
        ("mean of two", |y| (y.softmax(1) + half(y).softmax(1)) * 0.5, false, Head::Probabilities),
        (
            "behind an operator that rten lacks",
            |y| {
                let y = y.tape().op("Mish", &[Some(y)], &[], DType::F32, vec![1, 4]);
                (y.softmax(1) + half(y).softmax(1)) * 0.5
            },
            false,
            Head::Probabilities,
        ),
        ("sigmoid", |y| y.sigmoid(), true, Head::Sigmoid),
        ("1 - sigmoid", |y| 1.0 - y.sigmoid(), false, Head::Sigmoid),
        (
            "sigmoids, joined",
            |y| {
                let parts = [y.slice(1, 0, 1, 1), y.slice(1, 1, 3, 1)].map(|p| p.sigmoid());
                y.tape().concat(&parts, 1)
            },
            false,
            Head::Sigmoid,
        ),
        (
            "two heads",
            |y| {
                let parts = [y.slice(1, 0, 2, 1), y.slice(1, 2, 2, 1)].map(|p| p.softmax(1));
                y.tape().concat(&parts, 1)
            },
            false,
            Head::Probabilities,
        ),
        (
            "groups",
            |y| y.reshape(&[1, 2, 2]).softmax(2).reshape(&[1, 4]),
            false,
            Head::Probabilities,
        ),
        ("scaled", |y| y.sigmoid() * 3.0, false, Head::Softmax),
    ] {
        let (at_logits, found) = told(tail, None);
        assert_eq!(found, head, "{what}");
        if logits {
            assert!(at_logits, "{what}");
        }
    }
}

/// The scores of `[1 - p, p]` and the like for two pictures, of which p is the sigmoid of the pictures' two values' sum.
fn scores_of(tail: Tail) -> Vec<f32> {
    let tape = Tape::new(Graph::new());
    let x = tape.input("x", &[2, 2]);
    let output = tail(x.sum(&[1]));
    let (x, output) = (x.id(), output.id());
    let mut graph = tape.into_graph().unwrap();
    graph.set_outputs(&[output]);
    let engine = engine::open(&EngineOptions::default(), graph.take_weights()).unwrap();
    let found = meaning(graph, &*engine, x, output, 2, None).unwrap();
    assert_eq!(found.head, Head::Sigmoid);
    let mut graph = found.graph;
    graph.set_outputs(&[found.score]);
    let name = graph.value(found.score).name.clone();
    let session = engine.load(&graph, Runs::Once).unwrap();
    let pictures = ndarray::array![[1.0, 2.0], [-0.5, 0.25]].into_dyn();
    match session.run(&[("x", pictures.view())], &[&name]).unwrap().remove(0) {
        Array::Floats(scores) => scores.into_iter().collect(),
        Array::Ints(_) => panic!("scores are floats"),
    }
}

#[test]
fn both_classes_of_one_sigmoid_have_logits() {
    let [z, w] = [3.0, -0.25];
    for (what, tail, expected) in [
        (
            "[1 - p, p]",
            (|z| {
                let p = z.sigmoid();
                z.tape().concat(&[1.0 - p, p], 1)
            }) as Tail,
            [-z, z, -w, w],
        ),
        (
            "[p, 1 - p], stacked, clipped",
            |z| {
                let p = z.sigmoid().reshape(&[2]);
                let parts = [p, 1.0 - p].map(|p| p.reshape(&[2, 1]));
                z.tape().concat(&parts, 1).binary("Max", z.tape().scalar(1e-7))
            },
            [z, -z, w, -w],
        ),
    ] {
        assert_eq!(scores_of(tail), expected, "{what}");
    }
}

#[test]
fn what_is_said_counts() {
    let softmax: Tail = |y| y.softmax(1);
    for (tail, said, expected) in [
        (half as Tail, Some((Scores::Sigmoid, true)), (false, Head::Sigmoid)),
        (half, Some((Scores::Sigmoid, false)), (false, Head::Sigmoid)),
        (half, Some((Scores::Probabilities, true)), (false, Head::Probabilities)),
        (softmax, Some((Scores::Probabilities, true)), (true, Head::Softmax)),
        (softmax, Some((Scores::Softmax, true)), (true, Head::Softmax)),
        (softmax, Some((Scores::Logits, true)), (false, Head::Softmax)),
        (softmax, Some((Scores::Sigmoid, true)), (false, Head::Sigmoid)),
        // A file speaks of logits, which are inside.
        (softmax, Some((Scores::Sigmoid, false)), (true, Head::Softmax)),
    ] {
        let said = said.map(|(scores, by_user)| Said { scores, by_user });
        assert_eq!(told(tail, said), expected, "{said:?}");
    }
}
