"""Writes flows.json: images, log-determinants and log-densities of points under two small flows, by numpy in float64, from
the equations of the papers, point by point and variable by variable.

Real NVP: Dinh, Sohl-Dickstein & Bengio, ICLR 2017, arXiv:1605.08803, equations 4 to 7. Learned permutation: Kingma & Dhariwal,
NeurIPS 2018, arXiv:1807.03039, equation 10, for rows. MAF: Papamakarios, Pavlakou & Murray, NeurIPS 2017, arXiv:1705.07057,
section 3. Splines: Gregory & Delbourgo, IMA J. Numer. Anal. 2:123 (1982). Log-determinants are those of Jacobians by central
differences wherever the layer has no shorter rule. Matrices are kept as [in, out].
Run: python3 flows.py > flows.json
"""

import json

import numpy as np

D = 4


def wave(number, *shape):
    """Weights of order one without a pattern: the sines of an arithmetic sequence."""
    return 0.8 * np.sin(1.7 * np.arange(np.prod(shape)) + 0.9 * number + 0.3).reshape(shape)


def bounded(a, bound):
    return bound * np.tanh(a / bound)


def linear(number):
    """Rows times P, then 1 + U, then the diagonal, then 1 + L; P reverses the order."""
    weight, a = wave(number, D, D), wave(number + 1, D)
    upper, lower = np.eye(D) + np.triu(weight, 1), np.eye(D) + np.tril(weight, -1)
    matrix = np.eye(D)[::-1] @ upper @ np.diag(np.exp(bounded(a, 3))) @ lower
    return {"weight": weight, "log_scale": a}, lambda x: (x @ matrix, np.log(abs(np.linalg.det(matrix))))


def coupling(number, keeps, width=5):
    """Kept variables through tanh units to the shifts of all others, then to their log-scales."""
    kept, changed = np.flatnonzero(keeps), np.flatnonzero(~keeps)
    first, bias = wave(number, len(kept), width), wave(number + 1, width)
    second, out = wave(number + 2, width, 2 * len(changed)), wave(number + 3, 2 * len(changed))

    def layer(x):
        shift, a = np.split(np.tanh(x[kept] @ first + bias) @ second + out, 2)
        z = x.copy()
        z[changed] = x[changed] * np.exp(bounded(a, 3)) + shift
        return z, bounded(a, 3).sum()

    names = ["layers.0.weight", "layers.0.bias", "layers.1.weight", "layers.1.bias"]
    return {f"conditioner.{n}": t for n, t in zip(names, [first, bias, second, out])}, layer


def normalization(number):
    parameters = wave(number, 2 * D)
    shift, a = np.split(parameters, 2)
    return {"parameters": parameters}, lambda x: (x * np.exp(bounded(a, 16)) + shift, bounded(a, 16).sum())


def spline(x, logits, bins, bound):
    """The image of one number; the identity outside of the box."""
    if abs(x) >= bound:
        return x

    def knots(logits):
        share = np.exp(logits) / np.exp(logits).sum()
        sizes = 2 * bound * (0.01 + (1 - 0.01 * bins) * share)
        return np.concatenate([[-bound], -bound + np.cumsum(sizes)])

    xs, ys = knots(logits[:bins]), knots(logits[bins : 2 * bins])
    slopes = np.concatenate([[1], np.exp(bounded(logits[2 * bins :], 3)), [1]])
    k = int(np.searchsorted(xs, x, side="right")) - 1
    w, h = xs[k + 1] - xs[k], ys[k + 1] - ys[k]
    secant, t = h / w, (x - xs[k]) / w
    top = h * (secant * t * t + slopes[k] * t * (1 - t))
    return ys[k] + top / (secant + (slopes[k + 1] + slopes[k] - 2 * secant) * t * (1 - t))


def autoregressive(number, bins, bound, width=6):
    """Variable d by a spline whose parameters come from those before it; hidden unit k sees the first 1 + floor(k (D - 1) / K)."""
    count = 3 * bins - 1
    seen = np.array([1 + k * (D - 1) // width for k in range(width)])
    first, bias = wave(number, D, width), wave(number + 1, width)
    second, out = wave(number + 2, width, count * D), wave(number + 3, count * D)
    below = np.array([[d < s for s in seen] for d in range(D)])
    above = np.array([[s <= column % D for column in range(count * D)] for s in seen])

    def image(x):
        parameters = np.maximum(0, x @ (first * below) + bias) @ (second * above) + out
        return np.array([spline(x[d], parameters[d::D], bins, bound) for d in range(D)])

    def layer(x):
        step = 1e-6
        slopes = [(image(x + step * e)[d] - image(x - step * e)[d]) / (2 * step) for d, e in enumerate(np.eye(D))]
        return image(x), np.log(slopes).sum()

    names = ["layers.0.weight", "layers.0.bias", "layers.1.weight", "layers.1.bias"]
    return {f"network.{n}": t for n, t in zip(names, [first, bias, second, out])}, layer


def reversal():
    return {}, lambda x: (x[::-1].copy(), 0.0)


def case(layers, configs, tolerance):
    tensors = {f"layers.{i}.{name}": t.tolist() for i, (parts, _) in enumerate(layers) for name, t in parts.items()}
    points = 2.5 * np.sin(2.3 * np.arange(12 * D) + 0.4).reshape(12, D)
    rows = []
    for x in points:
        z, ladj = x, 0.0
        for _, layer in layers:
            z, added = layer(z)
            ladj += added
        rows.append((z.tolist(), ladj, -0.5 * (z @ z) - 0.5 * D * np.log(2 * np.pi) + ladj))
    images, ladjs, log_probs = zip(*rows)
    config = {"n_visible": D, "n_context": 0, "layers": configs}
    result = {"config": config, "tensors": tensors, "tolerance": tolerance, "x": points.tolist()}
    return result | {"z": images, "ladj": ladjs, "log_prob": log_probs}


AFFINE = {"kind": "affine", "max_log_scale": 3.0}
SPLINE = {"kind": "spline", "bins": 4, "bound": 2.0}
EVEN = np.arange(D) % 2 == 0
NETWORK = {"kind": "mlp", "n_hidden": [5], "activation": "tanh"}
COUPLING = {"kind": "coupling", "mask": {"kind": "alternating"}, "conditioner": NETWORK, "map": AFFINE, "angles": []}
MAF = {"kind": "autoregressive", "n_hidden": [6], "activation": "relu", "map": SPLINE, "angles": []}
REVERSE = "reverse"
CASES = [
    case(
        [linear(0), coupling(2, EVEN), normalization(6), coupling(7, ~EVEN)],
        [
            {"kind": "linear", "order": REVERSE},
            COUPLING | {"flipped": False},
            {"kind": "elementwise", "map": {"kind": "affine", "max_log_scale": 16.0}},
            COUPLING | {"flipped": True},
        ],
        1e-11,
    ),
    # Slopes by differences of a step 1e-6: rounding of order 1e-10 each.
    case(
        [autoregressive(0, 4, 2.0), reversal(), autoregressive(4, 4, 2.0)],
        [MAF, {"kind": "permutation", "order": REVERSE}, MAF],
        1e-7,
    ),
]
print(json.dumps({"source": "flows.py, next to this file", "cases": CASES}))
