"""Rules that are equations or orders: one pass over all periods of all filings."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import polars as pl

from core.domain.quality.facts.amounts import Amounts
from core.domain.quality.facts.arrays import Flags, Floats, Numbers
from core.domain.quality.facts.forms import Verdicts, judge, slack, slipped, total
from core.domain.quality.facts.packing import as_index, begins
from core.domain.quality.facts.table import PeriodTable
from core.domain.quality.model import Equation, Rule
from core.domain.quality.outcome import Outcome, outcome
from core.domain.quality.rules.honest import (
    consolidated,
    line_between,
    lines_between,
    opening_points,
)
from core.domain.quality.rules.own_lines import told_alone
from core.domain.quality.rules.sold_cash import moved_to_sold
from core.domain.quality.words import FindingText, with_columns_from, words

LEARNED_SHARE = 0.75
LEARNED_COUNT = 3
GROSS = 0.9
PAST = 8  # filings of a filer that show its habits
HABIT_TIMES, HABIT_LEAST = 3.0, 0.1  # the largest departure of these, or a tenth: more is no habit


def equations(book: PeriodTable, rules: Sequence[Rule]) -> list[Outcome]:
    """Rules of equations over the points and the spans of a book."""
    return [_judged(book, rule, _amounts(book, rule)) for rule in rules]


def _amounts(book: PeriodTable, rule: Rule) -> Amounts:
    """What a rule is judged on; a filer's habits show in all of its filings."""
    points, spans = (book.points, book.spans) if rule.style == "learned" else book.near
    return points if rule.kind == "instant" else spans


def _judged(book: PeriodTable, rule: Rule, given: Amounts) -> Outcome:
    meant = _of_style(book, rule.style)
    verdicts = judge(given, rule, None if meant is None else np.isin(given.fid, meant))
    if verdicts is None:
        return outcome(rule.id, given.fid[:0])
    usable, broken = verdicts.usable, verdicts.broken
    if rule.kind == "instant" and broken.any():
        broken = broken & ~opening_points(given)
    if rule.no_quarterly_data:
        partial = (given.keys["months"].to_numpy() == 3) & book.flag("annual")[given.fid]
        usable, broken = usable & ~partial, broken & ~partial
    kept = ~broken  # to the form, by which a filer's habits are known
    if rule.between and broken.any():
        explained = line_between(book, rule, given, broken)
        broken = broken & ~explained
        usable = usable & ~explained if rule.style != "learned" else usable
    if rule.own_lines and broken.any():
        broken = broken & ~told_alone(book, rule, given, broken)
    if rule.consolidated_pct and broken.any():
        excused = consolidated(book, rule, given, broken)
        usable, broken = usable & ~excused, broken & ~excused
    if rule.held_for_sale_pct and broken.any():
        excused = _with_sold(book, rule, given, broken)
        usable, broken = usable & ~excused, broken & ~excused
    if rule.habit and broken.any():
        usual, new = _own_form(book, rule, given, verdicts)
        most = np.maximum(HABIT_LEAST, HABIT_TIMES * usual[given.fid])
        alike = (usual[given.fid] > 0) & (_departures(rule, given, broken) <= most)
        unlike = _gross(rule, given, broken)
        if rule.held_for_sale_pct:
            unlike &= ~book.selling[given.fid]
        own_form = broken & (alike | (new[given.fid] & ~unlike))
        own_form &= ~slipped(given, rule, own_form)
        usable, broken = usable & ~own_form, broken & ~own_form
    if not broken.any() and (rule.style != "learned" or kept[usable].all()):
        return outcome(rule.id, given.fid[usable])
    failed = _explain(rule, given, broken, verdicts.closest)
    if rule.style == "learned":
        counted, failed = _learned(book, given.fid[usable], kept[usable], failed)
        if rule.several and failed.height:
            left = broken & np.isin(given.fid, failed["fid"].to_numpy())
            left &= ~lines_between(book, rule, given, left)
            failed = failed.filter(pl.Series(left[np.flatnonzero(broken)])[failed["place"]])
        return outcome(rule.id, counted, FindingText(failed.drop("place"), APART))
    return outcome(rule.id, given.fid[usable], FindingText(failed, APART))


def _with_sold(book: PeriodTable, rule: Rule, given: Amounts, broken: Flags) -> Flags:
    """Broken rows that operations held for sale explain, where no slip does."""
    excused = moved_to_sold(book, rule, given, broken)
    return excused & ~slipped(given, rule, excused)


