"""A quarter of the SEC's Financial Statement Data Sets as companies, filings and facts.

Dates are those of the data sets: `ddate` is rounded to a month's end and `qtrs` to quarters, so a
period here may differ by some days from the exact one of companyfacts. Rows with text in `segments`
(a business, a class of shares, a part of equity) or in `coreg` (a co-registrant) are parts: only
those with neither are the company's.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import polars as pl

from core.domain.tables.frames import COMPANY_IDENTIFIERS, FACTS, FILINGS
from core.sources.pulled import REJECTS
from core.sources.sec.bulk import opened, read_table

_SUB = [
    *("adsh", "cik", "name", "sic", "stprinc", "ein", "former", "changed", "afs", "fye"),
    *("form", "period", "fy", "fp", "filed", "accepted"),
]
# Known, and of no use here.
_SUB_IGNORED = [
    *("countryba", "stprba", "cityba", "zipba", "bas1", "bas2", "baph", "countryma", "stprma"),
    *("cityma", "zipma", "mas1", "mas2", "countryinc", "wksi", "prevrpt", "detail", "instance"),
    *("nciks", "aciks"),
]
_NUM = ["adsh", "tag", "version", "coreg", "ddate", "qtrs", "uom", "value"]
_PARTS = ("segments", "coreg")
_TAG = ["tag", "version", "custom", "tlabel", "doc"]
_TAG_IGNORED = ["abstract", "datatype", "iord", "crdr"]
_CATEGORIES = {
    "1-LAF": "Large accelerated filer",
    "2-ACC": "Accelerated filer",
    "3-SRA": "Smaller reporting accelerated filer",
    "4-NON": "Non-accelerated filer",
    "5-SML": "Smaller reporting company",
}
MOST_QUARTERS = 400  # a century: beyond it no row means its number
YEARS = (1900, 2200)  # of a day that means what it says
_KEY = [name for name in FACTS.key if name != "seq"]


@dataclass(frozen=True, slots=True)
class Quarter:
    """Frames of one quarter. `left_out` are the rows of parts and co-registrants, as delivered."""

    companies: pl.DataFrame
    identifiers: pl.DataFrame
    filings: pl.DataFrame
    facts: pl.DataFrame
    labels: pl.DataFrame
    rejects: pl.DataFrame
    read: int
    left_out: pl.DataFrame
    drift: tuple[str, ...]
    submissions: pl.DataFrame
    repeats: int = 0  # rows that state a fact again

    def parts(self) -> pl.DataFrame:
        """What was left out as facts (FACTS), as if it were the company's."""
        return _facts(self.left_out, self.submissions)[0]

    def remark(self) -> str:
        """What was left out, in one sentence."""
        coreg = self.left_out["coreg"].count()
        parts = self.left_out.height - coreg
        said = (
            f"{self.left_out.height:,} rows are not the company's and left out: "
            f"{parts:,} of its segments and other parts, {coreg:,} of co-registrants"
        )
        again = f"; {self.repeats:,} rows state a fact again that another row states"
        return said + again if self.repeats else said


def read_quarter(path: Path) -> Quarter:
    """The quarter in a zip file; ParsingError when a table or column is missing."""
    with opened(path) as archive:
        sub = read_table(archive, "sub.txt", _SUB, ignored=_SUB_IGNORED)
        num = read_table(archive, "num.txt", _NUM, optional=["segments"], ignored=["footnote"])
        tag = read_table(archive, "tag.txt", _TAG, ignored=_TAG_IGNORED)
    submissions = _submissions(sub.rows)
    rows = num.rows.with_row_index("row_number", 2).with_columns(_given(c) for c in _PARTS)
    own = rows.select(pl.all_horizontal(pl.col(_PARTS).is_null())).to_series()
    facts, rejects = _facts(rows.filter(own), submissions)
    return Quarter(
        _companies(submissions), _identifiers(submissions), _filings(submissions), facts,
        _labels(tag.rows), rejects, rows.height, rows.filter(~own),
        (*sub.unknown, *num.unknown, *tag.unknown), submissions,
        repeats=int(own.sum()) - facts.height - rejects.height,
    )  # fmt: skip


def _given(name: str) -> pl.Expr:
    """The text of a cell; null where it is blank."""
    text = pl.col(name).str.strip_chars()
    return pl.when(text != "").then(text).alias(name)


def _day(name: str) -> pl.Expr:
    return pl.col(name).str.to_date("%Y%m%d", strict=False)


def _submissions(sub: pl.DataFrame) -> pl.DataFrame:
    eastern = pl.col("accepted").str.to_datetime(
        "%Y-%m-%d %H:%M:%S%.f", time_unit="us", strict=False
    )
    zoned = eastern.dt.replace_time_zone(
        "America/New_York", ambiguous="earliest", non_existent="null"
    )
    return sub.with_columns(
        _day("filed"),
        _day("period"),
        _day("changed"),
        pl.col("cik").cast(pl.Int64, strict=False),
        pl.col("fy").cast(pl.Int32, strict=False),
        zoned.dt.convert_time_zone("UTC").alias("accepted"),
    ).unique(["adsh", "cik"], keep="first", maintain_order=True)


