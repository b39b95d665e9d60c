"""The doors of a shared desk: what is public, how one signs in, what ends when one may no more."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import anyio
import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from app import address
from app.doors import middleware, sign_in, sockets
from app.doors.credentials import COOKIE
from core.domain.access.principals import LOCAL, Role
from core.service.desk import Desk
from tests import api_desk

PEER = ("10.0.0.7", 5000)
PAGE = {"Accept": "text/html"}


async def _page(request: Request) -> PlainTextResponse:
    return PlainTextResponse(request.headers.get(sockets.HANDLE.decode(), "page"))


async def _echo(socket: WebSocket) -> None:
    await socket.accept()
    try:
        while True:
            await socket.send_text(socket.headers[sockets.HANDLE.decode()])
            await socket.receive_text()
    except WebSocketDisconnect:
        pass


class Visited:
    """A desk behind its doors, without a socket."""

    def __init__(self, desk: Desk, peer: tuple[str, int] = PEER) -> None:
        self.desk, self.house = desk, middleware.house(desk)
        inner = Starlette(
            routes=[
                Mount("/api", app=api_desk.application()),
                *sign_in.routes(lambda: self.house),
                WebSocketRoute("/_stcore/stream", _echo),
                Route("/{path:path}", _page),
            ]
        )
        self.app: Any = middleware.Doors(inner, lambda: self.house)
        self.peer = peer

    def client(self, **headers: str) -> httpx.AsyncClient:
        transport = httpx.ASGITransport(self.app, client=self.peer)
        return httpx.AsyncClient(transport=transport, base_url="http://desk", headers=headers)

    def token(self, role: Role, name: str = "t") -> str:
        return self.desk.roster.add_token(name, role, None, LOCAL)[1]


@pytest.fixture
def shared(make_desk: Callable[..., Desk]) -> Visited:
    """A desk of several people."""
    return Visited(make_desk(access="token"))


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Answers to wrong tokens come at once here."""

    async def sleep(_: float) -> None:
        return None

    monkeypatch.setattr(anyio, "sleep", sleep)


async def test_a_stranger_sees_signs_of_life_and_the_way_in(shared: Visited) -> None:
    """All else is refused: as a page with the way in, as JSON with what to do."""
    async with shared.client() as client:
        for path in ("/api/health/live", "/_stcore/health", "/static/js/x.js", "/sign-in"):
            assert (await client.get(path)).status_code == 200, path
        closed = ("/media/x.csv", "/api/metrics", "/metrics", "/api/health/detailed")
        for path in (*closed, "/api/openapi.json", "/_stcore/upload_file/x", "/component/x", "/"):
            answer = await client.get(path)
            assert (answer.status_code, answer.json()["error"]["type"]) == (401, "SignInError")
            assert answer.headers["www-authenticate"].startswith("Bearer")
        led = await client.get("/plans?symbol=AAA&view=Decided", headers=PAGE)
    assert led.status_code == 303
    assert led.headers["location"] == "/sign-in?next=%2Fplans%3Fsymbol%3DAAA%26view%3DDecided"


async def test_what_programs_ask_for_is_refused_as_a_document(shared: Visited) -> None:
    """Whatever they would take: below the API, but for its page, and wherever a token came."""
    wrong = {"Authorization": "Bearer obt_x", "Accept": "text/html,*/*"}
    paths = ("openbb/widgets.json", "openbb/scan", "v1/plans", "mcp", "nothing", "docs/x")
    async with shared.client() as client:
        for path in (*paths, "openapi.json", "metrics"):
            for headers in (wrong, PAGE):
                answer = await client.get(f"/api/{path}", headers=headers)
                assert answer.status_code == 401, path
                assert answer.headers["content-type"] == "application/problem+json", path
        assert (await client.get("/plans", headers=wrong)).status_code == 401
        led = await client.get("/api/docs", headers=PAGE)
    assert (led.status_code, led.headers["location"]) == (303, "/sign-in?next=%2Fapi%2Fdocs")


