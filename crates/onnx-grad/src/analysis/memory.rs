//! Estimates how much memory a graph takes while it runs.

use crate::graph::{Graph, Node, ValueId};

impl Graph {
    /// The most bytes that the values take which are alive at the same time, while the outputs are computed: four for each
    /// element. Constants do not count. All shapes must be known.
    ///
    /// Engines choose the order. This is the most of two: execution order, and each node as soon as it can be run, in
    /// which all branches are computed side by side.
    pub fn peak_bytes(&self) -> usize {
        let needed = self.ancestors(&self.outputs);
        let runs: Vec<&Node> =
            self.nodes.iter().filter(|n| n.outputs.iter().flatten().any(|v| needed[v.0])).collect();
        self.peak_of(&self.breadth_first(&runs)).max(self.peak_of(&runs))
    }

    /// The nodes in the order in which they can be run, those first that could be first.
    fn breadth_first<'g>(&self, runs: &[&'g Node]) -> Vec<&'g Node> {
        let mut made_by = vec![None; self.values.len()];
        for (n, node) in runs.iter().enumerate() {
            node.outputs.iter().flatten().for_each(|v| made_by[v.0] = Some(n));
        }
        let mut users = vec![Vec::new(); runs.len()];
        let mut waits = vec![0; runs.len()];
        for (n, node) in runs.iter().enumerate() {
            for made in node.inputs.iter().flatten().filter_map(|v| made_by[v.0]) {
                users[made].push(n);
                waits[n] += 1;
            }
        }
        let mut order: Vec<usize> = (0..runs.len()).filter(|n| waits[*n] == 0).collect();
        let mut next = 0;
        while next < order.len() {
            for user in &users[order[next]] {
                waits[*user] -= 1;
                if waits[*user] == 0 {
                    order.push(*user);
                }
            }
            next += 1;
        }
        order.into_iter().map(|n| runs[n]).collect()
    }

    /// The most bytes of values that are alive at the same time if the nodes are run in this order.
    fn peak_of(&self, runs: &[&Node]) -> usize {
        let size = |v: &ValueId| {
            let elements = self
                .shape(*v)
                .unwrap_or_default()
                .iter()
                .try_fold(4, |n: usize, d| n.checked_mul(*d));
            if self.content(*v).is_some() { 0 } else { elements.unwrap_or(usize::MAX) }
        };
        let mut last_use = vec![usize::MAX; self.values.len()];
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

    #[test]
    fn branches_may_be_computed_side_by_side() {
        let tape = Tape::new(Graph::new());
        let x = tape.input("x", &[10]);
        let branch = || x.exp().relu().sum(&[0]);
        let y = (branch() + branch() + branch()).id();
        let mut graph = tape.into_graph().unwrap();
        graph.set_outputs(&[y]);
        // One after the other there are x and two values of a branch; side by side, x and the first values of all.
        assert_eq!(graph.peak_bytes(), 4 * 40);
    }
}
