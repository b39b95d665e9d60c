"""The doors, an ASGI middleware behind the gate: nobody gets past them who may not read.

On a desk of one person (`OPENBELL_ACCESS=open`) whoever is on this machine is in. On a shared one a
page, a file or a WebSocket needs a session; the API takes tokens, and judges each call itself.
What is public is named here; all else needs a viewer.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import quote

import anyio.to_thread

from app.api import correlating, problems
from app.doors import credentials, sockets
from app.doors.credentials import CALLER, Visitor
from app.doors.limits import Knocks, Rates, network_of
from app.gate import Application, Message, Receive, Scope, Send
from core.domain.access.principals import Role
from core.errors import OpenbellError, RoleError, SignInError, TooManyError
from core.observe import logs
from core.observe.sparing import Sparing
from core.service.desk import Desk
from core.service.kernel import access

if TYPE_CHECKING:
    from app.doors.provider import Provider

SIGN_IN, SIGN_OUT = "/sign-in", "/sign-out"
PUBLIC = (  # no data of the desk: signs of life, the way in, the frame of the pages
    "/api/health/live", "/api/health/ready", "/api/health/startup", "/_stcore/health",
    SIGN_IN, SIGN_OUT,
    "/favicon.png", "/manifest.json",
)  # fmt: skip
PUBLIC_BELOW = ("/static/", "/sign-in/")
FOR_PROGRAMS = "/api/"  # answers of it, refusals too, are read by programs, but for one page
CLOSED_BELOW = (  # of Streamlit, and of no use here: files into a session, agents, its own sign-in
    "/_stcore/upload_file/", "/_stcore/agent/", "/auth/", "/oauth2callback",
)  # fmt: skip
JUDGED_BELOW = ("/api/v1/",)  # each call names its own role
log = Sparing("doors")
NOT_HERE = (
    "This desk is for whoever is on its machine. To let others in, set OPENBELL_ACCESS=token."
)


@dataclass(slots=True)
class House:
    """What the doors of one desk keep in memory."""

    desk: Desk
    limits: Rates
    knocks: Knocks
    open: sockets.Sockets = field(default_factory=sockets.Sockets)
    provider: Provider | None = None  # whose word counts, with OPENBELL_ACCESS=oidc


def house(desk: Desk) -> House:
    """The memory of the doors of a desk, which hears of changes of its roster."""
    made = House(desk, Rates(desk.settings), Knocks(desk.settings))
    if desk.settings.access == "oidc":
        from app.doors.provider import Provider  # keys and proofs that other desks do without

        made.provider = Provider(desk.settings)
    desk.roster.listeners.append(made.open.end)
    return made


def is_public(path: str) -> bool:
    """Whether a path is open to everyone."""
    return path in PUBLIC or path.startswith(PUBLIC_BELOW)


class Doors:
    """An ASGI application behind its doors; `find` gives what they keep once the desk is open."""

    def __init__(self, app: Application, find: Callable[[], House | None]) -> None:
        self.app, self.find = app, find

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand on what may pass; refuse the rest."""
        inside = self.find()
        if inside is None or scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        scope = {**scope, "headers": [p for p in scope["headers"] if p[0] not in sockets.INSIDE]}
        if inside.desk.settings.access == "open" and not credentials.began_here(scope):
            with logs.correlated(correlating.given(scope)):
                await refuse(scope, receive, send, RoleError(NOT_HERE))
            return
        caller = credentials.of(scope, inside.desk)
        with logs.correlated(correlating.given(scope)):
            try:
                headers = await _counted(inside, scope["path"], caller)
                await _judge(inside, scope["path"], caller)
            except OpenbellError as error:
                await self._turn_away(scope, receive, send, error, caller)
                return
        scope[CALLER] = caller
        await self._let_in(inside, scope, receive, _with(send, headers), caller)

    async def _let_in(
        self, inside: House, scope: Scope, receive: Receive, send: Send, caller: Visitor
    ) -> None:
        if scope["type"] != "websocket" or caller.who is None:
            await self.app(scope, receive, send)
            return
        socket = inside.open.open(caller)
        try:
            heard = sockets.ending(socket, inside.desk.roster, receive, send)
            with access.heard_from(caller.who):
                await self.app(sockets.marked(scope, socket), heard, send)
        finally:
            inside.open.close(socket)

    async def _turn_away(
        self, scope: Scope, receive: Receive, send: Send, error: OpenbellError, caller: Visitor
    ) -> None:
        if isinstance(error, SignInError) and _is_visit(scope) and not caller.bearer:
            query = scope.get("query_string", b"").decode("latin-1")
            asked = scope["path"] + (f"?{query}" if query else "")
            where = f"{SIGN_IN}?next={quote(asked, safe='')}"
            headers = [(b"location", where.encode()), (b"cache-control", b"no-store")]
            await send({"type": "http.response.start", "status": 303, "headers": headers})
            await send({"type": "http.response.body", "body": b""})
            return
        await refuse(scope, receive, send, error)


