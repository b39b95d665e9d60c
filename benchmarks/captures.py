"""Real SEC captures as frames of the declared schemas, for benchmarks and tests.

Reads `../shared/data/sec` (gzip of the original answers); nothing derived from them is kept.
"""

from __future__ import annotations

import gzip
import io
import zipfile
from datetime import date
from pathlib import Path
from typing import Any

import orjson
import polars as pl

from core.domain.tables.frames import COMPANIES, FACTS, FILINGS, check

HERE = Path(__file__).resolve().parent.parent
CANDIDATES = (HERE.parent / "shared" / "data", HERE.parent.parent / "shared" / "data")
SHARED = next((path for path in CANDIDATES if path.is_dir()), CANDIDATES[0])


def read_json(path: Path) -> dict[str, Any]:
    """One gzipped JSON answer."""
    return orjson.loads(gzip.decompress(path.read_bytes()))


def facts_of(answer: dict) -> pl.DataFrame:
    """A companyfacts answer in the FACTS schema."""
    rows: list[pl.DataFrame] = []
    for taxonomy, concepts in answer["facts"].items():
        for concept, body in concepts.items():
            for unit, points in body["units"].items():
                rows.append(
                    pl.DataFrame(points, schema=POINT, orient="row").with_columns(
                        taxonomy=pl.lit(taxonomy), concept=pl.lit(concept), unit=pl.lit(unit)
                    )
                )
    if not rows:
        return FACTS.empty()
    return _facts(pl.concat(rows).with_columns(cik=pl.lit(int(answer["cik"]), pl.Int64)))


POINT = {
    "start": pl.String, "end": pl.String, "val": pl.Float64, "accn": pl.String,
    "fy": pl.Int32, "fp": pl.String, "form": pl.String, "filed": pl.String, "frame": pl.String,
}  # fmt: skip


def _facts(frame: pl.DataFrame) -> pl.DataFrame:
    natural = [name for name in FACTS.key if name != "seq"]
    frame = frame.with_columns(
        pl.col("start", "end", "filed").str.to_date("%Y-%m-%d", strict=False)
    ).rename({
        "start": "period_start", "end": "period_end", "val": "value", "accn": "accession",
        "fy": "fiscal_year", "fp": "fiscal_period",
    })  # fmt: skip
    frame = frame.filter(pl.col("value").is_not_null())
    return check(
        frame.with_columns(seq=pl.int_range(pl.len(), dtype=pl.Int32).over(natural)), FACTS
    )


def load_facts(
    folder: str = "companyfacts", pattern: str = "CIK*.json.gz", root: Path | None = None
) -> pl.DataFrame:
    """All captured companyfacts (of another root than `../shared/data/sec`)."""
    paths = sorted(((root or SHARED / "sec") / folder).glob(pattern))
    return pl.concat([facts_of(read_json(path)) for path in paths] or [FACTS.empty()])


def load_submissions(root: Path | None = None) -> tuple[pl.DataFrame, pl.DataFrame]:
    """(FILINGS, COMPANIES) of all captured submissions (of another root)."""
    filings, companies = [FILINGS.empty()], [COMPANIES.empty()]
    for folder in ("submissions_history", "submissions"):
        for path in sorted(((root or SHARED / "sec") / folder).glob("CIK*.json.gz")):
            found, named = submissions_of(path)
            filings.append(found)
            companies.append(named)
    unique = pl.concat(filings).unique(["cik", "accession"], keep="first", maintain_order=True)
    return unique, pl.concat(companies).unique("cik", keep="first", maintain_order=True)


def submissions_of(path: Path) -> tuple[pl.DataFrame, pl.DataFrame]:
    """(FILINGS, COMPANIES) of one answer; either may be empty."""
    answer = read_json(path)
    cik = int(path.name[3:13])
    recent = answer.get("filings", {}).get("recent") if "filings" in answer else answer
    named = _company(cik, answer) if "name" in answer else COMPANIES.empty()
    if recent and recent.get("accessionNumber"):
        return _filings(cik, recent), named
    return FILINGS.empty(), named


def _company(cik: int, answer: dict) -> pl.DataFrame:
    row = {
        "cik": cik, "name": answer.get("name"), "entity_type": answer.get("entityType"),
        "sic": answer.get("sic") or None, "sic_description": answer.get("sicDescription"),
        "category": answer.get("category"), "fiscal_year_end": answer.get("fiscalYearEnd"),
        "state": answer.get("stateOfIncorporation"), "ein": answer.get("ein"),
    }  # fmt: skip
    return pl.DataFrame([row], schema=dict(COMPANIES.columns))


