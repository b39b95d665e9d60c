"""The circuit breaker: when it opens, whom it lets through, and when it closes."""

from __future__ import annotations

import json
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.domain import breaker as rules
from core.domain.breaker import BUSY, FAILURES, FORCE_EVERY, Breaker
from core.errors import BlockedError, NotFoundError, ServerError, UpstreamDownError
from core.sources.breaker_file import BreakerFile, decoded, encoded
from core.sources.upstreams import Upstream, Upstreams, down, forcing

NOW = datetime(2025, 7, 1, 10, 31, tzinfo=UTC)
HOST = Upstream("foundry", "container:8888", "container")
SEC = (Upstream("sec", "data.sec.gov", "SEC"), Upstream("sec", "www.sec.gov", "SEC"))


def after(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def opened() -> Breaker:
    breaker = Breaker()
    for n in range(FAILURES):
        breaker = rules.failed(breaker, after(n), "503")
    return breaker


def test_it_opens_after_failures_in_a_row_and_counts_from_the_first() -> None:
    """A success in between, or ten quiet minutes, begins the count anew."""
    breaker = Breaker()
    for n in range(FAILURES - 1):
        breaker = rules.failed(breaker, after(n), "503")
    assert breaker.state == "closed"
    assert rules.failed(rules.answered(breaker, after(5)), after(6), "503").state == "closed"
    assert rules.failed(breaker, after(900), "503").state == "closed"
    assert (opened().state, opened().since) == ("open", NOW)


def test_pauses_between_probes_grow_to_half_a_minute() -> None:
    """5, 10, 20, then every 30 seconds: at most eight requests in the first minute."""
    breaker, now, pauses = opened(), after(FAILURES - 1), []
    for _ in range(6):
        assert breaker.next_probe is not None
        pauses.append((breaker.next_probe - now).total_seconds())
        assert not rules.probe_due(breaker, breaker.next_probe - timedelta(seconds=1))
        now = breaker.next_probe
        assert rules.probe_due(breaker, now)
        breaker = rules.failed(rules.probing(breaker, now), now, "503")
    assert pauses == [5, 10, 20, 30, 30, 30]
    assert breaker.since == NOW


@pytest.mark.parametrize(
    ("things", "count", "names"), [(1, 4, 1), (2, 4, 2), (3, 4, 3), (40, 4, 3)]
)
def test_nonsense_opens_it_once_it_is_not_of_one_thing_alone(
    things: int, count: int, names: int
) -> None:
    """Four times of all things, or three; each once rings for nobody, a good answer begins anew."""

    def told(count: int, names: int) -> Breaker:
        breaker = Breaker()
        for n in range(count):
            breaker = rules.nonsense(breaker, after(n), "not JSON", f"t{n % names}", things)
        return breaker

    assert told(count - 1, names).state == "closed"
    assert (told(count, names).state, told(count, names).since) == ("open", NOW)
    if names > 1:
        assert told(50, names - 1).state == "closed"
    for since in (rules.answered(told(count - 1, names), after(9)), told(count - 1, names)):
        assert rules.nonsense(since, after(900), "not JSON", "t2", things).state == "closed"


def test_a_trial_that_is_answered_with_nonsense_has_failed() -> None:
    """The host stays down for a long pause; a late answer from before changes nothing."""
    trying = rules.admitted(rules.alive(opened(), after(9)), after(9))[1]
    again = rules.nonsense(trying, after(10), "not JSON", "t0", 3)
    assert (again.state, again.since, again.next_probe) == ("open", NOW, after(40))
    late = rules.nonsense(opened(), after(10), "not JSON", "t0", 3)
    assert late.next_probe == opened().next_probe
    odd = rules.nonsense(Breaker(), NOW, "not JSON", "t0", 3)
    assert decoded(encoded(odd)) == odd
    assert rules.answered(odd, NOW) == Breaker()


def test_half_open_lets_one_through_and_its_end_decides() -> None:
    """The second waits for the first; failure opens again, success closes."""
    breaker = rules.alive(rules.probing(opened(), after(10)), after(11))
    assert breaker.state == "half-open"
    said, trying = rules.admitted(breaker, after(12))
    assert (said, rules.admitted(trying, after(13))[0]) == ("go", "wait")
    assert rules.admitted(trying, after(13) + BUSY)[0] == "go"  # the first one was killed
    assert rules.failed(trying, after(14), "503").state == "open"
    assert rules.answered(trying, after(14)).state == "closed"


def test_a_forced_try_may_be_made_now_and_then() -> None:
    """Not more often than every few seconds, and never against a block."""
    breaker = opened()
    later = after(FAILURES - 1) + FORCE_EVERY
    assert rules.admitted(breaker, later)[0] == "no"
    said, forced = rules.admitted(breaker, later, forced=True)
    assert said == "go"
    again = rules.failed(forced, later, "503")
    assert rules.admitted(again, later + timedelta(seconds=1), forced=True)[0] == "no"
    blocked = rules.blocked(breaker, later, later + timedelta(seconds=600), "403")
    assert rules.admitted(blocked, later + timedelta(seconds=60), forced=True)[0] == "no"
    assert not rules.probe_due(blocked, later + timedelta(seconds=599))
    assert rules.probe_due(blocked, later + timedelta(seconds=600))


@given(st.lists(st.tuples(st.sampled_from("fafpb"), st.integers(-100_000, 100_000)), max_size=40))
def test_whatever_the_clock_does_a_host_is_asked_again(steps: list[tuple[str, int]]) -> None:
    """After any history and any jump of the clock, an open breaker has a probe due in the end."""
    breaker, now = Breaker(), NOW
    for what, seconds in steps:
        now += timedelta(seconds=seconds)
        if what == "f":
            breaker = rules.failed(breaker, now, "503")
        elif what == "a":
            breaker = rules.admitted(breaker, now, forced=True)[1]
        elif what == "p" and rules.probe_due(breaker, now):
            breaker = rules.alive(rules.probing(breaker, now), now)
        elif what == "b":
            breaker = rules.blocked(breaker, now, now + timedelta(seconds=600), "403")
    until = max(now, breaker.blocked_until or now) + BUSY + timedelta(seconds=61)
    assert breaker.state != "open" or rules.probe_due(breaker, until)
    assert breaker.state != "half-open" or rules.admitted(breaker, until)[0] == "go"


def test_every_process_sees_one_breaker(tmp_path: Path) -> None:
    """Two files objects on one path change it in turn: no change is lost, no torn file is seen."""
    path = tmp_path / "upstreams.json"
    files = [BreakerFile(path), BreakerFile(path)]

    def work(file: BreakerFile, name: str) -> None:
        for _ in range(25):
            file.change(name, lambda known: rules.failed(known, NOW, "503"))
            file.change("both", lambda known: rules.failed(known, NOW, "503"))

    threads = [threading.Thread(target=work, args=(f, str(n))) for n, f in enumerate(files)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert BreakerFile(path).get("0") == files[1].get("0") == files[0].get("0")
    assert files[0].get("both").state == "open"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["upstreams.json", "upstreams.lock"]


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"x": 1}', '{"x": {"since": "never"}}', '{"x": {"failures": "a"}}']
)
def test_a_file_that_makes_no_sense_holds_nobody_up(tmp_path: Path, text: str) -> None:
    """Whatever stands in it, the breaker counts as closed and works on."""
    path = tmp_path / "upstreams.json"
    path.write_text(text)
    file = BreakerFile(path)
    assert file.get("x") == Breaker()
    file.change("x", lambda _: opened())
    assert BreakerFile(path).get("x") == opened()
    assert json.loads(path.read_text())["x"]["last_error"] == "503"


