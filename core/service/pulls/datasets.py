"""What pages and commands ask about datasets: status, history, rows, rejected rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import polars as pl
from pydantic import Field

from core.domain.access.principals import Role
from core.domain.breaker import State
from core.domain.symbols import spellings
from core.domain.tables.datasets import Dataset
from core.domain.timetable.freshness import Freshness
from core.domain.timetable.reach import Reach, judged
from core.errors import UsageError
from core.service import calloff
from core.service.cache import SingleFlightCache
from core.service.kernel.commands import command
from core.service.kernel.exports import export
from core.service.pulls import joining, reach, refresh, upstreams
from core.store import pulls as records
from core.store.facts import STORED_AS
from core.store.transaction import quoted

if TYPE_CHECKING:
    from core.service.desk import Desk

_ENDS = (" [", ". ", ": ", "; it is ")  # what follows the fault: where, what to do, others' words


@dataclass(frozen=True, slots=True)
class DatasetStatus:
    """One line of *Datasets*. `freshness`: fresh, due, overdue, failing or never.

    `partial_reason` says what is missing from the data that are loaded, whatever came of later
    pulls that loaded nothing.
    """

    name: str
    source: str
    table: str
    description: str
    enabled: bool
    rows: int
    freshness: str
    last_success: datetime | None
    next_due: datetime | None
    last_state: str | None
    last_error: str | None
    last_pull_id: str | None
    partial_reason: str | None
    rows_rejected: int
    bytes: int
    running_job: str | None
    simulated: bool
    data_until: datetime | None = None  # what the rows reach up to; a day as its midnight in UTC
    sessions_behind: int | None = None  # that should be there; None where rows are of no sessions
    upstream: str | None = None  # its host's breaker: closed, open, half-open; None for files
    failing_since: datetime | None = None  # the first pull that failed after the last good one
    next_try: datetime | None = None  # when a pull is asked for again by itself

    @property
    def fault(self) -> str:
        """What its last pull failed of, without its name, place and hint; empty without one."""
        said = (self.last_error or "").removeprefix(f"{self.name}: ").strip()
        for end in _ENDS:
            said = said.split(end, 1)[0]
        return said.rstrip(".")


BY_COMPANY = ("submissions", "companyfacts")  # of the SEC: a document a followed company
_LATEST = """
WITH ended AS (SELECT * FROM pulls WHERE state <> 'running'),
last AS (SELECT dataset, arg_max(state, started_at) AS state, arg_max(error, started_at) AS error,
           arg_max(pull_id, started_at) AS pull_id, arg_max(simulated, started_at) AS simulated
         FROM ended GROUP BY dataset),
good AS (SELECT dataset, max(finished_at) AS finished_at,
           arg_max(coalesce(partial_reason, ''), started_at) AS partial_reason,
           arg_max(rows_rejected, started_at) FILTER (state <> 'unchanged') AS rejected,
           arg_max(bytes, started_at) FILTER (state <> 'unchanged') AS bytes
         FROM ended WHERE state IN ('done', 'unchanged', 'partial') GROUP BY dataset),
bad AS (SELECT ended.dataset, min(ended.started_at) AS failing_since
         FROM ended LEFT JOIN good ON good.dataset = ended.dataset
         WHERE ended.state = 'failed'
           AND (good.finished_at IS NULL OR ended.started_at > good.finished_at)
         GROUP BY ended.dataset)
SELECT last.dataset, state, CASE WHEN state IN ('failed', 'cancelled') THEN error END AS error,
       pull_id, simulated, finished_at, partial_reason, rejected, bytes, failing_since
