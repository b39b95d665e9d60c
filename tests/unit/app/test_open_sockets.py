"""Open WebSockets: ended from within while they wait, and by whoever looks at their owner."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from app.doors import sockets
from app.doors.credentials import Visitor
from core.domain.access.principals import Principal, Role

ANA = Principal("token", "1", "Ana", Role.ANALYST)


class Line:
    """A connection without a server: what was sent, and what is heard next."""

    def __init__(self) -> None:
        self.sent: list[Any] = []
        self.inbox: asyncio.Queue[Any] = asyncio.Queue()
        self.open = sockets.Sockets()
        self.socket = self.open.open(Visitor(ANA, "127.0.0.1"))
        self.roster = SimpleNamespace(current=lambda who: who)

    async def send(self, message: Any) -> None:
        self.sent.append(message)

    async def receive(self) -> Any:
        heard = await self.inbox.get()
        if isinstance(heard, Exception):
            raise heard
        return heard

    def ending(self) -> Any:
        return sockets.ending(self.socket, self.roster, self.receive, self.send)  # type: ignore[arg-type]


async def test_messages_come_as_they_are_until_the_end() -> None:
    line = Line()
    hear = line.ending()
    for text in ("one", "two"):
        line.inbox.put_nowait({"type": "websocket.receive", "text": text})
    assert [(await hear())["text"], (await hear())["text"]] == ["one", "two"]
    waits = asyncio.ensure_future(hear())
    await asyncio.sleep(0)
    line.open.end(ANA.key)
    assert (await waits)["type"] == "websocket.disconnect"
    assert line.sent == [{"type": "websocket.close", "code": sockets.GOING_AWAY}]


async def test_nothing_said_after_the_end_is_heard() -> None:
    line = Line()
    hear = line.ending()
    line.socket.end_here()
    line.inbox.put_nowait({"type": "websocket.receive", "text": "approve"})
    assert (await hear())["type"] == "websocket.disconnect"


async def test_a_message_that_comes_with_the_end_is_not_heard() -> None:
    line = Line()
    waits = asyncio.ensure_future(line.ending()())
    await asyncio.sleep(0)
    line.inbox.put_nowait({"type": "websocket.receive", "text": "approve"})
    line.socket.end_here()
    assert (await waits)["type"] == "websocket.disconnect"


async def test_a_timeout_of_the_server_is_its_own() -> None:
    line = Line()
    line.inbox.put_nowait(TimeoutError("no pong"))
    with pytest.raises(TimeoutError, match="no pong"):
        await line.ending()()


async def test_a_look_that_fails_ends_the_socket(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sockets, "LOOK_SECONDS", 0.01)
    line = Line()
    hear = line.ending()
    told: list[Any] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: told.append(context))

    def gone(who: Principal) -> Principal:
        raise OSError("the roster is gone")

    line.roster.current = gone
    assert (await asyncio.wait_for(hear(), 5))["type"] == "websocket.disconnect"
    assert "the roster is gone" in str(told[0]["exception"])


async def test_whoever_may_read_no_more_is_out_without_being_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sockets, "LOOK_SECONDS", 0.01)
    line = Line()
    hear = line.ending()
    line.roster.current = lambda who: Principal(who.issuer, who.subject, who.name, None)
    assert (await asyncio.wait_for(hear(), 5))["type"] == "websocket.disconnect"


async def test_one_that_has_closed_is_looked_at_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sockets, "LOOK_SECONDS", 0.01)
    line = Line()
    line.ending()
    line.open.close(line.socket)
    looks: list[Principal] = []
    line.roster.current = lambda who: looks.append(who) or who  # type: ignore[func-returns-value]
    await asyncio.sleep(0.05)
    assert looks == []
    assert len(line.open) == 0
