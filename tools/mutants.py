"""Do the tests notice? Plants small changes one at a time and runs the tests that cover the line.

`python -m tools.mutants [--count 300] [--seed 1]` works in a copy of the project and prints the
score with the survivors; `--json` prints one document. Which tests cover a line is measured first,
by coverage's contexts; `--map` keeps what was measured, or takes it from before. Changes of every
kind of `tools.mutations` are drawn in equal shares. A change that was judged to be none (the
program does the same) stands in docs/mutants.md and is not drawn.

`core/sandbox` is left out: its figures are invented.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from pathlib import Path
from queue import SimpleQueue
from typing import Any, Literal

from coverage import CoverageData

from tools.mutations import Mutation, mutations

ROOT = Path(__file__).resolve().parent.parent
ROOMS = ("core", "components")
LEFT_OUT = ("core/sandbox/",)
MEASURED = ("tests/unit", "tests/contract", "tests/property", "tests/integration")
ELSEWHERE = (  # what runs in other processes, or for minutes: no line is told by it alone
    "access_matrix", "approval_crash", "command_lines", "command_streams", "commands", "crash",
    "one_owner", "openapi", "planted_faults_are_found", "planting", "real_filings",
    "seeded_errors", "soak", "streamlit_names", "wheel", "workshop",
)  # fmt: skip
JUDGED = ROOT / "docs" / "mutants.md"
IN_PROCESSES = {  # modules that run in processes of their own, and the tests that start those
    "core/store/query_process.py": ("tests/unit/store/test_queries.py",),
    "core/store/query_values.py": ("tests/unit/store/test_queries.py",),
}
CAPTURES = "shared"  # real files beside the project: tests that want them run in the copies, too
MOST_TESTS = 40  # of those that cover a line
Fate = Literal["noticed", "too slow", "survived", "not covered"]
Lines = Mapping[int, Collection[str]]


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one change; `tests` is how many were run, `by` the first that failed."""

    mutation: Mutation
    fate: Fate
    tests: int = 0
    by: str = ""

    @property
    def noticed(self) -> bool:
        """Whether a test failed, or came to no end."""
        return self.fate in ("noticed", "too slow")


@dataclass(slots=True)
class Coverage:
    """Which tests run which lines of a file, and how many lines each test runs in all."""

    files: dict[str, dict[int, list[str]]] = field(default_factory=dict)
    reach: dict[str, int] = field(default_factory=dict)

    def tests_of(self, path: str, *places: int) -> list[str]:
        """The tests of the first of the lines that any runs: in turn those that are most about the
        file, and those that run least in all.

        For what runs at its import those of the file, for what no test runs in its own process
        those that start another for it.
        """
        lines = self.files.get(path, {})
        ran = next((lines[place] for place in places if lines.get(place)), ())
        if not ran and path in IN_PROCESSES:
            return list(IN_PROCESSES[path])
        here = Counter(test for tests in lines.values() for test in tests)
        near = sorted(ran or here, key=lambda test: (-here[test] / self.reach[test], test))
        narrow = sorted(ran, key=lambda test: (self.reach[test], test)) if ran else near
        both = (test for pair in zip(near, narrow, strict=True) for test in pair)
        return list(dict.fromkeys(both))[:MOST_TESTS]


def read_coverage(data_file: Path, root: Path) -> Coverage:
    """What coverage's contexts tell: `path::test|run` is one test."""
    data = CoverageData(str(data_file))
    data.read()
    known = Coverage()
    reach: dict[str, int] = defaultdict(int)
    for measured in data.measured_files():
        path = (
            Path(measured).relative_to(root).as_posix()
            if Path(measured).is_absolute()
            else measured
        )
        lines = _tests_by_line(data.contexts_by_lineno(measured))
        known.files[path] = lines
        for tests in lines.values():
            for test in tests:
                reach[test] += 1
    known.reach = dict(reach)
    return known


def _tests_by_line(contexts: Lines) -> dict[int, list[str]]:
    return {
        line: sorted({name.partition("|")[0] for name in names if "::" in name})
        for line, names in contexts.items()
    }


