"""Alerts reach a real mail server and a real web server, once each, also after they were gone."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
import standardwebhooks

from core.errors import OpenbellError
from core.service.activity import feed
from core.service.alerts import bell, delivering, telling
from core.service.desk import Desk
from core.service.kernel import commands
from tests.alerted import Clock, happen, kinds, states, waiting, work
from tests.places import SECRET, MailBox, WebHook, mail_box, web_hook


@pytest.fixture
def mail() -> Iterator[MailBox]:
    with mail_box() as box:
        yield box


@pytest.fixture
def web() -> Iterator[WebHook]:
    with web_hook() as hook:
        yield hook


@pytest.fixture
def desk(make_desk: Callable[..., Desk], mail: MailBox, web: WebHook) -> Desk:
    made = make_desk(notify=f"ann={mail.address}", notify_webhooks=web.setting)
    telling.tell_new(made)
    return made


def told(desk: Desk, *names: str) -> list[str]:
    return [event["kind"] for event in feed.following(desk, feed.chosen(names), "")]


def test_a_trouble_and_its_end_reach_both(desk: Desk, mail: MailBox, web: WebHook) -> None:
    """Mail with the id in a header, and JSON that the reference package takes as signed."""
    happen(desk, "backup.failed", "backup")
    assert work(desk) == []
    happen(desk, "backup.made", "backup")
    assert work(desk) == []
    assert kinds(mail.letters) == [
        "Openbell ERROR: backup: backup.failed",
        "Openbell: backup: backup.made",
    ]
    sent = [standardwebhooks.Webhook(SECRET).verify(body, heads) for heads, body in web.calls]
    assert [item["type"] for item in sent] == ["backup.failed", "backup.made"]
    assert sent[1]["data"]["ends"] == sent[0]["data"]["id"]
    assert len({*mail.ids, *web.ids}) == 4
    assert {state for _, state in states(desk)} == {"sent"}


def test_a_simulated_desk_says_so(make_desk: Callable[..., Desk], mail: MailBox) -> None:
    """In the subject of every letter."""
    desk = make_desk(notify=mail.address, simulated=True)
    happen(desk, "backup.failed", "backup")
    work(desk)
    assert kinds(mail.letters) == ["Openbell (simulated) ERROR: backup: backup.failed"]


def test_a_letter_that_was_sent_is_not_sent_again(desk: Desk, web: WebHook) -> None:
    """The job is delivered at least once; its delivery knows better."""
    happen(desk, "backup.failed", "backup")
    work(desk)
    (identifier,) = web.ids
    assert delivering.bring(desk, identifier) == {"state": "sent"}
    assert web.ids == [identifier]


def test_a_kill_before_the_mark_repeats_the_letter_under_its_id(
    desk: Desk, web: WebHook, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The receiver knows it by that; the body is the same to the last byte."""

    def killed(*_: Any) -> None:
        raise OpenbellError("killed")

    happen(desk, "backup.failed", "backup")
    with monkeypatch.context() as patch:
        patch.setattr(delivering, "note_success", killed)
        work_once(desk)
    Clock(desk).forward(minutes=1)
    work(desk)
    assert len(web.calls) == 2
    assert len(set(web.ids)) == 1
    assert len({body for _, body in web.calls}) == 1


def work_once(desk: Desk) -> None:
    """Bring each delivery once, and let its job go back into the line."""
    for job in desk.queue.find(event_name="alert"):
        with pytest.raises(OpenbellError):
            delivering.bring(desk, job.payload["delivery"])


@pytest.mark.thorough
def test_a_place_that_is_gone_is_told_once_and_gets_all_when_it_is_back(
    desk: Desk, mail: MailBox, web: WebHook
) -> None:
    """Ten letters while it refuses; the other place is told of that, once, and of the end."""
    clock = Clock(desk)
    mail.refusals = ["451 later"] * 100
    for number in range(10):
        happen(desk, "job.dead", str(number), after={"job": "grade"})
    for _ in range(3):
        assert work(desk)
        clock.forward(seconds=11)
    telling.tell_new(desk)
    work(desk)
    assert told(desk, "alert") == ["alert.undelivered"]
    assert [json.loads(body)["type"] for _, body in web.calls].count("alert.undelivered") == 1
    mail.refusals.clear()
    clock.forward(seconds=11)
    work(desk)
    telling.tell_new(desk)
    work(desk)
    assert len(mail.letters) == len(set(mail.ids)) == 10
    assert told(desk, "alert") == ["alert.undelivered", "alert.delivered"]
    assert [json.loads(body)["type"] for _, body in web.calls].count("alert.delivered") == 1
    assert waiting(desk) == 0


def test_a_place_that_is_back_hurries_what_waits(desk: Desk, web: WebHook) -> None:
    """Letters that were put off for minutes come with the first that is taken."""
    clock = Clock(desk)
    web.answers = [503] * 6
    for number in range(2):
        happen(desk, "job.dead", str(number), after={"job": "grade"})
    for _ in range(3):
        work(desk)
        clock.forward(seconds=11)
    lane = [job for job in desk.queue.find(event_name="alert") if "webhook" in (job.lane or "")]
    job = desk.queue.claim("w", clock.at - clock.at + delivering.GIVEN_UP, ["alert"])
    assert job is not None
    desk.queue.postpone(job, "later", clock.at + delivering.GIVEN_UP / 2)
    work(desk)
    assert len(lane) == 2
    assert len(web.calls) == 2


