"""Health of the desk: what stops serving (readiness), and everything that wants a look.

A check is a function of the open desk that returns a `HealthVerdict`. Those registered with
`stops_serving` decide over readiness when they are *bad*; all of them stand in the report.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from core.observe import logs
from core.service.pulls import datasets

if TYPE_CHECKING:
    from core.service.desk import Desk

Status = Literal["ok", "warn", "bad"]
LEAST_FREE_BYTES = 64 * 1024**2
RANK: dict[Status, int] = {"ok": 0, "warn": 1, "bad": 2}
log = logs.get("health")


@dataclass(frozen=True, slots=True)
class HealthVerdict:
    """What a check found, in a sentence."""

    status: Status
    message: str


@dataclass(frozen=True, slots=True)
class HealthCheck:
    """One look at the desk."""

    name: str
    look: Callable[[Desk], HealthVerdict]
    stops_serving: bool


CHECKS: dict[str, HealthCheck] = {}


def check(
    name: str, *, stops_serving: bool = False
) -> Callable[[Callable[[Desk], HealthVerdict]], Callable[[Desk], HealthVerdict]]:
    """Register a look at the desk; it may raise, which counts as *bad*."""

    def register(look: Callable[[Desk], HealthVerdict]) -> Callable[[Desk], HealthVerdict]:
        CHECKS[name] = HealthCheck(name, look, stops_serving)
        return look

    return register


def good(message: str) -> HealthVerdict:
    """All is well."""
    return HealthVerdict("ok", message)


def warn(message: str) -> HealthVerdict:
    """Somebody should look at it; the desk goes on."""
    return HealthVerdict("warn", message)


def bad(message: str) -> HealthVerdict:
    """Something does not work."""
    return HealthVerdict("bad", message)


def readiness(desk: Desk | None, waiting: str = "") -> dict[str, dict[str, Any]]:
    """What stops the desk from serving, by check; empty when it is ready. None: it is not open.

    `waiting`: what it waits for then.
    """
    found = _looked(desk, waiting, only_serving=True)
    return {name: _document(verdict) for name, verdict in found.items() if verdict.status == "bad"}


def report(desk: Desk | None, waiting: str = "") -> dict[str, Any]:
    """Every check with status and sentence, the worst status, and the datasets' freshness.

    `ok` is false where anything is *bad*.
    """
    found = _looked(desk, waiting, only_serving=False)
    worst = max((verdict.status for verdict in found.values()), key=RANK.__getitem__)
    fresh = _freshness(desk) if desk and found["store"].status != "bad" else []
    return {
        "status": worst,
        "ok": worst != "bad",
        "checks": {name: _document(verdict) for name, verdict in found.items()},
        "pid": os.getpid(),
        "simulated": desk is not None and desk.settings.simulated,
        "datasets": fresh,
    }


def _looked(desk: Desk | None, waiting: str, *, only_serving: bool) -> dict[str, HealthVerdict]:
    if desk is None:
        return {"desk": bad(waiting or "the desk is not open")}
    chosen = [item for item in CHECKS.values() if item.stops_serving or not only_serving]
    return {item.name: _verdict(item, desk) for item in chosen}


def _verdict(item: HealthCheck, desk: Desk) -> HealthVerdict:
    try:
        return item.look(desk)
    except Exception as error:  # a check that breaks has found something
        log.exception("check failed", check=item.name)
        return bad(f"could not be looked at: {error or type(error).__name__}")


def _document(verdict: HealthVerdict) -> dict[str, Any]:
    ok = verdict.status != "bad"
    return {"status": verdict.status, "ok": ok, "message": verdict.message}


def _freshness(desk: Desk) -> list[dict[str, Any]]:
    return [
        {"name": item.name, "freshness": item.freshness, "rows": item.rows}
        for item in datasets.overview(desk)
    ]
