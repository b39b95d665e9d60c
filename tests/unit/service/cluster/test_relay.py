"""An ask is signed, done once, and answered; without an engine it is called off."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from core.domain.access.principals import LOCAL, NOBODY, Role
from core.errors import ConflictError, NotFoundError, ProtocolError, ReadOnlyError, StoreError
from core.jobs.queue.port import Job, JobStatus
from core.jobs.worker import Context
from core.service.cluster import answering
from core.service.desk import Desk
from core.service.kernel import access, wire
from core.service.kernel.asking import ACT, EngineRelay, Seal
from core.service.kernel.kept_asks import keep_asks
from core.settings import load


class Box:
    """Letters in memory; `on_wait` is what happens while a desk waits."""

    def __init__(self) -> None:
        self.asks: dict[str, bytes] = {}
        self.answers: dict[str, bytes] = {}
        self.on_wait: Any = lambda: None

    def put(self, letter_id: str, body: bytes) -> None:
        self.asks[letter_id] = body

    def take(self, letter_id: str) -> bytes | None:
        return self.asks.get(letter_id)

    def answer(self, letter_id: str, body: bytes) -> None:
        self.answers[letter_id] = body

    def awaited(self, letter_id: str, seconds: float) -> bytes | None:
        self.on_wait()
        return self.answers.get(letter_id)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with Desk.open(load(data_dir=tmp_path)) as opened:
        yield opened


@pytest.fixture
def box(desk: Desk) -> Box:
    made = Box()
    desk.post = (made, Seal(lambda: b"secret"))  # type: ignore[assignment]
    keep_asks(desk)
    return made


def _relay(
    desk: Desk, box: Box, secret: bytes = b"secret", away: float | None = 7.0
) -> EngineRelay:
    seal, letters = Seal(lambda: secret), box
    given: Any = (desk.queue, letters, seal, 0.01, lambda: None, lambda: away)
    return EngineRelay(*given)


def _deliver(desk: Desk, job: Job) -> None:
    asyncio.run(answering.act(desk, job, Context(desk.board, job.id)))


def _work(desk: Desk) -> None:
    for job in desk.queue.find([JobStatus.QUEUED], event_name=ACT):
        _deliver(desk, job)


def _ask(relay: EngineRelay, text: str = "hello") -> Any:
    return relay.ask("notes.write", ["AAA", text], {}, LOCAL)


def _written(desk: Desk) -> int:
    found: int = desk.warehouse.read_anew("SELECT count(*) FROM access_audit").item()
    return found


def test_an_ask_is_done_as_who_asked_and_answered(desk: Desk, box: Box) -> None:
    """The chain has their name."""
    box.on_wait = lambda: _work(desk)
    assert _ask(_relay(desk, box)) is None
    acts = desk.warehouse.read_anew("SELECT name, act FROM access_audit").rows()
    assert ("local", "notes.write") in acts


def test_an_error_comes_back_as_it_was(desk: Desk, box: Box) -> None:
    """Of the same kind, with its hint."""
    box.on_wait = lambda: _work(desk)
    with pytest.raises(NotFoundError, match="NOSUCH"):
        _relay(desk, box).ask("companies.watch", [["NOSUCH"]], {}, LOCAL)


def test_an_ask_that_is_delivered_again_is_not_done_again(desk: Desk, box: Box) -> None:
    """Its engine died after the commit, and before the answer."""
    kept: list[Job] = []

    def dies_before_the_answer() -> None:
        kept.extend(desk.queue.find([JobStatus.QUEUED], event_name=ACT))
        _deliver(desk, kept[0])
        box.answers.clear()
        before = _written(desk)
        _deliver(desk, kept[0])
        assert _written(desk) == before

    box.on_wait = dies_before_the_answer
    with pytest.raises(ConflictError, match="was done at"):
        _ask(_relay(desk, box))


def test_what_nobody_begins_is_called_off(desk: Desk, box: Box) -> None:
    """It says since when nobody leads, and is not done later."""
    with pytest.raises(ReadOnlyError, match="not done: read-only for 7 s"):
        _ask(_relay(desk, box))
    assert not desk.queue.find([JobStatus.QUEUED], event_name=ACT)


def test_an_engine_that_leads_and_answers_nobody_is_read_only_too(desk: Desk, box: Box) -> None:
    """It may still open its desk; one that answered another meanwhile is busy."""
    relay = _relay(desk, box, away=None)
    with pytest.raises(ReadOnlyError, match=r"not done: read-only for \d+ s"):
        _ask(relay)

    def answers_another() -> None:
        mine = {job.id for job in desk.queue.find([JobStatus.QUEUED], event_name=ACT)}

        def work_on_another() -> None:
            for job in desk.queue.find([JobStatus.QUEUED], event_name=ACT):
                if job.id not in mine:
                    _deliver(desk, job)

        box.on_wait = work_on_another
        _ask(relay, "of another")

    box.on_wait = answers_another
    with pytest.raises(ReadOnlyError, match="not done: the engine is busy"):
        _ask(relay)


def test_what_was_begun_and_given_up_is_told_at_once(desk: Desk, box: Box) -> None:
    """Nobody waits ten minutes for an answer that does not come."""
    turns = iter(range(10))

    def fails_for_good() -> None:
        if next(turns) == 0:
            job = desk.queue.claim("asks", timedelta(seconds=60))
            assert job is not None
            desk.queue.bury(job, "the letter cannot be read")

    box.on_wait = fails_for_good
    with pytest.raises(ReadOnlyError, match="not done to its end: the letter cannot be read"):
        _ask(_relay(desk, box))


def test_what_was_begun_is_waited_for(desk: Desk, box: Box) -> None:
    """Longer than the patience for a beginning."""
    turns = iter(range(10))

    def slow() -> None:
        turn = next(turns)
        if turn == 0:
            desk.queue.claim("asks", timedelta(seconds=60))
        if turn == 2:
            (job,) = desk.queue.find([JobStatus.RUNNING], event_name=ACT)
            _deliver(desk, job)

    box.on_wait = slow
    assert _ask(_relay(desk, box)) is None


@pytest.mark.parametrize("forged", ["ask", "answer"])
def test_a_letter_with_a_wrong_signature_counts_for_nothing(
    desk: Desk, box: Box, forged: str
) -> None:
    """Whoever can write to Redis alone makes nobody do anything."""
    if forged == "ask":
        box.on_wait = lambda: _work(desk)
        with pytest.raises(ProtocolError, match="wrong signature"):
            _ask(_relay(desk, box, b"another"))
    else:
        lie = wire.dumps({"id": "x", "value": "done"})
        box.on_wait = lambda: box.answers.update(dict.fromkeys(box.asks, b"0" * 32 + lie))
        with pytest.raises(ProtocolError, match="wrong signature"):
            _ask(_relay(desk, box))
    assert _written(desk) == 0


def test_an_action_without_anybody_is_refused_by_the_engine(desk: Desk, box: Box) -> None:
    """An engine's own rights go to the doors alone."""
    box.on_wait = lambda: _work(desk)
    with pytest.raises(Exception, match="signed in"):
        _relay(desk, box).ask("notes.write", ["AAA", "x"], {}, NOBODY)


def test_every_action_can_be_handed_on(desk: Desk) -> None:
    """An action goes the way to the engine where there is one, with the role looked at first."""
    asked: list[str] = []

    class Told:
        def ask(self, name: str, args: Any, kwargs: Any, who: Any) -> Any:
            asked.append(name)

    desk.relay = Told()  # type: ignore[assignment]
    for guarded in access.ACTIONS.values():
        guarded.function(desk, "x")
    assert sorted(asked) == sorted(access.ACTIONS)
    assert all(isinstance(guarded.role, Role) for guarded in access.ACTIONS.values())
    desk.relay = None


def test_a_queue_that_does_not_answer_is_told_as_read_only(desk: Desk, box: Box) -> None:
    """And whether the ask was handed on: what was may have been done."""

    def gone(*_: object) -> None:
        raise StoreError("the queue cannot be used")

    relay = _relay(desk, box)
    box.on_wait = gone
    with pytest.raises(ReadOnlyError, match=r"may have been done or not: read-only for \d+ s"):
        _ask(relay)
    box.put = gone  # type: ignore[method-assign, assignment]
    with pytest.raises(ReadOnlyError, match=r"was not done: read-only for \d+ s"):
        _ask(relay)
