"""Places outside on loopback: a mail server and a web server that keep what they are brought."""

from __future__ import annotations

import asyncio
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from aiosmtpd.smtp import SMTP

SECRET = "whsec_" + "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVowMTIz"


@dataclass
class MailBox:
    """A mail server; `refusals` are answered before letters are taken again."""

    port: int = 0
    letters: list[Message] = field(default_factory=list)
    refusals: list[str] = field(default_factory=list)

    @property
    def address(self) -> str:
        """As OPENBELL_NOTIFY has it."""
        return f"mailto://127.0.0.1:{self.port}/?from=desk@desk.example&to=ann@desk.example"

    @property
    def ids(self) -> list[str]:
        """The ids of the letters, in the order they came."""
        return [str(letter["X-Openbell-Id"]) for letter in self.letters]

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        if self.refusals:
            return self.refusals.pop(0)
        self.letters.append(message_from_bytes(envelope.content))
        return "250 taken"


@contextmanager
def mail_box() -> Iterator[MailBox]:
    """A mail server in a thread of its own."""
    box, loop = MailBox(), asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="mail", daemon=True)
    thread.start()

    async def begin() -> asyncio.Server:
        return await loop.create_server(
            lambda: SMTP(box, hostname="desk.example", loop=loop), "127.0.0.1", 0
        )

    async def end() -> None:
        server.close()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        await server.wait_closed()

    server = asyncio.run_coroutine_threadsafe(begin(), loop).result()
    box.port = server.sockets[0].getsockname()[1]
    try:
        yield box
    finally:
        asyncio.run_coroutine_threadsafe(end(), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


@dataclass
class WebHook:
    """A web server; `answers` are statuses given before calls are taken again."""

    port: int = 0
    calls: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    answers: list[int] = field(default_factory=list)
    refused: int = 0
    changed: threading.Condition = field(default_factory=threading.Condition)

    def heard(self, count: int, child: subprocess.Popen[bytes]) -> None:
        """Wait until it was called so often, or the caller has ended."""
        with self.changed:
            while len(self.calls) < count and child.poll() is None:
                self.changed.wait(0.2)

    @property
    def url(self) -> str:
        """Where it is called."""
        return f"http://127.0.0.1:{self.port}/alerts"

    @property
    def setting(self) -> str:
        """As OPENBELL_NOTIFY_WEBHOOKS has it."""
        return f"ops={self.url} {SECRET}"

    @property
    def ids(self) -> list[str]:
        """The ids of the messages, in the order they came."""
        return [headers["webhook-id"] for headers, _ in self.calls]


@contextmanager
def web_hook() -> Iterator[WebHook]:
    """A web server in a thread of its own."""
    hook = WebHook()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            status = hook.answers.pop(0) if hook.answers else 204
            if status == 204:
                with hook.changed:
                    hook.calls.append(({k.lower(): v for k, v in self.headers.items()}, body))
                    hook.changed.notify_all()
            else:
                hook.refused += 1
            self.send_response(status)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Tests need no access log."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    hook.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), name="web", daemon=True)
    thread.start()
    try:
        yield hook
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
