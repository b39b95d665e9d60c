"""Pages know their reader: name and role in the header, buttons one may not press disabled."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from components.kit import once
from core.domain.access.principals import LOCAL, Principal, Role
from core.domain.alerts.rules import defaults
from core.service.access import auditing
from core.service.alerts import rules
from core.service.care import preferences
from core.service.care.preferences import Preferences
from core.service.desk import Desk
from core.service.kernel import access, commands
from core.service.lists import lists, notes
from tests.filled import fill

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def shared(make_desk: Callable[..., Desk]) -> Desk:
    once.forget()
    desk = make_desk(access="token")
    with access.acting(LOCAL):
        fill(desk)
    return desk


def opened(
    monkeypatch: pytest.MonkeyPatch, desk: Desk, name: str, role: Role, **query: str
) -> AppTest:
    """A page as somebody of that role reads it; a page runs in a thread of its own."""
    who = desk.roster.add_token(f"{role} of {name}", role, None, LOCAL)[0].principal
    monkeypatch.setattr(access, "_askers", [lambda: who])
    at = AppTest.from_file(ROOT / "pages" / f"{name}.py", default_timeout=30)
    for key, value in query.items():
        at.query_params[key] = value
    return at.run()


def button(at: AppTest, label: str) -> tuple[bool, str]:
    (found,) = [b for b in at.button if b.label == label]
    return found.disabled, found.help


def test_a_stranger_reads_nothing(monkeypatch: pytest.MonkeyPatch, shared: Desk) -> None:
    """A page whose reader is not known says so, and shows no data."""
    monkeypatch.setattr(access, "_askers", [lambda: Principal("token", "gone", "x", None)])
    at = AppTest.from_file(ROOT / "pages" / "plans.py", default_timeout=30).run()
    assert "somebody who has signed in" in at.error[0].value
    assert not at.selectbox


@pytest.mark.parametrize(
    ("page", "label", "role"),
    [
        ("reconciliation", "Run the checks now", Role.ANALYST),
        ("plans", "Reject", Role.TRADER),
    ],
)
def test_what_one_may_not_press_is_disabled_with_the_reason(
    monkeypatch: pytest.MonkeyPatch, shared: Desk, page: str, label: str, role: Role
) -> None:
    """For the role just below; enabled for the one that is needed."""
    query = {"symbol": "AAA"}
    below = list(Role)[list(Role).index(role) - 1]
    at = opened(monkeypatch, shared, page, below, **query)
    assert button(at, label) == (True, f"This needs the role {role}.")
    at = opened(monkeypatch, shared, page, role, **query)
    assert not button(at, label)[0]
    assert any(f"{role} of {page} · {role}" in text.value for text in at.markdown)


def test_the_access_page_is_for_admins(monkeypatch: pytest.MonkeyPatch, shared: Desk) -> None:
    """Others are told so; an admin makes a token there, which is shown once, and revokes it."""
    at = opened(monkeypatch, shared, "access", Role.TRADER)
    assert not at.error
    assert any("for admins" in text.value for text in at.markdown)
    assert not at.text_input
    at = opened(monkeypatch, shared, "access", Role.ADMIN)
    assert any("No browser is signed in" in text.value for text in at.markdown)
    at.text_input(key="access_name").input("notebook")
    at.selectbox(key="access_role").select("viewer")
    (make,) = [b for b in at.button if b.label == "Make it"]
    make.click().run()
    assert not at.exception
    (secret,) = [code.value for code in at.code]
    who = shared.roster.of_token(secret)
    assert who is not None
    assert (who.name, who.role) == ("notebook", Role.VIEWER)
    shared.roster.begin(who)
    at.run()
    assert not at.code
    assert not any("No browser is signed in" in text.value for text in at.markdown)


@pytest.mark.parametrize("hours", [24.0, 0.0])
def test_a_secret_is_changed_on_the_page(
    monkeypatch: pytest.MonkeyPatch, shared: Desk, hours: float
) -> None:
    """The new one is shown once and lets in as the same; the one before as long as was said."""
    before = shared.roster.add_token("notebook", Role.ANALYST, None, LOCAL)[1]
    at = opened(monkeypatch, shared, "access", Role.ADMIN)
    at.selectbox(key="access_rotated").select("notebook")
    at.number_input(key="access_keep").set_value(hours)
    (change,) = [b for b in at.button if b.label == "Change it"]
    change.click().run()
    assert not at.exception
    (secret,) = [code.value for code in at.code]
    who, old = shared.roster.of_token(secret), shared.roster.of_token(before)
    assert who is not None
    assert (who.name, who.role) == ("notebook", Role.ANALYST)
    assert (old is not None) is (hours > 0)
    at.run()
    assert not at.code


def test_opening_a_page_leaves_nothing_in_the_chain(
    monkeypatch: pytest.MonkeyPatch, shared: Desk
) -> None:
    """Unless something of before anybody signed in is taken over by it; that once."""

    def acts() -> list[str]:
        with access.acting(LOCAL):
            rows = auditing.acts(shared)
        return [act for act in rows["act"] if act == "preferences.take_over"]

    opened(monkeypatch, shared, "rules", Role.ADMIN)
    assert acts() == []
    with access.acting(LOCAL):
        preferences.save(shared, Preferences(zone="Asia/Tokyo"))
    opened(monkeypatch, shared, "risk", Role.ADMIN)
    opened(monkeypatch, shared, "journal", Role.ADMIN)
    assert acts() == ["preferences.take_over"]


def test_preferences_are_the_readers_own(shared: Desk) -> None:
    """Those of the time before anybody signed in become an admin's, once."""
    first, second = (
        shared.roster.add_token(name, Role.ADMIN, None, LOCAL)[0].principal for name in "ab"
    )
    with access.acting(LOCAL):
        preferences.save(shared, Preferences(zone="Asia/Tokyo"))
        preferences.save_preset(shared, "plans", "mine", "x=1")
    for who in (first, second):
        with access.acting(who):
            preferences.take_over(shared)
    with access.acting(first):
        assert preferences.load(shared).zone == "Asia/Tokyo"
        assert [view["name"] for view in preferences.presets(shared)] == ["mine"]
    with access.acting(second):
        assert preferences.load(shared) == Preferences()
        assert preferences.presets(shared) == []


