"""JSON documents of the simulated companies in the shapes of data.sec.gov.

Text is put together column by column in Polars; there is no Python object per fact or filing.
"""

from __future__ import annotations

from datetime import date, datetime

import orjson
import polars as pl

from core.sandbox.companies.faults import faulty_facts
from core.sandbox.companies.filings import filings, known_filings
from core.sandbox.companies.model import profiles
from core.sandbox.market.model import life, model
from core.sandbox.market.names import COVERED, FIRST_CIK, LABEL, Listing, listings

RECENT = 1000  # filings in the first submissions document; the rest is on an overflow page
RECENT_OF_SOME = 100  # every sixth company has an overflow page


def company_facts(seed: int, as_of: date, slot: int) -> bytes:
    """The companyfacts document of a covered slot."""
    rows = with_frames(faulty_facts(seed, as_of, slot))
    joined = (
        _texts(rows)
        .group_by("taxonomy", "concept", "unit", maintain_order=True)
        .agg(pl.col("text").str.join(","))
    )
    by_concept = (
        joined.with_columns(pl.format('"{}":[{}]', "unit", "text").alias("text"))
        .group_by("taxonomy", "concept", maintain_order=True)
        .agg(pl.col("text").str.join(","))
        .with_columns(_concept_text().alias("text"))
    )
    by_taxonomy = by_concept.group_by("taxonomy", maintain_order=True).agg(
        pl.col("text").str.join(",")
    )
    body = by_taxonomy.select(pl.format('"{}":{{{}}}', "taxonomy", "text").str.join(",")).item()
    who = listings()[slot]
    name = orjson.dumps(who.name).decode()
    return f'{{"cik":{who.cik},"entityName":{name},"facts":{{{body}}}}}'.encode()


def _concept_text() -> pl.Expr:
    spaced = pl.col("concept").str.replace_all(r"([a-z])([A-Z])", "$1 $2")
    return pl.format(
        '"{}":{{"label":"{}","description":"{}: {}.","units":{{{}}}}}',
        "concept", spaced, pl.lit(LABEL), spaced, "text",
    )  # fmt: skip


