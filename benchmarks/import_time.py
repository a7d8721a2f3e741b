"""What `import keras_course_ext` takes beyond the import of Keras with TensorFlow.

python benchmarks/import_time.py [--pairs 10]

Each import is a process of its own, and the two take turns. CPU seconds of the process, because
they depend less on other load than time does.
"""

import argparse
import subprocess
import sys
from collections.abc import Iterator

from lockstep import ratio_of
from rows import Row, printed, row_of

VARIANTS = {"keras_course_ext": "import keras_course_ext", "Keras against itself": "import keras"}


def seconds(statement: str) -> float:
    """Return the CPU seconds of a process that imports."""
    code = f"{statement}\nimport time\nprint(time.process_time())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return float(done.stdout.split()[-1])


def compared(pairs: int) -> Iterator[Row]:
    """Yield the ratio of each variant to `import keras`."""
    for name, statement in VARIANTS.items():
        times: tuple[list[float], list[float]] = ([], [])
        for i in range(pairs):
            for which in ((0, 1), (1, 0))[i % 2]:
                times[which].append(seconds((statement, "import keras")[which]))
        yield row_of(f"import, {name}", ratio_of(*times))


def rows(quick: bool) -> Iterator[Row]:
    """Yield the rows of the scoreboard."""
    return compared(1 if quick else 10)


def main() -> None:
    """Print one line per variant."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--pairs", type=int, default=10)
    printed(compared(parser.parse_args().pairs))


if __name__ == "__main__":
    main()
