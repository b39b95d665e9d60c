"""Data folders in which a desk was open before: made once by each process, then copied.

A first start makes some forty tables by thirty migrations; a copy spares a test two thirds of its
start. What a first start does is told by tests of its own.
"""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from datetime import UTC, date, datetime
from functools import lru_cache
from pathlib import Path

import pytest

from core import settings
from core.domain.access.principals import LOCAL
from core.service.desk import Desk
from core.service.filings import quality
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
    _put(_folder(None), folder)


def put_filled(folder: Path) -> None:
    """That of a desk with the two companies of `tests.filled`, as of today."""
    _put(_folder(datetime.now(UTC).date()), folder)


def put_graded(folder: Path) -> None:
    """The same, with the grades of their filings."""
    _put(_folder(datetime.now(UTC).date(), graded=True), folder)


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


@lru_cache(maxsize=8)
def _folder(filled_on: date | None, *, graded: bool = False) -> Path:
    """A closed desk's folder; the day is that of what fills it."""
    made = _place() / "desk"
    with pytest.MonkeyPatch.context() as patch:
        forget_settings(patch)
        with Desk.open(settings.load(data_dir=made)) as desk:
            if filled_on:
                fill(desk)
            if graded:
                with access.acting(LOCAL):
                    quality.grade_all(desk)
    return made


def _place() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="openbell-begun-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder
