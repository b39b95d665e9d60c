"""The registry of looks: functions of the desk that are called every few seconds.

    @look("alerts", seconds=0.5)
    def tell(desk: Desk) -> None: …

Each is short when there is nothing to do, and may be stopped and begun anew at any time.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from core.domain.access.principals import ENGINE
from core.jobs.looker import TimedLook
from core.service.kernel import access
from core.service.kernel.port import DeskPort

DeskLook = Callable[[Any], None]


@dataclass(frozen=True, slots=True)
class RegisteredLook:
    """A function of the desk, and how many seconds lie between two calls."""

    function: DeskLook
    seconds: float


LOOKS: dict[str, RegisteredLook] = {}


def look(name: str, *, seconds: float) -> Callable[[DeskLook], DeskLook]:
    """Register a function that the engine calls every so many seconds, in a thread."""

    def register(function: DeskLook) -> DeskLook:
        LOOKS[name] = RegisteredLook(function, seconds)
        return function

    return register


def bound(desk: DeskPort) -> list[TimedLook]:
    """The looks as the engine wants them, for one desk."""
    return [
        TimedLook(name, partial(_as_engine, desk, entry.function), entry.seconds)
        for name, entry in LOOKS.items()
    ]


def _as_engine(desk: DeskPort, function: DeskLook) -> None:
    with access.acting(ENGINE):
        function(desk)
