//! Writes what engines lack, or do otherwise than the standard says, in operators that all have.

use crate::error::Result;
use crate::graph::{Attribute, Graph, Node, ValueId};
use crate::rules;
use crate::tape::{Tape, Var};
use crate::vjp::At;

impl Graph {
    /// Writes the graph in operators that every engine has, in a form that leaves nothing to it.
    /// The shapes must have been learnt. Nodes that no output needs stay as they are.
    ///
    /// # Errors
    /// If a node's options are not supported.
    pub fn decompose(mut self) -> Result<Graph> {
        let needed = self.ancestors(&self.outputs);
        let nodes = std::mem::take(&mut self.nodes);
        let tape = Tape::new(self);
        for mut node in nodes {
            if !node.outputs.iter().flatten().any(|v| needed[v.0]) {
                tape.push(node);
                continue;
            }
            tape.set_scope(&node.name);
            let at = At { tape: &tape, node: node.clone() };
            if let Some(pads) = rules::implied_pads(&at)? {
                node.take_attribute("auto_pad");
                node.set_attribute("pads", Attribute::Ints(pads));
            }
            match (rules::written_otherwise(&tape, &node)?, node.outputs.first()) {
                (Some(y), Some(Some(output))) => tape.alias(y, *output, &node)?,
                _ => tape.push(node),
            }
        }
        tape.set_scope("");
        tape.into_graph()
    }
}

impl Tape {
    /// Makes `output`, which `node` computed before, another name of `y`.
    fn alias(&self, y: Var<'_>, output: ValueId, node: &Node) -> Result<()> {
        self.check()?;
        let (found, learnt) = (y.shape(), self.var(output).shape());
        if found != learnt {
            let what = format!("it should have the shape {found:?}, and has {learnt:?}");
            return Err(node.unsupported(what));
        }
        self.push(Node {
            op: "Identity".into(),
            domain: String::new(),
            inputs: vec![Some(y.id)],
            outputs: vec![Some(output)],
            attributes: vec![],
            ..node.clone()
        });
        Ok(())
    }
}

/// What has the shape of a node that an engine may lack or refuse; `None` where the node itself
/// will do.
pub(crate) fn stand_in(node: &Node) -> Option<Node> {
    let like = |op: &str| Node { op: op.into(), domain: String::new(), ..node.clone() };
    match node.qualified_op().as_str() {
        "Resize" => Some(resized(node)),
        "Attention" => None,
        // The padding makes up for them, and ONNX Runtime refuses the two together.
        "Conv" if matches!(node.attribute("auto_pad"), Some(Attribute::String(s)) if s.starts_with("SAME")) =>
        {
            let mut same = node.clone();
            same.take_attribute("dilations").map(|_| same)
        }
        "AveragePool" | "MaxPool" if node.attribute("dilations").is_some() => Some(spread(node)),
        "LpPool" => {
            let mut mean = like("AveragePool");
            mean.take_attribute("p");
            Some(spread(&mean))
        }
        "com.microsoft.FusedMatMul" => Some(product(like)),
        "GridSample" => Some(Node { attributes: vec![], ..node.clone() }),
        "GlobalLpPool" => Some(Node { attributes: vec![], ..like("GlobalAveragePool") }),
        _ if rules::is_decomposed(node) => {
            let inputs = node.inputs.iter().copied().take(1).collect();
            Some(Node { inputs, attributes: vec![], ..like("Identity") })
        }
        _ => None,
    }
}

/// A matrix product of arguments that may be turned.
fn product(like: impl Fn(&str) -> Node) -> Node {
    let fused = like("Einsum");
    let is = |name| fused.attribute(name).is_some_and(|a| *a != Attribute::Int(0));
    let term = |row, column, matrix, batch| {
        let (first, second) = if is(matrix) { (column, row) } else { (row, column) };
        if is(batch) { format!("{first}...{second}") } else { format!("...{first}{second}") }
    };
    let (a, b) = (term("i", "k", "transA", "transBatchA"), term("k", "j", "transB", "transBatchB"));
    if (a.as_str(), b.as_str()) == ("...ik", "...kj") {
        return Node { attributes: vec![], ..like("MatMul") };
    }
    let equation = Attribute::String(format!("{a},{b}->...ij"));
    Node { attributes: vec![("equation".into(), equation)], ..fused }
}

/// A pooling whose kernel has no gaps, but the same extent.
fn spread(node: &Node) -> Node {
    let mut spread = node.clone();
    if let (Some(Attribute::Ints(dilations)), Some(Attribute::Ints(kernel))) =
        (spread.take_attribute("dilations"), node.attribute("kernel_shape"))
    {
        let extent =
            |(k, d): (&i64, &i64)| k.saturating_sub(1).saturating_mul(*d).saturating_add(1);
        let kernel = kernel.iter().zip(&dilations).map(extent).collect();
        spread.set_attribute("kernel_shape", Attribute::Ints(kernel));
    }
    spread
}

/// The interpolation that all engines have.
fn resized(node: &Node) -> Node {
    let mut nearest = node.clone();
    nearest.attributes.retain(|(name, _)| name == "axes" || name == "keep_aspect_ratio_policy");
    match node.inputs.get(3) {
        Some(Some(sizes)) if nearest.attributes.is_empty() => {
            Node { op: "ConstantOfShape".into(), inputs: vec![Some(*sizes)], ..nearest }
        }
        _ => nearest,
    }
}
