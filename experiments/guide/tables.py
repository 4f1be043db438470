"""Writes the tables of REALNVP.md, and scores a Gaussian and a mixture of Gaussians by BIC on each (numpy, scikit-learn).

    python experiments/guide/tables.py FOLDER            writes FOLDER/NAME.train.npy, .valid.npy, .test.npy and scores all
    python experiments/guide/tables.py FOLDER NAME ...   scores tables that are there
"""
import sys
import warnings
from pathlib import Path

import numpy as np


def covariance(rng, d, spread=1.0):
    a = rng.normal(size=(d, d))
    q, _ = np.linalg.qr(a)
    return (q * np.exp(rng.normal(size=d) * spread)) @ q.T


def mixture(rng, n, d, k, distance):
    centers = rng.normal(size=(k, d)) * distance
    roots = [np.linalg.cholesky(covariance(rng, d)) for _ in range(k)]
    which = rng.integers(k, size=n)
    z = rng.normal(size=(n, d))
    return np.stack([centers[c] + roots[c] @ z[i] for i, c in enumerate(which)])


def student(rng, n, d, nu, mixed):
    x = rng.standard_t(nu, size=(n, d))
    return x @ np.linalg.cholesky(covariance(rng, d, 0.5)).T if mixed else x


def radial(rng, n, d, nu):
    z = rng.normal(size=(n, d)) @ np.linalg.cholesky(covariance(rng, d)).T
    return z / np.sqrt(rng.chisquare(nu, size=(n, 1)) / nu)


def factors(rng, n, d, k):
    return rng.normal(size=(n, k)) @ rng.normal(size=(k, d)) + 0.5 * rng.normal(size=(n, d))


def banana(rng, n, d):
    x = rng.normal(size=(n, d))
    x[:, 1:] = 0.4 * x[:, 1:] + 0.7 * (x[:, :-1] ** 2 - 1)
    return x


def skewed(rng, n, d):
    z = rng.normal(size=(n, d)) @ np.linalg.cholesky(covariance(rng, d, 0.5)).T
    return np.concatenate([np.exp(z[:, : d // 2]), z[:, d // 2 :] ** 3], 1)


SETS = {
    "mixture-2": (500, lambda r, n: mixture(r, n, 2, 3, 4.0)),
    "mixture-8": (4000, lambda r, n: mixture(r, n, 8, 5, 2.0)),
    "mixture-20": (1000, lambda r, n: mixture(r, n, 20, 4, 2.0)),
    "student-2": (2000, lambda r, n: student(r, n, 5, 2, True)),
    "student-3": (10000, lambda r, n: student(r, n, 3, 3, False)),
    "radial-3": (500, lambda r, n: radial(r, n, 6, 3)),
    "gaussian-20": (500, lambda r, n: factors(r, n, 20, 5)),
    "factors-50": (2000, lambda r, n: factors(r, n, 50, 10)),
    "banana-4": (3000, lambda r, n: banana(r, n, 4)),
    "skewed-6": (2000, lambda r, n: skewed(r, n, 6)),
}
TEST = 5000


def write(folder):
    for seed, (name, (n, draw)) in enumerate(SETS.items()):
        x = draw(np.random.default_rng(seed), n + TEST).astype(np.float32)
        a, b = int(n * 0.8), int(n * 0.9)
        for part, rows in zip(["train", "valid", "test"], [x[:a], x[a:b], x[b:]]):
            np.save(folder / f"{name}.{part}.npy", rows)


def score(folder, names):
    from sklearn.mixture import GaussianMixture

    warnings.filterwarnings("ignore")
    for name in names:
        train, test = (np.load(folder / f"{name}.{part}.npy").astype(float) for part in ["train", "test"])
        s, m = train.std(0), train.mean(0)
        train, test, logs = (train - m) / s, (test - m) / s, np.log(s).sum()
        counts = [k for k in [1, 2, 3, 4, 5, 6, 8, 10, 12, 15, 20, 25, 30] if k * train.shape[1] < len(train) / 2]
        fits = [GaussianMixture(k, random_state=0).fit(train) for k in counts]
        best = min(fits, key=lambda fit: fit.bic(train))
        g, b = fits[0].score_samples(test) - logs, best.score_samples(test) - logs
        for kind, log_prob in [("normal", g), (f"mixture of {best.n_components}", b)]:
            error = log_prob.std() / len(log_prob) ** 0.5
            print(f"{name:12} {train.shape} {kind:14} {log_prob.mean():9.3f} ± {error:.3f}, least {log_prob.min():.0f}", flush=True)


if __name__ == "__main__":
    folder, names = Path(sys.argv[1]), sys.argv[2:]
    if not names:
        folder.mkdir(exist_ok=True)
        write(folder)
    score(folder, names or SETS)
