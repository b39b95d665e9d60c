"""The WebSockets that are open, by whose they are: ended when their owner may no longer be in."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field

from app.doors.credentials import Visitor, still_reads
from app.gate import Message, Receive, Scope, Send
from core.domain.access.principals import Principal
from core.domain.access.tokens import digest
from core.service.kernel.roster import Roster

HANDLE = b"x-openbell-reader"  # how a page run finds who reads it; never taken from outside
PERSON = b"x-openbell-person"  # whose pages a socket may go on with; never taken from outside
INSIDE = (HANDLE, PERSON)
LOOK_SECONDS = 0.5  # how often it is seen whether the time of what let somebody in is over
GOING_AWAY = 1012  # the browser connects again, and is judged again


@dataclass(eq=False, slots=True)
class OpenSocket:
    """One open WebSocket."""

    caller: Visitor
    loop: asyncio.AbstractEventLoop
    handle: str = field(default_factory=lambda: secrets.token_urlsafe(18))
    ended: bool = False
    waiting: asyncio.Timeout | None = None  # for its next message
    look: asyncio.TimerHandle | None = None  # when it is seen next whether its owner may still read

    def end(self) -> None:
        """End it, from any thread."""
        self.loop.call_soon_threadsafe(self.end_here)

    def end_here(self) -> None:
        """End it, from its own loop."""
        self.ended = True
        if self.waiting is not None:
            self.waiting.reschedule(self.loop.time())

    def watch(self, reads: Callable[[], bool]) -> None:
        """End it once that says no, or fails; it is asked at once, and again and again."""
        still = False
        try:
            still = reads()
        finally:
            if still:
                self.look = self.loop.call_later(LOOK_SECONDS, self.watch, reads)
            else:
                self.end_here()


class Sockets:
    """All that are open."""

    def __init__(self) -> None:
        self._open: dict[str, OpenSocket] = {}

    def __len__(self) -> int:
        return len(self._open)

    def owner(self, handle: str) -> Principal | None:
        """Whose socket that is."""
        found = self._open.get(handle)
        return found.caller.who if found else None

    def end(self, key: tuple[str, str]) -> None:
        """End all sockets of somebody: their role has changed, or they have signed out."""
        for socket in list(self._open.values()):
            if socket.caller.who is not None and socket.caller.who.key == key:
                socket.end()

    def open(self, caller: Visitor) -> OpenSocket:
        """Note one that opens."""
        socket = OpenSocket(caller, asyncio.get_running_loop())
        self._open[socket.handle] = socket
        return socket

    def close(self, socket: OpenSocket) -> None:
        """Forget one that has closed, and look at it no more."""
        if socket.look is not None:
            socket.look.cancel()
        self._open.pop(socket.handle, None)


def marked(scope: Scope, socket: OpenSocket) -> Scope:
    """The request with its socket's handle and its reader in it, for the pages.

    Streamlit lets a socket go on with a session that it names when its reader is the same.
    """
    kept = [pair for pair in scope["headers"] if pair[0] not in INSIDE]
    who = socket.caller.who
    person = digest("\n".join(who.key)) if who else ""
    own = [(HANDLE, socket.handle.encode()), (PERSON, person.encode())]
    return {**scope, "headers": [*kept, *own]}


def ending(socket: OpenSocket, roster: Roster, receive: Receive, send: Send) -> Receive:
    """A `receive` that tells of the end when the socket is ended from within.

    It starts no task a message: who may read is looked at beside it.
    """
    socket.watch(lambda: still_reads(roster, socket.caller))

    async def heard() -> Message:
        try:
            async with asyncio.timeout(None) as socket.waiting:
                return await receive()
        finally:
            socket.waiting = None

    async def next_message() -> Message:
        if not socket.ended:
            try:
                message = await heard()
            except TimeoutError:
                if not socket.ended:  # one of the server's own
                    raise
            if not socket.ended:
                return message
        await send({"type": "websocket.close", "code": GOING_AWAY})
        return {"type": "websocket.disconnect", "code": GOING_AWAY}

    return next_message
