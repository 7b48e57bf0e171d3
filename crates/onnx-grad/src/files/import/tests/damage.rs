//! Tests that damaged files and graphs that contradict themselves are errors.

use super::*;

/// A model of operators that are rewritten as others.
fn rewritten() -> ModelProto {
    let bytes = |name: &str, dims: &[i64]| TensorProto {
        name: name.into(),
        dims: dims.to_vec(),
        data_type: 2,
        raw_data: Some(vec![1; dims.iter().product::<i64>() as usize].into()),
        ..Default::default()
    };
    let floats = |name: &str, dims: &[i64]| TensorProto {
        dims: dims.to_vec(),
        ..float_tensor(name, &vec![1.0; dims.iter().product::<i64>() as usize])
    };
    let three = vec![ints("kernel_shape", &[1, 1, 1]), ints("pads", &[0; 6])];
    let blocks = vec![int("K", 2), int("N", 1), int("bits", 4), int("block_size", 2)];
    let mut nodes = vec![
        node("Conv", &["x", "w"], &["a"], three),
        node("ConvTranspose", &["a", "w"], &["b"], vec![ints("output_shape", &[1, 1, 1])]),
        node(
            "BatchNormalization",
            &["b", "s", "s", "s", "s"],
            &["c"],
            vec![int("training_mode", 1)],
        ),
        node("RoiAlign", &["c", "r", "i"], &["d"], vec![int("sampling_ratio", 0)]),
        node("QuantizeLinear", &["d", "s", "z"], &["e"], vec![]),
        node("QLinearConv", &["e", "s", "z", "k", "s", "z", "s", "z"], &["f"], vec![]),
        node("MatMulNBits", &["f", "p", "s"], &["y"], blocks),
    ];
    nodes[6].domain = "com.microsoft".into();
    let constants = vec![
        floats("w", &[1, 1, 1, 1, 1]),
        floats("s", &[1]),
        floats("r", &[1, 4]),
        int_tensor("i", &[0]),
        bytes("z", &[1]),
        bytes("k", &[1, 1, 1, 1]),
        bytes("p", &[1, 1, 1]),
    ];
    model(21, nodes, constants)
}

#[test]
fn damaged_files_are_errors_or_read_but_never_panic() {
    for sample in [sample(), control_flow::sample(), loops::sample(), rewritten()] {
        let bytes = sample.encode_to_vec();
        for end in 0..bytes.len() {
            let _ = read_bytes(bytes[..end].to_vec());
        }
        for at in 0..bytes.len() {
            for value in [0, 1, 0x7f, 0x80, 0xff, bytes[at] ^ 1, bytes[at] ^ 8] {
                let mut damaged = bytes.clone();
                damaged[at] = value;
                if let Ok(graph) = read_bytes(damaged) {
                    let _ = graph.probe().graph.to_onnx();
                }
            }
        }
    }
    assert!(read(&rewritten()).is_ok());
    assert!(read_bytes(vec![]).is_err());
    assert!(read_bytes(b"<!DOCTYPE html><html>Not found</html>".to_vec()).is_err());
    assert!(read_bytes(vec![0xff; 1000]).is_err());
}

#[test]
fn graphs_that_contradict_themselves_are_errors() {
    #[track_caller]
    fn error(nodes: Vec<NodeProto>, initializers: Vec<TensorProto>, expected: &str) {
        let error = read(&model(13, nodes, initializers)).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
    let relu = |x, y| node("Relu", &[x], &[y], vec![]);
    error(vec![], vec![], "no nodes");
    error(vec![relu("x", "y"), relu("a", "b"), relu("b", "a")], vec![], "not acyclic");
    error(vec![relu("y", "y")], vec![], "not acyclic");
    error(vec![relu("x", "y"), relu("x", "y")], vec![], "defined twice");
    error(vec![relu("x", "x")], vec![], "defined twice");
    error(vec![relu("x", "y")], vec![float_tensor("y", &[1.0])], "defined twice");
    error(vec![relu("x", "y")], vec![float_tensor("", &[1.0])], "no name");
    error(vec![relu("z", "y")], vec![], "nothing computes");
    // An operator that is written in others, with an output that it does not have.
    let hardmax = node("Hardmax", &["x"], &["a", "y"], vec![]);
    error(vec![hardmax], vec![], "no output that 'y' could be");
    error(vec![relu("x", "z")], vec![], "no node computes");
    let w = || float_tensor("w", &[1.0, 2.0]);
    let sized = |dims: &[i64]| vec![TensorProto { dims: dims.to_vec(), ..w() }];
    error(vec![relu("x", "y")], sized(&[3]), "holds 2 elements, expected 3");
    error(vec![relu("x", "y")], sized(&[-2]), "negative dimension");
    error(vec![relu("x", "y")], sized(&[i64::MAX, i64::MAX]), "too large");
    error(vec![relu("x", "y")], vec![TensorProto { data_type: 14, ..w() }], "not supported");
    let truncated = TensorProto { data_type: 10, raw_data: Some(vec![0; 3].into()), ..w() };
    error(vec![relu("x", "y")], vec![truncated], "expected a multiple of 2");
    let old = read(&model(6, vec![relu("x", "y")], vec![])).unwrap_err().to_string();
    assert!(old.contains("opset 6"), "{old}");
}
