//! Lists the gradient rules of all operators in one sorted table.

mod activation;
mod attention;
mod binary_elementwise;
mod causal_conv;
mod col2im;
mod conv;
mod cumulative;
mod deform_conv;
mod determinant;
mod einsum;
mod gather;
mod grid_sample;
mod interpolation;
mod layout;
mod lp_pool;
mod matmul;
mod max_pool;
mod norm;
mod padding;
mod pooling;
mod quantize;
mod recurrent;
mod reduce;
mod resize;
mod rule;
mod sampling;
mod scatter;
mod separable;
mod slice;
mod softmax;
mod top_k;
mod unary_elementwise;
mod view;
mod window;

pub(crate) use padding::implied_pads;
pub(crate) use recurrent::LONGEST_LOOP;
pub(crate) use rule::{Formula, Kind, Rule};
pub(crate) use view::{NodeView, Vjp};

use rule::{Wrt, decompose, decompose_all, rule, stop};

use crate::error::Result;
use crate::graph::{Attribute, Node, UNCLAMPED};
use crate::tape::{Tape, Var};
use crate::tensor::DType;

/// The attributes that all reductions have.
const REDUCTION: &[&str] = &["keepdims", "noop_with_empty_axes"];

#[rustfmt::skip]
static RULES: &[Rule] = &[
    rule("Abs", Wrt::All, &[], unary_elementwise::abs),
    rule("Acos", Wrt::All, &[], unary_elementwise::acos),
    rule("Acosh", Wrt::All, &[], unary_elementwise::acosh),
    rule("Add", Wrt::All, &[], binary_elementwise::sum),
    decompose("AffineGrid", &["align_corners"], grid_sample::affine_grid),
    stop("And"),
    stop("ArgMax"),
    stop("ArgMin"),
    rule("Asin", Wrt::All, &[], unary_elementwise::asin),
    rule("Asinh", Wrt::All, &[], unary_elementwise::asinh),
    rule("Atan", Wrt::All, &[], unary_elementwise::atan),
    rule("Atanh", Wrt::All, &[], unary_elementwise::atanh),
    decompose_all("Attention", &["is_causal", "kv_num_heads", "left_window_size", "q_num_heads", "qk_matmul_output_mode", "right_window_size", "scale", "softcap", "softmax_precision"], attention::attention),
    rule("AveragePool", Wrt::First, &["auto_pad", "ceil_mode", "count_include_pad", "dilations", "kernel_shape", "pads", "strides"], pooling::average_pool).or_decompose(pooling::dilated_average_pool),
    rule("BatchNormalization", Wrt::All, &["epsilon", "momentum", "training_mode"], norm::batch),
    stop("Bernoulli"),
    rule("Cast", Wrt::First, &["to", "saturate", "round_mode"], unary_elementwise::identity),
    rule("CastLike", Wrt::First, &["saturate", "round_mode"], unary_elementwise::identity).with_types_of(&[1]),
    decompose_all("CausalConvWithState", &["activation"], causal_conv::causal_conv),
    stop("Ceil"),
    decompose("Celu", &["alpha"], activation::celu),
    decompose("CenterCropPad", &["axes"], layout::center_crop_pad),
    rule("Clip", Wrt::All, &[], activation::clip),
    decompose("Col2Im", &["dilations", "pads", "strides"], col2im::col2im),
    rule("Concat", Wrt::All, &["axis"], layout::concat),
    stop("ConstantOfShape"),
    rule("Conv", Wrt::All, &["auto_pad", "dilations", "group", "kernel_shape", "pads", "strides"], conv::conv),
    rule("ConvTranspose", Wrt::All, &["auto_pad", "dilations", "group", "kernel_shape", "output_padding", "output_shape", "pads", "strides"], conv::conv_transpose),
    rule("Cos", Wrt::All, &[], unary_elementwise::cos),
    rule("Cosh", Wrt::All, &[], unary_elementwise::cosh),
    decompose("CumProd", &["exclusive", "reverse"], cumulative::prod),
    rule("CumSum", Wrt::First, &["exclusive", "reverse"], cumulative::sum),
    decompose("DeformConv", &["dilations", "group", "kernel_shape", "offset_group", "pads", "strides"], deform_conv::deform_conv),
    rule("DepthToSpace", Wrt::First, &["blocksize", "mode"], layout::depth_to_space),
    rule("DequantizeLinear", Wrt::First, &["axis", "block_size", "output_dtype"], quantize::dequantize),
    decompose("Det", &[], determinant::det),
    rule("Div", Wrt::All, &[], binary_elementwise::div).or_decompose(binary_elementwise::by_one_element),
    decompose("Dropout", &["seed"], unary_elementwise::dropout),
    stop("DynamicQuantizeLinear"),
    rule("Einsum", Wrt::All, &["equation"], einsum::einsum),
    rule("Elu", Wrt::All, &["alpha"], activation::elu),
    stop("Equal"),
    rule("Erf", Wrt::All, &[], unary_elementwise::erf),
    rule("Exp", Wrt::All, &[], unary_elementwise::exp),
    rule("Expand", Wrt::First, &[], layout::expand),
    stop("EyeLike"),
    rule("Flatten", Wrt::All, &["axis"], layout::reshape),
    stop("Floor"),
    decompose_all("GRU", &["activations", "direction", "hidden_size", "layout", "linear_before_reset"], recurrent::gru),
    rule("Gather", Wrt::First, &["axis"], gather::gather),
    rule("GatherElements", Wrt::First, &["axis"], gather::gather_elements),
    rule("GatherND", Wrt::First, &["batch_dims"], gather::gather_nd),
    rule("Gelu", Wrt::All, &["approximate"], activation::gelu),
    rule("Gemm", Wrt::All, &["alpha", "beta", "transA", "transB"], matmul::gemm),
    rule("GlobalAveragePool", Wrt::All, &[], pooling::global_average_pool),
    decompose("GlobalLpPool", &["p"], lp_pool::global_lp_pool),
    rule("GlobalMaxPool", Wrt::All, &[], max_pool::global_max_pool),
    stop("Greater"),
    stop("GreaterOrEqual"),
    decompose("GridSample", &["align_corners", "mode", "padding_mode"], grid_sample::grid_sample),
    decompose("GroupNormalization", &["epsilon", "num_groups", "stash_type"], norm::group),
    rule("HardSigmoid", Wrt::All, &["alpha", "beta"], activation::hard_sigmoid),
    rule("HardSwish", Wrt::All, &[], activation::hard_swish),
    stop("Hardmax"),
    rule("Identity", Wrt::All, &[], unary_elementwise::identity),
    rule("InstanceNormalization", Wrt::All, &["epsilon"], norm::instance),
    stop("IsInf"),
    stop("IsNaN"),
    decompose("LRN", &["alpha", "beta", "bias", "size"], norm::local_response),
    decompose_all("LSTM", &["activations", "direction", "hidden_size", "input_forget", "layout"], recurrent::lstm),
    rule("LayerNormalization", Wrt::All, &["axis", "epsilon", "stash_type"], norm::layer),
    rule("LeakyRelu", Wrt::All, &["alpha"], activation::leaky_relu),
    stop("Less"),
    stop("LessOrEqual"),
    decompose_all("LinearAttention", &["chunk_size", "kv_num_heads", "q_num_heads", "scale", "update_rule"], attention::linear),
    rule("Log", Wrt::All, &[], unary_elementwise::log),
    rule("LogSoftmax", Wrt::All, &["axis"], softmax::log_softmax),
    decompose("LpNormalization", &["axis", "p"], norm::lp),
    decompose("LpPool", &["auto_pad", "ceil_mode", "dilations", "kernel_shape", "p", "pads", "strides"], lp_pool::lp_pool),
    rule("MatMul", Wrt::All, &[], matmul::matmul).or_decompose(matmul::by_computed_vector),
    rule("Max", Wrt::All, &[], binary_elementwise::extremum),
    rule("MaxPool", Wrt::First, &["auto_pad", "ceil_mode", "dilations", "kernel_shape", "pads", "storage_order", "strides"], max_pool::max_pool).or_decompose(max_pool::dilated_max_pool),
    rule("Mean", Wrt::All, &[], binary_elementwise::mean),
    decompose("MeanVarianceNormalization", &["axes"], norm::mean_variance),
    rule("Min", Wrt::All, &[], binary_elementwise::extremum),
    decompose("Mish", &[], activation::mish),
    rule("Mod", Wrt::All, &["fmod"], binary_elementwise::modulo),
    rule("Mul", Wrt::All, &[], binary_elementwise::mul),
    stop("Multinomial"),
    rule("Neg", Wrt::All, &[], unary_elementwise::neg),
    stop("NonZero"),
    stop("Not"),
    stop("OneHot"),
    stop("Or"),
    rule("PRelu", Wrt::All, &[], activation::prelu),
    rule("Pad", Wrt::Inputs(&[0, 2]), &["mode"], slice::pad).or_decompose(slice::repeated),
    rule("Pow", Wrt::All, &[], binary_elementwise::pow).or_decompose(binary_elementwise::by_one_element),
    rule("QuantizeLinear", Wrt::First, &["axis", "block_size", UNCLAMPED, "output_dtype", "precision", "saturate"], quantize::quantize),
    rule("RMSNormalization", Wrt::All, &["axis", "epsilon", "stash_type"], norm::root_mean_square),
    decompose_all("RNN", &["activations", "direction", "hidden_size", "layout"], recurrent::rnn),
    stop("RandomNormal"),
    stop("RandomNormalLike"),
    stop("RandomUniform"),
    stop("RandomUniformLike"),
    stop("Range"),
    rule("Reciprocal", Wrt::All, &[], unary_elementwise::reciprocal),
    rule("ReduceL1", Wrt::First, REDUCTION, reduce::l1),
    rule("ReduceL2", Wrt::First, REDUCTION, reduce::l2),
    rule("ReduceLogSum", Wrt::First, REDUCTION, reduce::log_sum),
    rule("ReduceLogSumExp", Wrt::First, REDUCTION, reduce::log_sum_exp),
    rule("ReduceMax", Wrt::First, REDUCTION, reduce::extremum),
    rule("ReduceMean", Wrt::First, REDUCTION, reduce::mean),
    rule("ReduceMin", Wrt::First, REDUCTION, reduce::extremum),
    rule("ReduceProd", Wrt::First, REDUCTION, reduce::prod),
    rule("ReduceSum", Wrt::First, REDUCTION, reduce::sum),
    rule("ReduceSumSquare", Wrt::First, REDUCTION, reduce::sum_square),
    rule("Relu", Wrt::All, &[], activation::relu),
    rule("Reshape", Wrt::First, &["allowzero"], layout::reshape),
    rule("Resize", Wrt::First, &["antialias", "axes", "coordinate_transformation_mode", "cubic_coeff_a", "exclude_outside", "extrapolation_value", "keep_aspect_ratio_policy", "mode", "nearest_mode"], resize::resize).or_decompose(resize::portable),
    decompose("ReverseSequence", &["batch_axis", "time_axis"], layout::reverse_sequence),
    decompose("RotaryEmbedding", &["interleaved", "num_heads", "rotary_embedding_dim"], attention::rotary),
    stop("Round"),
    rule("ScatterElements", Wrt::Inputs(&[0, 2]), &["axis", "reduction"], scatter::scatter_elements).or_decompose(scatter::partial_scatter),
    rule("ScatterND", Wrt::Inputs(&[0, 2]), &["reduction"], scatter::scatter_nd),
    decompose("Selu", &["alpha", "gamma"], activation::selu),
    stop("Shape"),
    decompose("Shrink", &["bias", "lambd"], activation::shrink),
    rule("Sigmoid", Wrt::All, &[], activation::sigmoid),
    stop("Sign"),
    rule("Sin", Wrt::All, &[], unary_elementwise::sin),
    rule("Sinh", Wrt::All, &[], unary_elementwise::sinh),
    stop("Size"),
    rule("Slice", Wrt::First, &[], slice::slice),
    rule("Softmax", Wrt::All, &["axis"], softmax::softmax),
    rule("Softplus", Wrt::All, &[], activation::softplus),
    rule("Softsign", Wrt::All, &[], activation::softsign),
    rule("Split", Wrt::First, &["axis", "num_outputs"], layout::split),
    rule("Sqrt", Wrt::All, &[], unary_elementwise::sqrt),
    rule("Squeeze", Wrt::First, &[], layout::reshape),
    rule("Sub", Wrt::All, &[], binary_elementwise::sub),
    rule("Sum", Wrt::All, &[], binary_elementwise::sum),
    decompose("SwiGLU", &["alpha"], activation::swiglu),
    decompose("Swish", &["alpha"], activation::swish),
    rule("Tan", Wrt::All, &[], unary_elementwise::tan),
    rule("Tanh", Wrt::All, &[], unary_elementwise::tanh),
    decompose("ThresholdedRelu", &["alpha"], activation::thresholded_relu),
    rule("Tile", Wrt::First, &[], layout::tile),
    rule("TopK", Wrt::First, &["axis", "largest", "sorted"], top_k::top_k),
    rule("Transpose", Wrt::All, &["perm"], layout::transpose),
    rule("Trilu", Wrt::First, &["upper"], layout::trilu),
    rule("Unsqueeze", Wrt::First, &[], layout::reshape),
    rule("Where", Wrt::Inputs(&[1, 2]), &[], binary_elementwise::choice),
    stop("Xor"),
    decompose("com.microsoft.Attention", &["do_rotary", "mask_filter_value", "num_heads", "past_present_share_buffer", "qkv_hidden_sizes", "scale", "unidirectional"], attention::projected),
    decompose("com.microsoft.BiasGelu", &[], activation::gelu_of_sum),
    decompose("com.microsoft.FastGelu", &[], activation::fast_gelu),
    decompose("com.microsoft.FusedMatMul", &["alpha", "transA", "transB", "transBatchA", "transBatchB"], matmul::fused),
    decompose("com.microsoft.Gelu", &[], activation::gelu_of_sum),
    decompose("com.microsoft.MultiHeadAttention", &["mask_filter_value", "num_heads", "scale", "unidirectional"], attention::multi_head),
    decompose("com.microsoft.QuickGelu", &["alpha"], activation::quick_gelu),
];

