"""What holds for all who work together holds in files and in Redis alike: breakers, block, rate."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from core.domain import breaker as rules
from core.domain.breaker import Breaker
from core.errors import StoreError
from core.redis_place import RedisPlace
from core.service.shared_limits import build_limits
from core.settings import load
from core.sources import redis_turns
from core.sources.breaker_file import BreakerFile
from core.sources.redis_breakers import RedisBlock, RedisBreakers
from core.sources.redis_turns import RedisTurns, SharedLimiter
from core.sources.sec.limit import Block, Limiter, RateLimiter
from core.sources.upstreams import Breakers
from tests import redis_server
from tests.meanwhile import Meanwhile

NOW = datetime(2026, 3, 2, 14, tzinfo=UTC)
AFTER = NOW + timedelta(seconds=60)


@pytest.fixture
def place(redis_url: str, tmp_path: Path) -> Iterator[Callable[[], RedisPlace]]:
    """Opens the same place in Redis, as another machine would."""
    opened: list[RedisPlace] = []

    def open_one() -> RedisPlace:
        opened.append(RedisPlace(f"{redis_url}?prefix={tmp_path.name}"))
        return opened[-1]

    yield open_one
    for each in opened:
        each.close()


@pytest.fixture(params=["file", "redis"])
def breakers(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], Breakers]:
    """Opens the same breakers, as another process would."""
    if request.param == "file":
        return lambda: BreakerFile(tmp_path / "upstreams.json")
    place: Callable[[], RedisPlace] = request.getfixturevalue("place")
    return lambda: RedisBreakers(place())


@pytest.fixture(params=["file", "redis"])
def block(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], Block]:
    """Opens the same block: in Redis each machine has a file of its own."""
    if request.param == "file":
        return lambda: Block(tmp_path / "block.json")
    place: Callable[[], RedisPlace] = request.getfixturevalue("place")
    names = iter("abc")
    return lambda: RedisBlock(place(), tmp_path / f"{next(names)}.json")


@pytest.fixture(params=["process", "redis"])
def limiters(request: pytest.FixtureRequest) -> Callable[[float], Limiter]:
    """A limiter, or two of two machines in turn."""
    if request.param == "process":
        one: dict[float, Limiter] = {}
        return lambda rate: one.setdefault(rate, RateLimiter(rate))
    place: Callable[[], RedisPlace] = request.getfixturevalue("place")
    return lambda rate: SharedLimiter(RateLimiter(rate), place())


def fail(breaker: Breaker) -> Breaker:
    return rules.failed(breaker, NOW, "gone")


def test_what_one_learns_of_a_host_the_other_knows(breakers: Callable[[], Breakers]) -> None:
    """Failures of both count together, and the first good answer closes it for both."""
    one, other = breakers(), breakers()
    assert one.get("sec@a") == Breaker()
    for n in range(rules.FAILURES):
        (one if n % 2 else other).change("sec@a", fail)
    assert one.get("sec@a") == other.get("sec@a")
    assert other.get("sec@a").state == "open"
    assert one.get("sec@a").since == NOW
    assert other.get("sec@b") == Breaker()
    before, after = one.change("sec@a", lambda known: rules.answered(known, NOW))
    assert (before.state, after.state, other.get("sec@a").state) == ("open", "closed", "closed")


def test_every_field_comes_back(breakers: Callable[[], Breakers]) -> None:
    """As it was, instants to the microsecond."""
    full = Breaker(NOW, True, 3, NOW, NOW, 2, NOW, AFTER, AFTER, AFTER, 'said "no" – 403')
    breakers().change("sec@a", lambda _: full)
    assert breakers().get("sec@a") == full


def test_changes_of_two_at_once_are_all_kept(breakers: Callable[[], Breakers]) -> None:
    """None overwrites another's."""
    one, other = breakers(), breakers()

    def many(kept: Breakers) -> None:
        for _ in range(25):
            kept.change("sec@a", lambda known: replace(known, tries=known.tries + 1))

    beside = Meanwhile(lambda: many(other))
    beside()
    many(one)
    beside.done()
    assert one.get("sec@a").tries == other.get("sec@a").tries == 50


def test_a_block_of_one_holds_for_the_other(block: Callable[[], Block]) -> None:
    """Until its end; a shorter one that comes later does not end it."""
    one, other = block(), block()
    assert other.until(NOW) is None
    until = one.begin(NOW, 600, "data.sec.gov/x")
    assert other.until(NOW) == until == NOW + timedelta(seconds=600)
    assert other.begin(NOW, 5, "data.sec.gov/y") == until
    assert one.until(NOW) == until
    assert one.until(until) is other.until(until) is None


async def _asked(limiter: Limiter, at: list[float], seconds: float = 0.0) -> None:
    async with limiter.slot() as slot:
        at.append(time.monotonic())
        await asyncio.sleep(seconds)
        slot.answered()


