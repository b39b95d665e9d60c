"""Queries of users: whatever they do, the desk is unharmed and unchanged."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import duckdb
import psutil
import pytest

from core.errors import DeadlineError, OpenbellError, StoreError, UsageError
from core.store.calloff import CallOff
from core.store.queries import Queries, QueryLimits
from core.store.warehouse import Warehouse
from tests import depth
from tests.query_server import ForkedQuery

SLOW = "SELECT count(*) FROM range(1000000000000)"
PATIENT = QueryLimits(seconds=60)


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warehouse]:
    """A store with a table of every kind of column that queries may meet."""
    folder = tmp_path_factory.mktemp("queries")
    with Warehouse.open(folder / "desk.duckdb") as opened:
        with opened.transaction() as tx:
            tx.execute(
                "CREATE TABLE kinds AS SELECT i AS a, i % 3 AS b, 'text ' || i AS c, "
                "(i * 1.5)::DECIMAL(18, 2) AS m, to_seconds(i) AS v, ('x' || i)::BLOB AS x, "
                "[i] AS l, TIMESTAMPTZ '2024-07-01 09:30:00-04' AS t FROM range(1000) r(i)"
            )
            tx.execute("CREATE VIEW few AS SELECT a, c FROM kinds WHERE b = 1")
        yield opened


@pytest.fixture
def make(warehouse: Warehouse, tmp_path: Path) -> Iterator[Callable[[QueryLimits], Queries]]:
    """Makes a runner with limits; all are closed at the end."""
    made: list[Queries] = []

    def make(limits: QueryLimits) -> Queries:
        made.append(Queries(warehouse, tmp_path / "spill", limits))
        return made[-1]

    yield make
    for queries in made:
        queries.close()


Make = Callable[[QueryLimits], Queries]


@pytest.fixture
def _forked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Queries run in processes forked off a loaded one, where many are asked."""
    start = SimpleNamespace(Popen=ForkedQuery, PIPE=None, DEVNULL=None)
    monkeypatch.setattr("core.store.queries.subprocess", start)


many = pytest.mark.usefixtures("_forked")


@many
@pytest.mark.parametrize(
    ("query", "rows"),
    [
        ("SELECT count(*) AS n FROM kinds", [{"n": 1000}]),
        ("SELECT sum(a) AS s, b FROM kinds GROUP BY b ORDER BY b LIMIT 1", [{"s": 166833, "b": 0}]),
        ("SELECT k FROM kinds k WHERE a = 2 AND c = 'text 2'", None),
        ("FROM few ORDER BY a LIMIT 1", [{"a": 1, "c": "text 1"}]),
        ("WITH q AS (SELECT a FROM kinds) SELECT max(a) AS m FROM q", [{"m": 999}]),
        ("SELECT 1 AS a, 2 AS a", [{"a": 1, "a_1": 2}]),
        ("SELECT m FROM kinds WHERE a = 1", [{"m": 1.5}]),
        ("SELECT t FROM kinds LIMIT 1", [{"t": "2024-07-01T13:30:00Z"}]),
        ("SELECT v FROM kinds WHERE a = 61", [{"v": "00:01:01"}]),
        ("SELECT INTERVAL 14 MONTH AS i", [{"i": "1 year 2 months"}]),
        ("SELECT '\\x00\\xFF'::BLOB AS x", [{"x": "\\x00\\xFF"}]),
        ("SELECT 2::HUGEINT ** 0 AS o, 170141183460469231731687303715884105727 AS n", None),
        ("SELECT 12345678901234567890.123456789 AS d", [{"d": "12345678901234567890.123456789"}]),
        ("SELECT 'inf'::DOUBLE AS f, 1e30 AS g", [{"f": "inf", "g": 1e30}]),
        ("SELECT DATE '0044-03-15 (BC)' AS d", [{"d": "0044-03-15 (BC)"}]),
        ("SELECT {'a': [1.5, NULL]} AS s", [{"s": {"a": [1.5, None]}}]),
        ("SELECT MAP {1: 'x'} AS m", [{"m": {"1": "x"}}]),
        ("SELECT l, x FROM kinds WHERE a = 7", [{"l": [7], "x": "x7"}]),
    ],
)
def test_rows_come_whole(make: Make, query: str, rows: list[dict[str, Any]] | None) -> None:
    """Whatever the type, nothing of a value is lost."""
    answer = make(PATIENT).run(query)
    if rows is not None:
        assert answer == rows
    assert len(answer) == 1


