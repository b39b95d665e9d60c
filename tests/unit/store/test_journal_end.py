"""The end of the journal is kept apart from it, and the two must agree."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import polars as pl
import pytest

from core.domain.access.audit import Act
from core.domain.chain import GENESIS
from core.domain.trading import entries as make
from core.domain.trading.ledger import Numbered
from core.errors import IntegrityError
from core.store import audit, journal
from core.store.warehouse import Warehouse

AT = datetime(2026, 3, 1, 9, tzinfo=UTC)


@pytest.fixture
def written(warehouse: Warehouse) -> list[Numbered]:
    """An opening balance and two deposits, in two transactions."""
    made = []
    days = [date(2026, 3, n) for n in (2, 3, 4)]
    for batch in (
        [make.opening(Decimal(100), days[0])],
        [make.deposit(Decimal(5), days[1]), make.deposit(Decimal(6), days[2])],
    ):
        with warehouse.transaction() as tx:
            made += journal.append(tx, batch, AT)
    return made


def test_what_was_appended_is_read_back(warehouse: Warehouse, written: list[Numbered]) -> None:
    """Whole, in order, and its end is the hash of the last entry; nothing appended is nothing."""
    assert journal.read(warehouse) == written
    assert [item.number for item in written] == [1, 2, 3]
    assert journal.head(warehouse) == (3, written[-1].hash)
    with warehouse.transaction() as tx:
        assert journal.append(tx, [], AT) == []
    assert journal.head(warehouse) == (3, written[-1].hash)


def test_a_journal_without_entries_begins_at_the_beginning(warehouse: Warehouse) -> None:
    """Number nought and the chain's first hash."""
    assert journal.head(warehouse) == (0, GENESIS)
    assert journal.read(warehouse) == []


@pytest.mark.parametrize(
    "harm",
    [
        "DELETE FROM journal_head",
        "UPDATE journal_head SET entry_no = 2",
        "UPDATE journal_head SET entry_no = 4",
        "DELETE FROM journal_entries WHERE entry_no = 3",
        "DELETE FROM journal_entries WHERE entry_no = 2",
        "DELETE FROM journal_entries",
        "INSERT INTO journal_entries SELECT * REPLACE (4 AS entry_no) FROM journal_entries "
        "WHERE entry_no = 3",
        "INSERT INTO journal_entries SELECT * FROM journal_entries WHERE entry_no = 1",
    ],
)
def test_an_end_that_does_not_fit_is_told(
    warehouse: Warehouse, written: list[Numbered], harm: str
) -> None:
    """Cut, grown, emptied, one missing in the middle, one twice: nothing is appended to it."""
    with warehouse.transaction() as tx:
        tx.execute(harm)
    with pytest.raises(IntegrityError, match="the journal ends at entry"):
        journal.head(warehouse)
    with pytest.raises(IntegrityError), warehouse.transaction() as tx:
        journal.append(tx, [make.deposit(Decimal(1), date(2026, 3, 5))], AT)


class WrittenMeanwhile(Warehouse):
    """A store to which somebody writes right after the first query of a reader."""

    def read(self, sql: str, params: Any = None) -> pl.DataFrame:
        """See Warehouse."""
        found = super().read(sql, params)
        if self.writes:
            self.writes.pop()(self)
        return found

    writes: list[Callable[[Warehouse], None]]


def _deposit(warehouse: Warehouse) -> None:
    with warehouse.transaction() as tx:
        journal.append(tx, [make.deposit(Decimal(7), date(2026, 3, 6))], AT)


def _act(warehouse: Warehouse) -> None:
    with warehouse.transaction() as tx:
        audit.append(tx, [Act(AT, "i", "s", "n", None, "a", "done")])


@pytest.fixture
def meanwhile(warehouse: Warehouse, written: list[Numbered]) -> WrittenMeanwhile:
    """The same store, of which `writes` come between."""
    _act(warehouse)
    warehouse.__class__ = WrittenMeanwhile
    assert isinstance(warehouse, WrittenMeanwhile)
    warehouse.writes = []
    return warehouse


def test_an_entry_written_while_the_journal_is_read_is_no_fault(
    meanwhile: WrittenMeanwhile,
) -> None:
    """It is looked at once more, all of it as of one moment; real damage stays damage."""
    meanwhile.writes = [_deposit]
    assert [item.number for item in journal.read(meanwhile)] == [1, 2, 3, 4]
    with meanwhile.transaction() as tx:
        tx.execute("UPDATE journal_head SET entry_no = 3")
    with pytest.raises(IntegrityError):
        journal.read(meanwhile)


def test_an_act_written_while_the_chain_is_read_is_no_fault(meanwhile: WrittenMeanwhile) -> None:
    """The chain of who did what is whole though it grew between two queries."""
    meanwhile.writes = [_act]
    assert audit.fault(meanwhile) is None
    with meanwhile.transaction() as tx:
        tx.execute("UPDATE access_audit_head SET entry = 1")
    assert audit.fault(meanwhile) is not None
