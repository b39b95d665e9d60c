"""Rules that are equations or orders: one pass over all periods of all filings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl

from core.domain.quality.book import Book
from core.domain.quality.forms import Amounts, amounts, judge, near
from core.domain.quality.model import Equation, Rule
from core.domain.quality.outcome import NOTHING, Outcome, filings, number, outcome, shaped, words

LEARNED_SHARE = 0.75
LEARNED_COUNT = 3
GROSS = 0.9
Fids = np.ndarray[Any, np.dtype[np.uint32]]


def impute(book: Book) -> Book:
    """Missing operands filled from other relations; `X_by` names the rule that filled X."""
    points, spans = book.points, book.spans
    for rule, equation in book.rules.imputations:
        if equation.whole in points.columns:
            points = _fill(points, rule, equation)
        else:
            spans = _fill(spans, rule, equation)
    return replace(book, points=points, spans=spans)


def _fill(wide: pl.DataFrame, rule: str, equation: Equation) -> pl.DataFrame:
    whole = pl.col(equation.whole)
    fillable = whole.is_null() & total(equation).is_not_null()
    return wide.with_columns(
        pl.when(fillable).then(total(equation)).otherwise(whole).alias(equation.whole),
        pl.when(fillable).then(pl.lit(rule)).alias(f"{equation.whole}_by"),
    )


def total(equation: Equation) -> pl.Expr:
    """The right side of an equation; null where a required term is missing."""
    terms = [
        (pl.col(t.item).fill_null(0.0) if t.optional else pl.col(t.item)) * t.sign
        for t in equation.terms
    ]
    return pl.sum_horizontal(terms, ignore_nulls=False)


def slack(rule: Rule, equation: Equation) -> pl.Expr:
    """The tolerance T0, T1 or T2 of an equation, in the unit of its amounts."""
    addends = sum(1 for term in equation.terms if not term.optional)
    rounding = pl.col("unit") * 2.0 * max(1.0, (addends + 1) / 2)
    if rule.tolerance == "T0":
        return rounding
    greatest = pl.max_horizontal(pl.col(equation.items).abs())
    return pl.max_horizontal(rounding, greatest * (0.001 if rule.tolerance == "T1" else 0.02))


def equations(book: Book, rules: Sequence[Rule]) -> list[Outcome]:
    """Rules of equations over the points and the spans of a book: one pass over each."""
    found = []
    for instants, wide in ((True, book.points), (False, book.spans)):
        chosen = [rule for rule in rules if (rule.kind == "instant") == instants]
        given = amounts(wide, book.rules) if chosen else None
        found += [_judged(book, rule, wide, given) for rule in chosen if given is not None]
    return found


def _judged(book: Book, rule: Rule, wide: pl.DataFrame, given: Amounts) -> Outcome:
    meant = _of_style(book, rule.style)
    verdicts = judge(given, rule, None if meant is None else np.isin(given.fid, meant))
    usable, broken = verdicts.usable, verdicts.broken
    if rule.held_for_sale_pct and broken.any():
        excused = broken & near(given, rule)
        excused &= np.isin(given.fid, selling(book, np.unique(given.fid[excused])))
        usable, broken = usable & ~excused, broken & ~excused
    if not broken.any():
        return Outcome(filings(given.fid[usable], rule.id), NOTHING)
    failed = wide.filter(broken).with_columns(closest=verdicts.closest[broken])
    failed = _explain(rule, failed)
    if rule.style == "learned":
        return _learned(
            book, rule, pl.DataFrame({"fid": given.fid, "ok": ~broken}).filter(usable), failed
        )
    return Outcome(
        filings(given.fid[usable], rule.id), shaped(failed.with_columns(rule=pl.lit(rule.id)))
    )


def selling(book: Book, asked: Fids) -> pl.Series:
    """fids, of the companies of those asked for, of filings up to two years after one that tells
    of operations held for sale.
    """
    meant = book.filings.filter(pl.col("fid").is_in(pl.Series(asked).implode()))["cik"].unique()
    days = book.filings.filter(pl.col("cik").is_in(meant.implode()))
    days = days.select("fid", "cik", "filed").sort("filed")
    # To look through the names of all facts takes longer than all else about a rule.
    own = book.facts.filter(pl.col("fid").is_in(days["fid"].implode()))
    stated = own.filter(pl.col("concept").str.contains(HELD_FOR_SALE)).select("fid").unique()
    told = days.join(stated, on="fid").select("cik", "filed", told="filed")
    found = days.join_asof(told, on="filed", by="cik", tolerance="800d", check_sortedness=False)
    return found.filter(pl.col("told").is_not_null())["fid"]


HELD_FOR_SALE = "DisposalGroup|HeldForSale|DiscontinuedOperation"


def _of_style(book: Book, style: str) -> pl.Series | None:
    """fids of the filers that a rule of this style is meant for; None: all."""
    if style == "bank":
        banks = pl.col("style").is_in(["bank", "insurer", "reit", "fund"])
        return book.filings.filter(banks)["fid"]
    if style == "ifrs":
        return book.facts.filter(pl.col("taxonomy") == "ifrs-full")["fid"].unique()
    return None


def _explain(rule: Rule, failed: pl.DataFrame) -> pl.DataFrame:
    """Failures told by the main equation that comes closest (its number is in `closest`)."""
    pieces = []
    for i in failed["closest"].unique().sort():
        equation = rule.equations[i]
        begin, middle = _wording(equation)
        pieces.append(failed.filter(pl.col("closest") == i).with_columns(
            expected=total(equation), tolerance=slack(rule, equation), actual=equation.whole,
            begin=pl.lit(begin), middle=pl.lit(middle), items=pl.lit(list(equation.items)),
        ))  # fmt: skip
    gap = pl.col("actual") - pl.col("expected")
    message = pl.concat_str(
        "begin", number(pl.col("actual")), "middle", number(pl.col("expected")), pl.lit(": "),
        number(gap.abs()), pl.lit(" apart."),
    )  # fmt: skip
    # Told once for all: the sentences of each equation take longer to plan than to write.
    return pl.concat(pieces).with_columns(message=message)


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


def _learned(book: Book, rule: Rule, judged: pl.DataFrame, failed: pl.DataFrame) -> Outcome:
    """Only where the filer's earlier filings kept to this form is a departure a failure.

    Departures as large as the amounts themselves (a sign, a scale) say nothing of its habits.
    """
    days = book.filings.select("fid", "cik")
    gap = (pl.col("actual") - pl.col("expected")).abs()
    most = pl.max_horizontal(pl.col("actual").abs(), pl.col("expected").abs())
    faults = failed.filter(gap > GROSS * most)["fid"].implode()
    held = judged.group_by("fid").agg(pl.col("ok").all()).join(days, on="fid").sort("cik", "fid")
    habit = pl.when(pl.col("ok") | ~pl.col("fid").is_in(faults)).then(pl.col("ok"))
    before = habit.cast(pl.Float64).shift(1)
    past = held.with_columns(
        n=before.is_not_null().cum_sum().over("cik"),
        share=before.rolling_mean(8, min_samples=1).over("cik"),
    )
    regular = (pl.col("share") >= LEARNED_SHARE) & (pl.col("n") >= LEARNED_COUNT)
    counted = past.filter(pl.col("ok") | regular.fill_null(value=False))
    return outcome(rule.id, counted, failed.join(counted, on="fid", how="semi"))


def orders(book: Book, rule: Rule) -> Outcome:
    """A rule of `part <= whole` pairs over the points of a book."""
    wide = book.points
    room = {pair: _room(book, pair) for pair in rule.orders}
    verdicts = wide.select(
        (pl.col(part) <= pl.col(whole) + room[part, whole]).alias(f"{part} {whole}")
        for part, whole in rule.orders
    )
    judged = wide.filter(verdicts.select(pl.any_horizontal(pl.all().is_not_null())).to_series())
    pieces = [
        _exceeding(wide.filter(~verdicts[name].fill_null(value=True)), *pair, room[pair])
        for pair, name in zip(rule.orders, verdicts.columns, strict=True)
        if not verdicts[name].all()
    ]
    return outcome(rule.id, judged, pl.concat(pieces) if pieces else NOTHING)


def _room(book: Book, pair: tuple[str, str]) -> pl.Expr:
    shares = book.rules.items[pair[0]].unit == "shares"
    return _rounded(*pair) if shares else pl.col("unit") * 2.0


def _rounded(*names: str) -> pl.Expr:
    """Half the coarsest rounding, up to a million, that counts in whole units show."""
    sizes: Any = pl.lit(1.0)
    for power in range(1, 7):
        coarse = pl.any_horizontal(pl.col(n) % 10**power == 0 for n in names)
        sizes = pl.when(coarse).then(10.0**power).otherwise(sizes)
    room: pl.Expr = sizes / 2
    return room


def _exceeding(bad: pl.DataFrame, part: str, whole: str, room: pl.Expr) -> pl.DataFrame:
    text = words(part)
    return bad.select(
        "fid", "end", start=pl.lit(None, pl.Date), expected=whole, actual=part, tolerance=room,
        message=pl.concat_str(
            pl.lit(f"{text[:1].upper()}{text[1:]} of "), number(pl.col(part)),
            pl.lit(f" is more than {words(whole)} of "), number(pl.col(whole)), pl.lit("."),
        ),
        items=pl.lit([part, whole]),
    )  # fmt: skip
