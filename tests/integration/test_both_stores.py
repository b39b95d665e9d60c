"""A desk on a lake answers as one on a file does, byte for byte, to the same acts."""

from __future__ import annotations

import json
import random
import secrets
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import orjson
import pytest

from core.domain.access.principals import LOCAL
from core.errors import OpenbellError
from core.service.desk import Desk
from core.service.kernel import access
from core.service.kernel.commands import command
from core.service.kernel.exports import encode, export
from core.service.kernel.registry import UseCaseEntry
from core.settings import load
from tests import lakes
from tests.filled import fill

NOW = datetime(2026, 3, 3, 15, 30, tzinfo=UTC)
ACTS: list[tuple[str, dict[str, Any]]] = [
    ("grade", {"all": True}),
    ("journal_deposit", {"amount": "1000.00", "memo": "begin"}),
    ("scan", {}),
    ("plan", {"symbol": "AAA", "direction": "long", "approve_because": "it gaps"}),
    ("plan", {"symbol": "BBB", "direction": "short", "reject_because": "it does not"}),
]
READS: list[tuple[str, dict[str, Any]]] = [
    ("scan", {}),
    ("plans", {}),
    ("journal", {}),
    ("risk", {}),
    ("status", {}),
    ("grade", {"ticker": "AAA"}),
    ("journal_prove", {}),
    ("journal_trades", {}),
    ("events", {}),
    ("sql", {"query": "SELECT symbol, max(close) AS top FROM bars_daily GROUP BY ALL ORDER BY 1"}),
]
ARGUMENTS = {"symbol": "AAA", "ticker": "AAA", "cik": 1001, "name": "prices.daily"}


def _json(answer: Any) -> bytes:
    document = getattr(answer, "document", answer)
    return orjson.dumps(document, default=str, option=orjson.OPT_SORT_KEYS)


def _told(function: Callable[[], Any]) -> bytes:
    """An answer, or the error instead, as bytes."""
    try:
        found = function()
        return found if isinstance(found, bytes) else _json(found)
    except OpenbellError as error:
        return json.dumps([type(error).__name__, error.message, error.hint]).encode()


def _export(desk: Desk, entry: UseCaseEntry, kind: str) -> bytes:
    needed = {
        name: ARGUMENTS[name]
        for name, field in entry.arguments.model_fields.items()
        if field.is_required() and name in ARGUMENTS
    }
    return encode(export.run(desk, entry.name, needed), kind)


def _answers(desk: Desk) -> dict[str, bytes]:
    """What a desk says to the same acts and questions, and each of its exports."""
    said: dict[str, bytes] = {}
    with access.acting(LOCAL):
        for n, (name, arguments) in enumerate([*ACTS, *READS]):
            said[f"{n} {name}"] = _told(partial(command.run, desk, name, arguments))
        for name, entry in export.entries.items():
            for kind in ("csv", "parquet"):
                said[f"{name}.{kind}"] = _told(partial(_export, desk, entry, kind))
    return said


def _desk(folder: Path, patch: pytest.MonkeyPatch, **chosen: Any) -> dict[str, bytes]:
    """The answers of a new desk: its clock stands still, chance is the same for all."""
    settings = load(data_dir=folder, sql_seconds=120, **chosen)  # a machine may be busy
    with Desk.open(settings, now=lambda: NOW) as desk:
        chance = random.Random(7)
        patch.setattr(uuid, "uuid4", lambda: uuid.UUID(int=chance.getrandbits(128), version=4))
        patch.setattr(secrets, "token_hex", lambda n=32: chance.randbytes(n).hex())
        return _answers(fill(desk))


@pytest.mark.thorough
def test_a_lake_answers_as_a_file_does(tmp_path: Path) -> None:
    """Scan, grades, plans, journal, risk, and every export as CSV and Parquet."""
    with lakes.server() as server, pytest.MonkeyPatch.context() as patch:
        in_lake = _desk(tmp_path / "desk", patch, store_url=lakes.empty(server, tmp_path / "lake"))
        (tmp_path / "desk").rename(tmp_path / "first")
        in_file = _desk(tmp_path / "desk", patch)
    assert in_lake.keys() == in_file.keys()
    assert len(in_file) > 30
    differing = {name for name, said in in_file.items() if in_lake[name] != said}
    assert differing == set()
    assert {name for name, said in in_file.items() if said.startswith(b'["')} == set()
