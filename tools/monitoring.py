"""Writes what `deploy/` holds of rules and dashboard: `python -m tools.monitoring`.

A test fails when a file is not what this would write, and when a query names a metric or a label
that the desk does not have.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import yaml

from core.observe import metrics
from core.places import ROOT
from tools.alert_rules import RULES
from tools.dashboard import dashboard, queries

DEPLOY = ROOT / "deploy"
NOTE = "# Made by: python -m tools.monitoring\n"
FOREIGN = {"up": {"job", "instance"}}  # of Prometheus itself
PARTS = ("_bucket", "_sum", "_count")  # of a histogram
_USED = re.compile(r"\b(openbell_\w+|up)\b(?:\{([^}]*)\})?")
_LABEL = re.compile(r'(\w+)\s*(?:=~|!~|!=|=)\s*"')
_BY = re.compile(r"\bby\s*\(([^)]*)\)")


def rules_file() -> str:
    """The alert rules."""
    group = {"name": "openbell", "rules": [rule.document() for rule in RULES]}
    return NOTE + _yaml({"groups": [group]})


def cases_file() -> str:
    """A firing and a silent case of each, for `promtool test rules`."""
    cases = [case for rule in RULES for case in rule.cases()]
    return NOTE + _yaml({"rule_files": ["alerts.yml"], "evaluation_interval": "1m", "tests": cases})


def dashboard_file() -> str:
    """The dashboard."""
    return json.dumps(dashboard(), indent=1) + "\n"


FILES: Mapping[str, Callable[[], str]] = {
    "prometheus/alerts.yml": rules_file,
    "prometheus/alerts_test.yml": cases_file,
    "grafana/dashboards/openbell.json": dashboard_file,
}


def _yaml(content: Any) -> str:
    text: str = yaml.safe_dump(content, sort_keys=False, width=100, allow_unicode=True)
    return text


def unknown(expression: str) -> Iterator[str]:
    """Metrics and labels of a query that the registry does not have."""
    known = {item.name: item for item in metrics.registered()}
    labels: set[str] = {"le"}
    for name, chosen in _USED.findall(expression):
        base = next(
            (name.removesuffix(part) for part in PARTS if _is_part(name, part, known)), name
        )
        if base in FOREIGN:
            labels |= FOREIGN[base]
        elif base not in known:
            yield f"no metric {name}"
            continue
        else:
            labels |= set(known[base].labels)
        own = FOREIGN.get(base) or set(known[base].labels)
        yield from (f"{name} has no label {label}" for label in _LABEL.findall(chosen)
                    if label not in own)  # fmt: skip
    for group in _BY.findall(expression):
        names = {name.strip() for name in group.split(",")}
        yield from (f"no label {name} to group by" for name in sorted(names - labels))


def _is_part(name: str, part: str, known: Mapping[str, metrics.Registered]) -> bool:
    found = known.get(name.removesuffix(part)) if name.endswith(part) else None
    return found is not None and found.kind == "histogram"


def expressions() -> list[str]:
    """Every query of rules and dashboard."""
    return [*(rule.expression for rule in RULES), *queries()]


def main() -> int:
    """Write the files."""
    for name, make in FILES.items():
        path = DEPLOY / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(make(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
