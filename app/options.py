"""What commands share: the option `--json`, `-` as a file, instants as people read them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any

import typer

KINDS = {
    "str": "text", "int": "whole number", "float": "number", "bool": "yes or no", "date": "day",
    "datetime": "instant",
}  # fmt: skip

STREAM = "-"  # as a file: stdin or stdout
Json = Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")]


def when(instant: str | None, otherwise: str = "—") -> str:
    """An ISO instant as `2026-11-27 14:05:00 UTC`; `otherwise` where there is none."""
    if not instant:
        return otherwise
    moment = datetime.fromisoformat(instant)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def of_filter(given: Mapping[str, Any]) -> str:
    """What a filter of an export takes, in words; the engine says `datetime.date | None`."""
    kind = str(given["type"]).removesuffix(" | None").rpartition(".")[2]
    words = [KINDS.get(kind, kind)]
    if given["required"]:
        words.append("needed")
    elif given["default"] is not None:
        words.append(f"default {given['default']}")
    return ", ".join(words)
