"""Named lists of symbols, each a reader's own: what is offered and told is theirs.

Whoever knows its name reads another's, so that an address that names one can be passed on; changed
is it by whoever made it, or by an admin. A name is one list on a desk: it stands for the same
symbols in every address.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import polars as pl

from core.domain import symbols as spelling
from core.domain.access.principals import Role
from core.errors import NotFoundError, RoleError, UsageError
from core.observe.events import Event
from core.service.care import preferences
from core.service.kernel import access
from core.service.kernel.access import needs
from core.service.kernel.commands import command
from core.service.kernel.exports import export
from core.store import events
from core.store import lists as store
from core.store.transaction import Transaction

if TYPE_CHECKING:
    from core.service.desk import Desk

LONGEST_NAME = 60
MOST_SYMBOLS = 2000


def names(desk: Desk) -> list[str]:
    """The names of the reader's own lists, in order."""
    return store.lists(desk.warehouse, preferences.reader_now(desk))["name"].to_list()


def exists(desk: Desk, name: str) -> bool:
    """Whether there is a list of that name, whosever it is."""
    return store.owner(desk.warehouse, name) is not None


def members(desk: Desk, name: str) -> list[str]:
    """The symbols of a list in order, whosever it is; NotFoundError without one of that name."""
    _must_exist(desk, name)
    return store.members(desk.warehouse, name)


@needs(Role.ANALYST)
def add(desk: Desk, name: str, symbols: Sequence[str]) -> list[str]:
    """Put symbols on a list, which is made when it is new; the list after that.

    UsageError for a name or symbol that is none; RoleError for somebody else's list.
    """
    title, wanted = _titled(name), spelling.several(symbols)
    with desk.warehouse.transaction() as tx:
        found = store.owner(tx, title)
        if found is None:
            who = access.principal(desk)
            store.make(tx, title, preferences.reader_now(desk), who.name, desk.now())
        else:
            _must_own(desk, title, found)
        before = store.members(tx, title)
        known = set(map(spelling.one_spelling, before))
        new = [symbol for symbol in wanted if spelling.one_spelling(symbol) not in known]
        if len(before) + len(new) > MOST_SYMBOLS:
            raise UsageError(f"a list holds at most {MOST_SYMBOLS:,} symbols")
        store.add(tx, title, new, desk.now())
        after = store.members(tx, title)
        _tell(desk, tx, title, before, after, made=found is None)
    return after


@needs(Role.ANALYST)
def remove(desk: Desk, name: str, symbols: Sequence[str] | None = None) -> list[str]:
    """Take symbols off a list, or the list away when none are named; what is left on it."""
    _must_exist(desk, name)
    gone = None if symbols is None else spelling.several(symbols)
    with desk.warehouse.transaction() as tx:
        _must_own(desk, name, store.owner(tx, name) or "")
        before = store.members(tx, name)
        store.remove(tx, name, gone)
        after = store.members(tx, name)
        _tell(desk, tx, name, before, after)
    return after


def _tell(
    desk: Desk,
    tx: Transaction,
    name: str,
    before: Sequence[str],
    after: Sequence[str],
    *,
    made: bool = False,
) -> None:
    """An event where something changed."""
    if list(before) == list(after) and not made:
        return
    words = f"List {name}: {len(after)} {'symbol' if len(after) == 1 else 'symbols'}"
    event = Event.of("list.changed", name, words)  # everybody reads it: what is on it, is its own
    events.add(tx, [event], desk.now())


def _titled(name: str) -> str:
    title = " ".join(name.split())
    if not 0 < len(title) <= LONGEST_NAME or not title.isprintable():
        raise UsageError(f"a list needs a name of 1 to {LONGEST_NAME} printable letters")
    return title


def _must_exist(desk: Desk, name: str) -> None:
    if not exists(desk, name):
        raise NotFoundError(f"there is no list {name[:60]!r}", hint="see: lists list")


def _must_own(desk: Desk, name: str, owner: str) -> None:
    who = access.principal(desk)
    if owner != preferences.reader_now(desk) and not who.may(Role.ADMIN):
        raise RoleError(
            f"the list {name!r} is somebody else's",
            hint="make one of another name, or ask an admin",
        )


def _document(desk: Desk, found: pl.DataFrame) -> dict[str, Any]:
    return {
        "lists": [
            {
                "name": row["name"],
                "owner": row["owner_name"],
                "made_at": row["made_at"],
                "symbols": store.members(desk.warehouse, row["name"]),
            }
            for row in found.iter_rows(named=True)
        ]
    }


def _named(desk: Desk, name: str) -> dict[str, Any]:
    _must_exist(desk, name)
    return _document(desk, store.lists(desk.warehouse, name=name))


def _own(desk: Desk) -> dict[str, Any]:
    return _document(desk, store.lists(desk.warehouse, preferences.reader_now(desk)))


@command("lists", needs=Role.VIEWER)
def lists_command(
    desk: Desk, *, name: str | None = None, everyones: bool = False
) -> dict[str, Any]:
    """The reader's lists of symbols with what is on them, or one by name, whosever it is.

    `everyones`: those of all readers, for admins.
    """
    if everyones:
        access.require(desk, Role.ADMIN, "the lists of all readers")
    if name is not None:
        return _named(desk, name)
    return _document(desk, store.lists(desk.warehouse)) if everyones else _own(desk)


@command("list_add", needs=Role.ANALYST)
def add_command(desk: Desk, *, name: str, symbols: list[str]) -> dict[str, Any]:
    """Put symbols on a list, which is made when it is new."""
    add(desk, name, symbols)
    return _named(desk, _titled(name))


@command("list_remove", needs=Role.ANALYST)
def remove_command(desk: Desk, *, name: str, symbols: list[str] | None = None) -> dict[str, Any]:
    """Take symbols off a list, or the list away when none are named."""
    remove(desk, name, symbols)
    return _own(desk)


@export("lists", needs=Role.VIEWER)
def export_lists(desk: Desk) -> pl.DataFrame:
    """The reader's lists of symbols, one row a symbol."""
    return store.every_member(desk.warehouse, preferences.reader_now(desk))
