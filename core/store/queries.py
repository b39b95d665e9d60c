"""Queries of users: each runs in a process of its own, on copies of the columns that it reads.

The desk itself parses, plans and runs nothing of a user's: what a query does to its process, which
has limits of time, memory and rows, it does to nobody else. See `query_process`.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import duckdb
import pyarrow as pa

from core.errors import DeadlineError, StoreError, UsageError
from core.store import files, filing_status
from core.store.calloff import CallOff
from core.store.connection import as_of_now
from core.store.transaction import quoted
from core.store.warehouse import Warehouse

_ROOT = Path(__file__).resolve().parents[2]
_AT_ONCE = 2  # more would take the processor from the desk
_ROWS_A_BATCH = 50_000
_SPILL = 8  # times the memory, on disk
_KNOWN = {"BOOLEAN", "TINYINT", "SMALLINT", "INTEGER", "BIGINT", "FLOAT", "DOUBLE", "VARCHAR"}
_KNOWN |= {"DATE", "TIMESTAMP", "TIMESTAMP WITH TIME ZONE"}
# who may do what is told by its own pages alone, never to a query
_COLUMNS = """
SELECT c.table_name, c.column_name, c.data_type
FROM duckdb_columns() c
WHERE NOT c.internal AND c.database_name <> 'temp' AND NOT starts_with(c.table_name, 'access_')
AND c.table_name NOT IN (SELECT view_name FROM duckdb_views() WHERE NOT internal)
ORDER BY c.table_name, c.column_index
"""
PERSONAL = frozenset(  # each row is its reader's own: where several read, no query sees them
    {"notes", "symbol_marks", "preferences", "presets", "alert_rules", "alerts", "alert_deliveries"}
)
_VIEWS = "SELECT sql FROM duckdb_views() WHERE NOT internal AND NOT temporary ORDER BY view_oid"
RAW = {"raw_grades": "grades"}  # names that queries read a table by, where a view has its own
MADE = {"grades": filing_status.shown("raw_grades")}  # views that queries alone see
Schema = dict[str, dict[str, str]]


@dataclass(frozen=True, slots=True)
class QueryLimits:
    """What one query may take: seconds in all, bytes of memory, rows of its answer."""

    seconds: float = 10.0
    memory: int = 512 * 2**20
    rows: int = 100_000


@dataclass(frozen=True, slots=True)
class QueryAnswer:
    """What a query brought: its columns, each named once, and its rows by them."""

    columns: list[str]
    rows: list[dict[str, Any]]


class Queries:
    """Runs queries of users on a warehouse's tables; `close` ends those that run."""

    def __init__(
        self, warehouse: Warehouse, folder: Path, limits: QueryLimits, *, personal: bool = True
    ) -> None:
        """`personal` is whether queries see what readers keep for themselves."""
        self._warehouse = warehouse
        self._unseen = frozenset() if personal else PERSONAL
        self._folder = folder
        self.limits = limits
        self._turns = threading.BoundedSemaphore(_AT_ONCE)
        self._closed = CallOff()

    @property
    def running(self) -> int:
        """How many queries run now."""
        return self._closed.watching

    def close(self) -> None:
        """End the queries that run, and take no more."""
        self._closed.call_off()

    def run(
        self, query: str, limit: int | None = None, calloff: CallOff | None = None
    ) -> list[dict[str, Any]]:
        """The rows of one SELECT as JSON-able objects, `limit` of them at most; see `answer`."""
        return self.answer(query, limit, calloff).rows

    def answer(
        self, query: str, limit: int | None = None, calloff: CallOff | None = None
    ) -> QueryAnswer:
        """Columns and rows of one SELECT, `limit` of them at most.

        UsageError when it is no SELECT, fails, or wants more memory than it may have;
        DeadlineError when its time is over; StoreError when it was called off or its process died.
        """
        deadline = time.monotonic() + self.limits.seconds
        if not self._turns.acquire(timeout=self.limits.seconds):
            raise DeadlineError("other queries are running", hint="ask again in a moment")
        try:
            with self._process(deadline, calloff or CallOff()) as process:
                return self._exchange(process, query, min(limit or 10_000, self.limits.rows))
        finally:
            self._turns.release()

    @contextmanager
    def _process(self, deadline: float, calloff: CallOff) -> Iterator[_Process]:
        folder = self._folder / f"{os.getpid()}-{secrets.token_hex(4)}"
        self._make_folder()
        process = _Process(folder, deadline)
        timer = threading.Timer(max(deadline - time.monotonic(), 0), process.kill, ["time"])
        timer.daemon = True
        timer.start()
        try:
            with calloff.watched(process.kill), self._closed.watched(process.kill):
                yield process
        except OSError as error:
            raise process.failure(self.limits) from error
        finally:
            timer.cancel()
            process.end()

    def _make_folder(self) -> None:
        """Where queries spill: the engine makes a folder of its own in it, and none above."""
        try:
            files.folder(self._folder)
        except OSError as error:
            raise StoreError(
                f"queries have no folder to spill into: {error.strerror}",
                where=str(self._folder),
                hint=files.ROOM,
            ) from error

    def _exchange(self, process: _Process, query: str, limit: int) -> QueryAnswer:
        with self._warehouse.cursor() as cursor, as_of_now(cursor):
            schema, views = _schema(cursor, self._unseen)
            process.say(self._task(process, query, limit, [*_ddl(schema), *views]))
            for table, columns in self._hear(process)["wants"]:
                _send(cursor, process.input, table, columns, schema)
        answer = self._hear(process)
        names = _distinct(answer["columns"])
        return QueryAnswer(names, [dict(zip(names, row, strict=True)) for row in answer["rows"]])

    def _task(self, process: _Process, query: str, limit: int, schema: list[str]) -> dict[str, Any]:
        memory = self.limits.memory
        return {
            "query": query,
            "limit": limit,
            "schema": schema,
            "memory": memory,
            "bytes": memory // 8,
            "spill": memory * _SPILL,
            "seconds": max(process.deadline - time.monotonic(), 0.01),
            "folder": str(process.folder),
        }

    def _hear(self, process: _Process) -> dict[str, Any]:
        message = process.hear()
        if message is None:
            raise process.failure(self.limits)
        if "error" not in message:
            return message
        if message["memory"]:
            raise _too_large(self.limits)
        raise UsageError(f"the query failed: {' '.join(message['error'].split())}")


