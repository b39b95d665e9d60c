"""What no resource may be asked for is refused; a fault of the desk's own is found in its log."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable
from urllib.parse import quote

import httpx
import pytest
from structlog.testing import capture_logs

from app import address
from app.api.resources.kernel import RESOURCES, resource
from core.service import current
from core.service.desk import Desk
from tests import api_desk, begun

ODD = (
    "0001-01-01", "9999-12-31", "1899-12-31", "2200-01-01", "NaN", "1e30", "-1", "9" * 30, "\x00",
    "\u0662\u0660\u0662\u0665", "x" * 3000, " ", "' OR 1=1 --", "..", "%",
)  # fmt: skip


@pytest.fixture
async def client(make_desk: Callable[..., Desk]) -> AsyncIterator[httpx.AsyncClient]:
    """A client with the token, of the API of a filled desk."""
    desk = make_desk(begun.put_filled)
    current.use(desk)
    told = address.announce(desk.settings.data_dir, "127.0.0.1", 1)
    transport = httpx.ASGITransport(app=api_desk.application())
    headers = {"Authorization": f"Bearer {told.token}"}
    async with httpx.AsyncClient(transport=transport, base_url="http://x", headers=headers) as made:
        yield made
    current.use(None)


async def test_no_value_in_a_path_fails_the_api(client: httpx.AsyncClient) -> None:
    """Years before the exchanges, numbers without end, what is no text: a sentence each."""
    failed = []
    for found in RESOURCES.values():
        if "{" not in found.path:
            continue
        for odd in ODD:
            path = re.sub(r"\{\w+\}", quote(odd, safe=""), found.path)
            answer = await client.request(found.method, f"/v1{path}")
            if answer.status_code >= 500:
                failed.append((found.method, path, answer.text[:200]))
    assert not failed


async def test_a_fault_is_found_in_the_log_by_the_id_of_its_answer(
    client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The id stands in the body, in the header, and in the one line with what went wrong."""

    def broken(*_: object) -> None:
        raise RuntimeError("broken")

    monkeypatch.setattr(resource, "run", broken)
    given = {"X-Correlation-Id": "abc123"}
    with capture_logs() as lines:
        answer = await client.get("/v1/scans/latest", headers=given)
    assert answer.status_code == 500
    assert answer.headers["x-correlation-id"] == "abc123"
    assert answer.json()["correlation_id"] == "abc123"
    (line,) = [line for line in lines if line["log_level"] == "error"]
    assert (line["event"], line["path"]) == ("a request failed", "/v1/scans/latest")
    assert line["exc_info"]
