"""Letters: alerts, digests and tests in words, and as the data of webhooks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from html import escape
from typing import TYPE_CHECKING, Any

from core.domain.alerts.rules import rank
from core.domain.alerts.timing import MARKET
from core.observe.events import KINDS
from core.sources.outward.letter import Letter
from core.store import events
from core.store.alerts import Alert
from core.store.deliveries import Delivery

if TYPE_CHECKING:
    from core.service.desk import Desk

DIGEST, TEST, BRIEF = "digest", "test", "brief.made"
LONGEST_TITLE = 120
MOST_LINES = 200


def of_alert(desk: Desk, delivery: Delivery, alert: Alert, began: Alert | None) -> Letter:
    """The letter of one alert; `began` is the trouble that it ends and that was not told yet."""
    lines = [_line(began)] if began else []
    if alert.kind == BRIEF:
        event = events.get(desk.warehouse, alert.event_id)
        lines = [*(event or {}).get("lines", ()), ""]
    lines += [_line(alert), "", f"{_title(alert)}", f"See {_address(desk, alert)}"]
    lines.append(f"Id {delivery.delivery_id}")
    return Letter(
        letter_id=delivery.delivery_id,
        kind=alert.kind,
        severity=alert.severity,
        at=alert.happened_at,
        title=_headed(desk, alert.severity, alert.message),
        text="\n".join(lines),
        data=_data(desk, alert, began),
        html=_page(desk, lines) if alert.kind == BRIEF else "",
    )


def of_digest(desk: Desk, delivery: Delivery) -> Letter:
    """The letter of what was gathered."""
    content = delivery.content
    items: Sequence[Mapping[str, Any]] = content["alerts"]
    gravest = max((str(item["severity"]) for item in items), key=rank)
    lines = [str(item["line"]) for item in items[:MOST_LINES]]
    if len(items) > MOST_LINES:
        lines.append(f"and {len(items) - MOST_LINES} more")
    lines += ["", f"See {_base(desk)}/alerts", f"Id {delivery.delivery_id}"]
    return Letter(
        letter_id=delivery.delivery_id,
        kind=DIGEST,
        severity=gravest,
        at=delivery.made_at,
        title=_headed(desk, gravest, f"{len(items)} alerts gathered"),
        text="\n".join(lines),
        data={"simulated": desk.settings.simulated, "alerts": [dict(item) for item in items]},
    )


def gathered(alerts: Sequence[Alert]) -> dict[str, Any]:
    """What a digest holds of some alerts."""
    return {
        "alerts": [
            {
                "id": alert.alert_id,
                "kind": alert.kind,
                "subject": alert.subject,
                "severity": alert.severity,
                "at": alert.happened_at,
                "ended_at": alert.ended_at,
                "line": _line(alert),
            }
            for alert in alerts
        ]
    }


def of_test(desk: Desk, letter_id: str, who: str) -> Letter:
    """The letter of a test."""
    text = f"A test by {who}. Alerts of this desk come to this place.\nId {letter_id}"
    return Letter(
        letter_id=letter_id,
        kind=TEST,
        severity="info",
        at=desk.now(),
        title=_headed(desk, "info", "a test"),
        text=text,
        data={"by": who, "simulated": desk.settings.simulated},
    )


def _headed(desk: Desk, severity: str, words: str) -> str:
    head = "Openbell (simulated)" if desk.settings.simulated else "Openbell"
    grave = f" {severity.upper()}" if severity in ("error", "critical") else ""
    return f"{head}{grave}: {' '.join(words.split())}"[:LONGEST_TITLE]


def _line(alert: Alert) -> str:
    over = f"; over since {_when(alert.ended_at)}" if alert.ended_at and not alert.ends else ""
    return f"{_when(alert.happened_at)}  {' '.join(alert.message.split())}{over}"


def _when(at: datetime) -> str:
    return f"{at.astimezone(MARKET):%a %d %b %H:%M} ET"


def _title(alert: Alert) -> str:
    kind = KINDS.get(alert.kind)
    return kind.title if kind else alert.kind


def _page(desk: Desk, lines: Sequence[str]) -> str:
    """Lines of text as a page, for places that show one; while that is tried out."""
    if not desk.settings.tries("alert_html"):
        return ""
    heads = [f"<h3>{escape(x)}</h3>" if x.endswith(":") else f"<p>{escape(x)}</p>" for x in lines]
    return "<html><body>" + "".join(heads) + "</body></html>"


def _data(desk: Desk, alert: Alert, began: Alert | None) -> dict[str, Any]:
    return {
        "id": alert.alert_id,
        "event_id": alert.event_id,
        "kind": alert.kind,
        "subject": alert.subject,
        "severity": alert.severity,
        "message": alert.message,
        "at": alert.happened_at,
        "trouble": alert.trouble,
        "ends": alert.ends,
        "began_at": began.happened_at if began else None,
        "simulated": desk.settings.simulated,
        "url": _address(desk, alert),
    }


def _address(desk: Desk, alert: Alert) -> str:
    return f"{_base(desk)}/activity?event={alert.event_id}"


def _base(desk: Desk) -> str:
    names = [name for name in desk.settings.allowed_hosts if "*" not in name]
    return f"http://{names[0] if names else desk.settings.host}:{desk.settings.port}"
