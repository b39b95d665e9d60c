"""A PostgreSQL of the tests' own on a free port of loopback, gone at their end."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.redis_server import free_port

MISSING = "PostgreSQL or the extensions of a lake are not installed: it would have proved the lake"
USER = "openbell"
_INSTALLED = "/usr/lib/postgresql"


def programs() -> Path | None:
    """The folder with PostgreSQL's programs; None where there are none."""
    found = shutil.which("initdb")
    if found:
        return Path(found).resolve().parent
    folders = sorted(Path(_INSTALLED).glob("*/bin/initdb"))
    return folders[-1].parent if folders else None


@contextmanager
def running(host: str = "127.0.0.1") -> Iterator[str]:
    """Address of a server without a password; add the name of a database to it.

    On a `host` other than loopback it lets in whoever reaches it.
    """
    found, port = programs(), free_port()
    assert found is not None
    with tempfile.TemporaryDirectory(prefix="openbell-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        if os.geteuid() == 0:  # PostgreSQL does not run for root
            shutil.chown(folder, "postgres", "postgres")
        data = folder / "data"
        _run([str(found / "initdb"), "-D", str(data), "-A", "trust", "-U", USER, "--no-sync"])
        with (data / "pg_hba.conf").open("a") as rules:
            rules.write(f"host all all {host}/24 trust\n")
        options = f"-p {port} -c listen_addresses={host} -c fsync=off -k {folder}"
        control = [str(found / "pg_ctl"), "-D", str(data), "-w", "-l", str(folder / "log")]
        _run([*control, "-o", options, "start"])
        try:
            yield f"postgresql://{USER}@{host}:{port}/"
        finally:
            _run([*control, "-m", "immediate", "stop"])


def make(address: str, name: str) -> str:
    """Make a database; its address."""
    found = programs()
    assert found is not None
    _run([str(found / "psql"), f"{address}postgres", "-c", f'CREATE DATABASE "{name}"'])
    return f"{address}{name}"


def run_sql(address: str, sql: str) -> None:
    found = programs()
    assert found is not None
    _run([str(found / "psql"), address, "-v", "ON_ERROR_STOP=1", "-c", sql])


def _run(command: Sequence[str]) -> None:
    other: dict[str, Any] = {}
    if os.geteuid() == 0:
        user = pwd.getpwnam("postgres")
        other = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
    subprocess.run(
        command,
        check=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        timeout=120,
        cwd="/",
        **other,
    )