def _own_form(
    book: PeriodTable, rule: Rule, given: Amounts, verdicts: Verdicts
) -> tuple[Floats, Flags]:
    """(how far the earlier filings of filers that break an equation often do, as a share of the
    greatest operand; filings of filers without earlier ones).

    A filing with one fault is the exception among those of its filer: 0 there.
    """
    if book.changed is not None:  # what came before is not among the filings to judge
        given = book.points if rule.kind == "instant" else book.spans
        verdicts = judge(given, rule, None) or verdicts
    rows = verdicts.usable
    past = _past_share(book, given.fid[rows], ~verdicts.broken[rows])
    known, usual = pl.col("n") >= 1, _usual(book, rule, given, verdicts)
    often = past.filter(known & (pl.col("share") < LEARNED_SHARE))["fid"].to_numpy()
    found, new = np.zeros(book.filings.height), np.zeros(book.filings.height, bool)
    found[often] = usual[often]
    new[past.filter(~known)["fid"].to_numpy()] = True
    return found, new


def _usual(book: PeriodTable, rule: Rule, given: Amounts, verdicts: Verdicts) -> Floats:
    """Of each filing the largest departure of its filer's last eight filings before it."""
    most, found = np.zeros((2, book.filings.height))
    np.maximum.at(most, given.fid, _departures(rule, given, verdicts.broken))
    fids = np.flatnonzero(np.bincount(given.fid[verdicts.usable]))
    fids = fids[np.argsort(book.company[fids], kind="stable")]
    for back in range(1, PAST + 1):
        now, before = fids[back:], fids[:-back]
        same = book.company[now] == book.company[before]
        found[now[same]] = np.maximum(found[now[same]], most[before[same]])
    return found


def _departures(rule: Rule, given: Amounts, broken: Flags) -> Floats:
    """How far the sides of broken rows are apart in the closest form, as a share of its greatest
    operand; 0 of the others.
    """
    forms = (*rule.equations, *rule.also)
    names = {item for form in forms for item in form.items}
    apart, part = np.zeros(len(broken)), given.of(broken, names)
    with np.errstate(all="ignore"):
        shares = [
            np.abs(part.items[form.whole] - total(part.items, form)) / part.greatest(form.items)
            for form in forms
        ]
    apart[broken] = np.fmin.reduce(shares)
    return apart


def _gross(rule: Rule, given: Amounts, broken: Flags) -> Flags:
    """Broken rows whose sides are as far apart as they are large in every form: a sign, a scale."""
    gross, items = broken.copy(), given.of(broken, rule.operands).items
    for form in rule.equations:
        whole, parts = items[form.whole], total(items, form)
        most = np.fmax(np.abs(whole), np.abs(parts))
        gross[broken] &= np.isnan(whole + parts) | (np.abs(whole - parts) > GROSS * most)
    return gross


def _past_share(
    book: PeriodTable, fid: Numbers, ok: Flags, faults: pl.Series | None = None
) -> pl.DataFrame:
    """Of each filing judged: ok, how many of its filer's were before (n), and the share of ok.

    The share is of the last eight; `faults` (fids) say nothing of the filer's habits.
    """
    counted = np.bincount(fid)
    fids = np.flatnonzero(counted)
    held = np.bincount(fid[ok], minlength=len(counted))[fids] == counted[fids]
    counts = np.ones(len(fids)) if faults is None else 1.0 * (held | ~np.isin(fids, faults))
    order = np.argsort(book.filings["cik"].to_numpy()[fids], kind="stable")
    company = book.filings["cik"].to_numpy()[fids[order]]
    index = np.arange(len(fids))
    start = np.maximum.accumulate(np.where(begins(company), index, 0))
    n, share = np.zeros((2, len(fids)))
    window = np.maximum(start, index - PAST)
    n[order] = _sums(counts[order], start)
    share[order] = _sums((counts * held)[order], window) / _sums(counts[order], window)
    return pl.DataFrame([
        pl.Series("fid", fids.astype(np.uint32)), pl.Series("ok", held), pl.Series("n", n),
        pl.Series("share", share, nan_to_null=True),
    ])  # fmt: skip


def _sums(values: Floats, since: Numbers) -> Floats:
    """Of each row the sum of those from `since` up to the row before it."""
    total = np.append(0.0, np.cumsum(values))
    sums: Floats = total[:-1] - total[since]
    return sums


