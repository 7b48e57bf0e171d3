//! Estimates how much memory a graph takes while it runs.

use crate::graph::{Graph, Node, ValueId};

impl Graph {
    /// The most bytes that the values take which are alive at the same time, while the outputs are
    /// computed in execution order: four for each element. Constants do not count. All shapes must
    /// be known.
    pub fn peak_bytes(&self) -> usize {
        let needed = self.ancestors(&self.outputs);
        let size = |v: &ValueId| {
            let elements = self
                .shape(*v)
                .unwrap_or_default()
                .iter()
                .try_fold(4, |n: usize, d| n.checked_mul(*d));
            if self.content(*v).is_some() { 0 } else { elements.unwrap_or(usize::MAX) }
        };
        let mut last_use = vec![usize::MAX; self.values.len()];
        let runs: Vec<&Node> =
            self.nodes.iter().filter(|n| n.outputs.iter().flatten().any(|v| needed[v.0])).collect();
        for (n, node) in runs.iter().enumerate() {
            node.inputs.iter().flatten().for_each(|v| last_use[v.0] = n);
        }
        self.outputs.iter().for_each(|v| last_use[v.0] = usize::MAX);
        let mut alive: usize = self.inputs.iter().map(size).fold(0, usize::saturating_add);
        let mut peak = alive;
        for (n, node) in runs.iter().enumerate() {
            let made = node.outputs.iter().flatten().map(size).fold(0, usize::saturating_add);
            alive = alive.saturating_add(made);
            peak = peak.max(alive);
            let mut read: Vec<ValueId> = node.inputs.iter().flatten().copied().collect();
            read.sort_unstable();
            read.dedup();
            let freed = read.iter().filter(|v| last_use[v.0] == n).map(size);
            alive = alive.saturating_sub(freed.fold(0, usize::saturating_add));
        }
        peak
    }
}

#[cfg(test)]
mod tests {
    use crate::{Graph, Tape};

    #[test]
    fn values_take_memory_until_their_last_use() {
        let tape = Tape::new(Graph::new());
        let x = tape.input("x", &[10]);
        let a = x.exp();
        let y = (a.exp() + a).relu().exp();
        let y = y.id();
        let mut graph = tape.into_graph().unwrap();
        graph.set_outputs(&[y]);
        // At the peak, a, exp(a) and their sum are alive; x no longer is.
        assert_eq!(graph.peak_bytes(), 3 * 40);
    }
}
