"""What a plan stands on: the scan's judgement, the grade, the print, and what risk knows of it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from math import isclose
from typing import TYPE_CHECKING, Literal

import polars as pl

from core.domain.gaps import flags as gap_flags
from core.domain.risk.types import Name
from core.domain.trading.money import price_of
from core.domain.trading.plan_facts import SUSPECTED
from core.domain.trading.plans import PlanRules, stop_distance
from core.domain.trading.references import Reference, tolerance
from core.domain.trading.trade_stats import gap_through
from core.errors import NotFoundError, UsageError
from core.service.gaps import session as scan_inputs
from core.service.gaps.coming import Print
from core.service.gaps.market_view import MarketView
from core.store import scans as scan_store
from core.store.journal import Reader

if TYPE_CHECKING:
    from core.service.desk import Desk

LEAST_GAP_PCT = 0.1  # on an ex-date a smaller rest is rounding, not a direction


@dataclass(frozen=True, slots=True)
class ReportGrade:
    """The newest graded report before a session: its grade (NR when too old), form, age, status."""

    grade: str | None = None
    form: str | None = None
    age_days: int | None = None
    status: str | None = None
    status_reason: str | None = None


def graded_as_of(reader: Reader, cik: int | None, session: date) -> ReportGrade:
    """What was known of a company's filings before a session; nothing without any."""
    found = scan_store.grades(reader, session).filter(pl.col("cik").is_in([cik]))
    if cik is None or found.is_empty():
        return ReportGrade()
    row = found.row(0, named=True)
    names = ("grade", "grade_form", "grade_age_days", "status", "status_reason")
    return ReportGrade(*(row[name] for name in names))


def name_of(
    reader: Reader, cik: int | None, session: date, sector: str, volume: float | None
) -> Name:
    """What risk knows of a name before a session."""
    graded = graded_as_of(reader, cik, session)
    return Name(
        sector,
        volume,
        graded.grade,
        graded.form,
        graded.age_days,
        graded.status,
        graded.status_reason,
    )


@dataclass(frozen=True, slots=True)
class Scanned:
    """What the gap scan says of a name: why it is left out, and whose it was that day."""

    flags: tuple[str, ...] = ()
    cik: int | None = None
    gap_ex_div_pct: float | None = None
    atr: float | None = None
    mean_volume: float | None = None
    judged: bool = False

    def flags_with(self, own: tuple[str, ...]) -> tuple[str, ...]:
        """All that speaks against a plan: the name's own bars guess only what no scan has judged,
        as a scan knows filings, trading and the market.
        """
        kept = [flag for flag in own if not (self.judged and flag.startswith(SUSPECTED))]
        return (*kept, *self.flags)


def as_scanned(desk: Desk, view: MarketView) -> Scanned:
    """The same judgement as the scan of the session; nothing for a name it does not know."""
    try:
        rows = scan_inputs.session_gaps(desk, view.session).rows
    except (NotFoundError, UsageError):  # another scan dataset, or no exchange session
        return Scanned()
    found = rows.filter(pl.col("symbol") == view.symbol).select(
        "cik",
        "gap_ex_div_pct",
        "atr",
        "mean_volume",
        flagged=gap_flags.excluded(),
        reason=gap_flags.reason(),
    )
    if found.is_empty():
        return Scanned()
    cik, bare, atr, volume, flagged, reason = found.row(0)
    return Scanned((reason,) if flagged else (), cik, bare, atr, volume, judged=True)


def without_distribution(view: MarketView, bare: float | None) -> MarketView:
    """The view with the gap that the distributions of the day leave, none when that is nothing."""
    if bare is None:
        return view
    gap = bare if abs(bare) >= LEAST_GAP_PCT else None
    return replace(view, facts=replace(view.facts, gap_pct=gap))


def agreed_range(own: float | None, scanned: float | None) -> float | None:
    """The scan's average range, which knows filings and the market; the name's own where they
    differ by rounding only, so that a plan shown twice is the same plan.
    """
    if own is None or scanned is None:
        return scanned if own is None else own
    return own if isclose(own, scanned, rel_tol=1e-6) else scanned


def direction_by(view: MarketView, rule: str) -> Literal["long", "short"]:
    """The direction that the rule (follow, fade) gives; long without a gap."""
    if view.facts.gap_pct is None:
        return "long"
    up = view.facts.gap_pct >= 0
    return "long" if up == (rule == "follow") else "short"


def tag_of(view: MarketView) -> str:
    """The tag that a plan has by itself."""
    gap = view.facts.gap_pct
    return "no gap" if gap is None else ("gap up" if gap >= 0 else "gap down")


def basis_of(found: Print) -> str:
    """What a market entry stands on, in a sentence."""
    what = "open of the session" if found.official else "last print before the open"
    return f"Market entry at the {what}, {found.price:.4g}."


def reference_of(desk: Desk, view: MarketView) -> Reference | None:
    """What the open will be held against; None once it is known."""
    if view.found is None or view.found.official:
        return None
    chosen, price = desk.settings, price_of(view.found.price)
    shares = chosen.open_tolerance_pct, chosen.open_tolerance_atr_pct
    return Reference(
        price,
        view.found.at,
        view.found.prints,
        view.found.source,
        tolerance(price, view.facts.atr, *shares),
    )


def gap_through_of(
    view: MarketView, direction: str, level: float, rules: PlanRules
) -> tuple[float | None, str]:
    """Loss in R when a later gap jumps the stop, and how that was seen."""
    if view.facts.flags:
        return None, ""
    entry = price_of(level)
    r, _ = stop_distance(entry, view.facts.atr, rules)
    sign = 1 if direction == "long" else -1
    return gap_through(view.facts.overnight_pct, sign, float(r / entry * 100))
