"""A token's secret is changed: two count for a while, then one; who it is stays the same."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from core import settings
from core.domain.access.principals import LOCAL, Principal, Role
from core.domain.access.tokens import Person
from core.errors import NotFoundError, UsageError
from core.service import data_folder
from core.service.access import admin
from core.service.care import backing_up
from core.service.desk import Desk
from core.service.kernel import access, commands
from tests.alerted import Clock

ADA = ("https://login.example", "ada")


@pytest.fixture
def shared(make_desk: Callable[..., Desk]) -> Desk:
    return make_desk(access="token")


def test_two_secrets_count_for_a_while_and_then_one(shared: Desk) -> None:
    """Under the same identity, so lists, notes and four eyes see one person."""
    clock, roster = Clock(shared), shared.roster
    roster._now = clock.now
    token, old = roster.add_token("notebook", Role.TRADER, None, LOCAL)
    with access.acting(LOCAL):
        made = admin.rotate_token(shared, "notebook", 2.0)
    new = made["token"]
    assert new != old
    assert roster.of_token(old) == roster.of_token(new) == token.principal
    assert [t.name for t in roster.tokens()] == ["notebook"]
    roster.flush()
    clock.forward(hours=2, seconds=1)
    assert roster.of_token(old) is None
    assert roster.of_token(new) == token.principal
    newest = roster.rotate_token("notebook", timedelta(hours=1), LOCAL)[1]
    last = roster.rotate_token("notebook", timedelta(hours=1), LOCAL)[1]
    assert [roster.of_token(s) is not None for s in (new, newest, last)] == [False, True, True]


def test_revoking_ends_both_secrets(shared: Desk) -> None:
    """The one before, too, though its time is not over."""
    roster = shared.roster
    old = roster.add_token("t", Role.VIEWER, None, LOCAL)[1]
    new = roster.rotate_token("t", timedelta(hours=1), LOCAL)[1]
    roster.revoke_token("t", LOCAL)
    assert roster.of_token(old) is roster.of_token(new) is None
    with pytest.raises(NotFoundError):
        roster.rotate_token("t", timedelta(hours=1), LOCAL)


def test_what_was_changed_survives_the_process_and_an_older_backup(tmp_path: Path) -> None:
    """The secret before ends when it was told to, whatever store is put in place."""
    chosen = settings.load(data_dir=tmp_path / "desk", access="token")
    with Desk.open(chosen) as desk:
        old = desk.roster.add_token("t", Role.VIEWER, None, LOCAL)[1]
        with access.acting(LOCAL):
            backup = Path(backing_up.make(desk)["folder"])
        new = desk.roster.rotate_token("t", timedelta(0), LOCAL)[1]
        now = desk.now()
    with Desk.open(chosen) as desk:
        assert desk.roster.of_token(new) is not None
        assert desk.roster.of_token(old) is None
    data_folder.bring_back(chosen, backup, now)
    with Desk.open(chosen) as desk:
        assert desk.roster.of_token(old) is desk.roster.of_token(new) is None


def test_a_secret_counts_no_longer_than_its_token(make_desk: Callable[..., Desk]) -> None:
    """An end that was set stays; hours out of range are refused."""
    desk = make_desk(access="token")
    clock = Clock(desk)
    desk.roster._now = clock.now
    desk.roster.add_token("t", Role.VIEWER, clock.at + timedelta(hours=1), LOCAL)
    new = desk.roster.rotate_token("t", timedelta(hours=5), LOCAL)[1]
    clock.forward(hours=2)
    assert desk.roster.of_token(new) is None
    with pytest.raises(NotFoundError):
        desk.roster.rotate_token("t", timedelta(hours=1), LOCAL)
    with access.acting(LOCAL), pytest.raises(UsageError):
        admin.rotate_token(desk, "t", -1.0)


def test_a_name_stands_for_the_token_that_counts(shared: Desk) -> None:
    """One that ran out set its name free; revoking the name must end the newer one."""
    clock, roster = Clock(shared), shared.roster
    roster._now = clock.now
    roster.add_token("t", Role.VIEWER, clock.at + timedelta(hours=1), LOCAL)
    clock.forward(hours=2)
    live = roster.add_token("t", Role.VIEWER, None, LOCAL)[1]
    roster.revoke_token("t", LOCAL)
    assert roster.of_token(live) is None


def test_a_role_that_is_taken_meanwhile_stays_taken(
    shared: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody's request is judged at that moment: what it knew of them undoes no admin's word."""
    roster = shared.roster
    roster.signed_in(*ADA, "Ada", Role.TRADER)
    as_set, began = roster._as_set, threading.Event()
    taking = threading.Thread(
        target=lambda: (began.set(), roster.set_role(*ADA, "", None, LOCAL)), name="admin"
    )

    def meanwhile(person: Person) -> Person:
        if not began.is_set():
            taking.start()
            began.wait()
            taking.join(0.2)  # it ends now where nothing keeps it waiting
        return as_set(person)

    monkeypatch.setattr(roster, "_as_set", meanwhile)
    roster.signed_in(*ADA, "Ada L.", Role.TRADER)
    taking.join()
    assert roster.current(Principal(*ADA, "", None)).role is None
    assert [person.role for person in roster.people()] == [None]


def test_the_command_shows_the_secret_once(shared: Desk) -> None:
    """By the registry that command line and API share."""
    shared.roster.add_token("t", Role.VIEWER, None, LOCAL)
    with access.acting(LOCAL):
        found: dict[str, Any] = commands.run(shared, "token_rotate", {"name": "t"}).document
        listed = commands.run(shared, "token_list", {}).document
    assert found["token"].startswith("obt_")
    assert found["token"] not in str(listed)
