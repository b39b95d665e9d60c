"""What let somebody in is over: a session signed out, a secret changed, a role taken."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from datetime import timedelta
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette

from app.api import events as api_events
from app.doors import credentials, middleware, sign_in, sockets
from app.doors.credentials import COOKIE, Visitor
from core.domain.access.principals import LOCAL, Role
from core.domain.access.tokens import Person
from core.errors import StoreError
from core.service.activity import feed
from core.service.desk import Desk
from core.service.kernel import relayed_roster
from core.service.kernel.relayed_roster import RelayedRoster
from core.store import access as store
from core.store.warehouse import Warehouse
from tests import api_desk


@pytest.fixture
def shared(make_desk: Callable[..., Desk]) -> Desk:
    return make_desk(access="token")


def _visitor(desk: Desk, **headers: str) -> Visitor:
    """Who sends such headers."""
    raw = [(name.encode(), value.encode()) for name, value in headers.items()]
    scope = {"type": "http", "headers": raw, "client": ("10.0.0.7", 1), "scheme": "http"}
    return credentials.of(scope, desk)


async def _streamed(desk: Desk, caller: Visitor, end: Callable[[], Any]) -> int:
    """How many parts a stream told until it ended of itself, after that was done."""
    parts = 0
    async with asyncio.timeout(5):
        async for _ in api_events.follow(desk, feed.chosen(), "", caller, heartbeat_seconds=0.0):
            parts += 1
            if parts == 3:
                end()
    return parts


@pytest.mark.parametrize("how", ["signed out", "revoked", "secret changed"])
async def test_a_stream_of_events_ends_with_what_let_its_listener_in(
    shared: Desk, how: str
) -> None:
    """Not only with their role: whoever took a session or a secret would go on listening."""
    roster = shared.roster
    token, secret = roster.add_token("t", Role.VIEWER, None, LOCAL)
    session = roster.begin(token.principal)
    told: dict[str, tuple[dict[str, str], Callable[[], Any]]] = {
        "signed out": ({"cookie": f"{COOKIE}={session}"}, lambda: roster.end(session)),
        "revoked": ({"cookie": f"{COOKIE}={session}"}, lambda: roster.revoke_token("t", LOCAL)),
        "secret changed": (
            {"authorization": f"Bearer {secret}"},
            lambda: roster.rotate_token("t", timedelta(0), LOCAL),
        ),
    }
    headers, end = told[how]
    assert await _streamed(shared, _visitor(shared, **headers), end) >= 3


def test_to_listen_is_no_use_of_a_token(shared: Desk) -> None:
    """Each would be a commit, which would wake every listener."""
    secret = shared.roster.add_token("t", Role.VIEWER, None, LOCAL)[1]
    caller = _visitor(shared, authorization=f"Bearer {secret}")
    shared.roster.flush()
    commits = shared.warehouse.commits
    assert credentials.still_reads(shared.roster, caller)
    shared.roster.flush()
    assert shared.warehouse.commits == commits


async def test_a_sign_in_ends_the_session_that_the_browser_had(shared: Desk) -> None:
    """Whoever kept its cookie has nothing (ASVS 7.2.4)."""
    house = middleware.house(shared)
    secret = shared.roster.add_token("t", Role.VIEWER, None, LOCAL)[1]
    app = Starlette(routes=list(sign_in.routes(lambda: house)))
    transport = httpx.ASGITransport(app, client=("10.0.0.7", 1))
    async with httpx.AsyncClient(transport=transport, base_url="http://desk") as browser:
        given = []
        for _ in range(2):
            await browser.post("/sign-in", data={"token": secret})
            given.append(browser.cookies[COOKIE])
    first, second = (shared.roster.of_session(session) for session in given)
    assert (first, second is not None) == (None, True)


@pytest.mark.parametrize(
    "view", ["/./sign-out", "/x/../sign-out", "/sign%2dout", "/%2e/sign-in?x", "/.//sign-out"]
)
def test_no_spelling_leads_out_again(view: str) -> None:
    """Browsers resolve dots and numbers."""
    assert sign_in.asked(view) == "/"


@pytest.mark.parametrize("hours", [0, 2])
def test_sessions_end_with_the_secret_that_began_them(shared: Desk, hours: int) -> None:
    """Also after a restart; those that the new secret began stay."""
    roster = shared.roster
    token = roster.add_token("t", Role.VIEWER, None, LOCAL)[0]
    other = roster.begin(roster.add_token("other", Role.VIEWER, None, LOCAL)[0].principal)
    old, start = roster.begin(token.principal), shared.now()
    roster.rotate_token("t", timedelta(hours=hours), LOCAL)
    new = roster.begin(token.principal)
    for _ in range(2):
        roster._loaded = False
        roster._now = lambda: start + timedelta(hours=hours, seconds=-5)
        assert (roster.of_session(old) is not None) == bool(hours)
        roster._now = lambda: start + timedelta(hours=hours, seconds=5)
        assert [roster.of_session(s) is not None for s in (old, new, other)] == [False, True, True]


def test_a_second_change_ends_the_first_secret_at_once_for_good(shared: Desk) -> None:
    """No older backup lets it in until the end that the first change had set."""
    roster = shared.roster
    first = roster.add_token("t", Role.VIEWER, None, LOCAL)[1]
    kept = roster.tokens()[0]
    for _ in range(2):
        roster.rotate_token("t", timedelta(hours=9), LOCAL)
    assert roster.of_token(first) is None
    until = roster._withdrawn.until(kept.sha256)
    assert until is not None
    assert until <= shared.now()


async def test_an_answer_is_given_again_to_who_may_ask_for_it_still(
    make_desk: Callable[..., Desk],
) -> None:
    """A key keeps what an admin was told; as an analyst they are refused."""
    desk = api_desk.open_desk(make_desk)
    who = desk.roster.signed_in("https://id", "u1", "Una", Role.ADMIN)
    caller = Visitor(who, "10.0.0.7", bearer=True)

    class Known:
        def __init__(self, app: Any) -> None:
            self.app = app

        async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
            await self.app({**scope, credentials.CALLER: caller}, receive, send)

    transport = httpx.ASGITransport(Known(api_desk.application()))
    async with httpx.AsyncClient(transport=transport, base_url="http://desk") as client:
        asked = {"json": {}, "headers": {"Idempotency-Key": "k-1"}}
        first = await client.post("/v1/commands/token_list", **asked)  # type: ignore[arg-type]
        desk.roster.set_role("https://id", "u1", "", Role.ANALYST, LOCAL)
        again = await client.post("/v1/commands/token_list", **asked)  # type: ignore[arg-type]
    assert (first.status_code, again.status_code) == (200, 403)


def test_a_desk_that_reads_hears_of_roles_and_sessions_that_changed_elsewhere(
    shared: Desk,
) -> None:
    """Pages that are open there end as they do beside the store."""
    writer = shared.roster
    reader = RelayedRoster(shared.warehouse, shared.settings, shared.now, None)  # type: ignore[arg-type]
    una = writer.signed_in("https://id", "u1", "Una", Role.TRADER)
    ben = writer.signed_in("https://id", "u2", "Ben", Role.TRADER)
    session = writer.begin(ben)
    told: list[tuple[str, str]] = []
    reader.listeners.append(told.append)
    reader.people()
    reader.of_session(session)
    writer.set_role("https://id", "u1", "", Role.VIEWER, LOCAL)
    writer.end(session)
    reader.of_session("")
    reader.current(una)
    assert sorted(told) == [una.key, ben.key]
    assert sockets.LOOK_SECONDS <= 0.5  # where nobody else asks, an open page does


def test_who_asks_while_a_change_is_read_waits_for_it(
    shared: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was known before is no answer: whoever signed in elsewhere would be turned away."""
    reader = RelayedRoster(shared.warehouse, shared.settings, shared.now, None)  # type: ignore[arg-type]
    reader.people()
    una = shared.roster.signed_in("https://id", "u1", "Una", Role.TRADER)
    session = shared.roster.begin(una)
    begun, on, people = threading.Event(), threading.Event(), store.people

    def slowly(warehouse: Warehouse) -> list[Person]:
        begun.set()
        on.wait(5)
        return people(warehouse)

    monkeypatch.setattr(store, "people", slowly)
    with ThreadPoolExecutor(2) as pool:
        looks = pool.submit(reader.look)
        assert begun.wait(5)
        asks = pool.submit(reader.of_session, session)
        assert wait([asks], 0.2).not_done
        on.set()
        looks.result(5)
        assert asks.result(5) == una


