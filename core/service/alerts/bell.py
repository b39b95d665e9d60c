"""What a reader sees of alerts: the list, how many are unread, and a test of the ways outside."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import polars as pl

from core.domain.access.principals import Role
from core.domain.alerts.rules import DESK
from core.errors import UsageError
from core.service.alerts import delivering, letters
from core.service.care import preferences
from core.service.kernel import access
from core.service.kernel.access import needs
from core.service.kernel.commands import DONE, FOUND_ERRORS, CommandResult, command
from core.service.kernel.relay import relayed
from core.sources.outward.outlets import outlets
from core.store import alerts as store
from core.store import events
from core.store.alerts import Alert

if TYPE_CHECKING:
    from core.service.desk import Desk

MOST = 1000


def listing(desk: Desk, *, unread: bool = False, limit: int = MOST) -> pl.DataFrame:
    """What the reader was told, newest first (`core.store.alerts.SHOWN`)."""
    return store.page(desk.warehouse, preferences.reader_now(desk), unread=unread, limit=limit)


def unread(desk: Desk) -> int:
    """How many alerts the reader has not read."""
    return store.unread(desk.warehouse, preferences.reader_now(desk))


@relayed(access.principal)
def read(desk: Desk, alert_ids: Sequence[str] | None = None) -> int:
    """The reader has read these alerts, or all; how many were unread."""
    access.require(desk, Role.VIEWER, "reading alerts")
    who = preferences.reader_now(desk)
    if not store.unread(desk.warehouse, who):
        return 0
    with desk.warehouse.transaction() as tx:
        return store.read_by(tx, who, alert_ids, desk.now())


def places(desk: Desk) -> dict[str, str]:
    """The places outside: label by name."""
    return {name: item.label for name, item in outlets(desk.settings, desk.now).items()}


@needs(Role.ADMIN)
def test(desk: Desk, place: str | None = None) -> list[dict[str, Any]]:
    """Send a test to every place outside (or one) now, and to the reader's bell; what came of each.

    UsageError for an unknown place. One that takes letters again is told, and owed ones hurried.
    """
    known = outlets(desk.settings, desk.now)
    if place is not None and place not in known:
        hint = f"there are: {', '.join(known) or 'none; set OPENBELL_NOTIFY'}"
        raise UsageError(f"there is no place {place!r}", hint=hint)
    test_id = f"msg_{secrets.token_hex(12)}"
    letter = letters.of_test(desk, test_id, access.principal(desk).name)
    told = []
    for name, outlet in known.items():
        if place in (None, name):
            error = delivering.try_out(outlet, letter)
            told.append({"place": name, "label": outlet.label, "sent": not error, "error": error})
    with desk.warehouse.transaction() as tx:
        store.add(tx, _on_the_bell(desk, test_id, letter.text.partition("\n")[0]))
        good = [known[str(item["place"])] for item in told if item["sent"]]
        events.add(tx, [delivering.back(outlet) for outlet in good], desk.now())
    for outlet in good:
        delivering.hurry(desk, outlet.name)
    return told


def _on_the_bell(desk: Desk, test_id: str, sentence: str) -> Alert:
    return Alert(
        alert_id=test_id,
        reader=preferences.reader_now(desk),
        event_id=events.last_id(desk.warehouse) or "",
        happened_at=desk.now(),
        kind=letters.TEST,
        subject="alerts",
        severity="info",
        message=sentence,
        bell=True,
    )


_read = read  # `read` is an argument of the command


@command("alerts", needs=Role.VIEWER)
def alerts_command(
    desk: Desk, *, unread: bool = False, read: bool = False, limit: int = 100
) -> dict[str, Any]:
    """What the reader was told, newest first; with `read` all of it counts as read afterwards."""
    if not 1 <= limit <= MOST:
        raise UsageError(f"limit must lie between 1 and {MOST:,}")
    who = preferences.reader_now(desk)
    found = store.page(desk.warehouse, who, unread=unread, limit=limit).to_dicts()
    count = store.unread(desk.warehouse, who)
    if read and count:
        _read(desk)
    return {"unread": count, "alerts": found}


@command("notify_test", needs=Role.ADMIN)
def notify_test(desk: Desk, *, place: str | None = None) -> CommandResult:
    """Send a test to every place outside, and say what came of each."""
    told = test(desk, place)
    code = DONE if all(item["sent"] for item in told) else FOUND_ERRORS
    return CommandResult({"reader": DESK, "places": told}, code)
