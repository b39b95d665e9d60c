"""The dashboard for Grafana, as data: rows of panels, each with its query."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

SOURCE = {"type": "prometheus", "uid": "prometheus"}
WIDTH, HEIGHT, ROW = 8, 7, 24


@dataclass(frozen=True, slots=True)
class Panel:
    """One chart; `unit` is Grafana's word for it, `legend` names a series by its labels."""

    title: str
    query: str
    unit: str = "short"
    legend: str = ""
    kind: str = "timeseries"


def _p95(metric: str, label: str) -> str:
    return f"histogram_quantile(0.95, sum by (le, {label}) (rate({metric}_bucket[10m])))"


ROWS: dict[str, tuple[Panel, ...]] = {
    "The desk": (
        Panel("Answers", 'up{job="openbell"}', kind="stat"),
        Panel("Datasets by freshness", "openbell_datasets", legend="{{freshness}}"),
        Panel("Hosts down", 'openbell_upstream_breaker_state{state="open"}', legend="{{host}}"),
        Panel("Age of data", "openbell_dataset_age_seconds", "s", "{{dataset}}"),
        Panel("Backup and drill", "openbell_backup_age_seconds", "s", "backup", "stat"),
        Panel("Errors", "sum by (kind) (rate(openbell_errors_total[10m]))", "ops", "{{kind}}"),
    ),
    "Pulls": (
        Panel(
            "Pulls by outcome",
            "sum by (state) (increase(openbell_pulls_total[1h]))",
            legend="{{state}}",
        ),
        Panel(
            "Rows by outcome",
            "sum by (kind) (increase(openbell_pull_rows_total[1h]))",
            legend="{{kind}}",
        ),
        Panel("Length, p95", _p95("openbell_pull_duration_seconds", "dataset"), "s", "{{dataset}}"),
        Panel(
            "Requests by status",
            "sum by (host, status) (rate(openbell_http_requests_total[5m]))",
            "reqps",
            "{{host}} {{status}}",
        ),
        Panel(
            "Tried again",
            "sum by (host) (rate(openbell_http_retries_total[5m]))",
            "reqps",
            "{{host}}",
        ),
        Panel(
            "Wait for the limiter, p95",
            _p95("openbell_limiter_wait_seconds", "limiter"),
            "s",
            "{{limiter}}",
        ),
    ),
    "Jobs": (
        Panel("Jobs by status", "openbell_queue_jobs", legend="{{status}}"),
        Panel(
            "Latency of the queue, p95",
            _p95("openbell_queue_latency_seconds", "event"),
            "s",
            "{{event}}",
        ),
        Panel("Length, p95", _p95("openbell_job_duration_seconds", "event"), "s", "{{event}}"),
        Panel("Scan, p95", _p95("openbell_scan_duration_seconds", "trigger"), "s", "{{trigger}}"),
        Panel("Grading, p95", _p95("openbell_grading_duration_seconds", "scope"), "s", "{{scope}}"),
        Panel(
            "Events", "sum by (severity) (increase(openbell_events_total[1h]))",
            legend="{{severity}}",
        ),
    ),
    "Data": (
        Panel("Facts", "openbell_facts_stored"),
        Panel("Filings", "openbell_filings_stored"),
        Panel("Filings by grade", "openbell_grades", legend="{{grade}}"),
        Panel("Findings", "openbell_findings", legend="{{severity}}"),
        Panel("Checks", "openbell_reconciliation_checks", legend="{{severity}}"),
        Panel("Candidates", "openbell_candidates", kind="stat"),
        Panel("Alerts sent", "sum by (sink, outcome) (increase(openbell_alerts_total[1h]))",
              legend="{{sink}} {{outcome}}"),
    ),
    "Process": (
        Panel("Memory", "openbell_resident_memory_bytes", "bytes"),
        Panel("Loop lag", "openbell_event_loop_lag_seconds", "s", "{{loop}}"),
        Panel("API, p95", _p95("openbell_api_request_duration_seconds", "route"), "s", "{{route}}"),
        Panel("Commands, p95", _p95("openbell_command_duration_seconds", "command"), "s",
              "{{command}}"),
        Panel("Keeps the desk from serving", "openbell_check_failing", "short", "{{check}}"),
        Panel("Room on the disk", "openbell_disk_free_bytes", "bytes"),
        Panel("Store", "openbell_store_bytes", "bytes"),
    ),
}  # fmt: skip


def queries() -> list[str]:
    """Every query of the dashboard."""
    return [panel.query for panels in ROWS.values() for panel in panels]


def dashboard() -> dict[str, Any]:
    """The dashboard as Grafana reads it."""
    return {
        "uid": "openbell",
        "title": "Openbell",
        "tags": ["openbell"],
        "schemaVersion": 39,
        "refresh": "30s",
        "time": {"from": "now-24h", "to": "now"},
        "timezone": "browser",
        "panels": list(_panels()),
    }


def _panels() -> Iterator[dict[str, Any]]:
    number, top = 1, 0
    for title, panels in ROWS.items():
        place = {"x": 0, "y": top, "w": ROW, "h": 1}
        yield {"id": number, "type": "row", "title": title, "gridPos": place, "collapsed": False}
        number, top = number + 1, top + 1
        for index, panel in enumerate(panels):
            line, column = divmod(index, ROW // WIDTH)
            place = {"x": column * WIDTH, "y": top + line * HEIGHT, "w": WIDTH, "h": HEIGHT}
            yield _panel(number, panel, place)
            number += 1
        top += HEIGHT * -(-len(panels) // (ROW // WIDTH))


def _panel(number: int, panel: Panel, place: dict[str, int]) -> dict[str, Any]:
    target = {
        "refId": "A",
        "datasource": SOURCE,
        "expr": panel.query,
        "legendFormat": panel.legend or "__auto",
    }
    return {
        "id": number,
        "type": panel.kind,
        "title": panel.title,
        "datasource": SOURCE,
        "gridPos": place,
        "fieldConfig": {"defaults": {"unit": panel.unit}, "overrides": []},
        "targets": [target],
    }
