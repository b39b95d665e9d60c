"""Ctrl-C on a command: what was finished is said, what was not is called off."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
import typer

from app import command_line, interrupts
from app import run as runner
from app.commands import data
from app.commands.data import called_off
from core.domain.access.principals import LOCAL
from core.service.desk import Desk
from core.service.kernel import access
from core.service.kernel.results import CommandResult
from core.service.pulls import jobs
from tests.integration.test_commands import ROOT, environment
from tests.upstreams import Running


def test_the_lines_say_what_became_of_each_pull() -> None:
    """Finished, called off, failed; in the words of the pulls."""
    pulls = [
        {"dataset": "a", "state": "unchanged", "error": None},
        {"dataset": "b", "state": "cancelled", "error": "the pull of b was cancelled"},
        {"dataset": "c", "state": "failed", "error": "c: no answer"},
        {"dataset": "d", "state": "cancelled", "error": None},
        {"dataset": "stops", "state": "failed", "error": None},
    ]
    assert called_off(pulls) == [
        "finished: a (unchanged)",
        "called off: b, d, stops; a pull that is called off stores nothing by halves",
        "the pull of b was cancelled",
        "failed: c: no answer",
    ]
    assert called_off([])[0] == "finished: nothing"


def test_ctrl_c_before_a_command_began_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    """As while the desk is opened, or a backup put in place: a sentence and the code 1."""
    with pytest.raises(typer.Exit) as left, runner.reported():
        raise KeyboardInterrupt
    assert left.value.exit_code == 1
    assert "nothing is stored by halves" in capsys.readouterr().err


def test_ctrl_c_reaches_a_command_from_its_first_moment(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Until a command begins nothing has been done; from then on it is the command's."""

    def begins() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(command_line.Commands, "begins", begins)
    with pytest.raises(SystemExit) as left:
        command_line.register_all()(["status"])
    assert left.value.code == 1
    assert runner.CALLED_OFF in capsys.readouterr().err


class Asked(runner.Local):
    """A caller on whom Ctrl-C comes while it asks for pulls."""

    def call(self, command: str, /, **arguments: Any) -> CommandResult:
        """Run the command; a signal comes before `refresh` returns."""
        result = super().call(command, **arguments)
        if command == "refresh":
            os.kill(os.getpid(), signal.SIGINT)
        return result