FROM last LEFT JOIN good ON good.dataset = last.dataset
LEFT JOIN bad ON bad.dataset = last.dataset
"""


_KEPT = SingleFlightCache(2)


def overview(desk: Desk) -> list[DatasetStatus]:
    """Every dataset of the catalogue with its state now, in the catalogue's order.

    Pages, the API and metrics ask many times a second: within one, and until a commit, a job or a
    host says otherwise, they share one answer.
    """
    hosts = upstreams.states(desk)
    mark = joining.mark(desk) or (desk.now().replace(microsecond=0), *_jobs(desk))
    key = (*desk.state, *mark, tuple(hosts.items()))
    return list(_KEPT.get(key, lambda: _overview(desk, hosts)))


def _jobs(desk: Desk) -> list[tuple[tuple[str, object], ...]]:
    return [tuple(told.items()) for told in (refresh.running(desk), joining.next_tries(desk))]


def _overview(desk: Desk, hosts: Mapping[str, State]) -> list[DatasetStatus]:
    running, tries = refresh.running(desk), joining.next_tries(desk)
    latest = {row["dataset"]: row for row in desk.warehouse.read(_LATEST).iter_rows(named=True)}
    counts = _own_rows(desk, latest)
    fresh = desk.freshness_of_all()
    reached = {
        dataset.name: reach.reach_of(desk, dataset, fresh[dataset.name])
        if counts[dataset.name]
        else Reach()
        for dataset in desk.catalogue.datasets.values()
    }
    fresh = {
        name: judged(state, reached[name], _kept(desk, name, counts), desk.now())
        for name, state in fresh.items()
    }
    return [
        _status(
            dataset,
            latest.get(dataset.name, {}),
            counts,
            running.get(dataset.name),
            fresh[dataset.name],
            hosts.get(dataset.name),
            reached[dataset.name],
            tries.get(dataset.name),
        )
        for dataset in desk.catalogue.datasets.values()
    ]


def _own_rows(desk: Desk, latest: dict[str, dict[str, Any]]) -> dict[str, int]:
    """Rows per dataset; a table that several share has none of one that never brought any."""
    every = desk.catalogue.datasets.values()
    tables = row_counts(desk, [dataset.table for dataset in every])
    return {
        dataset.name: tables.get(dataset.table, 0)
        if latest.get(dataset.name, {}).get("finished_at") is not None or dataset.source == "file"
        else 0
        for dataset in every
    }


def _kept(desk: Desk, name: str, counts: dict[str, int]) -> int:
    """Rows that are kept up to date: none of a dataset by company while nobody is followed."""
    dataset = desk.catalogue.datasets[name]
    by_company = dataset.source == "sec" and dataset.upstream in BY_COMPANY
    return 0 if by_company and not companies_followed(desk) else counts[name]


def companies_followed(desk: Desk) -> int:
    """How many companies are on the watch list."""
    return int(desk.warehouse.read("SELECT count(*) FROM watchlist").item())


def _status(
    dataset: Dataset,
    last: dict[str, Any],
    counts: dict[str, int],
    job: str | None,
    fresh: Freshness,
    upstream: str | None,
    reached: Reach,
    next_try: datetime | None,
) -> DatasetStatus:
    next_due = fresh.next_due if dataset.enabled else None
    return DatasetStatus(
        name=dataset.name,
        source=dataset.source,
        table=dataset.table,
        description=dataset.description,
        enabled=dataset.enabled,
        rows=counts[dataset.name],
        freshness=fresh.state,
        last_success=last.get("finished_at"),
        next_due=next_due,
        last_state=last.get("state"),
        last_error=last.get("error"),
        last_pull_id=last.get("pull_id"),
        partial_reason=last.get("partial_reason") or None,
        rows_rejected=last.get("rejected") or 0,
        bytes=last.get("bytes") or 0,
        running_job=job,
        simulated=bool(last.get("simulated")),
        upstream=upstream,
        data_until=reached.until,
        sessions_behind=reached.sessions_behind,
        failing_since=last.get("failing_since"),
        next_try=next_try or next_due,
    )


def row_counts(desk: Desk, tables: Sequence[str]) -> dict[str, int]:
    """Rows per table, in one query; tables that do not exist yet are left out."""
    stored = {STORED_AS.get(name, name): name for name in tables}
    there = desk.warehouse.read(
        "SELECT DISTINCT table_name FROM duckdb_columns() WHERE table_name IN (SELECT unnest(?))",
        [list(stored)],
    )["table_name"].to_list()
    if not there:
        return {}
    query = " UNION ALL ".join(
        f"SELECT ? AS table_name, count(*) AS n FROM {quoted(name)}" for name in there
    )
    return {stored[row[0]]: row[1] for row in desk.warehouse.read(query, there).rows()}


def pull_history(desk: Desk, name: str | None = None, limit: int = 100) -> pl.DataFrame:
    """The latest pulls of a dataset (or of all), newest first."""
    return records.history(desk.warehouse, name, limit)


def volumes(desk: Desk, name: str, limit: int = 60) -> pl.DataFrame:
    """Rows read by the last pulls that brought data, oldest first, with the usual range.

    `low` and `high` are the 10th and 90th percentile of the pulls before; null for the first three.
    """
    return desk.warehouse.read(
        "SELECT started_at, rows_read, "
        "CASE WHEN n >= 3 THEN low END AS low, CASE WHEN n >= 3 THEN high END AS high FROM ("
        "SELECT started_at, rows_read, count(*) OVER before AS n, "
        "quantile_cont(rows_read, 0.1) OVER before AS low, "
        "quantile_cont(rows_read, 0.9) OVER before AS high "
        "FROM pulls WHERE dataset = ? AND state IN ('done', 'partial') AND rows_read > 0 "
        "WINDOW before AS (ORDER BY started_at ROWS BETWEEN 30 PRECEDING AND 1 PRECEDING)) "
        "ORDER BY started_at DESC LIMIT ?",
        [name, limit],
    ).reverse()


def pull_events(desk: Desk, pull_id: str) -> pl.DataFrame:
    """The progress messages of one pull in order."""
    return desk.warehouse.read(
        "SELECT happened_at, message, rows, bytes, percent FROM pull_events "
        "WHERE pull_id = ? ORDER BY seq",
        [pull_id],
    )


def rejected_rows(desk: Desk, name: str, limit: int = 1000) -> pl.DataFrame:
    """Rows that the latest pulls of a dataset refused, with reasons, newest first."""
    desk.catalogue.get(name)
    return desk.warehouse.read(
        "SELECT r.pull_id, p.started_at, row_number, column_name, reason, raw "
        "FROM rejected_rows r JOIN pulls p ON p.pull_id = r.pull_id WHERE r.dataset = ? "
        "ORDER BY p.started_at DESC, row_number LIMIT ?",
        [name, limit],
    )


def schema_changes(desk: Desk, name: str) -> pl.DataFrame:
    """Columns that appeared, were unknown or changed, newest first."""
    return desk.warehouse.read(
        "SELECT happened_at, column_name, change, pull_id FROM schema_changes "
        "WHERE dataset = ? ORDER BY happened_at DESC",
        [name],
    )


def rows(desk: Desk, name: str, limit: int | None = 500, symbol: str | None = None) -> pl.DataFrame:
    """Rows of a dataset's table, newest first by the days of its key; of one symbol by any name."""
    dataset = desk.catalogue.get(name)
    if not row_counts(desk, [dataset.table]):
        return pl.DataFrame(schema=dataset.polars_schema)
    if symbol and "symbol" not in dataset.schema:
        raise UsageError(f"{name} has no column symbol")
    order = ", ".join(f"{quoted(column)} DESC" for column in dataset.newest_first)
    where = "WHERE symbol IN (SELECT unnest($names))" if symbol else "WHERE $names IS NULL"
    return desk.warehouse.read(
        f"SELECT * FROM {quoted(dataset.table)} {where} ORDER BY {order} LIMIT $limit",
        {
            "names": spellings(symbol) if symbol else None,
            "limit": 2**62 if limit is None else limit,
        },
    )


