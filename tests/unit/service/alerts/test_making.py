"""Events become alerts: by rules, the same trouble once, its end too, in the morning's budget."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from core.domain.access.principals import LOCAL, Role
from core.domain.alerts.rules import DESK, AlertRule
from core.service.alerts import bell, rules, telling
from core.service.desk import Desk
from core.service.kernel import access
from core.store import deliveries
from tests.alerted import Clock, happen, rows, states, waiting, work
from tests.places import SECRET

HOOK = f"ops=http://127.0.0.1:9/x {SECRET}"
PLACES = {"notify": "ann=mailto://127.0.0.1:9/?from=a@b.example", "notify_webhooks": HOOK}
HOST = "foundry@project-fdt-container:8888"
MAIL, WEB = "notify:ann", "webhook:ops"


@pytest.fixture
def outward(make_desk: Callable[..., Desk]) -> Desk:
    """A desk with a mail address and a webhook that nobody answers."""
    desk = make_desk(**PLACES)
    telling.tell_new(desk)
    return desk


def test_a_trouble_is_told_once_and_so_is_its_end(outward: Desk) -> None:
    """To the reader's bell and to every place, under one id each."""
    for _ in range(3):
        happen(outward, "backup.failed", "backup")
    happen(outward, "backup.made", "backup")
    happen(outward, "backup.made", "backup")
    pair = [("backup.failed", "backup"), ("backup.made", "backup")]
    assert [row[:2] for row in rows(outward)] == pair
    assert rows(outward, "local") == [(*pair[0], True, False), (*pair[1], True, True)]
    assert states(outward) == [(MAIL, "queued"), (WEB, "queued")] * 2
    assert waiting(outward) == 4
    happen(outward, "backup.failed", "backup")
    assert len(rows(outward)) == 3  # a trouble that comes back is told again


def test_the_end_of_what_nobody_was_told_is_not_told(outward: Desk) -> None:
    """A pull that fails once and is repeated rings for nobody."""
    happen(outward, "pull.failed", "prices.daily")
    happen(outward, "pull.done", "prices.daily")
    assert rows(outward) == rows(outward, "local") == []


def test_a_trouble_that_grows_graver_is_told_anew(outward: Desk) -> None:
    """A limit at 80 % is told on the bell, at 100 % outside, too."""
    for kind in ("limit.near", "limit.reached", "limit.near", "limit.clear"):
        happen(outward, kind, "gross")
    assert [row[0] for row in rows(outward, "local")] == [
        "limit.near",
        "limit.reached",
        "limit.clear",
    ]
    assert [row[0] for row in rows(outward)] == ["limit.reached", "limit.clear"]


def test_a_job_that_a_button_waits_for_is_told_by_the_button(outward: Desk) -> None:
    """And one that brings alerts is told as a place that takes none."""
    dead = {"job": "pull", "trigger": "manual", "dataset": "prices.daily"}
    happen(outward, "job.dead", "1", after=dead)
    happen(outward, "job.dead", "2", after={"job": "alert"})
    happen(outward, "job.dead", "3", after={"job": "grade"})
    assert [row[1] for row in rows(outward)] == ["3"]


def test_a_window_that_dies_is_over_with_the_next_good_pull(outward: Desk) -> None:
    """It stood as a trouble until somebody put the dead job away; each window was told anew."""
    dead = {"job": "pull", "trigger": "schedule", "dataset": "prices.daily"}
    happen(outward, "job.dead", "1", after=dead)
    happen(outward, "job.dead", "2", after=dead)
    happen(outward, "job.revived", "2")
    happen(outward, "pull.done", "prices.minute")
    assert [row[:2] for row in rows(outward)] == [("job.dead", "prices.daily")]
    happen(outward, "pull.done", "prices.daily")
    happen(outward, "pull.done", "prices.daily")
    told = [("job.dead", "prices.daily"), ("pull.done", "prices.daily")]
    assert [row[:2] for row in rows(outward)] == told


def test_a_host_that_is_down_speaks_for_its_datasets(outward: Desk) -> None:
    """One alert of an outage and one of its end, though three datasets are behind."""
    clock = Clock(outward)
    happen(outward, "upstream.down", HOST)
    happen(outward, "dataset.overdue", "prices.daily")
    happen(outward, "dataset.overdue", "prices.minute")
    happen(outward, "upstream.up", HOST)
    clock.forward(minutes=1)
    happen(outward, "dataset.recovered", "prices.daily")
    told = [("upstream.down", HOST, True, False), ("upstream.up", HOST, True, True)]
    assert [row for row in rows(outward, "local") if row[2]] == told
    assert states(outward).count((MAIL, "dropped")) == 1
    assert states(outward).count((MAIL, "queued")) == 2
    held = [item for item in deliveries.stranded(outward.warehouse, clock.at + timedelta(hours=1))
            if item.state == "held"]  # fmt: skip
    assert {item.sink for item in held} == {MAIL, WEB, "bell"}  # of the one that stays behind


def test_what_outlasts_its_cause_is_told_by_itself(outward: Desk) -> None:
    """Five minutes after the host is back, on the bell and outside."""
    clock = Clock(outward)
    happen(outward, "upstream.down", HOST)
    happen(outward, "dataset.overdue", "prices.minute")
    happen(outward, "upstream.up", HOST)
    assert bell.unread(outward) == 2
    clock.forward(minutes=6)
    work(outward)
    assert bell.unread(outward) == 3
    assert ("dataset.overdue", "prices.minute", True, False) in rows(outward, "local")


def test_another_host_does_not_speak_for_it(outward: Desk) -> None:
    """A dataset of the SEC while the container is down."""
    happen(outward, "upstream.down", HOST)
    happen(outward, "dataset.overdue", "sec.facts")
    assert [row[0] for row in rows(outward, "local") if row[2]] == [
        "upstream.down",
        "dataset.overdue",
    ]


