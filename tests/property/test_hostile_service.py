"""Hostile rows and actions through the desk as a user has it: files in, pulls, store, scan, plans.

Every row delivered is kept or rejected, and what is wrong with those kept is told; every name of a
session is a candidate, left out with a reason, or out of reach; the gaps are those of the oracle;
whatever is asked for answers or refuses with a sentence.
"""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import polars as pl
from hypothesis import Phase, given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from core import settings as desk_settings
from core.domain.gaps import bars as bar_rules
from core.domain.gaps import breaks as gap_breaks
from core.domain.gaps import measure as gaps
from core.domain.gaps.bars import LEAST_PRICE, MOST_PRICE, MOST_VOLUME
from core.domain.gaps.flags import Flag
from core.domain.timetable import sessions as calendar
from core.errors import OpenbellError
from core.service import current
from core.service.cache import SESSIONS
from core.service.desk import Desk
from core.service.gaps import keeping, scans, statistics, symbols
from core.service.gaps import session as scan_inputs
from core.service.kernel import commands, exports
from core.service.trading.plans import Ask, propose
from tests import begun, depth, gap_oracle, price_cases

NOW = datetime(2026, 11, 24, 22, 0, tzinfo=UTC)
LAST = date(2026, 11, 24)
SOME = calendar.sessions_between(LAST - timedelta(days=75), LAST)["session"].to_list()
DAYS = calendar.all_sessions()["session"]
QUIET = ("AAA", "ZZZ")
NAMES = ("EVIL", "BRK.B", "=1+1", "É B", "evil")
BAD = ("0", "-1", "1e308", "1e-320", "inf", "nan", "x", "", " ", "9e99", "1e13", "0x10", "1e9")
PRICES = st.sampled_from(("10", "10.4", "9.7", "5", "20", "1000", "0.1", "11.5", "8.6", "10.05"))
VOLUMES = st.sampled_from(("1000", "0.24", "90000", "2500000.5", "12"))
RARELY = st.integers(0, 11).map(lambda n: n == 0)
ODD_DAYS = ("2026-11-21", "2026-11-26", "2026-11-25", "0001-01-01", "9999-12-31", "never", "")
DAY = st.one_of(
    st.sampled_from(SOME).map(str), st.sampled_from(SOME[-6:]).map(str), st.sampled_from(ODD_DAYS)
)


@st.composite
def _bar(draw: Any) -> str:
    """A row of a bar: most could be one, some hold anything."""
    opened, close = draw(PRICES), draw(PRICES)
    high, low = max(opened, close, key=float), min(opened, close, key=float)
    cells = [opened, high, low, close, draw(VOLUMES)]
    if draw(RARELY):
        cells[draw(st.integers(0, 4))] = draw(st.sampled_from(BAD))
    return ",".join([draw(st.sampled_from(NAMES)), draw(DAY), *cells])


@st.composite
def _action(draw: Any) -> str:
    """A row of a corporate action, of any kind and with any number."""
    numbers = st.sampled_from(("2", "0.5", "1.5", "0.01", "0.3", "50", *BAD))
    kinds = st.sampled_from(("split", "dividend", "spin_off", "rename", "delisting", "odd", ""))
    coins = st.sampled_from(("USD", "GBX", "GBP", "XXX", "", "usd"))
    days = st.one_of(DAY, st.sampled_from(("2026-12-15", "2026-11-24", "2026-11-24")))
    parts = [draw(st.sampled_from(NAMES)), draw(days), draw(kinds), draw(numbers), draw(numbers)]
    return ",".join([*parts, draw(coins), draw(st.sampled_from(("", "special", "=2+2")))])


BARS = st.lists(_bar(), min_size=50, max_size=120)
ACTIONS = st.lists(_action(), max_size=25)
# a plan and a page of a name cost as much as all that is asked of the session: some of each case
SOME_NAMES = st.lists(st.sampled_from((*NAMES, *QUIET)), min_size=3, max_size=3, unique=True)


# of 100 rows at least; each case is a desk of its own, so none is shrunk
@depth.cases(3, phases=[Phase.generate], database=None)
@given(first=BARS, second=BARS, found=ACTIONS, names=SOME_NAMES)
def test_hostile_rows_and_actions(
    first: list[str], second: list[str], found: list[str], names: list[str]
) -> None:
    """Delivered twice, with actions before and after: nothing is lost, and nothing breaks."""
    with tempfile.TemporaryDirectory() as folder, _desk(Path(folder)) as desk:
        quiet = [f"{name},{day},10.5,11,9,10,100000" for name in QUIET for day in SOME]
        _deliver(desk, Path(folder), [*quiet, *first], "prices.daily")
        _deliver(desk, Path(folder), found[::2], "corporate_actions")
        keeping.keep_state(desk)
        _answers(desk, names[:1])
        _deliver(desk, Path(folder), second, "prices.daily")
        _deliver(desk, Path(folder), found, "corporate_actions")
        _answers(desk, names[1:])
        warm = _numbers(desk)
        keeping.keep_state(desk)
        SESSIONS.clear()
        assert_frame_equal(_numbers(desk), warm, rel_tol=1e-9, abs_tol=0)


@contextmanager
def _desk(folder: Path) -> Iterator[Desk]:
    begun.put_empty(folder / "desk")
    chosen = desk_settings.load(data_dir=folder / "desk", retries=0)
    with Desk.open(chosen, now=lambda: NOW) as desk:
        current.use(desk)
        try:
            yield desk
        finally:
            current.use(None)