def test_nobody_waits_twice_for_a_lake_that_does_not_answer(
    shared: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who was known stays so: one at a time tries again, a second later, and the others go on."""
    reader = RelayedRoster(shared.warehouse, shared.settings, shared.now, None)  # type: ignore[arg-type]
    una = shared.roster.signed_in("https://id", "u1", "Una", Role.TRADER)
    reader.people()
    shared.roster.signed_in("https://id", "u2", "Ben", Role.TRADER)
    begun, on, tried, people = threading.Event(), threading.Event(), [], store.people

    def hangs(_: Warehouse) -> list[Person]:
        tried.append(1)
        begun.set()
        on.wait(5)
        raise StoreError("the lake is out of reach")

    monkeypatch.setattr(store, "people", hangs)
    with ThreadPoolExecutor(2) as pool:
        asks = [pool.submit(reader.current, una) for _ in range(2)]
        assert begun.wait(5)
        on.set()
        assert [ask.result(5).role for ask in asks] == [Role.TRADER] * 2
        assert len(tried) == 1  # who waited does not try as well
        monkeypatch.setattr(relayed_roster, "AGAIN_SECONDS", 0.0)
        reader._again = 0.0
        begun.clear(), on.clear()
        tries = pool.submit(reader.current, una)
        assert begun.wait(5)
        assert reader.current(una).role == Role.TRADER  # while that one tries
        on.set()
        assert tries.result(5).role == Role.TRADER
    monkeypatch.setattr(store, "people", people)
    assert [person.name for person in reader.people()] == ["Ben", "Una"]
