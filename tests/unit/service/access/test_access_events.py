"""Who signs in, and what changes of who may, are events in the transaction that makes them."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from core.domain.access.principals import LOCAL, Role
from core.errors import StoreError
from core.service.activity import feed
from core.service.desk import Desk
from core.store import events


def told(desk: Desk) -> list[tuple[str, str, str]]:
    found = feed.following(desk, feed.chosen(["access"]), "")
    return [(event["kind"], event["subject"], event["actor"]) for event in found]


def test_signing_in_and_out_and_changes_are_events(make_desk: Callable[..., Desk]) -> None:
    """By whom, and of whom."""
    desk = make_desk(access="token")
    token, _ = desk.roster.add_token("ann", Role.TRADER, None, LOCAL)
    secret = desk.roster.begin(token.principal)
    desk.roster.end(secret)
    desk.roster.set_role("issuer", "7", "Bob", Role.VIEWER, LOCAL)
    desk.roster.set_role("issuer", "7", "Bob", Role.VIEWER, LOCAL)  # no change
    desk.roster.revoke_token("ann", LOCAL)
    desk.roster.alarm("20 wrong tokens from 10.0.0.7")
    assert told(desk) == [
        ("access.changed", "ann", "local"),
        ("access.signed_in", "ann", "ann"),
        ("access.signed_out", "ann", "ann"),
        ("access.changed", "Bob", "local"),
        ("access.changed", "ann", "local"),
        ("access.refused", "nobody", "nobody"),
    ]


def test_a_session_that_cannot_be_stored_tells_nothing(
    make_desk: Callable[..., Desk], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The event goes with the change, or not at all."""

    def full(*_: object) -> None:
        raise StoreError("no space")

    desk = make_desk(access="token")
    token, _ = desk.roster.add_token("ann", Role.TRADER, None, LOCAL)
    monkeypatch.setattr(events, "add", full)
    with pytest.raises(StoreError):
        desk.roster.begin(token.principal)
    assert desk.roster.sessions() == []
    desk.roster.alarm("told in the chain alone")
    assert len(told(desk)) == 1
