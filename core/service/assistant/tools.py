"""The tools: each over a read-only use case, for whoever may read; none changes anything."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any, Literal, Unpack

import polars as pl

from core.domain.access.principals import Role
from core.domain.gaps.filters import GapLimits, changes
from core.errors import NotFoundError
from core.service.assistant.answers import MOST, ToolAnswer, company_of, document, rows_of, sources
from core.service.filings import companies, quality
from core.service.gaps import scans, statistics, symbols
from core.service.kernel.commands import command
from core.service.kernel.registry import Registry
from core.service.pulls import datasets
from core.service.trading import plans
from core.service.trading import risk as book

if TYPE_CHECKING:
    from core.service.desk import Desk

PRICES, FILED, REPORTED = "prices.daily", "sec.submissions", "sec.facts"
EVERY = 1_000_000  # more than there are: what is left out of an answer is counted
tool = Registry("tool")


def call(desk: Desk, name: str, arguments: dict[str, Any]) -> dict[str, Any]:
    """The answer of a tool for whoever acts; NotFoundError when what it asks for is not held."""
    found: ToolAnswer = tool.run(desk, name, arguments)
    return document(desk, found)


@command("tool", needs=Role.VIEWER)
def tool_command(
    desk: Desk, *, name: str, arguments: dict[str, Any] | None = None
) -> dict[str, Any]:
    """The answer of one of an assistant's tools, with what it rests on."""
    return call(desk, name, arguments or {})


@tool("search", needs=Role.VIEWER)
def search(desk: Desk, *, text: str) -> ToolAnswer:
    """Companies whose ticker, name or CIK matches a text."""
    found = companies.companies(desk, text, EVERY)
    rows, more = rows_of(found, f"no company that matches {text[:60]!r} is held here")
    return ToolAnswer(rows, FILED, more=more)


@tool("company", needs=Role.VIEWER)
def company(desk: Desk, *, company: str) -> ToolAnswer:
    """One company by ticker or CIK: names, identifiers and when each was valid."""
    found = companies.company(desk, company_of(desk, company))
    latest = companies.filings(desk, found["cik"], limit=1)
    shown = {name: value for name, value in found.items() if name != "pull_id"}
    return ToolAnswer(shown, FILED, sources(desk, latest["accession"].to_list()))


@tool("filings", needs=Role.VIEWER)
def filings(
    desk: Desk, *, company: str, form: str | None = None, as_of: date | None = None
) -> ToolAnswer:
    """The filings of a company, newest first, with grade and status as known on a day (today)."""
    cik = company_of(desk, company)
    forms = [form] if form else None
    found = companies.filings(desk, cik, forms, EVERY, as_of)
    rows, more = rows_of(found, f"no such filing of CIK {cik} is held here")
    cited = sources(desk, [row["accession"] for row in rows], as_of)
    known = {item["accession"]: item for item in cited}
    told = [
        {**row, **{name: known[row["accession"]][name] for name in ("grade", "status")}}
        for row in rows
    ]
    return ToolAnswer(told, FILED, cited, as_of, more)


@tool("facts", needs=Role.VIEWER)
def facts(
    desk: Desk,
    *,
    company: str,
    concept: str,
    period_end: date | None = None,
    as_of: date | None = None,
) -> ToolAnswer:
    """Values of a concept of a company as known on a day, newest period first.

    Each with the accession it is from, and that filing's grade and status.
    """
    cik = company_of(desk, company)
    found = companies.facts(desk, cik, concept, as_of)
    if period_end is not None:
        found = found.filter(pl.col("period_end") == period_end)
    day = f" on {as_of}" if as_of else ""
    rows, more = rows_of(found, f"{concept[:80]} of CIK {cik} was not held here{day}")
    cited = sources(desk, [row["accession"] for row in rows], as_of)
    known = {item["accession"]: item for item in cited}
    told = [
        {**row, **{name: known[row["accession"]][name] for name in ("grade", "status")}}
        for row in rows
    ]
    return ToolAnswer(told, REPORTED, cited, as_of, more)