def test_every_type_of_the_engine_can_be_shown(make: Make) -> None:
    """The engine's own table of all types comes back, widest integers as text."""
    (low, high, none) = make(PATIENT).run("FROM test_all_types()")
    assert high["hugeint"] == str(2**127 - 1)
    assert low["uhugeint"] == 0
    assert set(none.values()) == {None}


@many
@pytest.mark.parametrize(
    "query",
    [
        "DELETE FROM kinds",
        "SELECT 1; SELECT 2",
        "COPY kinds TO '/tmp/out.csv'",
        "ATTACH '/tmp/other.duckdb'",
        "INSTALL httpfs",
        "LOAD httpfs",
        "SET memory_limit = '1GB'",
        "PRAGMA memory_limit = '1GB'",
        "CALL enable_logging()",
        "CHECKPOINT",
        "EXPLAIN ANALYZE DELETE FROM kinds",
        "WITH gone AS (DELETE FROM kinds RETURNING *) SELECT * FROM gone",
        "SELECT * FROM read_csv('/etc/hostname')",
        "SELECT * FROM '/etc/hostname'",
        "SELECT * FROM query",
        "SELECT FROM WHERE",
        "SELECT '\ud800'",
        "SELECT '\x00'",
        "(" * 200_000,
        "SELECT " + "(" * 100_000 + "1" + ")" * 100_000,
        "",
    ],
)
def test_only_a_select_runs(make: Make, warehouse: Warehouse, query: str) -> None:
    """Anything else is refused as wrong use, and nothing is written."""
    with pytest.raises(UsageError):
        make(PATIENT).run(query)
    assert warehouse._read("SELECT count(*) FROM kinds").item() == 1000


@pytest.mark.parametrize("how", ["IMPORT DATABASE '{}'", "PRAGMA import_database('{}')"])
def test_no_file_is_read_while_a_query_is_parsed(make: Make, tmp_path: Path, how: str) -> None:
    """An import is replaced by what its files say: whether there are any is not told."""
    (tmp_path / "there").mkdir()
    (tmp_path / "there" / "schema.sql").write_text("hidden words")
    told = []
    for name in ("there", "gone"):
        with pytest.raises(UsageError) as refused:
            make(PATIENT).run(how.format(tmp_path / name))
        told.append(str(refused.value).replace(f"{tmp_path}/{name}/", ""))
    assert told[0] == told[1]
    assert "hidden" not in told[0]


def test_what_does_not_fit_the_memory_is_spilled(make: Make, tmp_path: Path) -> None:
    """To a folder of its own, which goes with the query."""
    ordered = "SELECT hash(i) AS h, repeat('x', 200) || i AS t FROM range(600_000) r(i) ORDER BY h"
    query = f"SELECT count(t) AS n FROM (SELECT *, row_number() OVER () AS k FROM ({ordered}))"
    small = QueryLimits(seconds=60, memory=64 * 2**20)
    assert make(small).run(query) == [{"n": 600_000}]
    assert list((tmp_path / "spill").iterdir()) == []


def _words(kind: str, folder: Path) -> str:
    if kind in ("VARCHAR", "ANY"):
        return f"'{folder}/made.json'"
    return "1::" + kind if "INT" in kind else "NULL"


def _calls(folder: Path) -> list[str]:
    """Each table function, pragma and volatile scalar function, with arguments of its types."""
    listed = duckdb.sql(
        "SELECT DISTINCT function_name, function_type, parameter_types FROM duckdb_functions() "
        "WHERE function_type IN ('table', 'pragma') "
        "OR (function_type = 'scalar' AND stability = 'VOLATILE') ORDER BY ALL"
    ).fetchall()
    calls = {}
    for name, sort, kinds in listed:
        words = ", ".join(_words(kind, folder) for kind in kinds if kind)
        call = {"table": f"SELECT * FROM {name}({words})", "scalar": f"SELECT {name}({words})"}
        calls[name, sort, bool(words)] = call.get(
            sort, f"PRAGMA {name}({words})" if words else f"PRAGMA {name}"
        )
    return [*calls.values(), *_attacks(folder)]