async def test_signing_in_leads_to_what_was_asked_for(shared: Visited) -> None:
    """The session is in a cookie that no script reads; signing out ends it."""
    token = shared.token(Role.VIEWER)
    async with shared.client() as client:
        form = {"token": token, "next": "/plans?symbol=AAA"}
        answer = await client.post("/sign-in", data=form)
        assert (answer.status_code, answer.headers["location"]) == (303, "/plans?symbol=AAA")
        kept = answer.headers["set-cookie"].lower()
        assert "httponly" in kept
        assert "samesite=lax" in kept
        secret = client.cookies[COOKIE]
        assert (await client.get("/plans")).text == "page"
        assert (await client.get("/api/metrics")).status_code == 200
        out = await client.get("/sign-out")
        assert out.headers["location"] == "/sign-in?out"
        told = (await client.get("/sign-in?out")).text
        assert '<p role="status">You are signed out.</p>' in told
        client.cookies.set(COOKIE, secret, domain="desk")
        assert (await client.get("/plans")).status_code == 401


@pytest.mark.parametrize(
    "evil", ["//evil.example", "https://evil.example", "/\\evil.example", "/a\r\nX: y", "evil", ""]
)
async def test_nobody_is_led_elsewhere(shared: Visited, evil: str) -> None:
    """The view to return to is a path of this desk, or the landing page."""
    token = shared.token(Role.VIEWER)
    async with shared.client() as client:
        answer = await client.post("/sign-in", data={"token": token, "next": evil})
    assert answer.headers["location"] == "/"


async def test_a_cookie_reads_but_changes_nothing_by_api(shared: Visited) -> None:
    """A page of elsewhere could make a browser send it; a token it cannot."""
    token = shared.token(Role.ADMIN)
    async with shared.client() as client:
        await client.post("/sign-in", data={"token": token, "next": "/"})
        assert (await client.get("/api/v1/commands")).status_code == 200
        assert (await client.post("/api/v1/commands/watch_list")).status_code == 401
        bearer = {"Authorization": f"Bearer {token}"}
        answer = await client.post("/api/v1/commands/watch_list", headers=bearer)
        assert answer.status_code == 200


async def test_the_api_knows_roles(shared: Visited) -> None:
    """401 for nobody, 403 with the role that is needed, else the answer."""
    bearer = {"Authorization": f"Bearer {shared.token(Role.VIEWER)}"}
    async with shared.client() as client:
        assert (await client.post("/api/v1/commands/status")).status_code == 401
        answer = await client.post("/api/v1/commands/status", headers=bearer)
        assert answer.status_code == 200
        answer = await client.post("/api/v1/exports/plans", headers=bearer)
        assert answer.status_code == 200
        answer = await client.post("/api/v1/commands/backup", headers=bearer)
    error = answer.json()["error"]
    assert (answer.status_code, error["type"]) == (403, "RoleError")
    assert "needs the role admin" in error["message"]


async def test_the_desks_own_command_line_is_let_in(shared: Visited) -> None:
    """With the token of desk.json, as ever, and as often as it likes."""
    own = address.announce(shared.desk.settings.data_dir, "127.0.0.1", 1).token
    async with shared.client(Authorization=f"Bearer {own}") as client:
        answer = await client.post("/api/v1/commands/token_list")
        assert (answer.status_code, "ratelimit" in answer.headers) == (200, False)


