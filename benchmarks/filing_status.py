"""The status beside the grade, measured against captured truth: notices, amendments, scale errors.

    python -m benchmarks.filing_status [--grades] [--out status.json]

Reads `../shared/data/sec` and `../shared/corpus` (companyfacts, submissions, labels); nothing
derived from them is kept. Notices that the captured submissions miss (their older pages are not
there) are taken from the labels. `--grades` also grades all of it and tells how many filings graded
A and as filed have a twentieth of their first-told amounts changed later.
"""

from __future__ import annotations

import argparse
import gzip
import json
import sys
import time
from pathlib import Path
from typing import Any

import polars as pl

from benchmarks import captures
from core.domain.quality.grading import grade
from core.domain.quality.status.names import AS_FILED, WITHDRAWN
from core.domain.quality.status.timeline import Statuses, statuses
from core.domain.tables.frames import COMPANIES, FACTS, FILINGS
from core.sources.sec.decode import decode_facts

CORPUS = captures.SHARED.parent / "corpus"
KEY = ["cik", "accession"]
REPORTS = ["10-K", "10-Q", "10-KT", "10-QT"]


def load() -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """(FACTS, FILINGS, COMPANIES) of captures and corpus, with the notices of the labels."""
    folders = (captures.SHARED / "sec" / "companyfacts", CORPUS / "companyfacts")
    answers = {p.name: p for folder in folders for p in sorted(folder.glob("CIK*.json.gz"))}
    bodies = (gzip.decompress(path.read_bytes()) for path in answers.values())
    facts = pl.concat([FACTS.empty(), *(decode_facts(body).table.plain() for body in bodies)])
    filings, companies = captures.load_submissions()
    more = [captures.submissions_of(p) for p in sorted((CORPUS / "submissions").glob("CIK*.gz"))]
    filings = pl.concat([filings, *(part for part, _ in more)]).unique(
        KEY, keep="first", maintain_order=True
    )
    companies = pl.concat([companies, *(part for _, part in more)]).unique("cik", keep="first")
    labelled = notices().join(filings, on=KEY, how="anti")
    rows = labelled.select(
        pl.col(name).cast(dtype) if name in labelled.columns
        else pl.lit(None, dtype).alias(name)
        for name, dtype in FILINGS.columns.items()
    )  # fmt: skip
    return facts, pl.concat([filings, rows]), companies.select(list(COMPANIES.columns))


def labels(name: str) -> pl.DataFrame:
    """One file of labels, all columns as text but cik and filed."""
    frame = pl.read_csv(CORPUS / "labels" / f"{name}.csv", infer_schema=False)
    day = (
        [pl.col("filed").str.to_date("%Y-%m-%d", strict=False)] if "filed" in frame.columns else []
    )
    return frame.with_columns(pl.col("cik").cast(pl.Int64), *day)


def notices() -> pl.DataFrame:
    """Notices under item 4.02 of the labels: cik, accession, form, filed, items."""
    found = labels("item402_sp500_from_submissions")
    return found.select("cik", "accession", "form", "filed", items=pl.lit("4.02"))


def measure_notices(found: Statuses, facts: pl.DataFrame, filings: pl.DataFrame) -> dict[str, Any]:
    """Notices of companies with facts told before, and how many reports each withdraws."""
    reports = facts.filter(pl.col("form").is_in(REPORTS)).group_by(KEY).agg(pl.col("filed").min())
    given = filings.filter(
        pl.col("form") == "8-K", pl.col("items").str.contains("4.02", literal=True)
    )
    given = given.select("cik", "filed", notice="accession").join(
        reports.group_by("cik").agg(first=pl.col("filed").min()), on="cik"
    )
    held = given.filter(pl.col("first") < pl.col("filed"))
    drawn = found.timeline.filter(pl.col("status") == WITHDRAWN)
    counts = drawn.group_by("cik", notice="by_accession").agg(ever=pl.col("accession").n_unique())
    last = found.latest().filter(pl.col("status") == WITHDRAWN)
    now = last.group_by("cik", notice="by_accession").agg(now=pl.len())
    before = reports.join(last, on=KEY, how="semi").select("cik", told="filed")
    either = held.join(before, on="cik").filter(pl.col("told") < pl.col("filed"))
    either = either.group_by("notice").agg(withdrawn_before=pl.len())
    table = held.join(counts, on=["cik", "notice"], how="left").join(
        now, on=["cik", "notice"], how="left"
    ).join(either, on="notice", how="left")  # fmt: skip
    # a second notice of a matter may mean the reports of the first
    shown = table.filter((pl.col("ever") > 0) | (pl.col("withdrawn_before") > 0))
    return {
        "of": held.height,
        "shown": shown.height,
        "rows": table.sort("filed").drop("first").to_dicts(),
    }


def measure_amendments(found: Statuses, facts: pl.DataFrame) -> dict[str, Any]:
    """Amendments with changed headlines of the labels whose change shows in a status."""
    told = facts.select(KEY).unique()
    rows = labels("changed_values_by_filing").join(told, on=KEY, how="semi")
    rows = rows.filter(pl.col("changed_headline_facts").cast(pl.Int64) > 0)
    parts = {}
    for name, part in (("/A", rows.filter(pl.col("form").str.ends_with("/A"))),
                       ("others", rows.filter(~pl.col("form").str.ends_with("/A")))):  # fmt: skip
        missed = part.join(_telling(found, part), on=KEY, how="anti")
        parts[name] = {
            "of": part.height,
            "shown": part.height - missed.height,
            "missed": missed.select("cik", "name", "accession", "form", "headlines").to_dicts(),
        }
    return parts


