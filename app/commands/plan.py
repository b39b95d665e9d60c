"""Commands about trading: plan, plans, risk, journal."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from app import run as runner
from app.options import Json
from core.errors import UsageError
from core.observe.escaping import escape

Day = Annotated[datetime | None, typer.Option("--date", formats=["%Y-%m-%d"], help="YYYY-MM-DD.")]
Money = Annotated[str, typer.Argument(help="An amount, e.g. 1000.00")]
PlanId = Annotated[str, typer.Argument(help="The plan, e.g. AAPL-20180207-1a2b3c4d")]


def register(cli: typer.Typer) -> None:
    """Add the commands of this module."""
    cli.command()(plan)
    cli.command()(plans)
    cli.command("plan-cancel")(plan_cancel)
    cli.command()(risk)
    journal = typer.Typer(help="The double-entry journal of paper trades.")
    journal.callback(invoke_without_command=True)(journal_list)
    for function in (trades, settle, confirm, fill, close, deposit, withdraw, post, reverse, prove):
        journal.command()(function)
    cli.add_typer(journal, name="journal")


def plan(
    symbol: Annotated[str, typer.Argument(help="The name to plan a trade in.")],
    on: Day = None,
    direction: Annotated[
        str | None, typer.Option(help="long or short; default: by the gap and plan_direction.")
    ] = None,
    entry: Annotated[
        str, typer.Option("--entry", help="market, opening_range, pullback or vwap.")
    ] = "market",
    risk_pct: Annotated[str | None, typer.Option(help="Risk in percent of equity.")] = None,
    stop_atr: Annotated[str | None, typer.Option(help="Stop distance in ATR14.")] = None,
    stop_pct: Annotated[str | None, typer.Option(help="Stop distance in percent.")] = None,
    stop: Annotated[str | None, typer.Option(help="tighter or wider of the two.")] = None,
    tag: Annotated[str | None, typer.Option(help="A word to find like trades by.")] = None,
    approve: Annotated[
        str | None, typer.Option(metavar="REASON", help="Approve it, and post it.")
    ] = None,
    reject: Annotated[
        str | None, typer.Option(metavar="REASON", help="Turn it down, and keep that.")
    ] = None,
    json: Json = False,
) -> None:
    """Plan a trade: entry, stop, targets, size, and the verdict of risk."""
    runner.run(
        "plan",
        json=json,
        render=_print_plan,
        symbol=symbol,
        date=_day(on),
        direction=direction,
        entry_type=entry,
        risk_pct=_number(risk_pct, "--risk-pct"),
        stop_atr_multiple=_number(stop_atr, "--stop-atr"),
        stop_pct=_number(stop_pct, "--stop-pct"),
        stop_choice=stop,
        tag=tag,
        approve_because=approve,
        reject_because=reject,
    )


def plans(json: Json = False) -> None:
    """The plans that were decided on, with their state."""
    runner.run("plans", json=json, render=_print_plans)


def plan_cancel(
    plan_id: PlanId,
    reason: Annotated[str, typer.Option(help="Why.")] = "",
    json: Json = False,
) -> None:
    """Take back an approved plan that is not filled."""
    runner.run("plan_cancel", json=json, render=_print_any, plan_id=plan_id, reason=reason)


def risk(on: Day = None, json: Json = False) -> None:
    """Limits in use, exposure, value at risk, stress and beta of the book."""
    runner.run("risk", json=json, render=_print_risk, date=_day(on))


def journal_list(
    context: typer.Context,
    last: Annotated[int, typer.Option(min=0, help="Entries shown.")] = 20,
    json: Json = False,
) -> None:
    """The last entries, the trial balance and the account; or one of the commands below."""
    if context.invoked_subcommand is None:
        runner.run("journal", json=json, render=_print_journal, last=last)


def trades(json: Json = False) -> None:
    """Paper trades with results in R, by tag and gap bucket."""
    runner.run("journal_trades", json=json, render=_print_trades)


def settle(
    through: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Last session; default: all.")
    ] = None,
    json: Json = False,
) -> None:
    """Fill, mark and close approved plans by the stored bars; again changes nothing."""
    runner.run("journal_settle", json=json, render=_print_any, through=_day(through))


def confirm(
    symbol: Annotated[str, typer.Argument(help="The name whose price is in doubt.")],
    session: Annotated[
        datetime, typer.Argument(formats=["%Y-%m-%d"], help="The session of the move.")
    ],
    reason: Annotated[str, typer.Argument(help="Where the price was checked.")],
    json: Json = False,
) -> None:
    """Confirm that a move which looks like a split is a real price, and settle on."""
    runner.run(
        "journal_confirm",
        json=json,
        render=_print_any,
        symbol=symbol,
        session=session.date(),
        reason=reason,
    )


def fill(plan_id: PlanId, price: Money, on: Day = None, json: Json = False) -> None:
    """Fill an approved plan at a price of the day."""
    runner.run(
        "journal_fill",
        json=json,
        render=_print_any,
        plan_id=plan_id,
        price=_number(price, "PRICE"),
        date=_day(on),
    )


def close(
    plan_id: PlanId,
    price: Money,
    shares: Annotated[int | None, typer.Option(min=1, help="Default: all.")] = None,
    on: Day = None,
    json: Json = False,
) -> None:
    """Close a position, or part of it, at a price of the day."""
    runner.run(
        "journal_close",
        json=json,
        render=_print_any,
        plan_id=plan_id,
        price=_number(price, "PRICE"),
        shares=shares,
        date=_day(on),
    )


def deposit(amount: Money, on: Day = None, json: Json = False) -> None:
    """Put cash into the paper account."""
    number = _number(amount, "AMOUNT")
    runner.run("journal_deposit", json=json, render=_print_any, amount=number, date=_day(on))


def withdraw(amount: Money, on: Day = None, json: Json = False) -> None:
    """Take cash out of the paper account."""
    number = _number(amount, "AMOUNT")
    runner.run("journal_withdraw", json=json, render=_print_any, amount=number, date=_day(on))


def post(
    memo: Annotated[str, typer.Argument(help="What it is for.")],
    debit: Annotated[list[str], typer.Option(help="ACCOUNT=AMOUNT, repeatable.")],
    credit: Annotated[list[str], typer.Option(help="ACCOUNT=AMOUNT, repeatable.")],
    on: Day = None,
    json: Json = False,
) -> None:
    """Post an entry by hand; it must balance to the cent."""
    with runner.reported():
        lines = [_line(text, "debit") for text in debit] + [_line(t, "credit") for t in credit]
    runner.run("journal_post", json=json, render=_print_any, lines=lines, memo=memo, date=_day(on))


def reverse(
    entry_no: Annotated[int, typer.Argument(min=1, help="The entry to take back.")],
    reason: Annotated[str, typer.Option(help="Why; it is kept with the reversal.")],
    json: Json = False,
) -> None:
    """Take an entry back by its mirror image; nothing is ever edited."""
    runner.run("journal_reverse", json=json, render=_print_any, entry_no=entry_no, reason=reason)


def prove(json: Json = False) -> None:
    """Recompute every balance from the postings; exit code 3 when something differs."""
    runner.run("journal_prove", json=json, render=_print_any)


def _day(moment: datetime | None) -> date | None:
    return moment.date() if moment else None


def _number(text: str | None, option: str) -> str | None:
    """The text of a number: money travels as text, so that no cent is lost on the way."""
    if text is None:
        return None
    try:
        Decimal(text)
    except InvalidOperation:
        with runner.reported():
            raise UsageError(f"{option} {text!r} is not a number") from None
    return text


def _line(text: str, side: str) -> dict[str, str]:
    account, equals, amount = text.rpartition("=")
    if not equals or not account:
        raise UsageError(f"--{side} {text!r} must be ACCOUNT=AMOUNT")
    return {"account": account.strip(), side: amount.strip()}


def _print_plan(document: dict[str, Any], console: Console) -> None:
    item, verdict = document["plan"], document["verdict"]
    console.print(
        f"{item['direction']} {item['shares']:,} {item['symbol']} on {item['session']}: "
        f"entry {item['entry']}, stop {item['stop']}, targets {item['targets']}",
        markup=False,
    )
    for sentence in (
        *item["explained"].values(),
        item["invalidation"],
        item["kelly_note"],
        item["similar_note"],
    ):
        console.print(f"  {escape(sentence)}", markup=False)
    console.print(f"Verdict: {verdict['decision']}")
    _print_checks(verdict["checks"], console)
    for reason in verdict["reasons"]:
        console.print(f"  {escape(reason)}", markup=False)
    if document["stored"]:
        console.print(f"{document['stored']['plan_id']}: {document['stored']['state']}")


def _print_checks(checks: list[dict[str, Any]], console: Console) -> None:
    table = Table("limit", "used", "allowed", "headroom", "", box=None)
    for check in checks:
        figures = (f"{check[key]:,.2f}" for key in ("used", "allowed", "headroom"))
        table.add_row(check["limit"], *figures, "ok" if check["ok"] else "over")
    console.print(table)


def _print_plans(document: dict[str, Any], console: Console) -> None:
    if not document["plans"]:
        console.print("No plans yet. Make one: python -m app plan SYMBOL --approve REASON")
        return
    keys = ("plan_id", "direction", "shares", "entry", "stop", "risk", "state")
    told = ("decided_by", "reason", "outcome")
    titles = ("plan", *keys[1:], "decided by", "because", "since then")
    table = Table(*titles, box=None)
    for item in document["plans"]:
        words = (escape(item[key] or "") for key in told)
        table.add_row(*(str(item[key]) for key in keys), *words)
    console.print(table)


def _print_risk(document: dict[str, Any], console: Console) -> None:
    console.print(
        f"{document['session']}: equity {document['equity']:,.2f} {document['currency']}, "
        f"open risk {document['open_risk']:,.2f}"
    )
    _print_checks(document["checks"], console)
    var = document["value_at_risk"]
    if var:
        console.print(
            f"VaR {var['confidence']:.0%}, {var['horizon_sessions']} session: historical "
            f"{var['historical_pct']:.2f} %, parametric {var['parametric_pct']:.2f} % "
            f"({var['window_sessions']} sessions)"
        )
    if document["note"]:
        console.print(document["note"], markup=False)


def _print_journal(document: dict[str, Any], console: Console) -> None:
    table = Table("no", "day", "kind", "memo", "debit", "credit", box=None)
    for entry in document["entries"]:
        head = (str(entry["entry_no"]), entry["effective"], entry["kind"])
        table.add_row(*head, escape(entry["memo"]), "", "")
        for line in entry["postings"]:
            sides = (f"{line[side]:,.2f}" if line[side] else "" for side in ("debit", "credit"))
            table.add_row("", "", "", f"  {line['account']}", *sides)
    console.print(table)
    balance = Table("account", "balance", box=None)
    for row in document["trial_balance"]:
        balance.add_row(row["account"], f"{row['balance']:,.2f}")
    console.print(balance)


def _print_trades(document: dict[str, Any], console: Console) -> None:
    table = Table("plan", "shares", "entry", "exit", "realised", "R", "why", box=None)
    for item in document["trades"]:
        out = "open" if item["exit"] is None else f"{item['exit']:.2f}"
        figures = (f"{item['realised']:,.2f}", f"{item['realised_r']:+.2f}")
        table.add_row(
            item["plan_id"],
            str(item["shares"]),
            f"{item['entry']:.2f}",
            out,
            *figures,
            item["exit_reason"],
        )
    console.print(table)
    total = document["total"]
    if total["n"]:
        console.print(f"{total['n']} closed, expectancy {total['expectancy_r']:+.2f} R")


def _print_any(document: dict[str, Any], console: Console) -> None:
    console.print_json(data=document)
