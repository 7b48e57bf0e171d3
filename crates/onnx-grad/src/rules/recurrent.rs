//! Decomposes recurrent layers: RNN, LSTM and GRU, step by step.

use super::view::NodeView;
use crate::error::Result;
use crate::graph::Attribute;
use crate::tape::Var;
use crate::tensor::Tensor;

/// The most steps of a loop, as each becomes nodes of its own.
pub(crate) const LONGEST_LOOP: usize = 1 << 10;

/// h' = f(W x + R h + b).
pub(super) fn rnn<'g>(n: &NodeView<'g>) -> Result<Vec<Var<'g>>> {
    unrolled(n, &["Tanh"], 1, |cell, x, state| {
        Ok(vec![cell.apply(0, x + cell.recurrent(state[0]))?])
    })
}

/// c' = f c + i g and h' = o h(c'), where the gates i, o, f and g are functions of W x + R h + b,
/// and i and f of c, o of c' through peepholes.
pub(super) fn lstm<'g>(n: &NodeView<'g>) -> Result<Vec<Var<'g>>> {
    if n.int("input_forget", 0) != 0 {
        return Err(n.unsupported("input_forget 1 is not supported"));
    }
    unrolled(n, &["Sigmoid", "Tanh", "Tanh"], 4, |cell, x, state| {
        let (h, c) = (state[0], state[1]);
        let gates = x + cell.recurrent(h);
        let seeing = |gate: usize, peephole: usize, c: Var<'g>| {
            let gate = cell.part(gates, gate);
            cell.peepholes.map_or(gate, |p| gate + cell.part(p, peephole) * c)
        };
        let (input, forget) = (cell.apply(0, seeing(0, 0, c))?, cell.apply(0, seeing(2, 2, c))?);
        let next = forget * c + input * cell.apply(1, cell.part(gates, 3))?;
        let output = cell.apply(0, seeing(1, 1, next))?;
        Ok(vec![output * cell.apply(2, next)?, next])
    })
}

/// h' = (1 - z) g + z h, where the gates z and r are functions of W x + R h + b, and g one of
/// W x + R (r h) + b, or of W x + r (R h + b) with `linear_before_reset`.
pub(super) fn gru<'g>(n: &NodeView<'g>) -> Result<Vec<Var<'g>>> {
    let linear = n.int("linear_before_reset", 0) != 0;
    unrolled(n, &["Sigmoid", "Tanh"], 3, |cell, x, state| {
        let h = state[0];
        let recurrent = cell.recurrent(h);
        let gate = |i| cell.apply(0, cell.part(x, i) + cell.part(recurrent, i));
        let (update, reset) = (gate(0)?, gate(1)?);
        let candidate = if linear {
            reset * cell.part(recurrent, 2)
        } else {
            cell.part(cell.recurrent(reset * h), 2)
        };
        let candidate = cell.apply(1, cell.part(x, 2) + candidate)?;
        Ok(vec![(1.0 - update) * candidate + update * h])
    })
}

/// The weights of one direction.
struct Cell<'a, 'g> {
    n: &'a NodeView<'g>,
    /// (hidden, gates x hidden), with the bias of as many elements.
    weights: Var<'g>,
    bias: Option<Var<'g>>,
    peepholes: Option<Var<'g>>,
    activations: Vec<String>,
    hidden: usize,
}

