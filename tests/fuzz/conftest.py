"""How many cases the fuzz tests try: a few by default, 10,000 with the profile `nightly`.

FUZZ=nightly python -m pytest tests/fuzz -m ""

The default profile tries the same cases every time. `nightly` tries others each time and keeps
those that failed in `.hypothesis`, from where the next run repeats them.
"""

import os

from hypothesis import HealthCheck, Phase, settings

COMMON = {"deadline": None, "suppress_health_check": list(HealthCheck)}
# `max_examples` is the factor by which the number of cases of each test is multiplied. Making a
# failing case smaller takes minutes where each try traces a graph: only `nightly` does it.
QUICK = {"derandomize": True, "database": None, "phases": (Phase.explicit, Phase.generate)}
settings.register_profile("quick", max_examples=1, **QUICK, **COMMON)
settings.register_profile("nightly", max_examples=25, **COMMON)
settings.load_profile(os.environ.get("FUZZ", "quick"))
