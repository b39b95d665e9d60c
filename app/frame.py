"""The page around Streamlit's: its stylesheet and its scripts, from files of the desk's own.

Streamlit sends one HTML page for every address and takes neither; they are put in as it goes by.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

STATIC = Path(__file__).resolve().parent / "static"
SCRIPTS = ("desk.js", "lists.js", "charts.js")
FILES = {"desk.css": "text/css", **dict.fromkeys(SCRIPTS, "text/javascript")}
TAGS = b'<link rel="stylesheet" href="/desk.css">' + b"".join(
    f'<script src="/{name}"></script>'.encode() for name in SCRIPTS
)
BEFORE = b"<script"  # the first one of the page: ours has to run before it
TOLD = (b"content-length", b"etag", b"last-modified")  # of a page without the tags


class Framed:
    """The application with the tags put into every HTML page that it sends."""

    def __init__(self, app: Any) -> None:
        self.app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Hand on; hold back an HTML page until it is whole."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        start: dict[str, Any] = {}
        body = bytearray()

        async def framed(message: Any) -> None:
            if message["type"] == "http.response.start" and _is_page(message):
                start.update(message)
            elif message["type"] == "http.response.body" and start:
                body.extend(message.get("body", b""))
                if not message.get("more_body"):
                    await _send_page(send, start, bytes(body), head=scope["method"] == "HEAD")
            else:
                await send(message)

        await self.app(_plain(scope), receive, framed)


def _plain(scope: Any) -> Any:
    """The request of a visitor of pages with no packing asked for: tags go into plain text."""
    told = dict(scope["headers"])
    if b"text/html" not in told.get(b"accept", b""):
        return scope
    kept = [pair for pair in scope["headers"] if pair[0] != b"accept-encoding"]
    return {**scope, "headers": kept}


def _is_page(message: Any) -> bool:
    kinds = [value for name, value in message["headers"] if name.lower() == b"content-type"]
    return bool(kinds) and kinds[0].startswith(b"text/html")


async def _send_page(send: Any, start: dict[str, Any], body: bytes, *, head: bool) -> None:
    """The page with the tags; what was told of it without them is left out."""
    page = body.replace(BEFORE, TAGS + BEFORE, 1)
    kept = [pair for pair in start["headers"] if pair[0].lower() not in TOLD]
    if not head:
        kept.append((b"content-length", str(len(page)).encode()))
    await send(start | {"headers": kept})
    await send({"type": "http.response.body", "body": page})


@cache
def _file(name: str) -> bytes:
    return (STATIC / name).read_bytes()


async def _sent(request: Request) -> Response:
    name = request.url.path.removeprefix("/")
    return Response(_file(name), media_type=FILES[name], headers={"cache-control": "no-cache"})


def routes() -> list[Route]:
    """The routes of the files."""
    return [Route(f"/{name}", _sent) for name in FILES]
