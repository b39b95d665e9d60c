"""The command line explains itself: examples that parse, hints that work, times with a zone."""

from __future__ import annotations

import importlib
import pkgutil
import re
import shlex
from dataclasses import replace
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
import typer
from rich.console import Console

from app import command_help, commands, options
from app.command_line import register_all, register_for
from app.commands import data, scan
from core import __version__
from core.service.pulls import datasets
from tests.unit.service.brief.test_problems import FRESH

ROOT = Path(__file__).resolve().parents[3]
HINT = re.compile(r"python -m app ((?:[a-z]+[a-z-]* ?)+)")
CLI: Any = typer.main.get_command(register_all())


def leaf(words: list[str]) -> tuple[Any, list[str]]:
    """The command that the words name, and the words that are left for it."""
    at, rest = CLI, list(words)
    while rest and rest[0] in getattr(at, "commands", {}):
        at = at.commands[rest.pop(0)]
    return at, rest


def paths(at: Any, prefix: str = "") -> list[str]:
    """The names of all commands, with those of groups that do something by themselves."""
    found = []
    for name, inner in at.commands.items():
        path = f"{prefix} {name}".strip()
        if not hasattr(inner, "commands") or inner.invoke_without_command:
            found.append(path)
        if hasattr(inner, "commands"):
            found += paths(inner, path)
    return found


def test_every_command_has_an_example_and_a_place() -> None:
    """None is without an example, none stands outside the order of the day."""
    assert sorted(command_help.EXAMPLES) == sorted(paths(CLI))
    placed = [name for names in command_help.PANELS.values() for name in names]
    assert sorted(placed) == sorted(CLI.commands)


@pytest.mark.parametrize(("path", "example"), command_help.EXAMPLES.items())
def test_examples_are_command_lines_that_parse(path: str, example: str) -> None:
    """What the help shows is what the parser takes, and it is this command's."""
    words = shlex.split(example)
    assert words[: len(path.split())] == path.split()
    command, rest = leaf(words)
    assert command.make_context(path, rest).params is not None


@pytest.mark.parametrize("area", [m.name for m in pkgutil.iter_modules(commands.__path__)])
def test_an_area_has_the_commands_that_are_told_of_it(area: str) -> None:
    """A command is found by loading the one module that is said to have it."""
    alone = typer.Typer()
    importlib.import_module(f"app.commands.{area}").register(alone)
    alone.callback()(lambda: None)
    built: Any = typer.main.get_command(alone)
    assert sorted(built.commands) == sorted(command_help.AREAS[area])


@pytest.mark.parametrize("words", [[], ["--help"], ["no-such"], ["-h", "scan"]])
def test_words_that_begin_with_no_command_get_all_of_them(words: list[str]) -> None:
    """The help lists every command, and a misspelt one is told against all."""
    assert len(register_for(words).registered_commands) == len(register_all().registered_commands)


def test_hints_name_commands_that_exist() -> None:
    """Every `python -m app …` in the code and the documents leads to a command."""
    wrong = []
    folders = ("app", "core", "components", "pages", "docs")
    texts = [path for name in folders for path in (ROOT / name).rglob("*.??*")]
    for path in (*texts, ROOT / "README.md"):
        if path.suffix not in {".py", ".md"}:
            continue
        for match in HINT.finditer(path.read_text(encoding="utf-8")):
            command, rest = leaf(match[1].split())
            lost = command is CLI or (hasattr(command, "commands") and rest)
            wrong += [f"{path.relative_to(ROOT)}: {match[0]}"] if lost else []
    assert wrong == []


def test_every_option_says_what_it_is() -> None:
    """No option or argument is without its sentence, no command without its own."""
    silent = []
    for path in paths(CLI):
        command, _ = leaf(path.split())
        shown = [p for p in command.params if not getattr(p, "hidden", False)]
        silent += [f"{path} {p.name}" for p in shown if not getattr(p, "help", None)]
        silent += [] if command.help else [path]
    assert silent == []


def test_the_version_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    """--version prints it and does nothing else."""
    with pytest.raises(SystemExit) as left:
        CLI(["--version"], prog_name="python -m app")
    assert left.value.code == 0
    assert capsys.readouterr().out == f"openbell {__version__}\n"


