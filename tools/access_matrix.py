"""Who may do what, tried: `python -m tools.access_matrix` (`make matrix`) prints the table.

Every command, export, action, route and the WebSocket is tried as nobody, as each role, and with a
revoked token; by the API, by a page's session, and by the command line beside a desk and without
one. Nothing is changed: what is let through meets an argument that nothing takes. What each should
answer stands in `access_tables` by hand, so that a role that was declared wrongly is found, too.
"""

from __future__ import annotations

import asyncio
import importlib
import pkgutil
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import anyio.to_thread
import httpx
from rich.console import Console
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket

import core.service
from app import address, navigation
from app import run as runner
from app.api import main as api
from app.doors import limits, middleware
from app.doors.credentials import COOKIE
from core import settings
from core.domain.access.principals import LOCAL, NOBODY, ORDER, Principal, Role
from core.errors import AccessError, RoleError, TooManyError, UsageError
from core.observe import logs
from core.service import current
from core.service.desk import Desk
from core.service.kernel import access, commands, exports
from tools import access_handles, access_lines, access_routes
from tools.access_tables import ACTIONS, CLOSED, COMMANDS, EXPORTS, FILES, OPEN, READ, READS
from tools.access_trials import COLUMNS, STRANGERS, Trial, shown

NOT_AN_ARGUMENT = "no such argument"


class Tried:
    """A shared desk behind its doors, with somebody of every role."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.who: dict[str, Principal] = {"nobody": NOBODY}
        self.tokens, self.sessions = {"nobody": ""}, {"nobody": ""}
        for column in COLUMNS[1:]:
            role = Role.ADMIN if column == "revoked" else Role(column)
            token, self.tokens[column] = desk.roster.add_token(column, role, None, LOCAL)
            self.who[column] = token.principal
            self.sessions[column] = desk.roster.begin(token.principal)
        desk.roster.revoke_token("revoked", LOCAL)
        self.folder = address.announce(desk.settings.data_dir, "127.0.0.1", 1)
        self.own = self.folder.token
        house = middleware.house(desk)
        inner = Starlette(
            routes=[
                api.mounted(),
                WebSocketRoute("/_stcore/stream", _accept),
                Route("/{path:path}", _page),
            ]
        )
        self.app: Any = middleware.Doors(inner, lambda: house)

    def client(self) -> httpx.AsyncClient:
        """A caller from another machine."""
        transport = httpx.ASGITransport(self.app, client=("10.0.0.7", 1))
        return httpx.AsyncClient(transport=transport, base_url="http://desk", timeout=60)


async def _page(_: Request) -> PlainTextResponse:
    return PlainTextResponse("let in")


async def _accept(socket: WebSocket) -> None:
    await socket.accept()
    await socket.close()


def allowed(column: str, role: Role | None) -> bool:
    """Whether a column may what needs a role; None: it is public."""
    return role is None or (
        column not in STRANGERS and ORDER.index(Role(column)) >= ORDER.index(role)
    )


def know_all() -> None:
    """Import every module of the service: each makes known what it declares."""
    for module in pkgutil.walk_packages(core.service.__path__, "core.service."):
        importlib.import_module(module.name)


def unlisted() -> list[str]:
    """What is registered and stands in no table here, or the other way round."""
    know_all()
    pairs = (
        ("command", commands.command.entries, COMMANDS),
        ("export", exports.export.entries, EXPORTS),
        ("action", access.ACTIONS, ACTIONS),
    )
    return [
        f"{kind} {name}"
        for kind, registered, table in pairs
        for name in sorted(set(registered) ^ set(table))
    ] + access_routes.unlisted()


async def use_cases(tried: Tried) -> list[Trial]:
    """Commands and exports by the API, with tokens."""
    made = []
    wrong = {NOT_AN_ARGUMENT: 1}
    kinds: tuple[tuple[str, dict[str, Role], Any], ...] = (
        ("command", COMMANDS, wrong),
        ("export", EXPORTS, {"filters": wrong}),
    )
    async with tried.client() as client:
        for kind, table, body in kinds:
            for name, role in table.items():
                path = f"/api/v1/{kind}s/{name}"
                for column in COLUMNS:
                    status = await _asked(client, path, tried.tokens[column], body)
                    made.append(_judged(kind, name, "API", column, allowed(column, role), status))
    return made


async def files(tried: Tried) -> list[Trial]:
    """Exports as files that a browser or a script fetches: with a session, and with a token."""
    made = []
    async with tried.client() as client:
        for name, role in EXPORTS.items():
            for column in COLUMNS:
                for way, headers in _ways(tried, column):
                    path, wrong = f"/api/v1/exports/{name}", {NOT_AN_ARGUMENT: 1}
                    status = (await client.get(path, params=wrong, headers=headers)).status_code
                    expected = allowed(column, role)
                    made.append(_judged("export", name, f"file, {way}", column, expected, status))
    return made


async def resources(tried: Tried) -> list[Trial]:
    """Every route of API v1, as it is declared: with tokens, and with the desk's own."""
    made = []
    tokens = [("API", column, tried.tokens[column]) for column in COLUMNS]
    async with tried.client() as client:
        for route in access_routes.routes():
            for way, column, token in [*tokens, ("command line", "admin", tried.own)]:
                headers = {"Accept": access_routes.MEDIA}
                headers |= {"Authorization": f"Bearer {token}"} if token else {}
                asked: dict[str, Any] = {"params": route.query, "json": route.body}
                answer = await client.request(route.method, route.path, headers=headers, **asked)
                expected, status = allowed(column, route.role), answer.status_code
                made.append(_judged(route.kind, route.name, way, column, expected, status))
    return made


