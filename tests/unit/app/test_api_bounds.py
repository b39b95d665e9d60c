"""The API under arguments of any shape: a refusal with a sentence, never a failure of its own."""

from __future__ import annotations

import itertools
import os
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import anyio
import httpx
import orjson
import pydantic
import pytest

from app import address
from app.api import callers, reference
from app.doors.limits import Pauses
from core.domain.access.principals import LOCAL
from core.errors import NotFoundError, OwnershipError, StoreError, UsageError, document, rebuilt
from core.service import bounds, current
from core.service.desk import Desk
from core.service.kernel import access, commands, exports
from core.service.kernel.registry import Registry
from tests import api_desk, begun, depth

ODD: tuple[Any, ...] = (
    None,
    True,
    -1,
    0,
    2**31,
    2**63,
    10**30,
    1e30,
    -1e300,
    1e-300,
    "",
    "x",
    "\x00",
    "é" * 300_000,
    "NaN",
    "Infinity",
    "1e30",
    "0001-01-01",
    "9999-12-31",
    "2024-02-30",
    "2026-11-27",
    "0001-01-01T00:00:00Z",
    "9999-12-31T23:59:59+14:00",
    [],
    [[]],
    [None],
    ["x"],
    ["\u00b2"],
    ["\u2460", "1" * 5000],
    "1" * 5000,
    [""],
    [-1],
    {},
    {"": {}},
    {"x": 1},
    {"min_gap_pct": 1e30},
    {"gap": "NaN"},
    [{"account": "Cash", "debit": "1e30"}],
)
PATHS = (
    "0" * 300, "é" * 200, "a/" * 3000, ".", "..", "/dev/null", "/proc/self/mem", "no/such/file",
    "/proc/x", "/dev/null/x", "\ud800", "x\0y", " ", "loop", "pipe",
)  # fmt: skip
BODIES = (
    b"[]", b"1", b"null", b'"x"', b"{", b'{"a": NaN}', b'{"a": 1e999}', b'{"a": "\\ud800"}',
    b'{"\\udfff": 1}', b"\xff\xfe", b"[" * 200_000, b'{"a":' * 200_000, b'{"a": 1, "a": 2}',
    b'{"filters": []}', b'{"filters": "x"}', b'{"filters": 1}', b'{"filters": {"": 1}}',
    b'{"filters": {"desk": 1}}', b'{"format": []}', b'{"format": "exe"}', b'{"format": {"a": 1}}',
)  # fmt: skip


