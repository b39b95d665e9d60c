"""The filing grade as a use case: grade what changed, ask for grades, explain one of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

import orjson
import polars as pl

from core.domain.access.principals import Role
from core.domain.filings import edgar
from core.domain.quality import grading
from core.domain.quality.facts.filings import ANNUAL, QUARTERLY
from core.domain.quality.model import Rule, default_ruleset
from core.domain.quality.revision import model as revision
from core.domain.quality.revision.features import Grounds
from core.domain.quality.status import timeline
from core.domain.quality.status.effect import capped
from core.domain.quality.unchecked import Unchecked
from core.domain.tables import dataset_quality
from core.errors import NotFoundError, UsageError
from core.service.filings import (
    alternatives,
    companies,
    grade_document,
    missing,
    points_lost,
)
from core.service.filings.grade_document import CSV_COLUMNS, REASONS, STATUS
from core.service.filings.regrading import grade_all, today
from core.service.filings.untold import Untold, untold
from core.service.kernel import access
from core.service.kernel.commands import FOUND_ERRORS, CommandResult, command
from core.service.kernel.exports import export
from core.service.pulls import datasets
from core.store import filing_status
from core.store import quality as store
from core.store.transaction import quoted

if TYPE_CHECKING:
    from core.service.desk import Desk

REPORT_FORMS = [f"{form}{mark}" for form in (*ANNUAL, *QUARTERLY) for mark in ("", "/A")]
OWN_PERIOD_DAYS = 3
FACT_LIST = pl.List(
    pl.Struct(
        {
            "concept": pl.String,
            "unit": pl.String,
            "start": pl.String,
            "end": pl.String,
            "value": pl.Float64,
            "accession": pl.String,
        }
    )
)


@dataclass(frozen=True, slots=True)
class FilingView:
    """All that is known of one filing's grade."""

    grade: Mapping[str, Any]
    findings: pl.DataFrame  # `facts` holds lists of facts
    build_up: pl.DataFrame  # rule, title, severity, points: what each rule took from 100
    facts: pl.DataFrame  # item and fact, and a note where it stands for what is not told
    statements: pl.DataFrame  # the filing's own period as reported, by statement
    comparatives: pl.DataFrame  # earlier periods as this filing tells them
    rejected: pl.DataFrame  # other tags of an item that the filing gives another value under
    older: pl.DataFrame
    changes: pl.DataFrame  # headlines that later filings told with other values
    statuses: pl.DataFrame  # since, status, reason: what became of it, day by day
    lacking: pl.DataFrame  # what its kind of filer tells and it does not (see `missing`)
    untold: Sequence[Untold]  # headline figures without a value, with why
    unusual: Sequence[str]  # items in words that its last filings told, and it does not
    unchecked: Sequence[Unchecked]  # relations expected of its kind that nothing lets check


def grades(
    desk: Desk,
    *,
    ciks: Sequence[int] | None = None,
    forms: Sequence[str] | None = None,
    letters: Sequence[str] | None = None,
    statuses: Sequence[str] | None = None,
    text: str | None = None,
    limit: int | None = None,
    on: date | None = None,
) -> pl.DataFrame:
    """Graded filings, newest first: the columns of the CSV, then style, reason, status and counts.

    The status is as known on a day (today); a withdrawn filing is D at most.
    """
    found = store.grades(
        desk.warehouse, on or today(desk), ciks=ciks, forms=forms, letters=letters,
        statuses=statuses, text=text, limit=limit,
    )  # fmt: skip
    found = missing.with_reasons(desk, found)
    more = ("info", "style", "facts", "concepts", "reason", *STATUS, REASONS)
    return found.select(*CSV_COLUMNS, *more)


def filing(desk: Desk, accession: str, cik: int | None = None) -> FilingView:
    """One filing's grade explained; NotFoundError when it is not graded."""
    ciks = [cik] if cik is not None else None
    on = today(desk)
    rows = store.grades(desk.warehouse, on, ciks=ciks, accession=accession, old=True)
    current = missing.with_reasons(desk, rows.filter("is_current"))
    if current.is_empty():
        raise NotFoundError(
            f"filing {accession} is not graded", hint="pull its company's facts, then grade"
        )
    row = current.row(0, named=True)
    found = store.findings(desk.warehouse, [accession]).filter(pl.col("cik") == row["cik"])
    stated = _sorted_into(store.statements(desk.warehouse, accession, row["cik"]))
    period = pl.lit(row["period_end"], dtype=pl.Date)  # a prospectus has none
    days = (pl.col("period_end") - period).dt.total_days().abs()
    own = (pl.col("statement") == "Cover") | (days <= OWN_PERIOD_DAYS).fill_null(value=False)
    items = store.items(desk.warehouse, accession, row["cik"])
    rejected = alternatives.rejected(items, stated)
    return FilingView(
        grade=row,
        findings=found.with_columns(facts=_facts(found)),
        build_up=points_lost.lost(row, found),
        facts=alternatives.with_notes(items),
        rejected=rejected,
        statements=stated.filter(own),
        comparatives=stated.filter(~own),
        older=rows.filter(~pl.col("is_current")),
        changes=filing_status.changes(desk.warehouse, on, [row["cik"]], accession),
        statuses=filing_status.history(desk.warehouse, row["cik"], accession).filter(
            pl.col("since") <= on
        ),
        lacking=missing.lacking(desk, current),
        untold=untold(row, items, stated, rejected),
        unusual=missing.unusual(desk, row["cik"], accession),
        unchecked=missing.unchecked_rules(row, items),
    )


