"""Who may what, by hand: the roles that commands, exports, actions, reads and routes should need.

Nothing here is taken from what the desk declares, so that what was declared wrongly is found.
"""

from __future__ import annotations

from core.domain.access.principals import Role


def _table(**names: str) -> dict[str, Role]:
    """Name -> the role it needs, from names in a row."""
    return {name: Role(role) for role, row in names.items() for name in row.split()}


COMMANDS = _table(
    viewer="filing_text "
    "gate features brief lists notes alerts alert_rules alert_rule_set alert_rule_remove "
    "tool backtest scan events progress pulled status sql upstreams jobs journal journal_prove "
    "plan plans journal_trades risk grade watch_list doctor exports",
    analyst="filing_text_read "
    "watch_folder reconcile_against publish list_add list_remove note_write note_mark "
    "cancel refresh pull import backfill jobs_retry jobs_discard reconcile watch_add "
    "watch_remove",
    trader="plan_cancel journal_post journal_deposit journal_withdraw journal_fill journal_close "
    "journal_reverse journal_settle journal_confirm",
    admin="audit notify_test backup verify drill "
    "token_add token_rotate token_list token_revoke people_list people_set "
    "session_list session_end",
)
EXPORTS = _table(
    viewer="lists notes "
    "gaps candidates events dataset rejected jobs journal plans trades failing filings "
    "findings features corrections facts filing_texts",
    admin="audit",
)
ACTIONS = _table(
    viewer="preferences.save rules.keep",
    analyst="lists.add lists.remove notes.write notes.set_mark inbox.take inbox.tell_refused "
    "automation.hand_on backfill.load "
    "automation.send_on "
    "refresh.refresh_now refresh.cancel jobs.retry jobs.discard imports.load "
    "imports.rehearse imports.run_here companies.watch companies.unwatch reconcile.run "
    "proposals.propose proposals.withdraw "
    "texts.read regrading.grade_all preferences.save_preset preferences.remove_preset",
    trader="plans.approve plans.reject plans.cancel journal.post journal.deposit journal.withdraw "
    "journal.reverse journal.fill journal.close settling.settle_all settling.confirm "
    "openings.open_now proposals.approve proposals.reject",
    admin="at_start.tell bell.test backing_up.make backing_up.tell drill.drill retention.forget "
    "upkeep.keep_up "
    "preferences.take_over auditing.signed admin.add_token admin.rotate_token admin.revoke_token "
    "admin.set_role admin.end_session",
)
FILES = ("/media/x.csv", "/component/x/y", "/_stcore/host-config")
CLOSED = (  # to everybody
    "/_stcore/upload_file/x/y", "/_stcore/agent/interact", "/_stcore/agent/mcp", "/auth/login",
    "/oauth2callback",
)  # fmt: skip
READ = (
    "/api/docs",
    "/api/metrics",
    "/metrics",
    "/api/health/detailed",
    "/api/openapi.json",
    "/api/v1/commands",
    "/api/v1/events",
    "/api/v1/exports/notes",
)
OPEN = ("/api/health/live", "/api/health/ready", "/_stcore/health", "/static/js/x.js", "/sign-in")
READS = _table(  # functions that pages call to read what not every viewer may see
    admin="admin.tokens admin.people admin.sessions auditing.acts auditing.proof",
)
OPENBB = (  # of the backend for OpenBB Workspace: viewers read it, with a token alone
    "widgets.json", "apps.json", "symbols", "companies", "gap_scan", "gap_chart", "gaps_left_out",
    "gap_statistics", "gap_backtest", "symbol_chart", "symbol_gaps", "grades", "findings",
    "filings", "facts", "company", "headlines", "risk", "limits", "holdings", "plans", "freshness",
    "about",
)  # fmt: skip
OTHERS = {  # routes of the API that are no resource; None: of everyone, or judged by what is named
    "/openapi.json": Role.VIEWER,
    "/docs": Role.VIEWER,
    "/mcp": Role.VIEWER,
    "/health/live": None,
    "/health/ready": None,
    "/health/startup": None,
    "/health/detailed": Role.VIEWER,
    "/metrics": Role.VIEWER,
    "/v1/commands": Role.VIEWER,
    "/v1/commands/{name}": None,
    "/v1/exports/{name}": None,
    "/v1/events": Role.VIEWER,
    "/v1/hooks/{dataset}": None,
    **{f"/openbb/{name}": Role.VIEWER for name in OPENBB},
}
