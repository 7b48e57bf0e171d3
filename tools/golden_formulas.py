"""Computes the expected results of the CAM formulas, which tests compare: `crates/smoothcam/tests/formulas.json`.

    python -m venv .venv && .venv/bin/pip install -r tools/requirements.txt
    .venv/bin/python tools/golden_formulas.py

This is a reference in float64 NumPy, written from the formulas alone and independent of the Rust code that it tests.

Each case has the activations A (K maps of h x w) of the clean picture, the score's gradient g for that picture, and the
gradients g_m for n noised pictures. D_p is the elementwise mean over m of g_m^p; with n = 0 it is g^p. F is the set of
the selected maps, R_k that of the selected neurons of map k, and S_k is the sum of max(A_k, 0) over the whole grid.

    grad-cam++              alpha = D2 / (2 D2 + S_k D3), of g;  w_k = sum_R alpha ReLU(D1);  L = sum_F w_k A_k
    smooth-grad-cam++       the same with the g_m
    smooth-grad-cam++-as-printed   the same with D1 as alpha's numerator
    grad-cam                w_k = mean over R_k of D1;  L = sum_F w_k A_k
    cam                     w_k = sum over the whole grid of D1;  L = sum_F w_k A_k
    xgrad-cam               w_k = sum_R (D1 A) / sum_R A, 0 where that sum is 0;  L = sum_F w_k A_k
    layer-cam               L = sum_F ReLU(D1) A
    hires-cam               L = sum_F D1 A
    sensitivity             L = max over F of |D1|

alpha = 0 where D2 = 0 or the denominator is not positive. `degenerate` counts the neurons in F and R with D2 > 0 and a
denominator that is not positive; `degenerate_positive` counts those among them with D1 > 0, the only ones where alpha
would have an effect. Outside R_k, map k contributes 0 to L. `signed` is L and `map` is ReLU(L). All methods except
grad-cam++ use the g_m.

Arrays are flat and row-major; inputs have the case's `shape` [K, h, w], results have [h, w]. Inputs are exact in
float32.
"""

import argparse
import json
from pathlib import Path

import numpy as np


def relu(x):
    """Sets negative values to 0."""
    return np.maximum(x, 0)


def moments(gradients):
    """Returns D_1, D_2 and D_3."""
    return [np.mean([g**p for g in gradients], axis=0) for p in (1, 2, 3)]


def gradcam_pp(activations, gradients, chosen, as_printed=False):
    """Returns Grad-CAM++'s weights and the counts of degenerate neurons; `chosen` is F and R as a (K, h, w) mask."""
    weights = np.zeros(len(activations))
    degenerate = degenerate_positive = 0
    d1, d2, d3 = moments(gradients)
    for k, a in enumerate(activations):
        total = relu(a).sum()
        for i, j in np.argwhere(chosen[k]):
            x1, x2, x3 = d1[k, i, j], d2[k, i, j], d3[k, i, j]
            if x2 == 0:
                continue
            denominator = 2 * x2 + total * x3
            assert abs(denominator) > (1e-2 if x1 > 0 else 1e-4) * x2, "too close to zero for a test in float32"
            if denominator <= 0:
                degenerate += 1
                degenerate_positive += int(x1 > 0)
                continue
            alpha = (x1 if as_printed else x2) / denominator
            weights[k] += alpha * relu(x1)
    return weights, {"degenerate": degenerate, "degenerate_positive": degenerate_positive}


def results(activations, clean, noised, maps, neurons):
    """Returns the results of all methods for one case."""
    a, gradients = activations, noised or [clean]
    d1 = moments(gradients)[0]
    chosen = np.ones(a.shape, bool) if neurons is None else neurons.copy()
    if maps is not None:
        chosen &= np.isin(np.arange(len(a)), maps)[:, None, None]

    def over_chosen(contributions):  # (K, h, w) -> (h, w)
        return np.where(chosen, contributions, 0).sum(0)

    out = {}

    def add(name, signed, weights=None, **counts):
        # The weights of maps outside F are 0.
        extra = {} if weights is None else {"weights": np.where(chosen.any((1, 2)), weights, 0)}
        out[name] = extra | {"signed": signed, "map": relu(signed)} | counts

    def add_weighted(name, weights, **counts):
        add(name, over_chosen(weights[:, None, None] * a), weights, **counts)

    weights, counts = gradcam_pp(a, gradients, chosen)
    add_weighted("smooth-grad-cam++", weights, **counts)
    weights, counts = gradcam_pp(a, gradients, chosen, as_printed=True)
    add_weighted("smooth-grad-cam++-as-printed", weights, **counts)
    weights, counts = gradcam_pp(a, [clean], chosen)
    add_weighted("grad-cam++", weights, **counts)

    neurons_of = chosen.sum((1, 2))
    sums = np.where(chosen, d1, 0).sum((1, 2))
    add_weighted("grad-cam", sums / np.maximum(neurons_of, 1))
    add_weighted("cam", d1.sum((1, 2)))
    mass = np.where(chosen, a, 0).sum((1, 2))
    assert not ((np.abs(mass) > 0) & (np.abs(mass) < 0.1 * np.abs(np.where(chosen, a, 0)).sum((1, 2)))).any()
    products = np.where(chosen, d1 * a, 0).sum((1, 2))
    add_weighted("xgrad-cam", np.divide(products, mass, out=np.zeros_like(mass), where=mass != 0))
    add("layer-cam", over_chosen(relu(d1) * a))
    add("hires-cam", over_chosen(d1 * a))
    add("sensitivity", np.where(chosen, np.abs(d1), 0).max(0))
    return out


