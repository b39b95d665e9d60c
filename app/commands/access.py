"""Commands about who may do what, and who did: token, people, session, audit."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from app import run as runner
from app.options import Json, when
from core import atomic
from core.domain.access.principals import Role
from core.errors import UsageError
from core.observe.escaping import escape

Name = Annotated[str, typer.Argument(help="What the token is called, e.g. notebook.")]
RoleOption = Annotated[Role, typer.Option("--role", help="What it may.")]
Expires = Annotated[
    datetime | None,
    typer.Option("--expires", formats=["%Y-%m-%d"], help="Last day it counts, YYYY-MM-DD (UTC)."),
]


def register(cli: typer.Typer) -> None:
    """Add the commands of this module."""
    tokens = typer.Typer(help="Tokens: who is let in by one, and what it may.")
    tokens.command("add")(token_add)
    tokens.command("list")(token_list)
    tokens.command("rotate")(token_rotate)
    tokens.command("revoke")(token_revoke)
    cli.add_typer(tokens, name="token")
    people = typer.Typer(help="People who sign in through a provider, and their roles.")
    people.command("list")(people_list)
    people.command("set")(people_set)
    cli.add_typer(people, name="people")
    sessions = typer.Typer(help="Browsers that are signed in.")
    sessions.command("list")(session_list)
    sessions.command("end")(session_end)
    cli.add_typer(sessions, name="session")
    cli.command()(audit)


def token_add(
    name: Name,
    role: RoleOption,
    expires: Expires = None,
    owner: Annotated[
        str,
        typer.Option(
            help="Whose it is where that is not its name: a name, a subject, or issuer and subject."
        ),
    ] = "",
    json: Json = False,
) -> None:
    """Make a token; it is shown once."""
    given: dict[str, Any] = {"name": name, "role": role, "owner": owner}
    given["expires"] = expires.date() if expires else None
    runner.run("token_add", json=json, render=_print_new, **given)


def token_list(json: Json = False) -> None:
    """The tokens with role, state and last use."""
    runner.run("token_list", json=json, render=_print_tokens)


def token_revoke(
    name: Annotated[str, typer.Argument(help="Name or id of the token.")], json: Json = False
) -> None:
    """Let nobody in with a token from now on; what it has open is ended."""
    runner.run("token_revoke", json=json, render=_print_revoked, name=name)


def token_rotate(
    name: Annotated[str, typer.Argument(help="Name or id of the token.")],
    keep_hours: Annotated[
        float, typer.Option(min=0, help="How long the secret before still lets in.")
    ] = 24.0,
    json: Json = False,
) -> None:
    """Change the secret of a token; it is shown once, the one before counts for a while."""
    runner.run("token_rotate", json=json, render=_print_changed, name=name, keep_hours=keep_hours)


def people_list(json: Json = False) -> None:
    """Who has signed in through a provider, and what they may."""
    runner.run("people_list", json=json, render=_print_people)


def people_set(
    subject: Annotated[str, typer.Argument(help="Name or subject of somebody known.")],
    role: Annotated[Role | None, typer.Option("--role", help="Left out: none any more.")] = None,
    issuer: Annotated[
        str | None, typer.Option(help="Who vouches for a subject yet unknown.")
    ] = None,
    json: Json = False,
) -> None:
    """Give somebody a role, or take it; it counts at once."""
    runner.run(
        "people_set", json=json, render=_print_set, subject=subject, role=role, issuer=issuer
    )


def session_list(json: Json = False) -> None:
    """The browsers that are signed in: whose, since when and until when."""
    runner.run("session_list", json=json, render=_print_sessions)


def session_end(
    session_id: Annotated[str, typer.Argument(help="Its id, from `session list`.")],
    json: Json = False,
) -> None:
    """Sign one browser out; others of the same person stay."""
    runner.run("session_end", json=json, render=_print_ended, session_id=session_id)


def audit(
    verify: Annotated[
        bool, typer.Option("--verify", help="Prove the chain; exit code 3 where it is broken.")
    ] = False,
    against: Annotated[
        Path | None, typer.Option(help="Prove it against a checkpoint that was kept elsewhere.")
    ] = None,
    checkpoint: Annotated[
        Path | None, typer.Option(help="Sign where the chain ends, and write that to a file.")
    ] = None,
    before: Annotated[int | None, typer.Option(help="Older than the entry of this number.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="Most entries shown.")] = 100,
    json: Json = False,
) -> None:
    """Who did what, newest first: a chain of hashes in which every change is seen."""
    if checkpoint is not None:
        with runner.asked() as call:
            made = call.call("audit", checkpoint=True)
            body = runner.dumps(made.document["checkpoint"])
            atomic.write(checkpoint.expanduser().absolute(), body)
            runner.show(made, json=json, render=partial(_print_signed, checkpoint))
    elif verify or against is not None:
        known = None if against is None else _checkpoint(against)
        runner.run("audit", json=json, render=_print_proof, verify=True, against=known)
    else:
        runner.run("audit", json=json, render=_print_acts, before=before, limit=limit)


def _checkpoint(path: Path) -> dict[str, Any]:
    import orjson

    with runner.reported():
        try:
            found = orjson.loads(path.read_bytes())
        except (OSError, ValueError) as error:
            raise UsageError(f"{path} is no checkpoint: {error}") from None
        if not isinstance(found, dict):
            raise UsageError(f"{path} is no checkpoint: it holds no JSON object")
        return found


def _print_signed(path: Path, document: Any, out: Console) -> None:
    point = document["checkpoint"]
    out.print(f"entry {point['entry']:,} signed, in {path}", markup=False)


def _print_proof(document: Any, out: Console) -> None:
    entries, points = f"{document['entries']:,} entries", f"{document['checkpoints']} checkpoints"
    if document["intact"]:
        out.print(f"{entries}, {points}: the chain is whole")
    else:
        told = document["first_fault"]["fault"]
        out.print(f"{entries}, {points}: NOT whole: {told}", markup=False)


def _print_acts(document: Any, out: Console) -> None:
    table = Table("Entry", "When", "Who", "What", "Outcome", "Detail")
    for row in document["acts"]:
        texts = (row["name"], row["act"], row["outcome"], row["detail"])
        table.add_row(str(row["entry"]), when(row["at"]), *map(escape, texts))
    out.print(table)


def _print_new(document: Any, out: Console) -> None:
    until = when(document["expires"], "it is revoked")
    out.print(f"{escape(document['name'])} is {document['role']} until {until}. Shown this once:")
    out.print(document["token"], markup=False)


def _print_changed(document: Any, out: Console) -> None:
    until = when(document["previous_until"])
    out.print(f"{escape(document['name'])}: the secret before counts until {until}. Shown once:")
    out.print(document["token"], markup=False)


def _print_revoked(document: Any, out: Console) -> None:
    out.print(f"{escape(document['name'])} lets nobody in any more.")


def _print_set(document: Any, out: Console) -> None:
    out.print(f"{escape(document['subject'])} is now {document['role'] or 'without a role'}.")


def _print_tokens(document: Any, out: Console) -> None:
    table = Table("Name", "Role", "State", "Owner", "Expires", "Last used", "Made by", "Id")
    for row in document["tokens"]:
        instants = (when(row["expires"]), when(row["last_used"]))
        told = (row["name"], row["role"], row["state"], row["owner"] or "")
        table.add_row(*map(escape, (*told, *instants, row["made_by"], row["token_id"])))
    out.print(table)


def _print_people(document: Any, out: Console) -> None:
    table = Table("Name", "Role", "Last seen", "Sessions", "Issuer", "Subject")
    for row in document["people"]:
        told = (row["name"], row["role"] or "none", when(row["last_seen"]), str(row["sessions"]))
        table.add_row(*map(escape, (*told, row["issuer"], row["subject"])))
    out.print(table)


def _print_sessions(document: Any, out: Console) -> None:
    table = Table("Id", "Who", "Role", "Signed in", "Ends", "Issuer", "Subject")
    for row in document["sessions"]:
        instants = (when(row["began"]), when(row["ends"]))
        told = (row["session_id"], row["name"], row["role"], *instants, row["issuer"])
        table.add_row(*map(escape, (*told, row["subject"])))
    out.print(table)


def _print_ended(document: Any, out: Console) -> None:
    out.print(f"The session {escape(document['session_id'])} lets nobody in any more.")
