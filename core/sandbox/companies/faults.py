"""Planted faults of the simulated filings, and the facts with the faults in.

Each class has one company of its own (`companies_model.FAULTY`); its fault returns every year in
the reports of the same two fiscal quarters from 2024 on. So a fault stays with its accession, and
at any time about half of the classes show in the latest report of their company.
"""

from __future__ import annotations

from datetime import date, time
from functools import lru_cache

import polars as pl

from core.sandbox.companies.concepts import REVENUE
from core.sandbox.companies.facts import facts
from core.sandbox.companies.filings import filings
from core.sandbox.companies.model import FAULTY, FIRST_FAULT, Profile, profiles
from core.sandbox.market.names import cik_of, listings

PERIODS = ("Q2", "Q3", "FY", "Q1")
# class -> concept it shows at, what it looks like
FACT_FAULTS: dict[str, tuple[str, str]] = {
    "sign_flip": ("NetIncomeLoss", "net income of the quarter with the wrong sign"),
    "thousandfold": (REVENUE, "revenue of the quarter times 1,000"),
    "thousandfold_all": ("Assets", "every amount of the filing times 1,000"),
    "cover_shares_million": (
        "EntityCommonStockSharesOutstanding",
        "shares on the cover times 1,000,000",
    ),
    "stale_duplicate": ("Assets", "total assets stated twice, once with the year-end value"),
    "shifted_period": ("NetIncomeLoss", "net income of the quarter dated a year too early"),
    "unbalanced": ("Assets", "total assets 3 % above liabilities and equity"),
    "current_noncurrent_swapped": ("AssetsCurrent", "noncurrent assets stated as current"),
    "operand_dropped": ("StockholdersEquity", "no stockholders' equity in the filing"),
    "wrong_unit": ("EarningsPerShareBasic", "earnings per share stated in USD"),
}


@lru_cache(maxsize=64)
def faulty_facts(seed: int, as_of: date, slot: int) -> pl.DataFrame:
    """The facts of a covered slot as served: with its planted fault, if it has one."""
    rows = facts(seed, as_of, slot)
    kind = next(iter(profiles(seed)[slot - 1].roles), "")
    return _plant(rows, kind) if kind in FAULTY else rows


def hit(kind: str) -> pl.Expr:
    """Facts of filings that carry a class of fault."""
    at = FAULTY.index(kind)
    periods = [PERIODS[at % 4], PERIODS[(at + 1) % 4]]
    if kind == "thousandfold_all":  # twice in a row would look like the new normal
        periods = ["Q3"]
    return pl.col("fp").is_in(periods) & (pl.col("quarter") >= FIRST_FAULT)


def _shown(kind: str) -> pl.Expr:
    """The facts a fault shows at: the concept's own-period ones of the filings hit."""
    concept = FACT_FAULTS[kind][0]
    quarter = (pl.col("end") - pl.col("start")).dt.total_days() < 115
    shape = quarter | pl.col("start").is_null() | (pl.col("fp") == "FY")
    return hit(kind) & (pl.col("concept") == concept) & pl.col("own") & shape


def _plant(rows: pl.DataFrame, kind: str) -> pl.DataFrame:
    if kind == "facts_missing":
        return rows.filter(~hit(kind))
    if kind not in FACT_FAULTS:
        return rows
    at, val = _shown(kind), pl.col("val")
    if kind in _FACTORS:
        return rows.with_columns(pl.when(at).then(val * _FACTORS[kind]).otherwise(val))
    return _SPECIAL[kind](rows, at)


_FACTORS = {"sign_flip": -1.0, "thousandfold": 1e3, "cover_shares_million": 1e6}


def _thousandfold_all(rows: pl.DataFrame, at: pl.Expr) -> pl.DataFrame:
    money = hit("thousandfold_all") & (pl.col("unit") == "USD")
    return rows.with_columns(pl.when(money).then(pl.col("val") * 1e3).otherwise("val").alias("val"))


def _stale(rows: pl.DataFrame, at: pl.Expr) -> pl.DataFrame:
    total = hit("stale_duplicate") & (pl.col("concept") == "Assets")
    last_year = rows.filter(total & ~pl.col("own"))
    stale = rows.filter(at).drop("val").join(last_year.select("filing", "val"), on="filing")
    return pl.concat([rows, stale.select(rows.columns)])


