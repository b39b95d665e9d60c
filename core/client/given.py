"""What a caller gives the client, judged before it is sent: what has no meaning is refused."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from numbers import Integral, Real
from typing import Any
from urllib.parse import quote

import httpx
import polars as pl

from core.errors import UsageError

Day = date | str


def way_in(url: str, token: str) -> tuple[str, dict[str, str]]:
    """Where the API of a desk stands, and the headers that a token makes.

    UsageError for what is no address or no token, as it stands in a file or a message.
    """
    url, token = str(url).strip().rstrip("/"), str(token).strip()
    if not url.startswith(("http://", "https://")):
        told = "the address of a desk begins with http:// or https://"
        raise UsageError(told, hint="as in https://desk.example")
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL as error:
        raise UsageError(f"the address of the desk is none: {error}") from None
    if not parsed.host or parsed.userinfo or parsed.query or parsed.fragment:
        told = "the address of a desk is a host, perhaps with a port and a path"
        raise UsageError(told, hint="as in https://desk.example; the token is given beside it")
    if not token or not token.isascii() or not token.isprintable():
        told = "the token is empty, or has letters that no token has"
        raise UsageError(told, hint="an admin of the desk makes one: token add NAME")
    return f"{url}/api/v1", {"Authorization": f"Bearer {token}"}


def seconds(value: float, what: str, *, least: float = 0.0) -> float:
    """A finite number of seconds above `least`, or that; UsageError for any other."""
    if isinstance(value, bool) or not isinstance(value, Real) or not least <= value < math.inf:
        raise UsageError(f"{what} is a number of seconds from {least:g} on, not {_shown(value)}")
    return float(value)


def count(value: int | None, what: str) -> int | None:
    """A whole number from 0 on, or None for all; UsageError for any other."""
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, Integral) or value < 0:
        told = f"{what} is a whole number from 0 on, not {_shown(value)}"
        raise UsageError(told, hint="leave it out for all")
    return int(value)


def piece(given: object) -> str:
    """A name as one piece of a path: what stands in it leads to no other; UsageError for none."""
    name = plain(given)
    if isinstance(name, bool) or not isinstance(name, str | int | float) or not str(name).strip():
        raise UsageError(f"a name is missing: {_shown(given)} is none")
    text = str(name)
    return quote(text, safe="") if text.strip(".") else quote(text).replace(".", "%2E")


def place(path: str) -> str:
    """The path of something of a desk; UsageError for one that leads elsewhere or says more."""
    if not path.startswith("/") or path.startswith("//") or "?" in path or "#" in path:
        told = f"a path begins with one / and has no ? and no #, not {_shown(path)}"
        raise UsageError(told, hint="filters are given by name: rows('/grades', form='10-K')")
    return path


def query_of(given: Mapping[str, Any]) -> dict[str, Any]:
    """Parameters that were given, as text; UsageError for one that would say nothing."""
    return {name: _asked(name, plain(value)) for name, value in given.items() if value is not None}


def filters_of(given: Mapping[str, Any]) -> dict[str, Any]:
    """What a list is filtered by; UsageError for the size of its pages, which is no filter."""
    if "limit" in given:
        raise UsageError("limit is the size of a page, which the client chooses", hint="most=N")
    return dict(given)


def body_of(given: Mapping[str, Any]) -> dict[str, Any]:
    """What was given to do something with, as JSON takes it."""
    return {name: plain(value) for name, value in given.items() if value is not None}


def plain(value: Any) -> Any:
    """Days, instants and exact amounts as text, also within; UsageError for what has no meaning.

    An instant needs a time zone, a number is finite.
    """
    if isinstance(value, Mapping):
        return {str(name): plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple | pl.Series):
        return [plain(item) for item in value]
    return None if value is None else _single(value.value if isinstance(value, Enum) else value)


def _single(value: Any) -> Any:
    if isinstance(value, str):
        return _written(value)
    if isinstance(value, Decimal | Real):
        return _number(value)
    if isinstance(value, datetime) and value.utcoffset() is None:
        raise UsageError(f"{value} names no instant", hint="give it a time zone, or a day")
    if isinstance(value, date):
        return value.isoformat()
    raise UsageError(f"{_shown(value)} is no value that a desk takes")


def _number(value: Any) -> Any:
    if isinstance(value, bool):
        return value
    if isinstance(value, Integral):
        return int(value)
    if not math.isfinite(value):
        raise UsageError(f"{value} is no number that a desk takes")
    return format(value, "f") if isinstance(value, Decimal) else float(value)


def _written(text: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise UsageError(f"{_shown(text)} holds half a letter") from None
    return str(text)


def _asked(name: str, value: Any) -> Any:
    """A value of a parameter: httpx leaves out an empty list, which would ask for everything."""
    items = value if isinstance(value, list) else [value]
    if not items or any(item is None or isinstance(item, dict | list) for item in items):
        raise UsageError(f"{name} is a value or a list of some, not {_shown(value)}")
    return value


def _shown(value: object) -> str:
    return ascii(value)[:60]
