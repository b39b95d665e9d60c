"""What a command leaves with and writes, alone and beside a running desk."""

from __future__ import annotations

import csv
import io
import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from tests.integration.test_commands import environment, run, serving
from tests.upstreams import Running

MISTAKES = (
    ("pull", "no.such"),
    ("scan", "--dataset", "no.such"),
    ("scan", "--date", "1776-07-04"),
    ("pull", "prices.daily", "--from", "tomorrow"),
    ("sql", "SELEC 1"),
)
SLOW = "SELECT sum(hash(a.range, b.range) % 7) FROM range(1000000) a, range(1000000) b"
WIDE = "SELECT repeat('x', 500) AS t, 'a,\"b\"' AS q, i AS n FROM range(30) r(i)"


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The environment of a desk that does not run."""
    with Running() as upstreams:
        yield environment(tmp_path_factory.mktemp("alone"), upstreams)


@pytest.fixture(scope="module")
def beside(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The environment of a desk that runs."""
    folder = tmp_path_factory.mktemp("beside")
    with Running() as upstreams:
        env = environment(folder, upstreams) | {"OPENBELL_SCHEDULER": "false"}
        with serving(env):
            yield env


@pytest.mark.parametrize("words", MISTAKES, ids=" ".join)
@pytest.mark.parametrize("where", ["alone", "beside"])
def test_a_mistake_leaves_with_two_and_one_document(
    request: pytest.FixtureRequest, where: str, words: tuple[str, ...]
) -> None:
    """The same here and in the desk that runs: a sentence, and with --json the one document."""
    done = run(request.getfixturevalue(where), *words, "--json", check=False)
    error = json.loads(done.stdout)["error"]
    kind = "does not exist" if "no.such" in words else "is not allowed"
    assert (done.returncode, error["exit_code"], error["kind"]) == (2, 2, kind)
    assert error["message"] in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("change", [{"OPENBELL_TYPO": "1"}, {"OPENBELL_WORKERS": "many"}])
def test_a_wrong_setting_leaves_with_two(alone: dict[str, str], change: dict[str, str]) -> None:
    """Unknown or malformed, with the one document."""
    done = run(alone | change, "status", "--json", check=False)
    assert (done.returncode, json.loads(done.stdout)["error"]["type"]) == (2, "SettingsError")


@pytest.mark.parametrize("where", ["alone", "beside"])
def test_a_piped_query_is_whole_csv(request: pytest.FixtureRequest, where: str) -> None:
    """No width cuts it, no line is folded."""
    done = run(request.getfixturevalue(where), "sql", WIDE)
    rows = list(csv.DictReader(io.StringIO(done.stdout)))
    assert rows == [{"t": "x" * 500, "q": 'a,"b"', "n": str(i)} for i in range(30)]


@pytest.mark.parametrize("where", ["alone", "beside"])
def test_a_piped_query_without_rows_has_its_heading(
    request: pytest.FixtureRequest, where: str
) -> None:
    """As every CSV has; the JSON of it is an empty list."""
    env = request.getfixturevalue(where)
    assert run(env, "sql", f"SELECT * FROM ({WIDE}) WHERE n < 0").stdout == "t,q,n\n"
    assert json.loads(run(env, "sql", "SELECT 1 AS a WHERE false", "--json").stdout) == []


@pytest.mark.thorough
def test_a_desk_ends_soon_beside_long_queries(tmp_path: Path) -> None:
    """SIGTERM ends queries that run and those that wait; no process is left."""
    with Running() as upstreams:
        env = environment(tmp_path, upstreams)
        env |= {"OPENBELL_SCHEDULER": "false", "OPENBELL_SQL_SECONDS": "300"}
        with serving(env) as (process, address), ThreadPoolExecutor() as pool:
            asked = [pool.submit(_ask, address) for _ in range(4)]
            desk = psutil.Process(process.pid)
            while len(children := desk.children(recursive=True)) < 2:  # two at once, two wait
                assert process.poll() is None
                time.sleep(0.02)
            process.terminate()
            assert process.wait(30) == 0  # the queries have 300
            for answer in asked:
                answer.result()
        assert not psutil.wait_procs(children, timeout=5)[1]


def _ask(address: dict[str, Any]) -> int | None:
    """The status of a long query's answer; None when the desk went away."""
    headers = {"Authorization": f"Bearer {address['token']}"}
    url = f"{address['url']}/api/v1/commands/sql"
    try:
        return httpx.post(url, json={"query": SLOW}, headers=headers, timeout=60).status_code
    except httpx.HTTPError:
        return None
