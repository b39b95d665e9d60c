"""What readers do at the desks of a cluster while it is broken: they decide, refresh and read.

Every answer is sorted: done, *read-only for n s*, told that it was done before its engine died, or
an error that a reader would see. What was acknowledged is remembered, to be looked for at the end.
"""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import httpx

from app import address as addresses
from tests.cluster_rig import Member
from tests.namespaces import enter

SYMBOLS = ("AAA", "BBB")
PATIENCE_SECONDS = 60.0


@dataclass
class Kept:
    """What came of all that was asked, over all desks."""

    answers: Counter[str] = field(default_factory=Counter)
    errors: Counter[str] = field(default_factory=Counter)
    memos: set[str] = field(default_factory=set)  # of deposits that were acknowledged
    plans: set[str] = field(default_factory=set)  # ids of plans approved and acknowledged
    read_seconds: list[float] = field(default_factory=list)
    acknowledged: list[float] = field(default_factory=list)  # when a write was, monotonic


class Reader:
    """Three people at one desk: one decides, one refreshes, one reads."""

    def __init__(self, desk: Member, symbol: str, datasets: list[str], kept: Kept, seed: int):
        self._desk, self._symbol, self._datasets, self._kept = desk, symbol, datasets, kept
        self._chance = random.Random(seed)
        self._stop = threading.Event()
        self._numbers = iter(range(10**9))
        self._threads = [
            threading.Thread(target=self._work, args=(does, pause), daemon=True)
            for does, pause in ((self._decide, 0.5), (self._refresh, 5.0), (self._read, 0.5))
        ]

    def start(self) -> None:
        """Begin."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Ask for nothing more; waits for the answers under way."""
        self._stop.set()
        for thread in self._threads:
            thread.join(PATIENCE_SECONDS)

    def _work(self, does: Callable[[httpx.Client], None], pause: float) -> None:
        enter(self._desk.namespace)
        found = addresses.read(self._desk.folder)
        assert found is not None
        headers = {"Authorization": f"Bearer {found.token}"}
        url = f"{found.url}/api/v1"
        with httpx.Client(base_url=url, headers=headers, timeout=PATIENCE_SECONDS) as client:
            while not self._stop.wait(pause * self._chance.uniform(0.5, 1.5)):
                does(client)

    def _decide(self, client: httpx.Client) -> None:
        memo = f"{self._desk.name}/{next(self._numbers)}"
        if self._ask(client, "journal_deposit", amount="1.00", memo=memo) is not None:
            self._kept.memos.add(memo)
        stop = f"{self._chance.randrange(200, 3000) / 100:.2f}"  # the same plan is decided on once
        approve = {"direction": "long", "stop_pct": stop, "risk_pct": "0.01"}
        approve["approve_because"] = memo
        done = self._ask(client, "plan", symbol=self._symbol, **approve)
        if done is None:
            return
        plan_id = done["stored"]["plan_id"]
        self._kept.plans.add(plan_id)
        self._ask(client, "plan_cancel", plan_id=plan_id, reason=memo)

    def _refresh(self, client: httpx.Client) -> None:
        self._ask(client, "refresh", datasets=[self._chance.choice(self._datasets)], now=True)

    def _read(self, client: httpx.Client) -> None:
        began = time.monotonic()
        self._ask(client, self._chance.choice(["plans", "status", "journal", "risk"]), reads=True)
        self._kept.read_seconds.append(time.monotonic() - began)

    def _ask(
        self, client: httpx.Client, command: str, *, reads: bool = False, **arguments: Any
    ) -> Any:
        """The document of a command; None where it was not done."""
        try:
            answer = client.post(f"/commands/{command}", json=arguments)
        except httpx.HTTPError as error:
            self._tell(command, "error", f"{type(error).__name__}: {error}")
            return None
        if answer.status_code == 200:
            self._tell(command, "read" if reads else "done")
            if not reads:
                self._kept.acknowledged.append(time.monotonic())
            return answer.json()["document"]
        message = str(answer.json()["error"]["message"])
        if "read-only for" in message:
            self._tell(command, "read-only")
        elif "its engine ended before it said so" in message:
            self._tell(command, "told done")
        elif "has been decided on already" in message:  # the same plan by chance
            self._tell(command, "same plan")
        else:
            self._tell(command, "error", message)
        return None

    def _tell(self, command: str, kind: str, message: str = "") -> None:
        self._kept.answers[kind] += 1
        if message:
            self._kept.errors[f"{command}: {message[:160]}"] += 1
