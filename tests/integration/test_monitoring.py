"""What `deploy/` ships is what the code makes, asks for what there is, and does what it says."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from core.observe import metrics
from core.places import ROOT
from tools import monitoring
from tools.alert_rules import RULES

PROMETHEUS = ROOT / "deploy" / "prometheus"


def run(program: str, *words: str | Path) -> str:
    """What a program says; the test is left out where it is not installed."""
    if shutil.which(program) is None:
        pytest.skip(f"{program} is not installed (Debian: prometheus, prometheus-alertmanager)")
    found = subprocess.run([program, *words], capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stdout + found.stderr
    return found.stdout


@pytest.mark.parametrize("name", monitoring.FILES)
def test_files_are_what_the_code_makes(name: str) -> None:
    """Nobody edits them by hand: python -m tools.monitoring."""
    assert (monitoring.DEPLOY / name).read_text() == monitoring.FILES[name]()


@pytest.mark.parametrize("query", monitoring.expressions())
def test_queries_ask_for_what_the_desk_tells(query: str) -> None:
    """Metrics by their names, labels that those have."""
    assert list(monitoring.unknown(query)) == []


def test_a_wrong_query_would_be_found() -> None:
    """A metric, a label and a grouping that do not exist, and a bucket of what has none."""
    wrong = {
        "openbell_nothing": "no metric openbell_nothing",
        'openbell_queue_jobs{state="dead"}': "openbell_queue_jobs has no label state",
        "sum by (colour) (openbell_queue_jobs)": "no label colour to group by",
        "openbell_queue_jobs_bucket": "no metric openbell_queue_jobs_bucket",
    }
    for query, told in wrong.items():
        assert list(monitoring.unknown(query)) == [told]


def test_every_rule_has_a_firing_and_a_silent_case() -> None:
    """And promtool finds both as they should be."""
    cases = yaml.safe_load((PROMETHEUS / "alerts_test.yml").read_text())["tests"]
    for rule in RULES:
        tried = [c["alert_rule_test"][0] for c in cases]
        counts = [len(t["exp_alerts"]) for t in tried if t["alertname"] == rule.name]
        assert sorted(counts) == [0, 1]
    run("promtool", "check", "rules", PROMETHEUS / "alerts.yml")
    run("promtool", "test", "rules", PROMETHEUS / "alerts_test.yml")


def test_a_rule_that_never_fires_would_be_found(tmp_path: Path) -> None:
    """The cases judge: with another threshold promtool is not content."""
    if shutil.which("promtool") is None:
        pytest.skip("promtool is not installed")
    for name in ("alerts.yml", "alerts_test.yml"):
        text = (PROMETHEUS / name).read_text()
        (tmp_path / name).write_text(text.replace("age_seconds > 129600", "age_seconds > 1e12"))
    found = subprocess.run(
        ["promtool", "test", "rules", tmp_path / "alerts_test.yml"],
        capture_output=True,
        check=False,
    )
    assert found.returncode != 0


def test_the_configurations_are_valid() -> None:
    """Of Prometheus and Alertmanager, as their own tools judge."""
    run("promtool", "check", "config", "--syntax-only", PROMETHEUS / "prometheus.yml")
    run("amtool", "check-config", ROOT / "deploy" / "alertmanager" / "alertmanager.yml")


def test_the_dashboard_is_whole() -> None:
    """Panels have numbers of their own, do not lie over each other, and each has a query."""
    made = json.loads((ROOT / "deploy" / "grafana" / "dashboards" / "openbell.json").read_text())
    places: set[tuple[int, int]] = set()
    numbers = [panel["id"] for panel in made["panels"]]
    assert len(set(numbers)) == len(numbers)
    for panel in made["panels"]:
        grid = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(grid["x"], grid["x"] + grid["w"])
            for y in range(grid["y"], grid["y"] + grid["h"])
        }
        assert not cells & places
        places |= cells
        assert panel["type"] == "row" or panel["targets"][0]["expr"]


def test_compose_has_a_profile_for_it() -> None:
    """Files that it mounts are there; nothing of it runs without the profile."""
    services = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
    monitored = {name for name, made in services.items() if made.get("profiles") == ["monitoring"]}
    assert monitored == {"prometheus", "alertmanager", "grafana"}
    for name in monitored:
        for volume in services[name]["volumes"]:
            source = volume.partition(":")[0]
            assert not source.startswith("./deploy") or (ROOT / source).is_dir(), source


def test_there_are_metrics_enough_with_units() -> None:
    """30 and more; seconds, bytes and totals are in the names; the issue's own are there."""
    names = {item.name for item in metrics.registered()}
    assert len(names) >= 45
    for item in metrics.registered():
        assert item.text
        assert item.kind != "histogram" or item.name.endswith("_seconds")
    wanted = (
        "queue_latency_seconds http_retries_total scan_duration_seconds grading_duration_seconds "
        "facts_stored filings_stored grades findings reconciliation_checks limiter_wait_seconds "
        "upstream_breaker_state http_requests_total errors_total event_loop_lag_seconds "
        "resident_memory_bytes backup_age_seconds"
    )
    assert {f"openbell_{name}" for name in wanted.split()} <= names