class _Process:
    """The process of one query, and why it was ended."""

    def __init__(self, folder: Path, deadline: float) -> None:
        self.folder = folder
        self.deadline = deadline
        self._killed: str | None = None
        self._child = subprocess.Popen(
            [sys.executable, "-E", "-s", "-m", "core.store.query_process"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=_ROOT,
            env={"ARROW_DEFAULT_MEMORY_POOL": "system"},  # and none of the desk's secrets
            start_new_session=True,
        )
        assert self._child.stdin and self._child.stdout
        self.input: IO[bytes] = self._child.stdin
        self._output: IO[bytes] = self._child.stdout

    def say(self, message: dict[str, Any]) -> None:
        self.input.write(json.dumps(message).encode() + b"\n")
        self.input.flush()

    def hear(self) -> dict[str, Any] | None:
        """The next message; None when there is none, or only a part."""
        line = self._output.readline()
        return json.loads(line) if line.endswith(b"\n") else None

    def kill(self, why: str = "called off") -> None:
        self._killed = self._killed or why
        self._child.kill()

    def end(self) -> None:
        self._child.kill()
        self._child.wait()
        for pipe in (self.input, self._output):
            try:
                pipe.close()
            except OSError:
                continue  # what was left to write has no reader any more
        shutil.rmtree(self.folder, ignore_errors=True)

    def failure(self, limits: QueryLimits) -> DeadlineError | StoreError | UsageError:
        """Why there is no answer."""
        code = self._child.wait()
        if self._killed == "time" or time.monotonic() > self.deadline:
            return DeadlineError(
                f"the query took longer than {limits.seconds:g} seconds",
                hint="ask for less, or raise OPENBELL_SQL_SECONDS",
            )
        if self._killed:
            return StoreError("the query was called off")
        if code > 0:  # an allocation that the system refused ends the interpreter in any way
            return _too_large(limits)
        return UsageError(
            f"the query ended its process (signal {-code})", hint="the desk is unharmed"
        )


def _too_large(limits: QueryLimits) -> UsageError:
    return UsageError(
        f"the query needs more memory than {limits.memory // 2**20} MB",
        hint="ask for less, or raise OPENBELL_SQL_MEMORY",
    )


def _schema(cursor: duckdb.DuckDBPyConnection, unseen: frozenset[str]) -> tuple[Schema, list[str]]:
    """Tables with their columns and types, and the statements that make the views."""
    schema: Schema = {}
    read_as = {stored: name for name, stored in RAW.items()}
    for table, column, kind in cursor.execute(_COLUMNS).fetchall():
        if table not in unseen:
            schema.setdefault(read_as.get(table, table), {})[column] = kind
    views = [row[0] for row in cursor.execute(_VIEWS).fetchall()]
    if {"raw_grades", "filing_status"} <= schema.keys():
        views += [f"CREATE VIEW {quoted(name)} AS {body}" for name, body in MADE.items()]
    return schema, views


def _ddl(schema: Schema) -> Iterator[str]:
    for table, columns in schema.items():
        body = ", ".join(f"{quoted(name)} {kind}" for name, kind in columns.items())
        yield f"CREATE TABLE {quoted(table)} ({body})"


def _send(
    cursor: duckdb.DuckDBPyConnection,
    target: IO[bytes],
    table: str,
    columns: list[str],
    schema: Schema,
) -> None:
    """Columns of a table as an Arrow stream; types that Arrow has not as text."""
    kinds = schema[table]
    exported = ", ".join(
        quoted(name)
        if kinds[name] in _KNOWN or kinds[name].startswith("DECIMAL(")
        else f"CAST({quoted(name)} AS VARCHAR) AS {quoted(name)}"
        for name in columns
    )
    stored = quoted(RAW.get(table, table))
    reader = cursor.execute(f"SELECT {exported} FROM {stored}").to_arrow_reader(_ROWS_A_BATCH)
    with pa.ipc.new_stream(target, reader.schema) as stream:
        for batch in reader:
            stream.write_batch(batch)
    target.flush()


def _distinct(names: list[str]) -> list[str]:
    """Column names without repeats: a JSON object holds each once."""
    seen: list[str] = []
    for name in names:
        chosen, number = name, 1
        while chosen in seen:
            chosen, number = f"{name}_{number}", number + 1
        seen.append(chosen)
    return seen