def by_hand():
    """Checks the results for a case worked by hand, and returns that case.

    The head is global average pooling and one linear layer with the class's weights f = (3, -1), over a 2 x 2 grid.

    A_1 = 1 2   sum 12, mean 3        A_2 = 0 1   sum 4, mean 1
          3 6                               0 3
    The gradient is constant over each map: g_k = f_k / 4, g_1 = 0.75, g_2 = -0.25.

    Grad-CAM++   map 1: alpha = g^2 / (2 g^2 + 12 g^3) = 1 / (2 + 12 * 0.75) = 1/11
                        w_1 = 4 * 1/11 * 0.75 = 3/11;  in closed form ReLU(f)/(2 + mean(A) f) = 3 / (2 + 9) = 3/11
                 map 2: alpha = 1 / (2 - 4 * 0.25) = 1, but ReLU(g) = 0, so w_2 = 0
                 L = 3/11 A_1 = 3/11 6/11 9/11 18/11
    as printed   w_1 = w_1 / g_1 = 3/11 / 0.75 = 4/11
    Grad-CAM     w = g: L = 0.75 A_1 - 0.25 A_2 = 0.75 1.25 2.25 3.75
                 for a constant gradient, HiResCAM and XGrad-CAM give the same
    CAM          w = f = 4 g: L = 3 A_1 - A_2 = 3 5 9 15
    LayerCAM     L = 0.75 A_1 = 0.75 1.5 2.25 4.5
    sensitivity  max(0.75, 0.25) = 0.75 everywhere
    """
    a = np.array([[[1.0, 2], [3, 6]], [[0, 1], [0, 3]]])
    g = np.broadcast_to(np.array([3.0, -1])[:, None, None] / 4, a.shape).copy()
    grad_cam = [0.75, 1.25, 2.25, 3.75]
    expected = {
        "grad-cam++": [3 / 11, 6 / 11, 9 / 11, 18 / 11],
        "smooth-grad-cam++": [3 / 11, 6 / 11, 9 / 11, 18 / 11],
        "smooth-grad-cam++-as-printed": [4 / 11, 8 / 11, 12 / 11, 24 / 11],
        "grad-cam": grad_cam,
        "hires-cam": grad_cam,
        "xgrad-cam": grad_cam,
        "cam": [3, 5, 9, 15],
        "layer-cam": [0.75, 1.5, 2.25, 4.5],
        "sensitivity": [0.75] * 4,
    }
    computed = results(a, g, [], None, None)
    for method, signed in expected.items():
        np.testing.assert_allclose(computed[method]["signed"].reshape(-1), signed, rtol=1e-14)
    return case("by hand: global average pooling and a linear layer", a, g)


def case(name, activations, clean, noised=(), maps=None, neurons=None):
    """Returns a case with its results."""
    noised = list(noised)
    for array in [activations, clean, *noised]:
        assert (array == array.astype(np.float32)).all()
    return {
        "name": name,
        "shape": list(activations.shape),
        "activations": activations,
        "clean_gradient": clean,
        "noised_gradients": noised,
        "maps": maps,
        "neurons": neurons,
        "methods": results(activations, clean, noised, maps, neurons),
    }