impl<'g> Cell<'_, 'g> {
    /// R h + b.
    fn recurrent(&self, h: Var<'g>) -> Var<'g> {
        let product = h.matmul(self.weights);
        self.bias.map_or(product, |bias| product + bias)
    }

    /// The part of gate `i`.
    fn part(&self, gates: Var<'g>, i: usize) -> Var<'g> {
        let last = gates.rank().saturating_sub(1);
        gates.slice(last, i * self.hidden, self.hidden, 1)
    }

    /// Applies activation `i`.
    fn apply(&self, i: usize, x: Var<'g>) -> Result<Var<'g>> {
        match self.activations.get(i).map_or("", String::as_str) {
            op @ ("Relu" | "Sigmoid" | "Softplus" | "Tanh") => Ok(x.unary(op)),
            other => Err(self.n.unsupported(format!("activation '{other}' is not supported"))),
        }
    }
}

/// The outputs of a recurrent layer: those of all steps, (steps, directions, batch, hidden), and the
/// last values of the state, (directions, batch, hidden) each. `step` makes of the projected input
/// and the state the next state, whose first part is the output.
fn unrolled<'g>(
    n: &NodeView<'g>,
    defaults: &[&str],
    gates: usize,
    step: impl Fn(&Cell<'_, 'g>, Var<'g>, &[Var<'g>]) -> Result<Vec<Var<'g>>>,
) -> Result<Vec<Var<'g>>> {
    let batch_first = n.int("layout", 0) != 0;
    let (x, w, r) = (n.x(0)?, n.x(1)?, n.x(2)?);
    let x = if batch_first && x.rank() == 3 { x.transpose(&[1, 0, 2]) } else { x };
    let (x_shape, w_shape, r_shape) = (x.shape(), w.shape(), r.shape());
    let (&[steps, batch, features], &[directions, _, _], &[_, _, hidden]) =
        (x_shape.as_slice(), w_shape.as_slice(), r_shape.as_slice())
    else {
        return Err(n.unsupported("inputs and weights must have three axes"));
    };
    let backwards: &[bool] = match n.string("direction", "forward") {
        "forward" => &[false],
        "reverse" => &[true],
        "bidirectional" => &[false, true],
        other => return Err(n.unsupported(format!("direction '{other}' is not known"))),
    };
    let rows = gates * hidden;
    let fits = backwards.len() == directions
        && w_shape == [directions, rows, features]
        && r_shape == [directions, rows, hidden];
    if !fits || !(1..=LONGEST_LOOP).contains(&steps) {
        return Err(n.unsupported(format!(
            "{steps} steps with weights of shapes {w_shape:?} and {r_shape:?} are not supported"
        )));
    }
    let mut states = vec![n.optional(5)];
    if n.node.op == "LSTM" {
        states.push(n.optional(6));
    }
    let activations = match n.node.attribute("activations") {
        Some(Attribute::Strings(names)) => names.clone(),
        _ => defaults.repeat(directions).into_iter().map(str::to_owned).collect(),
    };
    let ended = Ended::of(n, batch)?;
    let (mut ys, mut lasts) = (Vec::new(), vec![Vec::new(); states.len()]);
    for (d, backward) in backwards.iter().enumerate() {
        let row = |x: Var<'g>, from: usize, size: usize| {
            x.slice(0, d, 1, 1).slice(1, from, size, 1).reshape(&[size])
        };
        let matrix = |x: Var<'g>| x.slice(0, d, 1, 1).reshape(&x.shape()[1..]).transposed();
        let cell = Cell {
            n,
            weights: matrix(r),
            bias: n.optional(3).map(|b| row(b, rows, rows)),
            peepholes: n.optional(7).map(|p| row(p, 0, 3 * hidden)),
            activations: activations.iter().skip(d * defaults.len()).cloned().collect(),
            hidden,
        };
        let mut projected = x.matmul(matrix(w));
        if let Some(bias) = n.optional(3) {
            projected = projected + row(bias, 0, rows);
        }
        let initial = |given: &Option<Var<'g>>| match given {
            Some(given) => given.slice(usize::from(batch_first), d, 1, 1).reshape(&[batch, hidden]),
            None => n.tape().zeros(&[batch, hidden]),
        };
        let projected = projected.parts(0);
        let mut state: Vec<Var<'g>> = states.iter().map(initial).collect();
        let mut outputs = vec![None; steps];
        for i in 0..steps {
            let t = if *backward { steps - 1 - i } else { i };
            let input = projected[t].reshape(&[batch, rows]);
            let mut next = step(&cell, input, &state)?;
            let mut output = next[0];
            if let Some(running) = ended.running(t)? {
                output = running * output;
                let kept = next.iter().zip(&state);
                next = kept.map(|(next, old)| running * *next + (1.0 - running) * *old).collect();
            }
            outputs[t] = Some(output.reshape(&[1, 1, batch, hidden]));
            state = next;
        }
        let outputs: Vec<Var<'g>> = outputs.into_iter().flatten().collect();
        ys.push(n.tape().concat(&outputs, 0));
        let of_direction = |x: &Var<'g>| x.reshape(&[1, batch, hidden]);
        lasts.iter_mut().zip(&state).for_each(|(lasts, last)| lasts.push(of_direction(last)));
    }
    let mut outputs = vec![n.tape().concat(&ys, 1)];
    outputs.extend(lasts.iter().map(|lasts| n.tape().concat(lasts, 0)));
    if batch_first {
        let order = |y: Var<'g>| if y.rank() == 4 { vec![2, 0, 1, 3] } else { vec![1, 0, 2] };
        outputs = outputs.into_iter().map(|y| y.transpose(&order(y))).collect();
    }
    Ok(outputs)
}

