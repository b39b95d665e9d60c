"""Companies, their filings, facts and statements; filings with their grades."""

from __future__ import annotations

from datetime import date
from typing import Any

import polars as pl

from app.api.paging import Rows
from app.api.resources.kernel import document, listing
from core.errors import NotFoundError
from core.service.desk import Desk
from core.service.filings import companies as use
from core.service.filings import quality
from core.service.filings.grade_document import CSV_COLUMNS, STATUS, SUBSCORES

MANY = 1_000_000
FILED, REPORTED = "sec.submissions", "sec.facts"
_ACCESSION = "0000320193-26-000012"
_COMPANY = {"cik": 320193, "symbol": "AAPL", "name": "Apple Inc.", "watched": True}
_FILING = {"accession": _ACCESSION, "form": "10-Q", "filed": "2026-10-30", "title": "10-Q"}
_GRADE = {"cik": 320193, "ticker": "AAPL", "accession": _ACCESSION, "form": "10-Q",
          "filed": "2026-10-30", "score": 97.5, "grade": "A", "status": "as filed"}  # fmt: skip
_FACT = {"concept": "Assets", "unit": "USD", "period_end": "2026-09-30", "value": 3.5e11,
         "accession": _ACCESSION, "filed": "2026-10-30"}  # fmt: skip


@listing("/companies", about=FILED, stored=True, example=[_COMPANY])
def companies(desk: Desk, *, q: str | None = None) -> Rows:
    """Companies that match a ticker, name or CIK; all without `q`."""
    return Rows(use.companies(desk, q, MANY), ["cik", "symbol"])


@document(
    "/companies/{cik}", about=FILED, stored=True, example={"cik": 320193, "name": "Apple Inc."}
)
def company(desk: Desk, *, cik: int) -> dict[str, Any]:
    """One company with its identifiers and when each was valid."""
    found = use.company(desk, cik)
    return {name: value for name, value in found.items() if name != "pull_id"}


@listing("/companies/{cik}/filings", about=FILED, stored=True, example=[_FILING])
def filings(
    desk: Desk, *, cik: int, form: list[str] | None = None, as_of: date | None = None
) -> Rows:
    """The filings of a company, newest first; with `as_of` those filed by that day."""
    use.company(desk, cik)
    return Rows(use.filings(desk, cik, form, MANY, as_of), ["accession"])


@listing("/companies/{cik}/facts", about=REPORTED, stored=True, example=[_FACT])
def facts(desk: Desk, *, cik: int, concept: str | None = None, as_of: date | None = None) -> Rows:
    """The facts of a company, of one concept or all, as they were known on a day (now)."""
    use.company(desk, cik)
    found = use.facts(desk, cik, concept, as_of)
    key = ["taxonomy", "concept", "unit", "period_start", "period_end", "accession", "seq"]
    return Rows(found, [name for name in key if name in found.columns])


@listing(
    "/companies/{cik}/statements",
    about=REPORTED,
    stored=True,
    example=[{"statement": "Balance sheet", "item": "Assets", "value": 3.5e11}],
)
def statements(desk: Desk, *, cik: int, accession: str | None = None) -> Rows:
    """The statements of a graded filing of a company (its latest report) as reported."""
    use.company(desk, cik)
    view = quality.filing(desk, accession or _latest_report(desk, cik), cik)
    rows = view.statements.with_columns(accession=pl.lit(view.grade["accession"]))
    return Rows(rows, ["taxonomy", "concept", "unit", "period_start", "period_end"])


def _latest_report(desk: Desk, cik: int) -> str:
    forms = quality.REPORT_FORMS
    found = quality.grades(desk, ciks=[cik], forms=forms, limit=1)
    if found.is_empty():
        raise NotFoundError(f"no report of CIK {cik} is graded", hint="pull its facts first")
    accession: str = found["accession"][0]
    return accession


@document(
    "/filings/{accession}",
    about=REPORTED,
    stored=True,
    example={**_GRADE, "findings": [], "items": [_FACT], "statuses": []},
)
def filing(desk: Desk, *, accession: str, cik: int | None = None) -> dict[str, Any]:
    """One filing: its grade with findings, what became of it, and the items it was graded by.

    A filing that is held and not graded has no grade, and says why.
    """
    listed = use.listed(desk, accession)
    if cik is not None:
        listed = listed.filter(pl.col("cik") == cik)
    try:
        view = quality.filing(desk, accession, cik)
    except NotFoundError:
        if listed.is_empty():
            raise NotFoundError(f"filing {accession[:40]!r} is not held here") from None
        return {**listed.row(0, named=True), "grade": None, "reason": "not graded",
                "status": None, "findings": [], "items": [], "statuses": []}  # fmt: skip
    row = view.grade
    told = listed.row(0, named=True) if listed.height else {}
    return {
        **{name: told.get(name) for name in ("title", "accepted_at")},
        **{name: row[name] for name in CSV_COLUMNS if not name.endswith("_score")},
        "subscores": {name: row[f"{name}_score"] for name in SUBSCORES},
        "reason": row["reason"],
        **{name: row[name] for name in STATUS},
        "form_items": told.get("items"),
        "findings": view.findings.drop("cik", "accession", strict=False).to_dicts(),
        "items": view.facts.to_dicts(),
        "changes": view.changes.to_dicts(),
        "statuses": view.statuses.to_dicts(),
    }


@listing("/grades", about=REPORTED, stored=True, example=[_GRADE])
def grades(
    desk: Desk,
    *,
    cik: list[int] | None = None,
    ticker: list[str] | None = None,
    form: list[str] | None = None,
    grade: list[str] | None = None,
    status: list[str] | None = None,
    q: str | None = None,
    as_of: date | None = None,
) -> Rows:
    """Graded filings, newest first; the status as known on a day (today)."""
    ciks = [*(cik or ()), *(use.resolve(desk, ticker) if ticker else ())]
    found = quality.grades(
        desk,
        ciks=ciks if cik or ticker else None,
        forms=form,
        letters=grade,
        statuses=status,
        text=q,
        on=as_of,
    )
    return Rows(found, ["cik", "accession"])