def _labels(tags: pl.DataFrame) -> pl.DataFrame:
    """Labels of the standard concepts (a filer's own ones mean something else at each filer)."""
    return (
        tags.filter(pl.col("custom") == "0")
        .select(
            pl.col("version").str.extract(r"^([^/]+)").alias("taxonomy"),
            pl.col("tag").alias("concept"),
            pl.col("tlabel").alias("label"),
            pl.col("doc").alias("description"),
        )
        .unique(["taxonomy", "concept"], keep="first", maintain_order=True)
    )


def _companies(sub: pl.DataFrame) -> pl.DataFrame:
    latest = sub.drop_nulls("cik").sort("filed", descending=True)
    return latest.unique("cik", keep="first", maintain_order=True).select(
        "cik",
        "name",
        "sic",
        pl.col("afs").replace_strict(_CATEGORIES, default=None).alias("category"),
        pl.col("fye").str.zfill(4).alias("fiscal_year_end"),
        pl.col("stprinc").alias("state"),
        "ein",
    )


def _identifiers(sub: pl.DataFrame) -> pl.DataFrame:
    former = sub.select("cik", kind=pl.lit("former_name"), value="former", valid_to="changed")
    own = sub.select("cik", kind=pl.lit("ein"), value="ein", valid_to=pl.lit(None, pl.Date))
    return (
        pl.concat([former, own])
        .drop_nulls(["cik", "value"])
        .with_columns(
            exchange=pl.lit(None, pl.String),
            valid_from=pl.lit(None, pl.Date),
            source=pl.lit("sec"),
        )
        .unique(list(COMPANY_IDENTIFIERS.key), keep="first", maintain_order=True)
        .select(list(COMPANY_IDENTIFIERS.columns))
    )


def _filings(sub: pl.DataFrame) -> pl.DataFrame:
    known = sub.select(
        "cik",
        "form",
        "filed",
        accession="adsh",
        accepted_at="accepted",
        report_date="period",
        is_xbrl=pl.lit(True),
    ).drop_nulls(["cik", "form", "filed"])
    missing = [pl.lit(None, t).alias(n) for n, t in FILINGS.columns.items() if n not in known]
    return known.with_columns(missing).select(list(FILINGS.columns))


def _facts(num: pl.DataFrame, sub: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    # Of several registrants of a filing the first is the one that its rows are of.
    by = sub.unique("adsh", keep="first").select(
        "adsh", "cik", "form", "filed", fiscal_year="fy", fiscal_period="fp"
    )
    rows = num.join(by, on="adsh", how="left", maintain_order="left").with_columns(_measured())
    faults = {
        "adsh": pl.col("cik").is_null() | pl.col("filed").is_null(),
        "tag": pl.col("tag").is_null() | pl.col("taxonomy").is_null() | pl.col("uom").is_null(),
        "ddate": pl.col("period_end").is_null(),
        "qtrs": pl.col("quarters").is_null() | (pl.col("quarters") < 0),
        "value": pl.col("number").is_null() | ~pl.col("number").is_finite(),
    }
    fault = pl.coalesce([pl.when(bad).then(pl.lit(name)) for name, bad in faults.items()])
    rows = rows.with_columns(fault=fault)
    good = rows.filter(pl.col("fault").is_null()).with_columns(
        concept="tag", unit="uom", value="number", accession="adsh", frame=pl.lit(None, pl.String)
    )
    good = good.filter(pl.struct(*_KEY, "value").is_first_distinct())
    seq = pl.int_range(pl.len(), dtype=pl.Int32).over(_KEY)
    return good.with_columns(seq=seq).select(list(FACTS.columns)), _rejects(rows)


def _measured() -> list[pl.Expr]:
    quarters = pl.col("qtrs").cast(pl.Int32, strict=False)
    quarters = pl.when(quarters <= MOST_QUARTERS).then(quarters)
    end = _day("ddate")
    end = pl.when(end.dt.year().is_between(*YEARS)).then(end)
    begin = (end + pl.duration(days=1)).dt.offset_by(pl.format("-{}mo", quarters * 3))
    standard = pl.col("version").str.extract(r"^([a-z][\w-]*)/")
    return [
        end.alias("period_end"),
        pl.when(quarters > 0).then(begin).alias("period_start"),
        quarters.alias("quarters"),
        pl.col("value").cast(pl.Float64, strict=False).alias("number"),
        pl.coalesce(standard, pl.lit("custom")).alias("taxonomy"),
    ]


def _rejects(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.filter(pl.col("fault").is_not_null()).select(
        pl.col("row_number").cast(pl.Int64),
        pl.col("fault").alias("column_name"),
        pl.format("num.txt: {} is missing or cannot be read", "fault").alias("reason"),
        pl.struct(_NUM).struct.json_encode().alias("raw"),
    ).select(list(REJECTS))  # fmt: skip
