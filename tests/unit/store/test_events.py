"""Events in the store: order, troubles told once, pages, keeping."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from core.observe import logs
from core.observe.events import KINDS, Event, acting, family
from core.store import events
from core.store.events import EventFilter
from core.store.warehouse import Warehouse

NOW = datetime(2026, 11, 27, 14, tzinfo=UTC)


def add(warehouse: Warehouse, *told: Event, at: datetime = NOW) -> list[str]:
    with warehouse.transaction() as tx:
        return events.add(tx, told, at)


def kinds(warehouse: Warehouse, **chosen: Any) -> list[str]:
    return events.page(warehouse, EventFilter(**chosen), after="")["kind"].to_list()  # type: ignore[arg-type]


def test_an_event_is_stored_with_who_what_and_under_which_id(warehouse: Warehouse) -> None:
    """Actor and correlation id come from the context; before and after are JSON."""
    with logs.correlated("press1"), acting("ann"):
        told = Event.of("plan.approved", "AAA-1", "AAA-1 approved", before={"a": 1}, after={"a": 2})
    add(warehouse, told)
    (row,) = events.page(warehouse, EventFilter()).to_dicts()
    assert (row["actor"], row["correlation_id"], row["severity"]) == ("ann", "press1", "info")
    assert (row["value_before"], row["value_after"]) == ('{"a":1}', '{"a":2}')
    assert Event.of("plan.approved", "x", "y").actor == "local"


def test_ids_grow_in_the_order_of_commits_whatever_the_clock_does(warehouse: Warehouse) -> None:
    """A clock set back gives no id that a listener has passed."""
    ids = [
        *add(warehouse, Event.of("scan.made", "a", "1"), Event.of("scan.made", "a", "2")),
        *add(warehouse, Event.of("scan.made", "a", "3"), at=NOW - timedelta(days=3)),
        *add(warehouse, Event.of("scan.made", "a", "4"), at=NOW + timedelta(hours=1)),
    ]
    assert ids == sorted(set(ids))
    assert events.last_id(warehouse) == ids[-1]
    found = events.page(warehouse, EventFilter(), after=ids[1])
    assert found["message"].to_list() == ["3", "4"]


def test_a_change_that_is_undone_tells_nothing(warehouse: Warehouse) -> None:
    """The event is in the transaction of the change."""
    with pytest.raises(ZeroDivisionError), warehouse.transaction() as tx:
        events.add(tx, [Event.of("scan.made", "a", "1")], NOW)
        raise ZeroDivisionError
    assert events.last_id(warehouse) is None


def test_the_same_trouble_is_told_once_and_its_end_once(warehouse: Warehouse) -> None:
    """However often it is found, by subject; an end of what never began is no news."""
    up, down = Event.of("upstream.up", "sec", "up"), Event.of("upstream.down", "sec", "down")
    other = Event.of("upstream.down", "container", "down")
    assert add(warehouse, up) == []
    for told in (down, down, other, up, up, down):
        add(warehouse, told)
    assert kinds(warehouse, subject="sec") == ["upstream.down", "upstream.up", "upstream.down"]
    assert kinds(warehouse, subject="container") == ["upstream.down"]


def test_a_limit_goes_from_near_to_reached_and_back(warehouse: Warehouse) -> None:
    """Three states of one trouble, each told when it changes."""
    for state in ("clear", "near", "near", "reached", "near", "clear", "clear"):
        add(warehouse, Event.of(f"limit.{state}", "gross", state))
    assert kinds(warehouse) == ["limit.near", "limit.reached", "limit.near", "limit.clear"]


def test_filters_of_a_page(warehouse: Warehouse) -> None:
    """Kinds and groups of them, severity, text, time; older pages by id."""
    add(warehouse, Event.of("pull.done", "prices.daily", "5 rows"), at=NOW - timedelta(days=2))
    add(warehouse, Event.of("pull.failed", "prices.daily", "No answer"))
    add(warehouse, Event.of("scan.made", "prices.daily", "3 candidates"))
    assert kinds(warehouse, kinds=["pull"]) == ["pull.done", "pull.failed"]
    assert kinds(warehouse, kinds=["pull.done", "scan"]) == ["pull.done", "scan.made"]
    assert kinds(warehouse, severities=["warning"]) == ["pull.failed"]
    assert kinds(warehouse, text="no ANSWER") == ["pull.failed"]
    assert kinds(warehouse, since=NOW) == ["pull.failed", "scan.made"]
    assert kinds(warehouse, until=NOW) == ["pull.done"]
    newest = events.page(warehouse, EventFilter(), limit=1)
    older = events.page(warehouse, EventFilter(), before=newest["event_id"][0])
    assert older["kind"].to_list() == ["pull.failed", "pull.done"]


def test_old_events_are_forgotten(warehouse: Warehouse) -> None:
    """Those before an instant, and no commit when there are none."""
    add(warehouse, Event.of("scan.made", "a", "old"), at=NOW - timedelta(days=2))
    add(warehouse, Event.of("scan.made", "a", "new"))
    commits = warehouse.commits
    assert events.purge(warehouse, NOW - timedelta(days=9)) == 0
    assert warehouse.commits == commits
    assert events.purge(warehouse, NOW - timedelta(days=1)) == 1
    assert events.page(warehouse, EventFilter())["message"].to_list() == ["new"]


def test_every_trouble_begins_and_ends() -> None:
    """A trouble that could not end would be told for ever; a kind belongs to its own family."""
    for kind in KINDS.values():
        assert kind.name in family(kind)
        if kind.trouble:
            phases = {KINDS[name].phase for name in family(kind)}
            assert phases == {"begins", "ends"}, kind.trouble