fn lookup(node: &Node) -> Option<&'static Rule> {
    let op = node.qualified_op();
    RULES.binary_search_by(|r| r.op.cmp(&op)).ok().map(|i| &RULES[i])
}

/// The rule for a node.
///
/// # Errors
/// If there is none, or if it does not take one of the node's attributes into account.
pub(crate) fn find(node: &Node) -> Result<&'static Rule> {
    let rule = lookup(node).ok_or_else(|| node.unsupported("there is no gradient rule for it"))?;
    let known = |name: &String| rule.attributes.contains(&name.as_str());
    match node.attributes.iter().find(|(name, _)| !known(name)) {
        Some((name, _)) if !matches!(rule.kind, Kind::Stop) => {
            Err(node.unsupported(format!("its gradient rule does not support attribute '{name}'")))
        }
        _ => Ok(rule),
    }
}

/// A node's outputs, as far as they can be written in operators that every engine computes; `None`
/// if the node itself is such an operator.
///
/// # Errors
/// If the node must be decomposed, but has options that are not supported.
pub(crate) fn decomposition<'g>(tape: &'g Tape, node: &Node) -> Result<Option<Vec<Var<'g>>>> {
    let view = NodeView { tape, node: node.clone() };
    match lookup(node) {
        Some(Rule { kind: Kind::Decomposition(formula), .. }) => {
            find(node).and_then(|_| formula.outputs(&view)).map(Some)
        }
        Some(Rule { optional: Some(formula), .. }) => Ok(formula(&view)?.map(|y| vec![y])),
        _ => Ok(None),
    }
}

/// Whether a node's operator is always decomposed.
pub(crate) fn is_decomposed(node: &Node) -> bool {
    lookup(node).is_some_and(|r| matches!(r.kind, Kind::Decomposition(_)))
}

/// Whether a gradient can pass a node to its input `i`. Of operators without a rule it is assumed
/// that it can.
pub(crate) fn passes_gradient(node: &Node, i: usize) -> bool {
    let to_integer = match node.attribute("to") {
        Some(Attribute::Int(to)) => node.op == "Cast" && *to != DType::F32 as i64,
        _ => false,
    };
    let stops = |rule: &Rule| matches!(rule.kind, Kind::Stop) || rule.type_only.contains(&i);
    !to_integer && !lookup(node).is_some_and(stops)
}

/// All operators of the table, with the way in which a gradient passes each.
pub(crate) fn operators() -> impl Iterator<Item = (&'static str, &'static str)> {
    RULES.iter().map(|rule| {
        let how = match rule.kind {
            Kind::Vjp(..) => "rule",
            Kind::Decomposition(_) => "decomposition",
            Kind::Stop => "no gradient",
        };
        (rule.op, how)
    })
}

#[cfg(test)]
pub(crate) mod tests;
