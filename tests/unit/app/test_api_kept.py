"""Stored answers are given again as bytes, to the same reader, until the next commit."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from typing import Any

import httpx
import polars as pl
import pytest

from app.api import kept, main
from app.api.resources.kernel import RESOURCES, resource
from app.doors import credentials
from core.domain.access.principals import LOCAL, Role
from core.service.desk import Desk
from core.service.kernel import access
from core.service.trading import plans, proposals
from tests import api_desk

ROWS = "/v1/datasets/prices.daily/rows?limit=2"


@pytest.fixture
def desk(make_desk: Callable[..., Desk]) -> Desk:
    """A filled desk that several share."""
    return api_desk.open_desk(make_desk)


@pytest.fixture
async def ask(desk: Desk) -> AsyncIterator[Callable[..., Any]]:
    """Asks the API behind doors that say who asks."""
    app = main.served()

    async def behind_doors(scope: Any, receive: Any, send: Any) -> None:
        scope[credentials.CALLER] = credentials.of(scope, desk)
        await app(scope, receive, send)

    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app=behind_doors), base_url="http://desk/api", timeout=60
    ) as client:

        async def get(path: str, token: str, **headers: str) -> httpx.Response:
            return await client.get(path, headers={"Authorization": f"Bearer {token}", **headers})

        yield get


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The resources whose functions were called."""
    names: list[str] = []
    run = resource.run

    def counted(desk: Desk, name: str, given: Any) -> Any:
        names.append(name)
        return run(desk, name, given)

    monkeypatch.setattr(resource, "run", counted)
    return names


def _without_instant(answer: httpx.Response) -> Any:
    told = answer.json()
    return {**told, "meta": {**told["meta"], "as_of": None}}


async def test_the_second_answer_is_the_first_without_a_read(
    desk: Desk, ask: Any, asked: list[str]
) -> None:
    """Data, tag, link to the next page; and nothing at all for who has it already."""
    token = api_desk.token(desk, Role.VIEWER)
    first, second = await ask(ROWS, token), await ask(ROWS, token)
    assert first.status_code == second.status_code == 200
    assert _without_instant(first) == _without_instant(second)
    for name in ("etag", "link", "x-openbell-next", "vary", "cache-control", "content-type"):
        assert first.headers[name] == second.headers[name]
    assert second.headers["x-correlation-id"]
    none = await ask(ROWS, token, **{"If-None-Match": first.headers["etag"]})
    assert (none.status_code, none.content) == (304, b"")
    assert none.headers["etag"] == first.headers["etag"]
    assert len(asked) == 1


async def test_an_answer_that_was_had_already_is_kept_for_who_has_none(
    desk: Desk, ask: Any, asked: list[str]
) -> None:
    """The first one to ask may know it, and the next one may not."""
    token = api_desk.token(desk, Role.VIEWER)
    tag = (await ask(ROWS, token)).headers["etag"]
    for path in ("/v1/symbols", "/v1/companies"):
        assert (await ask(path, token, **{"If-None-Match": "*"})).status_code == 304
        full = await ask(path, token)
        assert full.status_code == 200
        assert full.json()["data"]
        assert full.headers["etag"] != tag
    assert len(asked) == 3