async def test_wrong_tokens_are_slowed_then_not_looked_at_and_told_once(shared: Visited) -> None:
    """300 of them: 401 late, then 429; the right one is let in all the while."""
    right, codes = shared.token(Role.VIEWER), []
    async with shared.client() as client:
        for number in range(300):
            answer = await client.post("/sign-in", data={"token": f"obt_{number}", "next": "/"})
            codes.append(answer.status_code)
        assert answer.headers["retry-after"] == "60"
        wrong = await client.get("/api/v1/commands", headers={"Authorization": "Bearer obt_x"})
        assert wrong.status_code == 429
        assert (await client.post("/sign-in", data={"token": right})).status_code == 303
    assert (codes.count(401), codes.count(429)) == (20, 280)
    rows = shared.desk.warehouse.read("SELECT detail FROM access_audit WHERE outcome = 'refused'")
    assert rows["detail"].to_list() == ["more than 20 wrong tokens in a minute from 10.0.0.7"]


async def test_who_asks_too_often_is_told_when_to_ask_again(make_desk: Callable[..., Desk]) -> None:
    """Each principal has a limit of its own, each address one for all who ask from there."""
    shared = Visited(make_desk(access="token", limit_principal="3/minute", limit_address="9/hour"))
    one, two = (shared.token(Role.VIEWER, name) for name in ("one", "two"))
    async with shared.client() as client:
        headers = {"Authorization": f"Bearer {one}"}
        found = [await client.get("/api/v1/commands", headers=headers) for _ in range(4)]
        assert [answer.status_code for answer in found] == [200, 200, 200, 429]
        assert found[0].headers["ratelimit-policy"] == '"principal";q=3;w=60'
        assert found[0].headers["ratelimit"].startswith('"principal";r=2;t=')
        assert int(found[3].headers["retry-after"]) >= 1
        headers = {"Authorization": f"Bearer {two}"}
        assert (await client.get("/api/v1/commands", headers=headers)).status_code == 200
        lives = [await client.get("/api/health/live") for _ in range(20)]
        assert {answer.status_code for answer in lives} == {200}
        codes = [(await client.get("/sign-in")).status_code for _ in range(6)]
        assert codes == [200, 200, 200, 200, 429, 429]


def test_an_open_desk_is_for_its_machine(make_desk: Callable[..., Desk]) -> None:
    """Whatever served it where: a connection from elsewhere is refused with the way to do it."""
    desk = make_desk()

    async def ask(peer: tuple[str, int]) -> httpx.Response:
        async with Visited(desk, peer).client() as client:
            return await client.get("/plans", headers=PAGE)

    assert asyncio.run(ask(("127.0.0.1", 1))).status_code == 200
    assert asyncio.run(ask(("::1", 1))).status_code == 200
    refused = asyncio.run(ask(("192.168.1.5", 1)))
    assert refused.status_code == 403
    assert "OPENBELL_ACCESS=token" in refused.json()["error"]["message"]


def test_passwords_of_a_proxy_in_front_are_not_ours(make_desk: Callable[..., Desk]) -> None:
    """An `Authorization` that is no bearer's says nothing here."""

    async def ask() -> int:
        visited = Visited(make_desk(), ("127.0.0.1", 1))
        async with visited.client(Authorization="Basic eDp5") as client:
            return (await client.get("/plans")).status_code

    assert asyncio.run(ask()) == 200


class Wire:
    """A WebSocket of the stream, driven by hand."""

    def __init__(self, visited: Visited, cookie: str) -> None:
        self.sent: list[dict[str, Any]] = []
        self.heard = asyncio.Event()
        self.inbox: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        headers = [(b"cookie", f"{COOKIE}={cookie}".encode()), (sockets.HANDLE, b"forged")]
        scope = {
            "type": "websocket", "path": "/_stcore/stream", "headers": headers, "client": PEER,
            "scheme": "ws", "query_string": b"", "subprotocols": [],
            "extensions": {"websocket.http.response": {}},
        }  # fmt: skip
        self.inbox.put_nowait({"type": "websocket.connect"})
        self.task = asyncio.ensure_future(visited.app(scope, self.inbox.get, self._send))

    async def _send(self, message: dict[str, Any]) -> None:
        self.sent.append(message)
        self.heard.set()

    async def until(self, kind: str) -> dict[str, Any]:
        async with asyncio.timeout(5):
            while True:
                for message in self.sent:
                    if message["type"] == kind:
                        return message
                self.heard.clear()
                await self.heard.wait()