def _deliver(desk: Desk, folder: Path, rows: list[str], dataset: str) -> None:
    """Load rows as a file; kept and rejected are all of them, flagged ones are told by number."""
    if not rows:
        return
    try:
        pull = price_cases.load_text(desk, folder, "\n".join(rows), dataset)
    except OpenbellError as error:  # a file that repeats itself is refused as a whole
        assert "repeat" in error.message
        return
    if pull["state"] == "unchanged":  # the same bytes as before
        return
    kept = pull["rows_inserted"] + pull["rows_updated"] + pull["rows_unchanged"]
    assert pull["rows_read"] == len(rows) == kept + pull["rows_rejected"]
    refused = desk.warehouse.read(
        "SELECT row_number, reason FROM rejected_rows WHERE pull_id = ?", [pull["pull_id"]]
    )
    assert refused.height == pull["rows_rejected"] and refused["reason"].null_count() == 0
    if dataset == "prices.daily":
        told = re.search(r"(\d+) of (\d+) bars are kept with a flag", pull["message"] or "")
        flagged = int(told[1]) if told else 0
        gone = set(refused["row_number"])  # a bar of before stays where the row for it is refused
        keys = [tuple(row.split(",")[:2]) for n, row in enumerate(rows, 1) if n not in gone]
        assert len(keys) == kept
        stored = price_cases.stored(desk).filter(
            pl.struct("symbol", pl.col("session").cast(pl.String)).is_in(
                [dict(zip(("symbol", "session"), key, strict=True)) for key in set(keys)]
            )
        )
        assert stored.filter(~bar_rules.is_sound()).height == flagged
        assert not told or int(told[2]) == kept


def _numbers(desk: Desk) -> pl.DataFrame:
    rows = scan_inputs.session_gaps(desk, LAST).rows
    names = ("symbol", "gap_pct", "gap_ex_div_pct", "atr", "rvol", "high20", "low20", "flags")
    return rows.select(names).sort("symbol")


def _answers(desk: Desk, names: list[str]) -> None:
    """What is asked of the session holds together, and equals the oracle for names that can."""
    bars = price_cases.stored(desk).sort("symbol", "session")
    rows = scan_inputs.session_gaps(desk, LAST).rows
    assert sorted(rows["symbol"]) == sorted(bars.filter(session=LAST)["symbol"])
    scan = scans.run(desk, LAST)
    chosen, rest = set(scan.candidates["symbol"]), set(scan.excluded["symbol"])
    assert not chosen & rest and scan.excluded["reason"].null_count() == 0
    quiet = rows.filter(~pl.col("symbol").is_in([*chosen, *rest]))
    unsound = (pl.col("flags") & int(Flag.BAD_BAR | Flag.BAD_BASE)) != 0
    assert quiet.filter(unsound & pl.col("gap_pct").is_null()).is_empty()
    for name in ("gap_pct", "dollar_volume", "score"):
        assert scan.candidates[name].is_finite().all()
    _as_the_oracle(desk, bars, rows)
    _asked(desk, names)


def _as_the_oracle(desk: Desk, bars: pl.DataFrame, rows: pl.DataFrame) -> None:
    actions = price_cases.stored(desk, "corporate_actions")  # of a symbol in any spelling
    acted = actions.select(bar_rules.spelled("symbol")).to_series().unique()
    bounded = pl.all_horizontal(
        pl.col(name).is_between(LEAST_PRICE, MOST_PRICE).fill_null(value=True)
        for name in bar_rules.PRICES
    ) & (pl.col("volume") <= MOST_VOLUME).fill_null(value=True)
    wild = bars.filter(~bounded)["symbol"].unique()
    hit = bar_rules.spelled("symbol").is_in(acted.implode())
    plain = bars.filter(~hit, ~pl.col("symbol").is_in(wild.implode()))
    found = gaps.measure(bars, DAYS, scan_inputs.actions_for(desk, _prices(desk)))
    moves = gap_breaks.judged(found)
    expected = gap_oracle.of_like_shares(gap_oracle.in_sql(plain, DAYS), plain, DAYS, moves)
    averages = gap_oracle.average_ranges(plain, DAYS, moves)
    expected = expected.with_columns(atr=pl.Series(averages, dtype=pl.Float64))
    expected = expected.with_columns(atr=pl.when(pl.col("atr") > 0).then("atr"))
    expected = expected.filter(session=LAST).sort("symbol")
    ours = rows.filter(pl.col("symbol").is_in(plain["symbol"].implode())).sort("symbol")
    bits = int(Flag.BAD_BAR | Flag.BAD_BASE | Flag.STALE_BASE)
    ours = ours.with_columns(
        pl.col("gap_type").cast(pl.String), bar_flags=(pl.col("flags") & bits).cast(pl.Int32)
    )
    assert_frame_equal(
        ours.select(expected.columns),
        expected.with_columns(pl.col("bar_flags").cast(pl.Int32)),
        rel_tol=1e-9,
        abs_tol=0,
    )


def _prices(desk: Desk) -> Any:
    return desk.catalogue.get("prices.daily")


def _asked(desk: Desk, names: list[str]) -> None:
    """Documents are JSON for any reader; plans, pages' inputs and exports answer or refuse."""
    for command in ("scan", "risk", "plans", "status"):
        text = orjson.dumps(commands.run(desk, command, {}).document, default=str)
        json.loads(text, parse_constant=_refuse)
    for what in ("candidates", "gaps", "plans", "journal"):
        exports.encode(exports.frame_of(desk, what), "csv")
    statistics.history(desk)
    for name in names:
        for ask in (lambda n=name: propose(desk, Ask(n)), lambda n=name: symbols.view(desk, n)):
            try:
                ask()
            except OpenbellError as error:
                assert error.message


def _refuse(word: str) -> None:
    raise AssertionError(f"{word} is no JSON")
