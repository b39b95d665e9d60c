"""Screening: which of the ranked candidates are shown. Ranks and scores are of all of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import polars as pl

from core.domain.gaps.bars import spelled
from core.domain.symbols import one_spelling

NO_FILING = "none found"
NOT_RATED, AS_FILED = "NR", "as filed"
UNKNOWN = "unknown"
Side = Literal["up", "down"]


@dataclass(frozen=True, slots=True)
class Screen:
    """What is asked of a candidate; empty and None ask nothing. `symbols`: one of these, of a list
    or starred; `hidden`: none of these; `ciks`: of a followed company.
    """

    sectors: tuple[str, ...] = ()
    side: Side | None = None
    forms: tuple[str, ...] = ()
    grades: tuple[str, ...] = ()
    statuses: tuple[str, ...] = ()
    ciks: frozenset[int] | None = None
    symbols: frozenset[str] | None = None
    hidden: frozenset[str] = frozenset()


def screened(candidates: pl.DataFrame, screen: Screen) -> pl.DataFrame:
    """The candidates that pass, in their order.

    Needs symbol, gap_pct, sector, catalysts (list of structs with form), grade, status and cik.
    """
    asked: list[pl.Expr] = []
    if screen.sectors:
        asked.append(sector().is_in(list(screen.sectors)))
    if screen.side:
        up = pl.col("gap_pct") >= 0
        asked.append(up if screen.side == "up" else ~up)
    if screen.forms:
        found = pl.col("catalysts").list.eval(
            pl.element().struct.field("form").is_in(list(screen.forms))
        )
        none = NO_FILING in screen.forms
        asked.append(found.list.any().fill_null(value=False) | (_bare() & pl.lit(none)))
    if screen.grades:
        asked.append(pl.col("grade").fill_null(NOT_RATED).is_in(list(screen.grades)))
    if screen.statuses:
        asked.append(pl.col("status").fill_null(AS_FILED).is_in(list(screen.statuses)))
    if screen.ciks is not None:
        asked.append(pl.col("cik").is_in(sorted(screen.ciks)).fill_null(value=False))
    if screen.symbols is not None:
        asked.append(_named(screen.symbols))
    if screen.hidden:
        asked.append(~_named(screen.hidden))
    return candidates.filter(asked) if asked else candidates


def _named(names: frozenset[str]) -> pl.Expr:
    """Whether a name is among some, in any spelling of its class."""
    return spelled("symbol").is_in(sorted(map(one_spelling, names)))


def sector() -> pl.Expr:
    """The sector, or a word where none is known."""
    return pl.col("sector").fill_null(UNKNOWN)


def sectors(candidates: pl.DataFrame) -> list[str]:
    """The sectors of candidates, in order, the word for unknown among them."""
    return candidates.select(sector())["sector"].unique().sort().to_list()


def _bare() -> pl.Expr:
    return pl.col("catalysts").list.len().fill_null(0) == 0


def kinds(candidates: pl.DataFrame) -> list[str]:
    """The forms among the catalysts of candidates, in order, and a word for none."""
    forms = candidates.select(
        form=pl.col("catalysts").list.eval(pl.element().struct.field("form")).explode()
    )["form"]
    return [*sorted(forms.drop_nulls().unique().to_list()), NO_FILING]
