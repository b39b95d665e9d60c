"""What is asked of a scratch desk, in this order, to record examples of the API.

A step is a name and its arguments, or what makes these of the documents that came before.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Documents = dict[str, Any]
Given = dict[str, Any] | Callable[[Documents], dict[str, Any]]

LATEST = "0000001001-26-000008"


def _pulls(found: Documents) -> dict[str, Any]:
    return {"jobs": [found["refresh"][0]["job_id"]]}


def _plan(found: Documents) -> str:
    """The plan that still stands."""
    plans = found["plans"]["plans"]
    return next(str(plan["plan_id"]) for plan in plans if plan["state"] != "cancelled")


ACCESS: list[tuple[str, Given]] = [
    ("token_add", {"name": "notebook", "role": "viewer", "expires": "2027-01-31"}),
    ("token_rotate", {"name": "notebook", "keep_hours": 48}),
    ("token_list", {}),
    ("token_revoke", {"name": "notebook"}),
    ("session_list", {}),
    ("session_end", lambda f: {"session_id": f["session_list"]["sessions"][0]["session_id"]}),
    ("people_set", {"issuer": "https://sign-in.example.com", "subject": "u-17", "role": "analyst",
                    "name": "Una Ford"}),
    ("people_list", {}),
    ("audit", {"verify": True}),
]  # fmt: skip
ACTIVITY: list[tuple[str, Given]] = [
    ("events", {"kind": ["access"], "limit": 2}),
    ("alerts", {"unread": True}),
    ("notify_test", {}),
    ("alert_rule_set", {"name": "Grades of Alpha", "kinds": ["filing"], "subject": "AAA",
                        "sinks": ["bell"]}),
    ("alert_rules", {}),
    ("alert_rule_remove", lambda f: {"rule": f["alert_rule_set"]["id"]}),
]  # fmt: skip
DATA: list[tuple[str, Given]] = [
    ("refresh", {"datasets": ["prices.daily"]}),
    ("progress", _pulls),
    ("jobs", {}),
    ("watch_add", {"companies": ["AAA"]}),
    ("watch_list", {}),
    ("watch_remove", {"companies": ["BBB"]}),
    ("upstreams", {}),
    ("status", {}),
    ("sql", {"query": "SELECT symbol, max(session) AS last FROM bars_daily GROUP BY 1 ORDER BY 1"}),
    ("exports", {"what": "facts"}),
    ("import", {"dataset": "prices.daily", "path": "bars.csv", "dry_run": True}),
    ("backfill", {"path": "companyfacts.zip"}),
    ("watch_folder", {"apply": False}),
    ("reconcile_against", {"path": "registry.csv"}),
    ("reconcile", {}),
]
ENDED: list[tuple[str, Given]] = [  # after the job of `refresh` was done
    ("pulled", _pulls),
    ("cancel", lambda f: {"jobs": [f["filing_text_read"]["queued"]]}),
]
RESEARCH: list[tuple[str, Given]] = [
    ("grade", {"ticker": "AAA"}),
    ("scan", {"filters": {"min_gap_pct": 0.1, "min_rvol": 0.0}}),
    ("backtest", {"filters": {"min_gap_pct": 0.1}, "side": "fade"}),
    ("risk", {}),
    ("tool", {"name": "company", "arguments": {"company": "AAA"}}),
    ("filing_text", {"accession": LATEST}),
    ("filing_text_read", {"accession": LATEST}),
    ("note_write", {"symbol": "AAA", "text": "wait for the call at 9:00"}),
    ("note_mark", {"symbol": "AAA", "mark": "star"}),
    ("notes", {"symbol": "AAA"}),
    ("list_add", {"name": "Semis", "symbols": ["AAA", "BBB"]}),
    ("lists", {"name": "Semis"}),
    ("list_remove", {"name": "Semis", "symbols": ["BBB"]}),
    ("brief", {"most": 1}),
    ("features", {"cik": 1001}),
]
TRADING: list[tuple[str, Given]] = [
    ("journal_deposit", {"amount": "25000.00"}),
    ("journal_withdraw", {"amount": "1000.00"}),
    ("journal_post", {"memo": "Fees", "lines": [{"account": "expenses:fees", "debit": "12.50"},
                                                {"account": "assets:cash", "credit": "12.50"}]}),
    ("journal_reverse", lambda f: {"entry_no": f["journal_post"]["entry_no"],
                                   "reason": "posted twice"}),
    ("plan", {"symbol": "AAA", "approve_because": "gap on results"}),
    ("plans", {}),
    ("plan_cancel", lambda f: {"plan_id": _plan(f), "reason": "no volume"}),
    ("plan", {"symbol": "BBB", "approve_because": "gap on results"}),
    ("plans", {}),
    ("journal_fill", lambda f: {"plan_id": _plan(f), "price": "102.25"}),
    ("journal_close", lambda f: {"plan_id": _plan(f), "price": "102.50", "shares": 5}),
    ("journal_trades", {}),
    ("journal_settle", {}),
    ("journal", {"last": 2}),
    ("journal_prove", {}),
]  # fmt: skip
CARE: list[tuple[str, Given]] = [
    ("gate", {}),
    ("publish", {"apply": False}),
    ("backup", {}),
    ("drill", {}),
    ("verify", {}),
    ("doctor", {}),
    ("jobs_retry", {"all": True}),
]
LAST: list[tuple[str, Given]] = [("jobs_discard", {"all": True})]
BEFORE = (ACCESS, ACTIVITY, DATA)
AFTER = (RESEARCH, ENDED, TRADING, CARE, LAST)

SAME = {  # what cannot be tried on a desk without hosts -> what answers the same way
    "command_pull": ("command_pulled", {"datasets": ["prices.daily"]}),
    "command_journal_confirm": ("command_journal_settle", {
        "symbol": "AAA", "session": "2026-11-24", "reason": "checked with the exchange"}),
}  # fmt: skip
EXPORTS: dict[str, dict[str, Any]] = {  # filters, of those that are given some
    "events": {"kind": "access"},
    "facts": {"ticker": "AAA"},
    "dataset": {"name": "prices.daily", "symbol": "AAA"},
    "rejected": {"name": "prices.daily"},
    "filings": {"ticker": "AAA"},
    "findings": {"accession": LATEST},
    "candidates": {"min_gap_pct": 0.1, "min_rvol": 0.0},
    "filing_texts": {"cik": 1001},
    "notes": {"symbol": "AAA"},
    "corrections": {"ticker": "AAA"},
    "features": {"cik": 1001},
    "failing": {"name": "sec.facts"},
    "jobs": {"state": "done"},
}
OPENBB = {  # what the backend for OpenBB Workspace answers -> with which parameters
    "widgets.json": "", "apps.json": "", "symbols": "", "companies": "",
    "gap_scan": "?min_gap_pct=1", "gap_chart": "?min_gap_pct=1",
    "gaps_left_out": "", "gap_statistics": "?min_gap_pct=1", "gap_backtest": "?min_gap_pct=1",
    "symbol_chart": "?symbol=AAA&raw=true", "symbol_gaps": "?symbol=AAA",
    "grades": "?only=AAA", "findings": "?company=AAA", "filings": "?company=AAA",
    "facts": "?company=AAA&concept=Assets", "company": "?company=AAA", "headlines": "",
    "risk": "", "limits": "", "holdings": "", "plans": "", "freshness": "", "about": "",
}  # fmt: skip
READS = {  # operations that are no command, export or resource -> where they are asked
    "live_health_live_get": "/health/live",
    "startup_health_startup_get": "/health/startup",
    "ready_health_ready_get": "/health/ready",
    "detailed_health_detailed_get": "/health/detailed",
    "prometheus_metrics_get": "/metrics",
    "list_commands_v1_commands_get": "/v1/commands",
    "events_v1_events_get": "/v1/events?limit=2",
    **{
        f"openbb_{name.replace('.', '_')}": f"/openbb/{name}{asked}"
        for name, asked in OPENBB.items()
    },
}
HOOK, HOOKED = "hook_v1_hooks__dataset__post", "/v1/hooks/prices.daily"