def _shift(rows: pl.DataFrame, at: pl.Expr) -> pl.DataFrame:
    back = [pl.when(at).then(pl.col(c).dt.offset_by("-1y")).otherwise(c).alias(c) for c in _DATES]
    return rows.with_columns(back)


def _unbalance(rows: pl.DataFrame, at: pl.Expr) -> pl.DataFrame:
    more = (pl.col("val") * 1.03 / 1e6).round() * 1e6
    return rows.with_columns(pl.when(at).then(more).otherwise("val").alias("val"))


def _swap(rows: pl.DataFrame, at: pl.Expr) -> pl.DataFrame:
    whole = hit("current_noncurrent_swapped") & (pl.col("concept") == "Assets")
    total = rows.filter(whole & pl.col("own"))
    joined = rows.join(
        total.select("filing", pl.col("val").alias("total")), on="filing", how="left",
        maintain_order="left",
    )  # fmt: skip
    other = pl.when(at).then(pl.col("total") - pl.col("val")).otherwise("val").alias("val")
    return joined.with_columns(other).drop("total")


def _drop(rows: pl.DataFrame, at: pl.Expr) -> pl.DataFrame:
    return rows.filter(~(hit("operand_dropped") & (pl.col("concept") == "StockholdersEquity")))


def _unit(rows: pl.DataFrame, at: pl.Expr) -> pl.DataFrame:
    wrong = hit("wrong_unit") & (pl.col("concept") == "EarningsPerShareBasic")
    return rows.with_columns(pl.when(wrong).then(pl.lit("USD")).otherwise("unit").alias("unit"))


_DATES = ("start", "end")
_SPECIAL = {
    "thousandfold_all": _thousandfold_all,
    "stale_duplicate": _stale,
    "shifted_period": _shift,
    "unbalanced": _unbalance,
    "current_noncurrent_swapped": _swap,
    "operand_dropped": _drop,
    "wrong_unit": _unit,
}


def planted_filings(seed: int, as_of: date) -> pl.DataFrame:
    """The planted faults of facts and filings: one row per filing that carries one."""
    parts = [
        _listed(seed, as_of, p, kind) for p in profiles(seed) for kind in p.roles & set(FAULTY)
    ]
    return pl.concat([part for part in parts if part.height], how="diagonal_relaxed")


def _listed(seed: int, as_of: date, profile: Profile, kind: str) -> pl.DataFrame:
    who = [
        pl.lit(kind).alias("kind"),
        pl.lit(listings()[profile.slot].symbol).alias("symbol"),
        pl.lit(cik_of(profile.slot)).alias("cik"),
    ]
    if kind == "accepted_after_open":
        return late_acceptances(seed, as_of, profile.slot).select(
            pl.lit("filings").alias("area"),
            *who,
            "accession",
            pl.col("filed").alias("session"),
            pl.lit("results accepted one minute after the open they moved").alias("note"),
        )
    clean = facts(seed, as_of, profile.slot)
    if kind == "facts_missing":
        gone = clean.filter(hit(kind)).select("accession").unique(maintain_order=True)
        note = pl.lit("an XBRL report without any fact in companyfacts").alias("note")
        return gone.select(pl.lit("filings").alias("area"), *who, "accession", note)
    at = clean.filter(_shown(kind)).select(
        pl.lit("facts").alias("area"),
        *who,
        "accession",
        "concept",
        pl.col("val").alias("truth"),
        pl.lit(FACT_FAULTS[kind][1]).alias("note"),
    )
    return at.join(_served(seed, as_of, profile.slot, kind), on="accession", how="left")


def _served(seed: int, as_of: date, slot: int, kind: str) -> pl.DataFrame:
    """What stands in the fact's place: the last value stated; none when it was dropped or moved."""
    rows = faulty_facts(seed, as_of, slot)
    at = rows.filter(_shown(kind))
    return at.group_by("accession", maintain_order=True).agg(pl.col("val").last().alias("planted"))


def late_acceptances(seed: int, as_of: date, slot: int) -> pl.DataFrame:
    """Results of the faulty company accepted at 09:31, one minute after the open they moved."""
    rows = filings(seed, as_of)
    clock = pl.col("accepted").dt.convert_time_zone("America/New_York").dt.time()
    return rows.filter((pl.col("slot") == slot) & (clock == time(9, 31)))