def cases():
    """Yields all cases."""
    rng = np.random.default_rng(1908_01224)

    def draw(shape, low, high):
        """Draws uniform multiples of 1/64."""
        return np.round(rng.uniform(low, high, shape) * 64) / 64

    shape = (4, 3, 4)
    a, g = relu(draw(shape, -1, 3)), draw(shape, -0.5, 0.5)
    noised = [g + draw(shape, -0.25, 0.25) for _ in range(3)]
    yield by_hand()
    yield case("n = 0", a, g)
    yield case("n = 3", a, g, noised)
    yield case("n = 1", a, g, noised[:1])

    signed = draw(shape, -1, 3)
    yield case("negative activations, n = 0", signed, g)
    yield case("negative activations, n = 3", signed, g, noised)

    zeroed = rng.random(shape) < 0.4  # as behind a ReLU that is off for all samples
    zeroed[1] = True
    yield case("gradients of zero, n = 0", a, np.where(zeroed, 0, g))
    yield case("gradients of zero, n = 3", a, np.where(zeroed, 0, g), [np.where(zeroed, 0, x) for x in noised])
    yield case("an activation map of zero", np.where(np.arange(4)[:, None, None] == 2, 0, a), g, noised)

    # D1 = 1/6 > 0 and D3 = -11/24 < 0: with S_k above 6.2 the denominator is negative.
    mixed = [x.copy() for x in noised]
    for x, value in zip(mixed, [1, 1, -1.5], strict=True):
        x[0, 0, :2] = x[2, 1, 3] = value
    yield case("mixed signs leave denominators that are not positive", a + 1, np.abs(g) + 1 / 64, mixed)

    yield case("feature-map subset, n = 0", a, g, maps=[1, 3])
    yield case("feature-map subset, n = 3", a, g, noised, maps=[0])
    box = np.zeros(shape, bool)
    box[:, 1:3, 0:2] = True
    yield case("neuron subset, one box for all maps", a, g, noised, neurons=box)
    scattered = rng.random(shape) < 0.4
    scattered[3] = False
    yield case("neuron subset, another for each map, none of the last", signed, g, noised, neurons=scattered)
    yield case("feature-map and neuron subset, n = 0", signed, g, maps=[0, 2, 3], neurons=scattered)
    strongest = np.mean(noised, axis=0) == np.mean(noised, axis=0)[2].max()
    yield case("one neuron of one map", a + 1, g, noised, maps=[2], neurons=strongest)

    tiny = 2.0**-36  # fails if a fixed epsilon is added to a denominator
    yield case("gradients of 1e-11", a, g * tiny, [x * tiny for x in noised])
    yield case("gradients of 1e-11, activations of 1e11", a / tiny, g * tiny, [x * tiny for x in noised])
    yield case("no positive evidence", a, -np.abs(g) - 1 / 64, [-np.abs(x) - 1 / 64 for x in noised])

    shape = (5, 3, 4)
    a, noised = relu(draw(shape, -2, 2)), [draw(shape, -0.125, 0.375) for _ in range(3)]
    yield case("five maps, n = 3", a, noised[2], noised)
    shape = (3, 1, 1)
    a, noised = draw(shape, 1, 2), [draw(shape, -0.125, 0.375) for _ in range(3)]
    yield case("a grid of one neuron", a, noised[0], noised)


def plain(value):
    """Converts NumPy's types to those of JSON."""
    if isinstance(value, np.ndarray):
        return [plain(x) for x in value.reshape(-1).tolist()]
    if isinstance(value, float):
        return float(f"{value:.12g}")
    return value


def pretty(value, indent=""):
    """Formats JSON with each item of a dictionary on a line, and each array of numbers on one line."""
    deeper = indent + " "
    if isinstance(value, dict):
        parts = [f"{json.dumps(key)}: {pretty(item, deeper)}" for key, item in value.items()]
        return "{\n" + ",\n".join(deeper + part for part in parts) + f"\n{indent}}}"
    if isinstance(value, list) and value and isinstance(value[0], (dict, np.ndarray)):
        return "[\n" + ",\n".join(deeper + pretty(item, deeper) for item in value) + f"\n{indent}]"
    return json.dumps(plain(value))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    default = Path(__file__).parent.parent / "crates" / "smoothcam" / "tests" / "formulas.json"
    parser.add_argument("--out", type=Path, default=default, help="file to write")
    args = parser.parse_args()
    args.out.parent.mkdir(parents=True, exist_ok=True)
    every = list(cases())
    args.out.write_text(pretty({"cases": every}) + "\n")
    for one in every:
        found = one["methods"]["smooth-grad-cam++"]
        print(
            f"{one['name']}: maximum {found['map'].max():.3g}, "
            f"degenerate {found['degenerate']} ({found['degenerate_positive']} with D1 > 0)"
        )


if __name__ == "__main__":
    main()
