"""Hostile rows and actions through the desk as a user has it: files in, pulls, store, scan, plans.

Every row delivered is kept or rejected, and what is wrong with those kept is told; every name of a
session is a candidate, left out with a reason, or out of reach; the gaps are those of the oracle;
whatever is asked for answers or refuses with a sentence.
"""

from __future__ import annotations

import json
import re
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import orjson
import polars as pl
import pytest
from hypothesis import Phase, given, settings
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
from core.service.trading.journal import prove
from core.service.trading.plans import Ask, approve, propose
from core.service.trading.settling import settle_all
from tests import begun, depth, gap_oracle, hostile, price_cases

NOW = datetime(2026, 11, 24, 22, 0, tzinfo=UTC)
LAST = date(2026, 11, 24)
SOME = calendar.sessions_between(LAST - timedelta(days=75), LAST)["session"].to_list()
FIRST = datetime(2026, 11, 18, 15, 0, tzinfo=UTC)  # of the first delivery, half an hour in
DAYS = calendar.all_sessions()["session"]
QUIET = ("AAA", "ZZZ")
PLANS: Counter[str] = Counter()  # by state, of the desks of all cases
BARS = depth.pick(60, 200, 250)  # hostile rows of one delivery; each case has two
ACTIONS = depth.pick(40, 120, 150)
ENOUGH = 10_000  # hostile rows, and actions, of a long run


# each case is a desk of its own, so none is shrunk; a plan and a page of a name cost as much as
# all that is asked of the session: some of each case
@settings(max_examples=depth.pick(1, 3, 40), deadline=None, phases=[Phase.generate], database=None)
@given(
    chance=st.randoms(use_true_random=True),
    names=st.lists(st.sampled_from((*hostile.NAMES, *QUIET)), min_size=4, max_size=4, unique=True),
)
def test_hostile_rows_and_actions(chance: Random, names: list[str]) -> None:
    """Delivered twice, with actions before and after: nothing is lost, and nothing breaks."""
    with tempfile.TemporaryDirectory() as folder, _desk(Path(folder)) as (desk, clock):
        early = [day for day in SOME if day <= FIRST.date()]
        quiet = [
            (hostile.PLAIN, f"{name},{day},10.5,11,9,10,100000") for name in QUIET for day in SOME
        ]
        splits = hostile.splits(chance, early)
        found = hostile.actions(chance, early, ACTIONS, splits)
        rows = hostile.bars(chance, early, BARS, splits)
        _deliver(desk, Path(folder), [*quiet, *rows], "prices.daily")
        _deliver(desk, Path(folder), found, "corporate_actions")
        keeping.keep_state(desk)
        _answers(desk, early[-1], names[:1])
        _traded(desk)
        clock.append(NOW)
        _deliver(desk, Path(folder), hostile.bars(chance, SOME, BARS, splits), "prices.daily")
        later = hostile.actions(chance, SOME, ACTIONS, {})  # most of days that have passed: late
        _deliver(desk, Path(folder), [*found, *later], "corporate_actions")
        _answers(desk, LAST, names[1:])
        _settled(desk)
        warm = _numbers(desk)
        keeping.keep_state(desk)
        SESSIONS.clear()
        assert_frame_equal(_numbers(desk), warm, rel_tol=1e-9, abs_tol=0)


@pytest.mark.skipif(depth.profile() != depth.LONG, reason="counts what a long run has drawn")
def test_ten_thousand_of_each() -> None:
    """A long run has had ten thousand hostile rows of bars and as many of actions."""
    assert hostile.hostile("prices.daily") >= ENOUGH
    assert hostile.hostile("corporate_actions") >= ENOUGH


@contextmanager
def _desk(folder: Path) -> Iterator[tuple[Desk, list[datetime]]]:
    """A desk and its clock: the last instant of the list is now."""
    begun.put_empty(folder / "desk")
    clock = [FIRST]
    chosen = desk_settings.load(data_dir=folder / "desk", retries=0)
    with Desk.open(chosen, now=lambda: clock[-1]) as desk:
        current.use(desk)
        try:
            yield desk, clock
        finally:
            current.use(None)


def _deliver(desk: Desk, folder: Path, told: Sequence[hostile.Row], dataset: str) -> None:
    """Load rows as a file; kept and rejected are all of them, flagged ones are told by number."""
    rows = [text for _, text in told]
    pull = price_cases.load_text(desk, folder, "\n".join(rows), dataset)
    kept = pull["rows_inserted"] + pull["rows_updated"] + pull["rows_unchanged"]
    assert pull["rows_read"] == len(rows) == kept + pull["rows_rejected"]
    refused = desk.warehouse.read(
        "SELECT row_number, reason FROM rejected_rows WHERE pull_id = ?", [pull["pull_id"]]
    )
    assert refused.height == pull["rows_rejected"] and refused["reason"].null_count() == 0
    gone = frozenset(refused["row_number"])
    if dataset == "prices.daily":
        _flags_told(desk, pull, [row for n, row in enumerate(rows, 1) if n not in gone])
    hostile.count(dataset, told, gone)