def test_ctrl_c_while_pulls_are_asked_for_calls_them_off(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The engine may be at work on some by then: each is named, none is left in the queue."""
    before = {number: signal.getsignal(number) for number in interrupts.SIGNALS}
    monkeypatch.setattr(runner, "asked", lambda **_: nullcontext(Asked(desk)))
    interrupts.hear(list(before), interrupts.call_off)
    try:
        with access.acting(LOCAL), pytest.raises(typer.Exit) as left:
            data.pull(["sec.companies"], json=True)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    told = capsys.readouterr()
    assert left.value.exit_code == 1
    assert "called off: sec.companies;" in told.err
    assert [p["state"] for p in json.loads(told.out)["pulls"]] == ["cancelled"]
    assert jobs.listing(desk, ["queued", "running"]).is_empty()


def test_a_pull_that_is_interrupted_says_what_was_finished(tmp_path: Path) -> None:
    """One dataset came, the other hangs: both are named, and the exit code is 1."""
    with Running() as upstreams:
        catalogue = tmp_path / "catalogue.toml"
        entry = (
            '[datasets."{0}"]\nsource = "{1}"\nname = "{2}"\ntable = "{3}"\n'
            'key = ["symbol"]\ncolumns = {{ Name = "symbol" }}\nschema = {{ symbol = "str" }}\n'
        )
        hangs = entry.format("hangs", "foundry", "Prices Daily", "t_hangs")
        comes = '[datasets.comes]\nsource = "sec"\nname = "company_tickers_exchange.json"\n'
        catalogue.write_text(f'{hangs}{comes}table = "companies"\n')
        upstreams.served.faults = {"endless-keepalive"}
        env = environment(tmp_path / "desk", upstreams) | {
            "OPENBELL_CATALOGUE": str(catalogue),
            "OPENBELL_FOUNDRY_TOTAL_SECONDS": "60",
        }
        command = [sys.executable, "-m", "app", "pull", "comes", "hangs", "--json"]
        with subprocess.Popen(
            command, cwd=ROOT, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        ) as process:
            assert process.stderr is not None
            assert any("pull ended" in line for line in process.stderr)  # the one that comes
            deadline = time.monotonic() + 60
            while not _hangs(upstreams) and time.monotonic() < deadline:
                time.sleep(0.05)
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=60)
    assert process.returncode == 1, err
    assert "finished: comes (done)" in err
    assert "called off: hangs;" in err
    states = {pull["dataset"]: pull["state"] for pull in json.loads(out)["pulls"]}
    assert states == {"comes": "done", "hangs": "cancelled"}


# Ctrl-C at the moment when a module is looked for, then the command of the line
LOADING = """
import os, signal, sys
import app.__main__ as line

class Interrupting:
    def find_spec(self, name, *_):
        if name == {module!r}:
            sys.meta_path.remove(self)
            os.kill(os.getpid(), signal.SIGINT)

sys.meta_path.insert(0, Interrupting())
sys.argv = ["openbell", {command!r}]
line.main()
"""


@pytest.mark.few(3)
@pytest.mark.parametrize(
    ("module", "command", "told"),
    [
        ("typer", "status", "called off before anything had begun"),
        ("core.service.everything", "status", runner.CALLED_OFF),
        ("app.asgi", "serve", runner.CALLED_OFF),
        ("app.commands.desk", "serve", "called off before anything had begun"),
        ("core.service.desk", "status", runner.CALLED_OFF),
        ("app.server", "serve", runner.CALLED_OFF),
        ("app.demonstration", "demo", runner.CALLED_OFF),
    ],
)
def test_ctrl_c_while_the_program_is_loaded_is_a_sentence(
    tmp_path: Path, module: str, command: str, told: str
) -> None:
    """Loading takes a second: no traceback ends it, whatever is being imported."""
    done = subprocess.run(
        [sys.executable, "-c", LOADING.format(module=module, command=command)],
        cwd=ROOT,
        env={**os.environ, "OPENBELL_DATA_DIR": str(tmp_path / "desk"), "OPENBELL_PORT": "0"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    said = [line for line in done.stderr.splitlines() if not line.startswith("{")]
    assert (done.returncode, said) == (1, [told])


def _hangs(upstreams: Running) -> bool:
    return any("/dataset/get" in request for request in upstreams.served.requests)


# the signals that come to a command as it runs, and what its work makes of the interrupt
RUNNING = """
import os, signal, sys
import app.__main__ as line
from app import command_line

def work(words):
    def run(prog_name):
        for number in {numbers}:
            try:
                os.kill(os.getpid(), number)
            except KeyboardInterrupt:
                if not {swallowed}:
                    raise SystemExit(1)
        from app import interrupts
        interrupts.check()
    return run

command_line.register_for = work
whole = command_line.run
command_line.run = lambda begins: (begins(), whole(lambda: None))
line.main()
"""


def running(numbers: list[int], *, swallowed: bool = False) -> subprocess.CompletedProcess[str]:
    """A command that gets the signals, one after the other."""
    text = RUNNING.format(numbers=[int(n) for n in numbers], swallowed=swallowed)
    done = [sys.executable, "-c", text]
    return subprocess.run(done, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)


def test_sigterm_calls_off_like_ctrl_c() -> None:
    """As `docker stop` and systemd end a command: by an exception that it can tell of."""
    for number in (signal.SIGINT, signal.SIGTERM):
        done = running([number])
        assert (done.returncode, done.stderr) == (1, "")


def test_the_second_signal_ends_at_once() -> None:
    """Whatever swallowed the first: without a traceback, with a sentence."""
    for second in (signal.SIGINT, signal.SIGTERM):
        done = running([signal.SIGINT, second], swallowed=True)
        assert done.returncode == 1
        assert done.stderr == "ended at once; the next start undoes what was half done\n"


def test_an_interrupt_that_was_swallowed_is_raised_again() -> None:
    """As by a library that looks whether another one can be imported."""
    done = running([signal.SIGINT], swallowed=True)
    assert done.returncode != 0
    assert "KeyboardInterrupt" in done.stderr


def test_an_interrupt_in_a_text_that_runs_is_not_the_exit_code() -> None:
    """Python would end the process by the signal itself, though the command has told of it."""
    text = """
import os, signal, sys
import app.__main__ as line
from app import command_line

def run(begins):
    begins()
    try:
        exec("import os, signal; os.kill(os.getpid(), signal.SIGINT); x = 1")
    except KeyboardInterrupt:
        sys.exit(1)

command_line.run = run
line.main()
"""
    done = [sys.executable, "-c", text]
    left = subprocess.run(done, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert (left.returncode, left.stderr) == (1, "")


@pytest.mark.few(4)
@pytest.mark.parametrize("how", ["reading", "writing", "another file", "as of one moment"])
@pytest.mark.parametrize("seconds", [0.2, 0.0, 0.001])
def test_an_interrupt_of_a_query_is_no_error_of_the_store(
    tmp_path: Path, seconds: float, how: str
) -> None:
    """DuckDB makes a RuntimeError of it, and as the cursor closes would end the query."""
    text = f"""
import os, pathlib, signal, threading
import app.__main__ as line
from app import command_line, run
from core.store import connection
from core.store.warehouse import Warehouse

QUERY = "select sum(i * j) from range(100000000) a(i), range(10000) b(j)"
OTHER = pathlib.Path({str(tmp_path / "other.duckdb")!r})
connection.connect(OTHER).close()

def work(begins):
    with Warehouse.open(pathlib.Path({str(tmp_path / "store.duckdb")!r})) as store:
        begins()
        end = threading.Timer({seconds}, os.kill, (os.getpid(), signal.SIGINT))
        with run.reported():
            if {how!r} == "writing":
                with store.transaction() as tx:
                    end.start()
                    tx.execute(QUERY)
            if {how!r} == "another file":
                with connection.reading(OTHER) as cursor:
                    end.start()
                    cursor.sql(QUERY).pl()
            if {how!r} == "as of one moment":
                with store.cursor() as cursor, connection.as_of_now(cursor):
                    end.start()
                    cursor.execute(QUERY).fetchall()
            with store.cursor() as cursor:
                end.start()
                cursor.execute(QUERY).fetchall()

command_line.run = work
try:
    line.main()
except run.typer.Exit as left:
    raise SystemExit(left.exit_code)
"""
    done = [sys.executable, "-c", text]
    left = subprocess.run(done, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert (left.returncode, left.stderr.strip()) == (1, runner.CALLED_OFF)


def test_an_interrupt_that_a_library_swallows_is_raised_until_somebody_acts_on_it() -> None:
    """Also in the midst of a command; not while an `except` or a `finally` is at work on it."""
    text = """
import os, signal, time
import app.__main__ as line
from app import command_line, interrupts

def swallowed():
    try:
        os.kill(os.getpid(), signal.SIGINT)
    except KeyboardInterrupt:
        time.sleep(3 * interrupts.SWALLOWED_SECONDS)  # handled here
    time.sleep(30)

def run(begins):
    begins()
    try:
        swallowed()
    except KeyboardInterrupt:
        interrupts.heard()
        raise SystemExit(1)

command_line.run = run
line.main()
"""
    done = [sys.executable, "-c", text]
    left = subprocess.run(done, cwd=ROOT, capture_output=True, text=True, timeout=20, check=False)
    assert (left.returncode, left.stderr) == (1, "")
