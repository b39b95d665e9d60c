"""Filings that may explain a gap: by instant of acceptance, weighed, and named in words.

A filing explains the gap of session t when it was accepted between the close of t−1 and the open
of t. What forms and 8-K items say is in `filing_forms`; a filing explains the company it is about.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import polars as pl

from core.domain.filings import edgar
from core.domain.filings.forms import FORMS, ITEMS, STRUCTURAL_ITEMS, as_owner, modern_items
from core.domain.gaps.bars import spelled
from core.domain.timetable.sessions import explained_session

CLUSTER = 3  # Form 4s between two sessions that count as a cluster of insiders
CLUSTER_WEIGHT = 35
EXPLAINING_WEIGHT = 50  # from here on a filing can explain a move beyond 45 %
COLUMNS: dict[str, pl.DataType | type[pl.DataType]] = {
    "cik": pl.Int64,
    "session": pl.Date,
    "accession": pl.String,
    "form": pl.String,
    "items": pl.String,
    "accepted_at": pl.Datetime("us", "UTC"),
    "title": pl.String,
    "weight": pl.Float64,
    "structural": pl.Boolean,
    "url": pl.String,
}

Finder = Callable[[pl.DataFrame], pl.DataFrame | None]
FINDERS: list[Finder] = []  # of plugins: filings with their `session` -> more rows of COLUMNS


def titled(filings: pl.DataFrame) -> pl.DataFrame:
    """Filings with `title`: what form and items say in words; null where they say nothing.

    Needs form and items; with file_number it says too when a filing is about another company.
    """
    title = _weighed()[0]
    if "file_number" in filings.columns:
        other = pl.lit("About another company, filed as its holder or bidder")
        theirs = as_owner() & ~pl.col("form").str.starts_with("13F")
        title = pl.when(theirs).then(other).otherwise(title).alias("title")
    return filings.with_columns(title)


def find_catalysts(filings: pl.DataFrame) -> pl.DataFrame:
    """Catalysts of companies, strongest first within a session; columns `COLUMNS`.

    `filings` follow FILINGS. What was accepted while the exchange was open explains nothing, and
    neither does what a company filed about another one.
    """
    known = filings.filter(pl.col("accepted_at").is_not_null() & ~as_owner())
    known = known.with_columns(session=explained_session(known["accepted_at"]))
    known = known.filter(pl.col("session").is_not_null())
    if known.is_empty():
        return pl.DataFrame(schema=COLUMNS)
    single = known.with_columns(_weighed(), url=edgar.filing_expr()).filter(pl.col("weight") > 0)
    parts = [single.select(list(COLUMNS)), _clusters(known).select(list(COLUMNS))]
    parts += [rows for finder in FINDERS if (rows := finder(known)) is not None]
    found = pl.concat(parts)
    return found.sort(
        "cik", "session", "weight", "accession", descending=[False, False, True, False]
    )


@cache  # long chains of expressions, the same for every scan
def _weighed() -> list[pl.Expr]:
    """title, weight and structural from the form and, for 8-Ks, its items."""
    items = modern_items(pl.col("items"))
    current = pl.col("form").str.starts_with("8-K")
    weights = items.list.eval(
        pl.element().replace_strict({k: v[1] for k, v in ITEMS.items()}, default=0)
    )
    words = items.list.eval(
        pl.element().replace_strict({k: v[0] for k, v in ITEMS.items() if v[1]}, default=None)
    )
    item_words = words.list.drop_nulls().list.join("; ")
    title = pl.when(current & (item_words != "")).then(item_words).otherwise(_by_form(1))
    weight = (
        pl.when(current)
        .then(pl.max_horizontal(weights.list.max(), pl.lit(30)))
        .otherwise(_by_form(2))
    )
    structural = items.list.eval(
        pl.element().is_in(STRUCTURAL_ITEMS)
    ).list.any() & ~items.list.contains("2.02")
    return [
        title.alias("title"),
        weight.cast(pl.Float64).fill_null(0).alias("weight"),
        (current & structural.fill_null(value=False)).alias("structural"),
    ]


def _by_form(column: int) -> pl.Expr:
    chain = pl.lit(None, dtype=pl.String if column == 1 else pl.Int32)
    for row in reversed(FORMS):
        matches = pl.col("form").str.starts_with(row[0])
        chain = pl.when(matches).then(pl.lit(row[column])).otherwise(chain)
    return chain


def _clusters(known: pl.DataFrame) -> pl.DataFrame:
    """Three or more Form 4s between two sessions count as one catalyst."""
    insiders = known.filter(pl.col("form").is_in(["4", "4/A"]))
    grouped = (
        insiders.sort("accepted_at", "accession")
        .group_by("cik", "session")
        .agg(pl.last("accession", "form", "items", "accepted_at"), n=pl.len())
    )
    return grouped.filter(pl.col("n") >= CLUSTER).with_columns(
        title=pl.format("{} insider reports (Form 4)", "n"),
        weight=pl.lit(float(CLUSTER_WEIGHT)),
        structural=pl.lit(value=False),
        url=edgar.filing_expr(),
    )


def registry(identifiers: pl.DataFrame, universe: pl.DataFrame) -> pl.DataFrame:
    """symbol, cik, valid_from, valid_to: which company a symbol stood for, and when.

    Symbols are in one spelling (`spelled`).
    Tickers of `identifiers` (COMPANY_IDENTIFIERS) go first; `universe` fills symbols they lack.
    """
    tickers = identifiers.filter(pl.col("kind") == "ticker").select(
        spelled("value").alias("symbol"), "cik", "valid_from", "valid_to"
    )
    listed = universe.filter(pl.col("cik").is_not_null()).select(
        spelled("symbol"),
        "cik",
        valid_from=pl.lit(None, dtype=pl.Date),
        valid_to=pl.lit(None, dtype=pl.Date),
    )
    rest = listed.join(tickers, on="symbol", how="anti")
    return pl.concat([tickers, rest]).unique().sort("symbol", "valid_from", "cik")


def companies_of(keys: pl.DataFrame, known: pl.DataFrame) -> pl.DataFrame:
    """Adds cik to rows of symbol and session: the company of the symbol that day, or null."""
    named = keys.with_columns(_upper=spelled("symbol")).with_row_index("_row")
    pairs = named.select("_row", "_upper", "session").join(
        known, left_on="_upper", right_on="symbol"
    )
    in_time = pl.col("session").is_between(
        pl.col("valid_from").fill_null(pl.date(1, 1, 1)),
        pl.col("valid_to").fill_null(pl.date(9999, 12, 31)),
    )
    held = pairs.filter(in_time).sort("valid_from", nulls_last=False)
    latest = held.group_by("_row").agg(pl.col("cik").last())
    return named.join(latest, on="_row", how="left", maintain_order="left").drop("_row", "_upper")


def per_symbol(catalysts: pl.DataFrame, known: pl.DataFrame) -> pl.DataFrame:
    """Catalysts under the symbols (`spelled`) that their company bore on the session."""
    pairs = catalysts.join(known, on="cik")
    in_time = pl.col("session").is_between(
        pl.col("valid_from").fill_null(pl.date(1, 1, 1)),
        pl.col("valid_to").fill_null(pl.date(9999, 12, 31)),
    )
    borne = pairs.filter(in_time).select("symbol", *COLUMNS)
    # on the day a ticker passes to another company both had it: it is the new one's
    owners = companies_of(borne.select("symbol", "session").unique(), known)
    borne = borne.join(owners, on=["symbol", "session", "cik"], how="semi", maintain_order="left")
    return borne.unique(["symbol", "session", "accession"], maintain_order=True)


def evidence(catalysts: pl.DataFrame) -> pl.DataFrame:
    """symbol, session, explains, structural: what the judgement of large moves needs."""
    plain = (pl.col("weight") >= EXPLAINING_WEIGHT) & ~pl.col("structural")
    return catalysts.group_by("symbol", "session").agg(
        explains=plain.any(), structural=pl.col("structural").any()
    )
