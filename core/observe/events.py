"""Events: every important change, as whoever makes it tells it. One kind a line below.

    records.add(tx, [Event.of("plan.approved", plan_id, "AAPL: 100 shares long at 20.10")], now)

An event is stored in the transaction that makes the change (`core.store.events`); toasts, the page
*Activity*, the API and alerts read it from there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from core.observe import logs

Severity = Literal["info", "warning", "error", "critical"]
SEVERITIES: tuple[Severity, ...] = ("info", "warning", "error", "critical")  # mildest first
Phase = Literal["begins", "ends"]
LOCAL, DESK = "local", "desk"  # who acts: whoever sits at this machine, and the desk by itself


@dataclass(frozen=True, slots=True)
class EventKind:
    """A kind of event. A `trouble` begins with one kind and ends with another, by subject.

    `steady`: said only when it changes, however often it is found so.
    """

    name: str
    severity: Severity
    title: str
    trouble: str | None = None
    phase: Phase | None = None
    steady: bool = False

    @property
    def group(self) -> str:
        """The first word of the name: pull, upstream, plan …"""
        return self.name.partition(".")[0]


def _kind(name: str, severity: Severity, title: str) -> EventKind:
    return EventKind(name, severity, title)


def _begins(
    trouble: str, name: str, severity: Severity, title: str, *, steady: bool = True
) -> EventKind:
    return EventKind(name, severity, title, trouble, "begins", steady)


def _ends(trouble: str, name: str, title: str, *, steady: bool = True) -> EventKind:
    return EventKind(name, "info", title, trouble, "ends", steady)


_PULL, _JOB = "a dataset cannot be pulled", "a job was given up"
_HOST, _CLOCK, _LATE = "an upstream is down", "the timetable stands still", "a dataset is behind"
_CHECKS, _LIMIT, _COPY = "reconciliation finds errors", "a limit is in use", "no backup is made"
_SECOND = "backups do not reach their second place"
_DRILL, _TRAIL = "a drill fails", "the chain of who did what is broken"
_LAKE = "a lake is not kept up"
_ALERT = "alerts do not get through"

KINDS: Mapping[str, EventKind] = {
    kind.name: kind
    for kind in (
        _ends(_PULL, "pull.done", "A pull changed the data.", steady=False),
        _ends(_PULL, "pull.unchanged", "A pull found nothing newer.", steady=False),
        EventKind("pull.partial", "warning", "A pull stored less than all.", _PULL, "ends"),
        _begins(_PULL, "pull.failed", "warning", "A pull failed.", steady=False),
        _kind("pull.cancelled", "info", "A pull was called off."),
        _begins(_HOST, "upstream.down", "error", "A host no longer answers."),
        _ends(_HOST, "upstream.up", "A host answers again."),
        _begins(_CLOCK, "timetable.stopped", "error", "Due windows cannot be published."),
        _ends(_CLOCK, "timetable.running", "Due windows are published again."),
        _begins(_LATE, "dataset.overdue", "error", "A dataset missed its refresh."),
        _ends(_LATE, "dataset.recovered", "A dataset is no longer behind."),
        _begins(_JOB, "job.dead", "error", "A job was given up."),
        _ends(_JOB, "job.revived", "A job that was given up is tried again."),
        _ends(_JOB, "job.discarded", "A job that was given up was put away."),
        _kind("schema.drift", "warning", "A source has columns that are not in the catalogue."),
        _kind("scan.made", "info", "A scan was made and kept."),
        _kind("candidate.listed", "info", "A followed name is among the candidates."),
        _begins(_CHECKS, "reconciliation.worse", "error", "A check found an error."),
        _ends(_CHECKS, "reconciliation.better", "No check finds an error any more."),
        _kind("filing.new", "info", "A followed company filed."),
        _kind("filing.downgraded", "warning", "The grade of a followed company fell."),
        _kind("filing.upgraded", "info", "The grade of a followed company rose."),
        _kind("filing.withdrawn", "error", "A report of a followed company was withdrawn."),
        _begins(_LIMIT, "limit.near", "warning", "A limit is used to 80 % or more."),
        _begins(
            _LIMIT, "limit.reached", "error", "A limit is full or exceeded: used to 100 % or more."
        ),
        _ends(_LIMIT, "limit.clear", "A limit is used to less than 80 %."),
        _kind("plan.approved", "info", "A plan was approved."),
        _kind("plan.rejected", "info", "A plan was turned down."),
        _kind("plan.cancelled", "info", "A plan was taken back."),
        _kind("plan.filled", "info", "A plan was filled, or a part of it closed."),
        _kind("plan.closed", "info", "The position of a plan was closed."),
        _kind("plan.changed", "info", "A plan came to another end: void, expired, not taken."),
        _ends(_COPY, "backup.made", "A backup was made and verified.", steady=False),
        _begins(_COPY, "backup.failed", "error", "A backup could not be made.", steady=False),
        _ends(_SECOND, "backup.copied", "A backup is at its second place, too.", steady=False),
        _begins(_SECOND, "backup.not_copied", "error", "A backup is at home only.", steady=False),
        _ends(_DRILL, "drill.passed", "A backup was restored aside and is equal.", steady=False),
        _begins(_DRILL, "drill.failed", "critical", "A drill failed.", steady=False),
        _ends(_LAKE, "lake.kept", "The files of the lake were put in order.", steady=False),
        _begins(_LAKE, "lake.neglected", "warning", "A lake was not kept up.", steady=False),
        _begins(_ALERT, "alert.undelivered", "error", "Alerts do not get through to a place."),
        _ends(_ALERT, "alert.delivered", "Alerts get through to a place again."),
        _kind("brief.made", "info", "The brief before the open was made."),
        _kind("file.refused", "warning", "A file of the inbox was refused."),
        _kind("restore.done", "warning", "A backup was put in place of what was there."),
        _begins(_TRAIL, "audit.broken", "critical", "The chain of who did what is broken."),
        _ends(_TRAIL, "audit.whole", "The chain of who did what is whole again."),
        _kind("access.signed_in", "info", "Somebody signed in."),
        _kind("access.signed_out", "info", "Somebody signed out."),
        _kind("access.changed", "info", "A role was given or taken, a token made or revoked."),
        _kind("access.refused", "error", "Wrong tokens or sign-ins came again and again."),
        _kind("list.changed", "info", "Symbols were put on a list, or taken off."),
        _kind("note.written", "info", "A reader wrote a note on a name."),
        _kind("note.marked", "info", "A reader starred or dismissed a name for a day."),
        _kind("settings.changed", "info", "A setting differs from the last start."),
    )
}
PLAN_KINDS = {name for name in KINDS if name.startswith("plan.")}

_actor: ContextVar[str | None] = ContextVar("actor", default=None)


@contextmanager
def acting(name: str) -> Iterator[None]:
    """Let events of this context bear a name: of a person, a token, or the desk's own."""
    token = _actor.set(name)
    try:
        yield
    finally:
        _actor.reset(token)