def _filings(cik: int, recent: dict) -> pl.DataFrame:
    frame = pl.DataFrame({
        "accession": recent["accessionNumber"], "form": recent["form"],
        "filed": recent["filingDate"], "accepted_at": recent["acceptanceDateTime"],
        "report_date": recent["reportDate"], "items": recent["items"],
        "primary_document": recent["primaryDocument"],
        "description": recent["primaryDocDescription"],
        "is_xbrl": [bool(x) for x in recent["isXBRL"]], "size_bytes": recent["size"],
        "file_number": recent["fileNumber"],
    })  # fmt: skip
    frame = frame.with_columns(
        pl.lit(cik, pl.Int64).alias("cik"),
        pl.col("filed", "report_date").str.to_date("%Y-%m-%d", strict=False),
        pl.col("accepted_at").str.to_datetime("%+", time_unit="us", time_zone="UTC"),
        pl.col("size_bytes").cast(pl.Int64),
    )
    return check(frame, FILINGS)


def load_fsds(quarter: str = "2010q1") -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """(FACTS, FILINGS, COMPANIES) of one Financial Statement Data Sets quarter."""
    with zipfile.ZipFile(SHARED / "sec" / "fsds" / f"{quarter}.zip") as bundle:
        sub, num = (_table(bundle.read(name)) for name in ("sub.txt", "num.txt"))
    sub = sub.with_columns(
        pl.col("cik").cast(pl.Int64), pl.col("filed", "period").str.to_date("%Y%m%d", strict=False)
    )
    filings = _fsds_filings(sub)
    return _fsds_facts(num, sub), filings, _fsds_companies(sub)


def _table(body: bytes) -> pl.DataFrame:
    return pl.read_csv(
        io.BytesIO(body), separator="\t", quote_char=None, infer_schema=False,
        encoding="utf8-lossy", truncate_ragged_lines=True,
    )  # fmt: skip


def _fsds_filings(sub: pl.DataFrame) -> pl.DataFrame:
    return check(
        sub.select(
            "cik", pl.col("adsh").alias("accession"), "form", "filed",
            pl.lit(None, FILINGS.columns["accepted_at"]).alias("accepted_at"),
            pl.col("period").alias("report_date"), pl.lit(None, pl.String).alias("items"),
            pl.col("instance").alias("primary_document"), pl.col("form").alias("description"),
            pl.lit(True).alias("is_xbrl"), pl.lit(None, pl.Int64).alias("size_bytes"),
            pl.lit(None, pl.String).alias("file_number"),
        ), FILINGS,
    )  # fmt: skip


def _fsds_companies(sub: pl.DataFrame) -> pl.DataFrame:
    none = pl.lit(None, pl.String)
    return check(
        sub.unique("cik", keep="first", maintain_order=True).select(
            "cik", "name", none.alias("entity_type"), "sic", none.alias("sic_description"),
            none.alias("category"), pl.col("fye").alias("fiscal_year_end"),
            pl.col("stprinc").alias("state"), none.alias("ein"),
        ), COMPANIES,
    )  # fmt: skip


def _fsds_facts(num: pl.DataFrame, sub: pl.DataFrame) -> pl.DataFrame:
    months = pl.col("qtrs").cast(pl.Int32) * 3
    end = pl.col("ddate").str.to_date("%Y%m%d", strict=False)
    start = pl.when(months > 0).then(
        end.dt.month_end().dt.offset_by(pl.format("-{}mo", months)).dt.month_end()
        .dt.offset_by("1d")
    )  # fmt: skip
    parts = [pl.col(name).is_null() for name in ("segments", "coreg") if name in num.columns]
    frame = num.filter(*parts, pl.col("value").is_not_null()).join(
        sub.select("adsh", "cik", "form", "filed", "fy", "fp"), on="adsh"
    )
    frame = frame.select(
        "cik", taxonomy=pl.col("version").str.extract(r"^([a-z\-]+)").fill_null("other"),
        concept="tag", unit="uom", start=start, end=end, val=pl.col("value").cast(pl.Float64),
        accn="adsh", fy=pl.col("fy").cast(pl.Int32, strict=False), fp="fp", form="form",
        filed="filed", frame=pl.lit(None, pl.String),
    )  # fmt: skip
    frame = frame.filter(pl.col("end").is_not_null(), ~pl.col("taxonomy").str.contains(r"^\d"))
    frame = frame.rename({
        "start": "period_start", "end": "period_end", "val": "value", "accn": "accession",
        "fy": "fiscal_year", "fp": "fiscal_period",
    })  # fmt: skip
    natural = [name for name in FACTS.key if name != "seq"]
    return check(
        frame.with_columns(seq=pl.int_range(pl.len(), dtype=pl.Int32).over(natural)), FACTS
    )


def known_by(facts: pl.DataFrame, day: date) -> pl.DataFrame:
    """Facts filed up to a day."""
    return facts.filter(pl.col("filed") <= day)
