"""The marker `thin`: its rows run by default, the others are slow, unknown rows are refused."""

import cover
import pytest


class Item:
    def __init__(self, row, *patterns):
        self.nodeid = f"test_x.py::test[{row}]"
        self.thin = pytest.mark.thin(*patterns).mark if patterns else None
        self.marks = []

    def get_closest_marker(self, name):
        assert name == "thin"
        return self.thin

    def add_marker(self, mark):
        self.marks.append(mark.name)


def test_rows_outside_of_the_thin_cover_are_slow():
    items = [Item(row, "graph-*", "jit-b") for row in ("graph-a", "graph-b", "jit-a", "jit-b")]
    cover.mark_slow([*items, Item("jit-a")], whole_tests=True)
    assert [item.marks for item in items] == [[], [], ["slow"], []]


def test_a_row_that_is_not_there_is_refused():
    items = [Item("graph-a", "graph-a", "jit-a")]
    with pytest.raises(pytest.UsageError, match=r"test_x.py::test: .*\['jit-a'\]"):
        cover.mark_slow(items, whole_tests=True)
    cover.mark_slow(items, whole_tests=False)
