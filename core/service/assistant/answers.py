"""Answers of tools: what was found with its sources, in plain JSON. What is not held is refused."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import orjson
import polars as pl

from core.domain.filings import edgar
from core.domain.quality.model import default_ruleset
from core.errors import NotFoundError
from core.service.filings import companies, quality
from core.service.pulls import reach

if TYPE_CHECKING:
    from core.service.desk import Desk

MOST = 200  # rows of one answer


@dataclass(frozen=True, slots=True)
class ToolAnswer:
    """What a tool found: plain data, the filings they rest on, and the dataset they are of."""

    data: Any
    dataset: str
    sources: Sequence[Mapping[str, Any]] = ()
    as_of: date | None = None
    more: int = 0  # rows that were left out
    notes: Sequence[str] = field(default_factory=tuple)


def document(desk: Desk, found: ToolAnswer) -> dict[str, Any]:
    """The answer as a document: money exact as text, instants ending in Z."""
    dataset = desk.catalogue.datasets.get(found.dataset)
    until = reach.until(desk, dataset) if dataset else None
    whole = {
        "answer": found.data,
        "sources": list(found.sources),
        "dataset": found.dataset,
        "data_until": until,
        "as_of": found.as_of or desk.now(),
        "simulated": desk.settings.simulated,
        "ruleset": default_ruleset().id,
        "rows_left_out": found.more,
        "notes": list(found.notes),
    }
    text = orjson.dumps(whole, default=_plain, option=orjson.OPT_UTC_Z | orjson.OPT_NON_STR_KEYS)
    made: dict[str, Any] = orjson.loads(text)
    return made


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, frozenset | set):
        return sorted(value)
    return str(value)


def rows_of(frame: pl.DataFrame, nothing: str) -> tuple[list[dict[str, Any]], int]:
    """The rows of an answer and how many were left out; NotFoundError when there is none."""
    if frame.is_empty():
        raise NotFoundError(nothing, hint="nothing is guessed; pull the data, or ask for other")
    return frame.head(MOST).to_dicts(), max(frame.height - MOST, 0)


def company_of(desk: Desk, name: str) -> int:
    """The CIK of a ticker or CIK of a company that is held; NotFoundError otherwise."""
    wanted = name.strip().upper()
    cik = edgar.cik_of(wanted) or companies.by_ticker(desk, [wanted]).get(wanted)
    if cik is None:
        raise NotFoundError(f"no company {name[:40]!r} is held here", hint="see: search")
    companies.company(desk, cik)
    return cik


def sources(
    desk: Desk, accessions: Sequence[str], as_of: date | None = None
) -> list[dict[str, Any]]:
    """The filings with their form, day, grade and status as known on a day."""
    named = list(dict.fromkeys(accessions))
    graded = quality.grades(desk, on=as_of)
    found = {row["accession"]: row for row in graded.iter_rows(named=True)}
    others = companies.listed(desk, *(name for name in named if name not in found))
    filed = {row["accession"]: row for row in others.reverse().iter_rows(named=True)}
    return [_source(name, found.get(name), filed.get(name, {})) for name in named]


def _source(
    accession: str, graded: Mapping[str, Any] | None, filed: Mapping[str, Any]
) -> dict[str, Any]:
    if graded is not None:
        names = ("accession", "cik", "form", "filed", "grade", "status", "url")
        return {name: graded[name] for name in names}
    kept = {name: filed.get(name) for name in ("cik", "form", "filed", "url")}
    return {"accession": accession, **kept, "grade": "not graded", "status": "not graded"}
