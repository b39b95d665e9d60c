"""Events as the rules of alerts see them: how grave, of which trouble, and what brought it about.

A pull of a schedule that fails is tried again, and a failure that passes within seconds rings for
nobody. One that lasts is an error, and so is data that lack rows: told once each, and their end.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from core.domain.alerts.rules import Occurrence
from core.observe.events import KINDS
from core.service.alerts.making import DELIVER, GATHER, Cause
from core.service.sources import host_of
from core.store import pulls
from core.store.journal import Reader

if TYPE_CHECKING:
    from core.service.desk import Desk

LASTS = timedelta(seconds=20)  # with the pauses between tries, told within a minute
UPSTREAM = "an upstream is down"
FAILING, BEHIND = "a dataset cannot be pulled", "a dataset is behind"
LACKING = "a dataset lacks rows"
CAUSED = ("dataset", "pull", "job")  # groups of events that a host which is down brings about
BY_HAND = "manual"  # whoever pressed the button is told by it
ROWS = "rows"
GOOD = ("pull.done", "pull.unchanged")
Seen = tuple[Occurrence, tuple[Cause, ...]]


def seen(desk: Desk, reader: Reader, event: Mapping[str, Any]) -> Iterator[Seen]:
    """What rules look at of an event; nothing of what tells of alerts, or was told by a button.

    `reader` reads pulls as they stood when the event was stored, or later.
    """
    kind, after = KINDS.get(event["kind"]), event["after"] or {}
    job = after.get("job")
    if kind is None or (kind.name == "job.dead" and job in (DELIVER, GATHER)):
        return
    plain = Occurrence(
        event_id=event["id"],
        at=event["at"],
        kind=kind.name,
        subject=event["subject"],
        severity=event["severity"],
        message=event["message"],
        trouble=kind.trouble,
        phase=kind.phase,
    )
    causes = _causes(desk, kind.group, event["subject"], after)
    if kind.group == "pull" and after.get("trigger") in pulls.OF_FILES:
        yield replace(plain, trouble=None, phase=None), ()  # says nothing of the source
    elif kind.group == "pull":
        for occurrence in _of_pull(reader, plain, by_hand=after.get("trigger") == BY_HAND):
            yield occurrence, causes
    elif kind.name != "job.dead" or job != "pull":
        yield plain, causes
    elif after.get("trigger") != BY_HAND:
        # of the dataset: told once however many of its windows die, over with the next good pull
        yield replace(plain, subject=after.get("dataset") or plain.subject, trouble=FAILING), causes


def _of_pull(reader: Reader, pull: Occurrence, *, by_hand: bool) -> Iterator[Occurrence]:
    if pull.kind == "pull.failed" and not by_hand:
        since = pulls.failing_since(reader, pull.subject, pull.at)
        lasts = since is not None and pull.at - since >= LASTS
        yield replace(pull, severity="error") if lasts else pull
        return
    if pull.kind != "pull.partial":
        yield pull
        if pull.kind in GOOD:
            yield replace(pull, trouble=LACKING, part=ROWS)
        return
    yield replace(pull, severity="info")  # it is there again, if not all of it
    grave = pull.severity if by_hand else "error"
    yield replace(pull, severity=grave, trouble=LACKING, phase="begins", part=ROWS)


def _causes(desk: Desk, group: str, subject: str, after: Mapping[str, Any]) -> tuple[Cause, ...]:
    """What speaks for an event while it lasts: the dataset's host, and its other trouble."""
    name = str(after.get("dataset") if group == "job" else subject)
    dataset = desk.catalogue.datasets.get(name) if group in CAUSED else None
    if dataset is None:
        return ()
    host = host_of(desk.settings, dataset)
    other = FAILING if group == "dataset" else BEHIND
    return (*([Cause(UPSTREAM, host.name)] if host else []), Cause(other, name))
