"""What commands share: the option `--json`, `-` as a file, instants as people read them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer

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
