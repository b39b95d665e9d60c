"""The rules against the planted faults: what was planted is found, what is clean stays clean."""

from __future__ import annotations

from datetime import date
from typing import Any

import polars as pl
import pytest

from core.domain.tables.frames import COMPANIES, FACTS, FILINGS
from core.sandbox.companies.faults import FACT_FAULTS, faulty_facts
from core.sandbox.companies.filings import filings
from core.sandbox.companies.model import profiles
from core.sandbox.market.names import listings
from core.sandbox.planted import planted

SEED, AS_OF = 7, date(2026, 3, 11)
HONEST = {"Q46", "Q47"}  # an amendment and what it changed are told, and are no fault of the rules


def _facts(slots: list[int]) -> pl.DataFrame:
    frames = [
        faulty_facts(SEED, AS_OF, slot).select(
            pl.lit(listings()[slot].cik).cast(pl.Int64).alias("cik"),
            "taxonomy",
            "concept",
            "unit",
            pl.col("start").alias("period_start"),
            pl.col("end").alias("period_end"),
            pl.col("val").alias("value"),
            "accession",
            pl.col("fy").cast(pl.Int32).alias("fiscal_year"),
            pl.col("fp").alias("fiscal_period"),
            "form",
            "filed",
            pl.lit(None, pl.String).alias("frame"),
        )
        for slot in slots
    ]
    key = [c for c in FACTS.key if c != "seq"]
    return pl.concat(frames).with_columns(
        pl.int_range(pl.len()).over(key).cast(pl.Int32).alias("seq")
    )


def _filings(slots: list[int]) -> pl.DataFrame:
    rows = filings(SEED, AS_OF).filter(pl.col("slot").is_in(slots))
    renamed = rows.rename(
        {
            "accepted": "accepted_at",
            "document": "primary_document",
            "xbrl": "is_xbrl",
            "size": "size_bytes",
        }
    )
    numbered = renamed.with_columns(file_number=pl.lit(None, pl.String))
    return numbered.select(list(FILINGS.columns))


def _companies(slots: list[int]) -> pl.DataFrame:
    late = {p.slot for p in profiles(SEED) if "late" in p.roles}
    rows = [
        {
            "cik": listings()[s].cik,
            "name": listings()[s].name,
            "entity_type": "operating",
            "sic": listings()[s].sic,
            "sic_description": listings()[s].industry,
            "category": "Accelerated filer" if s in late else "Large accelerated filer",
            "fiscal_year_end": None,
            "state": "DE",
            "ein": None,
        }
        for s in slots
    ]
    return pl.DataFrame(rows, schema=dict(COMPANIES.columns))


@pytest.fixture(scope="module")
def graded() -> Any:
    """Grades of the faulty companies, those with other roles, and every style."""
    grading = pytest.importorskip("core.domain.quality.grading")
    slots = [p.slot for p in profiles(SEED) if p.roles or p.style != "industrial"]
    return grading.grade(_facts(slots), _filings(slots), _companies(slots))


@pytest.mark.parametrize("kind", list(FACT_FAULTS))
def test_every_planted_fact_is_found(graded: Any, kind: str) -> None:
    """Each filing with a planted fault has at least one finding that weighs."""
    wanted = set(planted(SEED, AS_OF).filter(pl.col("kind") == kind)["accession"])
    weighty = graded.findings.filter(pl.col("severity") != "info")
    assert wanted <= set(weighty["accession"])


@pytest.mark.parametrize("kind", list(FACT_FAULTS))
def test_every_planted_fact_costs_points(graded: Any, kind: str) -> None:
    """Each filing with a planted fault scores less than a filing without a finding."""
    wanted = planted(SEED, AS_OF).filter(pl.col("kind") == kind)["accession"].unique()
    scored = graded.scores.filter(pl.col("accession").is_in(wanted.implode()))
    assert scored.height == wanted.len()
    assert scored.filter(pl.col("score") >= 100).is_empty()


def test_clean_filings_stay_clean(graded: Any) -> None:
    """Among hundreds of honest filings hardly one has a finding, and all grade A."""
    bad = planted(SEED, AS_OF)["accession"].drop_nulls().to_list()
    clean = graded.scores.filter(~pl.col("accession").is_in(bad))
    assert clean.height > 400
    assert set(clean["grade"]) == {"A"}
    alarms = graded.findings.filter(
        ~pl.col("accession").is_in(bad) & ~pl.col("rule").is_in(list(HONEST))
    )
    assert alarms["accession"].n_unique() <= clean.height // 100