def _facts(found: pl.DataFrame) -> pl.Series:
    texts = found["facts"].to_list()
    facts = [orjson.loads(text)["facts"] or [] for text in texts]
    return pl.Series("facts", facts, dtype=FACT_LIST, strict=False)


def _sorted_into(facts: pl.DataFrame) -> pl.DataFrame:
    """Facts with the statement they belong to, told from period and name."""
    name, start = pl.col("concept"), pl.col("period_start")
    flow = name.str.contains(r"^(Net)?Cash|^Payments|^Proceeds|^Repayments|^IncreaseDecrease")
    statement = (
        pl.when(pl.col("taxonomy") == "dei").then(pl.lit("Cover"))
        .when(start.is_null()).then(pl.lit("Balance sheet"))
        .when(flow).then(pl.lit("Cash flow"))
        .otherwise(pl.lit("Income and other"))
    )  # fmt: skip
    item = pl.coalesce("label", "concept")
    return facts.with_columns(statement=statement, item=item, months=_months())


def _months() -> pl.Expr:
    days = (pl.col("period_end") - pl.col("period_start")).dt.total_days() + 1
    return (days / 30.4).round().cast(pl.Int32)


def rules() -> list[Rule]:
    """Every rule of the current rule set."""
    return list(default_ruleset().rules.values())


def datasets_quality(desk: Desk) -> pl.DataFrame:
    """The last 30 measurements of every dataset, newest first."""
    return store.dataset_grades(desk.warehouse)


def failing_rows(desk: Desk, name: str) -> pl.DataFrame:
    """Rows of a dataset that break a rule, with the rules they break."""
    dataset = desk.catalogue.get(name)
    if not datasets.row_counts(desk, [dataset.table]):
        return pl.DataFrame(schema={**dataset.polars_schema, "failed_rules": pl.String})
    rows = desk.warehouse.read(f"SELECT * EXCLUDE (pull_id) FROM {quoted(dataset.table)}")
    return dataset_quality.failing_rows(rows).sort(dataset.key, nulls_last=True)


@command("grade", needs=Role.VIEWER)
def grade_command(
    desk: Desk,
    *,
    ticker: str | None = None,
    cik: int | None = None,
    all: bool = False,
    as_of: date | None = None,
    strict: bool = False,
) -> CommandResult:
    """Grades of filings with every finding; exit code 3 with `strict` when criticals are found.

    What has changed is graded first, save for those who may only read.
    """
    if ticker and cik is not None:
        raise UsageError("give a ticker or a CIK, not both")
    ciks = [cik] if cik is not None else companies.resolve(desk, [ticker]) if ticker else None
    document = _as_known(desk, ciks, as_of) if as_of else _current(desk, ciks, force=all)
    bad = strict and any(item["critical"] for item in document["filings"])
    return CommandResult(document, FOUND_ERRORS if bad else 0)


def _current(desk: Desk, ciks: Sequence[int] | None, *, force: bool) -> dict[str, Any]:
    if force or access.principal(desk).may(Role.ANALYST):
        grade_all(desk, ciks, force=force and ciks is None)
    table = grades(desk, ciks=ciks)
    accessions = table["accession"].to_list() if ciks is not None else None
    found = store.findings(desk.warehouse, accessions)
    changes = filing_status.changes(desk.warehouse, today(desk), ciks)
    return grade_document.document(default_ruleset().id, table, found, changes)


def _as_known(desk: Desk, ciks: Sequence[int] | None, as_of: date) -> dict[str, Any]:
    """Grades of what was known on a day; nothing is stored."""
    facts, filings, known = store.inputs(desk.warehouse, ciks, as_of)
    graded = grading.grade(facts, filings, known, as_of=as_of)
    became = timeline.statuses(facts, filings, as_of=as_of)
    links = store.grades(desk.warehouse, as_of, ciks=ciks).select("cik", "ticker").unique("cik")
    names = {"reason": "status_reason", "since": "status_since", "by_accession": "status_by"}
    status = became.latest().rename(names)
    table = graded.scores.join(links, on="cik", how="left").with_columns(
        url=edgar.filing_expr(), graded_at=pl.lit(desk.now())
    )
    risks = revision.risks(Grounds(became.signs, graded.scores, graded.items, filings))
    table = capped(table.join(status, on=["cik", "accession"], how="left"))
    table = table.join(risks, on=["cik", "accession"], how="left")
    newest = table.sort("filed", "accession", descending=True)
    return grade_document.document(graded.ruleset, newest, graded.findings, became.changes)


@export("filings", needs=Role.VIEWER)
def export_filings(
    desk: Desk,
    *,
    ticker: str | None = None,
    form: str | None = None,
    grade: str | None = None,
    status: str | None = None,
    text: str | None = None,
) -> pl.DataFrame:
    """Scored filings in the documented columns."""
    ciks = companies.resolve(desk, [ticker]) if ticker else None
    found = grades(
        desk,
        ciks=ciks,
        forms=[form] if form else None,
        letters=[grade] if grade else None,
        statuses=[status] if status else None,
        text=text,
    )
    return found.select(CSV_COLUMNS)


@export("findings", needs=Role.VIEWER)
def export_findings(desk: Desk, *, accession: str | None = None) -> pl.DataFrame:
    """Findings of the current grades."""
    return store.findings(desk.warehouse, [accession] if accession else None)