@export("dataset", needs=Role.VIEWER)
def export_dataset(desk: Desk, *, name: str, symbol: str | None = None) -> pl.DataFrame:
    """All rows of one dataset's table."""
    return rows(desk, name, None, symbol)


@export("rejected", needs=Role.VIEWER)
def export_rejected(desk: Desk, *, name: str) -> pl.DataFrame:
    """All rejected rows of one dataset with their reasons."""
    return rejected_rows(desk, name, 2**31)


def document(item: DatasetStatus) -> dict[str, Any]:
    """What programs are told of a dataset; `fault` is the beginning of `last_error`."""
    return {
        "name": item.name,
        "source": item.source,
        "table": item.table,
        "enabled": item.enabled,
        "rows": item.rows,
        "freshness": item.freshness,
        "data_until": item.data_until,
        "sessions_behind": item.sessions_behind,
        "last_success": item.last_success,
        "next_due": item.next_due,
        "last_state": item.last_state,
        "last_error": item.last_error,
        "fault": item.fault or None,
        "partial_reason": item.partial_reason,
        "rows_rejected": item.rows_rejected,
        "running": item.running_job is not None,
        "simulated": item.simulated,
        "upstream": item.upstream,
    }


@command("status", needs=Role.VIEWER)
def status_command(desk: Desk) -> dict[str, Any]:
    """Per dataset: freshness, rows, last pull, next due, last error."""
    return {
        "datasets": [document(item) for item in overview(desk)],
        "problems": [str(problem) for problem in desk.catalogue.problems],
    }


@command("sql", needs=Role.VIEWER)
def sql_command(
    desk: Desk,
    *,
    query: str,
    limit: Annotated[int, Field(ge=1)] = 10_000,
    with_columns: bool = False,
) -> list[dict[str, Any]] | dict[str, Any]:
    """Rows of one read-only SELECT; `with_columns`: an object of `columns` and `rows`."""
    answer = desk.queries.answer(query, limit, calloff.current())
    if with_columns:
        return {"columns": answer.columns, "rows": answer.rows}
    return answer.rows
