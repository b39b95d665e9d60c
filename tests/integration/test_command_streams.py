"""Commands in a pipe: `-` for stdin and stdout, dry runs, lists, terminals that know little."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest

from tests import command_server
from tests.integration.test_commands import ROOT, environment, run
from tests.upstreams import Running

BARS = (
    "symbol,session,open,high,low,close,volume\n"
    "AAA,2026-11-20,10,11,9,10.5,1000\nBBB,2026-11-20,20,21,19,20.5,2000\n"
)
COUNT = "SELECT count(*) AS n FROM bars_daily"


@pytest.fixture(scope="module")
def env(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """A desk with no bars yet."""
    with Running() as upstreams:
        yield environment(tmp_path_factory.mktemp("desk"), upstreams)


def piped(
    env: dict[str, str], *words: str, given: bytes = b""
) -> subprocess.CompletedProcess[bytes]:
    """Run one command with something on stdin, bytes out."""
    done = command_server.run(words, env, given)
    assert done.returncode == 0, done.stderr
    return done


def begun(env: dict[str, str], *words: str) -> subprocess.CompletedProcess[bytes]:
    """Run one command by an interpreter of its own, which reads the environment, too."""
    return subprocess.run(
        [sys.executable, "-m", "app", *words],
        cwd=ROOT,
        env=env,
        capture_output=True,
        timeout=120,
        check=True,
    )


def test_files_travel_through_pipes(env: dict[str, str]) -> None:
    """A dry run stores nothing, an import from stdin does, and comes out on stdout again."""
    would = json.loads(
        piped(env, "import", "prices.daily", "-", "--dry-run", "--json", given=BARS.encode()).stdout
    )["pulls"][0]
    assert (would["rows_inserted"], would["rows_read"], would["dry_run"]) == (2, 2, True)
    assert json.loads(run(env, "sql", COUNT, "--json").stdout) == [{"n": 0}]
    piped(env, "import", "prices.daily", "-", given=BARS.encode())
    again = json.loads(
        piped(env, "import", "prices.daily", "-", "--dry-run", "--json", given=BARS.encode()).stdout
    )["pulls"][0]
    assert (again["rows_inserted"], again["rows_unchanged"]) == (0, 2)
    assert json.loads(piped(env, "sql", "-", "--json", given=COUNT.encode()).stdout) == [{"n": 2}]
    words = ("export", "dataset", "--out", "-", "--filter", "name=prices.daily")
    assert pl.read_csv(io.BytesIO(piped(env, *words).stdout)).height == 2
    made = env["OPENBELL_DATA_DIR"] + "/x.csv"
    words_too = ("export", "dataset", "--out", made, "--filter", "name=prices.daily", "--json")
    assert json.loads(piped(env, *words_too).stdout)["file"] == made
    parquet = piped(env, *words, "--format", "parquet").stdout
    assert pl.read_parquet(io.BytesIO(parquet))["symbol"].sort().to_list() == ["AAA", "BBB"]


def test_exports_are_listed(env: dict[str, str]) -> None:
    """Each table with its filters, the needed ones marked, and its columns."""
    listed = json.loads(run(env, "export", "--list", "--json").stdout)["exports"]
    by_name = {item["name"]: item for item in listed}
    assert {"filings", "facts", "candidates", "plans", "journal"} <= set(by_name)
    needed = {f["name"]: f["required"] for f in by_name["dataset"]["filters"]}
    assert needed["name"] is True
    assert {"cik", "grade", "status"} <= set(by_name["filings"]["columns"])
    assert "export needs a table" in run(env, "export", check=False).stderr


def test_a_restore_is_rehearsed(env: dict[str, str], tmp_path: Path) -> None:
    """It names the backup that it would take, and leaves all as it is."""
    run(env, "backup")
    data = Path(env["OPENBELL_DATA_DIR"])
    before = sorted(path.name for path in data.iterdir())
    done = run(env, "restore", "--dry-run")
    assert "would restore" in done.stdout
    assert sorted(path.name for path in data.iterdir()) == before


def test_a_restore_is_told_in_json_too(env: dict[str, str], tmp_path: Path) -> None:
    """One document on stdout, whichever way it goes: rehearsed, done, set back, a key made."""
    made = json.loads(run(env, "backup", "--json").stdout)["folder"]
    told = json.loads(run(env, "restore", "--dry-run", "--json").stdout)
    assert (told["would_restore"], told["passed_over"]) == (made, [])
    assert told["rows"] > 0
    done = json.loads(run(env, "restore", made, "--json").stdout)
    assert done["restored"] == made
    assert "set-aside-" in done["kept"][0]
    kept = json.loads(run(env, "restore", "--accept-loss", "--json").stdout)
    assert kept["restored"] is None
    assert "commit" in kept["stands"]
    key = tmp_path / "key"
    assert json.loads(run(env, "backup", "--new-key", str(key), "--json").stdout)["key"] == str(key)


@pytest.mark.thorough
def test_terminals_that_know_little(env: dict[str, str]) -> None:
    """Dumb ones, without colour and with ASCII alone, get every table without an exception."""
    poor = env | {"NO_COLOR": "1", "TERM": "dumb", "PYTHONIOENCODING": "ascii", "LC_ALL": "C"}
    for words in (("status",), ("--help",), ("sandbox", "--list-faults"), ("watch", "list")):
        done = begun(poor, *words)
        assert b"\x1b[" not in done.stdout
        done.stdout.decode("ascii")


def test_asking_for_help_loads_no_engine() -> None:
    """`--help`, and a command that finds a desk, start without the store and its libraries."""
    look = (
        "import sys, app.command_line as m; m.register_all(); from app import address; "
        "print([n for n in ('polars', 'duckdb', 'streamlit', 'plotly') if n in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", look], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


def test_one_command_is_built_without_the_others() -> None:
    """To say how `events` is used takes neither the modules nor the options of the rest."""
    code = (
        "import sys; sys.argv = ['app', 'events', '--help']\n"
        "from app import command_line\n"
        "try: command_line.run(lambda: None)\n"
        "except SystemExit as end: assert not end.code\n"
        "loaded = {m for m in sys.modules if m.startswith('app.commands.')}\n"
        "assert loaded == {'app.commands.events'}, loaded\n"
        "heavy = {'polars', 'pandas', 'duckdb', 'pyarrow', 'streamlit'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "events --since" in done.stdout


def test_a_desk_by_itself_is_served_without_what_others_need() -> None:
    """Neither Redis nor an OpenID provider nor the library of calendars takes memory there."""
    look = (
        "import sys, app.asgi; from core.domain.timetable import exchanges, sessions; "
        "from datetime import date; d = date(2026, 11, 27); "
        "sessions.hours_of(d); exchanges.sessions('XNYS', d, d); "
        "unneeded = ('redis', 'authlib', 'joserfc', 'exchange_calendars', 'apprise', 'sklearn'); "
        "print([n for n in unneeded if n in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", look], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
