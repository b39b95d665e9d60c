"""News: what happened by itself, told once to whoever has a page open."""

from __future__ import annotations

from typing import Any

from core.observe.events import Event
from core.service.activity.news import news
from core.service.desk import Desk
from core.store import events


def add(desk: Desk, kind: str, message: str, **after: Any) -> None:
    with desk.warehouse.transaction() as tx:
        events.add(tx, [Event.of(kind, "d", message, after=after)], desk.now())


def test_news_are_of_what_the_desk_did_only(desk: Desk) -> None:
    """A page that opens hears nothing old; then each scheduled pull once, pressed ones never."""
    add(desk, "pull.done", "old", trigger="schedule")
    told, after = news(desk, None)
    assert told == []
    add(desk, "pull.done", "pressed", trigger="manual")
    add(desk, "pull.done", "d: 5 rows", trigger="catch-up")
    add(desk, "pull.failed", "is tried again", trigger="schedule")
    add(desk, "job.dead", "pull d failed: no answer", job="pull", trigger="schedule")
    told, after = news(desk, after)
    assert [(item.sentence, item.good) for item in told] == [
        ("d: 5 rows", True),
        ("pull d failed: no answer", False),
    ]
    assert news(desk, after) == ([], after)


def test_nobody_is_told_of_each_step_of_an_interval(desk: Desk) -> None:
    """A pull every minute would be a toast every minute; one that lacks rows is told."""
    often = [("prices.minute", "pull.done"), ("prices.minute", "pull.unchanged")]
    told_of = [("prices.minute", "pull.partial"), ("prices.daily", "pull.done")]
    after = {"trigger": "schedule"}
    with desk.warehouse.transaction() as tx:
        for name, kind in [*often, *told_of]:
            events.add(tx, [Event.of(kind, name, f"{name} {kind}", after=after)], desk.now())
    told, _ = news(desk, "")
    assert [item.sentence for item in told] == [f"{name} {kind}" for name, kind in told_of]


def test_news_tell_of_hosts_and_of_every_death(desk: Desk) -> None:
    """Down and up once each; a dead job of any kind; not the pull whose button tells by itself."""
    add(desk, "upstream.down", "container down since 06:31")
    add(desk, "job.dead", "grade failed: oops", job="grade")
    add(desk, "job.dead", "pull d failed: 503", job="pull", trigger="manual")
    add(desk, "upstream.up", "container is back")
    add(desk, "plan.approved", "by whoever sits here")
    told, _ = news(desk, "")
    assert [(item.sentence, item.good) for item in told] == [
        ("container down since 06:31", False),
        ("grade failed: oops", False),
        ("container is back", True),
    ]
