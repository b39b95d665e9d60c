"""The process in which one query of a user's runs: it holds copies, and nothing but copies.

The desk starts it, sends the schema and the query, is told which columns the query reads, sends
those as Arrow streams, and gets JSON back. It has no file of the desk open, no access to files or
the network, little memory and little time: whatever a query does to it, the desk does not notice.
Protocol on stdin and stdout: a JSON line with the task; a JSON line `{"wants": [[table, columns]]}`
or `{"error": …}`; one Arrow stream each; a JSON line with `columns`, `rows` or `error`.
"""

from __future__ import annotations

import json
import os
import re
import signal
import sys
from collections.abc import Iterator
from typing import Any, BinaryIO

import duckdb
import pyarrow as pa

from core.store.query_values import Shown, shown

_ASIDE_BYTES = 384 * 2**20  # interpreter, libraries and what the engine does not count
_BATCH = 500
_EXPLAIN = re.compile(r"\s*EXPLAIN\s+(ANALYZE\s+)?(\([^)]*\)\s*)?", re.IGNORECASE)
_SELECT, _EXPLAINED = duckdb.StatementType.SELECT, duckdb.StatementType.EXPLAIN


class Refused(Exception):  # noqa: N818 - an answer, not a failure of ours
    """The query is not one that may run here."""


def main() -> None:
    """Run the one query that stdin brings."""
    source, target = sys.stdin.buffer, _own_output()
    task = json.loads(source.readline())
    _bound(task)
    try:
        answer = _answer(task, source, target)
    except (duckdb.Error, Refused, MemoryError) as error:
        out_of_memory = isinstance(error, duckdb.OutOfMemoryException | MemoryError)
        answer = {"error": _sentence(error), "memory": out_of_memory}
    _say(target, answer)
    os._exit(0)  # what the engine still holds goes with the process


def _sentence(error: BaseException) -> str:
    """What the engine says, without its excerpts of the query and its stack."""
    return str(error).partition("\n\n")[0] or type(error).__name__


def _own_output() -> BinaryIO:
    """Stdout for us alone: what a query makes the engine print goes nowhere."""
    own = os.fdopen(os.dup(1), "wb")
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.close(nowhere)
    return own


def _bound(task: dict[str, Any]) -> None:
    """Limits that the kernel enforces: time, memory, size of a file; others come first."""
    try:
        import resource
    except ImportError:  # not made for every system: the desk's own timer remains
        return
    signal.setitimer(signal.ITIMER_REAL, task["seconds"] + 1)  # unhandled, it ends the process
    memory = task["memory"] + _ASIDE_BYTES
    resource.setrlimit(resource.RLIMIT_DATA, (memory, memory))
    resource.setrlimit(resource.RLIMIT_FSIZE, (task["spill"], task["spill"]))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    os.nice(5)


def _answer(task: dict[str, Any], source: BinaryIO, target: BinaryIO) -> dict[str, Any]:
    query = task["query"]
    connection = _connect(task)
    select = _must_select(connection, query)
    for statement in task["schema"]:
        connection.execute(statement)
    wants = _wants(connection, select)
    _say(target, {"wants": wants})
    for table, columns in wants:
        _load(connection, table, columns, source)
    connection.execute("SET lock_configuration = true")
    connection.execute("BEGIN TRANSACTION READ ONLY")
    return _rows(connection, query, task)


def _connect(task: dict[str, Any]) -> duckdb.DuckDBPyConnection:
    config: dict[str, str | bool | int | float | list[str]] = {
        "memory_limit": f"{task['memory']}B",
        "temp_directory": task["folder"],
        "max_temp_directory_size": f"{task['spill']}B",
        "threads": 2,
        "autoinstall_known_extensions": "false",
        "autoload_known_extensions": "false",
        "allow_community_extensions": "false",
        "python_enable_replacements": "false",
    }
    connection = duckdb.connect(":memory:", config=config)
    connection.execute("SET GLOBAL TimeZone = 'UTC'")
    connection.execute("SET GLOBAL enable_external_access = false")
    return connection


