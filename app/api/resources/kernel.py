"""Resources: what can be asked for by address, and the role, data and example of each.

    @listing("/companies", about="sec.companies", example={"cik": 1, …})
    def companies(desk: Desk, *, q: str | None = None) -> Rows: …

Arguments are validated by their annotations like those of commands. What stands in braces comes
from the path, the rest from the query, or from the body of what acts.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Literal, TypeVar

import polars as pl

from core.domain.access.principals import Role
from core.service.desk import Desk
from core.service.kernel.registry import Registry, UseCaseEntry

F = TypeVar("F", bound=Callable[..., Any])
Kind = Literal["list", "document", "act"]
Mark = Callable[[Desk], Hashable | None]  # never waits
resource = Registry("resource")
RESOURCES: dict[str, ApiResource] = {}  # by "METHOD /path"
_IN_PATH = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True, slots=True)
class Retirement:
    """A resource on its way out: since when it is deprecated, when it ends, what to use instead."""

    since: date
    ends: date
    instead: str


@dataclass(frozen=True, slots=True)
class ApiResource:
    """One method of one path. `about` is the dataset whose reach `data_until` tells."""

    method: str
    path: str
    kind: Kind
    entry: UseCaseEntry
    example: Any
    about: str | None = None
    status: int = 200
    body_example: Mapping[str, Any] = field(default_factory=dict)
    retired: Retirement | None = None
    pages: bool = False  # of a document: whether one of its lists comes in pages
    stored: bool = False  # whether the store alone decides what it says, within a minute
    mark: Mark | None = None  # stands for all else that decides; None of a desk: nothing does

    @property
    def name(self) -> str:
        """`METHOD /path`, as it is registered."""
        return self.entry.name

    @property
    def in_path(self) -> list[str]:
        """The arguments that stand in the path."""
        return _IN_PATH.findall(self.path)


@dataclass(frozen=True, slots=True)
class ResourceAnswer:
    """One thing; `frame` is what is given of it where a table is asked for.

    `location` is where what was made can be asked for; `as_of` the day it is told as of.
    """

    data: Any
    frame: pl.DataFrame | None = None
    location: str | None = None
    as_of: date | None = None
    next: Any = None  # what the cursor of the next page holds
    paged: str = ""  # the list in `data` that comes in pages; `frame` has the same rows


def listing(
    path: str,
    *,
    example: Any,
    about: str | None = None,
    retired: Retirement | None = None,
    stored: bool = False,
    mark: Mark | None = None,
) -> Callable[[F], F]:
    """Declare a list that viewers may read; the function gives Rows or PagedQuery."""
    more = {"about": about, "retired": retired, "stored": stored, "mark": mark}
    return _declare("GET", path, "list", Role.VIEWER, example, **more)


def document(
    path: str,
    *,
    example: Any,
    about: str | None = None,
    retired: Retirement | None = None,
    pages: bool = False,
    stored: bool = False,
    mark: Mark | None = None,
) -> Callable[[F], F]:
    """Declare one thing that viewers may read; the function gives a ResourceAnswer or its data."""
    more: dict[str, Any] = {"about": about, "retired": retired, "pages": pages}
    more |= {"stored": stored, "mark": mark}
    return _declare("GET", path, "document", Role.VIEWER, example, **more)


def act(
    method: str,
    path: str,
    *,
    needs: Role,
    example: Any,
    body: Mapping[str, Any] | None = None,
    status: int = 200,
) -> Callable[[F], F]:
    """Declare what changes something, the role it needs, and the status when it is done."""
    more = {"status": status, "body_example": body or {}}
    return _declare(method, path, "act", needs, example, **more)


def _declare(
    method: str, path: str, kind: Kind, needs: Role, example: Any, **more: Any
) -> Callable[[F], F]:
    name = f"{method} {path}"

    def declare(function: F) -> F:
        resource(name, needs=needs)(function)
        RESOURCES[name] = ApiResource(method, path, kind, resource.entries[name], example, **more)
        return function

    return declare
