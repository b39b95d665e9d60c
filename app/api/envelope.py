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
    """An answer as bytes but for its instant: `as_of` in `meta` is None where that is now."""

    data: bytes
    meta: Mapping[str, Any]
    tag: str

    def whole(self, now: datetime) -> bytes:
        """The envelope as told at that instant (UTC)."""
        meta = {**self.meta, "as_of": self.meta["as_of"] or now}
        return b'{"success":true,"data":' + self.data + b',"meta":' + amounts(meta) + b"}"


def said(data: Any, meta: Mapping[str, Any]) -> Said:
    """An answer of these data; its tag stands for all of it but the instant."""
    body = amounts(data)
    rest = amounts({name: value for name, value in meta.items() if name != "as_of"})
    return Said(body, meta, f'W/"{xxhash.xxh3_128_hexdigest(body + rest)}"')


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
