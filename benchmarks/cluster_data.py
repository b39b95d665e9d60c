"""The datasets of a broken cluster: a stand-in container, and a catalogue with many windows."""

from __future__ import annotations

import multiprocessing
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from multiprocessing.connection import Connection

EVERY_SECONDS = 30  # a window of each dataset
ROWS = 200
NAMES = ("load.even", "load.odd")
PRICES = """
[datasets."prices.daily"]
source = "foundry"
name = "prices"
table = "bars_daily"
key = ["symbol", "session"]
columns = { Name = "symbol", date = "session" }
enabled = false
[datasets."prices.daily".schema]
symbol = "str"
session = "date"
open = "float?"
high = "float?"
low = "float?"
close = "float?"
volume = "float?"

"""


class Moving:
    """Datasets of which a few rows change with every pull."""

    def __init__(self) -> None:
        self._pulls = Counter[str]()

    def names(self) -> tuple[str, ...]:
        return tuple(name.partition(".")[2] for name in NAMES)

    def rows(self, _: str) -> int:
        return ROWS

    def csv(self, name: str) -> list[bytes]:
        self._pulls[name] += 1
        pulls = self._pulls[name]
        lines = [f"{n},{pulls if n % 50 == pulls % 50 else 0}.5" for n in range(ROWS)]
        return [("n,value\n" + "\n".join(lines) + "\n").encode()]


def serve(pipe: Connection, host: str) -> None:
    """The container's process; ends when anything is said."""
    import asyncio

    from core.sandbox.foundry.server import FoundrySandbox

    async def run() -> None:
        sandbox = FoundrySandbox(Moving(), keepalive_seconds=0.5)
        pipe.send(await sandbox.start(host))
        await asyncio.to_thread(pipe.recv)
        await sandbox.stop()

    asyncio.run(run())


def catalogue(begin: datetime, hours: float) -> str:
    """Two datasets with a window every EVERY_SECONDS, from `begin` on."""

    def rules(offset: int) -> str:
        steps = range(offset, int(hours * 3600), EVERY_SECONDS)
        times = sorted({(begin + timedelta(seconds=n)).strftime("%H:%M:%S") for n in steps})
        return ", ".join(f'{{ cycle = "daily", time = "{at}" }}' for at in times)

    return PRICES + "\n".join(
        f'[datasets."{name}"]\nsource = "foundry"\nname = "{name.partition(".")[2]}"\n'
        f'table = "{name.replace(".", "_")}"\nkey = ["n"]\n'
        'schema = { n = "int", value = "float" }\n'
        f'schedule = [ {rules(n * EVERY_SECONDS // 2)} ]\nbuffer_minutes = 0\ncatch_up = "all"\n'
        "options = { jitter_seconds = 0 }\n"
        for n, name in enumerate(NAMES)
    )


@contextmanager
def container(host: str) -> Iterator[str]:
    """Address of a stand-in container."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=serve, args=(theirs, host), daemon=True)
    process.start()
    try:
        yield ours.recv()
    finally:
        ours.send(None)
        process.join(5)
