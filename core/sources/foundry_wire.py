"""The frames of the Foundry container, read without trust: text in, typed frame out. Pure.

A server frame is a JSON object with `type`, `success`, `message` and sometimes `datasets`: a list
of names in the first `update`, a sha256 in a good `final`, an error sentence in a bad one.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal, cast

import orjson

from core.errors import NotFoundError, ProtocolError, ServerError, UsageError

Kind = Literal["update", "neutral", "keepalive", "error", "final"]
KINDS = frozenset({"update", "neutral", "keepalive", "error", "final"})
MAX_FRAME_BYTES = 1024 * 1024
MAX_MESSAGE_CHARS = 500

_SHA256 = re.compile(r"[0-9a-f]{64}")
_ANNOUNCED = re.compile(r"(?:Found|Downloading all)\s+([\d][\d,_ ]*)\s*rows", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame; `datasets` is kept only where it is a string."""

    kind: Kind
    success: bool
    message: str
    datasets: str | None = None


def request(name: str, start: datetime, end: datetime) -> str:
    """The one client frame. Offsets would be dropped by the container, so UTC goes without one."""
    body = {"names": [name], "from_dt": wire_instant(start), "to_dt": wire_instant(end)}
    return orjson.dumps(body).decode()


def wire_instant(at: datetime) -> str:
    """An aware instant as the container reads it; UsageError for a naive one."""
    if at.tzinfo is None:
        raise UsageError("a window needs instants with a time zone", hint="use UTC")
    return at.astimezone(UTC).replace(tzinfo=None).isoformat()


def parse(text: str, *, where: str, dataset: str) -> Frame:
    """The frame in a text message; ProtocolError when it is none."""
    try:
        body = orjson.loads(text)
    except orjson.JSONDecodeError:
        raise ProtocolError(f"{dataset}: a frame is not JSON", where=where) from None
    if not isinstance(body, dict):
        raise ProtocolError(
            f"{dataset}: a frame is {type(body).__name__}, not an object", where=where
        )
    return _frame(body, where, dataset)


def _frame(body: Mapping[str, Any], where: str, dataset: str) -> Frame:
    kind = body.get("type")
    if not isinstance(kind, str) or kind not in KINDS:
        raise ProtocolError(f"{dataset}: unknown frame type {_short(kind, 40)!r}", where=where)
    datasets = body.get("datasets")
    if kind == "final" and datasets is not None and not isinstance(datasets, str):
        raise ProtocolError(
            f"{dataset}: the pointer is {type(datasets).__name__}, not a sha256", where=where
        )
    return Frame(
        kind=cast(Kind, kind),
        success=body.get("success") is True,
        message=_short(body.get("message"), MAX_MESSAGE_CHARS),
        datasets=datasets if isinstance(datasets, str) else None,
    )


def _short(value: Any, size: int) -> str:
    text = value if isinstance(value, str) else "" if value is None else repr(value)[:size]
    return "".join(char if char.isprintable() else " " for char in text[:size]).strip()


def is_pointer(text: object) -> bool:
    """Whether this is a sha256 in lower-case hex: the only form of success."""
    return isinstance(text, str) and _SHA256.fullmatch(text) is not None


def pointer(frame: Frame, *, where: str, dataset: str) -> str:
    """The sha256 in a `final` or `error` frame; the typed error where it holds none."""
    if frame.kind == "final" and frame.datasets is not None and is_pointer(frame.datasets):
        return frame.datasets
    said = _short(frame.datasets, 300) or frame.message or "nothing"
    if frame.kind == "error":
        raise NotFoundError(
            f"{dataset}: the container knows no such dataset ({said})",
            where=where,
            hint="check `name` of the dataset in the catalogue",
        )
    if "no rows" in frame.message.lower():
        raise NotFoundError(f"{dataset}: the dataset has no rows ({said})", where=where)
    if frame.datasets is not None and " " not in frame.datasets.strip():
        raise ProtocolError(f"{dataset}: {said!r} is not a sha256; refused", where=where)
    raise ServerError(f"{dataset}: the container's pull failed: {said}", where=where)


def announced_rows(message: str) -> int | None:
    """R of "Found R rows" or "Downloading all R rows"."""
    match = _ANNOUNCED.search(message)
    digits = re.sub(r"\D", "", match[1]) if match else ""
    return int(digits) if digits and len(digits) < 16 else None
