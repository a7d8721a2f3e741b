"""What the scoreboard's figures should come to: the largest ratio, or the smallest share."""

from fnmatch import fnmatchcase

# The first pattern that fits a row's name decides.
GOALS: dict[str, float] = {
    "gpu, update, *, graph, Adam": 0.70,
    "gpu, fit, *, graph, Adam": 0.70,
    "gpu, monitor, *, norms": 1.05,
    "gpu, monitor, *, all": 1.15,
    "gpu, *": 1.02,
    "update, *, jit, *": 1.02,
    "update, one 4096x4096, SGD": 0.60,
    "update, one 4096x4096, Momentum": 0.60,
    "update, one 4096x4096, *": 0.40,
    "update, 10 x (512x512 + bias), SGD": 0.70,
    "update, 10 x (512x512 + bias), Momentum": 0.60,
    "update, 10 x (512x512 + bias), *": 0.40,
    "update, *": 1.00,
    "lazy, *": 0.20,
    "fit, 4x512, batch 64, Adam*": 0.80,
    "fit, 3x1024, batch 256, Adam": 0.85,
    "fit, 3x1024, batch 256, AdamW": 0.85,
    "fit, *": 1.02,
    "explicit, *": 1.02,
    "activation, *": 1.02,
    "monitor, *, default*": 1.02,
    "monitor, *, histograms": 1.05,
    "monitor, *, norms*": 1.05,
    "monitor, 4x512, graph, all": 1.08,
    "monitor, *, all": 1.15,
    "start, *, memory": 1.15,
    "start, *, graph, default": 1.25,
    "start, *, jit, default": 1.40,
    "start, *": 1.50,
    "memory, *": 1.02,
    "import, *": 1.10,
    "diagnosis, *": 0.90,
    "survival, *": 1.00,
}


def goal_of(name: str) -> float | None:
    """Return the goal of a row, None if it has none."""
    return next((goal for pattern, goal in GOALS.items() if fnmatchcase(name, pattern)), None)
