"""What each reader prefers, and the views they saved by name."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, fields, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import orjson
import polars as pl

from core.domain.access.principals import THIS_MACHINE, Role
from core.domain.gaps.filters import GapFilters
from core.domain.gaps.scoring import Weights
from core.errors import NotFoundError, UsageError
from core.service.kernel import access
from core.service.kernel.access import needs
from core.store import audit, lists

if TYPE_CHECKING:
    from core.service.desk import Desk

LOCAL_READER = "local"  # everyone, as long as nobody signs in
LONGEST_NAME = 60
_TAKEN_OVER = (  # what is somebody's own: its table, of whom it is, since when
    ("preferences", "reader", "updated_at"),
    ("presets", "reader", "saved_at"),
    ("alert_rules", "reader", "updated_at"),
    ("symbol_lists", "owner", "made_at"),
    ("notes", "reader", "written_at"),
    ("symbol_marks", "reader", "marked_at"),
)
_WHOLE = ("preferences", "presets", "alert_rules")  # not taken where the reader has any already


def reader_now(desk: Desk) -> str:
    """Whose preferences and views are meant: those of whoever acts."""
    who = access.principal(desk)
    return LOCAL_READER if who.issuer == THIS_MACHINE else f"{who.issuer} {who.subject}"


def to_take_over(desk: Desk) -> list[str]:
    """The tables in which something is left of before anybody signed in, for the reader to have.

    Reading what there is to do leaves no entry in the chain; taking it over does. What the desk's
    own command line has kept since is its own.
    """
    reader = reader_now(desk)
    if reader == LOCAL_READER:
        return []
    left = [one for one in _TAKEN_OVER if _count(desk, *one, LOCAL_READER, None)]
    first = audit.first_of_others(desk.warehouse, THIS_MACHINE) if left else None
    return [
        table
        for table, whose, since in left
        if _count(desk, table, whose, since, LOCAL_READER, first)
        and not (table in _WHOLE and _count(desk, table, whose, since, reader, None))
    ]


@needs(Role.ADMIN)
def take_over(desk: Desk) -> None:
    """What was kept before anybody signed in becomes an admin's, once: preferences, saved views,
    rules of alerts, lists, notes and marks.
    """
    tables, reader = to_take_over(desk), reader_now(desk)
    if not tables:
        return
    first = audit.first_of_others(desk.warehouse, THIS_MACHINE)
    with desk.warehouse.transaction() as tx:
        for table, whose, since in _TAKEN_OVER:
            if table in tables:
                tx.execute(
                    f"UPDATE {table} SET {whose} = ? "
                    f"WHERE {whose} = ? AND (? IS NULL OR {since} <= ?)",
                    [reader, LOCAL_READER, first, first],
                )
        if "symbol_lists" in tables:
            lists.call_owner(tx, reader, access.principal(desk).name)


def _count(
    desk: Desk, table: str, whose: str, since: str, reader: str, until: datetime | None
) -> int:
    """How many rows of a table are a reader's, of until an instant."""
    found = desk.warehouse.read(
        f"SELECT count(*) FROM {table} WHERE {whose} = ? AND (? IS NULL OR {since} <= ?)",
        [reader, until, until],
    )
    return int(found.item())


@dataclass(frozen=True, slots=True)
class Preferences:
    """One reader's choices; a default for each."""

    zone: str = "America/New_York"
    palette: str = "blue and vermillion"
    guide: bool = True  # show the first-run panel until it is put away
    filters: dict[str, float] = field(default_factory=dict)  # of the scan; empty: the settings'
    weights: dict[str, float] = field(default_factory=dict)  # of its score; empty: the settings'


def load(desk: Desk, reader: str | None = None) -> Preferences:
    """The reader's preferences; defaults for what was never chosen."""
    found = desk.warehouse.read(
        "SELECT name, value FROM preferences WHERE reader = ?", [reader or reader_now(desk)]
    )
    known = {item.name for item in fields(Preferences)}
    chosen = {name: orjson.loads(value) for name, value in found.rows() if name in known}
    return replace(Preferences(), **chosen)


@needs(Role.VIEWER)
def save(desk: Desk, chosen: Preferences, reader: str | None = None) -> None:
    """Keep all preferences of a reader; UsageError for an unknown zone, filter or weight."""
    _check_zone(chosen.zone)
    GapFilters().changed(chosen.filters)
    Weights().changed(chosen.weights)
    values, reader = asdict(chosen), reader or reader_now(desk)
    with desk.warehouse.transaction() as tx:
        tx.execute("DELETE FROM preferences WHERE reader = ?", [reader])
        tx.insert(
            "preferences",
            pl.DataFrame(
                {
                    "reader": [reader] * len(values),
                    "name": list(values),
                    "value": [orjson.dumps(value).decode() for value in values.values()],
                    "updated_at": [desk.now()] * len(values),
                }
            ),
        )


def _check_zone(name: str) -> None:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise UsageError(
            f"{name!r} is not a time zone", hint="use a name like Europe/Berlin"
        ) from error


def presets(desk: Desk, page: str | None = None, reader: str | None = None) -> list[dict[str, Any]]:
    """Saved views (`page`, `name`, `query`, `saved_at`) of one page or of all, by name."""
    return desk.warehouse.read(
        "SELECT page, name, query, saved_at FROM presets WHERE reader = $reader "
        "AND ($page IS NULL OR page = $page) ORDER BY page, name",
        {"reader": reader or reader_now(desk), "page": page},
    ).to_dicts()


@needs(Role.ANALYST)
def save_preset(desk: Desk, page: str, name: str, query: str, reader: str | None = None) -> None:
    """Save a page's view (its URL query) under a name; a view of that name is replaced."""
    title, reader = name.strip(), reader or reader_now(desk)
    if not 0 < len(title) <= LONGEST_NAME:
        raise UsageError(f"a view needs a name of 1 to {LONGEST_NAME} letters")
    with desk.warehouse.transaction() as tx:
        tx.execute(
            "DELETE FROM presets WHERE reader = ? AND page = ? AND name = ?", [reader, page, title]
        )
        tx.execute(
            "INSERT INTO presets (reader, page, name, query, saved_at) VALUES (?, ?, ?, ?, ?)",
            [reader, page, title, query, desk.now()],
        )


@needs(Role.ANALYST)
def remove_preset(desk: Desk, page: str, name: str, reader: str | None = None) -> None:
    """Forget a saved view; NotFoundError when there is none of that name."""
    reader = reader or reader_now(desk)
    if name not in (preset["name"] for preset in presets(desk, page, reader)):
        raise NotFoundError(f"there is no saved view {name!r} of {page}")
    with desk.warehouse.transaction() as tx:
        tx.execute(
            "DELETE FROM presets WHERE reader = ? AND page = ? AND name = ?", [reader, page, name]
        )
