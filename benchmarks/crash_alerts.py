"""Kill the desk with SIGKILL while alerts go out to a real web and a real mail server on loopback.

    python -m benchmarks.crash_alerts --rounds 200 [--seed 7]     (part of make crash)

Each round starts the real engine in a process of its own over the same data folder, has it commit
some new events, and kills it at a moment: it starts, has committed, a server has just heard it, it
notes what it was answered, or at random. At the end it runs to completion. Every event must be an
alert at both places: missing is lost, under two ids (the key that a receiver drops repeats by) or
with two texts under one is doubled. How often the same came again under its id is told beside.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
if __name__ == "__main__":
    sys.path[0] = str(ROOT)

from benchmarks.crash_alerts_child import left, live  # noqa: E402
from benchmarks.crash_child import Marker, Phase  # noqa: E402
from core import atomic, settings  # noqa: E402
from core.service.desk import Desk  # noqa: E402
from tests.places import MailBox, WebHook, mail_box, web_hook  # noqa: E402

EACH = 2  # new events a life
MOMENTS = ("starting", "committed", "web", "mail", "noting", "random")
PATIENCE = 30.0
BREATH = 10  # before every tenth kill the desk comes to the end of what there is


@dataclass
class Report:
    """What came of all kills; `repeats`: told again under an id that was told before."""

    events: int = 0
    kills: int = 0
    moments: dict[str, int] = field(default_factory=dict)
    lost: int = 0
    doubled: int = 0
    repeats: int = 0
    unsettled: int = 0
    seconds: float = 0.0

    @property
    def clean(self) -> bool:
        """Whether every promise was kept."""
        return self.kills > 0 and not self.lost + self.doubled + self.unsettled


def run(folder: Path, rounds: int, seed: int) -> Report:
    """Kill `rounds` times, then let it finish, then count."""
    began, chance = time.perf_counter(), random.Random(seed)
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["benchmarks.crash_alerts_child"])
    folder.mkdir(parents=True, exist_ok=True)
    report, moments = Report(events=rounds * EACH), Counter[str]()
    with ExitStack() as stack:
        mail, web = stack.enter_context(mail_box()), stack.enter_context(web_hook())
        own = {
            "data_dir": str(folder / "desk"),
            "notify": mail.address,
            "notify_webhooks": web.setting,
            "alert_budget": 1000,
        }

        def begin(first: int, count: int) -> BaseProcess:
            life = context.Process(target=live, args=(str(folder), own, first, count))
            life.start()
            return life

        marker = Marker(folder / "marker")
        for number in range(rounds):
            if number % BREATH == BREATH - 1:  # or one job is put away as what ends its process
                life = begin(0, number * EACH)
                life.join(PATIENCE)
                life.kill()
                life.join()
            marker.set(Phase.STARTING)
            life = begin(number * EACH, EACH)
            moment = MOMENTS[number % len(MOMENTS)]
            _await(life, _signs(moment, marker, mail, web, chance))
            time.sleep(chance.uniform(0.0, 0.004))
            report.kills += _kill(life, moment, moments)
        life = begin(0, report.events)  # those of lives that were killed before they told theirs
        life.join(PATIENCE * 20)
        life.kill()
        life.join()
        _count(report, mail, web)
    with Desk.open(settings.load(**own)) as desk:
        report.unsettled = abs(left(desk))
    report.moments = dict(sorted(moments.items()))
    report.seconds = round(time.perf_counter() - began, 1)
    return report


def _signs(
    moment: str, marker: Marker, mail: MailBox, web: WebHook, chance: random.Random
) -> Callable[[], bool]:
    """Whether the moment has come."""
    if moment in ("starting", "random"):
        until = time.monotonic() + chance.uniform(0.0, 0.5 if moment == "starting" else 2.0)
        return lambda: time.monotonic() > until
    if moment in ("web", "mail"):
        heard: list[Any] = web.calls if moment == "web" else mail.letters
        wanted = len(heard) + chance.randint(1, EACH)
        return lambda: len(heard) >= wanted
    phase = Phase.COMMITTED if moment == "committed" else Phase.WRITING
    return lambda: marker.get() is phase


def _await(life: BaseProcess, has_come: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while life.is_alive() and not has_come() and time.monotonic() < deadline:
        time.sleep(0.0003)


def _kill(life: BaseProcess, moment: str, moments: Counter[str]) -> int:
    """SIGKILL; 0 when the desk had finished before."""
    killed = life.is_alive() and life.pid is not None
    if killed and life.pid is not None:
        os.kill(life.pid, signal.SIGKILL)
        moments[moment] += 1
    life.join()
    return int(killed)


def _count(report: Report, mail: MailBox, web: WebHook) -> None:
    of_web = ((key, body) for key, (_, body) in zip(web.ids, web.calls, strict=True))
    of_mail = (
        (key, str(letter["Subject"]).encode())
        for key, letter in zip(mail.ids, mail.letters, strict=True)
    )
    for told in (of_web, of_mail):
        count_place(report, told)


def count_place(report: Report, told: Iterable[tuple[str, bytes]]) -> None:
    """What one place was told, as ids and texts in the order they came."""
    every = list(told)
    ids, texts = {key for key, _ in every}, {text for _, text in every}
    report.lost += report.events - len(texts)
    report.doubled += 2 * len(set(every)) - len(ids) - len(texts)
    report.repeats += len(every) - len(ids)


def as_text(report: Report) -> str:
    """The report, one line a figure."""
    return "\n".join(f"{key:<12}{value}" for key, value in asdict(report).items())


def main() -> int:
    """Run, print, keep; 1 when anything was lost, doubled or left."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=200, help="kills")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--out", type=Path, default=ROOT / "benchmarks/results/crash_alerts.json")
    chosen = parser.parse_args()
    chosen.out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=chosen.out.parent) as name:
        report = run(Path(name), chosen.rounds, chosen.seed)
    print(as_text(report))
    print("clean" if report.clean else "NOT CLEAN")
    atomic.write(chosen.out, json.dumps(asdict(report), indent=1).encode())
    return 0 if report.clean else 1


if __name__ == "__main__":
    sys.exit(main())