@tool("grade", needs=Role.VIEWER)
def grade(desk: Desk, *, accession: str) -> ToolAnswer:
    """The grade of one filing, with every finding, and what became of the filing."""
    view = quality.filing(desk, accession)
    row = view.grade
    told = {
        **{name: row[name] for name in ("cik", "ticker", "company", "form", "filed", "period_end",
                                        "score", "grade", "coverage_pct", "reason", "status",
                                        "status_reason")},
        "findings": view.findings.drop("cik", "accession", strict=False).head(MOST).to_dicts(),
    }  # fmt: skip
    more = max(view.findings.height - MOST, 0)
    return ToolAnswer(told, REPORTED, sources(desk, [accession]), more=more)


@tool("scan", needs=Role.VIEWER)
def scan(
    desk: Desk,
    *,
    date: date | None = None,
    **limits: Unpack[GapLimits],
) -> ToolAnswer:
    """The gap candidates of a session (the latest), each with the filing its grade is of."""
    found = scans.run(desk, date, changes(limits))
    if date is not None and found.gaps.session != date:
        raise NotFoundError(f"no session of {date} is held here")
    shown = scans.document(found)
    ciks = found.candidates["cik"].to_list() if "cik" in found.candidates.columns else []
    session = found.gaps.session
    cited = [item for cik in ciks[:MOST] for item in _graded_before(desk, cik, session)]
    told = {
        "session": session,
        "provisional": found.gaps.provisional,
        "candidates": shown["candidates"][:MOST],
        "excluded": len(shown["excluded"]),
    }
    more = max(len(shown["candidates"]) - MOST, 0)
    return ToolAnswer(told, PRICES, cited, session, more)


def _graded_before(desk: Desk, cik: int | None, day: date) -> list[dict[str, Any]]:
    """The filing that a company's grade is of on a day: the newest report filed before it."""
    if cik is None:
        return []
    known = symbols.grades(desk, cik, day).filter(pl.col("filed") < day)
    reports = known.filter(pl.col("form").is_in(quality.REPORT_FORMS))
    return sources(desk, reports["accession"].head(1).to_list(), day)


@tool("gap_statistics", needs=Role.VIEWER)
def gap_statistics(
    desk: Desk,
    *,
    by: statistics.Bucket = "size",
    side: Literal["follow", "fade"] = "follow",
    **limits: Unpack[GapLimits],
) -> ToolAnswer:
    """How often gaps like these filled, and the back-test of the signal, over all sessions held."""
    found = statistics.backtest_command(desk, filters=changes(limits), side=side, by=by)
    return ToolAnswer(found, PRICES, as_of=found["to"])


@tool("plan_preview", needs=Role.VIEWER)
def plan_preview(
    desk: Desk,
    *,
    symbol: str,
    date: date | None = None,
    direction: Literal["long", "short"] | None = None,
) -> ToolAnswer:
    """A trade plan with the verdict of risk, as it would be now; nothing is kept."""
    made = plans.propose(desk, plans.Ask(symbol, date, direction))
    notes = ("a preview: it is neither proposed nor approved",)
    cited = _graded_before(desk, made.view.cik, made.plan.session)
    return ToolAnswer(plans.document(made), PRICES, cited, made.plan.session, notes=notes)


@tool("risk", needs=Role.VIEWER)
def risk(desk: Desk) -> ToolAnswer:
    """Limits in use and the risk of the book on the latest session."""
    found = book.report(desk)
    return ToolAnswer(book.risk_document(desk, found), PRICES, as_of=found.session)


@tool("freshness", needs=Role.VIEWER)
def freshness(desk: Desk, *, dataset: str | None = None) -> ToolAnswer:
    """How fresh the datasets are, and what each reaches up to."""
    rows = [
        {
            "name": status.name,
            "freshness": status.freshness,
            "rows": status.rows,
            "data_until": status.data_until,
            "sessions_behind": status.sessions_behind,
            "last_success": status.last_success,
            "next_due": status.next_due,
            "last_error": status.last_error,
        }
        for status in datasets.overview(desk)
        if dataset in (None, status.name)
    ]
    if not rows:
        raise NotFoundError(f"there is no dataset {str(dataset)[:60]!r}")
    return ToolAnswer(rows, dataset or PRICES)
