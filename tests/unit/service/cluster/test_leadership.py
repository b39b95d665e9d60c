"""An engine among several lets go of the lease whenever it cannot lead, and stands by again."""

from __future__ import annotations

import threading
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, cast

import pytest

from core.addresses import LakeAddress
from core.errors import LostLeaseError, StoreError
from core.service.cluster import leadership
from core.service.cluster.leadership import Leadership
from core.store import lake
from core.store.lease import Lease

ADDRESS = LakeAddress("ducklake:postgresql://nobody/desk?data=/nowhere")
SECONDS = 20.0


class Held:
    """A lease that is free at once; `closed` once it was let go of."""

    epoch = 1

    def __init__(self) -> None:
        self.closed = threading.Event()
        self.given_up = threading.Event()

    def give_up(self) -> None:
        self.given_up.set()

    def close(self) -> None:
        self.closed.set()


@pytest.fixture
def leases(monkeypatch: pytest.MonkeyPatch) -> list[Held]:
    """Every lease that was taken so far."""
    taken: list[Held] = []

    def contend(_: LakeAddress, stop: threading.Event) -> Held | None:
        if stop.is_set():
            return None
        taken.append(Held())
        return taken[-1]

    monkeypatch.setattr(Lease, "contend", contend)
    monkeypatch.setattr(lake, "load_extensions", lambda _: None)
    monkeypatch.setattr(leadership, "LOOK_SECONDS", 0.001)
    monkeypatch.setattr(leadership, "PAUSE_SECONDS", 0.001)
    return taken


class Desks:
    """Opens desks whose store answers as told; counts what was opened and left."""

    def __init__(self, has_lost: Callable[[], bool], keep_owning: Callable[[float], None]) -> None:
        self._store = SimpleNamespace(has_lost=has_lost, keep_owning=keep_owning)
        self.opened = 0
        self.left = threading.Event()

    def lead(self, _: Lease) -> Any:
        self.opened += 1
        return SimpleNamespace(warehouse=self._store)

    def leave(self, _: Any) -> None:
        self.left.set()


def _run(
    lead: Callable[[Lease], Any], leave: Callable[[Any], None], until: threading.Event
) -> None:
    running = Leadership(ADDRESS, cast(Any, lead), cast(Any, leave))
    running.start()
    try:
        assert until.wait(SECONDS)
    finally:
        running.close()


@pytest.mark.parametrize("error", [StoreError("no room"), ValueError("a fault of ours")])
def test_a_lease_is_let_go_when_the_desk_cannot_be_opened(
    error: Exception, leases: list[Held]
) -> None:
    """Another engine may be able to; and this one tries again."""
    again = threading.Event()

    def lead(_: Lease) -> Any:
        if len(leases) > 1:
            again.set()
        raise error

    _run(lead, lambda _: None, again)
    assert leases[0].closed.is_set()


def test_an_engine_goes_on_standing_by_when_closing_its_desk_fails(leases: list[Held]) -> None:
    """Nothing ends the thread that competes."""
    again = threading.Event()

    def lost(_: float) -> None:
        raise LostLeaseError("another has it")

    def leave(_: Any) -> None:
        if len(leases) > 1:
            again.set()
        raise ValueError("a fault of ours")

    _run(Desks(lambda: True, lost).lead, leave, again)
    assert len(leases) > 1


def test_who_cannot_reach_the_lake_for_long_leads_no_more(
    leases: list[Held], monkeypatch: pytest.MonkeyPatch
) -> None:
    """PostgreSQL may have given the lease to another, which this engine cannot know."""

    def away(_: float) -> None:
        raise StoreError("no answer")

    desks = Desks(lambda: True, away)
    monkeypatch.setattr(leadership, "SILENCE_SECONDS", 0.05)
    _run(desks.lead, desks.leave, desks.left)
    assert desks.opened >= 1


def test_a_moment_without_the_lake_costs_no_lead(leases: list[Held]) -> None:
    """What is lost and got back at once is kept."""
    looks = iter(range(10**9))
    enough = threading.Event()

    def lost() -> bool:
        if next(looks) > 20:
            enough.set()
        return True

    desks = Desks(lost, lambda _: None)
    _run(desks.lead, desks.leave, enough)
    assert desks.opened == 1


def test_who_leads_and_reaches_neither_redis_nor_s3_lets_another_lead(
    leases: list[Held], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The lease is given up before the desk is closed, which takes long in an outage."""
    monkeypatch.setattr(leadership, "SILENCE_SECONDS", 0.05)
    looks = iter(range(10**9))
    given_up_first, out_of_reach = list[bool](), threading.Event()

    def reach() -> None:
        if next(looks) > 3:
            out_of_reach.set()
            raise StoreError("no answer")

    def leave(_: Any) -> None:
        given_up_first.append(leases[0].given_up.is_set())
        left.set()

    left = threading.Event()
    desks = Desks(lambda: False, lambda _: None)
    running = Leadership(ADDRESS, cast(Any, desks.lead), leave, reach)
    running.start()
    assert left.wait(SECONDS)
    running.close()
    assert given_up_first == [True]
    assert out_of_reach.is_set()


def test_who_could_do_nothing_does_not_try_to_lead(leases: list[Held]) -> None:
    """It begins to when what it needs is back."""
    looks = iter(range(10**9))

    def reach() -> None:
        if next(looks) < 3:
            assert not leases
            raise StoreError("no answer")

    enough = threading.Event()
    desks = Desks(lambda: bool(enough.set()), lambda _: None)
    running = Leadership(ADDRESS, cast(Any, desks.lead), desks.leave, reach)
    running.start()
    assert enough.wait(SECONDS)
    running.close()
    assert len(leases) == 1
