//! Symbolic gradients of ONNX graphs.