/// Which sequences of a batch have ended.
struct Ended<'a, 'g> {
    n: &'a NodeView<'g>,
    lengths: Option<Vec<i64>>,
}

impl<'a, 'g> Ended<'a, 'g> {
    fn of(n: &'a NodeView<'g>, batch: usize) -> Result<Self> {
        let lengths = n.const_ints(4)?;
        if lengths.as_ref().is_some_and(|lengths| lengths.len() != batch) {
            return Err(n.unsupported(format!("there must be {batch} sequence_lens")));
        }
        Ok(Self { n, lengths })
    }

    /// For each sequence, 1 if it goes on at step `t`, else 0; `None` if all do.
    fn running(&self, t: usize) -> Result<Option<Var<'g>>> {
        let Some(lengths) = &self.lengths else { return Ok(None) };
        let goes_on = |length: &i64| *length > t as i64;
        if lengths.iter().all(goes_on) {
            return Ok(None);
        }
        let ones: Vec<f32> = lengths.iter().map(|l| f32::from(u8::from(goes_on(l)))).collect();
        let mask = Tensor::from_f32s(&[ones.len(), 1], &ones);
        let mask = mask.ok_or_else(|| self.n.unsupported("its batch is empty"))?;
        Ok(Some(self.n.tape().constant(mask)))
    }
}

#[cfg(test)]
pub(super) fn cases() -> Vec<crate::testing::Case> {
    use crate::testing::{Case, case};
    // 3 steps of 2 sequences of 2 features, and 3 hidden units.
    let with = |op, gates: usize, directions: usize| -> Case {
        let weights = case(op).x(&[3, 2, 2]).x(&[directions, gates * 3, 2]);
        weights.x(&[directions, gates * 3, 3]).int("hidden_size", 3)
    };
    let bias = |c: Case, gates: usize, directions: usize| c.x(&[directions, 2 * gates * 3]);
    let lengths = |c: Case| c.const_ints(&[3, 1]);
    vec![
        bias(with("GRU", 3, 1), 3, 1).outputs(2),
        bias(with("GRU", 3, 1), 3, 1).int("linear_before_reset", 1),
        lengths(bias(with("GRU", 3, 2), 3, 2)).x(&[2, 2, 3]).string("direction", "bidirectional"),
        with("LSTM", 4, 1).outputs(3).int("input_forget", 0),
        bias(with("LSTM", 4, 1), 4, 1).string("direction", "reverse"),
        lengths(with("LSTM", 4, 2).missing())
            .x(&[2, 2, 3])
            .x(&[2, 2, 3])
            .x(&[2, 9])
            .string("direction", "bidirectional")
            .outputs(3),
        case("LSTM").x(&[2, 3, 2]).x(&[1, 12, 2]).x(&[1, 12, 3]).int("layout", 1).outputs(2),
        bias(with("RNN", 1, 1), 1, 1).outputs(2),
        with("RNN", 1, 1).missing().missing().x(&[1, 2, 3]),
    ]
}
