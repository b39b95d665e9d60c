"""Widgets of companies and filings: grades, findings, facts as known on a day, headlines."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import polars as pl

from app.openbb.kernel import MOST, Cell, Param, WidgetColumn, other, table
from core.domain.quality.score import NAMES
from core.errors import NotFoundError
from core.service.assistant.answers import company_of
from core.service.desk import Desk
from core.service.filings import companies, quality

AREA = "Filings"
NEWS, NEWS_DAYS = 100, 30
ROWS = MOST + 1


def first_company(desk: Desk) -> str:
    """The company that is shown unless another is asked for: of the watch list, else any graded."""
    followed = companies.watch_list(desk)
    if followed.height:
        return str(followed["symbol"][0] or followed["cik"][0])
    graded = quality.grades(desk, limit=1)
    return str(graded["ticker"][0] or graded["cik"][0]) if graded.height else ""


COMPANY = Param(
    "company", "Company", "A ticker or CIK that is held", "endpoint", first_company, (), "companies"
)
AS_OF = Param("as_of", "As known on", "A day; empty for now", "date")
_DAY: Cell = "dateString"
_LINK = WidgetColumn("url", "At EDGAR", width=320)
_ACCESSION = WidgetColumn("accession", "Accession", leads="accession", width=190)
_GRADED = [WidgetColumn("grade", "Grade", width=80), WidgetColumn("status", "Status")]


@table(
    "grades",
    "Grades of filings",
    AREA,
    columns=[
        WidgetColumn("ticker", "Ticker", pinned=True, leads="company", width=100),
        WidgetColumn("company", "Company", width=220),
        WidgetColumn("form", "Form", width=90),
        WidgetColumn("filed", "Filed", _DAY, width=110),
        WidgetColumn("period_end", "Period", _DAY, width=110),
        *_GRADED,
        WidgetColumn("score", "Score", "number", 1),
        WidgetColumn("coverage_pct", "Coverage %", "number", 0, percent=True),
        WidgetColumn("critical", "Critical", "number", 0),
        WidgetColumn("major", "Major", "number", 0),
        WidgetColumn("minor", "Minor", "number", 0),
        WidgetColumn("reason", "Why", width=360),
        _ACCESSION,
        _LINK,
    ],
    params=[
        Param("only", "Only", "A ticker or CIK; empty for all companies"),
        Param("grade", "Grade", "One grade; empty for all", "text", None, NAMES.to_list()),
        Param("form", "Form", "Such as 10-Q; empty for all"),
        AS_OF,
    ],
    tool="filings",
)
def grades(
    desk: Desk,
    *,
    only: str | None = None,
    grade: str | None = None,
    form: str | None = None,
    as_of: date | None = None,
) -> pl.DataFrame:
    """Graded filings, newest first, with their status as known on a day."""
    ciks = [company_of(desk, only)] if only else None
    letters, forms = [grade] if grade else None, [form] if form else None
    return quality.grades(desk, ciks=ciks, forms=forms, letters=letters, limit=ROWS, on=as_of)


@table(
    "findings",
    "Findings of a filing",
    AREA,
    columns=[
        WidgetColumn("rule", "Rule", pinned=True, width=90),
        WidgetColumn("severity", "Severity", width=110),
        WidgetColumn("message", "Finding", width=420),
        WidgetColumn("expected", "Expected", "number"),
        WidgetColumn("actual", "Actual", "number"),
        WidgetColumn("difference", "Difference", "number"),
        WidgetColumn("period_end", "Period", _DAY),
        WidgetColumn("accession", "Accession", width=190),
    ],
    params=[
        COMPANY,
        Param("accession", "Accession", "A filing; empty for the company's last graded report"),
    ],
    tool="grade",
)
def findings(
    desk: Desk, *, company: str | None = None, accession: str | None = None
) -> pl.DataFrame:
    """What the rules found in a filing; of a company in its last graded report."""
    if accession is None:
        cik = company_of(desk, company or first_company(desk))
        last = quality.grades(desk, ciks=[cik], forms=quality.REPORT_FORMS, limit=1)
        if last.is_empty():
            raise NotFoundError(f"no report of CIK {cik} is graded", hint="pull its facts first")
        accession = last["accession"][0]
    return quality.filing(desk, accession).findings


@table(
    "filings",
    "Filings of a company",
    AREA,
    columns=[
        WidgetColumn("filed", "Filed", _DAY, pinned=True, width=110),
        WidgetColumn("form", "Form", width=90),
        WidgetColumn("title", "Filing", width=320),
        WidgetColumn("report_date", "Period", _DAY),
        WidgetColumn("accepted_at", "Accepted", tooltip="UTC"),
        _ACCESSION,
        _LINK,
    ],
    params=[COMPANY, Param("form", "Form", "Such as 8-K; empty for all"), AS_OF],
    tool="filings",
)
def filings(
    desk: Desk, *, company: str, form: str | None = None, as_of: date | None = None
) -> pl.DataFrame:
    """The filings of a company, newest first, in words."""
    forms = [form] if form else None
    return companies.filings(desk, company_of(desk, company), forms, ROWS, as_of)


@table(
    "facts",
    "Reported facts",
    AREA,
    columns=[
        WidgetColumn("concept", "Concept", pinned=True, width=220),
        WidgetColumn("period_start", "From", _DAY, width=110),
        WidgetColumn("period_end", "To", _DAY, width=110),
        WidgetColumn("value", "Value", "number"),
        WidgetColumn("unit", "Unit", width=90),
        WidgetColumn("form", "Form", width=90),
        WidgetColumn("filed", "Filed", _DAY, width=110),
        WidgetColumn("fiscal_year", "Fiscal year", "number", 0),
        WidgetColumn("fiscal_period", "Fiscal period"),
        _ACCESSION,
        *_GRADED,
    ],
    params=[COMPANY, Param("concept", "Concept", "Such as Assets; empty for all"), AS_OF],
    tool="facts",
)
def facts(
    desk: Desk, *, company: str, concept: str | None = None, as_of: date | None = None
) -> pl.DataFrame:
    """The facts of a company as known on a day, with grade and status of the filing of each."""
    cik = company_of(desk, company)
    found = companies.facts(desk, cik, concept, as_of).head(ROWS)
    graded = quality.grades(desk, ciks=[cik], on=as_of).select("accession", "grade", "status")
    return found.join(graded, on="accession", how="left", maintain_order="left")


@other("company", "Company", AREA, "markdown", params=[COMPANY], tool="company")
def company(desk: Desk, *, company: str) -> str:
    """Who a company is: names, identifiers, and the grade of its last report."""
    cik = company_of(desk, company)
    found = companies.company(desk, cik)
    last = quality.grades(desk, ciks=[cik], forms=quality.REPORT_FORMS, limit=1).to_dicts()
    names = [f"{row['kind']} {row['value']}" for row in found["identifiers"]]
    lines = [f"### {_text(found['name'])}", "", f"CIK {cik} · {_text(' · '.join(names))}"]
    if found.get("sic_description"):
        lines += ["", _text(found["sic_description"])]
    for row in last:
        told = f"{row['form']} filed {row['filed']}: grade **{row['grade']}**, {row['status']}"
        lines += ["", told, "", _text(row["reason"] or "")]
    if not last:
        lines += ["", "No report of it is graded here."]
    return "\n".join(lines)


@other(
    "headlines",
    "Filings as they come",
    AREA,
    "newsfeed",
    params=[Param("only", "Only", "A ticker or CIK; empty for all that are followed")],
)
def headlines(desk: Desk, *, only: str | None = None) -> list[dict[str, Any]]:
    """The newest filings of a company, or of all that are followed, as headlines."""
    ciks = [company_of(desk, only)] if only else companies.watched(desk)
    rows = companies.latest(desk, ciks, desk.now().date() - timedelta(days=NEWS_DAYS), NEWS)
    return [_headline(row) for row in rows.iter_rows(named=True)]


def _headline(row: dict[str, Any]) -> dict[str, Any]:
    at = row["accepted_at"]
    when = at.isoformat(timespec="seconds").replace("+00:00", "Z") if at else str(row["filed"])
    title = f"{row['name'] or row['cik']}: {row['title']}"
    link = f"[{row['accession']}]({row['url']})"
    return {
        "title": title,
        "date": when,
        "author": f"{row['form']} at the SEC",
        "excerpt": _text(row["description"] or row["title"]),
        "body": f"**{_text(title)}**\n\n{row['form']} filed {row['filed']}, {link}",
    }


def _text(words: str) -> str:
    """Words of others, which are no marks of Markdown or HTML."""
    return "".join(f"\\{letter}" if letter in "\\`*_[]<>#|!" else letter for letter in words)
