"""Writes autoregressive.json: log-probabilities of all states of a small MADE and a small NADE, by numpy in float64, from
the equations of the papers alone.

MADE: Germain, Gregor, Murray & Larochelle, ICML 2015, arXiv:1502.03509, equations 9, 10, 12, 13 and 16 (direct connections).
NADE: Uria, Côté, Gregor, Murray & Larochelle, JMLR 17:205 (2016), arXiv:1605.02226, equations 2 and 3. Matrices are kept as
[in, out], the transpose of the papers'. Run: python3 autoregressive.py > autoregressive.json
"""

import json

import numpy as np


def wave(number, *shape):
    """Weights of order one without a pattern: the sines of an arithmetic sequence."""
    return 1.2 * np.sin(1.7 * np.arange(np.prod(shape)) + 0.9 * number + 0.3).reshape(shape)


def sigmoid(a):
    return 1 / (1 + np.exp(-a))


def log_prob(x, a):
    """The logarithm of the product of the conditionals p(x_d = 1 | ...) = sigmoid(a_d), where 1 - sigmoid(a) = sigmoid(-a)."""
    return -np.logaddexp(0, (1 - 2 * x) * a).sum(axis=1)


def all_states(n):
    """State k has bit d of k as variable d."""
    return np.array([[k >> d & 1 for d in range(n)] for k in range(2**n)], dtype=float)


def made(order, widths, is_direct):
    n = len(order)
    # The degree of an input is its place in the order, counted from 1; those of a layer of K units go up evenly from 1 to
    # n - 1: unit k of 0 ... K - 1 has the degree 1 + floor(k (n - 1) / K).
    degrees = [np.array([1 + order.index(d) for d in range(n)])]
    degrees += [np.array([1 + k * (n - 1) // width for k in range(width)]) for width in widths]

    x = all_states(n)
    tensors, h = {}, x
    for l, (below, above) in enumerate(zip(degrees, degrees[1:])):
        mask = np.array([[above_k >= below_j for above_k in above] for below_j in below])
        weight, bias = wave(2 * l, len(below), len(above)), wave(2 * l + 1, len(above))
        tensors |= {f"layers.{l}.weight": weight, f"layers.{l}.bias": bias}
        h = np.maximum(0, h @ (weight * mask) + bias)
    last = len(widths)
    mask = np.array([[d > m for d in degrees[0]] for m in degrees[-1]])
    weight, bias = wave(2 * last, widths[-1], n), wave(2 * last + 1, n)
    tensors |= {f"layers.{last}.weight": weight, f"layers.{last}.bias": bias}
    a = h @ (weight * mask) + bias
    if is_direct:
        direct = wave(2 * last + 2, n, n)
        tensors |= {"direct": direct}
        a = a + x @ (direct * np.array([[d > e for d in degrees[0]] for e in degrees[0]]))
    model = {"kind": "made", "n_hidden": widths, "activation": "relu", "degrees": "uniform", "direct": is_direct}
    return model | {"order": order}, tensors, log_prob(x, a)


def nade(order, width):
    n = len(order)
    weight, hidden_bias, output, bias = wave(0, n, width), wave(1, width), wave(2, width, n), wave(3, n)
    x, a = all_states(n), np.zeros((2**n, n))
    for t, d in enumerate(order):
        before = order[:t]
        h = sigmoid(x[:, before] @ weight[before] + hidden_bias)
        a[:, d] = h @ output[:, d] + bias[d]
    tensors = {"layers.0.weight": weight, "layers.0.bias": hidden_bias}
    tensors |= {"layers.1.weight": output, "layers.1.bias": bias}
    model = {"kind": "nade", "n_hidden": width, "activation": "sigmoid", "order": order}
    return model, tensors, log_prob(x, a)


def case(model, tensors, log_probs):
    assert abs(np.exp(log_probs).sum() - 1) < 1e-12
    tensors = {name: tensor.tolist() for name, tensor in tensors.items()}
    return {"model": model, "tensors": tensors, "log_prob": log_probs.tolist()}


CASES = [
    made([3, 0, 5, 1, 4, 2], [9, 7], True),
    made([0, 1, 2, 3, 4, 5], [4, 11], False),
    nade([3, 0, 5, 1, 4, 2], 5),
]
print(json.dumps({"source": "autoregressive.py, in this folder", "cases": [case(*c) for c in CASES]}))