async def widgets(tried: Tried) -> list[Trial]:
    """What other sites' pages may ask for: a session, which browsers add by themselves, is none."""
    made = []
    async with tried.client() as client:
        for asked in access_routes.widgets():
            for column in COLUMNS[1:]:
                headers = {"Cookie": f"{COOKIE}={tried.sessions[column]}"}
                status = (await client.get(asked.path, headers=headers)).status_code
                trial = (asked.kind, asked.name, "session", column)
                made.append(Trial(*trial, expected=False, found=status not in (401, 403, 429)))
    return made


def command_lines(tried: Tried) -> Iterator[Trial]:
    """Commands and exports as the command line asks: of a running desk, and where none runs."""
    own = {"the folder's": (tried.own, LOCAL)}
    given = {c: (tried.tokens[c], tried.who[c]) for c in COLUMNS if c != "nobody"}
    for column, (token, who) in {**given, **own}.items():
        shown = "admin" if column in own else column
        beside = "command line, own token" if column in own else "command line"
        yield from _lines(beside, shown, access_lines.remote(tried.app, tried.folder, token))
        if column not in STRANGERS:  # such a token opens no store: tests/integration
            with access.acting(who):
                yield from _lines(f"{beside}, no desk", shown, runner.Local(tried.desk))


def _lines(way: str, column: str, caller: runner.Caller) -> Iterator[Trial]:
    wrong = {NOT_AN_ARGUMENT: 1}
    for name, role in COMMANDS.items():
        found = _let_in(partial(caller.call, name, **wrong))
        yield Trial("command", name, way, column, allowed(column, role), found)
    for name, role in EXPORTS.items():
        found = _let_in(partial(caller.export, name, "csv", wrong))
        yield Trial("export", name, way, column, allowed(column, role), found)


def _let_in(ask: Callable[[], object]) -> bool:
    """Whether what is asked gets as far as its arguments."""
    try:
        ask()
    except (RoleError, AccessError, TooManyError):
        return False
    except (TypeError, UsageError):
        pass
    return True


def _judged(kind: str, name: str, way: str, column: str, expected: bool, status: int) -> Trial:
    if status not in (200, 401, 403, 422, 429):
        raise AssertionError(f"{kind} {name} as {column}: {status}")
    return Trial(kind, name, way, column, expected, status in (200, 422))


async def _asked(client: httpx.AsyncClient, path: str, token: str, body: Any) -> int:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    return (await client.post(path, headers=headers, json=body)).status_code


