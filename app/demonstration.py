"""The demo: stand-in upstreams in a process of their own, and the desk filled by real pulls."""

from __future__ import annotations

import hashlib
import json
import os
import shlex
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from app import run as runner
from core import places, service, settings
from core.errors import TransportError
from core.settings import PREFIX

CONTACT = "Openbell demo demo@example.com"


def run(*, port: int | None, seed: int, replay: Path | None) -> None:
    """Serve the demo until it is stopped."""
    from app import asgi
    from app.commands.desk import run_desk

    with _upstreams(seed, replay) as upstreams:
        _configure(upstreams, seed, replay)
        chosen = settings.load(**({} if port is None else {"port": port}))
        runner.err.print(_welcome(replay), markup=False)
        runner.err.print(_beside(chosen.data_dir), markup=False)
        asgi.on_open.append(lambda desk: _fill(desk, upstreams["companies"]))
        run_desk(chosen)


def _welcome(replay: Path | None) -> str:
    if replay:
        return f"Openbell demo: the captured files of {replay}, pulled over loopback."
    return "Openbell demo: SIMULATED companies and prices, pulled over loopback."


def _beside(data_dir: Path) -> str:
    """What commands beside the demo need, ready to be pasted into another terminal."""
    line = f"export {PREFIX}DATA_DIR={shlex.quote(str(data_dir))}"
    return f"For commands beside it, in another terminal:\n  {line}"


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
    )
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        if not line:
            raise TransportError("the stand-in upstreams did not start; see the lines above")
        yield json.loads(line)
    finally:
        process.terminate()
        process.wait(10)


def _configure(upstreams: dict[str, Any], seed: int, replay: Path | None) -> None:
    """Settings of the demo, where the user has not set them; the upstreams are always ours."""
    os.environ[f"{PREFIX}FOUNDRY_URL"] = upstreams["foundry_url"]
    os.environ[f"{PREFIX}SEC_DATA_URL"] = upstreams["sec_url"]
    os.environ[f"{PREFIX}SEC_WWW_URL"] = upstreams["sec_url"]
    os.environ[f"{PREFIX}SEC_USER_AGENT"] = CONTACT
    os.environ[f"{PREFIX}SIMULATED"] = "false" if replay else "true"
    os.environ.setdefault(f"{PREFIX}DATA_DIR", str(places.data() / _folder(seed, replay)))
    if sys.stderr.isatty() and "log_format" not in settings.load().model_fields_set:
        os.environ[f"{PREFIX}LOG_FORMAT"] = "console"  # lines for people where people look
    if replay:
        os.environ.setdefault(
            f"{PREFIX}CATALOGUE", str(places.catalogues() / "catalogue.replay.toml")
        )


def _folder(seed: int, replay: Path | None) -> str:
    """A data folder for each demo, so that two worlds never mix."""
    if replay is None:
        return f"desk-demo-{seed}"
    return f"desk-replay-{hashlib.sha256(str(replay).encode()).hexdigest()[:8]}"


def _fill(desk: service.Desk, companies: list[int]) -> None:
    """Follow the companies there are; the scheduler then pulls what was never pulled."""
    service.companies.watch(desk, [str(cik) for cik in companies])
    if not desk.settings.scheduler:
        service.refresh.refresh_now(desk, force=False)