def test_instants_are_printed_with_their_zone() -> None:
    """No clock time without the zone that it is of."""
    assert options.when("2026-11-27T14:05:00.123Z") == "2026-11-27 14:05:00 UTC"
    assert options.when("2026-11-27T09:05:00-05:00") == "2026-11-27 14:05:00 UTC"
    assert options.when(None, "never") == "never"


@pytest.mark.parametrize(
    ("kind", "required", "default", "words"),
    [
        ("str | None", False, None, "text"),
        ("datetime.date | None", False, None, "day"),
        ("datetime.datetime | None", False, None, "instant"),
        ("int", True, None, "whole number, needed"),
        ("float | None", False, 2.5, "number, default 2.5"),
        ("bool", False, False, "yes or no, default False"),
    ],
)
def test_what_a_filter_takes_is_told_in_words(
    kind: str, required: bool, default: object, words: str
) -> None:
    """Not in those of the language that the desk is written in."""
    given = {"name": "x", "type": kind, "required": required, "default": default}
    assert options.of_filter(given) == words


def test_a_dataset_that_is_disabled_is_told_so_as_on_its_page() -> None:
    """Nobody waits for its first pull."""
    out = StringIO()
    item: dict[str, Any] = dict.fromkeys(
        ("last_success", "next_due", "fault", "partial_reason", "data_until", "upstream")
    )
    item |= {"name": "x", "freshness": "never", "enabled": False, "rows": 0, "sessions_behind": 0}
    data._print_status({"datasets": [item], "problems": []}, Console(file=out, width=200))
    assert "disabled" in out.getvalue()


def test_what_a_pull_failed_of_is_told_in_its_first_words() -> None:
    """Where, the hint and the library's words are in the document."""
    whole = "x: cannot reach the SEC: ssl:default [Connect call failed]. Look at the host."
    seen = replace(FRESH, name="x", freshness="failing", last_error=whole, last_success=None)
    out = StringIO()
    document = {"datasets": [datasets.document(seen)], "problems": []}
    assert document["datasets"][0]["last_error"] == whole
    data._print_status(document, Console(file=out, width=200))
    assert out.getvalue().splitlines()[1].rstrip().endswith(" cannot reach the SEC")


def test_a_desk_that_runs_an_older_version_tells_its_errors_whole() -> None:
    """A command beside it that is newer prints what it gets."""
    seen = datasets.document(replace(FRESH, last_error="503. Wait.", last_success=None))
    out = StringIO()
    older = {key: value for key, value in seen.items() if key != "fault"}
    data._print_status({"datasets": [older], "problems": []}, Console(file=out, width=200))
    assert "503. Wait." in out.getvalue()


@pytest.mark.parametrize(
    ("until", "behind", "words"),
    [
        ("2026-11-27T00:00:00Z", 0, "2026-11-27"),
        ("2026-11-27T00:00:00+00:00", 2, "2026-11-27, 2 behind"),
        ("2026-12-01T00:59:00Z", 0, "2026-12-01 00:59:00 UTC"),
        (None, None, "—"),
    ],
)
def test_an_instant_that_data_reach_is_told_whole(
    until: str | None, behind: int | None, words: str
) -> None:
    """19:59 in New York is the day after in UTC: that day alone says more than there is."""
    assert data._up_to({"data_until": until, "sessions_behind": behind}) == words


@pytest.mark.parametrize(("provisional", "head"), [(True, "last"), (False, "open")])
def test_the_scan_names_the_price_that_it_tells(provisional: bool, head: str) -> None:
    """Before the open there is none: it is the last print's."""
    out = StringIO()
    row = {"symbol": "AAA", "gap_pct": 4.0, "open": 11.0, "gap_atr": 2.5, "rvol": None}
    row |= {"catalysts": [], "gap_type": None, "score": 1.0, "grade": None, "status": None}
    document = {"date": "2026-11-30", "provisional": provisional, "names": 1, "excluded": []}
    document["candidates"] = [row | {"left_out": []}]
    scan._print_scan(document, Console(file=out, width=200))
    heads, figures = out.getvalue().splitlines()[1:3]
    assert head in heads.split()
    assert "+2.50" in figures
