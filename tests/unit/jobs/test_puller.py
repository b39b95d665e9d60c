"""A pull that came to nothing: what it said on the way is kept, the data is as it was."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl
import pytest

from core.domain.tables.datasets import ColumnType, Dataset, Window
from core.errors import ServerError
from core.jobs.pulling.progress import ProgressBoard
from core.jobs.pulling.puller import Puller, PullRequest, refused
from core.sources.pulled import Progress, ProgressHook, Pulled, TableRows
from core.store.warehouse import Warehouse
from tests.queues import Clock
from tests.working import PATIENCE

NOW = datetime(2025, 7, 1, tzinfo=UTC)
SCHEMA = {"a": ColumnType.parse("int")}
DATASET = Dataset("d", "told", "t", ("a",), SCHEMA)
REQUEST = PullRequest("j", DATASET, Window("d", NOW - timedelta(days=1), NOW), "refresh now")


class Source:
    """Tells how far it is, then fails, hangs or has rows."""

    def __init__(self, end: str) -> None:
        self.end = end
        self.told = asyncio.Event()

    async def pull(self, *_: Any, on_progress: ProgressHook, **__: Any) -> Pulled:
        for message in ("asked", "reading"):
            on_progress(Progress(message, rows=5))
        self.told.set()
        if self.end == "hangs":
            await asyncio.Event().wait()
        if self.end == "fails":
            raise ServerError("503")
        rows = pl.DataFrame({"a": [1]})
        return Pulled((TableRows("t", ("a",), rows),), version="v", rows_read=1)


def puller(warehouse: Warehouse, source: Source, clock: Clock) -> Puller:
    board = ProgressBoard(clock)
    board.start("j", "d")
    return Puller(warehouse, {"told": source}, board, clock)  # type: ignore[dict-item]


def kept(warehouse: Warehouse) -> tuple[list[str], list[str]]:
    """The messages and the states of all pulls."""
    events = warehouse.read("SELECT message FROM pull_events ORDER BY seq")
    states = warehouse.read("SELECT state FROM pulls")
    return events["message"].to_list(), states["state"].to_list()


async def being_stored(
    warehouse: Warehouse, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> tuple[asyncio.Task[object], asyncio.Event]:
    """A pull that is at its commit, and what lets it go on."""
    loop, storing = asyncio.get_running_loop(), asyncio.Event()
    go, store = asyncio.Event(), Puller._store

    def slow(self: Puller, *arguments: Any) -> Any:
        loop.call_soon_threadsafe(storing.set)
        asyncio.run_coroutine_threadsafe(go.wait(), loop).result(PATIENCE)
        return store(self, *arguments)

    monkeypatch.setattr(Puller, "_store", slow)
    pulling = puller(warehouse, Source("comes"), clock)
    task = asyncio.create_task(pulling.run(REQUEST))
    async with asyncio.timeout(PATIENCE):
        await storing.wait()
    return task, go


async def test_a_pull_that_fails_keeps_its_messages(warehouse: Warehouse, clock: Clock) -> None:
    """They are what tells afterwards how far it came."""
    with pytest.raises(ServerError):
        await puller(warehouse, Source("fails"), clock).run(REQUEST)
    assert kept(warehouse) == (["asked", "reading"], ["failed"])


async def test_a_pull_that_is_called_off_keeps_its_messages(
    warehouse: Warehouse, clock: Clock
) -> None:
    """And is recorded as called off before the caller hears of it."""
    source = Source("hangs")
    task = asyncio.create_task(puller(warehouse, source, clock).run(REQUEST))
    async with asyncio.timeout(PATIENCE):
        await source.told.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert kept(warehouse) == (["asked", "reading"], ["cancelled"])
    told = warehouse.read_anew("SELECT kind, message FROM events").rows()
    assert [kind for kind, _ in told] == ["pull.cancelled"]
    assert "was cancelled" in told[0][1]


async def test_a_pull_keeps_its_messages(warehouse: Warehouse, clock: Clock) -> None:
    """One that came to its end too, in the transaction of its rows."""
    await puller(warehouse, Source("comes"), clock).run(REQUEST)
    assert kept(warehouse) == (["asked", "reading", "storing"], ["done"])


async def test_what_fails_while_it_is_stored_leaves_nothing(
    warehouse: Warehouse, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rows, watermark and record are one transaction; the failure has one of its own."""
    pulling = puller(warehouse, Source("comes"), clock)

    def failing(*_: Any) -> None:
        raise ServerError("on the way")

    monkeypatch.setattr("core.jobs.pulling.puller.records.set_watermark", failing)
    with pytest.raises(ServerError):
        await pulling.run(REQUEST)
    assert kept(warehouse) == (["asked", "reading", "storing"], ["failed"])
    tables = warehouse.read("SELECT count(*) FROM duckdb_tables() WHERE table_name = 't'")
    assert tables.item() == 0