def actions(tried: Tried) -> Iterator[Trial]:
    """What pages call to change something, as the reader of the page."""
    for name, role in ACTIONS.items():
        for column in COLUMNS:
            function = access.ACTIONS[name].function
            with access.acting(tried.who[column]):
                found = _let_in(partial(function, tried.desk, **{NOT_AN_ARGUMENT: 1}))
            yield Trial("action", name, "page", column, allowed(column, role), found)
    for name, role in READS.items():
        for column in COLUMNS:
            with access.acting(tried.who[column]):
                found = _let_in(partial(access_routes.reads()[name], tried.desk))
            yield Trial("read", name, "page", column, allowed(column, role), found)


async def routes(tried: Tried, pages: Iterable[str]) -> list[Trial]:
    """Pages, files and other routes with a session, and with a token."""
    wanted: list[tuple[str, Role | None]] = [(path, None) for path in OPEN]
    wanted += [
        (path, Role.VIEWER) for path in (*FILES, *READ, *(f"/{page}" for page in pages), "/")
    ]
    wanted += [(path, Role.ADMIN) for path in CLOSED]
    made = []
    for path, role in wanted:
        for column in COLUMNS:
            for way, headers in _ways(tried, column):
                async with tried.client() as client:
                    status = (await client.get(path, headers=headers)).status_code
                found = status not in (401, 403, 429)
                # a token that does not count is refused even where none is needed
                expected = allowed(column, role) and (column, way) != ("revoked", "token")
                expected = expected and path not in CLOSED
                made.append(Trial("route", path, way, column, expected, found))
    return made


def _ways(tried: Tried, column: str) -> list[tuple[str, dict[str, str]]]:
    token, session = tried.tokens[column], tried.sessions[column]
    return [
        ("token", {"Authorization": f"Bearer {token}"} if token else {}),
        ("session", {"Cookie": f"{COOKIE}={session}"} if session else {}),
    ]


async def sockets(tried: Tried) -> list[Trial]:
    """The raw WebSocket of the pages, with a session and with a token."""
    made = []
    for column in COLUMNS:
        for way, headers in _ways(tried, column):
            sent: list[Any] = []
            raw = [(k.lower().encode(), v.encode()) for k, v in headers.items()]
            scope = {
                "type": "websocket", "path": "/_stcore/stream", "headers": raw, "scheme": "ws",
                "client": ("10.0.0.7", 1), "query_string": b"", "subprotocols": [],
                "extensions": {"websocket.http.response": {}},
            }  # fmt: skip

            async def receive() -> Any:
                return {"type": "websocket.connect"}

            async def send(message: Any, sent: list[Any] = sent) -> None:
                sent.append(message["type"])

            await tried.app(scope, receive, send)
            found = "websocket.accept" in sent
            made.append(
                Trial(
                    "WebSocket", "/_stcore/stream", way, column, allowed(column, Role.VIEWER), found
                )
            )
    return made


async def run(desk: Desk, pages: Iterable[str]) -> list[Trial]:
    """All trials on a shared desk; answers to what does not count come at once."""
    limits.FIRST_PAUSE = 0.0
    know_all()
    tried = Tried(desk)
    made = await use_cases(tried) + await files(tried) + await resources(tried)
    made += await anyio.to_thread.run_sync(lambda: [*command_lines(tried), *actions(tried)])
    made += await routes(tried, pages)
    made += await sockets(tried) + await widgets(tried)
    return made + await access_handles.handles(tried)


def main() -> int:
    """Print the table; 1 when anything is not as it should be."""
    logs.configure("console", "ERROR")  # refusals are what is looked for
    with tempfile.TemporaryDirectory() as folder:
        rates = {"limit_principal": "999999/second", "limit_address": "999999/second"}
        chosen = settings.load(data_dir=Path(folder) / "desk", access="token", **rates)
        with Desk.open(chosen) as desk:
            current.use(desk)
            pages = [entry.name for group in navigation.present().values() for entry in group]
            trials = asyncio.run(run(desk, pages))
            current.use(None)
    shown(trials, Console(width=140))
    missing = unlisted()
    if missing:
        sys.stdout.write(f"in no table: {', '.join(missing)}\n")
    return int(bool(missing) or any(trial.verdict != "right" for trial in trials))


if __name__ == "__main__":
    raise SystemExit(main())
