"""Submissions and ticker maps of the SEC as frames: companies, their identifiers, their filings.

`filings.recent` and the overflow pages are column-wise; which columns there are has changed over
the years, so each is taken if it is there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
import polars as pl

from core.domain import symbols
from core.domain.tables.frames import COMPANIES, COMPANY_IDENTIFIERS, FILINGS
from core.errors import ParsingError

_TEXTS = {
    "accessionNumber": "accession",
    "form": "form",
    "filingDate": "filed",
    "acceptanceDateTime": "accepted_at",
    "reportDate": "report_date",
    "items": "items",
    "primaryDocument": "primary_document",
    "primaryDocDescription": "description",
    "fileNumber": "file_number",
}
_NUMBERS = {"isXBRL": "is_xbrl", "size": "size_bytes"}
_REQUIRED = ("accession", "form", "filed")


class _Page(msgspec.Struct):
    name: str = ""


class _Filings(msgspec.Struct):
    recent: dict[str, msgspec.Raw] = {}
    files: list[_Page] = []


class _FormerName(msgspec.Struct):
    name: str | None = None
    since: str | None = msgspec.field(name="from", default=None)
    until: str | None = msgspec.field(name="to", default=None)


class _Document(msgspec.Struct):
    cik: int | str
    filings: _Filings
    name: str | None = None
    entity_type: str | None = msgspec.field(name="entityType", default=None)
    sic: str | int | None = None
    sic_description: str | None = msgspec.field(name="sicDescription", default=None)
    category: str | None = None
    fiscal_year_end: str | int | None = msgspec.field(name="fiscalYearEnd", default=None)
    state: str | None = msgspec.field(name="stateOfIncorporation", default=None)
    ein: str | int | None = None
    lei: str | None = None
    tickers: list[str | None] | None = None
    exchanges: list[str | None] | None = None
    former: list[_FormerName] | None = msgspec.field(name="formerNames", default=None)


_DOCUMENT = msgspec.json.Decoder(_Document)
_COLUMNS = msgspec.json.Decoder(dict[str, msgspec.Raw])
_TEXT_COLUMN = msgspec.json.Decoder(list[str | None])
_ANY_COLUMN = msgspec.json.Decoder(list[Any])


@dataclass(frozen=True, slots=True)
class Submissions:
    """One company as its submissions say: frames of COMPANIES, COMPANY_IDENTIFIERS, FILINGS.

    `pages` are the names of its overflow pages, in the same folder.
    """

    cik: int
    company: pl.DataFrame
    identifiers: pl.DataFrame
    filings: pl.DataFrame
    rejects: pl.DataFrame
    pages: tuple[str, ...]


def decode_submissions(
    body: bytes, cik: int | None = None, where: str | None = None
) -> Submissions:
    """The frames of a submissions body; ParsingError when it is not one (or another company's)."""
    try:
        document = _DOCUMENT.decode(body)
        number = int(document.cik)
        filings, rejects = _filings(document.filings.recent, number)
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        raise ParsingError(f"not an answer of submissions: {error}", where=where) from None
    if cik is not None and number != cik:
        raise ParsingError(f"submissions of CIK {number} came, not those of {cik}", where=where)
    return Submissions(
        number,
        _company(document, number),
        _identifiers(document, number),
        filings,
        rejects,
        tuple(page.name for page in document.filings.files if page.name),
    )


def decode_page(
    body: bytes, cik: int, where: str | None = None
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Filings (FILINGS) and rejects of an overflow page."""
    try:
        return _filings(_COLUMNS.decode(body), cik)
    except (msgspec.DecodeError, ValueError) as error:
        raise ParsingError(f"not a page of submissions: {error}", where=where) from None


def decode_tickers(body: bytes, where: str | None = None) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Companies (cik, name only) and identifiers (tickers) of a ticker map, either layout.

    `company_tickers_exchange.json` has the exchange, `company_tickers.json` does not.
    """
    try:
        document = msgspec.json.decode(body)
        rows = document["data"] if "fields" in document else list(document.values())
        names = document.get("fields") if "fields" in document else None
        schema = {"cik": pl.Int64, "name": pl.String, "ticker": pl.String, "exchange": pl.String}
        listed = pl.DataFrame([_ticker_row(row, names) for row in rows], schema, orient="row")
    except (msgspec.DecodeError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ParsingError(f"not a ticker map: {error}", where=where) from None
    listed = listed.drop_nulls(["cik", "ticker"]).with_columns(pl.col("exchange").replace("", None))
    listed = listed.filter(pl.col("ticker").str.len_bytes() <= symbols.LONGEST)
    companies = listed.select("cik", "name").unique("cik", keep="first", maintain_order=True)
    identifiers = _identified(listed, "ticker", pl.col("ticker"), pl.col("exchange"))
    key = list(COMPANY_IDENTIFIERS.key)
    return companies, identifiers.unique(key, keep="first", maintain_order=True)


def _ticker_row(row: Any, names: Sequence[str] | None) -> tuple[int, Any, Any, Any]:
    cells = dict(zip(names, row, strict=False)) if names else row
    number = cells["cik"] if "cik" in cells else cells["cik_str"]
    name = cells.get("name", cells.get("title"))
    return int(number), name, cells["ticker"], cells.get("exchange")


def _identified(frame: pl.DataFrame, kind: str, value: pl.Expr, exchange: pl.Expr) -> pl.DataFrame:
    return frame.select(
        "cik",
        pl.lit(kind).alias("kind"),
        value.alias("value"),
        exchange.alias("exchange"),
        pl.lit(None, pl.Date).alias("valid_from"),
        pl.lit(None, pl.Date).alias("valid_to"),
        pl.lit("sec").alias("source"),
    )


def _company(document: _Document, cik: int) -> pl.DataFrame:
    cells = {
        "cik": cik,
        **{name: _text(getattr(document, name)) for name in COMPANIES.columns if name != "cik"},
    }
    return pl.DataFrame([cells], schema=dict(COMPANIES.columns))


def _identifiers(document: _Document, cik: int) -> pl.DataFrame:
    exchanges = [*(document.exchanges or ()), *[None] * len(document.tickers or ())]
    rows: list[tuple[str, str | None, str | None, str | None, str | None]] = [
        ("ticker", ticker, exchange, None, None)
        for ticker, exchange in zip(document.tickers or (), exchanges, strict=False)
    ]
    rows += [
        ("ein", _text(document.ein), None, None, None),
        ("lei", document.lei, None, None, None),
    ]
    rows += [("former_name", old.name, None, old.since, old.until) for old in document.former or ()]
    columns = ("kind", "value", "exchange", "valid_from", "valid_to")
    frame = pl.DataFrame(rows, schema=dict.fromkeys(columns, pl.String), orient="row")
    dates = [pl.col(c).str.head(10).str.to_date("%Y-%m-%d", strict=False) for c in columns[3:]]
    return (
        frame.filter(pl.col("value").str.strip_chars() != "")
        .with_columns(*dates, cik=pl.lit(cik, pl.Int64), source=pl.lit("sec"))
        # a name may come and go: its span is from the first day to the last
        .group_by("cik", "kind", "value", maintain_order=True)
        .agg(
            pl.col("exchange").first(),
            pl.col("valid_from").min(),
            pl.col("valid_to").max(),
            pl.col("source").first(),
        )
        .select(list(COMPANY_IDENTIFIERS.columns))
    )


def _text(value: str | int | None) -> str | None:
    text = "" if value is None else str(value).strip()
    return text or None


def _filings(columns: Mapping[str, msgspec.Raw], cik: int) -> tuple[pl.DataFrame, pl.DataFrame]:
    if "accessionNumber" not in columns:  # an empty table has its columns, too
        raise ValueError("there are no columns of filings")
    series = [_series(columns, theirs, ours) for theirs, ours in (_TEXTS | _NUMBERS).items()]
    height = max(len(s) for s in series)
    if any(len(s) not in (0, height) for s in series):
        raise ValueError("the columns of filings differ in length")
    frame = pl.DataFrame([s if len(s) else _nulls(s, height) for s in series])
    frame = frame.with_columns(cik=pl.lit(cik, pl.Int64), **_parsed()).select(list(FILINGS.columns))
    good = pl.all_horizontal(pl.col(_REQUIRED).is_not_null())
    rejects = _rejected(frame.with_row_index("row_number", 1).filter(~good))
    return frame.filter(good).unique(list(FILINGS.key), keep="first", maintain_order=True), rejects


def _series(columns: Mapping[str, msgspec.Raw], theirs: str, ours: str) -> pl.Series:
    raw = columns.get(theirs, msgspec.Raw(b"[]"))
    if theirs in _TEXTS:
        return pl.Series(ours, _TEXT_COLUMN.decode(raw), dtype=pl.String)
    return pl.Series(ours, _ANY_COLUMN.decode(raw), dtype=pl.Int64, strict=False)


def _nulls(series: pl.Series, height: int) -> pl.Series:
    return pl.repeat(None, height, dtype=series.dtype, eager=True).alias(series.name)


def _parsed() -> dict[str, pl.Expr]:
    texts = [*_TEXTS.values()]
    empty = {name: pl.col(name).replace("", None) for name in texts if name != "file_number"}
    date = {n: empty[n].str.to_date("%Y-%m-%d", strict=False) for n in ("filed", "report_date")}
    accepted = empty["accepted_at"].str.to_datetime(
        "%Y-%m-%dT%H:%M:%S%.fZ", time_unit="us", strict=False
    )
    return {
        **empty,
        **date,
        "accepted_at": accepted.dt.replace_time_zone("UTC"),
        "is_xbrl": pl.col("is_xbrl").cast(pl.Boolean),
    }


def _rejected(rows: pl.DataFrame) -> pl.DataFrame:
    fault = pl.coalesce(*[pl.when(pl.col(name).is_null()).then(pl.lit(name)) for name in _REQUIRED])
    raw = pl.struct(pl.exclude("row_number").cast(pl.String)).struct.json_encode()
    return rows.select(
        pl.col("row_number").cast(pl.Int64),
        fault.alias("column_name"),
        pl.format("{} is missing or cannot be read", fault).alias("reason"),
        raw.alias("raw"),
    )
