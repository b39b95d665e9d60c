"""The SEC's fair-access rules: rate, contact and block."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import ValidationError
from core.sources.sec_limit import Block, RateLimiter, checked_user_agent, shared_limiter

NOW = datetime(2026, 1, 5, 14, 30, tzinfo=UTC)


@given(
    rate=st.integers(1, 10),
    gaps=st.lists(st.floats(0, 0.4), min_size=1, max_size=80),
)
def test_no_second_holds_more_requests_than_the_rate(rate: int, gaps: list[float]) -> None:
    """Whatever the pattern of calls, any second sees at most `rate` requests begin."""
    clock = [0.0]
    limiter = RateLimiter(rate, clock=lambda: clock[0])
    begun = []
    for gap in gaps:
        clock[0] += gap
        begun.append(clock[0] + limiter.reserve())
    for begin in begun:
        assert sum(begin <= other < begin + 1.0 for other in begun) <= rate


def test_a_rate_below_one_spreads_requests_over_seconds() -> None:
    """Half a request a second means two seconds between two."""
    limiter = RateLimiter(0.5, clock=lambda: 0.0)
    assert limiter.reserve() == 0
    assert limiter.reserve() >= 2.0


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
