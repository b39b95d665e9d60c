"""Streamlit sessions over the desks of a cluster, beside a desk's share of them on one desk.

Every session asks for its page, reads for some seconds, and asks again, over a socket of its own
from within its desk's namespace. All share the processors of one machine, so that what is compared
is what the cluster adds; what a reader costs sizes machines of their own. Each desk's sessions are
driven by a process of their own, so that none waits for what others' are sent. Pages are made
before they are measured, as they are minutes after a start.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from typing import Any

import psutil

from benchmarks.pages import contextful
from benchmarks.pages_pull import Crowd
from benchmarks.streamlit_session import Session
from tests.cluster_rig import Cluster, Member
from tests.namespaces import enter

PAGES = (
    ("", ""), ("gap_scan", ""), ("symbol", "symbol=AAA"), ("plans", "symbol=AAA"),
    ("risk", ""), ("datasets", ""), ("brief", ""), ("journal", ""),
)  # fmt: skip
MEGABYTE = 2**20
LIMIT = 2.0  # p95 of all sessions against that of one desk's share


@dataclass(frozen=True)
class Wanted:
    """How many sessions in all, how long each reads between reruns, how long it is measured."""

    sessions: int
    think_seconds: float
    seconds: float


@dataclass
class Stretch:
    """Reruns of all sessions of a stretch, in milliseconds, and what the processes took for it."""

    milliseconds: list[float]
    sessions: int
    seconds: float
    desk_cpu_seconds: float
    other_cpu_seconds: float  # of the engines
    megabytes: float  # of the desks, over what they had before their sessions came

    def document(self) -> dict[str, float]:
        """Quantiles of a rerun, and what one reader costs."""
        ordered = sorted(self.milliseconds)
        cpu = self.desk_cpu_seconds
        return {
            "sessions": self.sessions,
            "reruns": len(ordered),
            "p50_ms": round(ordered[len(ordered) // 2], 1),
            "p95_ms": round(ordered[int(len(ordered) * 0.95)], 1),
            "longest_ms": round(ordered[-1], 1),
            "cpu_ms_a_rerun": round(1000 * cpu / len(ordered), 1),
            "core_percent_a_reader": round(100 * cpu / self.seconds / self.sessions, 2),
            "engine_core_percent": round(100 * self.other_cpu_seconds / self.seconds, 1),
            "mb_a_reader": round(self.megabytes / self.sessions, 2),
        }


def compare(cluster: Cluster, wanted: Wanted) -> dict[str, Any]:
    """One desk's share on one desk, all over all desks, and the share once more.

    `p95_ratio` is that of all to the mean of the shares before and after; it should be LIMIT at
    most. A session that breaks off ends it.
    """
    share = wanted.sessions // len(cluster.desks)
    one = cluster.desks[:1]
    told: dict[str, Any] = {}
    for name, desks in (("one", one), ("all", cluster.desks), ("one again", one)):
        told[name] = _stretch(cluster, desks, share, wanted).document()
    alone = (told["one"]["p95_ms"] + told["one again"]["p95_ms"]) / 2
    told["p95_ratio"] = round(told["all"]["p95_ms"] / alone, 2)
    return told


def table(told: dict[str, Any]) -> str:
    """The figures as lines."""
    rows = {name: row for name, row in told.items() if isinstance(row, dict)}
    head = next(iter(rows.values()))
    lines = [f"{'':22}" + "".join(f"{name:>11}" for name in rows)]
    lines += [f"{key:22}" + "".join(f"{row[key]:>11}" for row in rows.values()) for key in head]
    lines.append(f"p95 of all sessions against one desk's share: {told['p95_ratio']}x of {LIMIT}x")
    return "\n".join(lines)


def _stretch(cluster: Cluster, desks: Sequence[Member], share: int, wanted: Wanted) -> Stretch:
    """`share` sessions at each of the desks, all at once."""
    before = sum(_megabytes(desk) for desk in desks)
    context = multiprocessing.get_context("spawn")
    gate = context.Barrier(len(desks) + 1)
    with ProcessPoolExecutor(len(desks), context, _given, (gate,)) as drivers:
        work = [
            drivers.submit(_within, (desk.namespace, desk.port), share, wanted) for desk in desks
        ]
        try:
            gate.wait()  # every session has its page
            began, desk_cpu, other_cpu = time.monotonic(), _cpu(desks), _cpu(cluster.engines)
            gate.wait()  # every session has been asked for long enough
            seconds = time.monotonic() - began
            desk_cpu, other_cpu = _cpu(desks) - desk_cpu, _cpu(cluster.engines) - other_cpu
            memory = sum(_megabytes(desk) for desk in desks) - before
            gate.wait()
        except threading.BrokenBarrierError:
            for each in work:
                each.result()  # what a desk's sessions broke off with
            raise
        found = [took for each in work for took in each.result()]
    return Stretch(found, share * len(desks), seconds, desk_cpu, other_cpu, memory)


_GATE: list[threading.Barrier] = []  # of a driving process


def _given(gate: threading.Barrier) -> None:
    """Let a driving process wait for the others."""
    _GATE[:] = [gate]


def _within(desk: tuple[str, int], share: int, wanted: Wanted) -> list[float]:
    """What the sessions at one desk waited for each rerun, in milliseconds."""
    namespace, port = desk
    enter(namespace)
    try:
        return asyncio.run(_crowd(port, share, wanted, _GATE[0]))
    except BaseException:
        _GATE[0].abort()
        raise


async def _crowd(port: int, share: int, wanted: Wanted, gate: threading.Barrier) -> list[float]:
    base = f"http://127.0.0.1:{port}"
    async with contextful([Session(base, *PAGES[n % len(PAGES)]) for n in range(share)]) as opened:
        crowd = Crowd(opened, wanted.think_seconds)
        crowding = asyncio.create_task(crowd.run())
        await asyncio.sleep(wanted.think_seconds * 3)  # each has asked twice, none in step
        await asyncio.to_thread(gate.wait)
        began = time.perf_counter()
        await asyncio.sleep(wanted.seconds)
        ended = time.perf_counter()
        await asyncio.to_thread(gate.wait)
        if crowding.done():
            crowding.result()  # what a session broke off with
        crowding.cancel()
        await asyncio.wait([crowding])
        await asyncio.to_thread(gate.wait)
    return [1000 * took for at, took in crowd.reruns if began <= at + took < ended]


def _cpu(members: Sequence[Member]) -> float:
    """Seconds of processors that their processes have taken so far."""
    times = [psutil.Process(member.pid).cpu_times() for member in members]
    return float(sum(each.user + each.system for each in times))


def _megabytes(desk: Member) -> float:
    return float(psutil.Process(desk.pid).memory_info().rss / MEGABYTE)
