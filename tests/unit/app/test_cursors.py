"""Cursors that nobody was given, addresses with odd letters: refused, and no fault of the desk."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
import orjson
import pytest

from core.domain.access.principals import Role
from core.service.desk import Desk
from tests import api_desk

HELD: tuple[Any, ...] = (
    {}, [], "", 5, True, [1], [[]], [{}], {"a": 1}, [2**63, "x"], [2**64 - 1, "x"], [1e300, "x"],
    [-5, "x"], [0, "x"], ["5", "x"], [None, "x"], [True, "x"], [1.5, "x"], [2**40, "x"], [1, 5],
    [1, None], [1, "x", "y"], ["\0", "x"], ["2026-13-45", "x"], ["9999-99-99", "\0"], [[1], [2]],
    ["x"] * 50, [2**63] * 2, ["2026-11-25", 5], ["2026-11-25", []], ["1e400", "x"],
)  # fmt: skip
LISTS = (
    "/v1/datasets",
    "/v1/datasets/prices.daily/rows",
    "/v1/datasets/sec.facts/rows",
    "/v1/grades",
    "/v1/rules",
    "/v1/symbols",
)
COULD_BE = {
    "/v1/symbols": {str(held) for held in HELD if isinstance(held, str)},
    "/v1/datasets/prices.daily/rows": {str([None, "x"])},  # rows without a session
}


@pytest.fixture
async def client(make_desk: Callable[..., Desk]) -> AsyncIterator[httpx.AsyncClient]:
    """A viewer's client of a filled desk."""
    desk = api_desk.open_desk(make_desk)
    async with api_desk.connected(api_desk.token(desk, Role.VIEWER)) as made:
        yield made


def written(mark: str, held: Any) -> str:
    """A cursor as anybody can write one."""
    return base64.urlsafe_b64encode(orjson.dumps([mark, held])).decode().rstrip("=")


@pytest.mark.few(3)
@pytest.mark.parametrize("path", LISTS)
async def test_a_cursor_that_nobody_was_given_is_refused(
    client: httpx.AsyncClient, path: str
) -> None:
    """Whatever it holds: 422, or rows of the list where it could be its cursor."""
    given = (await client.get(path, params={"limit": 1})).json()["meta"]["next"]
    mark, real = orjson.loads(base64.urlsafe_b64decode(given + "=" * (-len(given) % 4)))
    codes = {}
    for held in HELD:
        answer = await client.get(path, params={"limit": 1, "cursor": written(mark, held)})
        codes[str(held)] = answer.status_code
    taken = {held for held, code in codes.items() if code != 422}
    assert taken <= COULD_BE.get(path, set())
    assert {codes[held] for held in taken} <= {200}
    assert (await client.get(path, params={"cursor": written(mark, real)})).status_code == 200


@pytest.mark.parametrize("name", ["A%0Ab", "%0A", "A%0D%0Ab", "%00", "A%0A%0A/rows", "%E2%80%A8"])
async def test_an_address_with_a_line_break_is_the_apis_own(
    client: httpx.AsyncClient, name: str
) -> None:
    """It is answered as any that leads nowhere: by a problem document."""
    transport = httpx.ASGITransport(api_desk.mounted())
    headers = client.headers
    async with httpx.AsyncClient(
        transport=transport, base_url="http://desk", headers=headers
    ) as outside:
        for method in ("GET", "POST"):
            answer = await outside.request(method, f"/api/v1/datasets/{name}")
            assert answer.status_code in (404, 405, 422), answer.text
            assert answer.headers["content-type"] == "application/problem+json"


async def test_what_stands_once_is_not_given_twice(client: httpx.AsyncClient) -> None:
    """One of the two would be passed over in silence."""
    for query in ("limit=1&limit=2", "since=2026-01-01&since=2026-01-02", "after=a&after=b"):
        answer = await client.get(f"/v1/events?{query}")
        assert (answer.status_code, "given twice" in answer.text) == (422, True), query
    assert (await client.get("/v1/events?kind=scan&kind=pull")).status_code == 200
