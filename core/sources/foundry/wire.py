"""The frames of the Foundry container, read without trust: text in, typed frame out. Pure.

A server frame is a JSON object with `type`, `success`, `message` and sometimes `datasets`: a list
of names in the first `update`, a sha256 in a good `final`, an error sentence in a bad one.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal, cast

import orjson

from core.errors import NotFoundError, OpenbellError, ProtocolError, QueryFailedError, UsageError

Kind = Literal["update", "neutral", "keepalive", "error", "final", "unknown"]
KINDS = frozenset({"update", "neutral", "keepalive", "error", "final"})
MAX_FRAME_BYTES = 1024 * 1024
MAX_MESSAGE_CHARS = 500

_SHA256 = re.compile(r"[0-9a-f]{64}")
_NAMED = re.compile(
    r"(?:\b[Ss][Hh][Aa]-?256\W{1,3}([0-9a-f]{64})\b|(?<!\w)([0-9a-f]{64})\.(?:csv|zip)\b)"
)
_ABSENT = re.compile(r"not found|not be found|no such file|not exist|missing", re.IGNORECASE)
_UNKNOWN = re.compile(r"\b(?:no|not a) known\b|\bunknown (?:data|name)|\bknows no\b", re.IGNORECASE)
GONE_HINT = "press Refresh now (pull --now) to have the container pull it anew"
_QUERYING = re.compile(r"^\s*(?:Downloading|Querying)\b", re.IGNORECASE)
_FOUND = re.compile(r"^\s*Found\s+\d+\s+version", re.IGNORECASE)
_ANNOUNCED = re.compile(r"(?:Found|Downloading all)\s+([\d][\d,_ ]*)\s*rows", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame; `datasets` is kept only where it is a string, `raw` is all of it as it came."""

    kind: Kind
    success: bool
    message: str
    datasets: str | None = None
    raw: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)


@dataclass(slots=True)
class Heard:
    """What the container has said so far; some of it stays known when the exchange breaks off.

    Of all exchanges: `announced_rows`, and `querying` that it was heard asking Foundry. Of this
    one: `accepted` that it took the request, `found` that it has a version and asks for none,
    `failure` what it said went wrong.
    """

    announced_rows: int | None = None
    accepted: bool = False
    found: bool = False
    querying: bool = False
    failure: str = ""

    @property
    def reason(self) -> str:
        """What it said went wrong, to be added to a sentence."""
        return f" (it said: {self.failure})" if self.failure else ""

    def begin(self) -> None:
        """A new exchange."""
        self.accepted, self.found, self.failure = False, False, ""

    def note(self, frame: Frame) -> None:
        """Keeps what a frame tells."""
        self.failure = failure(frame, querying=self.querying) or self.failure
        if frame.kind != "update" or not frame.success:
            return
        self.accepted = True
        rows = announced_rows(frame.message)
        self.announced_rows = self.announced_rows if rows is None else rows
        asks = is_querying(frame.message)
        self.querying = self.querying or asks
        self.found = not asks and (self.found or _FOUND.match(frame.message) is not None)


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
    """The frame in a text message; ProtocolError when it is none.

    A type that nobody knows makes a frame of kind `unknown`, whose message names the type.
    """
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
    if not isinstance(kind, str):
        raise ProtocolError(f"{dataset}: a frame of type {_short(kind, 40)!r}", where=where)
    if kind not in KINDS:
        told = f"passed over a frame of unknown type {_short(kind, 40)!r}: "
        return Frame("unknown", False, told + _short(body.get("message"), 200), raw=body)
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
        raw=body,
    )


def _short(value: Any, size: int) -> str:
    text = value if isinstance(value, str) else "" if value is None else repr(value)[:size]
    return "".join(char if char.isprintable() else " " for char in text[:size]).strip()


def is_pointer(text: object) -> bool:
    """Whether this is a sha256 in lower-case hex: the only form of success."""
    return isinstance(text, str) and _SHA256.fullmatch(text) is not None


def pointer(frame: Frame, *, where: str, dataset: str, heard: Heard | None = None) -> str:
    """The sha256 in a `final` or `error` frame; the typed error where it holds none.

    A sentence that says of a known version's file that it is gone holds that version's sha256.
    What was heard before tells whether a sentence is of a name, of a version or of a query.
    """
    if frame.kind == "final" and frame.datasets is not None:
        if is_pointer(frame.datasets):
            return frame.datasets
        gone = _gone(frame.datasets)
        if gone:
            return gone
    raise _refusal(frame, where, dataset, heard or Heard())


def _gone(sentence: str) -> str | None:
    """The one sha256 that a sentence about something absent names."""
    if not _ABSENT.search(sentence):
        return None
    named = {label or file for label, file in _NAMED.findall(sentence)}
    return named.pop() if len(named) == 1 else None


def _refusal(frame: Frame, where: str, dataset: str, heard: Heard) -> OpenbellError:
    said = _short(frame.datasets, 300) or frame.message or "nothing"
    if frame.kind == "error" and (not heard.accepted or _UNKNOWN.search(said)):
        return NotFoundError(
            f"{dataset}: the container knows no such dataset ({said})",
            where=where,
            hint="check `name` of the dataset in the catalogue",
        )
    if "no rows" in frame.message.lower():
        return NotFoundError(f"{dataset}: the dataset has no rows ({said})", where=where)
    pointing = frame.kind == "final" and frame.datasets is not None
    if pointing and " " not in (frame.datasets or "").strip():
        return ProtocolError(f"{dataset}: {said!r} is not a sha256; refused", where=where)
    if heard.found:  # of the version that it has, not of a query
        return NotFoundError(
            f"{dataset}: the container has a version and does not hand it out: {said}",
            where=where,
            hint=GONE_HINT,
        )
    return QueryFailedError(f"{dataset}: the container's pull failed: {said}", where=where)


def failure(frame: Frame, *, querying: bool = False) -> str | None:
    """What a frame says of a failure on the way: an `update` without success.

    Of a `neutral` and of a type that nobody knows only while Foundry is asked: before, the first
    says that there is no version yet.
    """
    on_the_way = frame.kind == "update" or (querying and frame.kind in ("neutral", "unknown"))
    told = on_the_way and frame.raw.get("success", frame.kind != "update") is not True
    return frame.message if told and frame.message else None


def is_querying(message: str) -> bool:
    """Whether the container says that it asks Foundry: what comes will be a version of now."""
    return announced_rows(message) is not None or _QUERYING.match(message) is not None


def announced_rows(message: str) -> int | None:
    """R of "Found R rows" or "Downloading all R rows"."""
    match = _ANNOUNCED.search(message)
    digits = re.sub(r"\D", "", match[1]) if match else ""
    return int(digits) if digits and len(digits) < 16 else None