async def _counted(inside: House, path: str, caller: Visitor) -> list[tuple[bytes, bytes]]:
    """Count a request of the API or of the way in; the headers that say how the caller stands."""
    if caller.own or not path.startswith(("/api/", SIGN_IN)) or is_sign_of_life(path):
        return []
    standing = await inside.limits.ask("address", network_of(caller.address))
    if caller.who is not None:
        standing = await inside.limits.ask("principal", " ".join(caller.who.key))
    return standing.headers


def is_sign_of_life(path: str) -> bool:
    """Whether probes ask for it, as often as they like."""
    return path.startswith("/api/health/") and path in PUBLIC


async def _judge(inside: House, path: str, caller: Visitor) -> None:
    """Whether a caller may pass; the error that says why not."""
    shared = inside.desk.settings.access != "open"
    closed = path.startswith(CLOSED_BELOW)
    if caller.wrong and (shared or path.startswith("/api/")):
        await knocked(inside, caller.address)
        raise SignInError("the token does not count here", hint="ask an admin of the desk for one")
    if not closed and (not shared or is_public(path) or path.startswith(JUDGED_BELOW)):
        return
    if shared and caller.who is None:
        raise SignInError("sign in first", hint=f"open {SIGN_IN}, or send Authorization: Bearer …")
    if closed:
        raise RoleError("the desk has no use for that")
    if caller.who is None or not caller.who.may(Role.VIEWER):
        raise RoleError("a viewer may read the desk")


async def knocked(inside: House, address: str) -> None:
    """Answer a wrong token late; TooManyError for too many of them, which an admin is told of."""
    log.warning("wrong credentials refused", client=address, given=True)
    try:
        pause, told = await inside.knocks.wrong(address)
    except TooManyError:
        if told := inside.knocks.alarm(address):
            await anyio.to_thread.run_sync(inside.desk.roster.alarm, told)
        raise
    if told:
        await anyio.to_thread.run_sync(inside.desk.roster.alarm, told)
    await anyio.sleep(pause)


def _is_visit(scope: Scope) -> bool:
    """Whether a person opens an address, so that a page can be shown instead of an error.

    What a program asks for is none, also where it would take a page: it would read the way in.
    """
    if scope["type"] != "http" or scope["method"] != "GET":
        return False
    if scope["path"].startswith(FOR_PROGRAMS) and scope["path"] != problems.DOCS:
        return False
    return "text/html" in (credentials.header(scope, b"accept") or "")


def _with(send: Send, headers: list[tuple[bytes, bytes]]) -> Send:
    async def add(message: Message) -> None:
        if message["type"] == "http.response.start":
            message = {**message, "headers": [*message.get("headers", ()), *headers]}
        await send(message)

    return add if headers else send


async def refuse(scope: Scope, receive: Receive, send: Send, error: OpenbellError) -> None:
    """An error of ours as a problem document, also to a WebSocket where the server can send one."""
    status = problems.status_of(error)
    kind = "http.response"
    if scope["type"] == "websocket":
        kind = "websocket.http.response"
        await receive()
        if kind not in (scope.get("extensions") or {}):
            await send({"type": "websocket.close", "code": 1008, "reason": error.message[:100]})
            return
    body = problems.of_error(error, scope["path"])
    told = {**problems.headers_of(error), "Content-Type": problems.MEDIA}
    headers = [(name.lower().encode(), value.encode()) for name, value in told.items()]
    headers += [(b"content-length", str(len(body)).encode()), (b"cache-control", b"no-store")]
    headers.append((b"x-correlation-id", (logs.correlation_id() or "").encode()))
    await send({"type": f"{kind}.start", "status": status, "headers": headers})
    await send({"type": f"{kind}.body", "body": body})