def test_all_that_was_kept_before_anybody_signed_in_is_an_admins(shared: Desk) -> None:
    """Lists, notes, marks and rules of alerts, too; what the machine keeps later is its own."""
    day = date(2026, 11, 27)
    first, second = (
        shared.roster.add_token(name, Role.ADMIN, None, LOCAL)[0].principal for name in "ab"
    )
    rule = defaults("local")[0]
    with access.acting(LOCAL):
        lists.add(shared, "Semis", ["NVDA"])
        notes.write(shared, "NVDA", "wait", day)
        notes.set_mark(shared, "NVDA", "star", day)
        rules.keep(shared, [rule])
    shared.roster.begin(second)
    with access.acting(LOCAL):
        lists.add(shared, "Later", ["AMD"])
        notes.write(shared, "AMD", "of the machine", day)
    with access.acting(first):
        notes.write(shared, "MSFT", "mine already", day)
        preferences.take_over(shared)
        assert preferences.to_take_over(shared) == []
        assert lists.names(shared) == ["Semis"]
        (listed,) = commands.run(shared, "lists", {}).document["lists"]
        assert listed["owner"] == "a"
        assert set(notes.notes(shared)["text"]) == {"wait", "mine already"}
        assert notes.marks(shared, day) == {"NVDA": "star"}
        assert rules.are_changed(shared)
    with access.acting(second):
        preferences.take_over(shared)
        assert (lists.names(shared), notes.notes(shared).height) == ([], 0)
    with access.acting(LOCAL):
        assert lists.names(shared) == ["Later"]
        assert notes.notes(shared)["text"].to_list() == ["of the machine"]