def test_an_end_tells_of_a_beginning_that_did_not_get_through(
    desk: Desk, mail: MailBox, web: WebHook
) -> None:
    """One letter for both instead of two in the wrong order."""
    clock = Clock(desk)
    web.answers = [500]
    happen(desk, "backup.failed", "backup")
    work(desk)
    happen(desk, "backup.made", "backup")
    work(desk)
    clock.forward(minutes=1)
    work(desk)
    (body,) = [json.loads(body) for _, body in web.calls]
    assert body["type"] == "backup.made"
    assert body["data"]["began_at"]
    assert [state for sink, state in states(desk) if "webhook" in sink] == ["merged", "sent"]
    assert len(mail.letters) == 2


def test_a_place_that_is_gone_for_good_is_told_at_once(desk: Desk, web: WebHook) -> None:
    """410: nobody is asked again."""
    web.answers = [410]
    happen(desk, "backup.failed", "backup")
    errors = work(desk)
    assert "answered 410" in errors[0]
    assert told(desk, "alert") == ["alert.undelivered"]
    assert ("webhook:ops", "dropped") in states(desk)


def test_what_is_gathered_comes_as_one_letter(
    make_desk: Callable[..., Desk], mail: MailBox
) -> None:
    """With what is over by then; one alert alone comes as itself."""
    desk = make_desk(notify=mail.address, alert_budget=1)
    clock = Clock(desk)
    for name in ("one", "two", "three"):
        happen(desk, "backup.failed", name)
    happen(desk, "backup.made", "two")
    work(desk)
    assert len(mail.letters) == 1
    clock.forward(minutes=31)
    work(desk)
    assert len(mail.letters) == 2
    text = mail.letters[1].get_payload(decode=True).decode()
    assert str(mail.letters[1]["Subject"]) == "Openbell ERROR: 2 alerts gathered"
    assert "two: backup.failed; over since" in text
    assert "three: backup.failed" in text
    happen(desk, "backup.failed", "four")
    clock.forward(hours=13)
    work(desk)
    assert str(mail.letters[-1]["Subject"]) == "Openbell ERROR: four: backup.failed"


def test_a_test_says_what_came_of_each_place(desk: Desk, mail: MailBox, web: WebHook) -> None:
    """And rings the bell of whoever asked for it."""
    web.answers = [503]
    found = commands.run(desk, "notify_test", {})
    assert found.exit_code == commands.FOUND_ERRORS
    told_of = {item["place"]: item["sent"] for item in found.document["places"]}
    assert told_of == {"notify:ann": True, "webhook:ops": False}
    assert "answered 503" in str(found.document["places"])
    assert kinds(mail.letters) == ["Openbell: a test"]
    assert bell.listing(desk)["kind"].to_list() == ["test"]
    assert commands.run(desk, "notify_test", {"place": "webhook:ops"}).exit_code == commands.DONE


def test_an_address_that_nothing_knows_is_told_by_its_scheme_alone(
    make_desk: Callable[..., Desk],
) -> None:
    """The rest of it may hold a password."""
    desk = make_desk(notify="pigeon://secret@loft")
    (item,) = bell.test(desk)
    assert "pigeon://" in item["error"]
    assert "secret" not in item["error"]


def test_a_place_that_is_no_longer_named_is_let_go(
    make_desk: Callable[..., Desk], mail: MailBox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its letters do not wait for ever."""
    desk = make_desk(notify=mail.address)
    happen(desk, "backup.failed", "backup")
    monkeypatch.setattr(desk, "settings", desk.settings.model_copy(update={"notify": None}))
    assert work(desk) == []
    assert [state for _, state in states(desk)] == ["dropped"]


def test_a_letter_that_the_desk_died_of_is_told_once_and_kept(
    desk: Desk, mail: MailBox, web: WebHook
) -> None:
    """The queue gives such a job up; its letter was lost without a word."""
    clock = Clock(desk)
    happen(desk, "backup.failed", "backup")
    while job := desk.queue.claim("test", timedelta(minutes=1), ("alert",)):
        desk.queue.bury(job, "the desk stopped 25 times while it ran")
        lost = job
    clock.forward(minutes=2)
    for _ in range(3):
        telling.resume(desk)
        clock.forward(minutes=2)
    assert told(desk, "alert.undelivered") == ["alert.undelivered"] * 2
    desk.queue.revive(lost.id)
    assert work(desk) == []
    assert len(mail.letters) + len(web.calls) == 1


def test_a_letter_that_cannot_be_brought_for_days_is_given_up(desk: Desk, web: WebHook) -> None:
    """Nobody wants last week's news; until then it waits, and then it says why it never came."""
    clock = Clock(desk)
    happen(desk, "backup.failed", "backup")
    web.answers = [500] * 9
    assert work(desk) != []
    clock.forward(days=3)
    assert work(desk) != []
    clock.forward(minutes=1)
    (error, *_) = work(desk)
    assert "could not be brought in 3 days" in error
    late = [state for sink, state in states(desk) if sink.startswith("webhook")]
    assert late == ["dropped"]
    assert told(desk, "alert.undelivered")[-1:] == ["alert.undelivered"]


def test_a_letter_of_an_alert_that_is_kept_no_more_is_let_go(desk: Desk, web: WebHook) -> None:
    """There is nothing left to tell of; one that nobody knows has no state."""
    happen(desk, "backup.failed", "backup")
    with desk.warehouse.transaction() as tx:
        tx.execute("DELETE FROM alerts")
    assert work(desk) == []
    assert {state for _, state in states(desk)} == {"dropped"}
    assert web.calls == []
    assert delivering.bring(desk, "nothing") == {"state": "unknown"}
