"""The SEC's fair-access rules: rate, contact and block."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import ValidationError
from core.sources.sec.limit import Block, RateLimiter, checked_user_agent, shared_limiter

NOW = datetime(2026, 1, 5, 14, 30, tzinfo=UTC)


@given(
    rate=st.integers(1, 10),
    calls=st.lists(
        st.tuples(st.floats(0, 0.4), st.floats(0, 2), st.floats(0, 2)), min_size=1, max_size=60
    ),
)
def test_no_second_sees_more_requests_than_the_rate(
    rate: int, calls: list[tuple[float, float, float]]
) -> None:
    """Whatever the pattern of calls, and however long requests and answers are on their way."""
    clock = [0.0]
    limiter = RateLimiter(rate, clock=lambda: clock[0])
    arrived, answered, asked = [], [], 0.0
    for place, (gap, way, back) in enumerate(calls):
        asked += gap
        slot, earlier = limiter.reserve(), place - rate
        clock[0] = max([asked, *answered[max(0, earlier) : earlier + 1]])
        begin = clock[0] + max(0.0, limiter.left(slot))
        arrived.append(begin + way)
        clock[0] = arrived[-1] + back
        answered.append(clock[0])
        slot.answered()
    for at in arrived:
        assert sum(at <= other < at + 1.0 for other in arrived) <= rate


def test_a_request_waits_for_one_that_has_no_answer_yet() -> None:
    """It may still be on its way, and arrive with this one."""
    limiter = RateLimiter(1, clock=lambda: 0.0)
    first, second = limiter.reserve(), limiter.reserve()
    assert limiter.left(first) == 0
    assert 0 < limiter.left(second) < 0.1
    first.answered()
    assert limiter.left(second) >= 1.0


async def test_a_request_that_is_called_off_holds_up_nobody() -> None:
    """Cancelled while it waits or while it is on its way, its place becomes free."""
    limiter = RateLimiter(1000)

    async def ask(seconds: float) -> None:
        async with limiter.slot():
            await asyncio.sleep(seconds)

    tasks = [asyncio.create_task(ask(60)) for _ in range(1500)]
    await asyncio.sleep(0.1)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    async with asyncio.timeout(5), limiter.slot():
        pass


def test_a_rate_below_one_spreads_requests_over_seconds() -> None:
    """Half a request a second means two seconds between two."""
    limiter = RateLimiter(0.5, clock=lambda: 0.0)
    first = limiter.reserve()
    assert limiter.left(first) == 0
    first.answered()
    assert limiter.left(limiter.reserve()) >= 2.0


def test_the_sec_has_one_limiter_whatever_asks_it() -> None:
    """Two clients of the SEC share their slots; a stand-in does not use them up."""
    assert shared_limiter(8, "data.sec.gov") is shared_limiter(8, "www.sec.gov")
    assert shared_limiter(8, "127.0.0.1") is not shared_limiter(8, "data.sec.gov")


def test_more_than_ten_a_second_is_refused_for_the_sec() -> None:
    """The SEC's own rule cannot be set aside."""
    with pytest.raises(ValidationError, match="more than the SEC allows"):
        shared_limiter(11, "data.sec.gov")


@pytest.mark.parametrize(
    "agent", ["", "Openbell", "me@", "Jane Doe", "J\u00e4ne j@x.org", "a\nb@c.de"]
)
def test_the_sec_is_not_asked_without_a_contact(agent: str) -> None:
    """The refusal says which setting to set."""
    with pytest.raises(ValidationError, match="OPENBELL_SEC_USER_AGENT"):
        checked_user_agent(agent, "data.sec.gov")


def test_a_contact_is_sent_as_it_is_whoever_answers() -> None:
    """On loopback too: what answers there may be a proxy to the real SEC."""
    assert checked_user_agent(" Jane j@example.com ", "data.sec.gov") == "Jane j@example.com"
    with pytest.raises(ValidationError, match="OPENBELL_SEC_USER_AGENT"):
        checked_user_agent("", "127.0.0.1")


def test_a_block_outlives_the_process_and_holds_for_others(tmp_path: Path) -> None:
    """A second reader of the file sees the pause; it ends by itself."""
    path = tmp_path / "sec-block.json"
    until = Block(path).begin(NOW, 600, "data.sec.gov/x")
    other = Block(path)
    assert other.until(NOW) == until == NOW + timedelta(seconds=600)
    assert other.until(until) is None
    assert [p.name for p in tmp_path.iterdir()] == ["sec-block.json"]


def test_a_later_shorter_block_does_not_shorten_the_pause(tmp_path: Path) -> None:
    """The longest pause wins."""
    block = Block(tmp_path / "b.json")
    first = block.begin(NOW, 600, "x")
    assert block.begin(NOW, 10, "x") == first


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"until": 5}', '{"until": "2026-01-01"}', "\x00"]
)
def test_a_broken_block_file_blocks_nobody(tmp_path: Path, text: str) -> None:
    """A file that is not ours is not obeyed."""
    path = tmp_path / "b.json"
    path.write_text(text)
    assert Block(path).until(NOW) is None


def test_the_block_file_says_until_when_and_where(tmp_path: Path) -> None:
    """Its content is for people as well."""
    Block(tmp_path / "b.json").begin(NOW, 60, "data.sec.gov/x")
    assert json.loads((tmp_path / "b.json").read_text()) == {
        "until": "2026-01-05T14:31:00+00:00",
        "where": "data.sec.gov/x",
    }
