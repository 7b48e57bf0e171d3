//! Analyses graphs without running them: dependence, dominators, memory, what shapes are foreseen.

mod dependence;
mod dominators;
mod forecast;
mod memory;
