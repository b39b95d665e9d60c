"""Rules that compare a filing with what the company said before: jumps of scale, turned signs."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import polars as pl

from core.domain.quality.facts.arrays import Flags, Floats, Numbers, or_zero
from core.domain.quality.facts.packing import as_index, found_rows
from core.domain.quality.facts.table import PeriodTable
from core.domain.quality.model import Ruleset
from core.domain.quality.outcome import Outcome, outcome
from core.domain.quality.rules.past import Own, Told, ToldAgain
from core.domain.quality.rules.peers import against_peers
from core.domain.quality.rules.splits import as_split
from core.domain.quality.rules.twins import against_twins
from core.domain.quality.rules.vouching import vouched
from core.domain.quality.words import FindingText, contrast, with_columns_from

SCALES = (1e3, 1e6)
OUT_OF_LINE = 30.0
LONE_JUMP = 150.0


def scale_jump(book: PeriodTable, own: Own, told: ToldAgain) -> Outcome:
    """Q33: two headline items or more a thousand or a million times what they were."""
    against = (or_zero(told.was) != 0) & (told.value != 0)
    same, some = _otherwise(told, against)
    usual = _at(np.where(own.usual > 0, own.usual, np.nan), told.own[some])
    value, was = told.value[some], told.was[some]
    same[some] = _scaled(value / was, 0.01) & _out_of_line(value, usual)
    known = own.seen > 0
    lone = known & (own.value != 0) & _scaled(own.value / own.past[0], 0.5)
    lone &= _out_of_line(own.value, own.usual)
    lone &= _items(book, own, lone)[own.fid] * 2 >= _items(book, own, known)[own.fid]
    judged = np.concatenate([told.fid[against], own.fid[known]])
    same, lone = _credible(book, told, same), _credible(book, own, lone)
    kinds = _kinds(book, told, same) | _kinds(book, own, lone)
    many = kinds.sum(axis=1) >= 2
    same, lone = same & many[told.fid], lone & many[own.fid]
    at_fault = np.zeros(book.filings.height, bool)
    at_fault[told.fid[same]] = at_fault[own.fid[lone]] = True
    same, lone = (
        w & ~at_fault[t.fid[t.last]] & book.affected[t.fid] for t, w in ((told, same), (own, lone))
    )
    if not same.any() and not lone.any():
        return outcome("Q33", judged)
    none = pl.Series([None] * int(lone.sum()), dtype=pl.UInt32)
    found = pl.concat([
        _before(book, told, same),
        with_columns_from(_before(book, own, lone), was_row=none),
    ])  # fmt: skip
    worst = found.sort("fid", "value").unique(["fid", "item"], keep="last", maintain_order=True)
    said = contrast(worst, "was", ", but was ", " before: a jump of scale.")
    return outcome("Q33", judged, said)


def _otherwise(told: Told, where: Flags) -> tuple[Flags, Numbers]:
    """(none, the places of those of some values that are not what they were: a few of many)."""
    return np.zeros(len(where), bool), np.flatnonzero(where & (told.value != told.was))


def _at(values: Floats, place: Numbers) -> Floats:
    """The values at some places; NaN at -1."""
    return np.append(values, np.nan)[place]


def _items(book: PeriodTable, told: Told, where: Flags) -> Numbers:
    """Of how many items each filing has some of the values."""
    some = np.zeros((book.filings.height, len(book.rules.items)), bool)
    some[told.fid[where], told.item[where]] = True
    counts: Numbers = some.sum(axis=1)
    return counts


def _before(book: PeriodTable, told: Told, where: Flags) -> pl.DataFrame:
    """fid, item, start, end, value, row of some values, and the same of those before them."""
    here = book.long[["fid", "item", "start", "end", "value", "row"]][as_index(told.row[where])]
    was = told.row[told.last[where]]
    return with_columns_from(here, was=book.value[was], was_row=book.long["row"][as_index(was)])


def _credible(book: PeriodTable, told: Told, where: Flags) -> Flags:
    """Without share counts and earnings per share that fit each other and the income beside them,
    and counts that are what they were over the ratio of a split that the filing tells.
    """
    counts = book.among([name for name in book.rules.items if name.startswith("Shares")])
    kept, income, eps = where.copy(), ("NetIncome",), ("EpsBasic", "EpsDiluted")
    for items, over in ((counts, eps), (book.among(eps), ("SharesBasic", "SharesDiluted"))):
        some = np.flatnonzero(where & items[told.item])
        if len(some):
            ratio = told.value[some] / _implied(book, told, some, income, over)
            kept[some[(ratio >= 1 / OUT_OF_LINE) & (ratio <= OUT_OF_LINE)]] = False
    some = np.flatnonzero(kept & counts[told.item])
    if len(some):
        was = book.value[told.row[told.last[some]]]
        kept[some] = ~as_split(book, told.fid[some], told.value[some], was)
    return kept


def _implied(
    book: PeriodTable, told: Told, some: Numbers, whole: Sequence[str], over: Sequence[str]
) -> Floats:
    """What the first of some items over the first of others is in the periods of some values."""
    row, spans = told.row[some], book.spans
    keys = (spans.fid, spans.start, spans.end)
    place = found_rows(keys, (told.fid[some], book.start[row], book.end[row]))
    with np.errstate(all="ignore"):
        return _at(spans.first(whole) / spans.first(over), place)


def _kinds(book: PeriodTable, told: Told, where: Flags) -> Flags:
    """Of which items each filing has some of the values.

    Share counts stand for one item, per-share values for another: they move together.
    """
    kind = _kind_of_items(book.rules)
    some = np.zeros((book.filings.height, len(kind)), bool)
    some[told.fid[where], kind[told.item[where]]] = True
    return some


@lru_cache(maxsize=4)
def _kind_of_items(rules: Ruleset) -> Numbers:
    """A number for each item, by its place: the same for those that move together."""
    names = [next((kind for kind in KINDS if n.startswith(kind)), n) for n in rules.items]
    number: Numbers = np.unique(names, return_inverse=True)[1]
    return number


KINDS = ("Shares", "Eps")


def _scaled(ratio: Floats, slack: float) -> Flags:
    """Whether a ratio is near 1e3 or 1e6 or an inverse."""
    size = np.abs(ratio)
    bounds = [(s * (1 - slack), s / (1 - slack)) for s in SCALES]
    bounds += [((1 - slack) / s, 1 / s / (1 - slack)) for s in SCALES]
    near: Flags = np.logical_or.reduce([(size >= low) & (size <= high) for low, high in bounds])
    return near


def _out_of_line(value: Floats, usual: Floats) -> Flags:
    """Whether a value lies far from the median of the values before it, where there are any."""
    ratio = np.abs(value) / usual
    far: Flags = np.isnan(usual) | (ratio > OUT_OF_LINE) | (ratio < 1 / OUT_OF_LINE)
    return far


def flips(book: PeriodTable, own: Own, told: ToldAgain, lines: Own) -> Outcome:
    """Q34: the negative of what was said before, a sign against all the past, or a lone jump.

    Of `lines` (items that are followed, but no headlines) the jump alone is looked for.
    """
    judged = np.concatenate([told.fid[told.last < np.arange(len(told.row))], own.fid])
    return outcome(
        "Q34", judged,
        *_contradicted(book, told, own), *_jumped(book, own), *_jumped(book, lines),
        *_mirrored(book, own),
        *against_peers(book), *against_twins(book),
    )  # fmt: skip


def _contradicted(book: PeriodTable, told: ToldAgain, own: Own) -> list[FindingText]:
    """Comparatives that are the exact negative or a thousandfold of the report before."""
    both = ~book.own[told.row] & (or_zero(told.was) != 0) & (told.value != 0)
    wrong, some = _otherwise(told, both & (told.was == told.value[told.first]))
    value, was, place = told.value[some], told.was[some], told.own[some]
    past = [_at(values, place) for values in own.past]
    negative = np.abs(value + was) <= np.abs(was) * 1e-3
    negative &= _unanimous(past, was)
    scaled = _scaled(value / was, 0.01)
    scaled &= _out_of_line(value, _at(own.usual, place))
    scaled &= sum(_alike(value, values).astype(int) for values in past) < RETURNED
    scaled[scaled] = ~_as_in_other_spans(book, told, some[scaled])
    wrong[some] = negative | scaled
    wrong = _credible(book, told, wrong)
    at_fault = np.zeros(book.filings.height, bool)
    at_fault[told.fid[wrong]] = True
    wrong &= ~at_fault[told.fid[told.last]]  # they only contradict what was at fault itself
    wrong &= book.affected[told.fid]
    if not wrong.any():
        return []
    return [contrast(_before(book, told, wrong), "was", ", but was reported as ", " before.")]


RETURNED = 2  # own values of the past of a size: then it is told as it was before the mistake


def _as_in_other_spans(book: PeriodTable, told: ToldAgain, asked: Numbers) -> Flags:
    """Of some values: weighted shares of the size that most own values of earlier filings have, of
    whatever length: years alone were told in another scale, and quarters tell that this is right.
    """
    found = np.zeros(len(asked), bool)
    weighted = book.among(("SharesBasic", "SharesDiluted"))
    counts = np.flatnonzero(weighted[told.item[asked]])
    known = np.flatnonzero(book.own & weighted[book.item]) if len(counts) else counts
    for n, place in zip(counts, asked[counts], strict=True):
        item, fid = told.item[place], told.fid[place]
        same = (book.item[known] == item) & (book.fid[known] < fid)
        same &= book.teller[book.fid[known]] == book.teller[fid]
        values = book.value[known][same]
        alike, other = (_alike(values, one[place]).sum() for one in (told.value, told.was))
        found[n] = alike >= RETURNED and alike > other
    return found


def _alike(value: Floats, other: Floats) -> Flags:
    """Whether values are of one size."""
    ratio = np.abs(value / np.where(other == 0, np.nan, other))
    alike: Flags = (ratio > ALIKE[0]) & (ratio < ALIKE[1])
    return alike


ALIKE = (1 / 3, 3)


def _unanimous(past: Sequence[Floats], value: Floats) -> Flags:
    """Whether all that is given of the past (two at least) has the sign of a value."""
    same = [np.isnan(p) | (np.sign(p) == np.sign(value)) for p in past]
    all_same: Flags = np.logical_and.reduce(same) & ~np.isnan(past[1])
    return all_same


def _jumped(book: PeriodTable, own: Own) -> list[FindingText]:
    """Amounts beyond 150 times the greatest of a steady past (within a factor of ten).

    Where many items jump, each by its own factor, the company is another one than before (a shell
    that bought a business); by one factor, rule Q33 tells it.
    """
    least = np.fmin.reduce(np.abs(own.past))
    up = (np.abs(own.value) > LONE_JUMP * own.size) & (own.size > 0)
    jumped = up & (own.size < 10 * least) & (own.seen >= 3) & ~book.among(PER_SHARE)[own.item]
    jumped &= ~book.among(COUNTS)[own.item] | (own.size >= LEAST_COUNT)
    jumped &= ((_items(book, own, jumped) <= FEW_JUMPS) & book.affected)[own.fid]
    if not jumped.any():
        return []
    found = with_columns_from(book.long[as_index(own.row[jumped])], other=own.size[jumped])
    found = found.filter(~vouched(book, found.with_columns(items=pl.col("item").cast(pl.String))))
    if found.is_empty():
        return []
    return [contrast(found, "other", ", but the greatest of the four before is ", ".")]


FEW_JUMPS = 2
COUNTS = ("SharesOutstanding", "SharesIssued")
LEAST_COUNT = 1e6  # fewer are placeholders of a company before its listing
PER_SHARE = ("EpsBasic", "EpsDiluted", "SharesBasic", "SharesDiluted")


def _mirrored(book: PeriodTable, own: Own) -> list[FindingText]:
    """Balances that come out as about the negative of the balance before.

    Equity may cross zero within a quarter (new shares), so it has to mirror more closely; retained
    earnings may not, unless income, loss or buybacks of the period explain most of the change.
    """
    before, *past = own.past
    likeness = np.full(len(own.row), 0.2)
    for item, closer in (("EquityParent", 0.05), ("EquityAll", 0.05), ("RetainedEarnings", 0.1)):
        likeness[book.among([item])[own.item]] = closer
    turned = (own.months == 0) & (own.value != 0) & _unanimous(past, before)
    turned &= book.affected[own.fid] & (np.sign(own.value) == -np.sign(before))
    mirror = turned & (np.abs(own.value + before) < likeness * np.abs(before))
    mirror |= _out_of_nothing(book, own, turned)
    if not mirror.any():
        return []
    found = with_columns_from(book.long[as_index(own.row[mirror])], p1=before[mirror])
    found = _not_earned(book, found)
    if found.is_empty():
        return []
    return [contrast(found, "p1", ", about the negative of the balance before, ", ".")]


def _out_of_nothing(book: PeriodTable, own: Own, turned: Flags) -> Flags:
    """Equity of another sign and about the old size, though too little came in or went for that:
    neither income nor what owners and lenders paid or got makes a part of the change.
    """
    near = np.abs(own.value + own.past[0]) < ABOUT * np.abs(own.past[0])
    some = np.flatnonzero(turned & near & book.among(("EquityParent", "EquityAll"))[own.item])
    found = np.zeros(len(turned), bool)
    if not len(some):
        return found
    spans = book.spans
    mine = spans.keys["own"].to_numpy() & np.isin(spans.fid, own.fid[some])
    moved = np.zeros(book.filings.height)
    for name in MOVING:
        np.fmax.at(moved, spans.fid[mine], np.abs(spans.items[name][mine]))
    change = np.abs(own.value[some] - own.past[0][some])
    known = np.isin(own.fid[some], spans.fid[mine])
    found[some] = known & (moved[own.fid[some]] < MOVED * change)
    return found


ABOUT, MOVED = 0.25, 0.25
MOVING = ("ProfitLoss", "NetIncome", "Comprehensive", "Buybacks", "DividendsPaid", "Cff")


def _not_earned(book: PeriodTable, found: pl.DataFrame) -> pl.DataFrame:
    """Without retained earnings that income took up, or a loss or buybacks down, through zero."""
    own = book.spans.keys["own"].to_numpy() & np.isin(book.spans.fid, found["fid"].to_numpy())
    spans = book.spans.rows(own, ["ProfitLoss", "NetIncome", "Buybacks"])
    told = spans.sort("fid", "months").group_by("fid").agg(
        income=pl.coalesce("ProfitLoss", "NetIncome").drop_nulls().first(),
        bought=pl.col("Buybacks").abs().max().fill_null(0.0),
    )  # fmt: skip
    change = pl.col("value") - pl.col("p1")
    means = pl.when(change > 0).then("income").otherwise(
        pl.max_horizontal(-pl.col("income"), "bought")
    )  # fmt: skip
    earned = (pl.col("item") == "RetainedEarnings") & (means >= 0.6 * change.abs())
    found = found.join(told, on="fid", how="left", maintain_order="left")
    return found.filter(~earned.fill_null(value=False))
