"""Calls from outside queue a pull: signed, once, bounded, and answered with the job."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import httpx
import pytest

from app.doors import limits
from core.alert_settings import key_of
from core.jobs.queue.port import JobStatus
from core.service.desk import Desk
from core.sources.outward import signing
from tests import api_desk

OLD, NEW = "whsec_" + "b2xk" * 8, "whsec_" + "bmV3" * 8
BODY = b'{"type": "prices.ready"}'
PATH = "/v1/hooks/prices.daily"


@pytest.fixture
def desk(make_desk: Callable[..., Desk], monkeypatch: pytest.MonkeyPatch) -> Desk:
    monkeypatch.setattr(limits, "FIRST_PAUSE", 0.0)
    return make_desk(webhook_secrets=f"{OLD} prices.daily={NEW}", webhook_max_bytes=1024)


async def call(
    desk: Desk, path: str = PATH, *, secret: str = OLD, body: bytes = BODY, message: str = "m1",
    **spoilt: str,
) -> httpx.Response:  # fmt: skip
    signed = signing.headers([key_of(secret)], message, desk.now(), body)
    signed |= {name.replace("_", "-"): value for name, value in spoilt.items()}
    transport = httpx.ASGITransport(api_desk.application())
    async with httpx.AsyncClient(transport=transport, base_url="http://desk") as client:
        return await client.post(path, content=body, headers=signed)


def jobs(desk: Desk) -> list[tuple[str, str]]:
    found = desk.queue.find([JobStatus.QUEUED], event_name="pull")
    return [(job.payload["dataset"], job.payload["trigger"]) for job in found]


async def test_a_signed_call_queues_a_pull(desk: Desk) -> None:
    """202 with the job; it is in the chain of who did what."""
    answer = await call(desk)
    assert answer.status_code == 202
    found = answer.json()
    assert found["success"] is True
    assert desk.queue.get(found["data"]["job"]).payload["trigger"] == "webhook"
    acts = desk.warehouse.read_anew("SELECT act FROM access_audit")["act"].to_list()
    assert "hook prices.daily" in acts


async def test_a_call_that_comes_again_is_done_once(desk: Desk) -> None:
    """Also after its pull has ended; a new one while a pull waits joins it."""
    first = (await call(desk)).json()["data"]
    again = (await call(desk)).json()["data"]
    joined = (await call(desk, message="m2")).json()["data"]
    assert [item["repeated"] for item in (first, again, joined)] == [False, True, False]
    assert {item["job"] for item in (first, again, joined)} == {first["job"]}
    job = desk.queue.claim("w", timedelta(minutes=1))
    assert job is not None
    desk.queue.ack(job)
    assert (await call(desk)).json()["data"] == {**again}
    assert jobs(desk) == []
    assert (await call(desk, message="m3")).json()["data"]["job"] != first["job"]


@pytest.mark.parametrize("secret", [OLD, NEW])
async def test_two_secrets_count_at_a_time(desk: Desk, secret: str) -> None:
    """One of all datasets, one of this."""
    assert (await call(desk, secret=secret)).status_code == 202


async def test_a_secret_of_one_dataset_opens_no_other(desk: Desk) -> None:
    """Nor does it tell which there are."""
    for name in ("universe", "no.such"):
        assert (await call(desk, f"/v1/hooks/{name}", secret=NEW)).status_code == 401
    assert (await call(desk, "/v1/hooks/no.such")).status_code == 404
    assert jobs(desk) == []


async def test_what_is_not_signed_or_too_large_is_refused(desk: Desk) -> None:
    """A changed body, an old call, another key, a missing header; nothing is queued."""
    assert (await call(desk, webhook_id="other")).status_code == 401
    assert (await call(desk, webhook_timestamp="1")).status_code == 401
    assert (await call(desk, webhook_signature="v1,x")).status_code == 401
    assert (await call(desk, body=b"x" * 1025)).status_code == 413
    assert jobs(desk) == []


async def test_without_secrets_nobody_may_call(make_desk: Callable[..., Desk]) -> None:
    """Said with the setting that would let them."""
    answer = await call(make_desk())
    assert answer.status_code == 401
    assert "OPENBELL_WEBHOOK_SECRETS" in answer.text
