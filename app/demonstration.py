"""The demo: stand-in upstreams in a process of their own, and the desk filled by real pulls."""

from __future__ import annotations

import hashlib
import json
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime
from pathlib import Path
from typing import Any

from app import address as addresses
from app import run as runner
from app import server
from core import clock, places, settings
from core.errors import TransportError, UsageError
from core.service.desk import Desk
from core.service.filings import companies
from core.service.pulls import refresh
from core.settings import PREFIX

FIRST_DAY = date(2021, 1, 4)  # a year after the simulated market's own epoch
CONTACT = "Openbell demo demo@example.com"
END_SECONDS = 10.0


def run(*, port: int | None, seed: int, replay: Path | None, at: datetime | None = None) -> None:
    """Serve the demo until it is stopped; with `at` its clock runs from that instant on."""
    settings.load()  # what is wrong with them is told before anything is started
    if at is not None:
        _set_clock(at, seed, replay)
    with _upstreams(seed, replay) as upstreams:
        own = _configured(upstreams, seed, replay)
        chosen = settings.load(**own, **({} if port is None else {"port": port}))
        runner.err.print(_welcome(replay), markup=False)
        if at is not None:
            runner.err.print(f"Its clock runs from {_local(at)} in New York.", markup=False)
        runner.err.print(_beside(chosen), markup=False)
        server.run_desk(chosen, [lambda desk: _fill(desk, upstreams["companies"])])


def _welcome(replay: Path | None) -> str:
    if replay:
        return f"Openbell demo: the captured files of {replay}, pulled over loopback."
    return "Openbell demo: SIMULATED companies and prices, pulled over loopback."


def _set_clock(at: datetime, seed: int, replay: Path | None) -> None:
    """The offset of every process below this one, and a folder that begins empty.

    What an earlier demo of that morning pulled may be later than the clock of this one. A folder
    of the user's own choice stays as it is, and goes on as that desk would.
    """
    if replay is None and at.astimezone(clock.NEW_YORK).date() <= FIRST_DAY:
        raise UsageError(f"the simulated market begins after {FIRST_DAY}", where=_local(at))
    os.environ[f"{PREFIX}CLOCK_OFFSET_SECONDS"] = repr(clock.offset_to(at, clock.running()()))
    if "data_dir" in settings.load().model_fields_set:
        return
    folder = places.data() / f"{_folder(seed, replay)}-at-{at:%Y%m%dT%H%MZ}"
    if folder.exists():
        if addresses.running(folder):
            raise UsageError(
                "a demo of that time runs already", hint=f"stop it, or set {PREFIX}DATA_DIR"
            )
        shutil.rmtree(folder)
    os.environ[f"{PREFIX}DATA_DIR"] = str(folder)


def _local(at: datetime) -> str:
    return f"{at.astimezone(clock.NEW_YORK):%a %d %b %Y %H:%M}"


def _beside(chosen: settings.Settings) -> str:
    """What commands beside the demo need, ready to be pasted into another terminal."""
    lines = [f"export {PREFIX}DATA_DIR={shlex.quote(str(chosen.data_dir))}"]
    if chosen.clock_offset_seconds:
        lines += [f"export {PREFIX}CLOCK_OFFSET_SECONDS={chosen.clock_offset_seconds!r}"]
    return "\n  ".join(["For commands beside it, in another terminal:", *lines])


@contextmanager
def _upstreams(seed: int, replay: Path | None) -> Iterator[dict[str, Any]]:
    command = [sys.executable, "-m", "app", "sandbox", "--port", "0", "--seed", str(seed)]
    command += ["--replay", str(replay)] if replay else []
    process = subprocess.Popen(  # noqa: S603 - our own program
        [*command, "--with-parent"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=places.ROOT,
        start_new_session=True,  # a Ctrl-C is for the desk: its pulls end while their hosts answer
    )
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        if not line:
            raise TransportError("the stand-in upstreams did not start; see the lines above")
        yield json.loads(line)
    finally:
        _end(process, END_SECONDS)


def _end(process: subprocess.Popen[str], seconds: float) -> None:
    """End the stand-ins, which keep nothing: what does not heed the signal in time is killed."""
    process.terminate()
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _configured(upstreams: dict[str, Any], seed: int, replay: Path | None) -> dict[str, Any]:
    """Settings of the demo, where the user has not set them; the upstreams are always ours."""
    own: dict[str, Any] = {
        "foundry_url": upstreams["foundry_url"],
        "sec_data_url": upstreams["sec_url"],
        "sec_www_url": upstreams["sec_url"],
        "sec_user_agent": CONTACT,
        "simulated": replay is None,
    }
    if f"{PREFIX}DATA_DIR" not in os.environ:
        own["data_dir"] = places.data() / _folder(seed, replay)
    if sys.stderr.isatty() and "log_format" not in settings.load().model_fields_set:
        own["log_format"] = "console"  # lines for people where people look
    if replay and f"{PREFIX}CATALOGUE" not in os.environ:
        own["catalogue"] = places.catalogues() / "catalogue.replay.toml"
    return own


def _folder(seed: int, replay: Path | None) -> str:
    """A data folder for each demo, so that two worlds never mix."""
    if replay is None:
        return f"desk-demo-{seed}"
    return f"desk-replay-{hashlib.sha256(str(replay).encode()).hexdigest()[:8]}"


def _fill(desk: Desk, ciks: list[int]) -> None:
    """Follow the companies there are; the scheduler then pulls what was never pulled."""
    companies.watch(desk, [str(cik) for cik in ciks])
    if not desk.settings.scheduler:
        refresh.refresh_now(desk, force=False)
