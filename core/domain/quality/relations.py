"""Rules that are equations or orders: one pass over all periods of all filings."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import polars as pl

from core.domain.quality.book import Book
from core.domain.quality.model import Equation, Rule
from core.domain.quality.outcome import Outcome, number, outcome, words

LEARNED_SHARE = 0.75
LEARNED_COUNT = 3


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


def equations(book: Book, rule: Rule) -> Outcome:
    """A rule of equations over the points or the spans of a book."""
    wide = book.points if rule.kind == "instant" else book.spans
    forms = (*rule.equations, *rule.also)
    wide = _of_style(book, rule, wide)
    gaps = wide.select(
        _gap(rule, form, wide.columns).alias(f"gap{i}") for i, form in enumerate(forms)
    )
    gaps = gaps.with_columns(
        best=pl.min_horizontal(gaps.columns),
        main=pl.min_horizontal(f"gap{i}" for i in range(len(rule.equations))),
    )
    usable = gaps.select((pl.col("best") <= 1.0) | pl.col("main").is_not_null()).to_series()
    if rule.unseen_pct:
        usable &= ~(wide.select(_unseen(rule)).to_series() & (gaps["best"] > 1.0))
    if rule.held_for_sale_pct:
        usable &= ~(_elsewhere(book, rule, wide) & (gaps["best"] > 1.0))
    wrong = usable & (gaps["best"] > 1.0)
    judged = wide.select("fid").with_columns(gaps["best"]).filter(usable)
    failed = _explain(rule, pl.concat([wide.filter(wrong), gaps.filter(wrong)], how="horizontal"))
    if rule.style == "learned":
        return _learned(book, rule, judged, failed)
    return outcome(rule.id, judged, failed)


def _unseen(rule: Rule) -> pl.Expr:
    """Whether the whole exceeds its parts by what a line of the filer's own may explain."""
    first = rule.equations[0]
    over = (pl.col(first.whole) - total(first)) / pl.col(first.whole)
    return over.is_between(0.0, rule.unseen_pct / 100).fill_null(value=False)


def _elsewhere(book: Book, rule: Rule, wide: pl.DataFrame) -> pl.Series:
    """Whether both sides of some form are near, and the company has operations held for sale."""
    near = [
        (pl.col(form.whole) - total(form)).abs()
        <= pl.col(form.whole).abs() * (rule.held_for_sale_pct / 100)
        for form in rule.equations
    ]
    selling = pl.col("fid").is_in(_selling(book).implode())
    return wide.select((pl.any_horizontal(near) & selling).fill_null(value=False)).to_series()


def _selling(book: Book) -> pl.Series:
    """fids of filings filed up to two years after one that tells of operations held for sale."""
    stated = book.facts.filter(pl.col("concept").str.contains(HELD_FOR_SALE)).select("fid").unique()
    days = book.filings.select("fid", "cik", "filed").sort("filed")
    told = days.join(stated, on="fid").select("cik", "filed", told="filed")
    found = days.join_asof(told, on="filed", by="cik", tolerance="800d", check_sortedness=False)
    return found.filter(pl.col("told").is_not_null())["fid"]


HELD_FOR_SALE = "DisposalGroup|HeldForSale|DiscontinuedOperation"


def _of_style(book: Book, rule: Rule, wide: pl.DataFrame) -> pl.DataFrame:
    """Only the filers a rule is meant for."""
    if rule.style == "bank":
        own = book.filings.filter(pl.col("style").is_in(["bank", "insurer", "reit", "fund"]))
        return wide.join(own.select("fid"), on="fid", how="semi")
    if rule.style == "ifrs":
        facts = book.facts.filter(pl.col("taxonomy") == "ifrs-full")
        return wide.join(facts.select("fid"), on="fid", how="semi")
    return wide


def _gap(rule: Rule, equation: Equation, columns: list[str]) -> pl.Expr:
    """Distance of both sides in tolerances; null where the equation cannot be evaluated."""
    by = [f"{item}_by" for item in equation.items if f"{item}_by" in columns]
    distance = (pl.col(equation.whole) - total(equation)).abs() / slack(rule, equation)
    if not by:
        return distance
    return pl.when(pl.all_horizontal(pl.col(name).ne_missing(rule.id) for name in by)).then(
        distance
    )


