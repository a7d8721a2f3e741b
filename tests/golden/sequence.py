"""The gradients, rates and first weights of the golden runs, from formulas and NumPy alone.

`make_golden.py` and `test_optimizer_golden.py` both build them here; a JSON file keeps the formulas
and a sample of the values, so that a change of this file is noticed.
"""

import numpy as np

STEPS = 50
STORED = [1, 2, 3, 10, 50]
"""The steps, counted from 1, whose weights the JSON files keep."""

FORMULAS = {
    "start": "w[i] = 1.5 cos(i + 0.5)",
    "gradients": "g[t, i] = 0.05 * 3^(i mod 4) * (0.2 + sin(0.9 t + 1.7 i)) * (1.5 + cos(t / 9))",
    "varying": "lr[t] = 0.02 (1 + 0.5 sin(t / 7))",
    "rising": "lr[t] = 0.02 t / 50",
    "constant": "lr[t] = 0.02",
    "t": "1 to 50",
    "i": "0 to n - 1; a matrix is filled row by row",
}


def start(n: int = 4) -> np.ndarray:
    """The weights before the first step, `(n,)`."""
    return 1.5 * np.cos(np.arange(n) + 0.5)


def gradients(n: int = 4) -> np.ndarray:
    """The gradients of all steps, `(STEPS, n)`; they do not depend on the weights."""
    t, i = np.arange(1, STEPS + 1)[:, None], np.arange(n)[None, :]
    size = 0.05 * 3.0 ** (i % 4)
    return size * (0.2 + np.sin(0.9 * t + 1.7 * i)) * (1.5 + np.cos(t / 9))


def rates(kind: str = "varying") -> np.ndarray:
    """The learning rates of all steps, `(STEPS,)`: "varying", "rising" or "constant"."""
    t = np.arange(1, STEPS + 1)
    return {
        "varying": 0.02 * (1 + 0.5 * np.sin(t / 7)),
        "rising": 0.02 * t / STEPS,
        "constant": np.full(STEPS, 0.02),
    }[kind]
