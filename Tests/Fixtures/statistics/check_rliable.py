"""Writes seeds.json: what rliable and SciPy make of a few scores. Made once (six minutes) and committed; tests need no
Python.

    python3 -m venv /tmp/rliable
    /tmp/rliable/bin/pip install rliable==1.2.0 arch==7.2.0 'pandas<3' scipy
    /tmp/rliable/bin/python Tests/Fixtures/statistics/check_rliable.py
"""

import json
import pathlib

import numpy as np
import scipy.integrate
from rliable import library, metrics
from scipy import stats

RESAMPLES = 50_000

# Runs × tasks, as rliable wants them; a tie between x and y among them.
X = np.array([[10.5, 80.0, 33.0], [20.0, 91.0, 41.5], [15.25, 60.0, 29.0], [31.0, 101.0, 50.0],
              [12.0, 75.5, 38.0]])
Y = np.array([[9.0, 82.0, 30.0], [22.0, 70.0, 41.5], [14.0, 55.0, 20.0], [18.0, 90.0, 35.0]])
THRESHOLDS = np.array([0.0, 10.5, 20.0, 41.5, 75.0, 150.0])
CURVE = [[0.0, 1000.0, 1500.0, 4000.0], [12.0, 3.5, 30.0, 42.0]]


def interval(scores, statistic):
    """Mean over five seeds of the bootstrap's bounds, and how far these scatter."""
    bounds = []
    for seed in range(5):
        _, found = library.get_interval_estimates(
            {"": scores}, statistic, reps=RESAMPLES, random_state=np.random.RandomState(seed))
        bounds.append(found[""].ravel())
    return {"bounds": np.mean(bounds, axis=0).tolist(), "scatter": np.std(bounds, axis=0).tolist()}


def one(statistic):
    return lambda scores: np.array([statistic(scores)])


profile, _ = library.create_performance_profile({"": X}, THRESHOLDS, reps=10)
first = X[:, 0]
half = stats.t.ppf(0.975, len(first) - 1) * stats.sem(first)
result = {
    "x": X.T.tolist(),
    "y": Y.T.tolist(),
    "iqm": metrics.aggregate_iqm(X),
    "iqmOfOneTask": metrics.aggregate_iqm(X[:, :1]),
    "iqmOfAFew": [[v, float(stats.trim_mean(v, 0.25))] for v in ([7.0], [1.0, 4.0], [1.0, 4.0, 6.0])],
    "mean": metrics.aggregate_mean(X),
    "optimalityGap": metrics.aggregate_optimality_gap(X, gamma=100),
    "probabilityOfImprovement": float(metrics.probability_of_improvement(X, Y)),
    "thresholds": THRESHOLDS.tolist(),
    "profile": profile[""].tolist(),
    "iqmInterval": interval(X, one(metrics.aggregate_iqm)),
    "iqmIntervalOfOneTask": interval(X[:, :1], one(metrics.aggregate_iqm)),
    "gapInterval": interval(X, one(lambda s: metrics.aggregate_optimality_gap(s, gamma=100))),
    "improvementInterval": interval((X, Y), lambda x, y: np.array([metrics.probability_of_improvement(x, y)])),
    "student": [[n, float(stats.t.ppf(0.975, n))] for n in (1, 2, 3, 4, 7, 30, 31, 200)],
    "meanInterval": [float(first.mean() - half), float(first.mean() + half)],
    "curve": CURVE,
    "area": float(scipy.integrate.trapezoid(CURVE[1], CURVE[0]) / (CURVE[0][-1] - CURVE[0][0])),
}
path = pathlib.Path(__file__).with_name("seeds.json")
path.write_text(json.dumps(result, indent=1, default=float) + "\n")
print(path.read_text())