async def test_never_more_than_the_rate_in_any_second(
    limiters: Callable[[float], Limiter],
) -> None:
    """Requests of two machines at once: the n-th after another begins a second after its answer."""
    one, other, at = limiters(5), limiters(5), list[float]()
    await asyncio.gather(*(_asked(limiter, at) for _ in range(6) for limiter in (one, other)))
    at.sort()
    assert all(later - first >= 1.0 for first, later in zip(at, at[5:], strict=False))
    assert len(at) == 12


async def test_a_request_counts_until_it_is_answered(limiters: Callable[[float], Limiter]) -> None:
    """However long it is on its way; the next begins a second after the answer."""
    one, other, at = limiters(1), limiters(1), list[float]()
    first = asyncio.create_task(_asked(one, at, 0.3))
    while not at:
        await asyncio.sleep(0.01)
    await asyncio.gather(first, _asked(other, at))
    assert at[1] - at[0] >= 1.3


async def test_what_a_dead_machine_held_is_free_again(
    place: Callable[[], RedisPlace], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A slot without an answer, and a turn that nobody prolongs."""
    monkeypatch.setattr(redis_turns, "HELD_MS", 200)
    monkeypatch.setattr(redis_turns, "TURN_MS", 200)
    dead = SharedLimiter(RateLimiter(1), place())
    assert dead._take("0123")[0] == 0
    assert RedisTurns(place())._take(place().key("turn", "foundry:prices"), "0123")
    at: list[float] = []
    began = time.monotonic()
    await _asked(SharedLimiter(RateLimiter(1), place()), at)
    async with RedisTurns(place()).alone("foundry:prices"):
        pass
    assert 0.15 < time.monotonic() - began < 5


async def test_one_machine_at_a_time_asks_for_a_dataset(place: Callable[[], RedisPlace]) -> None:
    """Another dataset is no concern of it; a turn that goes on is prolonged."""
    one, other, told = RedisTurns(place()), RedisTurns(place()), list[str]()

    async def pull(turns: RedisTurns, name: str) -> None:
        async with turns.alone("foundry:prices"):
            told.append(f"{name} begins")
            await asyncio.sleep(0.1)
            told.append(f"{name} ends")

    async with other.alone("foundry:halts"):
        await asyncio.gather(pull(one, "one"), pull(other, "other"))
    assert [word.split()[0] for word in told] in (
        ["one", "one", "other", "other"],
        ["other", "other", "one", "one"],
    )


async def test_a_turn_is_kept_as_long_as_it_takes(
    place: Callable[[], RedisPlace], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Longer than one that nobody prolongs."""
    monkeypatch.setattr(redis_turns, "TURN_MS", 400)
    monkeypatch.setattr(redis_turns, "BEAT_SECONDS", 0.05)
    one, other = RedisTurns(place()), RedisTurns(place())
    key = place().key("turn", "foundry:prices")
    async with one.alone("foundry:prices"):
        ends = time.monotonic() + 0.8
        while time.monotonic() < ends:
            assert not other._take(key, "other")
            await asyncio.sleep(0.02)
    assert other._take(key, "other")


async def test_without_redis_a_machine_goes_by_what_it_knows(tmp_path: Path) -> None:
    """Breakers and block hold here; nothing is asked of the SEC while others are not known."""
    away = RedisPlace(f"redis://127.0.0.1:{redis_server.free_port()}/0")
    breakers, block = RedisBreakers(away), RedisBlock(away, tmp_path / "block.json")
    for _ in range(rules.FAILURES):
        breakers.change("sec@a", fail)
    assert breakers.get("sec@a").state == "open"
    block.begin(NOW, 60, "data.sec.gov/x")
    assert block.until(NOW) == AFTER
    for entered in (SharedLimiter(RateLimiter(5), away).slot(), RedisTurns(away).alone("x")):
        with pytest.raises(StoreError, match="redis"):
            async with entered:
                pass
    away.close()


async def test_a_desk_has_its_limits_where_its_jobs_are(redis_url: str, tmp_path: Path) -> None:
    """Two data folders with one queue in Redis share all four; one by itself has files."""
    chosen: dict[str, Any] = {"queue_url": f"{redis_url}?prefix={tmp_path.name}"}
    one, other = (build_limits(load(data_dir=tmp_path / name, **chosen)) for name in "ab")
    one.breakers.change("sec@a", fail)
    assert other.breakers.get("sec@a").failures == 1
    assert other.block.until(NOW) is None
    one.block.begin(NOW, 60, "x")
    assert other.block.until(NOW) == AFTER
    assert isinstance(one.limiter, SharedLimiter)
    assert isinstance(one.turns, RedisTurns)
    one.close()
    other.close()
    alone = build_limits(load(data_dir=tmp_path / "c"))
    assert isinstance(alone.limiter, RateLimiter)
    assert not isinstance(alone.breakers, RedisBreakers)
