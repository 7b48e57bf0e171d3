"""Estimates directional derivatives of a model by central differences."""

from itertools import pairwise

import numpy as np
import onnxruntime

# Steps, as shares of the inputs' size: the two finest that agree best are taken.
STEPS = [2e-2, 1e-2, 5e-3, 2.5e-3]


def session(model):
    """Loads a model (bytes) as it is: no optimisation fuses or reorders its operators."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def derivative(evaluate, inputs, directions, cotangent):
    """Returns the derivative of sum(cotangent * evaluate(inputs)) along the directions, and how uncertain it is.

    `inputs` and `directions` are arrays by name. Central differences at several steps h are extrapolated to h = 0
    (Richardson): with D(h) = D + O(h^2), (4 D(h/2) - D(h)) / 3 = D + O(h^4). Outputs whose cotangent is 0 do not count,
    finite or not.
    """
    counted = cotangent != 0

    def output(h):
        moved = {n: np.asarray(inputs[n] + h * d, dtype=inputs[n].dtype) for n, d in directions.items()}
        return evaluate(inputs | moved)

    def at(h):
        return np.sum((cotangent * output(h).astype(np.float64))[counted])

    slopes = []
    for h in STEPS:
        slopes.append((at(h) - at(-h)) / (2 * h))
    better = [(4 * b - a) / 3 for a, b in pairwise(slopes)]
    # A large step may leave the domain of a function.
    gaps = [abs(a - b) if np.isfinite(a - b) else np.inf for a, b in pairwise(better)]
    best = int(np.argmin(gaps))
    y = output(0)
    rounding = np.finfo(y.dtype).eps * np.linalg.norm((cotangent * y)[counted]) / STEPS[best + 2]
    return better[best + 1], max(gaps[best], abs(better[best + 1] - slopes[best + 2]) * 0.1, rounding)
