"""What an answer leads to: operations that take what it names, as links of the OpenAPI document."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_ONE, _FIRST = "$response.body#/data/", "$response.body#/data/0/"
_PLAN = f"{_ONE}plan_id"
_DECIDE = ("approve", "reject", "cancel")
_OF_A_PLAN = ("plan", *_DECIDE)
_OF_A_COMPANY = ("company", "filings", "facts", "statements")
LEADS: Mapping[
    str, Mapping[str, tuple[str, str]]
] = {  # operation -> operation, argument, its place
    "propose": dict.fromkeys(_OF_A_PLAN, ("id", _PLAN)),
    "plan": dict.fromkeys(_DECIDE, ("id", _PLAN)),
    "approve": dict.fromkeys(("plan", "cancel"), ("id", _PLAN)),
    "reject": {"plan": ("id", _PLAN)},
    "cancel": {"plan": ("id", _PLAN)},
    "every_plan": dict.fromkeys(_OF_A_PLAN, ("id", f"{_FIRST}plan_id")),
    "datasets": dict.fromkeys(
        ("dataset", "rows", "pulls", "refresh_dataset"), ("name", f"{_FIRST}name")
    ),
    "dataset": dict.fromkeys(("rows", "pulls", "refresh_dataset"), ("name", f"{_ONE}name")),
    "refresh_dataset": dict.fromkeys(("job", "cancel_job"), ("id", f"{_ONE}job_id")),
    "jobs": dict.fromkeys(("job", "cancel_job"), ("id", f"{_FIRST}job_id")),
    "job": {"cancel_job": ("id", f"{_ONE}job_id")},
    "cancel_job": {"job": ("id", f"{_ONE}job_id")},
    "post_entry": {"reverse": ("n", f"{_ONE}entry_no")},
    "entries": {"reverse": ("n", f"{_FIRST}entry_no")},
    "companies": dict.fromkeys(_OF_A_COMPANY, ("cik", f"{_FIRST}cik")),
    "company": dict.fromkeys(_OF_A_COMPANY[1:], ("cik", f"{_ONE}cik")),
    "filings": {"filing": ("accession", f"{_FIRST}accession")},
    "grades": {"filing": ("accession", f"{_FIRST}accession")},
    "every_symbol": {"symbol": ("symbol", f"{_FIRST}symbol")},
}


def links(operation: str) -> dict[str, Any]:
    """The links of an operation's answer, by the operation that each leads to."""
    return {
        name: {"operationId": name, "parameters": {argument: place}}
        for name, (argument, place) in LEADS.get(operation, {}).items()
    }