def measure(root: Path, data_file: Path, workers: int) -> None:
    """Run the tests once with contexts; RuntimeError when they fail on the code as it is."""
    command = [*_pytest(), "--cov", "--cov-context=test", "--cov-report=", *MEASURED]
    command += [f"--ignore=tests/integration/test_{name}.py" for name in ELSEWHERE]
    command += ["-n", str(workers)] if workers > 1 else []
    environment = {**os.environ, "COVERAGE_FILE": str(data_file)}
    done = subprocess.run(command, cwd=root, env=environment, check=False)  # noqa: S603
    if done.returncode:
        raise RuntimeError("the tests fail without any change: nothing can be told")


def _pytest() -> list[str]:
    return [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider"]


def all_mutations(root: Path, rooms: Sequence[str]) -> list[Mutation]:
    """Every change in the rooms' modules."""
    return [
        mutation
        for room in rooms
        for path in sorted((root / room).rglob("*.py"))
        if not (name := path.relative_to(root).as_posix()).startswith(LEFT_OUT)
        for mutation in mutations(path.read_text("utf-8"), name)
    ]


def draw(every: Sequence[Mutation], count: int, seed: int) -> list[Mutation]:
    """So many of them, of each kind alike as far as there are any; the same for a seed."""
    chance = random.Random(seed)  # noqa: S311 - a sample
    kinds: dict[str, list[Mutation]] = defaultdict(list)
    for mutation in every:
        kinds[mutation.kind].append(mutation)
    decks = [chance.sample(kinds[kind], len(kinds[kind])) for kind in sorted(kinds)]
    drawn: list[Mutation] = []
    while len(drawn) < count and any(decks):
        drawn += [deck.pop() for deck in decks if deck]
    return drawn[:count]


def judged(text: str) -> set[tuple[str, str, str]]:
    """Module, what stood there and what was planted, of the table of changes that are none."""
    rows = [line.strip().strip("|").split(" | ") for line in text.splitlines()]
    cells = [[cell.strip().strip("`") for cell in row] for row in rows]
    return {(row[0], row[1], row[2]) for row in cells if len(row) == 4 and ".py" in row[0]}


def try_one(root: Path, mutation: Mutation, tests: Sequence[str], seconds: float) -> Result:
    """Plant a change in a copy, run the tests, take it out again."""
    if not tests:
        return Result(mutation, "not covered")
    module = root / mutation.path
    source, was = module.read_text("utf-8"), module.stat()
    module.write_text(mutation.planted(source), "utf-8")
    try:
        run = _run(root, tests, seconds)
    finally:
        module.write_text(source, "utf-8")
        os.utime(module, ns=(was.st_atime_ns, was.st_mtime_ns))  # its bytecode of before fits
    if run is None and _run(root, tests, seconds) is None:  # slow without the change, too
        run = (0, "")
    return _judge(mutation, tests, run)


def _run(root: Path, tests: Sequence[str], seconds: float) -> tuple[int, str] | None:
    """Exit code and output of the tests; None when they came to no end."""
    with subprocess.Popen(  # noqa: S603 - our own words
        [*_pytest(), *tests],
        cwd=root,
        env=_with_bytecode(root),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            output, _ = process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, 9)  # with what the tests have started
            process.communicate()
            return None
        return process.returncode, output


def _with_bytecode(root: Path) -> dict[str, str]:
    """The environment, with compiled modules kept beside the copy: a third of a short run."""
    kept = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    return kept | {"PYTHONPYCACHEPREFIX": str(root.parent / "bytecode")}


def _judge(mutation: Mutation, tests: Sequence[str], run: tuple[int, str] | None) -> Result:
    if run is None:
        return Result(mutation, "too slow", len(tests))
    code, output = run
    if code == 0:
        return Result(mutation, "survived", len(tests))
    failed = [line for line in output.splitlines() if line.startswith(("FAILED", "ERROR"))]
    return Result(mutation, "noticed", len(tests), (failed or ["not importable"])[0][:200])


def copies(root: Path, folder: Path, count: int) -> list[Path]:
    """Copies of what git tracks, each for one process at a time."""
    listed = subprocess.run(
        ["git", "ls-files", "-z"],  # noqa: S607 - the git of whoever runs this
        cwd=root,
        capture_output=True,
        text=True,
        check=True,
    )
    made = [folder / f"copy-{number}" / root.name for number in range(count)]
    for copy in made:
        for name in filter(None, listed.stdout.split("\0")):
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(root / name, copy / name)
        if (real := root.parent / CAPTURES).is_dir():
            (copy.parent / CAPTURES).symlink_to(real.resolve())
    return made


def try_all(
    drawn: Sequence[Mutation],
    places: Sequence[Path],
    tests_of: Callable[..., list[str]],
    seconds: float,
    tell: Callable[[Result], None],
) -> list[Result]:
    """All changes, as many at once as there are copies."""
    free: SimpleQueue[Path] = SimpleQueue()
    for place in places:
        free.put(place)

    def one(mutation: Mutation) -> Result:
        place = free.get()
        try:
            tests = tests_of(mutation.path, mutation.line, mutation.ran)
            result = try_one(place, mutation, tests, seconds)
        finally:
            free.put(place)
        tell(result)
        return result

    with ThreadPoolExecutor(len(places)) as threads:
        return list(threads.map(one, drawn))


def summary(results: Sequence[Result], seed: int) -> dict[str, Any]:
    """The score in all and by kind, and the survivors."""
    kinds: dict[str, list[Result]] = defaultdict(list)
    for result in results:
        kinds[result.mutation.kind].append(result)
    return {
        "seed": seed,
        **_share(results),
        "kinds": {kind: _share(found) for kind, found in sorted(kinds.items())},
        "survivors": [
            {"fate": result.fate, "tests": result.tests}
            | {
                k: v
                for k, v in asdict(result.mutation).items()
                if k not in ("start", "end", "text", "ran")
            }
            for result in results
            if not result.noticed
        ],
    }


def _share(results: Sequence[Result]) -> dict[str, float | int]:
    noticed = sum(result.noticed for result in results)
    percent = round(100 * noticed / len(results), 1) if results else 100.0
    return {"planted": len(results), "noticed": noticed, "percent": percent}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=300, help="how many changes")
    parser.add_argument("--seed", type=int, default=1, help="which of them")
    parser.add_argument("--seconds", type=float, default=180.0, help="for the tests of one change")
    parser.add_argument("--workers", type=int, default=2, help="processes that run tests")
    parser.add_argument("--rooms", nargs="+", default=ROOMS, help="packages or folders")
    parser.add_argument("--map", type=Path, help="file of what covers what, made when missing")
    parser.add_argument("--json", action="store_true", help="print one document")
    parser.add_argument("--least", type=float, default=0.0, help="percent below which to fail")
    return parser


def _told(result: Result) -> None:
    sys.stderr.write(f"{result.fate:11} {result.mutation}\n")


def main() -> int:
    """Measure, plant, tell; 1 when fewer were noticed than wanted."""
    chosen = _parser().parse_args()
    none = judged(JUDGED.read_text("utf-8")) if JUDGED.is_file() else set()
    with tempfile.TemporaryDirectory(prefix="openbell-mutants-") as made:
        places = copies(ROOT, Path(made), chosen.workers)
        data_file = (chosen.map or Path(made) / "coverage.map").resolve()
        if not data_file.is_file():
            measure(places[0], data_file, chosen.workers)
        known = read_coverage(data_file, places[0])
        every = [
            m for m in all_mutations(ROOT, chosen.rooms) if (m.path, m.was, m.became) not in none
        ]
        drawn = draw(every, chosen.count, chosen.seed)
        results = try_all(drawn, places, known.tests_of, chosen.seconds, _told)
    document = summary(results, chosen.seed)
    sys.stdout.write(json.dumps(document, indent=1) + "\n" if chosen.json else table(document))
    return int(document["percent"] < chosen.least)


def table(document: Mapping[str, Any]) -> str:
    """The summary for people."""
    kinds = [*document["kinds"].items(), ("all", document)]
    lines = [
        f"{name:10} {share['noticed']:4} of {share['planted']:4} noticed, {share['percent']} %"
        for name, share in kinds
    ]
    form = "{fate:11} {path}:{line} {kind}: {was} -> {became}"
    lines += [form.format(**row) for row in document["survivors"]]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    raise SystemExit(main())