def test_beyond_the_budget_alerts_wait_for_a_digest(make_desk: Callable[..., Desk]) -> None:
    """Two one by one, then three that are gathered; what is critical goes at once."""
    desk = make_desk(**PLACES, alert_budget=2)
    for number in range(5):
        happen(desk, "job.dead", str(number), after={"job": "grade"})
    happen(desk, "drill.failed", "drill")
    mail = [state for sink, state in states(desk) if sink == MAIL]
    assert mail == ["queued", "queued", "held", "held", "held", "queued"]
    assert bell.unread(desk) == 6


def test_quiet_hours_keep_alerts_until_they_end(outward: Desk) -> None:
    """Of the desk's clock; the bell is silent anyway."""
    every_hour = AlertRule("r", "quiet", severity="error", sinks=("notify",), quiet="00:00-23:59")
    rules.keep(outward, [every_hour], of_desk=True)
    happen(outward, "backup.failed", "backup")
    happen(outward, "drill.failed", "drill")
    assert states(outward) == [(MAIL, "held"), (MAIL, "queued")]


def test_a_rule_names_one_place(outward: Desk) -> None:
    """`notify:ann` is her address alone; a place that is not there is told nothing."""
    chosen = AlertRule("r", "ann", sinks=("notify:ann", "notify:bob"))
    rules.keep(outward, [chosen], of_desk=True)
    happen(outward, "backup.failed", "backup")
    assert states(outward) == [(MAIL, "queued")]


def test_a_place_is_not_told_of_itself(outward: Desk) -> None:
    """That it takes no letters is told at the others."""
    happen(outward, "alert.undelivered", MAIL)
    happen(outward, "alert.delivered", MAIL)
    assert [sink for sink, _ in states(outward)] == [WEB, WEB]


def test_old_events_are_no_news_to_a_desk_that_looks_for_the_first_time(
    make_desk: Callable[..., Desk],
) -> None:
    """A year of them may stand in a store that has just been migrated."""
    from core.observe.events import Event
    from core.store import events

    desk = make_desk()
    with desk.warehouse.transaction() as tx:
        old, new = desk.now() - timedelta(days=30), desk.now()
        events.add(tx, [Event.of("backup.failed", "old", "old")], old)
        events.add(tx, [Event.of("backup.failed", "new", "new")], new)
    telling.tell_new(desk)
    assert [row[1] for row in rows(desk)] == ["new"]


def test_a_job_that_was_lost_is_published_again(
    outward: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A kill between the commit and the queue; and none is published twice."""
    clock = Clock(outward)
    with monkeypatch.context() as killed:
        killed.setattr(outward.queue, "publish_many", lambda _: None)
        happen(outward, "backup.failed", "backup")
    assert waiting(outward) == 0
    clock.forward(minutes=2)
    telling.tell_new(outward)
    assert waiting(outward) == 2
    assert telling.resume(outward) == 2
    assert waiting(outward) == 2


def test_each_reader_has_rules_of_their_own(make_desk: Callable[..., Desk]) -> None:
    """Of a shared desk: one wants new filings, the other backups alone; a viewer may not change
    those of the desk."""
    desk = make_desk(access="token")
    with access.acting(LOCAL):
        ann, _ = desk.roster.add_token("ann", Role.VIEWER, None, LOCAL)
        bob, _ = desk.roster.add_token("bob", Role.VIEWER, None, LOCAL)
    with access.acting(bob.principal):
        rules.keep(desk, [AlertRule("b", "Backups", kinds=("backup",))])
        with pytest.raises(Exception, match="needs the role admin"):
            rules.keep(desk, [AlertRule("b", "Backups")], of_desk=True)
    happen(desk, "filing.new", "AAPL")
    happen(desk, "backup.failed", "backup")
    with access.acting(ann.principal):
        assert bell.listing(desk)["kind"].to_list() == ["backup.failed", "filing.new"]
        assert bell.read(desk) == 2
        assert bell.unread(desk) == 0
    with access.acting(bob.principal):
        assert bell.listing(desk)["kind"].to_list() == ["backup.failed"]
        assert bell.unread(desk) == 1
    assert [row[0] for row in rows(desk, DESK)] == ["backup.failed"]


@pytest.mark.parametrize("trigger", ["import", "inbox"])
def test_a_file_that_is_brought_says_nothing_of_its_source(outward: Desk, trigger: str) -> None:
    """Two bad files rang as a source that cannot be pulled; a good one said that it was back."""
    clock = Clock(outward)

    def pulled(kind: str, by: str) -> None:
        ended(outward, kind, by)
        happen(outward, kind, "prices.daily", after={"trigger": by})
        clock.at += timedelta(minutes=1)

    for _ in range(3):
        pulled("pull.failed", trigger)
    assert rows(outward) == []
    for _ in range(2):
        pulled("pull.failed", "schedule")
    pulled("pull.done", trigger)
    pulled("pull.failed", "schedule")
    assert [row[0] for row in rows(outward)] == ["pull.failed"]
    pulled("pull.done", "schedule")
    assert [row[0] for row in rows(outward)] == ["pull.failed", "pull.done"]


def ended(desk: Desk, kind: str, trigger: str) -> None:
    """The pull that an event tells of, over within a second."""
    at = desk.now()
    row = [f"{at}", "prices.daily", kind.partition(".")[2], at - timedelta(seconds=1), at, trigger]
    with desk.warehouse.transaction() as tx:
        tx.execute(
            "INSERT INTO pulls (pull_id, dataset, state, started_at, finished_at, "
            '"trigger", simulated) VALUES (?, ?, ?, ?, ?, ?, false)',
            row,
        )