def test_a_disk_that_takes_nothing_does_not_stop_the_process(tmp_path: Path) -> None:
    """The process keeps what it knows itself, and writes it when it can."""
    place = tmp_path / "data"
    place.write_text("a file where the folder should be")
    file = BreakerFile(place / "upstreams.json")
    file.change("x", lambda _: opened())
    assert file.get("x") == opened()
    place.unlink()
    file.change("y", lambda _: opened())
    assert BreakerFile(place / "upstreams.json").get("x") == opened()


class Asked:
    """An operation that fails with each of the errors in turn, then works."""

    def __init__(self, *errors: Exception) -> None:
        self.errors, self.count = list(errors), 0

    async def __call__(self) -> str:
        self.count += 1
        if self.errors:
            raise self.errors.pop(0)
        return "there"


async def drive(upstreams: Upstreams, operation: Asked, times: int, host: Upstream = HOST) -> None:
    for _ in range(times):
        with pytest.raises((ServerError, BlockedError, UpstreamDownError, NotFoundError)):
            await upstreams.gate(host).attempt(operation)


async def test_a_gate_asks_no_more_once_the_host_is_down() -> None:
    """The error says since when, when it is asked again, and what it said last."""
    upstreams = Upstreams([HOST], BreakerFile(), lambda: NOW)
    operation = Asked(*[ServerError("the server failed (503)") for _ in range(99)])
    await drive(upstreams, operation, FAILURES + 5)
    assert operation.count == FAILURES
    with pytest.raises(UpstreamDownError, match=r"container down since 2025-07-01 10:31Z") as told:
        await upstreams.gate(HOST).attempt(operation)
    assert "the server failed (503)" in str(told.value)
    assert told.value.until == NOW + timedelta(seconds=5)


