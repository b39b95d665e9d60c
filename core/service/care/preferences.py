"""What each reader prefers, and the views they saved by name."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, fields, replace
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

if TYPE_CHECKING:
    from core.service.desk import Desk

LOCAL_READER = "local"  # everyone, as long as nobody signs in
LONGEST_NAME = 60
_TABLES = ("preferences", "presets")


def reader_now(desk: Desk) -> str:
    """Whose preferences and views are meant: those of whoever acts."""
    who = access.principal(desk)
    return LOCAL_READER if who.issuer == THIS_MACHINE else f"{who.issuer} {who.subject}"


def to_take_over(desk: Desk) -> list[str]:
    """The tables in which something is left of before anybody signed in, and nothing the reader's.

    Reading what there is to do leaves no entry in the chain; taking it over does.
    """
    reader = reader_now(desk)
    if reader == LOCAL_READER:
        return []
    left = [table for table in _TABLES if _has(desk, table, LOCAL_READER)]
    return [table for table in left if not _has(desk, table, reader)]


@needs(Role.ADMIN)
def take_over(desk: Desk) -> None:
    """Preferences and views of the time before anybody signed in become those of an admin, once."""
    tables, reader = to_take_over(desk), reader_now(desk)
    if not tables:
        return
    with desk.warehouse.transaction() as tx:
        for table in tables:
            tx.execute(f"UPDATE {table} SET reader = ? WHERE reader = ?", [reader, LOCAL_READER])


def _has(desk: Desk, table: str, reader: str) -> bool:
    found = desk.warehouse.read(f"SELECT count(*) FROM {table} WHERE reader = ?", [reader])
    return bool(found.item())


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
