"""One click is found again: as one trace, one chain of log lines, one event, one audit entry."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.conftest import ROOT, TRACES, Page

WAIT_SECONDS = 60.0


def lines(path: Path) -> list[dict[str, Any]]:
    """The JSON objects of a file of lines; what is no line of ours is left out."""
    found = path.read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in found if line.startswith("{") and line.endswith("}")]


def command(folder: Path, *words: str) -> Any:
    """The document of a command beside the desk."""
    env = {**os.environ, "OPENBELL_DATA_DIR": str(folder)}
    done = subprocess.run(
        [sys.executable, "-m", "app", *words, "--json"],
        cwd=ROOT, env=env, capture_output=True, check=True,
    )  # fmt: skip
    return json.loads(done.stdout)


def awaited(look: Callable[[], Any]) -> Any:
    """What is there once it is: spans reach their file a little later."""
    ends = time.monotonic() + WAIT_SECONDS
    while not (found := look()):
        assert time.monotonic() < ends, "nothing came"
        time.sleep(0.2)
    return found


@pytest.mark.skipif("DESK_URL" in os.environ, reason="the files of that desk are not at hand")
def test_a_click_is_found_again(page: Page, desk_folder: Path) -> None:
    """From the button to the commit, under one id everywhere."""
    before = {act["entry"] for act in command(desk_folder, "audit")["acts"]}
    page.open("/datasets?dataset=universe")
    page.button("Refresh universe now").click()
    page.tab.get_by_text("Last refresh:").wait_for(timeout=60_000)

    acts = [act for act in command(desk_folder, "audit")["acts"] if act["entry"] not in before]
    (act,) = [act for act in acts if act["act"] == "refresh.refresh_now"]
    identity = act["correlation_id"]
    assert [a["act"] for a in acts if a["correlation_id"] == identity] == ["refresh.refresh_now"]

    told = command(desk_folder, "events", "--kind", "pull")["events"]
    (event,) = [event for event in told if event["correlation_id"] == identity]
    assert event["subject"] == "universe"

    def whole() -> list[dict[str, Any]]:
        spans = lines(desk_folder / TRACES)
        roots = [
            span for span in spans
            if span["name"] == "act refresh.refresh_now"
            and span["attributes"]["correlation_id"] == identity
        ]  # fmt: skip
        found = [s for s in spans if roots and s["trace_id"] == roots[0]["trace_id"]]
        return found if any(span["name"] == "job pull" for span in found) else []

    spans = awaited(whole)
    names = {span["name"].partition(" ")[0] for span in spans}
    assert {"act", "job", "pull", "request", "commit"} <= names
    known = {span["span_id"] for span in spans}
    (root,) = [span for span in spans if span["parent_id"] not in known]
    assert (root["name"], root["attributes"]["page"]) == ("page run", "datasets")
    identities = {s["attributes"].get("correlation_id") for s in spans if s is not root}
    assert identities - {None} == {identity}

    logged = [line for line in lines(desk_folder / "demo.log") if "correlation_id" in line]
    ours = [line for line in logged if line["correlation_id"] == identity]
    assert {"pull ended", "job ended"} <= {line["event"] for line in ours}
    assert {line["trace_id"] for line in ours if "trace_id" in line} == {root["trace_id"]}
    assert not [
        line for line in logged
        if line.get("trace_id") == root["trace_id"] and line["correlation_id"] != identity
    ]  # fmt: skip
