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
    fn outer_modules_may_be_left_out() {
        let node = node("net/conv5/conv5_out/Relu", &[]);
        for (module, expected) in
            [("net", true), ("net.conv5", true), ("conv5_out", true), ("out", false)]
        {
            assert_eq!(is_in(&node, module), expected, "{module}");
        }
    }
}
