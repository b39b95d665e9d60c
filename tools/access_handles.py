"""What another's handle gives: each handle of one reader, used by every other, for the matrix.

A handle is what something of a reader goes by: an id, a key, a tag, a name, a digest. Nobody gets
in by one, and it shows and changes what is its owner's for its owner alone.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Protocol

import httpx

from app.doors.credentials import COOKIE
from core.domain.access.principals import LOCAL, Principal, Role
from core.domain.access.tokens import digest
from core.service.desk import Desk
from tools import access_ids
from tools.access_trials import COLUMNS, Trial

API = "/api/v1"
OWN = "seen by its owner alone"
LINES = [
    {"account": "assets:cash", "debit": "12.50"},
    {"account": "income:interest", "credit": "12.50"},
]
ENTRY = {"memo": OWN, "lines": LINES}
NOTES = f"{API}/exports/notes?format=json"


class TriedDesk(Protocol):
    """What is needed of the desk that is tried."""

    desk: Desk
    tokens: dict[str, str]
    who: dict[str, Principal]
    app: Any

    def client(self) -> httpx.AsyncClient:
        """A caller from another machine."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Somebody who calls, by their token; "" for nobody."""

    client: httpx.AsyncClient
    token: str

    async def ask(self, method: str, path: str, body: Any = None, **headers: str) -> httpx.Response:
        """What they are answered."""
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        given |= {"Authorization": f"Bearer {self.token}"} if self.token else {}
        return await self.client.request(method, path, json=body, headers=given)

    async def run(self, command: str, **arguments: Any) -> httpx.Response:
        """A command."""
        return await self.ask("POST", f"{API}/commands/{command}", arguments)


Use = Callable[[Caller, Caller], Awaitable[bool]]


async def _kept_answer(owner: Caller, other: Caller) -> bool:
    """Whether the key of a call that was done gives its answer."""
    own = await owner.ask("POST", f"{API}/journal/entries", ENTRY, Idempotency_Key="one")
    found = await other.ask("POST", f"{API}/journal/entries", ENTRY, Idempotency_Key="one")
    return own.status_code != 201 or found.text == own.text


async def _tag(owner: Caller, other: Caller) -> bool:
    """Whether the tag of what somebody has is taken for what another has."""
    own = await owner.ask("GET", f"{API}/plans")
    tag = (await owner.ask("GET", NOTES)).headers.get("etag", own.headers["etag"])
    found = await other.ask("GET", NOTES, If_None_Match=tag)
    return OWN in found.text or found.status_code == 304


async def _same_address(owner: Caller, other: Caller) -> bool:
    """Whether an address answers another with what it has just told its owner."""
    own = await owner.ask("GET", NOTES)
    found = await other.ask("GET", NOTES)
    return OWN not in own.text or OWN in found.text


async def _note(owner: Caller, other: Caller) -> bool:
    """Whether what names a note changes it."""
    await other.run("note_write", symbol="AAA", text="another's")
    return OWN not in (await owner.ask("GET", NOTES)).text


async def _rule(owner: Caller, other: Caller) -> bool:
    """Whether the id of an alert's rule changes or takes it."""
    made = (await owner.run("alert_rule_set", name=OWN)).json()["document"]
    rule_id = made["id"]
    await other.run("alert_rule_set", name="another's", rule=rule_id, enabled=False)
    await other.run("alert_rule_remove", rule=rule_id)
    kept = (await owner.run("alert_rules")).text
    shown = (await other.run("alert_rules")).text
    return rule_id not in kept or OWN not in kept or rule_id in shown


async def _list(owner: Caller, other: Caller) -> bool:
    """Whether the name of a list changes it."""
    name = f"Mine {digest(other.token)[:8]}"
    await owner.run("list_add", name=name, symbols=["AAA"])
    await other.run("list_remove", name=name, symbols=["AAA"])
    await other.run("list_add", name=name, symbols=["ZZZ"])
    kept = (await owner.run("lists", name=name)).text
    return "AAA" not in kept or "ZZZ" in kept


HANDLES: dict[str, tuple[Use, tuple[str, ...]]] = {  # and who may by their role
    "the key of a call": (_kept_answer, ()),
    "the tag of an answer": (_tag, ()),
    "the address of an answer": (_same_address, ()),
    "the symbol and day of a note": (_note, ()),
    "the id of a rule": (_rule, ()),
    "the name of a list": (_list, ("admin",)),
    **access_ids.BY_API,
}


async def handles(tried: TriedDesk) -> list[Trial]:
    """Every handle of an owner, used in every other role."""
    secret = tried.desk.roster.add_token("an owner", Role.TRADER, None, LOCAL)[1]
    made = []
    async with tried.client() as client:
        owner = Caller(client, secret)
        await owner.run("note_write", symbol="AAA", text=OWN)
        for name, (use, may) in HANDLES.items():
            for column in COLUMNS:
                found = await use(owner, Caller(client, tried.tokens[column]))
                made.append(Trial("handle", name, "another's", column, column in may, found))
        who = tried.desk.roster.of_token(secret)
        assert who is not None
        made += access_ids.in_pages(tried.desk, who, tried.who)
        made += await access_ids.streams(tried.app, owner, tried.tokens)
        for name, headers in _no_secrets(tried.desk, secret).items():
            status = (await client.get("/", headers=headers)).status_code
            let_in = status not in (401, 403, 429)
            made.append(Trial("handle", name, "no secret", "nobody", expected=False, found=let_in))
    return made


def _no_secrets(desk: Desk, secret: str) -> dict[str, dict[str, str]]:
    """What the desk shows or keeps of ways in, which let nobody in."""
    who = desk.roster.of_token(secret)
    assert isinstance(who, Principal)
    session = desk.roster.begin(who)
    shown = next(s.session_id for s in desk.roster.sessions() if s.sha256 == digest(session))
    texts = {"id": who.subject, "digest": digest(secret), "name": who.name}
    cookies = {"id": shown, "digest": digest(session), "token": secret, "owner": who.subject}
    ways = {f"a token's {k}": {"Authorization": f"Bearer {v}"} for k, v in texts.items()}
    ways |= {f"a session's {k}": {"Cookie": f"{COOKIE}={v}"} for k, v in cookies.items()}
    inside = {"X-Openbell-Reader": who.subject, "X-Openbell-Person": digest("\n".join(who.key))}
    proxied = {"X-Forwarded-User": who.name, "X_Forwarded_User": who.name}
    return ways | {"a socket's mark": inside, "a proxy's word": proxied}
