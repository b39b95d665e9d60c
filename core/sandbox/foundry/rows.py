"""Faults put into the rows of a CSV: the file is honest about its sha256, its rows are not."""

from __future__ import annotations

from collections.abc import Callable

from core.sandbox.foundry.fault_names import DATA

Lines = list[str]


def mutate(body: bytes, faults: list[str], pulls: int) -> bytes:
    """The CSV with each fault in a row of its own. `pulls` counts the versions before this one."""
    lines = body.decode().splitlines()
    for fault in faults:
        lines = _rotated(lines, pulls) if fault == "shuffled-rows" else _ROWS[fault](lines)
    end = "" if "truncated-file" in faults else "\n"
    return ("\n".join(lines) + end).encode("utf-8", "surrogateescape")


def by_ranges(body: bytes, most: int) -> bytes:
    """The rows with ids in 1..most, in order: what the container's batches bring."""
    header, *rows = body.decode().splitlines()
    at = header.split(",").index("id")
    kept = [
        row for row in rows if row.split(",")[at].isdigit() and 0 < int(row.split(",")[at]) <= most
    ]
    return ("\n".join([header, *kept]) + "\n").encode()


def _column(lines: Lines, *names: str) -> int:
    """The first column called so, else the last one."""
    header = [name.lower() for name in lines[0].split(",")]
    return next((header.index(name) for name in names if name in header), len(header) - 1)


def _cell(value: str, *names: str) -> Callable[[Lines], Lines]:
    """Puts a value into one cell in the middle of the file."""

    def put(lines: Lines) -> Lines:
        row = max(1, len(lines) // 2)
        cells = lines[row].split(",")
        at = _column(lines, *names)
        cells[at] = value.replace("{}", cells[at])
        return [*lines[:row], ",".join(cells), *lines[row + 1 :]]

    return put


def _row(change: Callable[[str], str]) -> Callable[[Lines], Lines]:
    """Changes one row in the middle of the file."""

    def put(lines: Lines) -> Lines:
        row = max(1, len(lines) // 2)
        return [*lines[:row], change(lines[row]), *lines[row + 1 :]]

    return put


def _less_column(lines: Lines) -> Lines:
    at = _column(lines, "close", "value")
    return [",".join(line.split(",")[:at] + line.split(",")[at + 1 :]) for line in lines]


def _more_column(lines: Lines) -> Lines:
    return [f"{lines[0]},surprise", *(f"{line},1" for line in lines[1:])]


def _half(lines: Lines) -> Lines:
    return lines[: 1 + len(lines) // 2]


def _conflict(lines: Lines) -> Lines:
    return [*lines, _cell("9.75", "close", "value")([lines[0], lines[1]])[1]]


def _rotated(lines: Lines, pulls: int) -> Lines:
    at = 1 + pulls % max(1, len(lines) - 1)
    return [lines[0], *lines[at:], *lines[1:at]]


_PRICE, _NAME, _DAY = ("open", "close", "value"), ("symbol", "name", "ticker"), ("date", "session")

_ROWS: dict[str, Callable[[Lines], Lines]] = {
    "extra-cell": _row(lambda line: f"{line},1"),
    "missing-cell": _row(lambda line: line.rpartition(",")[0]),
    "truncated-file": lambda lines: [*lines[:-1], lines[-1].rpartition(",")[0][:-1]],
    "open-quote": _row(lambda line: f'"{line}'),
    "missing-column": _less_column,
    "new-column": _more_column,
    "header-only": lambda lines: lines[:1],
    "nul-byte": _cell("{}\0", *_NAME),
    "bad-utf8": _cell("{}\udcff", *_NAME),
    "formula-cell": _cell("=1+1", *_NAME),
    "rtl-cell": _cell("{}\u202etxt", *_NAME),
    "nan-cell": _cell("NaN", *_PRICE),
    "inf-cell": _cell("inf", *_PRICE),
    "text-in-number": _cell("n/a", *_PRICE),
    "zero-price": _cell("0", *_PRICE),
    "negative-price": _cell("-1.5", *_PRICE),
    "high-below-low": _cell("0.01", "high"),
    "doubled-row": lambda lines: [*lines, lines[1]],
    "conflicting-row": _conflict,
    "future-date": _cell("2099-01-04", *_DAY),
    "rows-lost": lambda lines: lines[: max(2, len(lines) * 4 // 5)],
    "id-ranges": lambda lines: lines[: max(2, len(lines) * 4 // 5)],
    "mixed-file": lambda lines: [*_half(lines), *_half(lines)[1:]],
}
assert set(_ROWS) | {"shuffled-rows"} == set(DATA)