@pytest.fixture
async def client(
    make_desk: Callable[..., Desk], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[httpx.AsyncClient]:
    """A client with the token, of the API of a filled desk whose own folder is empty."""
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    desk = make_desk(begun.put_filled)
    current.use(desk)
    told = address.announce(desk.settings.data_dir, "127.0.0.1", 1)
    transport = httpx.ASGITransport(app=api_desk.application(), raise_app_exceptions=False)
    headers = {"Authorization": f"Bearer {told.token}"}
    async with httpx.AsyncClient(transport=transport, base_url="http://x", headers=headers) as made:
        yield made
    current.use(None)


def _fields() -> list[tuple[str, str, str]]:
    kinds = (("commands", commands.command), ("exports", exports.export))
    return [
        (path, entry.name, field)
        for path, registry in kinds
        for entry in registry.entries.values()
        for field in entry.arguments.model_fields
    ]


@pytest.mark.deep
async def test_no_value_of_an_argument_fails_the_api(client: httpx.AsyncClient) -> None:
    """Every argument of every command and export (in a quick run every fifth), with all odd values.

    What is refused before a function is called is refused in one place: of those values one for
    each argument, another each time, goes the whole way.
    """
    failed = []
    others = itertools.cycle(range(len(ODD)))
    for path, name, field in _fields()[:: depth.pick(5, 1)]:
        needed = _needed(path, name)
        taken: list[Any] = []
        refused: list[Any] = []
        for value in ODD:
            kind = taken if _taken(path, name, {**needed, field: value}) else refused
            kind.append(value)
        for value in taken + refused[next(others) % max(len(refused), 1) :][:1]:
            arguments = {**needed, field: value}
            body = arguments if path == "commands" else {"filters": arguments}
            answer = await _post(client, path, name, body)
            if answer.status_code >= 500:
                failed.append((name, field, str(value)[:40], answer.status_code, answer.text[:200]))
    assert not failed, "\n".join(map(str, failed[:20])) + f"\n{len(failed)} in all"


def _taken(path: str, name: str, arguments: dict[str, Any]) -> bool:
    """Whether the function is called with them; if not, a sentence says why."""
    registry = commands.command if path == "commands" else exports.export
    try:
        registry.entries[name].arguments.model_validate(arguments)
    except pydantic.ValidationError:
        with access.acting(LOCAL), pytest.raises(UsageError, match=name):
            registry.run(current.desk(), name, arguments)
        return False
    return True


def _needed(path: str, name: str) -> dict[str, Any]:
    """Sound values for what must be given, so that the odd one is what decides."""
    sound = {
        "query": "SELECT 1; SELECT 2", "dataset": "prices.daily", "companies": ["AAA"],
        "symbol": "AAA",
        "memo": "x", "amount": "1", "price": "1", "plan_id": "x", "reason": "x", "entry_no": 1,
        "jobs": ["x"], "name": "prices.daily", "session": "2026-11-27", "lines": [],
        "path": "no.zip", "role": "viewer", "subject": "nobody known",
        "text": "x", "mark": "star", "symbols": ["AAA"], "accession": "0000000001-26-000001",
        "session_id": "none of ours",
    }  # fmt: skip
    registry = commands.command if path == "commands" else exports.export
    fields = registry.entries[name].arguments.model_fields
    return {field: sound[field] for field, info in fields.items() if info.is_required()}


async def _post(client: httpx.AsyncClient, path: str, name: str, body: Any) -> httpx.Response:
    import json

    content = json.dumps(body)
    return await client.post(f"/v1/{path}/{name}", content=content)


@pytest.mark.parametrize("path", ["commands/status", "commands/scan", "exports/filings"])
async def test_no_body_fails_the_api(client: httpx.AsyncClient, path: str) -> None:
    """Bodies that are no object, no JSON, no text, or nested without end."""
    for body in BODIES:
        answer = await client.post(f"/v1/{path}", content=body)
        assert answer.status_code in (200, 404, 422), (body[:40], answer.text[:300])


@pytest.mark.parametrize("path", ["commands/status", "exports/filings"])
async def test_what_is_refused_is_not_sent_back_whole(client: httpx.AsyncClient, path: str) -> None:
    """A body with thousands of unknown keys is answered with a sentence, not with all of them."""
    answer = await client.post(f"/v1/{path}", json={f"k{n}": 1 for n in range(20_000)})
    assert answer.status_code == 422
    assert len(answer.content) < 2000


@pytest.mark.parametrize("body", [b"\x0b", b"\x1c", b"\x0c {}", b"\xc2\xa0", b"\xef\xbb\xbf"])
async def test_blanks_are_no_empty_body(client: httpx.AsyncClient, body: bytes) -> None:
    """No body stands for no arguments; a blank one is no JSON, whatever it is made of."""
    assert (await client.post("/v1/commands/refresh", content=body)).status_code == 422
    assert (await client.post("/v1/commands/status", content=b" \t\r\n")).status_code == 422
    assert (await client.post("/v1/commands/status", content=b"")).status_code == 200


@pytest.mark.parametrize("name", ["import", "backfill", "backup"])
async def test_no_path_fails_the_api(client: httpx.AsyncClient, name: str) -> None:
    """Paths too long, that lead nowhere, or to what is no file: refused with a sentence."""
    Path("loop").symlink_to("loop")
    os.mkfifo("pipe")
    field = "folder" if name == "backup" else "path"
    fitting = (".", "..", " ", "no/such/file") if name == "backup" else ()  # such folders can be
    for path in PATHS:
        answer = await _post(client, "commands", name, {**_needed("commands", name), field: path})
        expected = 200 if path in fitting else 422
        assert answer.status_code == expected, (path[:40], answer.text[:300])


@pytest.mark.parametrize("path", ["commands/no_such", "exports/no_such", "no/such", "commands/%00"])
async def test_what_does_not_exist_is_404(client: httpx.AsyncClient, path: str) -> None:
    """An unknown command, export or path."""
    assert (await client.post(f"/v1/{path}", content=b"{}")).status_code == 404


@pytest.mark.parametrize(
    ("given", "kept"), [("a" * 64, True), ("a" * 65, False), ("a b", False), ("é", False)]
)
async def test_correlation_ids_are_capped(
    client: httpx.AsyncClient, given: str, kept: bool
) -> None:
    """A long or odd one is replaced by one of ours."""
    headers = {"X-Correlation-Id": given.encode("latin-1")}
    answer = await client.get("/health/live", headers=headers)
    assert (answer.headers["X-Correlation-Id"] == given) == kept


async def test_wrong_tokens_are_slowed_down_and_logged(
    client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Each answer takes longer than the one before; the right token never waits."""
    waited: list[float] = []

    async def note(seconds: float) -> None:
        waited.append(seconds)

    monkeypatch.setattr(callers, "_pauses", Pauses(lambda: 0.0))
    monkeypatch.setattr(anyio, "sleep", note)
    for _ in range(4):
        answer = await client.get("/v1/commands", headers={"Authorization": "Bearer wrong"})
        assert answer.status_code == 401
    assert waited == sorted(set(waited))
    assert len(waited) == 4
    assert (await client.get("/v1/commands")).status_code == 200
    assert len(waited) == 4


async def test_a_client_that_goes_away_ends_its_query(client: httpx.AsyncClient) -> None:
    """The query's process is ended long before its time."""
    slow = orjson.dumps({"query": "SELECT count(*) FROM range(1000000000000)"})
    gone = anyio.Event()
    token = client.headers["Authorization"].encode()
    sent: list[Any] = []
    asked = iter([{"type": "http.request", "body": slow, "more_body": False}])

    async def receive() -> Any:
        if (message := next(asked, None)) is not None:
            return message
        await gone.wait()
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {
        "type": "http", "method": "POST", "path": "/v1/commands/sql", "raw_path": b"", "headers":
        [(b"authorization", token)], "query_string": b"", "client": ("127.0.0.1", 1), "scheme":
        "http", "server": ("x", 80), "root_path": "", "asgi": {"version": "3.0"},
        "http_version": "1.1",
    }  # fmt: skip
    with anyio.fail_after(8):  # the query's own time is ten seconds
        async with anyio.create_task_group() as group:
            group.start_soon(api_desk.application(), scope, receive, send)
            while not current.desk().queries.running:
                await anyio.sleep(0.01)
            gone.set()
    assert current.desk().queries.running == 0


@pytest.mark.parametrize("kind", [NotFoundError, UsageError, OwnershipError, StoreError])
def test_an_error_keeps_its_kind_on_its_way(kind: Any) -> None:
    """What the desk tells is the same error in the command beside it."""
    error = kind("what", where="here", hint="do that")
    told = document(error)["error"]
    back = rebuilt(told["type"], told["message"], where=told["where"], hint=told["hint"])
    assert (type(back), str(back), back.exit_code) == (kind, str(error), error.exit_code)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 1e30, -(10**30), "\ud800", "a\x00"])
