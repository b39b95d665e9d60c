"""Reconciliation: is our copy right? Severities of the six checks, the worst, and the drift."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

SEVERITIES = ("info", "warning", "error", "critical")


@dataclass(frozen=True, slots=True)
class CheckSpec:
    """A check: what it says, and from which share of affected rows on it is how severe.

    `limits` are shares (0-1) above which a finding is a warning, an error, critical; a share of 0
    means that any affected row is enough.
    """

    name: str
    title: str
    unit: str
    limits: tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class CheckResult:
    """Outcome of one check of one run."""

    name: str
    title: str
    severity: str
    affected: int
    checked: int
    message: str
    sample: Sequence[Mapping[str, Any]]
    drift: int | None = None  # affected rows more (or fewer) than in the last run


CHECKS: tuple[CheckSpec, ...] = (
    CheckSpec("filings_graded", "Filings listed by the SEC against filings graded", "reports",
              (0.0, 0.05, 0.5)),
    CheckSpec("filings_and_facts", "Filings without facts, facts without filings", "filings",
              (0.0, 0.10, 0.5)),
    CheckSpec("values", "Normalised values equal their source facts", "values", (0.0, 0.0, 0.01)),
    CheckSpec("duplicates", "Rows that share a natural key", "rows", (0.0, 0.0, 0.01)),
    CheckSpec("completeness", "Followed companies with their documents and values", "documents",
              (0.0, 0.25, 0.8)),
    CheckSpec("references", "Company, filing, fact and grade refer to each other", "references",
              (0.0, 0.01, 0.10)),
)  # fmt: skip


def severity(spec: CheckSpec, affected: int, checked: int) -> str:
    """info, warning, error or critical, by the share of rows affected."""
    if not affected:
        return "info"
    share = affected / max(checked, affected)
    level = sum(share > limit for limit in spec.limits)
    return SEVERITIES[level]


def judge(
    spec: CheckSpec,
    affected: int,
    checked: int,
    sample: Sequence[Mapping[str, Any]],
    before: int | None = None,
    uncovered: int = 0,
) -> CheckResult:
    """The check with severity, a sentence, and the drift since the run before.

    Rows that are `uncovered` (older or newer than what was pulled to compare with) are no fault of
    the copy: they warn at most.
    """
    found = severity(spec, affected - uncovered, checked)
    if uncovered:
        found = max(found, "warning", key=SEVERITIES.index)
    drift = None if before is None else affected - before
    message = f"{affected:,} of {checked:,} {spec.unit} affected."
    if not affected:
        message = f"All {checked:,} {spec.unit} are right." if checked else "Nothing to check yet."
    if uncovered:
        message += f" {uncovered:,} of them are beyond what was pulled to compare with."
    if drift:
        message += f" {abs(drift):,} {'more' if drift > 0 else 'fewer'} than in the last run."
    return CheckResult(spec.name, spec.title, found, affected, checked, message, sample, drift)


def worst(checks: Sequence[CheckResult]) -> str:
    """The highest severity; info without checks."""
    return max((check.severity for check in checks), key=SEVERITIES.index, default="info")


def must_alarm(level: str) -> bool:
    """Whether a run should end with the exit code of errors found."""
    return SEVERITIES.index(level) >= SEVERITIES.index("error")
