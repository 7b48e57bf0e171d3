//! Compares operators drawn at random on both engines, with ONNX Runtime's values of the node itself.
//!
//! For each case, these are the same: the values of the node in ONNX Runtime, and those of what it
//! becomes in canonical form, decomposed, in rten and in ONNX Runtime; and the gradients in rten and
//! in ONNX Runtime. What smoothcam or rten refuses is no difference.
//!
//! Skipped where ONNX Runtime is not there: `ORT_DYLIB_PATH` names its library, or the folder of
//! that. `PROPTEST_CASES` is the number of cases of each operator, and `PROPTEST_RNG_SEED` makes
//! them others.

mod compare;
mod draw;
mod families;
mod search;