def _must_select(connection: duckdb.DuckDBPyConnection, query: str) -> str:
    """The SELECT in the query, without an EXPLAIN before it; Refused when it is anything else."""
    kinds = _kinds(connection, query)
    if kinds == [_SELECT]:
        return query
    inner = _EXPLAIN.sub("", query, count=1)
    if kinds != [_EXPLAINED] or _kinds(connection, inner) != [_SELECT]:
        raise Refused("only one SELECT is allowed here")
    return inner


def _kinds(connection: duckdb.DuckDBPyConnection, query: str) -> list[duckdb.StatementType]:
    """The kinds of statements, parsed where no file is in reach: IMPORT DATABASE is replaced by
    what its files say while it is parsed."""
    return [statement.type for statement in connection.extract_statements(query)]


def _wants(connection: duckdb.DuckDBPyConnection, select: str) -> list[tuple[str, list[str]]]:
    """The stored columns that a query reads, as the engine's own plan for it says."""
    others = connection.execute(
        "SELECT string_agg(name, ',') FROM duckdb_optimizers() WHERE name <> 'unused_columns'"
    ).fetchone()
    assert others is not None
    connection.execute(f"SET disabled_optimizers = '{others[0]}'")
    plan = connection.execute(f"EXPLAIN (FORMAT JSON) {select}").fetchall()[0][1]
    connection.execute("RESET disabled_optimizers")
    wants: dict[str, set[str]] = {}
    for info in _scans(json.loads(plan)):
        table = str(info["Table"]).rpartition(".")[2]
        read = info.get("Projections") or []
        wants.setdefault(table, set()).update([read] if isinstance(read, str) else read)
    return [(table, sorted(read) or _narrow(connection, table)) for table, read in wants.items()]


def _narrow(connection: duckdb.DuckDBPyConnection, table: str) -> list[str]:
    """A small column of a table of which only the rows count."""
    found = connection.execute(
        "SELECT column_name FROM duckdb_columns() WHERE table_name = ? "
        "ORDER BY data_type NOT IN ('BOOLEAN', 'SMALLINT', 'INTEGER', 'DATE'), column_index",
        [table],
    ).fetchone()
    assert found is not None
    return [str(found[0])]


def _scans(nodes: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for node in nodes:
        if "Table" in node.get("extra_info", {}):
            yield node["extra_info"]
        yield from _scans(node.get("children", []))


def _load(
    connection: duckdb.DuckDBPyConnection, table: str, columns: list[str], source: BinaryIO
) -> None:
    names = ", ".join(_quoted(name) for name in columns)
    with pa.ipc.open_stream(source) as stream:
        connection.register("incoming_rows", stream)
        connection.execute(
            f"INSERT INTO {_quoted(table)} ({names}) SELECT {names} FROM incoming_rows"
        )
        connection.unregister("incoming_rows")


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _rows(
    connection: duckdb.DuckDBPyConnection, query: str, task: dict[str, Any]
) -> dict[str, Any]:
    if _kinds(connection, query) == [_EXPLAINED]:
        cursor = connection.execute(query)
        columns = [column[0] for column in cursor.description]
        return {"columns": columns, "rows": [list(row) for row in cursor.fetchall()]}
    relation = connection.sql(query)
    kinds = [shown(kind) for kind in relation.types]
    cast = ", ".join(f"CAST(#{n} AS {kind.sql}) AS c{n}" for n, kind in enumerate(kinds, 1))
    result = relation.project(cast).limit(task["limit"])
    return {"columns": relation.columns, "rows": list(_fetched(result, kinds, task["bytes"]))}


def _fetched(
    result: duckdb.DuckDBPyRelation, kinds: list[Shown], most_bytes: int
) -> Iterator[list[Any]]:
    size = 0
    while batch := result.fetchmany(_BATCH):
        for row in batch:
            values = [kind.value(value) for kind, value in zip(kinds, row, strict=True)]
            size += sum(len(value) if isinstance(value, str) else 8 for value in values)
            if size > most_bytes:
                raise Refused(f"the answer is larger than {most_bytes // 2**20} MB")
            yield values


def _say(target: BinaryIO, message: dict[str, Any]) -> None:
    target.write(json.dumps(message).encode() + b"\n")
    target.flush()


if __name__ == "__main__":
    main()
