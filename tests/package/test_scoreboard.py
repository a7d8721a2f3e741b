"""The scoreboard: its table, what it calls worse, and the figures that README and docs quote."""

import re
from pathlib import Path

import pytest
from goals import GOALS, goal_of
from rows import Row, as_line, from_json, of_lines, to_json
from scoreboard import BASELINE, BENCHMARKS, read, table, verdict, worse, write

ROOT = Path(__file__).parents[2]
DECK = ["SGD", "Momentum", "Adam", "RMSprop", "Adagrad", "AdamW"]
NETS = ["3x64, batch 32", "4x512, batch 64", "3x1024, batch 256"]
UPDATED = ["one 4096x4096", "10 x (512x512 + bias)", "ResNet-50", "400 of 32x32"]
MONITORED = ["3x64", "4x512", "cnn", "lstm", "transformer"]
SETTINGS = ["bare", "default", "histograms", "norms", "all", "second pass, step"]
# A word of a table's header -> the names of its columns and, top down, the beginnings of its rows.
TABLES = {
    "Adagrad": (
        [f", {o}" for o in DECK],
        [f"update, {m}" for m in UPDATED] + [f"fit, {n}" for n in NETS],
    ),
    "LSTM": ([f"{net}, graph, " for net in MONITORED], SETTINGS),
    "gelu": (
        [f", {a}" for a in ("relu", "sigmoid", "gelu", "Keras against itself")],
        [f"explicit, {n}" for n in (*NETS, "4x512, batch 64, jit")],
    ),
}
QUOTING = [
    page
    for page in (*sorted(ROOT.glob("README*.md")), *sorted((ROOT / "docs").rglob("*.md")))
    if re.search(r"^\|.*\b(Adagrad|LSTM|gelu)\b.*\|\n\|---", page.read_text("utf-8"), re.M)
    and "benchmarks/" in page.read_text("utf-8")
]


def row(ratio, low=None, high=None, name="fit, a", unit="s"):
    return Row(name, ratio, low, high, 9, ratio, 1.0, unit)


def quoted(page):
    """Yield (name on the scoreboard, figure) of the tables of a page that are the scoreboard's."""
    for found in re.finditer(r"(?:^\|.*\|\n)+", page.read_text("utf-8"), re.M):
        lines = [[c.strip() for c in x.strip("|").split("|")] for x in found[0].splitlines()]
        word = next((word for word in TABLES if word in lines[0]), None)
        if word is None or len(lines[0]) != len(TABLES[word][0]) + 1:
            continue
        columns, starts = TABLES[word]
        assert len(lines) - 2 == len(starts), found[0]
        for start, (_, *cells) in zip(starts, lines[2:], strict=True):
            for column, cell in zip(columns, cells, strict=True):
                if cell:
                    yield (f"monitor, {column}{start}" if word == "LSTM" else start + column), cell


@pytest.mark.parametrize("page", QUOTING, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_a_page_quotes_the_figures_of_the_baseline(page):
    figures = {row.name: row.ratio for row in read(BASELINE)}
    cells = list(quoted(page))
    for name, cell in cells:
        assert cell == f"{figures[name]:.2f}", name
    text = " ".join(page.read_text("utf-8").split())
    if any(name.startswith("monitor, ") for name, _ in cells):
        for setting in ("default", "all"):
            jit = [f"{figures[f'monitor, {net}, jit, {setting}']:.2f}" for net in MONITORED]
            assert re.search(r",? (?:and )?".join(jit), text), jit


def test_some_page_quotes_each_table():
    names = [name for page in QUOTING for name, _ in quoted(page)]
    assert {name.partition(", ")[0] for name in names} == {"update", "fit", "monitor", "explicit"}


def test_what_is_outside_of_both_intervals_is_worse():
    before = [
        row(1.0, 0.98, 1.02),
        row(1.0, None, None, "fit, b"),
        row(20, None, None, "c", "of 20"),
    ]
    assert worse([row(1.04, 1.01, 1.07)], before) == []
    (line,) = worse([row(1.10, 1.03, 1.2)], before)
    assert line == "fit, a: 1.100 [1.030, 1.200], before 1.000 [0.980, 1.020]"
    assert worse([row(0.5, 0.4, 0.6)], before) == []
    assert worse([row(1.09, None, None, "fit, b")], before) == []
    assert worse([row(1.11, None, None, "fit, b")], before)
    assert worse([row(19, None, None, "c", "of 20")], before)
    assert worse([row(9.0, 8.0, 9.9, "not in the baseline")], before) == []
    noise = "fit, Keras against itself"
    assert worse([row(9.0, 8.0, 9.9, noise)], [row(1.0, 0.9, 1.1, noise)]) == []


def test_the_table_says_which_goals_are_met():
    goal = goal_of("fit, a")
    assert verdict(row(goal)) == (goal, "met")
    assert verdict(row(goal + 0.01)) == (goal, "missed")
    assert verdict(row(0.89, name="diagnosis, a", unit="of 9"))[1] == "missed"
    assert verdict(row(0.95, name="diagnosis, a", unit="of 9"))[1] == "met"
    assert verdict(row(1.1, 1.05, 1.2, "fit, Keras against itself")) == (None, "noise")
    assert verdict(row(1.1, 0.95, 1.2, "fit, Keras against itself")) == (None, "")
    assert verdict(row(1.1, name="nothing is asked of it")) == (None, "")
    lines = table([row(1.0, 0.9, 1.1)])
    assert lines[0].split() == ["ours", "peer", "ratio", "95", "%", "goal"]
    assert lines[1].split() == [
        "fit,",
        "a",
        "1",
        "1",
        "s",
        "1.000",
        "0.900",
        "..",
        "1.100",
        "1.02",
        "met",
    ]
    assert all(goal > 0 for goal in GOALS.values())


def test_rows_are_written_read_and_found_among_other_lines(tmp_path):
    rows = [row(1.0, 0.9, 1.1), row(0.3, name="층, ×")]
    assert from_json(to_json(rows)) == rows
    assert list(of_lines(["noise", as_line(rows[1]), "::", as_line(rows[0])])) == rows[::-1]
    write(tmp_path / "rows.json", rows, {"quick": True})
    assert read(tmp_path / "rows.json") == rows


def test_every_benchmark_is_registered_once_and_those_of_this_repository_are_there():
    assert len({benchmark.name for benchmark in BENCHMARKS}) == len(BENCHMARKS)
    for benchmark in BENCHMARKS:
        file = ROOT / "benchmarks" / f"{benchmark.module}.py"
        if file.exists():
            assert re.search(rf"^def {benchmark.function}\(quick: bool\)", file.read_text(), re.M)
