"""The page around Streamlit's: the tags are in every HTML page, and its files are served."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.responses import HTMLResponse, PlainTextResponse, StreamingResponse
from starlette.routing import Route

from app import frame

PAGE = "<html><head><script>a</script><script>b</script></head></html>"


async def _html(_: Any) -> HTMLResponse:
    return HTMLResponse(PAGE, headers={"etag": "x"})


async def _pieces(_: Any) -> StreamingResponse:
    async def body() -> Any:
        for sign in PAGE:
            yield sign

    return StreamingResponse(body(), media_type="text/html; charset=utf-8")


async def _text(_: Any) -> PlainTextResponse:
    return PlainTextResponse(PAGE)


@pytest.fixture
async def client() -> Any:
    """A caller of an application with pages and the files."""
    routes = [Route("/page", _html), Route("/pieces", _pieces), Route("/text", _text)]
    packing = [Middleware(GZipMiddleware, minimum_size=1)]
    inner = Starlette(routes=[*routes, *frame.routes()], middleware=packing)
    transport = httpx.ASGITransport(frame.Framed(inner))
    async with httpx.AsyncClient(transport=transport, base_url="http://desk") as found:
        yield found


@pytest.mark.parametrize("path", ["/page", "/pieces"])
async def test_the_tags_stand_once_before_the_first_script(
    client: httpx.AsyncClient, path: str
) -> None:
    """The script has to run before Streamlit's; what was told of the other page is not told."""
    answer = await client.get(path, headers={"Accept": "text/html,*/*"})
    files = ("/desk.css", "/desk.js", "/lists.js", "/charts.js")
    assert [answer.text.count(name) for name in files] == [1, 1, 1, 1]
    assert [*files, "a<"] == sorted([*files, "a<"], key=answer.text.index)
    assert int(answer.headers["content-length"]) == len(answer.content)
    assert "etag" not in answer.headers


async def test_what_is_no_page_goes_by_untouched(client: httpx.AsyncClient) -> None:
    """Text, and a HEAD of a page has no body."""
    assert (await client.get("/text")).text == PAGE
    assert (await client.head("/page")).content == b""


@pytest.mark.parametrize(("name", "kind"), frame.FILES.items())
async def test_the_files_are_served(client: httpx.AsyncClient, name: str, kind: str) -> None:
    """Under their names, asked for anew after each change."""
    answer = await client.get(f"/{name}")
    assert answer.headers["content-type"].startswith(kind)
    assert answer.content == (frame.STATIC / name).read_bytes()
    assert answer.headers["cache-control"] == "no-cache"
