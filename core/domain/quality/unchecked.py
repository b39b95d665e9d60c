"""Which relations expected of a filing could not be looked at, and for want of what."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import polars as pl

from core.domain.quality.model import Equation, Rule, Ruleset
from core.domain.quality.words import words

Span = tuple[date | None, date]  # no start: a balance of the day


@dataclass(frozen=True, slots=True)
class Unchecked:
    """A rule expected of a kind of filer that nothing in the filing lets look at.

    lacks: the least that is not told, items in words, for `months` to `end`, or (0) of that day;
    none where all is told, but the company always leaves something out between the two sides.
    """

    rule: str
    title: str
    lacks: tuple[str, ...]
    months: int
    end: date

    def __str__(self) -> str:
        if not self.lacks:
            return f"what lies between the two sides of {self.rule} ({self.title.lower()})"
        when = f"for the {self.months} months to {self.end}" if self.months else f"of {self.end}"
        return f"{' and '.join(self.lacks)} {when} (for {self.rule})"


def unchecked(
    rules: Ruleset, style: str, coverage_pct: float, items: pl.DataFrame
) -> list[Unchecked]:
    """The expected relations that lack an operand in every period that a filing tells.

    items: item, period_start, period_end, months and own of its chosen facts. Said is what the form
    that lacks least of it lacks, in the longest of its own periods. What is left of the weight that
    `coverage_pct` leaves out are relations that a company breaks by habit.
    """
    expected = next((kind.expect for kind in rules.styles if kind.name == style), ())
    chosen = [rules.rules[name] for name in expected if name in rules.rules]
    told, found = _told(items), []
    for rule in chosen:
        spans = [span for span in told if (span[0] is None) == (rule.kind == "instant")]
        wanted = list(_wanted(rule))
        months, span = _own(items, instant=rule.kind == "instant")
        every = [*wanted, *map(_needed, rule.also)]
        judged = any(not _open(need, span, told) for span in spans for need in every)
        if judged or not wanted or span is None:
            continue
        least = min((_open(need, span, told) for need in wanted), key=len)
        found.append(Unchecked(rule.id, rule.title, tuple(map(words, least)), months, span[1]))
    return found + _left_out(chosen, coverage_pct, found)


def _left_out(
    chosen: Sequence[Rule], coverage_pct: float, found: Sequence[Unchecked]
) -> list[Unchecked]:
    """Of expected rules those that filers may break by habit, while weight is left to explain."""
    known = {one.rule for one in found}
    left = sum(rule.weight for rule in chosen) * (1 - coverage_pct / 100)
    left -= sum(rule.weight for rule in chosen if rule.id in known)
    more = []
    for rule in chosen:
        if rule.habit and rule.id not in known and left >= rule.weight - ROUNDED:
            more.append(Unchecked(rule.id, rule.title, (), 0, date.min))
            left -= rule.weight
    return more


ROUNDED = 0.5  # of a weight, for a coverage is told to a tenth of a percent


def _told(items: pl.DataFrame) -> Mapping[Span, set[str]]:
    """The items of each period."""
    found: dict[Span, set[str]] = {}
    for item, start, end in items.select("item", "period_start", "period_end").iter_rows():
        found.setdefault((start, end), set()).add(item)
    return found


def _wanted(rule: Rule) -> Iterator[list[str]]:
    """Of each form of a rule the items without which it says nothing."""
    for form in rule.equations:
        yield _needed(form)
    for pair in rule.orders:
        yield list(pair)


def _needed(form: Equation) -> list[str]:
    return [form.whole, *(term.item for term in form.terms if not term.optional)]


def _open(need: Collection[str], span: Span, told: Mapping[Span, set[str]]) -> list[str]:
    """Those of some items that a filing does not tell for a period; cash at its begin and end."""
    start, end = span
    before = start - timedelta(days=1) if start else end
    days = {"Begin": (None, before), "End": (None, end)}
    lacks = []
    for name in need:
        side = next((side for side in days if start and name.endswith(side)), "")
        there = told.get(days.get(side, span), set())
        if name.removesuffix(side) not in there:
            lacks.append(name)
    return lacks


def _own(items: pl.DataFrame, *, instant: bool) -> tuple[int, Span | None]:
    """(months, period) of the longest of a filing's own periods; of its balances the last."""
    own = items.filter("own", pl.col("period_start").is_null() == instant)
    if own.is_empty():
        return 0, None
    row = own.sort("months", "period_end").row(-1, named=True)
    return row["months"] or 0, (row["period_start"], row["period_end"])
