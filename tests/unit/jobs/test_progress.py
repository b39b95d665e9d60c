"""The board of live progress: one value from source to page, counts kept until told anew."""

from __future__ import annotations

from datetime import UTC, datetime

from core.jobs.pulling.progress import KEPT_JOBS, KEPT_MESSAGES, ProgressBoard
from core.sources.pulled import Progress

NOW = datetime(2025, 7, 1, 10, tzinfo=UTC)


def test_a_message_is_kept_as_its_source_said_it_with_its_instant() -> None:
    """Nothing is copied into another shape on the way."""
    board = ProgressBoard(lambda: NOW)
    board.start("j", "prices")
    board.report("j", Progress("reading", rows=5, percent=50.0))
    live = board.get("j")
    assert live is not None
    assert live.events == (Progress("reading", 5, None, 50.0, NOW),)


def test_counts_that_are_not_given_stay_as_they_were() -> None:
    """Of what is shown; each message keeps what it said itself."""
    board = ProgressBoard(lambda: NOW)
    board.start("j", "prices")
    said = [Progress("a", rows=5, bytes=9), Progress("b", percent=10.0), Progress("c", rows=6)]
    for told in said:
        board.report("j", told)
    live = board.get("j")
    assert live is not None
    assert live.so_far == Progress("c", 6, 9, 10.0, NOW)
    assert [(event.message, event.rows) for event in live.events] == [
        ("a", 5), ("b", None), ("c", 6),
    ]  # fmt: skip


def test_a_job_that_begins_again_begins_from_nothing() -> None:
    """The try before is not mixed in; a job that nobody started is not known."""
    board = ProgressBoard(lambda: NOW)
    board.start("j", "prices")
    board.report("j", Progress("a", rows=5))
    board.start("j", "prices")
    board.report("other", Progress("a"))
    live = board.get("j")
    assert live is not None
    assert (live.so_far, live.events, board.get("other")) == (None, (), None)


def test_memory_is_bounded() -> None:
    """The latest jobs, and the latest messages of each."""
    board = ProgressBoard(lambda: NOW)
    for number in range(KEPT_JOBS + 5):
        board.start(str(number), "prices")
    assert board.get("4") is None
    assert board.get("5") is not None
    for number in range(KEPT_MESSAGES + 50):
        board.report("5", Progress(str(number)))
    live = board.get("5")
    assert live is not None
    assert len(live.events) <= KEPT_MESSAGES + 1
    assert live.events[-1].message == str(KEPT_MESSAGES + 49)


def test_who_listens_hears_of_every_change() -> None:
    """Desks beside the engine show its pulls by that; a job that nobody knows is no change."""
    board, heard = ProgressBoard(lambda: NOW), list[str]()
    board.listeners.append(
        lambda live: heard.append(live.events[-1].message if live.events else "")
    )
    board.start("j", "prices")
    board.report("j", Progress("reading"))
    board.report("another", Progress("of nobody"))
    assert heard == ["", "reading"]