async def test_an_answer_of_any_kind_is_a_sign_of_life() -> None:
    """A document that is not there says that the host is."""
    upstreams = Upstreams([HOST], BreakerFile(), lambda: NOW)
    errors = [NotFoundError("no") if n % 3 == 2 else ServerError("503") for n in range(30)]
    operation = Asked(*errors)
    await drive(upstreams, operation, 30)
    assert (operation.count, upstreams.breaker(HOST).state) == (30, "closed")


async def test_a_forced_request_goes_through_once() -> None:
    """What somebody asked for by hand is tried; when it works, the host is up again."""
    now = [NOW]
    upstreams = Upstreams([HOST], BreakerFile(), lambda: now[0])
    operation = Asked(*[ServerError("503") for _ in range(FAILURES + 1)])
    await drive(upstreams, operation, FAILURES)
    now[0] += FORCE_EVERY
    with forcing():
        await drive(upstreams, operation, 3)
        assert operation.count == FAILURES + 1
        now[0] += FORCE_EVERY
        assert await upstreams.gate(HOST).attempt(operation) == "there"
    assert upstreams.breaker(HOST).state == "closed"


async def test_a_block_opens_all_hosts_of_its_source_until_it_ends() -> None:
    """The SEC blocks a caller, not a host."""
    now = [NOW]
    upstreams = Upstreams([HOST, *SEC], BreakerFile(), lambda: now[0])
    until = NOW + timedelta(seconds=600)
    await drive(upstreams, Asked(BlockedError("blocked", until=until)), 1, SEC[0])
    assert [upstreams.breaker(h).state for h in (HOST, *SEC)] == ["closed", "open", "open"]
    probes = Asked()

    async def probe() -> None:
        await probes()

    now[0] = until - timedelta(seconds=1)
    await upstreams.look(SEC[1], probe)
    assert probes.count == 0
    now[0] = until
    assert (await upstreams.look(SEC[1], probe)).state == "half-open"


@pytest.mark.parametrize(
    ("seconds", "words"), [(10, "asked again at 06:31:10Z"), (-1, "being asked again now")]
)
def test_no_instant_that_has_passed_is_named(seconds: int, words: str) -> None:
    """A sign of life may be under way for a while."""
    now = datetime(2025, 7, 1, 6, 31, tzinfo=UTC)
    known = Breaker(since=now, next_probe=now + timedelta(seconds=seconds))
    assert words in str(down(HOST, known, now))
