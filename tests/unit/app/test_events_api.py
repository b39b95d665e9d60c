"""Events over HTTP: pages with a cursor, and a stream that goes on after an id."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator

import anyio
import httpx
import orjson
import polars as pl
import pytest

from app import address
from app.api import events as api_events
from core.observe.events import Event
from core.service.activity import feed
from core.service.desk import Desk
from core.store import events
from tests import api_desk


def add(desk: Desk, *messages: str) -> None:
    with desk.warehouse.transaction() as tx:
        events.add(tx, [Event.of("scan.made", "d", text) for text in messages], desk.now())


@pytest.fixture
async def client(desk: Desk) -> AsyncIterator[httpx.AsyncClient]:
    """A client with the desk's token."""
    told = address.announce(desk.settings.data_dir, "127.0.0.1", 1)
    transport = httpx.ASGITransport(app=api_desk.application())
    headers = {"Authorization": f"Bearer {told.token}"}
    async with httpx.AsyncClient(transport=transport, base_url="http://x", headers=headers) as made:
        yield made


async def test_pages_lead_to_the_last_event(desk: Desk, client: httpx.AsyncClient) -> None:
    """Newest first; the link of each page leads to the next, the last has none."""
    add(desk, *(str(number) for number in range(5)))
    seen: list[str] = []
    url: str | None = "/v1/events?limit=2&kind=scan"
    while url:
        answer = await client.get(url)
        body = answer.json()
        assert body["success"] is True
        assert {"as_of", "data_until", "simulated", "ruleset", "next"} == set(body["meta"])
        seen += [event["message"] for event in body["data"]]
        url = answer.links.get("next", {}).get("url")
        assert (body["meta"]["next"] is None) == (url is None)
    assert seen == ["4", "3", "2", "1", "0"]


async def test_what_is_wrong_is_refused_with_a_sentence(client: httpx.AsyncClient) -> None:
    """Unknown parameters, kinds and limits; and no token."""
    for query in ("kinds=pull", "kind=pulls", "limit=0", "limit=x", "since=soon", "severity=bad"):
        for headers in ({}, {"Accept": api_events.STREAM}):
            answer = await client.get(f"/v1/events?{query}", headers=headers)
            assert answer.status_code == 422, query
            assert answer.json()["error"]["message"]
    assert (await client.get("/v1/events", headers={"Authorization": ""})).status_code == 401


@pytest.mark.parametrize("cursor", ["zz", "0" * 19, "0" * 21, "\u0660" * 20, "G" * 20])
async def test_a_cursor_that_nobody_was_given_is_refused(
    client: httpx.AsyncClient, cursor: str
) -> None:
    """As those of other lists are."""
    answer = await client.get("/v1/events", params={"cursor": cursor})
    assert answer.status_code == 422
    assert [error["field"] for error in answer.json()["errors"]] == ["cursor"]


async def test_another_media_type_is_refused(client: httpx.AsyncClient) -> None:
    """As it is of other lists; an unknown parameter is named as a field."""
    for accept, status in (("text/csv", 200), ("image/png", 406), ("*/*", 200), ("", 200)):
        answer = await client.get("/v1/events", headers={"Accept": accept})
        assert answer.status_code == status, accept
    answer = await client.get("/v1/events?colour=red")
    assert [error["field"] for error in answer.json()["errors"]] == ["colour"]


async def test_pages_have_fields_tags_and_tables_as_other_lists(
    desk: Desk, client: httpx.AsyncClient
) -> None:
    """The same rows as a table; a page that is as it was is 304; a stream knows no fields."""
    add(desk, "0", "1", "2")
    url = "/v1/events?limit=2&kind=scan"
    page = await client.get(url)
    again = await client.get(url, headers={"If-None-Match": page.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert again.links["next"] == page.links["next"]
    told = {"Accept": "application/vnd.apache.parquet"}
    table = await client.get(url, headers=told)
    frame = pl.read_parquet(io.BytesIO(table.content))
    assert frame["message"].to_list() == [event["message"] for event in page.json()["data"]]
    assert frame["id"].to_list() == [event["id"] for event in page.json()["data"]]
    empty = await client.get("/v1/events?kind=backup", headers=told)
    assert pl.read_parquet(io.BytesIO(empty.content)).schema == frame.schema
    chosen = await client.get(f"{url}&fields=message,id")
    assert [list(event) for event in chosen.json()["data"]] == [["message", "id"]] * 2
    for query, accept in (("fields=colour", "*/*"), ("fields=id", api_events.STREAM)):
        refused = await client.get(f"/v1/events?{query}", headers={"Accept": accept})
        assert refused.status_code == 422
        assert [error["field"] for error in refused.json()["errors"]] == ["fields"]


async def read(desk: Desk, after: str, count: int) -> list[dict[str, str]]:
    """The first so many events of a stream."""
    found: list[dict[str, str]] = []
    with anyio.fail_after(10):
        async for part in api_events.follow(desk, feed.chosen(["scan"]), after):
            if part.startswith(b"id: "):
                lines = part.decode().strip().splitlines()
                found.append(dict(line.split(": ", 1) for line in lines))
            if len(found) == count:
                break
    return found


async def test_a_stream_goes_on_where_a_listener_stopped(desk: Desk) -> None:
    """What was told before and while it listens, each once and in order, after its last id."""
    add(desk, "0", "1", "2")
    first = await read(desk, "", 1)
    assert first[0]["event"] == "scan.made"

    async def more() -> None:
        await anyio.sleep(0.05)
        await anyio.to_thread.run_sync(add, desk, "3", "4")

    async with anyio.create_task_group() as group:
        group.start_soon(more)
        rest = await read(desk, first[0]["id"], 4)
    said = [orjson.loads(event["data"])["message"] for event in [*first, *rest]]
    assert said == ["0", "1", "2", "3", "4"]


async def test_a_stream_ends_with_the_desk_and_breathes_before(desk: Desk) -> None:
    """A listener of a quiet desk hears that it is there, and does not hold up its end."""
    parts = []
    with anyio.fail_after(10):
        stream = api_events.follow(desk, feed.chosen(), "", heartbeat_seconds=0.0)
        async for part in stream:
            parts.append(part)
            if part.startswith(b": "):
                desk.closing.set()
    assert parts[-1] == b": still here\n\n"


async def test_a_stream_begins_after_the_last_event_id(
    desk: Desk, client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The header of a browser that comes back decides; without it only what is new."""
    add(desk, "0", "1")
    ids = [event["id"] for event in feed.following(desk, feed.chosen(), "")]
    begun: list[str] = []

    async def once(_: Desk, __: object, after: str, ___: object) -> AsyncIterator[bytes]:
        begun.append(after)
        yield b"retry: 1\n\n"

    monkeypatch.setattr(api_events, "follow", once)
    accept = {"Accept": api_events.STREAM}
    answer = await client.get("/v1/events", headers={**accept, "Last-Event-ID": ids[0]})
    assert answer.headers["content-type"].startswith(api_events.STREAM)
    await client.get("/v1/events", headers=accept)
    assert begun == [ids[0], ids[1]]
