"""The stand-in container of a soak, in a process of its own, and the catalogue for it."""

from __future__ import annotations

from collections import Counter
from multiprocessing.connection import Connection

ROWS = 1000
NEW_YORK = 'zone = "America/New_York"'
RULES = {
    "fast": f'{{ cycle = "daily", time = "09:15:00", {NEW_YORK} }}, '
    f'{{ cycle = "daily", time = "01:30:00", {NEW_YORK} }}, '
    f'{{ cycle = "daily", time = "02:30:00", {NEW_YORK} }}',
    "daily": f'{{ cycle = "daily", time = "06:00:00", {NEW_YORK} }}',
    "open": '{ cycle = "session", exchange = "XNYS", anchor = "open", offset_minutes = -10 }',
    "close": '{ cycle = "session", exchange = "XNYS", anchor = "close", offset_minutes = 15 }',
    "weekly": '{ cycle = "weekly", day = "Sunday", time = "18:00:00" }',
    "monthly": '{ cycle = "monthly", day = -1, time = "23:30:00" }',
}


class Moving:
    """Datasets of ROWS rows of which a few change with every pull."""

    def __init__(self) -> None:
        self._pulls = Counter[str]()

    def names(self) -> list[str]:
        return list(RULES)

    def rows(self, _: str) -> int:
        return ROWS

    def csv(self, name: str) -> bytes:
        self._pulls[name] += 1
        changed = self._pulls[name] // 2  # every other pull brings the bytes of the last one
        lines = [f"{n},{changed if n % 50 == changed % 50 else 0}.5" for n in range(ROWS)]
        return ("n,value\n" + "\n".join(lines) + "\n").encode()


def serve(pipe: Connection) -> None:
    """The container's process: waits for lists of faults, ends on None."""
    import asyncio

    from core.sandbox.foundry.fault_names import known
    from core.sandbox.foundry.server import FoundrySandbox

    async def run() -> None:
        async with FoundrySandbox(Moving(), keepalive_seconds=0.1) as sandbox:
            pipe.send(sandbox.url)
            while (faults := await asyncio.to_thread(pipe.recv)) is not None:
                sandbox.faults = known(faults)
                pipe.send("ok")

    asyncio.run(run())


def catalogue() -> str:
    return "\n".join(
        f'[datasets."soak.{name}"]\nsource = "foundry"\nname = "{name}"\ntable = "soak_{name}"\n'
        'key = ["n"]\nschema = { n = "int", value = "float" }\n'
        f'schedule = [ {rules} ]\nbuffer_minutes = 0\ncatch_up = "all"\n'
        for name, rules in RULES.items()
    )