async def test_it_is_told_at_its_own_instant(
    desk: Desk, ask: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`as_of` goes on though nothing is read, and a new minute asks again."""
    token, start = api_desk.token(desk, Role.VIEWER), desk.now().replace(second=1)
    said = []
    for seconds in (0, 5):
        now = start + timedelta(seconds=seconds)
        monkeypatch.setattr(desk, "now", lambda now=now: now)
        said.append((await ask(ROWS, token)).json()["meta"]["as_of"])
    assert said[0] < said[1]


async def test_a_commit_is_seen_at_once(desk: Desk, ask: Any, asked: list[str]) -> None:
    """The next answer has what was committed."""
    token = api_desk.token(desk, Role.VIEWER)
    before = await ask(ROWS, token)
    bar = desk.warehouse.read("SELECT * FROM bars_daily ORDER BY session DESC LIMIT 1")
    with desk.warehouse.transaction() as tx:
        tx.insert("bars_daily", bar.with_columns(symbol=pl.lit("ZZZ")))
    after = await ask(ROWS, token)
    assert "ZZZ" not in before.text
    assert "ZZZ" in after.text
    assert after.headers["etag"] != before.headers["etag"]
    assert len(asked) == 2


async def test_what_was_decided_and_posted_is_seen_at_once(
    desk: Desk, ask: Any, asked: list[str]
) -> None:
    """Plans, entries and balances are kept as any stored answer, and no longer."""
    token = api_desk.token(desk, Role.TRADER)
    paths = ("/v1/plans", "/v1/journal/entries", "/v1/journal/trial-balance")
    before = [await ask(path, token) for path in (*paths, *paths)]
    assert len(asked) == 3
    assert [answer.status_code for answer in before] == [200] * 6
    with access.acting(LOCAL):
        made = proposals.propose(desk, plans.Ask("AAA"))
    waiting = [await ask(path, token) for path in (paths[0], f"/v1/plans/{made.plan_id}")]
    with access.acting(LOCAL):
        proposals.approve(desk, made.plan_id, "because")
    after = [await ask(path, token) for path in (*paths, f"/v1/plans/{made.plan_id}")]
    assert made.plan_id not in before[0].text
    assert waiting[0].json()["data"][0]["state"] == waiting[1].json()["data"]["state"] == "proposed"
    assert after[0].json()["data"][0]["state"] == after[3].json()["data"]["state"] != "proposed"
    assert len(after[1].json()["data"]) > len(before[1].json()["data"])
    assert after[2].json()["data"] != before[2].json()["data"]


async def test_each_reader_and_form_has_its_own(desk: Desk, ask: Any, asked: list[str]) -> None:
    """Another reader, another page, another type; who is nobody gets nothing of it."""
    viewer, trader = (api_desk.token(desk, role) for role in (Role.VIEWER, Role.TRADER))
    await ask(ROWS, viewer)
    await ask(ROWS, trader)
    await ask(ROWS.replace("2", "3"), viewer)
    table = await ask(ROWS, viewer, Accept="text/csv")
    assert table.headers["content-type"].startswith("text/csv")
    assert len(asked) == 4
    assert (await ask(ROWS, "wrong")).status_code == 401
    desk.roster.revoke_token("a viewer", LOCAL)
    assert (await ask(ROWS, viewer)).status_code == 401


async def test_errors_large_answers_and_other_resources_are_asked_each_time(
    desk: Desk, ask: Any, asked: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Jobs change without a commit."""
    token = api_desk.token(desk, Role.VIEWER)
    monkeypatch.setattr(kept, "LARGEST", 10)
    for path in (ROWS, "/v1/companies/999", "/v1/datasets", "/v1/jobs"):
        first, second = await ask(path, token), await ask(path, token)
        assert first.status_code == second.status_code
    assert len(asked) == 8
    stored = [found.path for found in RESOURCES.values() if found.stored]
    assert not [path for path in stored if path.startswith(("/jobs", "/scans"))]
    assert "/datasets" not in stored


@pytest.mark.parametrize("encoding", ["identity", "gzip"])
@pytest.mark.parametrize("path", [ROWS.replace("2", "30"), "/v1/plans"])
async def test_a_kept_answer_bears_the_headers_of_a_new_one(
    desk: Desk, ask: Any, asked: list[str], path: str, encoding: str
) -> None:
    """All of them, packed or not, long or short; also of a 304."""
    token = api_desk.token(desk, Role.VIEWER)
    own = ("x-correlation-id", "content-length")  # of a packed body: its instant is another
    for told in ({}, {"If-None-Match": "*"}):
        given = {"Accept-Encoding": encoding, "X-Correlation-ID": "abc", **told}
        desk.warehouse.commits += 1
        first, second = [await ask(path, token, **given) for _ in range(2)]
        assert first.status_code == second.status_code
        for answer in (first, second):
            assert answer.headers["x-correlation-id"] == "abc"
        rest = [{k: v for k, v in a.headers.items() if k not in own} for a in (first, second)]
        assert rest[0] == rest[1]
        assert ("content-length" in first.headers) == ("content-length" in second.headers)
    assert len(asked) == 2


async def test_datasets_are_kept_until_a_second_a_job_or_a_host_says_otherwise(
    desk: Desk, ask: Any, asked: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Freshness goes with the clock, and what runs with the queue: no commit tells of either."""
    token, now = api_desk.token(desk, Role.VIEWER), desk.now().replace(second=1, microsecond=0)
    monkeypatch.setattr(desk, "now", lambda: now)
    paths = ("/v1/datasets", "/v1/datasets/prices.daily")
    before = [await ask(path, token) for path in (*paths, *paths)]
    assert len(asked) == 2
    assert before[0].json()["data"][0]["running_job"] is None
    job = desk.queue.publish("pull", {"dataset": "prices.daily"}, run_at=now)
    after = [await ask(path, token) for path in (*paths, *paths)]
    assert len(asked) == 4
    running = {row["name"]: row["running_job"] for row in after[0].json()["data"]}
    assert running["prices.daily"] == after[3].json()["data"]["running_job"] == job.job_id
    desk.upstreams.changes += 1
    await ask(paths[0], token)
    now += timedelta(seconds=1)
    await ask(paths[0], token)
    assert len(asked) == 6


async def test_datasets_of_a_shared_queue_are_asked_each_time(
    desk: Desk, ask: Any, asked: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Other desks write to it, and do not tell this one."""
    monkeypatch.setattr(type(desk.queue), "version", None)
    token = api_desk.token(desk, Role.VIEWER)
    for _ in range(2):
        assert (await ask("/v1/datasets", token)).status_code == 200
    assert len(asked) == 2


async def test_the_oldest_answers_are_let_go(
    desk: Desk, ask: Any, asked: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """So many are kept and no more."""
    monkeypatch.setattr(kept, "ANSWERS", 2)
    token = api_desk.token(desk, Role.VIEWER)
    pages = [ROWS.replace("2", str(size)) for size in (1, 2, 3)]
    for path in (*pages, pages[0]):
        await ask(path, token)
    assert len(asked) == 4
