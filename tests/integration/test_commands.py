"""The command line, alone and beside a running desk: the same command, the same output."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import polars as pl
import pytest

from tests import command_server
from tests.upstreams import CIK, DAILY, Running

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def upstreams() -> Iterator[Running]:
    """Stand-ins that serve a few small documents."""
    with Running() as running:
        yield running


def environment(folder: Path, upstreams: Running) -> dict[str, str]:
    """An environment in which the desk of a folder uses the stand-ins."""
    given = {f"OPENBELL_{name.upper()}": str(v) for name, v in upstreams.settings().items()}
    kept = {name: value for name, value in os.environ.items() if not name.startswith("OPENBELL_")}
    patient = {"OPENBELL_RETRIES": "0", "OPENBELL_SQL_SECONDS": "300"}
    return kept | given | patient | {"OPENBELL_DATA_DIR": str(folder)}


def run(env: dict[str, str], *words: str, check: bool = True) -> subprocess.CompletedProcess[str]:
    """Run one command."""
    raw = command_server.run(words, env)
    out, err = raw.stdout.decode(), raw.stderr.decode()
    done = subprocess.CompletedProcess(raw.args, raw.returncode, out, err)
    if check:
        assert done.returncode == 0, done.stderr
    return done


def document(env: dict[str, str], *words: str) -> Any:
    """The JSON document of a command."""
    return json.loads(run(env, *words, "--json").stdout)


@pytest.fixture(scope="module")
def pulled(
    tmp_path_factory: pytest.TempPathFactory, upstreams: Running
) -> tuple[dict[str, str], Any]:
    """A data folder into which one pull was made from the command line."""
    env = environment(tmp_path_factory.mktemp("desk"), upstreams)
    return env, document(env, "pull", "prices.daily")


def test_pull_reports_in_the_documented_shape(pulled: tuple[dict[str, str], Any]) -> None:
    """Every key of interface is there, with the counts of what came."""
    (done,) = pulled[1]["pulls"]
    keys = {"dataset", "window", "trigger", "state", "version", "rows_read", "rows_inserted"}
    keys |= {"rows_updated", "rows_unchanged", "rows_rejected", "bytes", "seconds", "error"}
    assert keys <= set(done)
    assert (done["state"], done["rows_read"], done["window"].keys()) == (
        "done",
        3,
        {"from": 0, "to": 0}.keys(),
    )


def test_status_and_sql_read_what_was_pulled(pulled: tuple[dict[str, str], Any]) -> None:
    """Status gives freshness and rows; sql gives row objects and refuses to write."""
    env, _ = pulled
    statuses = {item["name"]: item for item in document(env, "status")["datasets"]}
    prices = statuses["prices.daily"]  # pulled just now, but its bars are of 2024
    assert (prices["freshness"] in {"due", "overdue"}, prices["rows"]) == (True, 3)
    assert prices["sessions_behind"] > 400
    query = "SELECT count(*) AS n FROM bars_daily"
    assert document(env, "sql", query) == [{"n": 3}]
    refused = run(env, "sql", "DELETE FROM bars_daily", check=False)
    assert (refused.returncode, "SELECT" in refused.stderr) == (2, True)


def test_a_failing_pull_exits_with_one(pulled: tuple[dict[str, str], Any]) -> None:
    """The report is printed all the same and names host and path."""
    env = pulled[0] | {"OPENBELL_FOUNDRY_URL": "http://127.0.0.1:9/fdtc-api"}
    done = run(env, "pull", "prices.daily", "--now", "--json", check=False)
    assert done.returncode == 1
    (pull,) = json.loads(done.stdout)["pulls"]
    assert pull["state"] == "failed"
    assert "127.0.0.1" in pull["error"]


@pytest.mark.parametrize(
    "words",
    [("pull", "no.such"), ("import", "prices.daily", "missing.csv"), ("sql", "SELEC 1")],
)
def test_a_mistake_is_one_sentence(pulled: tuple[dict[str, str], Any], words: list[str]) -> None:
    """No traceback; the exit code tells wrong use from failure."""
    done = run(pulled[0], *words, check=False)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr


def test_import_and_export_round_trip(pulled: tuple[dict[str, str], Any], tmp_path: Path) -> None:
    """What is imported from a file comes out of an export."""
    env, _ = pulled
    file = tmp_path / "more.csv"
    file.write_bytes(DAILY.replace(b"AAA", b"CCC").replace(b"BBB", b"DDD"))
    (done,) = document(env, "import", "prices.daily", str(file))["pulls"]
    assert (done["state"], done["trigger"], done["rows_inserted"]) == ("done", "import", 3)
    out = tmp_path / "bars.csv"
    run(env, "export", "dataset", "--filter", "name=prices.daily", "--out", str(out))
    assert pl.read_csv(out).height == 6


def test_backup_restores_what_was_there(pulled: tuple[dict[str, str], Any]) -> None:
    """A backup is verified, and restoring it brings back the rows."""
    env, _ = pulled
    made = document(env, "backup")
    rows = document(env, "sql", "SELECT count(*) AS n FROM bars_daily")
    assert document(env, "verify")["ok"]
    run(env, "restore", made["folder"])
    assert document(env, "sql", "SELECT count(*) AS n FROM bars_daily") == rows


@pytest.fixture(scope="module")
def served(
    tmp_path_factory: pytest.TempPathFactory, upstreams: Running
) -> Iterator[tuple[dict[str, str], dict[str, Any]]]:
    """A desk that serves, and its address file."""
    folder = tmp_path_factory.mktemp("served desk")
    env = environment(folder, upstreams) | {"OPENBELL_SCHEDULER": "false"}
    with serving(env) as (_, address):
        yield env, address
    assert not (folder / "desk.json").exists()


@contextmanager
def serving(env: dict[str, str]) -> Iterator[tuple[subprocess.Popen[bytes], dict[str, Any]]]:
    """A desk in a process of its own, and its address file; it must end in order."""
    folder = Path(env["OPENBELL_DATA_DIR"])
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "app", "serve", "--port", "0"], cwd=ROOT, env=env, stderr=log
        )
    try:
        yield process, _address(folder, process)
    finally:
        process.terminate()
        assert process.wait(30) == 0


def _address(folder: Path, process: subprocess.Popen[bytes]) -> dict[str, Any]:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        if (folder / "desk.json").exists():
            address: dict[str, Any] = json.loads((folder / "desk.json").read_text())
            try:
                httpx.get(f"{address['url']}/api/health/live", timeout=2)
            except httpx.HTTPError:
                continue
            return address
        time.sleep(0.1)
    raise AssertionError((folder / "log").read_text())


def test_commands_beside_a_running_desk_go_through_it(
    served: tuple[dict[str, str], dict[str, Any]],
) -> None:
    """Pull, watch and sql work while the desk owns the store."""
    env, _ = served
    (done,) = document(env, "pull", "prices.daily")["pulls"]
    assert done["state"] == "done"
    followed = document(env, "watch", "add", str(CIK))["companies"]
    assert [item["cik"] for item in followed] == [CIK]
    assert document(env, "sql", "SELECT count(*) AS n FROM bars_daily") == [{"n": 3}]
    refused = run(env, "sql", "DROP TABLE bars_daily", check=False)
    assert refused.returncode == 2


def test_a_second_desk_names_the_first(served: tuple[dict[str, str], dict[str, Any]]) -> None:
    """It refuses to start in one sentence that names the owner, also where the port is taken."""
    env, address = served
    for port in ("0", address["url"].rpartition(":")[2]):
        done = run(env, "serve", "--port", port, check=False)
        assert (done.returncode, done.stdout) == (1, "")
        (line,) = done.stderr.splitlines()
        assert f"owned by process {address['pid']}" in line


@pytest.mark.parametrize(
    "change",
    [
        {"OPENBELL_DATA_DIR": str(ROOT / "LICENSE")},
        {"OPENBELL_DATA_DIR": "/proc/nowhere"},
        {"OPENBELL_FOUNDRY_URL": "http://["},
        {"OPENBELL_TYPO": "1"},
    ],
)
@pytest.mark.parametrize("words", [("serve", "--port", "0"), ("status",)])
def test_a_start_that_cannot_be_is_one_sentence(
    pulled: tuple[dict[str, str], Any], change: dict[str, str], words: tuple[str, ...]
) -> None:
    """Whatever is wrong with folder and settings: no traceback, nothing that says it listens."""
    done = run(pulled[0] | change, *words, check=False)
    assert done.returncode in (1, 2)
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert "Traceback" not in line


def test_an_open_desk_refuses_to_listen_beyond_this_machine(
    tmp_path: Path, upstreams: Running
) -> None:
    """One sentence says how others are let in; nothing listens."""
    env = environment(tmp_path, upstreams) | {"OPENBELL_HOST": "0.0.0.0"}
    done = run(env, "serve", "--port", "0", check=False)
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert "set OPENBELL_ACCESS=token and make a token (python -m app token add" in line


def test_a_desk_beyond_this_machine_asks_who_comes(tmp_path: Path, upstreams: Running) -> None:
    """It warns of what can be read on the way; commands beside it work, strangers get nothing."""
    env = environment(tmp_path, upstreams) | {
        "OPENBELL_SCHEDULER": "false",
        "OPENBELL_HOST": "0.0.0.0",
        "OPENBELL_ACCESS": "token",
    }
    before = document(env, "token", "add", "before", "--role", "viewer")
    with (tmp_path / "log").open("w") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "app", "serve", "--port", "0"], cwd=ROOT, env=env, stderr=log
        )
    address = _address(tmp_path, process)
    assert httpx.get(f"{address['url']}/api/health/live", timeout=10).status_code == 200
    assert httpx.get(address["url"], timeout=10).status_code == 401
    made = document(env, "token", "add", "bot", "--role", "analyst", "--expires", "2199-01-31")
    assert made["token"].startswith("obt_")
    for token, role in ((before["token"], "viewer"), (made["token"], "analyst")):
        bearer = {"Authorization": f"Bearer {token}"}
        asked = httpx.post(f"{address['url']}/api/v1/commands/jobs_retry", headers=bearer)
        assert asked.status_code == (403 if role == "viewer" else 422)
    listed = document(env, "token", "list")["tokens"]
    assert [(t["name"], t["role"], t["state"]) for t in listed] == [
        ("bot", "analyst", "valid"),
        ("before", "viewer", "valid"),
    ]
    assert all(token["last_used"] for token in listed)
    document(env, "token", "revoke", "bot")
    asked = httpx.post(f"{address['url']}/api/v1/commands/status", headers=bearer, timeout=10)
    assert asked.status_code == 401
    process.terminate()
    assert process.wait(30) == 0
    told = (tmp_path / "log").read_text()
    assert "WARNING: the desk listens beyond this machine" in told
    assert '"level": "warning", "logger": "openbell.asgi"' in told


def test_foreign_hosts_and_pages_are_refused(served: tuple[dict[str, str], dict[str, Any]]) -> None:
    """On pages, API and WebSocket alike, without waiting; /metrics gives metrics, not a page."""
    base = served[1]["url"]
    socket = {
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    }
    for path, more in (("/", {}), ("/api/health/live", {}), ("/_stcore/stream", socket)):
        for header, value, expected in (
            ("Host", "evil.example", 400),
            ("Origin", "http://evil.example", 403),
        ):
            answer = httpx.get(base + path, headers={**more, header: value}, timeout=10)
            assert answer.status_code == expected, (path, header)
            assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
    assert "frame-ancestors" in httpx.get(base).headers["content-security-policy"]
    metrics = httpx.get(f"{base}/metrics", timeout=10)
    assert metrics.headers["content-type"].startswith("text/plain")
    assert "openbell_" in metrics.text


def test_health_metrics_and_token(served: tuple[dict[str, str], dict[str, Any]]) -> None:
    """Health and metrics are open, commands want the token, which only its owner may read."""
    env, address = served
    mode = (Path(env["OPENBELL_DATA_DIR"]) / "desk.json").stat().st_mode & 0o777
    assert mode == 0o600
    with httpx.Client(base_url=address["url"], timeout=10) as client:
        for name in ("live", "ready", "startup", "detailed"):
            assert client.get(f"/api/health/{name}").status_code == 200, name
        assert client.get("/_stcore/health").status_code == 200
        metrics = client.get("/api/metrics").text
        assert "openbell_queue_jobs" in metrics
        assert client.post("/api/v1/commands/status").status_code == 401
        token = {"Authorization": f"Bearer {address['token']}"}
        answer = client.post("/api/v1/commands/status", headers=token)
        assert answer.json()["exit_code"] == 0
        wrong = client.post("/api/v1/commands/status", headers=token, json={"colour": "red"})
        assert (wrong.status_code, "colour" in wrong.text) == (422, True)


def test_a_correlation_id_follows_a_command_to_its_pull(
    served: tuple[dict[str, str], dict[str, Any]],
) -> None:
    """The id given to the API is on the pull's record."""
    env, address = served
    headers = {"Authorization": f"Bearer {address['token']}", "X-Correlation-Id": "abc123def456"}
    httpx.post(
        f"{address['url']}/api/v1/commands/pull",
        headers=headers,
        json={"datasets": ["prices.daily"], "now": True},
        timeout=60,
    )
    rows = document(env, "sql", "SELECT DISTINCT correlation_id FROM pulls")
    assert {"correlation_id": "abc123def456"} in rows