async def test_a_socket_needs_a_session(shared: Visited) -> None:
    """A raw WebSocket, too: without one it is answered 401 and never accepted."""
    wire = Wire(shared, "made up")
    start = await wire.until("websocket.http.response.start")
    await wire.task
    assert start["status"] == 401
    assert "websocket.accept" not in [message["type"] for message in wire.sent]


@pytest.mark.parametrize("how", ["revoked", "signed out", "role changed"])
async def test_an_open_socket_ends_when_its_owner_may_no_more(shared: Visited, how: str) -> None:
    """Within a second; and while it is open its handle tells who reads, whatever was forged."""
    roster = shared.desk.roster
    if how == "role changed":
        who = roster.signed_in("https://id", "u1", "Una", Role.TRADER)
    else:
        who = roster.add_token("t", Role.VIEWER, None, LOCAL)[0].principal
    secret = roster.begin(who)
    wire = Wire(shared, secret)
    handle = (await wire.until("websocket.send"))["text"]
    assert handle != "forged"
    assert shared.house.open.owner(handle) == who
    if how == "revoked":
        roster.revoke_token("t", LOCAL)
    elif how == "signed out":
        roster.end(secret)
    else:
        roster.set_role("https://id", "u1", "", Role.VIEWER, LOCAL)
    async with asyncio.timeout(1):
        closed = await wire.until("websocket.close")
        await wire.task
    assert closed["code"] == sockets.GOING_AWAY
    assert len(shared.house.open) == 0
    again = Wire(shared, secret)
    answer = "websocket.accept" if how == "role changed" else "websocket.http.response.start"
    await again.until(answer)
    again.inbox.put_nowait({"type": "websocket.disconnect", "code": 1000})
    await again.task
    await asyncio.sleep(0)  # what was called off ends
    assert asyncio.all_tasks() == {asyncio.current_task()}


@pytest.mark.parametrize(("proxies", "expected"), [("10.0.0.7", True), ("10.0.0.8", False)])
async def test_behind_tls_the_session_travels_over_tls_alone(
    make_desk: Callable[..., Desk], proxies: str, expected: bool
) -> None:
    """The proxy in front says so; a stranger who says it changes nothing."""
    visited = Visited(make_desk(access="token", trusted_proxies=proxies))
    async with visited.client(**{"X-Forwarded-Proto": "https"}) as client:
        answer = await client.post("/sign-in", data={"token": visited.token(Role.VIEWER)})
    assert ("secure" in answer.headers["set-cookie"].lower()) == expected


async def test_files_of_the_machine_are_for_its_own_command_line(shared: Visited) -> None:
    """Somebody elsewhere names what lies in `incoming`, and nothing else."""
    folder = shared.desk.settings.data_dir / "incoming"
    folder.mkdir()
    (folder / "bars.csv").write_text("date,open\n")
    (folder / "out").symlink_to("/etc")
    own = address.announce(shared.desk.settings.data_dir, "127.0.0.1", 1).token
    token, path = shared.token(Role.ANALYST), "/api/v1/commands/import"
    asked = {"dataset": "prices.daily", "dry_run": True}
    async with shared.client(Authorization=f"Bearer {token}") as client:
        for outside in ("/etc/hostname", "../desk.json", "out/hostname"):
            answer = await client.post(path, json={**asked, "path": outside})
            assert (answer.status_code, "own command line" in answer.text) == (422, True), outside
        answer = await client.post(path, json={**asked, "path": "bars.csv"})
        assert "own command line" not in answer.text
        bearer = {"Authorization": f"Bearer {own}"}
        answer = await client.post(path, json={**asked, "path": "/etc/hostname"}, headers=bearer)
        assert "own command line" not in answer.text