def _of_style(book: PeriodTable, style: str) -> Numbers | None:
    """fids of the filers that a rule of this style is meant for; None: all."""
    if style == "bank":
        banks = [n for n, known in enumerate(book.rules.styles) if known.name in BANKS]
        fids: Numbers = np.flatnonzero(np.isin(book.style, banks))
        return fids
    if style == "ifrs":
        return book.stating((book.measures["taxonomy"] == "ifrs-full").to_numpy())
    return None


BANKS = ("bank", "insurer", "reit", "fund")


APART = "{begin}{actual}{middle}{expected}: {gap} apart."


def _explain(rule: Rule, given: Amounts, broken: Flags, closest: Numbers) -> pl.DataFrame:
    """Failures told by the main equation that comes closest."""
    next_form, part = closest[broken], given.of(broken, rule.operands)
    told = next_form, np.arange(len(next_form))
    sides = [(total(part.items, form), slack(part, rule, form)) for form in rule.equations]
    expected, tolerance = (np.array(side)[told] for side in zip(*sides, strict=True))
    actual = np.array([part.items[form.whole] for form in rule.equations])[told]
    said = _wordings(rule.equations)[as_index(next_form)]
    return with_columns_from(
        part.keys.hstack(said), expected=expected,
        tolerance=tolerance, actual=actual, gap=np.abs(actual - expected),
    )  # fmt: skip


@lru_cache(maxsize=256)
def _wordings(equations: tuple[Equation, ...]) -> pl.DataFrame:
    """begin, middle, items: how each equation is told."""
    told = [(*_wording(form), list(form.items)) for form in equations]
    return pl.DataFrame(told, schema=["begin", "middle", "items"], orient="row")


def _wording(equation: Equation) -> tuple[str, str]:
    """What stands before the two amounts of an equation."""
    parts = [
        ("less " if term.sign < 0 else "") + words(term.item)
        for term in equation.terms
        if not term.optional
    ]
    extra = " (with what else is reported)" if any(t.optional for t in equation.terms) else ""
    whole = words(equation.whole)
    told = " plus ".join(parts).replace("plus less", "less")
    return f"{whole[:1].upper()}{whole[1:]} is ", f", but {told}{extra} is "


def _learned(
    book: PeriodTable, fid: Numbers, ok: Flags, failed: pl.DataFrame
) -> tuple[Numbers, pl.DataFrame]:
    """(the filings judged, the failures with their place) of filers that kept to a form before.

    Only where the filer's earlier filings kept to this form is a departure a failure.

    Departures as large as the amounts themselves (a sign, a scale) say nothing of its habits.
    """
    gap = (pl.col("actual") - pl.col("expected")).abs()
    most = pl.max_horizontal(pl.col("actual").abs(), pl.col("expected").abs())
    past = _past_share(book, fid, ok, failed.filter(gap > GROSS * most)["fid"])
    regular = (pl.col("share") >= LEARNED_SHARE) & (pl.col("n") >= LEARNED_COUNT)
    counted = past.filter(pl.col("ok") | regular.fill_null(value=False))
    failed = failed.with_row_index("place").join(counted, on="fid", how="semi")
    return counted["fid"].to_numpy(), failed


def orders(book: PeriodTable, rule: Rule) -> Outcome:
    """A rule of `part <= whole` pairs over the points of a book."""
    points, _ = book.near
    judged, pieces = np.zeros(len(points.fid), bool), []
    whole_sheet = ~opening_points(points)
    for part, whole in rule.orders:
        less, more = points.items[part], points.items[whole]
        room = points.unit * 2.0
        if book.rules.items[part].unit == "shares":
            room = _rounded(less, more)
        judged |= ~np.isnan(less + more)
        wrong = (less > more + room) & whole_sheet
        if wrong.any():
            pieces.append(_exceeding(points.rows(wrong, [part, whole]), part, whole, room[wrong]))
    return outcome(rule.id, points.fid[judged], *pieces)


def _rounded(*counts: Floats) -> Floats:
    """Half the coarsest rounding, up to a million, that counts in whole units show."""
    sizes = np.ones(len(counts[0]))
    for power in range(1, 7):
        size = 10.0**power
        coarse = np.logical_or.reduce([np.floor(n / size) * size == n for n in counts])
        sizes = np.where(coarse, size, sizes)
    return sizes / 2


def _exceeding(bad: pl.DataFrame, part: str, whole: str, room: Floats) -> FindingText:
    text = words(part)
    said = (
        f"{text[:1].upper()}{text[1:]} of {{actual}} is more than {words(whole)} of {{expected}}."
    )
    told = with_columns_from(bad, expected=whole, actual=part, tolerance=room, items=[part, whole])
    return FindingText(told, said)