def _flags_told(desk: Desk, pull: dict[str, Any], rows: list[str]) -> None:
    """The rows that were kept are stored, and the pull says how many of them are no sound bars."""
    told = re.search(r"(\d+) of (\d+) bars are kept with a flag", pull["message"] or "")
    flagged = int(told[1]) if told else 0
    keys = pl.DataFrame(
        [row.split(",")[:2] for row in rows], schema=["symbol", "day"], orient="row"
    )
    stored = price_cases.stored(desk).with_columns(day=pl.col("session").cast(pl.String))
    found = stored.join(keys, on=["symbol", "day"], how="semi")
    assert found.height == len(rows)
    assert found.filter(~bar_rules.is_sound()).height == flagged
    assert not told or int(told[2]) == len(rows)


def _traded(desk: Desk) -> None:
    """Plans of what can be planned are approved, so that late rows find them open."""
    for name in hostile.NAMES[1::3]:
        with suppress(OpenbellError):
            made = propose(desk, Ask(name))
            approve(desk, made.ask, "of a hostile morning", made.fingerprint)


def _settled(desk: Desk) -> None:
    """Settling over hostile bars and late actions keeps the books whole, and again posts none."""
    settle_all(desk)
    assert not [plan for plan in settle_all(desk)["plans"] if plan["posted"] or plan["reversed"]]
    assert not prove(desk)["differences"]
    PLANS.update(item["state"] for item in commands.run(desk, "plans", {}).document["plans"])


def _numbers(desk: Desk) -> pl.DataFrame:
    rows = scan_inputs.session_gaps(desk, LAST).rows
    names = ("symbol", "gap_pct", "gap_ex_div_pct", "atr", "rvol", "high20", "low20", "flags")
    return rows.select(names).sort("symbol")


def _answers(desk: Desk, day: date, names: list[str]) -> None:
    """What is asked of the session holds together, and equals the oracle for names that can."""
    bars = price_cases.stored(desk).sort("symbol", "session")
    rows = scan_inputs.session_gaps(desk, day).rows
    assert sorted(rows["symbol"]) == sorted(bars.filter(session=day)["symbol"])
    scan = scans.run(desk, day)
    chosen, rest = set(scan.candidates["symbol"]), set(scan.excluded["symbol"])
    assert not chosen & rest and scan.excluded["reason"].null_count() == 0
    quiet = rows.filter(~pl.col("symbol").is_in([*chosen, *rest]))
    unsound = (pl.col("flags") & int(Flag.BAD_BAR | Flag.BAD_BASE)) != 0
    assert quiet.filter(unsound & pl.col("gap_pct").is_null()).is_empty()
    for name in ("gap_pct", "dollar_volume", "score"):
        assert scan.candidates[name].is_finite().all()
    _as_the_oracle(desk, day, bars, rows)
    _asked(desk, names)


def _as_the_oracle(desk: Desk, day: date, bars: pl.DataFrame, rows: pl.DataFrame) -> None:
    actions = price_cases.stored(desk, "corporate_actions")  # of a symbol in any spelling
    acting = actions.filter(~pl.col("symbol").is_in(hostile.SPLIT))
    acted = acting.select(bar_rules.spelled("symbol")).to_series().unique()
    bounded = pl.all_horizontal(
        pl.col(name).is_between(LEAST_PRICE, MOST_PRICE).fill_null(value=True)
        for name in bar_rules.PRICES
    ) & (pl.col("volume") <= MOST_VOLUME).fill_null(value=True)
    wild = bars.filter(~bounded)["symbol"].unique()
    hit = bar_rules.spelled("symbol").is_in(acted.implode())
    plain = bars.filter(~hit, ~pl.col("symbol").is_in(wild.implode()))
    told = scan_inputs.actions_for(desk, _prices(desk))  # without splits that the bars show already
    moves = gap_breaks.judged(gaps.measure(bars, DAYS, told))
    splits = told.filter(kind="split").filter(pl.col("symbol").is_in(hostile.SPLIT))
    plain = hostile.on_one_basis(plain, splits)
    expected = gap_oracle.of_like_shares(gap_oracle.in_sql(plain, DAYS), plain, DAYS, moves)
    averages = gap_oracle.average_ranges(plain, DAYS, moves)
    expected = expected.with_columns(atr=pl.Series(averages, dtype=pl.Float64))
    expected = expected.with_columns(atr=pl.when(pl.col("atr") > 0).then("atr"))
    expected = expected.filter(session=day).sort("symbol")
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
