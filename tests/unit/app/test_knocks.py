"""Wrong tokens from many addresses, limits that desks share, desks behind a proxy of their own."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from limits import parse
from limits.strategies import SlidingWindowCounterRateLimiter
from starlette.applications import Starlette
from structlog.testing import capture_logs

from app.api import main as api
from app.doors import counters, limits, middleware
from app.doors.counters import Counters
from app.doors.limits import network_of
from core import settings
from core.domain.access.principals import LOCAL, Role
from core.domain.alerts.rules import DESK
from core.observe.sparing import LINES, Sparing
from core.service import current
from core.service.alerts import telling
from core.service.desk import Desk
from tests import redis_server

SIGN = "/api/v1/commands"


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Answers to wrong tokens come at once here."""
    monkeypatch.setattr(limits, "FIRST_PAUSE", 0.0)


def caller(house: middleware.House, peer: str) -> httpx.AsyncClient:
    """A caller from an address, of doors with nothing behind them."""

    async def nothing(scope: object, receive: object, send: object) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})  # type: ignore[operator]
        await send({"type": "http.response.body", "body": b""})  # type: ignore[operator]

    transport = httpx.ASGITransport(middleware.Doors(nothing, lambda: house), client=(peer, 1))
    return httpx.AsyncClient(transport=transport, base_url="http://desk")


@pytest.mark.parametrize("whence", ["one", "many"])
async def test_three_hundred_wrong_tokens_are_one_alert(
    make_desk: Callable[..., Desk], monkeypatch: pytest.MonkeyPatch, whence: str
) -> None:
    """From one address or from fifteen: one entry of the chain, one alert, a few lines logged."""
    monkeypatch.setattr(middleware, "log", Sparing("doors", timer=lambda *_: None))
    with capture_logs() as lines:
        await _knock_and_tell(make_desk(access="token"), whence)
        middleware.log.close()
    refused = [line for line in lines if line["event"].startswith("wrong credentials refused")]
    assert len(refused) == LINES + 1
    assert refused[-1]["count"] == 300 - LINES


async def _knock_and_tell(desk: Desk, whence: str) -> None:
    house, codes = middleware.house(desk), []
    for number in range(300):
        peer = "10.0.0.7" if whence == "one" else f"10.0.0.{number % 15}"
        async with caller(house, peer) as client:
            wrong = {"Authorization": f"Bearer obt_{number}"}
            codes.append((await client.get(SIGN, headers=wrong)).status_code)
    assert set(codes) <= {401, 429}
    assert codes.count(401) == (20 if whence == "one" else 300)
    kept = desk.warehouse.read("SELECT detail FROM access_audit WHERE outcome = 'refused'")
    assert kept.height == 1
    telling.tell_new(desk)
    told = desk.warehouse.read(
        "SELECT kind FROM alerts WHERE reader = ? AND kind = 'access.refused'", [DESK]
    )
    assert told.height == 1


@pytest.mark.parametrize("addresses", [1, 3])
async def test_three_hundred_slow_wrong_tokens_are_one_alert(
    monkeypatch: pytest.MonkeyPatch, addresses: int
) -> None:
    """Of who waits for each answer, fifteen a minute and address: never too many of a minute."""
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now)
    knocks, told = limits.Knocks(settings.load(access="token"), lambda: now), []
    for number in range(300):
        now += limits.LONGEST_PAUSE / addresses
        told.append((await knocks.wrong(f"10.0.0.{number % addresses}"))[1])
    said = [sentence for sentence in told if sentence]
    assert said[0] == "more than 100 wrong tokens in an hour from all addresses"
    assert len(said) == 1


def test_a_network_of_version_6_is_one_address() -> None:
    """Whoever has one address of it has 2^64 more; of version 4 each stands for itself."""
    assert network_of("2001:db8::1") == network_of("2001:db8::ffff:1") == "2001:db8::/64"
    assert network_of("2001:db8:0:1::1") != network_of("2001:db8::1")
    assert network_of("::ffff:10.0.0.7") == network_of("10.0.0.7") == "10.0.0.7"
    assert network_of("") == ""


async def test_wrong_tokens_from_one_network_are_counted_together(
    make_desk: Callable[..., Desk],
) -> None:
    """A new address for each try is no way round."""
    house, codes = middleware.house(make_desk(access="token")), []
    for number in range(25):
        async with caller(house, f"2001:db8::{number:x}") as client:
            wrong = {"Authorization": f"Bearer obt_{number}"}
            codes.append((await client.get(SIGN, headers=wrong)).status_code)
    assert (codes.count(401), codes.count(429)) == (20, 5)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, 200),
        ({"X-Forwarded-For": "127.0.0.1"}, 200),
        ({"X-Forwarded-For": "192.168.1.5"}, 403),
        ({"X-Forwarded-For": "127.0.0.1, 192.168.1.5"}, 403),
        ({"X-Forwarded-For": "unknown"}, 403),
        ({"X-Real-IP": "192.168.1.5"}, 403),
        ({"Forwarded": "for=192.168.1.5"}, 403),
    ],
)
async def test_an_open_desk_is_not_opened_by_a_proxy_beside_it(
    make_desk: Callable[..., Desk], given: dict[str, str], expected: int
) -> None:
    """Everybody who came through it would be admin; what it says of them keeps them out."""
    async with caller(middleware.house(make_desk()), "127.0.0.1") as client:
        assert (await client.get("/plans", headers=given)).status_code == expected


@pytest.mark.skipif(not redis_server.installed(), reason=redis_server.MISSING)
async def test_desks_with_jobs_in_redis_count_together(tmp_path: Path) -> None:
    """Two desks, one limit; when Redis is gone each counts by itself, and nobody is kept out."""
    clock = [100.0]
    item = parse("5/hour")
    with redis_server.running(tmp_path) as url:
        chosen = settings.load(data_dir=tmp_path, queue_url=url)
        desks = [
            Counters(chosen, SlidingWindowCounterRateLimiter, lambda: clock[0]) for _ in range(2)
        ]
        found = [(await desks[number % 2].hit(item, "ada"))[0] for number in range(7)]
        assert found == [True] * 5 + [False] * 2
        assert (await desks[0].hit(item, "bob"))[1].remaining == 4
    assert (await desks[0].hit(item, "ada"))[0]
    assert desks[0]._away_until == clock[0] + counters.AWAY_SECONDS
    counters.log.close()


async def test_what_is_asked_for_is_told_by_the_callers_own_scheme(
    make_desk: Callable[..., Desk],
) -> None:
    """Behind a proxy that speaks TLS the link to the next page does, too."""
    desk = make_desk(access="token", trusted_proxies="10.0.0.2")
    current.use(desk)
    token = desk.roster.add_token("t", Role.VIEWER, None, LOCAL)[1]
    house = middleware.house(desk)
    inner = Starlette(routes=[api.mounted()])
    for peer, scheme in (("10.0.0.2", "https"), ("10.0.0.9", "http")):
        doors = middleware.Doors(inner, lambda: house)
        transport = httpx.ASGITransport(doors, client=(peer, 1))
        headers = {"Authorization": f"Bearer {token}", "X-Forwarded-Proto": "https"}
        async with httpx.AsyncClient(
            transport=transport, base_url="http://desk", headers=headers
        ) as client:
            answer = await client.get("/api/v1/rules?limit=1")
        assert answer.links["next"]["url"].startswith(f"{scheme}://desk/api/v1/rules?")