def test_what_no_argument_may_be(value: Any) -> None:
    """Also deep inside a value."""
    assert bounds.fault(value)
    assert bounds.fault([{"x": (value,)}])
    assert bounds.fault({"x": [1, 1.5, "text", None]}) is None


def _plain(schema: dict[str, Any]) -> bool:
    return any(
        way.get("type") == "string" and not way.keys() & {"enum", "const", "format", "pattern"}
        for way in (schema, *schema.get("anyOf", ()))
    )


@pytest.mark.parametrize(
    "registry", [commands.command, exports.export], ids=["commands", "exports"]
)
def test_the_description_says_how_long_a_text_may_be(desk: Desk, registry: Registry) -> None:
    """Every text has its length, and one letter more is refused for that."""
    tried = 0
    for name, entry in registry.entries.items():
        body = reference.arguments(entry, {})
        if set(body.get("required", ())) - {"symbol", "name", "text", "reason"}:
            continue
        for field, schema in body["properties"].items():
            if not _plain(schema) or ("anyOf" in schema and len(schema["anyOf"]) > 2):
                continue
            ways = (schema, *schema.get("anyOf", ()))
            most = next(way["maxLength"] for way in ways if "maxLength" in way)
            given = dict.fromkeys(body.get("required", ()), "x")
            with pytest.raises(UsageError, match=f"{field}: .* no longer than {most:,}"):
                registry.run(desk, name, {**given, field: "x" * (most + 1)})
            tried += 1
    assert tried > 20
