"""`print(trace)`: the deck's tables as text."""

import io
from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from keras_course_ext.backprop.numbers import number_text
from keras_course_ext.backprop.record import TraceRecord
from keras_course_ext.backprop.rows import Block, Row, backward_blocks, forward_blocks

_WIDTH = 100
_COLUMNS = (15, 31, 50)


def as_text(trace: TraceRecord) -> str:
    """The two tables of a trace, 100 columns wide, without colours."""
    return "\n".join(
        [
            f"Trace of '{trace.model_name}', loss {number_text(trace.loss)}",
            "",
            *_section("Forward", forward_blocks(trace)),
            *_section("Backward, from the output", backward_blocks(trace)),
        ]
    )


def _section(title: str, blocks: Sequence[Block]) -> list[str]:
    lines = [title, "─" * _WIDTH]
    for block in blocks:
        lines += [block.title, rendered(_table(block))]
    return lines


def _table(block: Block) -> Table:
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    # The same widths in every block, so that the blocks form one table.
    for width in _COLUMNS:
        table.add_column(width=width, overflow="fold")
    for row in block.rows:
        table.add_row(f"  {row.quantity}", _formula(row), _numbers(row))
    return table


def _formula(row: Row) -> str:
    return f"= {row.formula}" if row.formula else ""


def _numbers(row: Row) -> str:
    if row.missing:
        return row.value
    value = "= " + row.value.replace("\n", "\n  ")
    return f"= {row.filled}\n{value}" if row.filled else value


def rendered(table: Table) -> str:
    """A table as text, 100 columns wide, without colours."""
    console = Console(
        width=_WIDTH, file=io.StringIO(), color_system=None, markup=False, highlight=False
    )
    with console.capture() as capture:
        console.print(table)
    return "\n".join(line.rstrip() for line in capture.get().splitlines()) + "\n"