def _attacks(folder: Path) -> list[str]:
    return [
        f"SELECT * FROM enable_logging('QueryLog', storage='file', storage_path='{folder}/log')",
        "SELECT * FROM enable_logging(storage='stdout')",
        f"SELECT * FROM enable_profiling(format='json', save_location='{folder}/p.json')",
        "SELECT * FROM checkpoint('desk')",
        "SELECT pg_sleep(240)",
        "SELECT repeat('x', 4000000000)",
        "SELECT list(i) FROM range(100000000000) r(i)",
        "SELECT a.* FROM kinds a, kinds b, kinds c, kinds d ORDER BY random()",
        "FROM query('SELECT * FROM enable_logging(storage=''stdout'')')",
    ]


@many
@pytest.mark.deep
def test_no_function_of_the_engine_harms_the_desk(
    make: Make, warehouse: Warehouse, tmp_path: Path
) -> None:
    """After each, in a quick run every eighth, the desk works as before; no file came to be."""
    queries = make(QueryLimits(seconds=2, memory=128 * 2**20))
    queries._turns = threading.BoundedSemaphore(4)
    settings = warehouse._read("FROM duckdb_settings()")

    def attempt(query: str) -> None:
        with suppress(OpenbellError):  # refused, failed or ended: in its own process
            queries.run(query, 10)

    target = tmp_path / "target"
    target.mkdir()
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(attempt, _calls(target)[:: depth.pick(8, 1)]))
    assert not list(target.iterdir())
    assert not list((tmp_path / "spill").glob("*"))
    assert warehouse._read("FROM duckdb_settings()").equals(settings)
    with warehouse.transaction() as tx:
        tx.execute("UPDATE kinds SET b = b WHERE a = 1")
    assert warehouse._read("SELECT count(*) FROM kinds").item() == 1000


def test_what_is_wrong_with_a_query_is_one_line(make: Make) -> None:
    """The engine writes several: an error, what it guesses, and where in the text."""
    with pytest.raises(UsageError, match="does not exist! Did you mean") as told:
        make(PATIENT).run("select * from watch_list")
    assert "\n" not in str(told.value)


def test_a_query_that_takes_too_long_is_ended(make: Make) -> None:
    """By its own process's end, within a second of its time; the setting is named."""
    started = time.monotonic()
    with pytest.raises(DeadlineError, match="OPENBELL_SQL_SECONDS"):
        make(QueryLimits(seconds=1)).run(SLOW)
    assert time.monotonic() - started < 5
    assert not _children()


@pytest.mark.parametrize("query", ["SELECT repeat('x', 2000000000)", "SELECT range(1000000000)"])
def test_a_query_that_takes_too_much_is_told_so(make: Make, query: str) -> None:
    """The desk's own memory stays as it is."""
    with pytest.raises(UsageError, match="OPENBELL_SQL_MEMORY"):
        make(QueryLimits(seconds=30, memory=128 * 2**20)).run(query)


def test_an_answer_ends_at_the_limit_of_rows(make: Make) -> None:
    """Whatever is asked for; a limit of the caller's holds below it."""
    queries = make(QueryLimits(seconds=60, rows=50))
    assert len(queries.run("FROM kinds", 10**9)) == 50
    assert len(queries.run("FROM kinds", 20)) == 20


@pytest.mark.parametrize("by", ["client", "desk"])
def test_a_query_ends_when_it_is_called_off(make: Make, by: str) -> None:
    """By its client or with the desk; afterwards nothing of it runs."""
    queries, client = make(QueryLimits(seconds=60)), CallOff()
    failures: list[OpenbellError] = []

    def ask() -> None:
        try:
            queries.run(SLOW, None, client)
        except OpenbellError as error:
            failures.append(error)

    thread = threading.Thread(target=ask)
    thread.start()
    deadline = time.monotonic() + 20
    while not _children() and time.monotonic() < deadline:
        time.sleep(0.01)
    client.call_off() if by == "client" else queries.close()
    thread.join(10)
    assert not thread.is_alive()
    assert isinstance(failures[0], StoreError)
    assert not _children()


def _children() -> list[psutil.Process]:
    return [child for child in psutil.Process().children(recursive=True) if _runs_a_query(child)]


def _runs_a_query(child: psutil.Process) -> bool:
    try:
        return any("query_process" in word for word in child.cmdline())
    except psutil.NoSuchProcess:
        return False
