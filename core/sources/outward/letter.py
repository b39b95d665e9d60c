"""What is told outside, before it is dressed for a place."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class Letter:
    """One alert, digest or test. `letter_id` stays the same however often it is sent; `data` is
    the JSON of webhooks, `html` a document for places that show one.
    """

    letter_id: str
    kind: str
    severity: str
    at: datetime
    title: str
    text: str
    data: Mapping[str, Any] = field(default_factory=dict)
    html: str = ""


@dataclass(frozen=True, slots=True)
class Outlet:
    """A place outside by its name (`notify:ann`) and the function that brings a letter there.

    `send` waits for the other side and raises an OpenbellError when the letter was not taken.
    """

    name: str
    label: str
    send: Callable[[Letter], None]
