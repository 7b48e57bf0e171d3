//! Analyses graphs without running them: dependence, dominators, memory.

mod dependence;
mod dominators;
mod memory;