def with_frames(rows: pl.DataFrame) -> pl.DataFrame:
    """With `frame` (CY2024, CY2024Q1, CY2024Q1I) on the latest statement of each fact only."""
    days = (pl.col("end") - pl.col("start")).dt.total_days() + 1
    middle = pl.col("start").dt.offset_by("15d") + pl.duration(days=days // 2 - 15)
    instant = pl.col("end").dt.offset_by("-45d")
    quarter = pl.format("CY{}Q{}", middle.dt.year(), middle.dt.quarter())
    name = (
        pl.when(pl.col("start").is_null())
        .then(pl.format("CY{}Q{}I", instant.dt.year(), instant.dt.quarter()))
        .when(days.is_between(335, 395))
        .then(pl.format("CY{}", middle.dt.year()))
        .when(days.is_between(61, 121))
        .then(quarter)
    )
    ordered = rows.with_columns(name.alias("frame")).sort(
        "taxonomy", "concept", "unit", "end", "start", "filed", "accession", maintain_order=True
    )
    fact = ("taxonomy", "concept", "unit", "frame")
    latest = pl.int_range(pl.len()).over(fact) == pl.len().over(fact) - 1
    return ordered.with_columns(pl.when(latest).then("frame").alias("frame"))


def _texts(rows: pl.DataFrame) -> pl.DataFrame:
    """One JSON object per fact, keys in the order of the SEC, absent ones left out."""
    whole = pl.col("val") == pl.col("val").round()
    number = pl.when(whole).then(pl.col("val").cast(pl.Int64).cast(pl.String))
    empty = pl.lit("")
    cells = [
        pl.when(pl.col("start").is_not_null())
        .then(pl.format('"start":"{}",', "start"))
        .otherwise(empty),
        pl.format('"end":"{}","val":{},', "end", number.otherwise(pl.col("val").cast(pl.String))),
        pl.format('"accn":"{}","fy":{},"fp":"{}",', "accession", "fy", "fp"),
        pl.format('"form":"{}","filed":"{}"', "form", "filed"),
        pl.when(pl.col("frame").is_not_null())
        .then(pl.format(',"frame":"{}"', "frame"))
        .otherwise(empty),
    ]
    return rows.with_columns(pl.concat_str([pl.lit("{"), *cells, pl.lit("}")]).alias("text"))


def submissions(
    seed: int, as_of: date, slot: int, page: int = 0, known_at: datetime | None = None
) -> bytes | None:
    """The submissions document of a slot (page 0) or its overflow page 1; None beyond."""
    rows = known_filings(seed, as_of, known_at).filter(pl.col("slot") == slot).reverse()
    first = RECENT if slot % 6 else RECENT_OF_SOME
    recent, older = rows.head(first), rows.slice(first)
    if page:
        return orjson.dumps(_columns(older)) if page == 1 and older.height else None
    document = _head(seed, as_of, listings()[slot])
    document["filings"] = {"recent": _columns(recent), "files": _files(slot, older)}
    return orjson.dumps(document)


def overflow_name(slot: int) -> str:
    """Name of the overflow page of a slot."""
    return f"CIK{FIRST_CIK + slot:010d}-submissions-001.json"


def _files(slot: int, older: pl.DataFrame) -> list[dict[str, object]]:
    if not older.height:
        return []
    first, last = older["filed"].min(), older["filed"].max()
    return [
        {
            "name": overflow_name(slot),
            "filingCount": older.height,
            "filingFrom": str(first),
            "filingTo": str(last),
        }
    ]


def _columns(rows: pl.DataFrame) -> dict[str, list[object]]:
    """The column-wise block of filings, newest first."""
    reported = pl.col("form").str.contains("^(10-|20-F)")
    frame = rows.select(
        pl.col("accession").alias("accessionNumber"),
        pl.col("filed").cast(pl.String).alias("filingDate"),
        pl.col("report_date").cast(pl.String).fill_null("").alias("reportDate"),
        pl.col("accepted").dt.strftime("%Y-%m-%dT%H:%M:%S.000Z").alias("acceptanceDateTime"),
        pl.when(pl.col("form").is_in(["4", "S-1", "424B5"]))
        .then(pl.lit(""))
        .otherwise(pl.lit("34"))
        .alias("act"),
        "form",
        _file_number().alias("fileNumber"),
        pl.lit("").alias("filmNumber"),
        "items",
        pl.when("xbrl").then(pl.lit("XBRL")).otherwise("form").alias("core_type"),
        "size",
        pl.col("xbrl").cast(pl.Int8).alias("isXBRL"),
        pl.col("xbrl").cast(pl.Int8).alias("isInlineXBRL"),
        (pl.col("xbrl") & reported).cast(pl.Int8).alias("isXBRLNumeric"),
        pl.col("document").alias("primaryDocument"),
        pl.col("description").alias("primaryDocDescription"),
    )
    return frame.to_dict(as_series=False)


def _file_number() -> pl.Expr:
    """That of the company; on stakes of others in it the number of its shares, on Forms 4 none."""
    number = pl.col("slot").cast(pl.String).str.zfill(5)
    stake = pl.col("form").str.contains("^(SC|SCHEDULE) 13")
    return (
        pl.when(pl.col("form").is_in(["3", "4", "5"]))
        .then(pl.lit(""))
        .otherwise(pl.when(stake).then(pl.lit("005-")).otherwise(pl.lit("001-")) + number)
    )


def _head(seed: int, as_of: date, who: Listing) -> dict[str, object]:
    """The company part of a submissions document."""
    rows = filings(seed, as_of).filter(
        (pl.col("slot") == who.slot) & pl.col("form").is_in(["10-K", "20-F"])
    )
    year_end = rows["report_date"].max()
    covered = 1 <= who.slot <= COVERED
    late = covered and "late" in profiles(seed)[who.slot - 1].roles
    address = {"street1": "1 INVENTED WAY", "city": "NOWHERE", "stateOrCountry": "DE"}
    return {
        "cik": f"{who.cik:010d}",
        "entityType": "operating",
        "sic": who.sic,
        "sicDescription": who.industry,
        "ownerOrg": who.sector,
        "insiderTransactionForOwnerExists": 0,
        "insiderTransactionForIssuerExists": 1,
        "name": who.name,
        "tickers": [who.symbol],
        "exchanges": [who.exchange],
        "ein": f"00{who.cik}",
        "lei": None,
        "description": LABEL,
        "website": "",
        "investorWebsite": "",
        "category": "Accelerated filer" if late else "Large accelerated filer",
        "fiscalYearEnd": year_end.strftime("%m%d") if isinstance(year_end, date) else "1231",
        "stateOfIncorporation": "DE",
        "stateOfIncorporationDescription": "DE",
        "addresses": {"mailing": address, "business": address},
        "phone": "",
        "flags": "",
        "formerNames": [],
    }


def tickers(seed: int, as_of: date) -> tuple[bytes, bytes]:
    """company_tickers.json and company_tickers_exchange.json of the companies listed now."""
    m = model(seed, as_of)
    first, last = life(seed, m.cal)
    now = m.cal.coming
    listed = [x for x in listings() if x.cik and first[x.slot] <= now <= last[x.slot]]
    plain = {
        str(i): {"cik_str": x.cik, "ticker": x.symbol, "title": x.name}
        for i, x in enumerate(listed)
    }
    data = [[x.cik, x.name, x.symbol, x.exchange] for x in listed]
    fields = ["cik", "name", "ticker", "exchange"]
    return orjson.dumps(plain), orjson.dumps({"fields": fields, "data": data})
