"""Data folders in which a desk was open before: made once by each process, then copied.

A first start makes some forty tables by thirty migrations; a copy spares a test two thirds of its
start. What a first start does is told by tests of its own.
"""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from collections.abc import Callable
from datetime import UTC, date, datetime
from functools import lru_cache
from pathlib import Path

import pytest

from core import settings
from core.domain.access.principals import LOCAL
from core.service.desk import Desk
from core.service.filings.regrading import grade_all
from core.service.kernel import access
from core.store.presence import NOTE
from core.store.warehouse import Warehouse
from tests.filled import fill

OF_A_PLACE = shutil.ignore_patterns("*.lock", NOTE)  # what names the process and the folder


def put_store(path: Path) -> None:
    """An empty, migrated store."""
    shutil.copy2(_store(), path)


def put_empty(folder: Path) -> None:
    """The data folder of a desk that has pulled nothing yet."""
    put_prepared(_nothing, folder)


def put_filled(folder: Path) -> None:
    """That of a desk with the two companies of `tests.filled`, as of today."""
    put_prepared(fill, folder)


def put_graded(folder: Path) -> None:
    """The same, with the grades of their filings."""
    put_prepared(_grade, folder)


def put_prepared(prepare: Callable[[Desk], object], folder: Path) -> None:
    """That of a desk that `prepare` was called with: once a day in each process."""
    _put(_prepared(prepare, datetime.now(UTC).date()), folder)


def put_made(make: Callable[[Path], object], folder: Path) -> None:
    """What `make` puts into a folder, whatever ran there: called once a day in each process."""
    _put(_made(make, datetime.now(UTC).date()), folder)


def forget_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take the settings of this machine out of the environment."""
    for name in list(os.environ):
        if name.upper().startswith(settings.PREFIX):
            monkeypatch.delenv(name)


def _put(source: Path, folder: Path) -> None:
    shutil.copytree(source, folder, ignore=OF_A_PLACE)


@lru_cache(maxsize=1)
def _store() -> Path:
    made = _place() / "desk.duckdb"
    Warehouse.open(made).close()
    return made


@lru_cache(maxsize=16)
def _prepared(prepare: Callable[[Desk], object], _on: date) -> Path:
    made = _place() / "desk"
    with pytest.MonkeyPatch.context() as patch:
        forget_settings(patch)
        with Desk.open(settings.load(data_dir=made)) as desk:
            prepare(desk)
    return made


@lru_cache(maxsize=16)
def _made(make: Callable[[Path], object], _on: date) -> Path:
    made = _place() / "desk"
    with pytest.MonkeyPatch.context() as patch:
        forget_settings(patch)
        make(made)
    return made


def _nothing(_: Desk) -> None:
    """As the desk is after its first start."""


def _grade(desk: Desk) -> None:
    fill(desk)
    with access.acting(LOCAL):
        grade_all(desk)


def _place() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="openbell-begun-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder
