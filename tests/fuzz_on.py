"""Fuzz every operation of the API piece by piece; what is done is kept, and a next run goes on.

`python -m tests.fuzz_on`. An operation whose description has changed since is asked anew, and so is
one that had a wrong answer. The cheapest pieces come first.

Half of an example's 8 to 15 ms of processor time goes into thinking it up, so a machine with more
cores does more by more processes: `--share 1/2 --kept a.json` beside `--share 2/2 --kept b.json`.
"""

from __future__ import annotations

import argparse
import gc
import hashlib
import json
import sys
import tempfile
import time
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from schemathesis.core.failures import FailureGroup

import core.service.everything  # noqa: F401 - registers what can be asked for
from core import atomic
from core.observe import logs
from tests import fuzzing

PIECE = 250  # examples between two marks: half a minute of the dearest operation
ROOT = Path(__file__).resolve().parent.parent
KEPT = ROOT / "build" / "fuzz.json"


@dataclass
class Fuzzed:
    """How far an operation has come: examples asked, CPU seconds spent, and what was wrong."""

    described: str
    examples: int = 0
    seconds: float = 0.0
    wrong: list[str] = field(default_factory=list)

    def due(self, examples: int) -> bool:
        """Whether there is something left to ask."""
        return not self.wrong and self.examples < examples

    def dearness(self) -> float:
        """CPU seconds of an example; nothing of what was never asked."""
        return self.seconds / self.examples if self.examples else 0.0


def known(path: Path, schema: Any) -> dict[str, Fuzzed]:
    """Every operation with what is kept of it, while it is described as it was."""
    kept = json.loads(path.read_text()) if path.is_file() else {}
    found = {}
    for name, (method, route) in fuzzing.operations().items():
        described = _digest(schema.raw_schema["paths"][route][method.lower()])
        before = Fuzzed(**kept[name]) if name in kept else None
        same = before is not None and before.described == described and not before.wrong
        found[name] = before if before is not None and same else Fuzzed(described)
    return found


def ask(client: Any, operation: Any, done: Fuzzed, examples: int) -> None:
    """The next piece of an operation; what has no arguments is through with it."""
    begun, size = time.process_time(), min(PIECE, examples - done.examples)
    try:
        fuzzing.fuzz(client, operation, size, chance=done.examples)
    # a group of failures is no Exception; whatever it is, it is told, and the others are asked
    except (Exception, FailureGroup) as failure:  # noqa: BLE001
        told = getattr(failure, "exceptions", None) or [failure]
        done.wrong += [f"{type(one).__name__}: {one}"[:2000] for one in told]
    done.seconds = round(done.seconds + time.process_time() - begun, 2)
    done.examples = done.examples + size if fuzzing.has_arguments(operation) else examples


def run(path: Path, examples: int, ends: float, only: Iterable[str] = ()) -> dict[str, Fuzzed]:
    """Ask until all is asked or the time (of `time.monotonic`) has come; marks are kept at once."""
    with (
        tempfile.TemporaryDirectory() as folder,
        fuzzing.served(Path(folder)) as token,
        fuzzing.connected(token) as client,
    ):
        schema = fuzzing.described()
        gc.freeze()  # a sixth of the time went into looking through what stays anyway
        gc.set_threshold(50_000, 20, 20)
        found, routes = known(path, schema), fuzzing.operations()
        chosen = [name for name in only or found if found[name].due(examples)]
        while chosen and time.monotonic() < ends:
            name = min(chosen, key=lambda name: found[name].dearness())
            method, route = routes[name]
            ask(client, schema[route][method], found[name], examples)
            told = {name: asdict(done) for name, done in found.items()}
            atomic.write(path, json.dumps(told, indent=1).encode())
            chosen = [name for name in chosen if found[name].due(examples)]
    return found


def share_of(text: str) -> list[str]:
    """The operations of a share such as `1/2`: the first of every two; ValueError for no share."""
    part, of = (int(number) for number in text.split("/"))
    if not 1 <= part <= of:
        raise ValueError(f"{text} is no share")
    return list(fuzzing.operations())[part - 1 :: of]


def shown(found: Mapping[str, Fuzzed], examples: int) -> str:
    """What was asked, in lines: the dearest last, then what was wrong, then the sums."""
    by_cost = sorted(found.items(), key=lambda item: item[1].seconds)
    lines = [f"{done.examples:6} {done.seconds:8.2f} s  {name}" for name, done in by_cost]
    lines += [f"WRONG {name}: {wrong}" for name, done in by_cost for wrong in done.wrong]
    whole = sum(done.examples >= examples for done in found.values())
    failed = sum(bool(done.wrong) for done in found.values())
    asked = sum(done.examples for done in found.values())
    sums = f"{whole} of {len(found)} operations at {examples}, {asked} examples, {failed} wrong"
    return "\n".join([*lines, sums])


def _digest(described: Any) -> str:
    return hashlib.sha256(json.dumps(described, sort_keys=True).encode()).hexdigest()[:16]


def main() -> int:
    """0 when every operation was asked and answered right, 3 when some are left, else 1."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--examples", type=int, default=2000)
    parser.add_argument("--minutes", type=float, default=24 * 60.0, help="stop after so many")
    parser.add_argument("--kept", type=Path, default=KEPT)
    parser.add_argument("--only", nargs="*", default=())
    parser.add_argument("--share", type=share_of, default=[], help="such as 1/2")
    given = parser.parse_args()
    logs.configure("console", "CRITICAL")  # refusals are what is looked for
    ends = time.monotonic() + 60 * given.minutes
    found = run(given.kept, given.examples, ends, given.only or given.share)
    sys.stdout.write(shown(found, given.examples) + "\n")
    if any(done.wrong for done in found.values()):
        return 1
    asked = given.only or given.share or found
    return 3 if any(found[name].due(given.examples) for name in asked) else 0


if __name__ == "__main__":
    raise SystemExit(main())