def _telling(found: Statuses, part: pl.DataFrame) -> pl.DataFrame:
    """Those of some filings that a status of another filing of their company rests on."""
    reasons = found.timeline.filter(pl.col("status") != AS_FILED).select("cik", "reason")
    both = part.select(KEY).join(reasons, on="cik")
    named = both.filter(pl.col("reason").str.contains(pl.col("accession"), literal=True))
    changed = found.changes.select("cik", accession="by_accession")
    return pl.concat([named.select(KEY), changed]).unique()


def measure_scale(found: Statuses) -> dict[str, Any]:
    """Filings with at least twenty facts in the wrong scale, by the status that they have now."""
    rows = labels("scale_error_filings").join(
        found.latest().select(*KEY, "status", "reason"), on=KEY, how="inner"
    )
    rows = rows.filter(pl.col("facts_too_small").cast(pl.Int64) >= 20)
    kept = rows.filter(pl.col("status") == AS_FILED)
    return {
        "of": rows.height,
        "shown": rows.height - kept.height,
        "as filed": kept.select("cik", "name", "accession", "form").to_dicts(),
    }


def measure_submissions(found: Statuses, facts: pl.DataFrame) -> dict[str, Any]:
    """Amendments of the quarterly data sets: whether the report they amend shows it."""
    forms = facts.group_by(KEY).agg(
        pl.col("form").first(), figures=pl.col("taxonomy").is_in(["us-gaap", "ifrs-full"]).sum()
    )
    made = forms.filter(pl.col("form").str.ends_with("/A"), pl.col("figures") >= 10)
    missed = made.join(_telling(found, made), on=KEY, how="anti")
    return {"of": made.height, "shown": made.height - missed.height, "missed": missed.to_dicts()}


def changed_later(facts: pl.DataFrame) -> pl.DataFrame:
    """cik, accession and the share of first-told amounts (of 20 or more) that later ones changed.

    A plain way of its own: any later value counts that is more than half a percent away, and beyond
    what either value (its trailing zeros) and either filing (its larger amounts) is rounded to.
    """
    figure = ["cik", "taxonomy", "concept", "unit", "period_start", "period_end"]
    money = facts.filter(pl.col("unit").str.contains(r"^[A-Z]{3}$"))
    rows = money.join(_rounded_to(money), on=KEY, how="left").sort(*figure, "filed", "accession")
    first = rows.with_columns(
        pl.col(name).first().over(figure).alias(of)
        for name, of in (("value", "first"), ("accession", "teller"), ("unit_of", "unit_first"))
    )
    size, gap = pl.col("first").abs(), (pl.col("value") - pl.col("first")).abs()
    zeros = pl.max_horizontal(_trailing("first"), _trailing("value"))
    room = pl.max_horizontal(
        0.005 * size, pl.min_horizontal(0.5 * zeros, 0.05 * size),
        0.5 * (pl.col("unit_of") + pl.col("unit_first")),
    )  # fmt: skip
    keys = first.with_columns(changed=gap > room).group_by("cik", "teller", *figure[1:]).agg(
        pl.col("changed").any()
    )  # fmt: skip
    told = keys.group_by("cik", accession="teller").agg(of=pl.len(), share=pl.col("changed").mean())
    return told.filter(pl.col("of") >= 20)


def _rounded_to(money: pl.DataFrame) -> pl.DataFrame:
    """cik, accession, unit_of: the most common rounding of the amounts of 10,000 and more."""
    size, units = pl.col("value").abs(), (1e6, 1e5, 1e3)
    unit = pl.coalesce(*(pl.when(size % u == 0).then(u) for u in units), pl.lit(1.0))
    big = unit.filter(size >= 1e4)
    return money.group_by(KEY).agg(unit_of=big.mode().max().fill_null(1.0))


def _trailing(name: str) -> pl.Expr:
    digits = pl.col(name).abs().cast(pl.Int64).cast(pl.String)
    count = digits.str.len_chars() - digits.str.strip_chars_end("0").str.len_chars()
    return 10.0 ** count.cast(pl.Float64)


def measure_grades(
    found: Statuses, frames: tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]
) -> dict[str, Any]:
    """Of filings graded A, all and those as filed: the share changed later by a twentieth."""
    rated = grade(*frames).scores.filter(
        pl.col("grade") == "A", pl.col("form").is_in(["10-K", "10-Q"]),
        pl.col("filed").dt.year() >= 2012,
    )  # fmt: skip
    rows = rated.select(KEY).join(changed_later(frames[0]), on=KEY)
    rows = rows.join(found.latest().select(*KEY, "status"), on=KEY)
    late = pl.col("share") >= 0.05
    by = rows.group_by("status").agg(filings=pl.len(), changed_pct=100 * late.mean())
    return {"graded A": rows.height, "changed_pct": rows.select(100 * late.mean()).item(),
            "by status": by.sort("status").to_dicts()}  # fmt: skip


def main() -> None:
    """Print the tables; with `--out` write them as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--grades", action="store_true")
    parser.add_argument("--out", type=Path)
    asked = parser.parse_args()
    frames = load()
    begin = time.perf_counter()
    found = statuses(frames[0], frames[1])
    tables: dict[str, Any] = {
        "seconds": time.perf_counter() - begin,
        "facts": frames[0].height,
        "now": found.latest().group_by("status").len().sort("status").to_dicts(),
        "notices under item 4.02": measure_notices(found, frames[0], frames[1]),
        "changed headlines": measure_amendments(found, frames[0]),
        "amendments with figures": measure_submissions(found, frames[0]),
        "scale errors": measure_scale(found),
    }
    if asked.grades:
        tables["changed later"] = measure_grades(found, frames)
    text = json.dumps(tables, indent=2, default=str)
    sys.stdout.write(text + "\n")
    if asked.out:
        asked.out.write_text(text)


if __name__ == "__main__":
    main()
