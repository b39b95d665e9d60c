"""Lists of symbols, marks and notes: kept, told as events, and whose they are."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta

import polars as pl
import pytest

from core.domain.access.principals import LOCAL, Principal, Role
from core.domain.gaps import screening
from core.errors import NotFoundError, RoleError, UsageError
from core.service.care import preferences
from core.service.desk import Desk
from core.service.kernel import commands, exports
from core.service.kernel.access import acting
from core.service.lists import lists, notes
from core.store import events

DAY = date(2026, 11, 30)


@pytest.fixture
def shared(make_desk: Callable[..., Desk]) -> tuple[Desk, Principal, Principal]:
    """A desk that several share, with two analysts."""
    desk = make_desk(access="token")
    made = [desk.roster.add_token(name, Role.ANALYST, None, LOCAL)[0] for name in ("Una", "Ben")]
    return desk, made[0].principal, made[1].principal


def _told(desk: Desk, kind: str) -> list[str]:
    wanted = events.EventFilter((kind,))
    return events.page(desk.warehouse, wanted)["message"].to_list()


def _every(desk: Desk) -> list[tuple[object, ...]]:
    return events.page(desk.warehouse, events.EventFilter()).rows()


def test_a_list_is_made_grows_and_shrinks(desk: Desk) -> None:
    """Symbols are spelled one way and stand once; nothing new is no event."""
    assert lists.add(desk, "  Semis  and co ", ["nvda", "AMD", "NVDA "]) == ["AMD", "NVDA"]
    lists.add(desk, "Semis and co", ["amd"])
    assert lists.remove(desk, "Semis and co", ["AMD"]) == ["NVDA"]
    assert lists.names(desk) == ["Semis and co"]
    assert _told(desk, "list.changed") == [
        "List Semis and co: 1 symbol",
        "List Semis and co: 2 symbols",
    ]
    frame = exports.frame_of(desk, "lists")
    assert frame.select("name", "symbol").rows() == [("Semis and co", "NVDA")]
    lists.remove(desk, "Semis and co")
    assert lists.names(desk) == []


@pytest.mark.parametrize("name", ["", "   ", "x" * 61, "a\x07b"])
def test_a_list_needs_a_name(desk: Desk, name: str) -> None:
    """Of letters that can be printed, and not too many."""
    with pytest.raises(UsageError, match="name"):
        lists.add(desk, name, ["AAPL"])


@pytest.mark.parametrize("symbol", ["", "=cmd()", "AA PL'; --", "<b>", "x" * 33])
def test_what_is_no_symbol_is_refused(desk: Desk, symbol: str) -> None:
    """And nothing of the list is kept."""
    with pytest.raises(UsageError, match="is no symbol"):
        lists.add(desk, "x", ["AAPL", symbol])
    assert lists.names(desk) == []


def test_lists_are_their_readers_own(shared: tuple[Desk, Principal, Principal]) -> None:
    """Others are offered, told and given none of them, but by name: an address is passed on."""
    desk, una, ben = shared
    with acting(una):
        lists.add(desk, "Semis", ["NVDA"])
        lists.add(desk, "Semis", ["AVGO"])
    with acting(ben):
        assert lists.names(desk) == []
        assert commands.run(desk, "lists", {}).document == {"lists": []}
        assert exports.frame_of(desk, "lists").is_empty()
        assert not any("NVDA" in str(row) for row in _every(desk))
        assert lists.members(desk, "Semis") == ["AVGO", "NVDA"]
        (found,) = commands.run(desk, "lists", {"name": "Semis"}).document["lists"]
        assert (found["owner"], found["symbols"]) == ("Una", ["AVGO", "NVDA"])
        with pytest.raises(RoleError, match="somebody else"):
            lists.add(desk, "Semis", ["AMD"])
        with pytest.raises(RoleError, match="somebody else"):
            lists.remove(desk, "Semis")
        with pytest.raises(RoleError, match="lists of all readers needs the role admin"):
            commands.run(desk, "lists", {"everyones": True})
        lists.add(desk, "Mine", ["AMD"])
        assert exports.frame_of(desk, "lists")["symbol"].to_list() == ["AMD"]
    with acting(LOCAL):
        assert lists.add(desk, "Semis", ["AMD"]) == ["AMD", "AVGO", "NVDA"]
        assert lists.names(desk) == []
        every = commands.run(desk, "lists", {"everyones": True}).document["lists"]
        assert [item["owner"] for item in every] == ["Ben", "Una"]


def test_a_list_that_is_not_there_is_told(desk: Desk) -> None:
    """By name."""
    for call in (lists.members, lists.remove):
        with pytest.raises(NotFoundError, match="'none'"):
            call(desk, "none")


def test_a_note_is_one_a_name_and_day(desk: Desk) -> None:
    """A later one takes its place, an empty one takes it away."""
    notes.write(desk, "aapl", "wait for the call", DAY)
    notes.write(desk, "AAPL", " wait for 9:10 ", DAY)
    notes.write(desk, "AAPL", "another day", date(2026, 11, 27))
    assert notes.note(desk, "AAPL", DAY) == "wait for 9:10"
    found = commands.run(desk, "notes", {"symbol": "AAPL"}).document["notes"]
    assert [item["text"] for item in found] == ["wait for 9:10", "another day"]
    notes.write(desk, "AAPL", "", DAY)
    assert notes.note(desk, "AAPL", DAY) == ""
    assert len(_told(desk, "note.written")) == 4
    with pytest.raises(UsageError, match="letters"):
        notes.write(desk, "AAPL", "x" * (notes.LONGEST + 1))


def test_marks_are_of_a_day(desk: Desk) -> None:
    """Starred or dismissed, one at a time."""
    notes.set_mark(desk, "AAPL", "star", DAY)
    notes.set_mark(desk, "MSFT", "dismiss", DAY)
    notes.set_mark(desk, "AAPL", "dismiss", DAY)
    assert notes.marks(desk, DAY) == {"AAPL": "dismiss", "MSFT": "dismiss"}
    notes.set_mark(desk, "AAPL", None, DAY)
    assert notes.marks(desk, DAY) == {"MSFT": "dismiss"}
    assert len(_told(desk, "note.marked")) == 4
    assert notes.marks(desk, date(2026, 12, 1)) == {}


def test_notes_and_marks_are_their_readers_own(shared: tuple[Desk, Principal, Principal]) -> None:
    """Nobody else is shown them, nor can their event tell the text."""
    desk, una, ben = shared
    with acting(una):
        notes.write(desk, "AAPL", "secret thought", DAY)
        notes.set_mark(desk, "AAPL", "star", DAY)
    with acting(ben):
        found = commands.run(desk, "notes", {"date": DAY}).document
    assert found == {"notes": [], "marks": {}}
    assert not any("secret" in message for message in _told(desk, "note.written"))
    assert not any("star" in str(row) for row in _every(desk))


WAYS = ["BRK.B", "brk-b", "BRK/B"]


@pytest.mark.parametrize("first", WAYS)
@pytest.mark.parametrize("then", WAYS)
def test_a_class_is_one_name_in_every_spelling(desk: Desk, first: str, then: str) -> None:
    """On a list, in notes and marks; BRK.A is another."""
    assert len(lists.add(desk, "Classes", [first, then, "BRK.A"])) == 2
    assert len(lists.add(desk, "Classes", [then])) == 2
    assert lists.remove(desk, "Classes", [then]) == ["BRK.A"]
    notes.write(desk, first, "one", DAY)
    assert notes.note(desk, then, DAY) == "one"
    notes.write(desk, then, "two", DAY)
    assert exports.frame_of(desk, "notes", symbol=first)["text"].to_list() == ["two"]
    assert notes.notes(desk, "BRK.A").is_empty()
    notes.set_mark(desk, first, "star", DAY)
    assert notes.marks(desk, DAY, [then, "BRK.A"]) == {then: "star"}
    notes.set_mark(desk, then, "dismiss", DAY)
    assert list(notes.marks(desk, DAY).values()) == ["dismiss"]


def test_notes_of_two_spellings_are_shown_together_before_one_takes_their_place(desk: Desk) -> None:
    """A desk of before kept one for each: none goes unseen."""
    with desk.warehouse.transaction() as tx:
        for name, text, hours in (("BRK-B", "first", 0), ("BRK.B", "then", 1)):
            row = [preferences.reader_now(desk), name, DAY, text, "me"]
            at = desk.now() + timedelta(hours=hours)
            tx.execute("INSERT INTO notes VALUES (?, ?, ?, ?, ?, ?)", [*row, at])
    assert notes.note(desk, "BRK.B", DAY) == "first\n\nthen"
    notes.write(desk, "BRK.B", "first, then", DAY)
    assert notes.notes(desk, "BRK-B")["text"].to_list() == ["first, then"]


@pytest.mark.parametrize("asked", WAYS)
def test_rows_of_a_class_are_found_in_every_spelling(desk: Desk, asked: str) -> None:
    """Whatever the vendor writes; and a list screens candidates of another spelling."""
    bars = pl.DataFrame(
        {
            "symbol": ["BRK.B", "BRK.A"], "session": [DAY] * 2, "open": [1.0] * 2,
            "high": [1.0] * 2, "low": [1.0] * 2, "close": [1.0] * 2, "volume": [1.0] * 2,
            "pull_id": ["p"] * 2,
        }
    )  # fmt: skip
    with desk.warehouse.transaction() as tx:
        tx.insert("bars_daily", bars)
    found = exports.frame_of(desk, "dataset", name="prices.daily", symbol=asked)
    assert found["symbol"].to_list() == ["BRK.B"]
    assert screening.screened(bars, screening.Screen(symbols=frozenset({asked}))).height == 1
    assert screening.screened(bars, screening.Screen(hidden=frozenset({asked}))).height == 1
