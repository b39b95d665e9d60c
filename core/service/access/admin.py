"""People, tokens and sessions: for admins, as commands and actions."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any

import polars as pl

from core.domain.access.principals import PROXY, Principal, Role
from core.domain.access.tokens import Owner, Token, spelled
from core.errors import NotFoundError, UsageError
from core.service.kernel import access
from core.service.kernel.access import needs
from core.service.kernel.commands import command

if TYPE_CHECKING:
    from core.service.desk import Desk

KEEP_HOURS, MOST_KEEP_HOURS = 24.0, 24 * 30
TOKEN_COLUMNS: dict[str, Any] = {
    "name": pl.String,
    "role": pl.String,
    "state": pl.String,
    "owner": pl.String,
    "owner_subject": pl.String,
    "made_by": pl.String,
    "made_at": pl.Datetime("us", "UTC"),
    "expires": pl.Datetime("us", "UTC"),
    "last_used": pl.Datetime("us", "UTC"),
    "token_id": pl.String,
}
PEOPLE_COLUMNS: dict[str, Any] = {
    "name": pl.String,
    "role": pl.String,
    "set_by_hand": pl.Boolean,
    "last_seen": pl.Datetime("us", "UTC"),
    "sessions": pl.Int64,
    "issuer": pl.String,
    "subject": pl.String,
}
SESSION_COLUMNS: dict[str, Any] = {
    "name": pl.String,
    "role": pl.String,
    "began": pl.Datetime("us", "UTC"),
    "ends": pl.Datetime("us", "UTC"),
    "issuer": pl.String,
    "subject": pl.String,
    "session_id": pl.String,
}


def tokens(desk: Desk) -> pl.DataFrame:
    """Every token with its state and last use, newest first: the columns TOKEN_COLUMNS."""
    access.require(desk, Role.ADMIN, "the tokens")
    rows = [_token(token, desk.now()) for token in desk.roster.tokens()]
    return pl.DataFrame(rows, schema=TOKEN_COLUMNS, orient="row")


def _token(token: Token, now: datetime) -> dict[str, Any]:
    return {
        "name": token.name,
        "role": token.role,
        "state": token.state(now),
        "owner": token.owner,
        "owner_subject": token.owner_subject,
        "made_by": token.made_by,
        "made_at": token.made_at,
        "expires": token.expires_at,
        "last_used": token.used_at,
        "token_id": token.token_id,
    }


@needs(Role.ADMIN)
def add_token(
    desk: Desk, name: str, role: Role, expires: date | None = None, owner: str = ""
) -> dict[str, Any]:
    """Make a token; the document has its secret, which is shown this once.

    It counts through the day `expires` (UTC). `owner`: name or subject of whose it is, or issuer
    and subject with a space between, where that is not its own name. UsageError for a name in use
    or a past day, NotFoundError for an owner whom nobody knows, or several are called by.
    """
    until = datetime.combine(expires, time.max, UTC) if expires else None
    whose = _known(desk, owner.strip()) if owner.strip() else None
    token, secret = desk.roster.add_token(name, role, until, access.principal(desk), whose)
    return {"name": token.name, "role": token.role, "expires": token.expires_at, "token": secret}


def _known(desk: Desk, owner: str) -> Owner:
    """Somebody of the desk, by name, subject, or issuer and subject, or the bearer of a token.

    People of one name at one issuer are told apart by their subjects: the name says too little.
    """
    people = [
        p for p in desk.roster.people()
        if owner in (p.name, p.subject, f"{p.issuer} {p.subject}")
    ]  # fmt: skip
    if len(people) == 1:
        return Owner(people[0].name, *people[0].key)
    several = len({p.issuer for p in people}) < len(people)
    names = {p.name for p in people}
    if people and (several or len(names) > 1):
        raise NotFoundError(
            f"{len(people)} known as {owner[:60]!r}",
            hint="give the subject of whose it is, or issuer and subject; see: people list",
        )
    bearers = {t.name: t for t in desk.roster.tokens() if owner == t.name}
    if not names and not bearers:
        raise NotFoundError(f"nobody known as {owner[:60]!r}", hint="see: people list, token list")
    if names:  # of several issuers, which may mean one person
        return Owner(min(names))
    bearer = bearers[owner]
    return Owner(bearer.name, *(bearer.owner_key or (None, None)))


@needs(Role.ADMIN)
def revoke_token(desk: Desk, name: str) -> dict[str, Any]:
    """Let nobody in with a token, by its name or id, from now on; what it has open is ended."""
    token = desk.roster.revoke_token(name, access.principal(desk))
    return {"name": token.name, "token_id": token.token_id, "revoked_at": token.revoked_at}


@needs(Role.ADMIN)
def rotate_token(desk: Desk, name: str, keep_hours: float = KEEP_HOURS) -> dict[str, Any]:
    """Give a token a new secret, shown this once; the one before lets in for `keep_hours` more.

    Name, role, end and whose lists and notes it reads stay. UsageError for hours out of range.
    """
    if not 0 <= keep_hours <= MOST_KEEP_HOURS:
        raise UsageError(f"the secret before counts for 0 to {MOST_KEEP_HOURS} hours more")
    keep = timedelta(hours=keep_hours)
    token, secret = desk.roster.rotate_token(name, keep, access.principal(desk))
    return {
        "name": token.name,
        "role": token.role,
        "expires": token.expires_at,
        "previous_until": token.previous_until,
        "token": secret,
    }


def people(desk: Desk) -> pl.DataFrame:
    """Everyone an issuer has vouched for, with role and open sessions: PEOPLE_COLUMNS."""
    access.require(desk, Role.ADMIN, "the people")
    owners = [session.key for session in desk.roster.sessions()]
    rows = [
        {
            "name": person.name,
            "role": person.role,
            "set_by_hand": person.set_by_hand,
            "last_seen": person.seen_at,
            "sessions": owners.count(person.key),
            "issuer": person.issuer,
            "subject": person.subject,
        }
        for person in desk.roster.people()
    ]
    return pl.DataFrame(rows, schema=PEOPLE_COLUMNS, orient="row")


def sessions(desk: Desk) -> pl.DataFrame:
    """The browsers that are signed in, newest first: the columns SESSION_COLUMNS.

    Of whoever lost their role there are none.
    """
    access.require(desk, Role.ADMIN, "the sessions")
    names = {person.key: person.name for person in desk.roster.people()}
    found = sorted(desk.roster.sessions(), key=lambda one: (one.began_at, one.sha256), reverse=True)
    rows = []
    for session in found:
        who = desk.roster.current(Principal(*session.key, names.get(session.key, ""), None))
        times = (session.began_at, session.expires_at)
        if who.role is not None:
            rows.append((who.name, who.role, *times, *session.key, session.session_id))
    return pl.DataFrame(rows, schema=SESSION_COLUMNS, orient="row")


@needs(Role.ADMIN)
def end_session(desk: Desk, session_id: str) -> dict[str, Any]:
    """Sign one browser out, by the id of its session; others of the same owner stay.

    NotFoundError without one that counts.
    """
    ended = desk.roster.end_session(session_id, access.principal(desk))
    return {"session_id": ended.session_id, "issuer": ended.issuer, "subject": ended.subject}


@needs(Role.ADMIN)
def set_role(
    desk: Desk, subject: str, role: Role | None, issuer: str | None = None, name: str = ""
) -> dict[str, Any]:
    """Give somebody a role, or none; it counts at once. `issuer` may be left out for one known.

    NotFoundError when nobody, or more than one, is known by that subject.
    """
    found = [p for p in desk.roster.people() if subject in (p.subject, p.name)]
    if issuer is None:
        if len(found) != 1:
            raise NotFoundError(
                f"{len(found) or 'nobody'} known as {subject!r}",
                hint="give the subject, or issuer and subject; see: people list",
            )
        issuer, subject = found[0].key
    elif issuer == PROXY:
        subject = spelled(desk.roster.people(), issuer, subject)
    desk.roster.set_role(issuer, subject, name, role, access.principal(desk))
    return {"issuer": issuer, "subject": subject, "role": role}


@command("token_add", needs=Role.ADMIN)
def token_add(
    desk: Desk, *, name: str, role: Role, expires: date | None = None, owner: str = ""
) -> dict[str, Any]:
    """Make a token for somebody or something; it is shown once."""
    return add_token(desk, name, role, expires, owner)


@command("token_list", needs=Role.ADMIN)
def token_list(desk: Desk) -> dict[str, Any]:
    """Every token with its role, state and last use."""
    return {"tokens": tokens(desk).to_dicts()}


@command("token_revoke", needs=Role.ADMIN)
def token_revoke(desk: Desk, *, name: str) -> dict[str, Any]:
    """Let nobody in with a token from now on."""
    return revoke_token(desk, name)


@command("token_rotate", needs=Role.ADMIN)
def token_rotate(desk: Desk, *, name: str, keep_hours: float = KEEP_HOURS) -> dict[str, Any]:
    """Change the secret of a token; it is shown once, the one before counts for a while."""
    return rotate_token(desk, name, keep_hours)


@command("session_list", needs=Role.ADMIN)
def session_list(desk: Desk) -> dict[str, Any]:
    """The browsers that are signed in, newest first, each with the id of its session."""
    return {"sessions": sessions(desk).to_dicts()}


@command("session_end", needs=Role.ADMIN)
def session_end(desk: Desk, *, session_id: str) -> dict[str, Any]:
    """Sign one browser out; what it has open is ended."""
    return end_session(desk, session_id)


@command("people_list", needs=Role.ADMIN)
def people_list(desk: Desk) -> dict[str, Any]:
    """Everyone who has signed in through a provider, with their roles."""
    return {"people": people(desk).to_dicts()}


@command("people_set", needs=Role.ADMIN)
def people_set(
    desk: Desk, *, subject: str, role: Role | None = None, issuer: str | None = None, name: str = ""
) -> dict[str, Any]:
    """Give somebody a role, or without one take it."""
    return set_role(desk, subject, role, issuer, name)
