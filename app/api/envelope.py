"""The envelope of an answer of the API: data, what is said of them, and the tag of both."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

import orjson
import xxhash

from app.run import plain

JSON = "application/json"


@dataclass(frozen=True, slots=True)
class Said:
    """An answer as bytes, before and after its instant; `as_of` is None where that is now."""

    before: bytes
    after: bytes
    as_of: datetime | None
    tag: str

    def whole(self, now: datetime) -> bytes:
        """The envelope as told at that instant (UTC)."""
        return self.before + amounts(self.as_of or now) + self.after


def said(data: Any, meta: Mapping[str, Any]) -> Said:
    """An answer of these data and what is said of them; its tag is of all but the instant."""
    body = amounts(data)
    rest = amounts({name: value for name, value in meta.items() if name != "as_of"})
    tag = f'W/"{xxhash.xxh3_128_hexdigest(body + rest)}"'
    before = b'{"success":true,"data":' + body + b',"meta":{"as_of":'
    return Said(before, b"," + rest[1:] + b"}", meta["as_of"], tag)


def amounts(content: Any) -> bytes:
    """JSON in which money is a decimal string; instants end in Z."""
    return orjson.dumps(
        content,
        default=lambda v: format(v, "f") if isinstance(v, Decimal) else plain(v),
        option=orjson.OPT_UTC_Z | orjson.OPT_NON_STR_KEYS | orjson.OPT_SERIALIZE_NUMPY,
    )


def matches(kept: str, tag: str) -> bool:
    """Whether a tag is among those of an `If-None-Match` header."""
    tags = [item.strip().removeprefix("W/") for item in kept.split(",")]
    return "*" in tags or tag.removeprefix("W/") in tags
