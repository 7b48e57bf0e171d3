//! Layers are named after the modules that compute them.

use onnx_grad::Node;

/// The modules that a node is part of, outermost first: those that the exporter recorded, else those in its name, so that
/// `/layer4/layer4.2/relu/Relu` is in `layer4`, `layer4.2` and `layer4.2.relu`. A node that was fused from several
/// (TensorFlow Lite's `a/Relu;b/Add`) is where the first of them was.
pub(super) fn modules(node: &Node) -> Vec<String> {
    if let [modules @ .., _operator] = node.scopes.as_slice() {
        return modules.to_vec();
    }
    let mut parts: Vec<&str> = node
        .name
        .split(';')
        .next()
        .unwrap_or_default()
        .split('/')
        .filter(|p| !p.is_empty())
        .collect();
    parts.pop();
    let mut modules: Vec<String> = Vec::new();
    let mut before = "";
    for part in parts {
        // PyTorch names the members of `blocks` `blocks.0`, `blocks.1`, wherever `blocks` is.
        let member = part.strip_prefix(before).filter(|rest| rest.starts_with('.'));
        modules.push(match (modules.last(), member) {
            (Some(outer), Some(member)) => format!("{outer}{member}"),
            (Some(outer), None) => format!("{outer}.{part}"),
            (None, _) => part.to_owned(),
        });
        before = part;
    }
    modules
}

/// Whether a node is part of the module of this name; the outermost names may be left out.
pub(super) fn is_in(node: &Node, module: &str) -> bool {
    modules(node).iter().any(|m| m == module || m.ends_with(&format!(".{module}")))
}

/// The path that leads to the part of this name, `net/conv5_out` of `net/conv5_out/Relu:0`; of names of several operators that
/// were fused, the first that has the part. Keras 3 numbers layers: `conv5_out_1` is `conv5_out`, too.
pub(super) fn path_to<'a>(path: &'a str, name: &str) -> Option<&'a str> {
    let numbered = |part: &str| {
        let number = part.strip_prefix(name).and_then(|rest| rest.strip_prefix('_'));
        number.is_some_and(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()))
    };
    path.split(';').find_map(|path| {
        let mut end = 0;
        path.split('/').find_map(|part| {
            end += part.len() + 1;
            let part = part.split(':').next().unwrap_or_default();
            let is_named = part == name || numbered(part);
            (is_named && !name.is_empty()).then(|| &path[..(end - 1).min(path.len())])
        })
    })
}

/// The three of these names that are most similar to a name.
pub(super) fn nearest(mut names: Vec<String>, name: &str) -> Vec<String> {
    names.sort();
    names.dedup();
    let similarity = |n: &String| (strsim::jaro_winkler(n, name) * 1e6) as i64;
    names.sort_by_key(|n| -similarity(n));
    names.truncate(3);
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(name: &str, scopes: &[&str]) -> Node {
        let mut node = Node::default();
        node.name = name.into();
        node.scopes = scopes.iter().map(|s| (*s).to_owned()).collect();
        node
    }

    #[test]
    fn modules_are_read_from_node_names() {
        for (name, expected) in [
            ("/layer4/layer4.2/relu/Relu", vec!["layer4", "layer4.2", "layer4.2.relu"]),
            (
                "/features/features.0/features.0.0/Conv",
                vec!["features", "features.0", "features.0.0"],
            ),
            (
                "/layers/layers.0/blocks/blocks.1/Add",
                vec!["layers", "layers.0", "layers.0.blocks", "layers.0.blocks.1"],
            ),
            ("net/conv5_block3_out/Relu", vec!["net", "net.conv5_block3_out"]),
            ("net/conv1/Relu6;net/bn/add_1;net/conv1/conv", vec!["net", "net.conv1"]),
            ("Conv_12", vec![]),
        ] {
            let node = node(name, &[]);
            assert_eq!(modules(&node), expected, "{name}");
        }
        let node = node("node_cat_61", &["features", "features.denseblock4", "cat_61"]);
        assert_eq!(modules(&node), ["features", "features.denseblock4"]);
    }

    #[test]
    fn parts_of_paths_are_found() {
        for (path, name, expected) in [
            ("net/conv5_out/Relu:0", "conv5_out", Some("net/conv5_out")),
            ("net/conv5_out/Relu:0", "Relu", Some("net/conv5_out/Relu:0")),
            ("call/net_1/conv5_out_1/Relu", "conv5_out", Some("call/net_1/conv5_out_1")),
            ("net/conv1/conv;net/bn/add", "bn", Some("net/bn")),
            ("net/conv5_out_x/Relu", "conv5_out", None),
            ("net/conv5_out_/Relu", "conv5_out", None),
            ("", "conv5_out", None),
            ("/conv1/Conv", "", None),
        ] {
            assert_eq!(path_to(path, name), expected, "{path} {name}");
        }
    }

    #[test]
    fn outer_modules_may_be_left_out() {
        let node = node("net/conv5/conv5_out/Relu", &[]);
        for (module, expected) in
            [("net", true), ("net.conv5", true), ("conv5_out", true), ("out", false)]
        {
            assert_eq!(is_in(&node, module), expected, "{module}");
        }
    }
}
