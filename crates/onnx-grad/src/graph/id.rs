//! Identifies the values and nodes of a graph.

/// A value of a [`Graph`](crate::Graph): an input, a constant or an output of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ValueId(pub(crate) usize);

impl ValueId {
    /// The value's position in [`Graph::values`](crate::Graph::values).
    pub fn index(self) -> usize {
        self.0
    }
}

/// A node of a [`Graph`](crate::Graph); ids ascend in execution order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NodeId(pub(crate) usize);
