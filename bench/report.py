"""How measurements are printed: one Markdown table each, read as well in a terminal as in docs.

Every part of the bench calls it.
"""

import statistics
from collections.abc import Iterable, Sequence


def median(values: Iterable[float]) -> float:
    """Return the middle value. Raises ValueError when there is none: nothing was measured."""
    measured = list(values)
    if not measured:
        raise ValueError("no value was measured")
    return statistics.median(measured)


def ratio(ours: float, theirs: float) -> str:
    """Say how many times `theirs` ours is, as `1.23x`."""
    if theirs <= 0:
        raise ValueError(f"nothing to compare with: {theirs}")
    return f"{ours / theirs:.2f}x"


def table(title: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print a table under its title. The first column is words, the others stand to the right.

    Floats get three significant digits; whoever wants others passes a string.
    """
    lines = [list(columns), *([_cell(value) for value in row] for row in rows)]
    if any(len(line) != len(columns) for line in lines):
        raise ValueError(f"{title}: a row has not the {len(columns)} cells of the head")
    widths = [max(3, *(len(line[at]) for line in lines)) for at in range(len(columns))]
    ruler = ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])]
    print(f"\n### {title}\n")
    for line in [lines[0], ruler, *lines[1:]]:
        first, *others = zip(line, widths, strict=True)
        cells = [first[0].ljust(first[1]), *(text.rjust(width) for text, width in others)]
        print("| " + " | ".join(cells) + " |", flush=True)


def _cell(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"
    return "-" if value is None else str(value)
