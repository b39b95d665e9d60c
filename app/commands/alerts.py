"""Commands about alerts: what was told, the rules, and a test of the ways outside."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from app import run as runner
from app.options import Json, when
from core.observe.escaping import escape

OfDesk = Annotated[
    bool, typer.Option("--of-desk", help="Rules of the desk, whose alerts go outside.")
]
RuleId = Annotated[str | None, typer.Option("--rule", help="The id of a rule.")]


def register(cli: typer.Typer) -> None:
    """Add the commands of this module."""
    cli.command()(alerts)
    notify = typer.Typer(help="Where alerts go, by which rules, and a test.")
    notify.command("test")(notify_test)
    notify.command("rules")(notify_rules)
    notify.command("set")(notify_set)
    notify.command("remove")(notify_remove)
    cli.add_typer(notify, name="notify")


def alerts(
    unread: Annotated[bool, typer.Option("--unread", help="Only what was not read yet.")] = False,
    read: Annotated[bool, typer.Option("--read", help="All of it counts as read then.")] = False,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="Most alerts shown.")] = 100,
    json: Json = False,
) -> None:
    """What you were told, newest first."""
    runner.run("alerts", json=json, render=_print_alerts, unread=unread, read=read, limit=limit)


def notify_test(
    place: Annotated[
        str | None, typer.Argument(help="One place, e.g. notify:ann; without it all.")
    ] = None,
    json: Json = False,
) -> None:
    """Send a test to every place outside; 3 when one did not take it."""
    runner.run("notify_test", json=json, render=_print_places, place=place)


def notify_rules(of_desk: OfDesk = False, json: Json = False) -> None:
    """The rules by which you, or the desk, are told."""
    runner.run("alert_rules", json=json, render=_print_rules, of_desk=of_desk)


def notify_set(
    name: Annotated[str, typer.Argument(help="What the rule is called.")],
    rule: RuleId = None,
    kind: Annotated[
        list[str] | None, typer.Option(help="A kind of event or a group; may be repeated.")
    ] = None,
    subject: Annotated[str, typer.Option(help="A pattern like prices.* of subjects.")] = "",
    severity: Annotated[
        str, typer.Option(help="From info, warning, error or critical on.")
    ] = "info",
    quiet: Annotated[str, typer.Option(help="Quiet hours like 22:00-06:00.")] = "",
    to: Annotated[
        list[str] | None,
        typer.Option(help="bell, notify, notify:NAME, webhook; may be repeated."),
    ] = None,
    off: Annotated[bool, typer.Option("--off", help="Keep the rule, but tell nothing.")] = False,
    of_desk: OfDesk = False,
    json: Json = False,
) -> None:
    """Add a rule, or with --rule change one."""
    runner.run(
        "alert_rule_set",
        json=json,
        render=lambda document, console: console.print(f"kept as {document['id']}"),
        name=name,
        rule=rule,
        kinds=kind or [],
        subject=subject,
        severity=severity,
        quiet=quiet,
        sinks=to or ["bell"],
        enabled=not off,
        of_desk=of_desk,
    )


def notify_remove(rule: RuleId = None, of_desk: OfDesk = False, json: Json = False) -> None:
    """Take a rule away; without --rule put the defaults back."""
    runner.run("alert_rule_remove", json=json, render=_print_rules, rule=rule, of_desk=of_desk)


def _print_alerts(document: dict[str, Any], console: Console) -> None:
    if not document["alerts"]:
        console.print("No alert.")
        return
    table = Table("at", "severity", "kind", "what", "over since", box=None)
    for alert in document["alerts"]:
        table.add_row(
            when(alert["happened_at"]),
            alert["severity"],
            alert["kind"],
            escape(alert["message"]),
            when(alert["ended_at"]) if alert["ended_at"] else "",
        )
    console.print(table)
    console.print(f"{document['unread']} unread")


def _print_places(document: dict[str, Any], console: Console) -> None:
    if not document["places"]:
        console.print("Nothing goes outside: see OPENBELL_NOTIFY in docs/alerts.md.")
    for item in document["places"]:
        said = "sent" if item["sent"] else escape(item["error"])
        console.print(f"{item['place']} ({item['label']}): {said}", markup=False)


def _print_rules(document: dict[str, Any], console: Console) -> None:
    table = Table("id", "on", "rule", "kinds", "subject", "from", "quiet", "to", box=None)
    for rule in document["rules"]:
        table.add_row(
            rule["id"],
            "yes" if rule["enabled"] else "no",
            escape(rule["name"]),
            " ".join(rule["kinds"]) or "all",
            escape(rule["subject"]) or "all",
            rule["severity"],
            rule["quiet"],
            " ".join(rule["sinks"]),
        )
    console.print(table)
