"""Alerts on pages: the bell of the header, the list, the rules, and a test of the ways outside."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from components.kit import lists, once
from core.domain.alerts.rules import DESK, defaults
from core.errors import ReadOnlyError
from core.service.alerts import bell, rules
from core.service.desk import Desk
from tests.alerted import happen
from tests.places import MailBox, mail_box
from tests.shown import tables

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def mail() -> Iterator[MailBox]:
    with mail_box() as box:
        yield box


@pytest.fixture
def alerted(make_desk: Callable[..., Desk], mail: MailBox) -> Desk:
    """A desk whose backup has failed."""
    once.forget()
    desk = make_desk(notify=mail.address)
    happen(desk, "backup.failed", "backup")
    return desk


def opened(name: str) -> AppTest:
    return AppTest.from_file(ROOT / "pages" / f"{name}.py", default_timeout=30).run()


def press(at: AppTest, label: str) -> AppTest:
    (found,) = [b for b in at.button if b.label == label]
    return found.click().run()


def header(at: AppTest) -> str:
    return next(m.value for m in at.markdown if "material/notifications" in m.value)


def test_the_bell_counts_what_is_unread_until_it_was_read(alerted: Desk) -> None:
    """On every page; reading is a press on *Alerts*."""
    assert "notifications: **1**" in header(opened("preferences"))
    at = opened("alerts")
    assert not at.exception
    assert tables(at)[0]["message"] == ["backup: backup.failed"]
    at = press(at, "Mark 1 as read")
    assert bell.unread(alerted) == 0
    assert "notifications: **1**" not in header(at)


def test_an_alert_is_shown_where_nothing_can_be_noted(
    alerted: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A desk that only reads, its engine away, has it all the same."""

    def refused(*_: object) -> int:
        raise ReadOnlyError("read-only for 3 s")

    monkeypatch.setattr(bell, "read", refused)
    at = AppTest.from_file(ROOT / "pages" / "alerts.py", default_timeout=30)
    at.query_params["alert"] = bell.listing(alerted)["alert_id"][0]
    at.run()
    assert tables(at)[0]["message"] == ["backup: backup.failed"]
    assert len(at.error) == 1
    assert any(m.value.startswith("**backup") for m in at.markdown)


def test_an_alert_is_picked_from_a_grid_as_well(
    alerted: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """More than a list holds: up to a thousand are shown."""
    monkeypatch.setattr(lists, "MOST", 0)
    grid = opened("alerts").dataframe[0]
    assert len(grid.proto.selection_mode) == 1


def test_without_alerts_the_page_says_what_one_is_told_of(desk: Desk) -> None:
    """And shows the rules, which are the defaults."""
    once.forget()
    at = opened("alerts")
    assert any("No alert yet." in m.value for m in at.markdown)
    assert not at.exception


def test_rules_are_kept_and_put_back(alerted: Desk) -> None:
    """Those of the reader by the first button, those of the desk by the other."""
    at = opened("alerts")
    for of_desk, key in ((False, "alert_rules_mine"), (True, "alert_rules_desk")):
        at = at.button(key=f"{key}_edit").click().run()
        at = at.button(key=f"{key}_save").click().run()
        assert not at.exception
        assert rules.are_changed(alerted, of_desk=of_desk)
        assert rules.of(alerted, of_desk=of_desk) == defaults(DESK if of_desk else "local")
        at = at.button(key=f"{key}_back").click().run()
        assert not rules.are_changed(alerted, of_desk=of_desk)


def test_rules_are_a_list_until_somebody_changes_them(alerted: Desk) -> None:
    """An editor costs a rerun more than the rest of the page, and each session megabytes."""
    at = opened("alerts")
    assert not at.dataframe
    at = at.button(key="alert_rules_mine_edit").click().run()
    assert len(at.dataframe) == 1
    at = at.button(key="alert_rules_mine_leave").click().run()
    assert not at.dataframe
    assert not rules.are_changed(alerted)


def test_a_list_of_alerts_is_drawn_once_for_all_reruns(
    alerted: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its frame was made anew at each rerun, and so were its rows."""
    drawn: list[str] = []
    made = lists.html
    monkeypatch.setattr(
        lists, "html", lambda frame, look, *rest: drawn.append(look.alt) or made(frame, look, *rest)
    )
    at = opened("alerts")
    at.run()
    at.run()
    assert drawn.count("Alerts, newest first") == 1


def test_a_test_is_sent_from_preferences(alerted: Desk, mail: MailBox) -> None:
    """It says which place took it, and which did not."""
    at = press(opened("preferences"), "Send a test")
    assert [item.value for item in at.success] == ["mailto: the test was taken."]
    assert [str(letter["Subject"]) for letter in mail.letters] == ["Openbell: a test"]
    mail.refusals = ["550 no"]
    at = press(opened("preferences"), "Send a test")
    assert "mailto: " in at.error[0].value


def test_a_desk_that_tells_nobody_outside_says_how(desk: Desk) -> None:
    """The button is there, and cannot be pressed."""
    once.forget()
    at = opened("preferences")
    (found,) = [b for b in at.button if b.label == "Send a test"]
    assert found.disabled
    assert any("OPENBELL_NOTIFY" in m.value for m in at.markdown)
