"""Answers of a desk, made small and the same from run to run, for examples that are kept."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson

LARGEST = 1_600  # bytes of one answer
LEVELS = ((2, 120, 40), (2, 90, 24), (1, 80, 16), (1, 60, 12), (1, 40, 8), (1, 30, 5))
SPENT = 0.1  # seconds, of all that takes some
MEASURED = {"bytes": 4096, "written": 4096, "pid": 1, "version": "1.0.0"}
_ID = re.compile(
    r"\b(?=[0-9a-f]*[0-9])(?=[0-9a-f]*[a-f])[0-9a-f]{8,}\b"  # no word, no number
    r"|\b[0-9a-f]{12,}\b"
    r"|(?<=\d{8}-)\d{8}\b"  # the end of a plan's
)
_DIGITS = 20  # of numbers that are digests
_SECRET = re.compile(r"obt_[\w-]{20,}")
_INSTANT = re.compile(r"\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")
_WORDS = (
    (re.compile(r"^\d+\.\d+\.\d+$"), "3.11.9"),
    (re.compile(r"\b(\d{4}\.\d+)\+[0-9a-f]{8}\b"), r"\1+00000000"),  # of the code as it is today
    (re.compile(r"(?<![\d.,])[\d.,]+ (ms|MB|seconds)\b"), r"1 \1"),
)


class Steady:
    """Takes what is of one run or one machine out of answers.

    `places`: folders and hosts as they are -> as they are told.
    """

    def __init__(self, places: dict[str, str], at: datetime) -> None:
        self.places = places
        self.at = f"{at:%Y-%m-%dT%H:%M:%SZ}"
        self.ids: dict[str, str] = {}

    def value(self, value: Any, key: str = "") -> Any:
        """The same value, of any run."""
        if isinstance(value, dict):
            return {self.text(k): self.value(v, k) for k, v in value.items()}
        if isinstance(value, list):
            return [self.value(item, key) for item in value]
        if key in MEASURED and value is not None:
            return MEASURED[key]
        if isinstance(value, float):
            return SPENT if key.endswith("seconds") else round(value, 6)
        return self.text(value) if isinstance(value, str) else value

    def text(self, text: str) -> str:
        """The same text, of any run."""
        for place, name in self.places.items():
            text = text.replace(place, name)
        text = _SECRET.sub("obt_…", text)
        text = _INSTANT.sub(lambda found: self._instant(found.group()), text)
        for pattern, word in _WORDS:
            text = pattern.sub(word, text)
        return text

    def named(self, value: Any) -> Any:
        """The value with ids that are the same in each run: numbers in the order they come in."""
        if isinstance(value, dict):
            return {self.named(key): self.named(item) for key, item in value.items()}
        if isinstance(value, list):
            return [self.named(item) for item in value]
        if isinstance(value, str):
            return _ID.sub(lambda found: self._id(found.group()), value)
        return value

    def _id(self, found: str) -> str:
        """One that is as long: the first of them is 1, and so on."""
        if set(found) == {"0"}:
            return found
        length = _DIGITS if found.isdigit() and _DIGITS - 4 < len(found) <= _DIGITS else len(found)
        return self.ids.setdefault(found, f"{len(self.ids) + 1:0{length}x}")

    def _instant(self, found: str) -> str:
        """Of this machine's clock, which no desk on a fixed one should tell: that of the desk."""
        told = datetime.fromisoformat(found)
        return self.at if abs(datetime.now(UTC) - told) < timedelta(hours=1) else found


def small(value: Any) -> Any:
    """The value with fewer rows, words and keys, until it is small enough."""
    for rows, letters, keys in LEVELS:
        cut = _cut(value, rows, letters, keys)
        if len(orjson.dumps(cut)) <= LARGEST:
            break
    return cut


def lines(text: str, most: int) -> str:
    """The first lines of a text, as many as fit; at least one."""
    kept = list(_first(text.splitlines(keepends=True), most))
    return "".join(kept).replace("\r\n", "\n")


def _first(rows: list[str], most: int) -> Iterator[str]:
    room = LARGEST
    for place, row in enumerate(rows[:most]):
        room -= len(row)
        if room < 0 and place:
            return
        yield row


def _cut(value: Any, rows: int, letters: int, keys: int) -> Any:
    if isinstance(value, dict):
        nested = len(value) > 4 and all(isinstance(item, dict) for item in value.values())
        kept = list(value.items())[: rows if nested else keys]
        return {key: _cut(item, rows, letters, keys) for key, item in kept}
    if isinstance(value, list):
        return [_cut(item, rows, letters, keys) for item in value[:rows]]
    if isinstance(value, str) and len(value) > letters:
        return f"{value[: letters - 1]}…"
    return value
