"""Hostile rows of bars and of corporate actions, each of a kind that has a name and is counted.

Hypothesis draws how a delivery is mixed and a seed; the rows are made of the seed, so that a case
holds hundreds of them. A delivery is a list of (kind, row); `PLAIN` rows are no hostile ones.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from datetime import date
from random import Random
from typing import NamedTuple

import polars as pl

PLAIN = "plain"
WILD = ("W1", "W2", "W3", "BRK.B", "brk/b", "=1+1", "É B", "W4")  # any row, any action
BARE = ("B1", "B2", "B3", "b3")  # any row, no action
TAME = ("T1", "T2", "T3")  # rows whose numbers can be prices, no action
SPLIT = ("S1", "S2", "S3")  # the same, with splits on record
NAMES = (*WILD, *BARE, *TAME, *SPLIT)
Row = tuple[str, str]  # its kind, and its text
Splits = dict[str, tuple[date, str]]  # day and ratio of the split of each name that has one


class Bar(NamedTuple):
    """The cells of a bar, before something is done to them."""

    opened: float
    high: float
    low: float
    close: float
    volume: float


COUNTED: dict[str, Counter[str]] = {}  # by table: rows of each kind that went through


def count(table: str, rows: Sequence[Row], refused: frozenset[int]) -> None:
    """Add rows that went through: `refused` has the places (from 1) of those that were rejected."""
    kinds = COUNTED.setdefault(table, Counter())
    kinds.update(kind for kind, _ in rows)
    gone = COUNTED.setdefault(f"{table} rejected", Counter())
    gone.update(rows[place - 1][0] for place in refused)


def hostile(table: str) -> int:
    """How many rows of a table that are not plain went through."""
    return sum(n for kind, n in COUNTED.get(table, Counter()).items() if kind != PLAIN)


def told() -> list[str]:
    """The lines of the table of what went through, by kind."""
    lines: list[str] = []
    for table in [name for name in COUNTED if not name.endswith(" rejected")]:
        gone = COUNTED[f"{table} rejected"]
        lines.append(f"{table}: {hostile(table):,} hostile rows, kept or rejected by kind")
        for kind, number in sorted(COUNTED[table].items()):
            lines.append(f"  {kind:<36}{number - gone[kind]:>8,}{gone[kind]:>8,}")
    return lines


def path(chance: Random, days: Sequence[date]) -> dict[date, Bar]:
    """Bars around ten, whose units change at times as nobody has told, and stay so or return."""
    level, basis, answer = chance.uniform(4, 40), 1.0, {}
    for day in days:
        if chance.random() < 0.01:
            basis = chance.choice((1.0, 2.0, 0.5, 0.1, 10.0, 100.0, 0.01, 1 / 3, 1.5))
        opened = level * basis * (1 + chance.gauss(0, 0.02))
        close = opened * (1 + chance.gauss(0, 0.015))
        high = max(opened, close) * (1 + abs(chance.gauss(0, 0.005)))
        low = min(opened, close) * (1 - abs(chance.gauss(0, 0.005)))
        answer[day] = Bar(opened, high, low, close, chance.randrange(1_000, 9_000_000))
        level = close / basis
    return answer


def row(name: str, day: object, cells: Sequence[object]) -> str:
    """A line of a file of bars."""
    return ",".join([name, str(day), *map(str, cells)])


def _one(chance: Random, bar: Bar, cell: str, places: Sequence[int] = range(4)) -> list[object]:
    cells: list[object] = list(bar)
    cells[chance.choice(list(places))] = cell
    return cells


def _cell(*cells: str) -> Callable[[Random, Bar], list[object]]:
    return lambda chance, bar: _one(chance, bar, chance.choice(cells))


def _volume(*cells: str) -> Callable[[Random, Bar], list[object]]:
    return lambda chance, bar: _one(chance, bar, chance.choice(cells), [4])


def _scaled(*factors: float) -> Callable[[Random, Bar], list[object]]:
    def scaled(chance: Random, bar: Bar) -> list[object]:
        factor = chance.choice(factors)
        volume = bar.volume / factor if chance.random() < 0.5 else bar.volume
        return [*(price * factor for price in bar[:4]), volume]

    return scaled


def _spelled(chance: Random, bar: Bar) -> list[object]:
    """Numbers as other programs write them: all the same number or no number at all."""
    style = chance.choice(("{:.17e}", " {:.4f}", "{:.4f} ", "+{:.4f}", "{:.40f}", "00{:.3f}"))
    return [*(style.format(price) for price in bar[:4]), bar.volume]


CELLS: dict[str, Callable[[Random, Bar], list[object]]] = {
    "volume: fraction": lambda chance, bar: [*bar[:4], round(bar.volume + chance.random(), 2)],
    "volume: fraction of one": _volume("0.24", "0.999999", "1e-9"),
    "volume: zero": _volume("0", "0.0", "-0.0"),
    "volume: negative": _volume("-1", "-0.5", "-1e308"),
    "volume: missing": _volume("", " "),
    "volume: beyond reason": _volume("1e14", "1e308", "9e99"),
    "volume: no number": _volume("nan", "inf", "-inf", "12K", "x"),
    "price: 1e308": _cell("1e308", "-1e308", "9e99", "1e13"),
    "price: 1e-320": _cell("1e-320", "1e-9", "-1e-320"),
    "price: infinite": _cell("inf", "-inf", "Infinity"),
    "price: not a number": _cell("nan", "NaN", "-nan"),
    "price: zero": _cell("0", "0.0", "-0.0"),
    "price: negative": _cell("-1", "-10.4", "-0.01"),
    "price: missing": _cell("", " ", "null", "None", "N/A", "-"),
    "price: text": _cell("x", "0x10", "ten", "1 000", "=1+1", "1e", "١٠", "１０", "\\N", "$10"),
    "all prices missing": lambda chance, bar: ["", "", "", "", chance.choice(["", "0", "100"])],
    "high below low": lambda _, bar: [bar.opened, bar.low, bar.high, bar.close, bar.volume],
    "open outside": lambda _, bar: [bar.high * 1.1, *bar[1:]],
    "close outside": lambda _, bar: [*bar[:3], bar.low * 0.9, bar.volume],
    "flat bar": lambda _, bar: [*[bar.close] * 4, bar.volume],
    "in hundredths": _scaled(100.0, 0.01),
    "split not on record": _scaled(2.0, 0.5, 3.0, 1 / 3, 10.0, 0.1, 1.5),
    "stray print": _scaled(1.3, 0.6, 1.8, 0.45, 50.0),
    "spelled otherwise": _spelled,
}
TAME_CELLS = tuple(
    kind
    for kind in CELLS
    if not kind.startswith(("price: 1e", "price: inf", "price: not", "volume: bey", "volume: no "))
)
WEEKENDS = ("2026-11-21", "2026-10-04", "2026-09-26")
DATES: dict[str, tuple[str, ...]] = {
    "day: weekend": WEEKENDS,
    "day: holiday": ("2026-09-07", "2026-11-26", "2026-12-25"),
    "day: not opened yet": ("2026-11-25", "2026-12-01", "2027-01-04"),
    "day: beyond the calendar": ("0001-01-01", "1899-12-29", "9999-12-31", "2999-01-04"),
    "day: none": ("", "never", "2026-02-30", "20261131", "24/11/2026", "2026-11-24T25:00"),
}
SYMBOLS = {"symbol: none": ("", " "), "symbol: odd": ("NUL", "'; --", "<b>X</b>", "😀", "A" * 300)}
TWICE, TWICE_OTHERWISE = "twice the same", "twice with other numbers"
BAR_KINDS = (*CELLS, *DATES, *SYMBOLS, TWICE, TWICE_OTHERWISE)


def splits(chance: Random, days: Sequence[date]) -> Splits:
    """The day and the ratio of each split on record."""
    ratios = ("2", "0.5", "10", "0.1", "1.5")
    return {
        name: (days[-1 - place * chance.choice((1, 5, 12, 18))], chance.choice(ratios))
        for place, name in enumerate(SPLIT)
    }


def _before(bar: Bar, ratio: float) -> Bar:
    opened, high, low, close = (price * ratio for price in bar[:4])
    return Bar(opened, high, low, close, bar.volume / ratio)


def bars(chance: Random, days: Sequence[date], number: int, found: Splits) -> list[Row]:
    """A plain past of each name with holes, and a number of hostile rows among it, shuffled."""
    pasts = {name: path(chance, days) for name in NAMES}
    for name, (ex_date, ratio) in found.items():
        as_made = pasts[name].items()
        pasts[name] = {d: _before(b, float(ratio)) if d < ex_date else b for d, b in as_made}
    rows: dict[tuple[str, date], Row] = {}
    for name, past in pasts.items():
        held = chance.choice((0.6, 0.97, 0.97))
        for day, bar in past.items():
            if chance.random() < held:
                rows[name, day] = (PLAIN, row(name, day, bar))
    others: list[Row] = []
    for _ in range(number):
        name = chance.choice(NAMES)
        kinds = TAME_CELLS if name in (*TAME, *SPLIT) else tuple(CELLS)
        kind = chance.choice((*kinds, *kinds, *DATES, *SYMBOLS, TWICE, TWICE_OTHERWISE))
        day = chance.choice(days if chance.random() < 0.5 else days[-6:])
        bar = pasts[name][day]
        if kind in CELLS:
            rows[name, day] = (kind, row(name, day, CELLS[kind](chance, bar)))
        elif kind in DATES:
            others.append((kind, row(name, chance.choice(DATES[kind]), bar)))
        elif kind in SYMBOLS:
            others.append((kind, row(chance.choice(SYMBOLS[kind]), day, bar)))
        else:
            factor = 1.0 if kind == TWICE else chance.choice((1.01, 2.0))
            rows.setdefault((name, day), (PLAIN, row(name, day, bar)))
            others.append((kind, row(name, day, [*(p * factor for p in bar[:4]), bar.volume])))
    answer = [*rows.values(), *others]
    chance.shuffle(answer)
    return answer


def _split(*ratios: str) -> Callable[[Random], list[str]]:
    return lambda chance: ["split", chance.choice(ratios), "", "", ""]


def _cash(amounts: Sequence[str], coins: Sequence[str], note: str = "") -> Callable[..., list[str]]:
    return lambda chance: ["dividend", "", chance.choice(amounts), chance.choice(coins), note]


def _other(*kinds: str, note: str = "") -> Callable[[Random], list[str]]:
    cells = ("", "2", "0.5", "1e308", "x")
    return lambda chance: [
        chance.choice(kinds), chance.choice(cells), chance.choice(cells), "USD", note
    ]  # fmt: skip


SOME_CASH = ("0.1", "0.35", "0.02", "1")
ACTIONS: dict[str, Callable[[Random], list[str]]] = {
    "split: 2:1 and the like": _split("2", "3", "1.5", "10", "4"),
    "split: reverse": _split("0.5", "0.1", "0.05", "0.3333333"),
    "split: no ratio": _split("", " ", "0", "-0.0"),
    "split: impossible": _split("-2", "1e308", "inf", "nan", "1e-320", "x", "2:1", "9e99"),
    "split: of one": _split("1", "1.0", "1.0000001"),
    "dividend: dollars": _cash(SOME_CASH, ("USD", "usd", " USD ")),
    "dividend: special": _cash(("3", "9", "10.5"), ("USD",), "special"),
    "dividend: pence": _cash(("50", "12.5", "100"), ("GBX", "GBp", "gbx")),
    "dividend: other currency": _cash(SOME_CASH, ("GBP", "EUR", "ZAc", "JPY")),
    "dividend: no such currency": _cash(SOME_CASH, ("XXX", "DOLLARS", "=1+1", "$")),
    "dividend: no currency": _cash(SOME_CASH, ("", " ")),
    "dividend: above the price": _cash(("500", "1e6"), ("USD", "")),
    "dividend: impossible": _cash(("-1", "1e308", "inf", "nan", "x", "", "1e-320"), ("USD", "GBX")),
    "spin-off": _other("spin_off", note="=2+2"),
    "rename": _other("rename", "symbol_change", note="to W9"),
    "delisting": _other("delisting", "merger"),
    "kind: unknown": _other("odd", "", "SPLIT", "Dividend"),
}
TO_COME, LONG_AGO, NO_DAY = "ex-date to come", "ex-date before all bars", "ex-date: none"
OFF_DAYS, AGAIN, UNKNOWN = "ex-date off the calendar", "the same twice", "of a name without bars"
DAY_KINDS: dict[str, tuple[str, ...]] = {
    TO_COME: ("2026-12-15", "2026-11-25", "9999-12-31"),
    LONG_AGO: ("1990-01-02", "0001-01-01", "2026-01-05"),
    NO_DAY: DATES["day: none"],
    OFF_DAYS: WEEKENDS,
}
ACTION_KINDS = (*ACTIONS, *DAY_KINDS, AGAIN, UNKNOWN)


def actions(chance: Random, days: Sequence[date], number: int, found: Splits) -> list[Row]:
    """A number of hostile actions of wild names and of others, and the splits that are found."""
    answer = [(PLAIN, f"{name},{day},split,{ratio},,,") for name, (day, ratio) in found.items()]
    while len(answer) < number + len(found):
        kind = chance.choice((*ACTIONS, *ACTION_KINDS))
        name, day = chance.choice(WILD), str(chance.choice(days[-12:]))
        make = ACTIONS.get(kind) or chance.choice(list(ACTIONS.values()))
        if kind in DAY_KINDS:
            day = chance.choice(DAY_KINDS[kind])
        if kind == UNKNOWN:
            name = chance.choice(("W9", "", "W1 ", "NUL"))
        text = ",".join([name, day, *make(chance)])
        answer.append((kind, chance.choice(answer)[1] if kind == AGAIN else text))
    return answer


def on_one_basis(bars: pl.DataFrame, splits: pl.DataFrame) -> pl.DataFrame:
    """Bars with their splits taken out, one after another: prices before a split are divided."""
    for name, day, ratio in splits.select("symbol", "ex_date", "ratio").iter_rows():
        before = (pl.col("symbol") == name) & (pl.col("session") < day)
        prices = pl.col("open", "high", "low", "close")
        bars = bars.with_columns(
            pl.when(before).then(prices / ratio).otherwise(prices),
            volume=pl.when(before).then(pl.col("volume") * ratio).otherwise("volume"),
        )
    return bars
