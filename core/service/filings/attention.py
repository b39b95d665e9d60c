"""Which graded filings need eyes: withdrawn, D and F, of names followed or held before others."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from core.domain.quality.status.names import AS_FILED, WITHDRAWN
from core.service.filings import companies
from core.store import plans as plan_store
from core.store import quality as store

if TYPE_CHECKING:
    from core.service.desk import Desk

LOW = ("D", "F")
KEY = ["cik", "accession"]


def held(desk: Desk) -> frozenset[int]:
    """CIKs of the names of plans that wait for their fill, or are in the book."""
    plans = plan_store.overview(desk.warehouse)
    running = plans.filter(pl.col("state").is_in([plan_store.WAITING, plan_store.OPEN]))
    symbols = running["symbol"].unique().to_list()
    return frozenset(companies.by_ticker(desk, symbols).values()) if symbols else frozenset()


def mine(desk: Desk) -> frozenset[int]:
    """CIKs of the names followed or held."""
    return held(desk) | frozenset(companies.watched(desk))


def first(graded: pl.DataFrame, own_ciks: frozenset[int]) -> pl.DataFrame:
    """Graded filings with those that need eyes first, of one's own names before others.

    Withdrawn ones come before low grades; among equals the order is kept.
    """
    gone, bad = withdrawn(), needs_eyes()
    own = pl.col("cik").is_in(sorted(own_ciks))
    grave = pl.when(gone).then(0).when(bad).then(1)
    rank = pl.when(bad & own).then(grave).when(bad).then(grave + 2).otherwise(4)
    return graded.sort(rank, maintain_order=True)


def needs_eyes() -> pl.Expr:
    """Whether a filing is withdrawn, or its grade low."""
    return withdrawn() | pl.col("grade").is_in(LOW)


def withdrawn() -> pl.Expr:
    """Whether its company said that a filing must not be relied on."""
    return (pl.col("status") == WITHDRAWN).fill_null(value=False)


def with_why(desk: Desk, graded: pl.DataFrame) -> pl.DataFrame:
    """Adds `why`: what became of a filing, else its gravest finding, else why it is not rated.

    Null for one that stands as filed, is rated, and better than D.
    """
    low = graded.filter(pl.col("grade").is_in(LOW))["accession"].unique().to_list()
    worst = store.findings(desk.warehouse, low).unique(KEY, keep="first", maintain_order=True)
    finding = pl.format("{}: {}", "rule", "message")
    told = graded.join(
        worst.select(*KEY, finding=finding), on=KEY, how="left", maintain_order="left"
    )
    gone = pl.when(withdrawn()).then("status_reason")
    changed = pl.when(pl.col("status") != AS_FILED).then("status_reason")
    unrated = pl.when(pl.col("grade") == "NR").then("reason")
    why = pl.coalesce(gone, "finding", unrated, changed)
    first_letter = why.str.slice(0, 1).str.to_uppercase()
    return told.with_columns(why=first_letter + why.str.slice(1)).drop("finding")
