"""The alert rules of Prometheus, each with series in which it fires and in which it is silent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

STEP = "1m"


@dataclass(frozen=True, slots=True)
class AlertRule:
    """One rule. `series` has its labels; values are those of a minute each, in promtool's words.

    It fires at `at` under `fires` and says nothing under `silent`.
    """

    name: str
    expression: str
    lasting: str
    severity: str
    summary: str
    series: str
    fires: str
    silent: str
    at: str = "60m"

    def document(self) -> dict[str, Any]:
        """The rule as Prometheus reads it."""
        return {
            "alert": self.name,
            "expr": self.expression,
            "for": self.lasting,
            "labels": {"severity": self.severity},
            "annotations": {"summary": self.summary},
        }

    def cases(self) -> list[dict[str, Any]]:
        """The two cases as promtool reads them."""
        return [self._case(self.fires, fires=True), self._case(self.silent, fires=False)]

    def _case(self, values: str, *, fires: bool) -> dict[str, Any]:
        labels = self.series.partition("{")[2].rstrip("}")
        known = dict(pair.split("=") for pair in labels.split(",")) if labels else {}
        alert = {
            "exp_labels": {
                **{name: text.strip('"') for name, text in known.items()},
                "severity": self.severity,  # the rule's own label covers one of the series
            },
            "exp_annotations": {"summary": self.summary},
        }
        return {
            "interval": STEP,
            "input_series": [{"series": self.series, "values": values}],
            "alert_rule_test": [
                {
                    "eval_time": self.at,
                    "alertname": self.name,
                    "exp_alerts": [alert] if fires else [],
                }
            ],
        }


RULES = (
    AlertRule(
        "DeskDown", 'up{job="openbell"} == 0', "2m", "critical", "The desk does not answer.",
        'up{job="openbell"}', "0x60", "1x60",
    ),
    AlertRule(
        "DeskNotServing", "openbell_check_failing == 1", "1m", "critical",
        "Store, queue, disk or engine keep the desk from serving: /api/health/ready says why.",
        'openbell_check_failing{check="queue"}', "1x60", "0x60",
    ),
    AlertRule(
        "DatasetsBehind", 'openbell_datasets{freshness=~"overdue|failing"} > 0', "10m", "warning",
        "Datasets missed their refresh.", 'openbell_datasets{freshness="overdue"}', "2x60", "0x60",
    ),
    AlertRule(
        "PullsFail", 'increase(openbell_pulls_total{state="failed"}[30m]) >= 3', "0m", "warning",
        "Pulls of a dataset fail again and again.",
        'openbell_pulls_total{dataset="prices.daily",state="failed"}', "0+1x60", "5x60",
    ),
    AlertRule(
        "UpstreamDown", 'openbell_upstream_breaker_state{state="open"} == 1', "5m", "warning",
        "A host is no longer asked, because it does not answer.",
        'openbell_upstream_breaker_state{host="SEC",state="open"}', "1x60", "0x60",
    ),
    AlertRule(
        "JobsGivenUp", 'openbell_queue_jobs{status="dead"} > 0', "1m", "warning",
        "Jobs were given up and wait for somebody: python -m app jobs list.",
        'openbell_queue_jobs{status="dead"}', "1x60", "0x60",
    ),
    AlertRule(
        "QueueStandsStill", "openbell_queue_oldest_seconds > 600", "5m", "critical",
        "A job has been due for ten minutes and nobody runs it.",
        "openbell_queue_oldest_seconds", "0+60x60", "30x60",
    ),
    AlertRule(
        "BackupOld", "openbell_backup_age_seconds > 129600", "0m", "critical",
        "No backup was made and verified for 36 hours.",
        "openbell_backup_age_seconds", "129000+60x60", "3600x60",
    ),
    AlertRule(
        "BackupAtHomeOnly", "openbell_backup_copy_age_seconds > 259200", "0m", "warning",
        "No backup has reached its second place for three days.",
        "openbell_backup_copy_age_seconds", "259000+60x60", "3600x60",
    ),
    AlertRule(
        "DrillOld", "openbell_drill_age_seconds > 1296000", "0m", "warning",
        "No backup was restored aside and found equal for 15 days.",
        "openbell_drill_age_seconds", "1295000+60x60", "86400x60",
    ),
    AlertRule(
        "DiskAlmostFull", "openbell_disk_free_bytes < 1e9", "5m", "critical",
        "Less than 1 GB is left for the data folder.",
        "openbell_disk_free_bytes", "5e8x60", "5e10x60",
    ),
    AlertRule(
        "LoopHeldUp", "openbell_event_loop_lag_seconds > 1", "5m", "warning",
        "An event loop is late by more than a second: pages stand still.",
        'openbell_event_loop_lag_seconds{loop="server"}', "3x60", "0.01x60",
    ),
    AlertRule(
        "MemoryHigh", "openbell_resident_memory_bytes > 2e9", "15m", "warning",
        "The desk takes more than 2 GB of memory.",
        "openbell_resident_memory_bytes", "3e9x60", "4e8x60",
    ),
    AlertRule(
        "DataDisagrees", 'openbell_reconciliation_checks{severity=~"error|critical"} > 0', "0m",
        "warning", "The last reconciliation found errors.",
        'openbell_reconciliation_checks{severity="error"}', "1x60", "0x60",
    ),
    AlertRule(
        "UnexpectedErrors", 'increase(openbell_errors_total{kind="unexpected"}[15m]) > 0', "0m",
        "warning", "Work ended with an error that nobody foresaw: look into the log.",
        'openbell_errors_total{kind="unexpected"}', "0x50 1+1x10", "4x60",
    ),
    AlertRule(
        "TrailNotSigned", "openbell_audit_checkpoint_age_seconds > 259200", "0m", "warning",
        "The chain of who did what was not signed for three days.",
        "openbell_audit_checkpoint_age_seconds", "259000+60x60", "3600x60",
    ),
    AlertRule(
        "AlertsNotDelivered", 'increase(openbell_alerts_total{outcome="failed"}[30m]) >= 3', "0m",
        "critical", "Alerts of the desk do not reach their place.",
        'openbell_alerts_total{outcome="failed",sink="mail"}', "0+1x60", "2x60",
    ),
)  # fmt: skip
