//! Divides the memory of the process: requests hold what they will need, and are refused if that is not free.

mod pool;
mod request;
mod shares;

pub(crate) use pool::Held;
pub(crate) use request::{AnswerMemory, Pools, RequestMemory, WorkMemory};
pub(crate) use shares::Shares;