def actor() -> str:
    """Who acts in this context; `local` where nobody was named."""
    return _actor.get() or LOCAL


@dataclass(frozen=True, slots=True)
class Event:
    """What happened, before it has an id and a time; make it with `of`."""

    kind: EventKind
    subject: str
    message: str
    severity: Severity
    actor: str
    correlation_id: str | None = None
    before: Mapping[str, Any] | None = None
    after: Mapping[str, Any] | None = None

    @classmethod
    def of(
        cls,
        kind: str,
        subject: str,
        message: str,
        *,
        severity: Severity | None = None,
        who: str | None = None,
        before: Mapping[str, Any] | None = None,
        after: Mapping[str, Any] | None = None,
    ) -> Event:
        """An event of a kind of `KINDS`, by whoever acts and under the id of this context."""
        known = KINDS[kind]
        return cls(
            known,
            subject,
            message,
            severity or known.severity,
            who or actor(),
            logs.correlation_id(),
            before,
            after,
        )


class Recorder(Protocol):
    """Takes events of changes that are not made in the store: of hosts, clocks, queues."""

    def record(self, event: Event) -> None:
        """Store an event soon; called from any thread, never waits."""
        ...


class Unrecorded:
    """A recorder for what runs without a store."""

    def record(self, event: Event) -> None:
        """Forget it."""


def family(kind: EventKind) -> tuple[str, ...]:
    """The kinds that tell of the same trouble; the kind alone when it tells of none."""
    if kind.trouble is None:
        return (kind.name,)
    return tuple(other.name for other in KINDS.values() if other.trouble == kind.trouble)
