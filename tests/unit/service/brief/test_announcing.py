"""The brief that goes out by itself: once for its time, with problems first, to every place."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import pytest

from core.jobs.queue.port import Message
from core.service.activity import feed
from core.service.alerts import bell, telling
from core.service.brief import announcing
from core.service.desk import Desk
from tests import filled
from tests.alerted import work
from tests.places import MailBox, mail_box

AT_8_30 = datetime(2026, 11, 30, 13, 30, tzinfo=UTC)
DUE = AT_8_30.isoformat()


@pytest.fixture
def mail() -> Iterator[MailBox]:
    with mail_box() as box:
        yield box


@pytest.fixture
def desk(make_desk: Callable[..., Desk], mail: MailBox) -> Desk:
    made = make_desk(notify=mail.address)
    made.now = lambda: AT_8_30
    return filled.fill(made)


def test_the_brief_is_told_once_on_the_bell_and_outside(desk: Desk, mail: MailBox) -> None:
    """Though its job is delivered twice."""
    assert announcing.tell(desk, DUE)["told"] is True
    assert announcing.tell(desk, DUE) == {"told": False}
    telling.tell_new(desk)
    work(desk)
    (event,) = feed.following(desk, feed.chosen(["brief"]), "")
    assert event["after"]["lines"][0] in ("Problems:", "Candidates:")
    (letter,) = mail.letters
    assert str(letter["Subject"]).startswith("Openbell: before the open: ")
    text = letter.get_payload(decode=True).decode()
    assert "Candidates:" in text
    assert bell.listing(desk)["kind"].to_list() == ["brief.made"]


def test_it_waits_for_a_first_fill_and_no_longer_than_it_is_of_use(
    make_desk: Callable[..., Desk],
) -> None:
    """A desk that is being filled does not say that nothing gaps; at the open it says what is."""
    desk = make_desk()
    desk.now = lambda: AT_8_30
    job = desk.queue.get(desk.queue.publish("brief", {"due_at": DUE}).job_id)
    desk.queue.publish_many([Message("pull", {"dataset": "prices.daily"}, run_at=AT_8_30)])
    context = type("Quiet", (), {"report": lambda *_: None})()
    done = asyncio.run(announcing.announce(desk, job, context))
    assert done == {"put_off": ["prices.daily"]}
    assert list(feed.following(desk, feed.chosen(["brief"]), "")) == []
    (_, later) = desk.queue.find(event_name="brief")
    assert later.payload["due_at"] == DUE
    desk.now = lambda: AT_8_30 + announcing.OF_USE
    assert asyncio.run(announcing.announce(desk, job, context))["told"] is True


def test_its_lines_say_problems_first_and_are_bounded() -> None:
    """A part of forty has 25 lines, and says how many there are beside."""
    candidate = {"rank": 1, "symbol": "AAA", "gap_pct": 8.0, "score": 71.2, "grade": "A"}
    plan = {"symbol": "AAA", "direction": "long", "shares": 1500, "entry": 20.1, "stop": 19.0}
    filing = {"symbol": None, "name": "Alpha Inc", "form": "8-K", "title": "Results"}
    found = {
        "problems": [{"severity": "error", "subject": "container", "message": "down"}] * 40,
        "candidates": [candidate],
        "no_scan": None,
        "filings": [filing],
        "plans": [{**plan, "state": "waiting"}],
        "book": {
            "limits": [
                {"limit": "gross", "ok": False, "used": 3.0, "allowed": 2.0},
                {"limit": "net", "ok": True, "used": 1.0, "allowed": 2.0},
                {"limit": "positions", "ok": True, "used": 5.0, "allowed": 5.0},
                {"limit": "exclusions", "ok": True, "used": 0.0, "allowed": 0.0},
            ]
        },
    }
    said = list(announcing.said(found))
    assert said[:2] == ["Problems:", "  error: container: down"]
    assert said[26:28] == ["  and 15 more", "Candidates:"]
    assert "  1. AAA +8.0 %, score 71, grade A" in said
    assert "  Alpha Inc: 8-K Results" in said
    assert "  AAA long 1,500 at 20.10, stop 19.00, waiting" in said
    assert said[-3:] == ["Limits that are full or exceeded:", "  gross", "  positions"]
