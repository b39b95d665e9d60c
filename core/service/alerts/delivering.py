"""The jobs that bring alerts outside: at least once, under one id however often, told when not.

A place that does not take letters is tried for days, ever more seldom, and hurried to when it is
back; that it does not is an event, and so is that it does again.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from core.domain.alerts.rules import BELL
from core.errors import DeadlineError, OpenbellError, ValidationError
from core.jobs.queue.port import Job, JobStatus
from core.jobs.worker import Context
from core.observe import metrics
from core.observe.events import DESK, Event
from core.service.alerts import letters
from core.service.alerts.making import DELIVER, GATHER, message_of
from core.service.kernel.handlers import handler
from core.sources.outward.letter import Letter, Outlet
from core.sources.outward.outlets import outlets
from core.store import alerts as store
from core.store import deliveries, events
from core.store.alerts import Alert
from core.store.deliveries import Delivery

if TYPE_CHECKING:
    from core.service.desk import Desk

GIVEN_UP = timedelta(days=3)
TOLD_AFTER = 3  # tries that failed; one that cannot help is told at once
OWED = 1000


@handler(DELIVER)
async def deliver(desk: Desk, job: Job, context: Context) -> Mapping[str, Any]:
    """Bring one delivery to its place."""
    return await asyncio.to_thread(bring, desk, str(job.payload["delivery"]))


def bring(desk: Desk, delivery_id: str) -> dict[str, Any]:
    """Bring a delivery to its place, unless that was done; the state that it is in then."""
    delivery = deliveries.get(desk.warehouse, delivery_id)
    if delivery is None or delivery.state != "queued":
        return {"state": delivery.state if delivery else "unknown"}
    outlet = outlets(desk.settings, desk.now).get(delivery.sink)
    if outlet is None:
        return _drop(desk, delivery, "that place is no longer among the settings")
    letter, merged = _letter(desk, delivery)
    if letter is None:
        return _drop(desk, delivery, "its alert is not kept any more")
    try:
        if desk.now() - delivery.made_at > GIVEN_UP:
            raise _too_late(delivery)
        outlet.send(letter)
    except OpenbellError as error:
        _note_failure(desk, delivery, outlet, error)
        raise
    note_success(desk, delivery, outlet, merged)
    return {"state": "sent"}


def _too_late(delivery: Delivery) -> OpenbellError:
    return ValidationError(f"it could not be brought in {GIVEN_UP.days} days: {delivery.error}")


def _letter(desk: Desk, delivery: Delivery) -> tuple[Letter | None, list[str]]:
    """The letter, and the deliveries that it makes needless: of a beginning that is over."""
    if delivery.alert_id is None:
        return letters.of_digest(desk, delivery), []
    alert = store.get(desk.warehouse, delivery.alert_id)
    if alert is None:
        return None, []
    untold = [
        item
        for item in deliveries.of_alert(desk.warehouse, [alert.ends] if alert.ends else [])
        if item.sink == delivery.sink and item.state == "queued"
    ]
    began = store.get(desk.warehouse, alert.ends) if alert.ends and untold else None
    letter = letters.of_alert(desk, delivery, alert, began)
    return letter, [item.delivery_id for item in untold]


def _drop(desk: Desk, delivery: Delivery, why: str) -> dict[str, Any]:
    with desk.warehouse.transaction() as tx:
        deliveries.change(tx, [delivery.delivery_id], state="dropped", error=why)
    return {"state": "dropped", "why": why}


def _note_failure(desk: Desk, delivery: Delivery, outlet: Outlet, error: OpenbellError) -> None:
    metrics.ALERTS.labels(delivery.sink.partition(":")[0], "failed").inc()
    tries = delivery.tries + 1
    final = not error.transient
    with desk.warehouse.transaction() as tx:
        deliveries.change(
            tx,
            [delivery.delivery_id],
            tries=tries,
            error=str(error)[:500],
            state="dropped" if final else "queued",
        )
        if final or tries >= TOLD_AFTER:
            sentence = f"alerts do not get through to {outlet.label}: {error}"
            event = Event.of("alert.undelivered", outlet.name, sentence, who=DESK)
            events.add(tx, [event], desk.now())


def note_success(desk: Desk, delivery: Delivery, outlet: Outlet, merged: Sequence[str]) -> None:
    metrics.ALERTS.labels(delivery.sink.partition(":")[0], "sent").inc()
    with desk.warehouse.transaction() as tx:
        now = desk.now()
        done = {"state": "sent", "sent_at": now, "error": None}
        deliveries.change(tx, [delivery.delivery_id], **done)
        if merged:
            deliveries.change(tx, merged, state="merged", sent_at=now)
        told = events.add(tx, [back(outlet)], now)
    if told or delivery.tries:
        hurry(desk, outlet.name)


def back(outlet: Outlet) -> Event:
    """The event of a place that takes letters; it is news only after the other one."""
    sentence = f"alerts get through to {outlet.label} again"
    return Event.of("alert.delivered", outlet.name, sentence, who=DESK)


def hurry(desk: Desk, sink: str) -> int:
    """Bring what waits for a place forward; how much that is."""
    lane = f"{DELIVER} {sink}"
    waiting = desk.queue.find([JobStatus.QUEUED], event_name=DELIVER, lane=lane, limit=OWED)
    return desk.queue.hurry([job.id for job in waiting])


@handler(GATHER)
async def gather(desk: Desk, job: Job, context: Context) -> Mapping[str, Any]:
    """Gather what waited for a digest; one alert alone goes as itself."""
    return await asyncio.to_thread(
        gather_now, desk, str(job.payload["reader"]), str(job.payload["sink"])
    )


def gather_now(desk: Desk, reader: str, sink: str) -> dict[str, Any]:
    """Make one delivery of all that a place waits for; how many alerts are in it."""
    now = desk.now()
    with desk.warehouse.transaction() as tx:
        found = deliveries.held(tx, reader, sink, now)
        known = [alert for item in found if (alert := store.get(tx, item.alert_id or ""))]
        if sink == BELL:
            for alert in known:
                store.ring(tx, alert.alert_id)
            deliveries.change(tx, [item.delivery_id for item in found], state="sent", sent_at=now)
            return {"alerts": len(found)}
        made = _digest(found, known, reader, sink)
        if made is not None:
            ids = [item.delivery_id for item in found]
            deliveries.change(tx, ids, state="gathered", gathered_in=made.delivery_id)
            deliveries.add(tx, made)
        elif found:
            made = found[0]
            deliveries.change(tx, [made.delivery_id], state="queued", due_at=None)
    if made is not None:
        _publish(desk, made)
    return {"alerts": len(found)}


def _digest(
    found: Sequence[Delivery], known: Sequence[Alert], reader: str, sink: str
) -> Delivery | None:
    """One delivery instead of several; None where there are not several."""
    if len(found) < 2 or not known:
        return None
    ids = "\n".join(sorted(item.delivery_id for item in found))
    return Delivery(
        delivery_id=f"msg_{hashlib.sha256(ids.encode()).hexdigest()[:24]}",
        alert_id=None,
        reader=reader,
        sink=sink,
        state="queued",
        due_at=None,
        made_at=max(item.due_at or item.made_at for item in found),
        body=deliveries.body(letters.gathered(known)),
    )


def _publish(desk: Desk, delivery: Delivery) -> None:
    from dataclasses import replace

    message = message_of(replace(delivery, state="queued"))
    assert message is not None
    desk.queue.publish_many([message])
    desk.wake()


def try_out(outlet: Outlet, letter: Letter) -> str | None:
    """Send a letter now; None when it was taken, else why not."""
    try:
        outlet.send(letter)
    except OpenbellError as error:
        return str(error)
    except TimeoutError as error:
        return str(DeadlineError(f"no answer in time: {error}"))
    return None
