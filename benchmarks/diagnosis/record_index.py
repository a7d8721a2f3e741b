"""Which runs belong to which half: split by task and by fault recipe, never by seed."""

from faults import FAULTS

HEALTHY = "healthy"
# On these tasks, and every second recipe, thresholds are set; the other half is touched once.
DEV_TASKS = {"rings", "unbalanced", "words", "digits", "wine", "images"}
DEV_TASKS |= {"diabetes", "large targets"}
DEV_FAULTS = set(list(FAULTS)[::2])


def part_of(task: str, fault: str) -> str | None:
    """Return `"dev"`, `"held out"`, or None for a pair that belongs to neither half."""
    if fault == HEALTHY:
        return "dev" if task in DEV_TASKS else "held out"
    if (task in DEV_TASKS) != (fault in DEV_FAULTS):
        return None
    return "dev" if task in DEV_TASKS else "held out"
