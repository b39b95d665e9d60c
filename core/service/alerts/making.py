"""Events become alerts: for each reader by their rules, the same trouble once, its end as well.

Alerts, their deliveries and the place up to which events were read are one transaction; the jobs
that deliver are published after it, and again when they were lost (`resume`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from core.domain.alerts.rules import (
    BELL,
    AlertRule,
    Occurrence,
    matching,
    rank,
)
from core.domain.alerts.timing import Budget, due, half_day
from core.jobs.queue.port import Message
from core.sources.outward.outlets import chosen
from core.store import alerts as store
from core.store import deliveries
from core.store.alerts import Alert
from core.store.deliveries import Delivery
from core.store.transaction import Transaction

SETTLES = timedelta(minutes=5)  # after the end of a cause: what it has caused should end, too
DELIVER, GATHER = "alert", "digest"


@dataclass(frozen=True, slots=True)
class AlertReader:
    """Somebody who is told: their rules and the clock of their quiet hours."""

    name: str
    rules: Sequence[AlertRule]
    zone: str


@dataclass(frozen=True, slots=True)
class Cause:
    """The trouble behind another one."""

    trouble: str
    subject: str


@dataclass(slots=True)
class Making:
    """One transaction in which alerts are made; `messages` are to be published after it."""

    tx: Transaction
    outlets: Sequence[str]
    budget: Budget
    now: datetime
    messages: list[Message] = field(default_factory=list)
    made: int = 0

    def tell(self, reader: AlertReader, event: Occurrence, causes: Sequence[Cause] = ()) -> None:
        """Make the alert of an event for a reader, if it is one; the end of what was told is."""
        if event.ends and event.trouble:
            self._ends(reader, event)
        rules = matching(reader.rules, event)
        plain = not event.ends or event.severity != "info"
        if rules and plain and not self._is_told(reader, event):
            self._begins(reader, event, rules, causes)

    def _is_told(self, reader: AlertReader, event: Occurrence) -> bool:
        """Whether the reader knows of that trouble; one that has grown graver is told anew."""
        if store.is_known(self.tx, alert_id(reader.name, event.event_id, part=event.part)):
            return True
        if event.trouble is None or event.ends:
            return False
        known = store.lasting(self.tx, reader.name, event.trouble, event.subject)
        if any(rank(alert.severity) >= rank(event.severity) for alert in known):
            return True
        store.end(self.tx, [alert.alert_id for alert in known], self.now)
        return False

    def _begins(
        self,
        reader: AlertReader,
        event: Occurrence,
        rules: list[AlertRule],
        causes: Sequence[Cause],
    ) -> None:
        behind = self._behind(reader, causes)
        by_sink = self._sinks(rules, event)
        alert = _alert(reader, event, bell=BELL in by_sink and behind is None, cause=behind)
        store.add(self.tx, alert)
        self.made += 1
        for sink, told_by in by_sink.items():
            if behind is not None:
                self._deliver(alert, sink, None, held=True)
            elif sink != BELL:
                self._deliver(alert, sink, self._due(reader, event, sink, told_by))

    def _behind(self, reader: AlertReader, causes: Sequence[Cause]) -> str | None:
        """The alert of the first cause that the reader was told of and that lasts."""
        for cause in causes:
            known = store.lasting(self.tx, reader.name, cause.trouble, cause.subject)
            if known:
                return known[-1].alert_id
        return None

    def _sinks(self, rules: list[AlertRule], event: Occurrence) -> dict[str, list[AlertRule]]:
        """Where an event is told, each with the rules that say so; never at what it is about."""
        found: dict[str, list[AlertRule]] = {}
        for rule in rules:
            bell = [BELL] if BELL in rule.sinks else []
            for sink in (*bell, *chosen(rule.sinks, self.outlets)):
                if not (event.kind.startswith("alert.") and event.subject == sink):
                    found.setdefault(sink, []).append(rule)
        return found

    def _due(
        self, reader: AlertReader, event: Occurrence, sink: str, rules: list[AlertRule]
    ) -> datetime | None:
        told = deliveries.told_since(self.tx, reader.name, sink, half_day(self.now))
        return due(rules, event.severity, reader.zone, told, self.budget, self.now)

    def _ends(self, reader: AlertReader, event: Occurrence) -> None:
        assert event.trouble is not None
        known = store.lasting(self.tx, reader.name, event.trouble, event.subject)
        if not known:
            return
        ids = [alert.alert_id for alert in known]
        store.end(self.tx, ids, self.now)
        for alert in known:
            self._release(alert)
        sent = deliveries.of_alert(self.tx, ids)
        caused = {alert.alert_id for alert in known if alert.cause}  # its cause has spoken for it
        waiting = [item for item in sent if item.state == "held" and item.alert_id in caused]
        deliveries.change(self.tx, [item.delivery_id for item in waiting], state="dropped")
        told = {item.sink for item in sent if item.state in ("queued", "sent", "gathered")}
        bell = any(alert.bell for alert in known)
        if told or bell:
            end = _alert(reader, event, bell=bell, ends=known[-1].alert_id)
            store.add(self.tx, end)
            self.made += 1
            for sink in sorted(told & set(self.outlets)):
                self._deliver(end, sink, None)

    def _release(self, cause: Alert) -> None:
        """What a trouble spoke for is told by itself when it outlasts it."""
        caused = store.caused_by(self.tx, cause.alert_id)
        waiting = [
            item
            for item in deliveries.of_alert(self.tx, [alert.alert_id for alert in caused])
            if item.state == "held" and item.due_at is None
        ]
        at = self.now + SETTLES
        deliveries.change(self.tx, [item.delivery_id for item in waiting], due_at=at)
        for reader, sink in sorted({(item.reader, item.sink) for item in waiting}):
            self.messages.append(gather_message(reader, sink, at))

    def _deliver(self, alert: Alert, sink: str, at: datetime | None, *, held: bool = False) -> None:
        made = Delivery(
            delivery_id=delivery_id(alert.alert_id, sink),
            alert_id=alert.alert_id,
            reader=alert.reader,
            sink=sink,
            state="held" if held or at is not None else "queued",
            due_at=at,
            made_at=self.now,
        )
        deliveries.add(self.tx, made)
        if message := message_of(made):
            self.messages.append(message)


def _alert(
    reader: AlertReader,
    event: Occurrence,
    *,
    bell: bool,
    ends: str | None = None,
    cause: str | None = None,
) -> Alert:
    return Alert(
        alert_id=alert_id(reader.name, event.event_id, ends=ends is not None, part=event.part),
        reader=reader.name,
        event_id=event.event_id,
        happened_at=event.at,
        kind=event.kind,
        subject=event.subject,
        severity=event.severity,
        message=event.message,
        trouble=event.trouble,
        ends=ends,
        cause=cause,
        bell=bell,
    )


def alert_id(reader: str, event_id: str, *, ends: bool = False, part: str = "") -> str:
    """The id of what a reader is told of an event: the same whenever it is made."""
    what = "\n".join([reader, event_id, *(["ends"] if ends else []), *([part] if part else [])])
    return hashlib.sha256(what.encode()).hexdigest()[:24]


def delivery_id(alert: str, sink: str) -> str:
    """The id under which a place is told: the same at every try."""
    return f"msg_{hashlib.sha256(f'{alert}{chr(10)}{sink}'.encode()).hexdigest()[:24]}"


def message_of(delivery: Delivery) -> Message | None:
    """The job that brings a delivery to its place, now or in a digest; None while it only waits."""
    if delivery.state == "held":
        if delivery.due_at is None:
            return None
        return gather_message(delivery.reader, delivery.sink, delivery.due_at)
    payload = {"delivery": delivery.delivery_id, "lane": f"{DELIVER} {delivery.sink}", "owed": True}
    return Message(DELIVER, payload, dedupe_key=f"{DELIVER}:{delivery.delivery_id}", once=True)


def gather_message(reader: str, sink: str, at: datetime) -> Message:
    """The job that gathers what waits for a digest by then."""
    payload = {"reader": reader, "sink": sink, "lane": f"{DELIVER} {sink}", "owed": True}
    key = f"{GATHER}:{reader}:{sink}:{at.isoformat()}"
    return Message(GATHER, payload, dedupe_key=key, run_at=at, once=True)
