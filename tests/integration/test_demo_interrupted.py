"""Ctrl-C on the demo: the terminal's signal is for the desk, its stand-ins answer until it ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from app import demonstration
from tests.opened import ROOT

CHILD = """
import os, signal, time, urllib.error, urllib.request
from app import demonstration
signal.signal(signal.SIGINT, lambda *_: None)
with demonstration._upstreams(7, None) as found:
    os.killpg(0, signal.SIGINT)
    time.sleep(1)
    try:
        urllib.request.urlopen(found["sec_url"] + "/nothing", timeout=20)
    except urllib.error.HTTPError as answered:
        print("answered", answered.code)
print("gone")
"""


@pytest.mark.skipif(os.name == "nt", reason="there are no process groups")
def test_the_stand_ins_answer_after_a_ctrl_c(tmp_path: Path) -> None:
    """A pull that runs would see its host refuse, and the desk remember an outage that was none."""
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD],
        cwd=ROOT,
        env={**os.environ, "OPENBELL_DATA_DIR": str(tmp_path)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        out, err = child.communicate(timeout=120)
    finally:
        if child.poll() is None:
            os.killpg(child.pid, signal.SIGKILL)
    assert "answered" in out, err
    assert out.endswith("gone\n")


def test_stand_ins_that_do_not_heed_the_signal_are_killed() -> None:
    """A busy machine lets them need longer than the wait: Ctrl-C ended in a traceback."""
    code = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(1, flush=True)"
    process = subprocess.Popen(
        [sys.executable, "-c", f"{code}; signal.pause()"], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    with process.stdout:
        process.stdout.readline()
        demonstration._end(process, 0.05)
    assert process.returncode is not None
