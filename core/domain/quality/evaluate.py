"""All rules over all filings at once: which function says which rule, and in which order."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from core.domain.quality.facts.arrays import Floats
from core.domain.quality.facts.table import PeriodTable
from core.domain.quality.outcome import Judged, Outcome, joined, within
from core.domain.quality.rules import (
    change,
    covers,
    dates,
    history,
    labels,
    one_sided,
    past,
    presence,
    quarters,
    scale,
    shares,
    swaps,
)
from core.domain.quality.rules.equations import equations, orders

CHECKS: Mapping[str, Callable[[PeriodTable], Outcome]] = {
    "Q24": shares.earnings,
    "Q25": shares.dilution,
    "Q26": shares.cash_flow_starts_with_net_income,
    "Q27": quarters.adding_up,
    "Q28": quarters.nested,
    "Q29": shares.negatives,
    "Q31": covers.cover,
    "Q32": shares.accelerated_but_tiny,
    "Q36": dates.lengths,
    "Q37": dates.report_dates,
    "Q38": dates.cover_dates,
    "Q39": dates.future,
    "Q40": labels.duplicates,
    "Q41": labels.units,
    "Q43": labels.retired,
    "Q45": dates.deadline,
    "Q46": presence.amended,
    "Q49": presence.counts,
    "Q50": quarters.fourth,
    "Q51": labels.fiscal_labels,
    "Q54": scale.earnings_scale,
    "Q56": quarters.year_to_date,
}
HISTORY = ("Q33", "Q34", "Q35", "Q47", "Q55", "Q57", "Q58")
PRESENCE = ("Q42", "Q48")


@dataclass(frozen=True, slots=True)
class Evaluated:
    """Outcomes of all rules, and the two shares that the sub-scores are made of."""

    outcome: Judged
    required: Floats  # share of the required items of each filing, NaN where unknown
    usual: Floats  # share of the items usual for the filer


def evaluate(book: PeriodTable, only: Collection[str] | None = None) -> Evaluated:
    """Outcomes of the rules (or of those named in `only`)."""
    with np.errstate(all="ignore"):  # what is not given is NaN, and compares as false
        return _evaluated(book, only)


def _evaluated(book: PeriodTable, only: Collection[str] | None) -> Evaluated:
    chosen = [rule for name, rule in book.rules.rules.items() if only is None or name in only]
    outcomes = equations(book, [rule for rule in chosen if rule.equations])
    outcomes += [orders(book, rule) for rule in chosen if rule.orders]
    outcomes += [CHECKS[rule.id](book) for rule in chosen if rule.id in CHECKS]
    names = {rule.id for rule in chosen}
    outcomes += _over_time(book, names)
    unknown = np.full(book.filings.height, np.nan)
    if not names & set(PRESENCE):
        return Evaluated(_judged(book, outcomes), unknown, unknown)
    have = presence.present(book)
    flows = one_sided.main_flows(book)
    q42, required = presence.required(book, have, flows)
    q48, usual = presence.vanished(book, have, flows)
    return Evaluated(_judged(book, [*outcomes, q42, q48]), required, usual)


def _judged(book: PeriodTable, outcomes: Sequence[Outcome]) -> Judged:
    """All outcomes as one, of the filings to judge."""
    if book.changed is not None:
        outcomes = [within(found, book.affected) for found in outcomes]
    return joined(outcomes, book.filings.height)


def _over_time(book: PeriodTable, names: set[str]) -> list[Outcome]:
    if not names & set(HISTORY):
        return []
    same = past.same_periods(book)
    until = past.corrected(book, same)
    own = past.own_values(book, until)
    lines = past.own_values(book, until, "followed")
    told = past.told_before(book, own, until, same)
    found = [
        history.scale_jump(book, own, told),
        history.flips(book, own, told, lines),
        change.outliers(book, own),
        change.restated(book, told),
        scale.shrunk(book, own, lines),
        swaps.exchanged(book, own, told),
        swaps.columns(book, own, told),
    ]
    return [one for one in found if one.rule in book.rules.rules]
