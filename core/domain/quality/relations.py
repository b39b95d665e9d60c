"""Rules that are equations or orders: one pass over all periods of all filings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import polars as pl

from core.domain.quality.book import Book
from core.domain.quality.model import Equation, Rule
from core.domain.quality.outcome import NOTHING, Outcome, number, outcome, words

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


def equations(book: Book, rules: Sequence[Rule]) -> list[Outcome]:
    """Rules of equations over the points and the spans of a book: one pass over each."""
    found = []
    for instants, wide in ((True, book.points), (False, book.spans)):
        chosen = [rule for rule in rules if (rule.kind == "instant") == instants]
        if chosen:
            found += _judge(book, chosen, wide)
    return found


def _judge(book: Book, rules: list[Rule], wide: pl.DataFrame) -> list[Outcome]:
    """Outcomes of rules over the rows of `wide`: a verdict per row and rule, then what failed."""
    verdicts = wide.select(_verdict(book, rule, wide.columns).alias(rule.id) for rule in rules)
    verdicts = verdicts.with_columns(
        _excused(book, rule, wide, verdicts[rule.id]) for rule in rules if rule.held_for_sale_pct
    )
    broken = verdicts.select((~pl.all()).any()).row(0, named=True)
    verdicts = verdicts.with_columns(wide["fid"])
    judged = verdicts.group_by("fid").agg(pl.all().is_not_null().any())
    found = [Outcome(judged.filter(rule.id).select("fid", rule=pl.lit(rule.id)), NOTHING)
             for rule in rules if not broken[rule.id]]  # fmt: skip
    return found + [
        _failing(book, rule, wide, verdicts.select("fid", ok=rule.id))
        for rule in rules
        if broken[rule.id]
    ]


def _failing(book: Book, rule: Rule, wide: pl.DataFrame, verdicts: pl.DataFrame) -> Outcome:
    failed = _explain(rule, wide.filter(~verdicts["ok"].fill_null(value=True)))
    judged = verdicts.filter(pl.col("ok").is_not_null())
    if rule.style == "learned":
        return _learned(book, rule, judged, failed)
    return outcome(rule.id, judged, failed)


def _verdict(book: Book, rule: Rule, columns: list[str]) -> pl.Expr:
    """Whether any form holds; null where none of the main ones can be evaluated."""
    main = [_gap(rule, form, columns) for form in rule.equations]
    also = [_gap(rule, form, columns) for form in rule.also]
    best = pl.min_horizontal(*main, *also)
    usable = (best <= 1.0) | pl.min_horizontal(main).is_not_null()
    if rule.unseen_pct:
        usable &= (best <= 1.0) | ~_unseen(rule)
    if rule.style in ("bank", "ifrs"):
        usable &= pl.col("fid").is_in(_of_style(book, rule.style).implode())
    return pl.when(usable).then(best <= 1.0)


def _unseen(rule: Rule) -> pl.Expr:
    """Whether the whole exceeds its parts by what a line of the filer's own may explain."""
    first = rule.equations[0]
    over = (pl.col(first.whole) - total(first)) / pl.col(first.whole)
    return over.is_between(0.0, rule.unseen_pct / 100).fill_null(value=False)


def _excused(book: Book, rule: Rule, wide: pl.DataFrame, verdicts: pl.Series) -> pl.Series:
    """Verdicts without failures where some form is near and operations are held for sale."""
    if verdicts.all():
        return verdicts
    near = [
        (pl.col(form.whole) - total(form)).abs()
        <= pl.col(form.whole).abs() * (rule.held_for_sale_pct / 100)
        for form in rule.equations
    ]
    selling = pl.col("fid").is_in(_selling(book).implode())
    elsewhere = (pl.any_horizontal(near) & selling).fill_null(value=False)
    kept = pl.when(pl.lit(verdicts) | ~elsewhere).then(pl.lit(verdicts))
    return wide.select(kept.alias(rule.id)).to_series()


def _selling(book: Book) -> pl.Series:
    """fids of filings filed up to two years after one that tells of operations held for sale."""
    stated = book.facts.filter(pl.col("concept").str.contains(HELD_FOR_SALE)).select("fid").unique()
    days = book.filings.select("fid", "cik", "filed").sort("filed")
    told = days.join(stated, on="fid").select("cik", "filed", told="filed")
    found = days.join_asof(told, on="filed", by="cik", tolerance="800d", check_sortedness=False)
    return found.filter(pl.col("told").is_not_null())["fid"]


HELD_FOR_SALE = "DisposalGroup|HeldForSale|DiscontinuedOperation"


def _of_style(book: Book, style: str) -> pl.Series:
    """fids of the filers that a rule of this style is meant for."""
    if style == "bank":
        banks = pl.col("style").is_in(["bank", "insurer", "reit", "fund"])
        return book.filings.filter(banks)["fid"]
    return book.facts.filter(pl.col("taxonomy") == "ifrs-full")["fid"].unique()


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
    gaps = [_gap(rule, form, failed.columns) for form in rule.equations]
    failed = failed.with_columns(gap.alias(f"gap{i}") for i, gap in enumerate(gaps))
    failed = failed.with_columns(main=pl.min_horizontal(f"gap{i}" for i in range(len(gaps))))
    pieces = [
        failed.filter(pl.col(f"gap{i}") == pl.col("main")).with_columns(
            expected=total(equation), tolerance=slack(rule, equation), actual=equation.whole,
            message=_sentence(equation), items=pl.lit(list(equation.items)),
        )
        for i, equation in enumerate(rule.equations)
        if (failed[f"gap{i}"] == failed["main"]).any()
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
    held = judged.group_by("fid").agg(pl.col("ok").all()).join(days, on="fid")
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
