"""What an answer leads to: operations that take what it names, as links of the OpenAPI document."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_PLAN = "$response.body#/data/plan_id"
_JOB = "$response.body#/data/job_id"
_FIRST = "$response.body#/data/0/"
LEADS: Mapping[
    str, Mapping[str, tuple[str, str]]
] = {  # operation -> operation, argument, its place
    "propose": dict.fromkeys(("plan", "approve", "reject", "cancel"), ("id", _PLAN)),
    "approve": dict.fromkeys(("plan", "cancel"), ("id", _PLAN)),
    "refresh_dataset": dict.fromkeys(("job", "cancel_job"), ("id", _JOB)),
    "post_entry": {"reverse": ("n", "$response.body#/data/entry_no")},
    "datasets": dict.fromkeys(("dataset", "rows", "pulls"), ("name", f"{_FIRST}name")),
    "jobs": {"job": ("id", f"{_FIRST}job_id")},
    "companies": dict.fromkeys(
        ("company", "filings", "facts", "statements"), ("cik", f"{_FIRST}cik")
    ),
    "grades": {"filing": ("accession", f"{_FIRST}accession")},
    "every_symbol": {"symbol": ("symbol", f"{_FIRST}symbol")},
    "every_plan": {"plan": ("id", f"{_FIRST}plan_id")},
}


def links(operation: str) -> dict[str, Any]:
    """The links of an operation's answer, by the operation that each leads to."""
    return {
        name: {"operationId": name, "parameters": {argument: place}}
        for name, (argument, place) in LEADS.get(operation, {}).items()
    }
