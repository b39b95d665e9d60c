"""Rules about what is there and missing: headlines, lost items, counts, restatements."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl

from core.domain.quality.facts.arrays import Flags, Floats, Numbers, or_zero
from core.domain.quality.facts.packing import as_index, grouped, last_per_group, packed
from core.domain.quality.facts.table import PeriodTable
from core.domain.quality.model import Item
from core.domain.quality.outcome import Outcome, outcome
from core.domain.quality.rules.history import PER_SHARE
from core.domain.quality.rules.honest import idle
from core.domain.quality.rules.one_sided import MAIN, MainFlows
from core.domain.quality.words import FindingText, facts_of, with_columns_from, words

REGULAR = 3  # filings of the form that must have had an item before its absence says something
FEW, MANY = 0.4, 2.5
Names = np.ndarray[Any, np.dtype[np.object_]]


def present(book: PeriodTable) -> Flags:
    """Which items (columns) each filing (row) gives for its own period, or on its cover."""
    have = np.zeros((book.filings.height, len(book.rules.items)), bool)
    own = book.own | book.flagged("once")
    have[book.fid[own], book.item[own]] = True
    return have


def required(book: PeriodTable, have: Flags, flows: MainFlows) -> tuple[Outcome, Floats]:
    """(Q42, share of the required items present, of each filing): any of the substitutes will do.

    Judged where a filing states at least a third of the set: less is no financial statement.
    """
    wanted, met, labels = _needs(book, have)
    none = idle(book)
    for name, filings in none.items():
        met |= wanted & (labels == name) & filings[:, None]
    count, got = wanted.sum(axis=1), met.sum(axis=1)
    share = np.where(got > 0, got / count, np.nan)
    judged, sided = np.flatnonzero(share >= 1 / 3), flows.one_sided(book, MAIN, none)
    lacking = judged[got[judged] < count[judged]]
    if not len(lacking):
        return outcome("Q42", judged, *sided), share
    row, need = np.nonzero((wanted & ~met)[lacking])
    told = _counted(book, lacking, count, got).hstack(_lists(row, labels[lacking[row], need]))
    spoken = pl.element().replace_strict({name: words(name) for name in book.rules.items})
    told = with_columns_from(told, names=told["items"].list.eval(spoken).list.join(", ")).drop(
        "items"
    )
    said = "{actual} of {expected} headline items are reported for the period; missing: {names}."
    return outcome("Q42", judged, FindingText(told, said), *sided), share


def _needs(book: PeriodTable, have: Flags) -> tuple[Flags, Flags, Names]:
    """What filings (rows) of their style must report: whether it is, and the first item of it."""
    styles, items = book.rules.styles, {name: n for n, name in enumerate(book.rules.items)}
    shape = (book.filings.height, max(len(style.require) for style in styles))
    wanted, met = np.zeros(shape, bool), np.zeros(shape, bool)
    labels = np.full(shape, "", object)
    for place, style in enumerate(styles):
        of = np.flatnonzero(book.style == place)
        for need, choices in enumerate(style.require) if len(of) else ():
            wanted[of, need], labels[of, need] = True, choices[0]
            substitutes = [items[name] for name in choices if name in items]
            met[of, need] = have[of][:, substitutes].any(axis=1)
    return wanted, met, labels


def _counted(book: PeriodTable, fids: Numbers, expected: Numbers, actual: Numbers) -> pl.DataFrame:
    """fid, end (of the period), and two counts of some filings."""
    return with_columns_from(
        book.filings[["fid"]][as_index(fids)], end=book.filings["period_end"][as_index(fids)],
        expected=expected[fids].astype(float), actual=actual[fids].astype(float),
    )  # fmt: skip


def _lists(row: Numbers, names: Names) -> pl.DataFrame:
    """names, items: the names of each row, rows in order, as a text and as a list."""
    given = pl.DataFrame({"row": row, "items": pl.Series(list(names), dtype=pl.String)})
    told = given.group_by("row", maintain_order=True).agg("items")
    return told.select(pl.col("items").list.join(", ").alias("names"), "items")


def vanished(book: PeriodTable, have: Flags, flows: MainFlows) -> tuple[Outcome, Floats]:
    """(Q48, share of the usual items present, of each filing): items each of the last filings gave.

    The past are the three filings of the same kind (annual, quarterly) before this one; for what
    stands for a headline figure, the three of any kind as well.
    """
    usual = _usual(book, have)
    gone = usual & ~have
    if gone.any():
        gone &= ~_replaced(book, have, gone)
    count, lost = usual.sum(axis=1), gone.sum(axis=1)
    share = 1 - lost / count
    fids = np.flatnonzero(count)
    classes = flows.one_sided(
        book, PER_SHARE
    )  # given per class of shares, they leave the SEC's facts
    classes += _off_the_sheet(book, have)
    lacking = np.flatnonzero(gone.any(axis=1) & book.affected)
    if not len(lacking):
        return outcome("Q48", fids, *classes), share
    order = np.argsort(list(book.rules.items))
    row, item = np.nonzero(gone[lacking][:, order])
    names = _lists(row, np.array(list(book.rules.items), object)[order][item])
    told = _counted(book, lacking, count, count - lost).hstack(names)
    said = (
        "{actual} of the {expected} headline items of each of the last three filings of this kind "
        "are given; missing: {names}."
    )
    return outcome("Q48", fids, FindingText(told, said), *classes), share


def _usual(book: PeriodTable, have: Flags) -> Flags:
    """Which items (columns) each of the last filings before each filing (row) gave."""
    company, annual = (book.filings[name].to_numpy() for name in ("cik", "annual"))
    full = book.originals & (book.filings["concepts"].to_numpy() > 30)
    items = book.rules.items.values()
    usual = np.zeros_like(have)
    for kinds, asked in (
        ([company, annual], [_missed(i) for i in items]),
        ([company], [bool(i.figure) and _missed(i) for i in items]),
    ):
        fids, before = _past(full, kinds, REGULAR)
        usual[fids] |= np.logical_and.reduce([have[past] for past in before]) & np.array(asked)
    return usual


def _missed(item: Item) -> bool:
    """Whether an item that is not told any more is missed."""
    return "headline" in item.flags and "loose" not in item.flags


def _replaced(book: PeriodTable, have: Flags, gone: Flags) -> Flags:
    """Which lost items another stands for: one new in the filing, or of the same value before.

    What is still told of other periods is not replaced; nor is one of two that were told side by
    side (with what others own, and without) where what others own still is. One of `otherwise`,
    where it is new, stands for an item in filings that tell nothing of its `unless`.
    """
    places = {name: n for n, name in enumerate(book.rules.items)}
    found, stated = np.zeros_like(gone), np.zeros_like(gone)
    stated[book.fid, book.item] = True
    long, before = _values(book), _one_before(book)
    short = _values(book, longest=False)
    for name, item in book.rules.items.items():
        kept = stated[:, places[name]] & (item.figure not in SHARED)
        lost = np.flatnonzero(gone[:, places[name]] & ~kept)
        if not len(lost):
            continue
        was = _last_with(have[:, places[name]], before, lost)
        parted = _shared_with_others(long, lost, places.get(SHARED.get(item.figure, "")))
        for other in item.instead:
            near = np.zeros(len(lost), bool)
            for value in (long, short):
                one, same = value[was, places[name]], value[was, places[other]]
                near |= np.abs(one - same) <= ALIKE.get(item.figure, 0.005) * np.abs(one)
            near &= ~(parted & (other in WHOLES))
            new = ~have[was, places[other]]
            found[lost, places[name]] |= have[lost, places[other]] & (new | near)
        hindered = stated[lost][:, [places[some] for some in item.unless]].any(axis=1)
        for other in item.otherwise if item.unless else ():
            new = have[lost, places[other]] & ~have[was, places[other]]
            found[lost, places[name]] |= new & ~hindered
    return found


# Told with what others own and without: an older period may have both.
SHARED = {"equity": "MinorityInterest", "net income": "NciIncome"}
ALIKE = {"cash": 1e-6}  # with restricted cash is another amount, however little that is
WHOLES = ("EquityAll", "EquityParent", "ProfitLoss", "NetIncome")


def _shared_with_others(value: Floats, fids: Numbers, part: int | None) -> Flags:
    """Whether filings tell that others own a part (the place of its item), and how much."""
    if part is None:
        return np.zeros(len(fids), bool)
    told: Flags = or_zero(value[fids, part]) != 0
    return told


def _last_with(given: Flags, before: Numbers, fids: Numbers) -> Numbers:
    """Of some filings the last report before each that gave an item, of as many as matter."""
    was = before[fids]
    for _ in range(LOOK_BACK):
        was = np.where(given[was], was, before[was])
    return was


LOOK_BACK = 8


def _values(book: PeriodTable, *, longest: bool = True) -> Floats:
    """The own value (of the longest period, or the shortest) of each item of each filing (row)."""
    values = np.full((book.filings.height, len(book.rules.items)), np.nan)
    rows = np.flatnonzero(book.own)
    order = np.argsort(book.months[rows], kind="stable")
    rows = rows[order if longest else order[::-1]]
    values[book.fid[rows], book.item[rows]] = book.value[rows]
    return values


def _one_before(book: PeriodTable) -> Numbers:
    """Of each filing the report of the company before it; itself where there is none."""
    found = np.arange(book.filings.height)
    reports = np.flatnonzero(book.originals & (book.filings["concepts"].to_numpy() > 30))
    company = book.filings["cik"].to_numpy()[reports]
    same = company[1:] == company[:-1]
    found[reports[1:][same]] = reports[:-1][same]
    return found


def _off_the_sheet(book: PeriodTable, have: Flags) -> list[FindingText]:
    """Balances that stand for a headline figure, on another sheet of the filing but not its own."""
    items = book.rules.items
    figures = [n for n, item in items.items() if item.figure and "headline" in item.flags]
    rows = np.flatnonzero((book.months == 0) & book.flagged("headline") & book.here)
    fid, own = book.fid[rows].astype(np.int64), book.own[rows]
    sheet, of = grouped(packed([fid, book.end[rows]]))
    full = np.bincount(of, minlength=len(sheet)) >= SHEET
    stated = np.zeros(book.filings.height, bool)
    stated[fid[own & full[of]]] = True
    wrong = ~own & full[of] & (stated & book.originals)[fid] & book.of(figures)[rows]
    wrong &= ~have[fid, book.item[rows]]
    names = np.array(list(items), object)[book.item[rows]]
    places = {name: n for n, name in enumerate(items)}
    for n in np.flatnonzero(wrong):
        wrong[n] = not any(have[fid[n], places[other]] for other in items[names[n]].instead)
    lost = rows[wrong]
    if not len(lost):
        return []
    lost = lost[last_per_group(packed([book.fid[lost], book.item[lost]]), book.end[lost])]
    said = "{item} is given as {value} for {end}, but not for the balance sheet of the filing."
    told = with_columns_from(
        book.long[as_index(lost)], expected="value", rows=facts_of(book.long[as_index(lost)], "row")
    )
    return [FindingText(told, said)]


SHEET = 5  # headline balances of a day that make a sheet


def _past(some: Flags, kinds: Sequence[Numbers], past: int) -> tuple[Numbers, list[Numbers]]:
    """(filings with so many of the same kinds before them among some, those before: last first)."""
    fids = np.flatnonzero(some)
    kind = packed([values[fids] for values in kinds])
    order = np.argsort(kind, kind="stable")
    fids, kind = fids[order], kind[order]
    there = np.flatnonzero(kind[past:] == kind[:-past]) + past
    return fids[there], [fids[there - n] for n in range(1, past + 1)]


def counts(book: PeriodTable) -> Outcome:
    """Q49: number of facts against the median of the last four filings of the form."""
    company, facts = (book.filings[name].to_numpy() for name in ("cik", "facts"))
    form = book.filings["form"].cast(pl.Categorical).to_physical().to_numpy()
    fids, past = _past(book.originals, [company, form], 4)
    ordered = np.sort([facts[fid] for fid in past], axis=0)
    usual = (ordered[1] + ordered[2].astype(float)) / 2
    ratio = facts[fids] / usual
    wrong = (ratio < FEW) | (ratio > MANY)
    if not wrong.any():
        return outcome("Q49", fids)
    bad = book.filings[as_index(fids[wrong])]
    failed = with_columns_from(bad, end="period_end", expected=usual[wrong], actual="facts")
    said = "The filing has {actual} facts, but the median of the last four of its form is "
    return outcome("Q49", fids, FindingText(failed, said + "{expected}."))


def amended(book: PeriodTable) -> Outcome:
    """Q46: an amendment of the same form and period was filed later (informative)."""
    keys = ["cik", "base_form", "report_date"]
    judged = np.flatnonzero(book.originals & ~np.isnan(book.day("report_date")))
    either = [frame for frame in (book.filings, book.other) if frame["amendment"].any()]
    if not either:
        return outcome("Q46", judged)
    both = pl.concat(
        frame.filter("amendment", pl.col("report_date").is_not_null()).select(
            *keys, amended_on="filed"
        )
        for frame in either
    )
    forms = book.filings[as_index(judged)]
    later = forms.join(both, on=keys).filter(pl.col("amended_on") >= pl.col("filed"))
    failed = with_columns_from(later.unique("fid", keep="first"), end="report_date")
    return outcome("Q46", judged, FindingText(failed, "Amended by a filing of {amended_on}."))


def factless(book: PeriodTable) -> pl.DataFrame:
    """Q44: periodic reports marked XBRL without facts a day after filing (rows of `other`)."""
    other = book.other
    marked, periodic, amendment = (
        other[name].to_numpy() == 1 for name in ("is_xbrl", "periodic", "amendment")
    )
    settled = other["filed"].to_numpy() < np.datetime64(book.as_of)
    return other[as_index(np.flatnonzero(marked & periodic & ~amendment & settled))]
