"""A desk with places outside, its events, and its alert jobs done one after the other."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from core.domain.alerts.rules import DESK
from core.errors import OpenbellError
from core.jobs.queue.port import JobStatus
from core.observe.events import Event
from core.service.alerts import delivering, telling
from core.service.desk import Desk
from core.store import events

OURS = ("alert", "digest")


class Clock:
    """A clock that is set by hand."""

    def __init__(self, desk: Desk) -> None:
        self.at = desk.now()
        desk.now = self.now
        desk.queue._now = self.now  # type: ignore[attr-defined]

    def now(self) -> Any:
        return self.at

    def forward(self, **by: float) -> None:
        self.at += timedelta(**by)


def happen(desk: Desk, kind: str, subject: str = "prices.daily", **given: Any) -> None:
    """One event, and the look at it."""
    with desk.warehouse.transaction() as tx:
        events.add(tx, [Event.of(kind, subject, f"{subject}: {kind}", **given)], desk.now())
    telling.tell_new(desk)


def work(desk: Desk) -> list[str]:
    """Run the alert jobs that are due, as a worker would; the errors they ended with."""
    errors = []
    while job := desk.queue.claim("test", timedelta(minutes=1), OURS):
        try:
            if job.event_name == "alert":
                delivering.bring(desk, job.payload["delivery"])
            else:
                delivering.gather_now(desk, job.payload["reader"], job.payload["sink"])
        except OpenbellError as error:
            errors.append(str(error))
            desk.queue.postpone(job, str(error), desk.now() + timedelta(seconds=10))
        else:
            desk.queue.ack(job)
    return errors


def waiting(desk: Desk) -> int:
    """How many alert jobs are queued."""
    return sum(len(desk.queue.find([JobStatus.QUEUED], event_name=name)) for name in OURS)


def rows(desk: Desk, reader: str = DESK) -> list[tuple[Any, ...]]:
    """Kind, subject, bell and whether it ends something, of what a reader was told."""
    found = desk.warehouse.read_anew(
        "SELECT kind, subject, bell, ends IS NOT NULL FROM alerts WHERE reader = ? "
        "ORDER BY event_id, ends NULLS FIRST",
        [reader],
    )
    return found.rows()


def states(desk: Desk) -> list[tuple[str, str]]:
    """Sink and state of every delivery, in the order they were made."""
    return desk.warehouse.read_anew(
        "SELECT sink, state FROM alert_deliveries ORDER BY made_at, rowid"
    ).rows()


def kinds(letters: Iterable[Any]) -> list[str]:
    """The first words of the subjects of letters."""
    return [str(letter["Subject"]) for letter in letters]
