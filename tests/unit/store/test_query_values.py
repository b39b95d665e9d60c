"""How a query's columns are shown, type by type, in the process that shows them."""

from __future__ import annotations

from collections.abc import Iterator

import duckdb
import pytest

from core.store.query_values import shown


@pytest.fixture(scope="module")
def memory() -> Iterator[duckdb.DuckDBPyConnection]:
    """An engine without a file."""
    with duckdb.connect() as opened:
        opened.execute("SET TimeZone = 'UTC'")
        yield opened


@pytest.mark.parametrize(
    ("sql", "kind", "value"),
    [
        ("1::INTEGER", "INTEGER", 1),
        ("true", "BOOLEAN", True),
        ("'a'::VARCHAR", "VARCHAR", "a"),
        ("9007199254740993::BIGINT", "BIGINT", 9007199254740993),
        ("170141183460469231731687303715884105727::HUGEINT", "HUGEINT", str(2**127 - 1)),
        ("5::HUGEINT", "HUGEINT", 5),
        ("NULL::HUGEINT", "HUGEINT", None),
        ("1.5::DOUBLE", "DOUBLE", 1.5),
        ("'nan'::DOUBLE", "DOUBLE", "nan"),
        ("'-inf'::DOUBLE", "DOUBLE", "-inf"),
        ("1.50::DECIMAL(9, 2)", "DECIMAL(9,2)", 1.5),
        ("12345678901234567890.12::DECIMAL(38, 2)", "DECIMAL(38,2)", "12345678901234567890.12"),
        ("TIMESTAMPTZ '2026-03-10 13:30:00+00'", "VARCHAR", "2026-03-10T13:30:00Z"),
        ("TIMESTAMP '2026-03-10 13:30:00'", "VARCHAR", "2026-03-10T13:30:00"),
        ("TIMESTAMP 'infinity'", "VARCHAR", "infinity"),
        ("[1.25::DECIMAL(9, 2), NULL]", "DECIMAL(9,2)[]", [1.25, None]),
        ("NULL::INTEGER[]", "INTEGER[]", None),
        ("{'a': 1::INTEGER, 'b': 'x'}", 'STRUCT("a" INTEGER, "b" VARCHAR)', {"a": 1, "b": "x"}),
        ("MAP {'k': 2::INTEGER}", "MAP(VARCHAR, INTEGER)", {"k": 2}),
        ("MAP {7::INTEGER: 2::INTEGER}", "MAP(VARCHAR, INTEGER)", {"7": 2}),
        ("row(1, 'a')", "VARCHAR", "(1, a)"),
        ("INTERVAL 14 MONTH", "VARCHAR", "1 year 2 months"),
    ],
)
def test_a_type_is_shown_as(
    memory: duckdb.DuckDBPyConnection, sql: str, kind: str, value: object
) -> None:
    """What JSON can hold stays what it is; what it would round, lose or not know is a text."""
    said = shown(memory.sql(f"SELECT {sql} AS x").types[0])
    assert said.sql == kind
    ((cast,),) = memory.execute(f"SELECT ({sql})::{said.sql}").fetchall()
    assert said.value(cast) == value
