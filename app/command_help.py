"""How the command line explains itself: commands in the order of the day, each with an example."""

from __future__ import annotations

import typer

PANELS: dict[str, tuple[str, ...]] = {
    "Run the desk": ("demo", "serve", "sandbox"),
    "Data in": (
        "watch",
        "pull",
        "import",
        "watch-folder",
        "backfill",
        "status",
        "upstreams",
        "jobs",
    ),
    "Trust": ("grade", "filing-text", "reconcile", "gate"),
    "Before the open": ("brief", "scan", "lists", "notes", "plan", "plans", "plan-cancel", "risk"),
    "After the close": ("journal", "backtest"),
    "Data out": ("export", "features", "publish", "sql", "mcp"),
    "Access": ("token", "people", "session", "audit"),
    "Care": (
        "events",
        "alerts",
        "notify",
        "doctor",
        "verify",
        "backup",
        "restore",
        "migrate-store",
    ),
}
AREAS: dict[str, tuple[str, ...]] = {  # the modules of app/commands: one is loaded for its command
    "access": ("token", "people", "session", "audit"),
    "alerts": ("alerts", "notify"),
    "automation": ("gate", "features", "publish"),
    "brief": ("brief",),
    "care": ("backup", "restore", "migrate-store", "verify", "doctor"),
    "data": ("pull", "import", "backfill", "status", "export"),
    "desk": ("serve", "demo", "sandbox"),
    "events": ("events",),
    "jobs": ("jobs",),
    "lists": ("lists", "notes"),
    "mcp": ("mcp",),
    "plan": ("plan", "plans", "plan-cancel", "risk", "journal"),
    "quality": ("grade", "reconcile", "filing-text"),
    "query": ("sql",),
    "scan": ("scan", "backtest"),
    "upstreams": ("upstreams",),
    "watch": ("watch", "watch-folder"),
}
EXAMPLES: dict[str, str] = {
    "demo": "demo --at 2026-11-30T09:05",
    "serve": "serve --port 8501",
    "sandbox": "sandbox --port 9000 --fault ws-503",
    "watch add": "watch add AAPL MSFT 320193",
    "watch remove": "watch remove MSFT",
    "watch list": "watch list --json",
    "audit": "audit --verify --against checkpoint.json",
    "watch-folder": "watch-folder --apply",
    "pull": "pull prices.daily --now",
    "import": "import prices.daily bars.csv --dry-run",
    "backfill": "backfill companyfacts.zip",
    "status": "status --json",
    "upstreams": "upstreams",
    "jobs list": "jobs list --state dead",
    "jobs retry": "jobs retry --all",
    "jobs discard": "jobs discard --all",
    "jobs cancel": "jobs cancel 06613e944125b822f7dc",
    "grade": "grade --ticker AAPL --strict",
    "filing-text": "filing-text 0000320193-24-000123 --read",
    "reconcile": "reconcile --json",
    "brief": "brief --at 2026-11-30T09:05 --out brief.pdf",
    "lists list": "lists list --json",
    "lists show": "lists show Semis",
    "lists add": "lists add Semis NVDA AMD MU",
    "lists remove": "lists remove Semis MU",
    "notes list": "notes list --symbol AAPL",
    "notes write": 'notes write AAPL "wait for the call at 9:00"',
    "notes mark": "notes mark AAPL star",
    "scan": "scan --date 2026-11-27 --filter min_gap_pct=4",
    "plan": 'plan AAPL --approve "gap on results"',
    "plans": "plans --json",
    "plan-cancel": 'plan-cancel AAPL-20180207-1a2b3c4d --reason "no volume"',
    "risk": "risk --date 2026-11-27",
    "journal": "journal --last 50",
    "journal trades": "journal trades",
    "journal settle": "journal settle --through 2026-11-27",
    "journal confirm": 'journal confirm GE 2021-08-02 "checked with the exchange"',
    "journal fill": "journal fill AAPL-20180207-1a2b3c4d 160.25",
    "journal close": "journal close AAPL-20180207-1a2b3c4d 165.00 --shares 50",
    "journal deposit": "journal deposit 25000.00",
    "journal withdraw": "journal withdraw 1000.00",
    "journal post": "journal post fees --debit expenses:fees=12.50 --credit assets:cash=12.50",
    "journal reverse": 'journal reverse 17 --reason "posted twice"',
    "journal prove": "journal prove",
    "backtest": "backtest --filter min_gap_pct=5 --side fade",
    "export": "export filings --out filings.csv --filter ticker=AAPL",
    "sql": 'sql "SELECT symbol, max(session) FROM bars_daily GROUP BY symbol"',
    "mcp": "mcp",
    "token add": "token add notebook --role viewer --expires 2027-01-31",
    "token list": "token list",
    "token rotate": "token rotate notebook --keep-hours 48",
    "token revoke": "token revoke notebook",
    "session list": "session list",
    "session end": "session end 3f9c01d2ab47",
    "people list": "people list",
    "people set": 'people set "Una Ford" --role analyst',
    "events": "events --since 2026-11-27T09:00 --kind pull",
    "alerts": "alerts --unread",
    "notify test": "notify test",
    "notify rules": "notify rules --of-desk",
    "notify set": 'notify set "Grades of Apple" --kind filing --subject AAPL --to bell',
    "notify remove": "notify remove --rule fills",
    "gate": "gate --json",
    "features": "features --form 10-K --json",
    "publish": "publish --dry-run",
    "doctor": "doctor --json",
    "verify": "verify",
    "backup": "backup --to /mnt/safe",
    "restore": "restore --drill",
    "migrate-store": "migrate-store duckdb:////mnt/desk.duckdb "
    "ducklake:postgresql://openbell@db/desk?data=/mnt/lake",
}


def explain(cli: typer.Typer) -> None:
    """Put every command in its panel, in the order of the day, with its example."""
    _examples(cli, "")
    place = {name: at for at, name in enumerate(n for names in PANELS.values() for n in names)}
    panel = {name: title for title, names in PANELS.items() for name in names}
    for command in cli.registered_commands:
        command.rich_help_panel = panel[_name(command)]
    for group in cli.registered_groups:
        group.rich_help_panel = panel[_name(group)]
    cli.registered_commands.sort(key=lambda info: place[_name(info)])
    cli.registered_groups.sort(key=lambda info: place[_name(info)])


def area_of(name: str) -> str | None:
    """The module of app/commands that has a command; None for a word that is none."""
    return next((area for area, names in AREAS.items() if name in names), None)


def order(names: list[str]) -> list[str]:
    """Names of commands in the order of the day."""
    place = [name for group in PANELS.values() for name in group]
    return sorted(names, key=place.index)


def _examples(cli: typer.Typer, prefix: str) -> None:
    for info in cli.registered_commands:
        info.epilog = _shown(f"{prefix} {_name(info)}".strip())
        info.context_settings = {**(info.context_settings or {}), **HELP}
    for group in cli.registered_groups:
        path = f"{prefix} {_name(group)}".strip()
        group.context_settings = HELP
        if path in EXAMPLES:
            group.epilog = _shown(path)
        if group.typer_instance:
            _examples(group.typer_instance, path)


HELP = {"help_option_names": ["-h", "--help"]}


def _shown(path: str) -> str:
    return f"Example: python -m app {EXAMPLES[path]}"


def _name(info: typer.models.CommandInfo | typer.models.TyperInfo) -> str:
    if isinstance(info.name, str):
        return info.name
    callback = getattr(info, "callback", None)
    return str(getattr(callback, "__name__", "")).replace("_", "-")