def _explain(rule: Rule, failed: pl.DataFrame) -> pl.DataFrame:
    """Failures told by the main equation that comes closest."""
    pieces = [
        failed.filter(pl.col(f"gap{i}") == pl.col("main")).with_columns(
            expected=total(equation), tolerance=slack(rule, equation), actual=equation.whole,
            message=_sentence(equation), items=pl.lit(list(equation.items)),
        )
        for i, equation in enumerate(rule.equations)
    ]  # fmt: skip
    told = pl.concat(pieces)
    index = [name for name in ("fid", "start", "end") if name in told.columns]
    return told.unique(index, keep="first", maintain_order=True)


def _sentence(equation: Equation) -> pl.Expr:
    parts = [
        ("less " if term.sign < 0 else "") + words(term.item)
        for term in equation.terms
        if not term.optional
    ]
    extra = " (with what else is reported)" if any(t.optional for t in equation.terms) else ""
    whole = words(equation.whole)
    begin = f"{whole[:1].upper()}{whole[1:]} is "
    middle = f", but {' plus '.join(parts).replace('plus less', 'less')}{extra} is "
    gap = pl.col(equation.whole) - total(equation)
    return pl.concat_str(
        pl.lit(begin), number(pl.col(equation.whole)), pl.lit(middle),
        number(total(equation)), pl.lit(": "), number(gap.abs()), pl.lit(" apart."),
    )  # fmt: skip


def _learned(book: Book, rule: Rule, judged: pl.DataFrame, failed: pl.DataFrame) -> Outcome:
    """Only where the filer's earlier filings kept to this form is a departure a failure."""
    days = book.filings.select("fid", "cik")
    held = judged.group_by("fid").agg(ok=(pl.col("best") <= 1.0).all()).join(days, on="fid")
    before = pl.col("ok").cast(pl.Float64).shift(1)
    past = held.sort("cik", "fid").with_columns(
        n=pl.int_range(pl.len()).over("cik"),
        share=before.rolling_mean(8, min_samples=1).over("cik"),
    )
    regular = (pl.col("share") >= LEARNED_SHARE) & (pl.col("n") >= LEARNED_COUNT)
    counted = past.filter(pl.col("ok") | regular.fill_null(False))
    return outcome(rule.id, counted, failed.join(counted, on="fid", how="semi"))


def orders(book: Book, rule: Rule) -> Outcome:
    """A rule of `part <= whole` pairs over the points of a book."""
    wide = book.points
    pieces, seen = [], []
    for part, whole in rule.orders:
        both = wide.filter(pl.col(part).is_not_null() & pl.col(whole).is_not_null())
        shares = book.rules.items[part].unit == "shares"
        room = _rounded(part, whole) if shares else pl.col("unit") * 2.0
        seen.append(both.select("fid"))
        pieces.append(_exceeding(both, part, whole, room))
    return outcome(rule.id, pl.concat(seen), pl.concat(pieces))


def _rounded(*names: str) -> pl.Expr:
    """Half the coarsest rounding, up to a million, that counts in whole units show."""
    sizes: Any = pl.lit(1.0)
    for power in range(1, 7):
        coarse = pl.any_horizontal(pl.col(n) % 10**power == 0 for n in names)
        sizes = pl.when(coarse).then(10.0**power).otherwise(sizes)
    room: pl.Expr = sizes / 2
    return room


def _exceeding(both: pl.DataFrame, part: str, whole: str, room: pl.Expr) -> pl.DataFrame:
    bad = both.filter(pl.col(part) > pl.col(whole) + room)
    text = words(part)
    return bad.select(
        "fid", "end", start=pl.lit(None, pl.Date), expected=whole, actual=part, tolerance=room,
        message=pl.concat_str(
            pl.lit(f"{text[:1].upper()}{text[1:]} of "), number(pl.col(part)),
            pl.lit(f" is more than {words(whole)} of "), number(pl.col(whole)), pl.lit("."),
        ),
        items=pl.lit([part, whole]),
    )  # fmt: skip
