"""Empty lakes of the tests' own: a database each in one PostgreSQL, and a folder."""

from __future__ import annotations

import importlib.util
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests import postgres_server


@contextmanager
def server() -> Iterator[str]:
    """Address of a PostgreSQL for lakes; the test is skipped where there can be none."""
    if not postgres_server.programs() or not importlib.util.find_spec("duckdb_extension_ducklake"):
        pytest.skip(postgres_server.MISSING)
    with postgres_server.running() as address:
        yield address


def empty(address: str, folder: Path) -> str:
    """The URL of an empty lake, its tables in a folder."""
    catalogue = postgres_server.make(address, f"t{uuid.uuid4().hex}")
    return f"ducklake:{catalogue}?data={folder}"
