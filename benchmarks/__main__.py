"""Run all benchmarks and print one table: name, ours, the peer's, ratio, interval, goal.

python -m benchmarks --quick            # a few rows of each, under five minutes
python -m benchmarks                    # everything, some hours; run nothing else meanwhile
python -m benchmarks --only fit monitor

The figures also go to a JSON file, with the machine and the versions. What got worse than in
`benchmarks/baseline.json` by more than the intervals is listed below the table. `--quick` takes
fewer pairs, so its intervals are wider; with `--quick` nothing replaces the baseline.
"""

import argparse
import sys
import time
from pathlib import Path

# The files of this folder import each other by name, as they do when one is run as a script.
sys.path.insert(0, str(Path(__file__).parent))

from scoreboard import BASELINE, BENCHMARKS, read, run, table, worse, write

QUICK_SECONDS, FULL_SECONDS = 60.0, 7200.0


def main() -> int:
    """Run, print, write, compare; 1 if a benchmark failed."""
    names = [benchmark.name for benchmark in BENCHMARKS]
    parser = argparse.ArgumentParser(
        "python -m benchmarks",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--quick", action="store_true", help="a few rows of each benchmark")
    parser.add_argument("--only", nargs="+", choices=names, default=names, metavar="NAME")
    parser.add_argument("--json", type=Path, default=Path("scoreboard.json"), help="the file")
    parser.add_argument("--baseline", type=Path, default=BASELINE, help="what to compare with")
    given = parser.parse_args()
    limit = QUICK_SECONDS if given.quick else FULL_SECONDS
    rows, failed, begin = [], [], time.time()
    for benchmark in BENCHMARKS:
        if benchmark.name not in given.only:
            continue
        if benchmark.missing:
            print(f"{benchmark.name}: left out, there is no {benchmark.missing}", flush=True)
            continue
        start = time.time()
        found, wrong = run(benchmark, given.quick, limit)
        rows += found
        failed += [f"{benchmark.name}: {wrong}"] if wrong else []
        print(f"{benchmark.name}: {len(found)} rows in {time.time() - start:.0f} s", flush=True)
    print("\n" + "\n".join(table(rows)))
    date = time.strftime("%Y-%m-%d", time.gmtime(begin))
    write(given.json, rows, {"date": date, "quick": given.quick, "seconds": time.time() - begin})
    print(f"\nWritten: {given.json}")
    if given.baseline.exists():
        lines = worse(rows, read(given.baseline))
        print(f"\nWorse than in {given.baseline}: {len(lines)}", *lines, sep="\n  ")
    if failed:
        print("\nFailed:", *failed, sep="\n  ")
    return int(bool(failed))


if __name__ == "__main__":
    sys.exit(main())