async def test_what_is_being_stored_when_it_is_called_off_is_stored(
    warehouse: Warehouse, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A commit cannot be called off, so the pull does not say that it was."""
    task, go = await being_stored(warehouse, clock, monkeypatch)
    task.cancel()
    await asyncio.sleep(0)
    go.set()
    await task
    assert kept(warehouse) == (["asked", "reading", "storing"], ["done"])
    assert warehouse.read("SELECT a FROM t")["a"].to_list() == [1]


async def test_what_is_called_off_again_while_it_is_stored_is_stored_once(
    warehouse: Warehouse, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However often somebody presses: the commit is waited for each time."""
    task, go = await being_stored(warehouse, clock, monkeypatch)
    for _ in range(3):
        task.cancel()
        await asyncio.sleep(0)
    go.set()
    await task
    assert warehouse.read("SELECT a FROM t")["a"].to_list() == [1]


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (ServerError("503"), "d: 503."),
        (ServerError("d has nothing"), "d has nothing."),
        (ZeroDivisionError("division"), "d: unexpected ZeroDivisionError: division"),
    ],
)
async def test_a_failure_names_its_dataset_once(
    warehouse: Warehouse, clock: Clock, error: Exception, sentence: str
) -> None:
    """Whoever reads it among others knows whose it is; what nobody foresaw gives its kind."""
    source = Source("comes")

    async def pull(*_: Any, **__: Any) -> Pulled:
        raise error

    source.pull = pull  # type: ignore[method-assign]
    with pytest.raises(type(error)):
        await puller(warehouse, source, clock).run(REQUEST)
    (told,) = warehouse.read("SELECT error FROM pulls")["error"].to_list()
    assert told == sentence


@pytest.mark.parametrize(("bad", "said"), [(1, None), (2, "2 of 1000 rows were rejected, ")])
def test_more_than_a_thousandth_of_rejected_rows_is_told(bad: int, said: str | None) -> None:
    """Fewer are a matter for *Rejected rows* alone; the commonest reason is named."""
    rejects = pl.DataFrame({"reason": ["close is no number"] * bad})
    told = refused(Pulled((), version="v", rows_read=1000, rejects=rejects))
    assert told == (said and said + f"{bad} of them: close is no number")


async def test_a_column_that_is_new_upstream_is_told_once(
    warehouse: Warehouse, clock: Clock
) -> None:
    """It is left out at every pull, but news only at the first."""
    source = Source("comes")

    async def pull(*_: Any, **__: Any) -> Pulled:
        rows = TableRows("t", ("a",), pl.DataFrame({"a": [1]}))
        return Pulled((rows,), version="v", rows_read=1, drift=("b",))

    source.pull = pull  # type: ignore[method-assign]
    for _ in range(2):
        await puller(warehouse, source, clock).run(REQUEST)
        clock.tick(60)
    kinds = warehouse.read("SELECT kind FROM events")["kind"].to_list()
    assert len([kind for kind in kinds if "drift" in kind or "schema" in kind]) == 1
