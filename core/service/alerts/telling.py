"""Looks at new events and makes alerts of them, for the desk and for each of its readers."""

from __future__ import annotations

import weakref
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from core.domain.access.principals import THIS_MACHINE, TOKENS
from core.domain.alerts.rules import DESK, defaults
from core.domain.alerts.timing import MARKET, Budget
from core.jobs.queue.port import JobStatus, Message
from core.observe.events import DESK as ITSELF
from core.observe.events import Event
from core.service.activity import feed
from core.service.alerts.making import DELIVER, AlertReader, Making, message_of
from core.service.alerts.seen import seen
from core.service.care import preferences
from core.service.kernel.looks import look
from core.sources.outward.outlets import outlets
from core.store import alerts as store
from core.store import deliveries, events
from core.store.deliveries import Delivery
from core.store.events import EventFilter

if TYPE_CHECKING:
    from core.service.desk import Desk

AT_ONCE = 500  # events of one transaction
LOOK_SECONDS = 0.5
FIRST_LOOK = timedelta(hours=1)  # events older than that, before the first look, are no news
STRANDED = timedelta(minutes=1)
_EVERYTHING = EventFilter()
_looked: weakref.WeakKeyDictionary[Any, tuple[int, datetime]] = weakref.WeakKeyDictionary()


@look("alerts", seconds=LOOK_SECONDS)
def tell_new(desk: Desk) -> None:
    """Tell of what has happened since the last look; once a minute see whether a job was lost."""
    commits, resumed = _looked.get(desk, (-1, None))
    if desk.warehouse.commits != commits:
        commits = desk.warehouse.commits
        while make(desk):
            commits = -1
    now = desk.now()
    if resumed is None or abs(now - resumed) > STRANDED:
        resumed = now
        resume(desk)
    _looked[desk] = (commits, resumed)


def make(desk: Desk) -> int:
    """Make the alerts of the next events; how many events those were."""
    after = store.cursor(desk.warehouse)
    if after is not None and (events.last_id(desk.warehouse) or "") <= after:
        return 0
    places = list(outlets(desk.settings, desk.now))
    budget = Budget(desk.settings.alert_budget, desk.settings.alert_digest_minutes)
    told = readers(desk)
    with desk.warehouse.transaction() as tx:
        if after is None:
            after = f"{int((desk.now() - FIRST_LOOK).timestamp() * 1e6):014x}"
        found = feed.documents(events.page(tx, _EVERYTHING, after=after, limit=AT_ONCE))
        making = Making(tx, places, budget, desk.now())
        for event in found:
            for occurrence, causes in seen(desk, tx, event):
                for reader in told:
                    making.tell(reader, occurrence, causes)
        store.move(tx, found[-1]["id"] if found else after)
    _publish(desk, making.messages)
    return len(found)


def readers(desk: Desk) -> list[AlertReader]:
    """The desk, and everybody who may read it."""
    kept = store.rules(desk.warehouse)
    found = [AlertReader(DESK, kept.get(DESK) or defaults(DESK), str(MARKET))]
    for name in _names(desk):
        zone = preferences.load(desk, name).zone
        found.append(AlertReader(name, kept.get(name) or defaults(name), zone))
    return found


def _names(desk: Desk) -> list[str]:
    """The readers as preferences are kept by."""
    if desk.settings.access == "open":
        return [preferences.LOCAL_READER]
    now = desk.now()
    people = [f"{p.issuer} {p.subject}" for p in desk.roster.people() if p.role is not None]
    tokens = [f"{TOKENS} {t.token_id}" for t in desk.roster.tokens() if t.counts(now)]
    return [name for name in (*people, *tokens) if not name.startswith(THIS_MACHINE)]


def resume(desk: Desk) -> int:
    """Publish anew the jobs of deliveries that should be on their way; how many those are.

    One that was published before is joined, also when it has ended.
    """
    found = deliveries.stranded(desk.warehouse, desk.now() - STRANDED)
    if found:
        _tell_given_up(desk, found)
    messages = [message for item in found if (message := message_of(item))]
    _publish(desk, messages)
    return len(messages)


def _tell_given_up(desk: Desk, found: Sequence[Delivery]) -> None:
    """Tell once of a letter whose job was given up, as the desk stopped again and again during it.

    It stays where it is: `jobs retry` has it brought.
    """
    dead = {
        str(job.payload.get("delivery")): job.last_error or "its job was given up"
        for job in desk.queue.find([JobStatus.DEAD], event_name=DELIVER, limit=1000)
    }
    lost = [d for d in found if d.delivery_id in dead and d.error != dead[d.delivery_id][:500]]
    if not lost:
        return
    with desk.warehouse.transaction() as tx:
        for item in lost:
            why = dead[item.delivery_id]
            deliveries.change(tx, [item.delivery_id], error=why[:500])
            sentence = f"a letter did not get through to {item.sink} and was given up: {why}"
            told = Event.of("alert.undelivered", item.sink, sentence, who=ITSELF)
            events.add(tx, [told], desk.now())


def _publish(desk: Desk, messages: list[Message]) -> None:
    if messages:
        desk.queue.publish_many(list({m.dedupe_key: m for m in messages}.values()))
        desk.wake()
