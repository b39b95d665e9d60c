"""Rules of alerts: which events somebody is told of, how grave they must be, and where to.

A rule is data: everybody may change theirs. What is not kept yet are the rules of `DEFAULTS`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from fnmatch import fnmatchcase
from zoneinfo import ZoneInfo

ORDER = ("info", "warning", "error", "critical")  # of severities, mildest first
DESK = "desk"  # the reader that stands for all: what it is told goes outside
BELL, NOTIFY, WEBHOOK = "bell", "notify", "webhook"
SINK = re.compile(rf"{BELL}|({NOTIFY}|{WEBHOOK})(:[a-z0-9][a-z0-9._-]{{0,60}})?")
QUIET = re.compile(r"([01]\d|2[0-3]):[0-5]\d-([01]\d|2[0-3]):[0-5]\d")


@dataclass(frozen=True, slots=True)
class Occurrence:
    """What a rule looks at of an event; the trouble of its kind, and whether it begins or ends.

    `part` tells apart what one event says of several troubles.
    """

    event_id: str
    at: datetime
    kind: str
    subject: str
    severity: str
    message: str
    trouble: str | None = None
    phase: str | None = None
    part: str = ""

    @property
    def ends(self) -> bool:
        """Whether it tells that a trouble is over."""
        return self.phase == "ends"


@dataclass(frozen=True, slots=True)
class AlertRule:
    """Tell of events of these kinds (or groups; none: all), from a severity on, at these sinks.

    `subject` is a pattern with `*`. `quiet` are hours of the reader's clock (`22:00-06:00`) in
    which only what is critical is told outside; the rest comes after them.
    """

    rule_id: str
    name: str
    kinds: tuple[str, ...] = ()
    subject: str = ""
    severity: str = "info"
    quiet: str = ""
    sinks: tuple[str, ...] = (BELL,)
    enabled: bool = True

    def matches(self, event: Occurrence) -> bool:
        """Whether the rule tells of an event."""
        group = event.kind.partition(".")[0]
        return (
            self.enabled
            and (not self.kinds or event.kind in self.kinds or group in self.kinds)
            and (not self.subject or fnmatchcase(event.subject.lower(), self.subject.lower()))
            and rank(event.severity) >= rank(self.severity)
        )


_TROUBLES = AlertRule("troubles", "Troubles of the desk", severity="error")
DEFAULTS: dict[str, tuple[AlertRule, ...]] = {
    DESK: (
        AlertRule("troubles", "Troubles of the desk", severity="error", sinks=(NOTIFY, WEBHOOK)),
        AlertRule("brief", "The brief before the open", kinds=("brief",), sinks=(NOTIFY, WEBHOOK)),
    ),
    "": (  # of each reader
        _TROUBLES,
        AlertRule("brief", "The brief before the open", kinds=("brief",)),
        AlertRule(
            "followed",
            "Followed names: filings, grades, candidates",
            kinds=("filing.new", "filing.downgraded", "filing.withdrawn", "candidate.listed"),
        ),
        AlertRule("limits", "Limits at 80 and 100 %", kinds=("limit",), severity="warning"),
        AlertRule("fills", "Fills and closed positions", kinds=("plan.filled", "plan.closed")),
    ),
}


def defaults(reader: str) -> tuple[AlertRule, ...]:
    """The rules of somebody who has changed none."""
    return DEFAULTS.get(reader, DEFAULTS[""])


def rank(severity: str) -> int:
    """The place of a severity, mildest first."""
    return ORDER.index(severity)


def fault(rule: AlertRule, kinds: Iterable[str]) -> str | None:
    """What is wrong with a rule, in words; `kinds` are those and the groups that there are."""
    unknown = sorted(set(rule.kinds) - set(kinds))
    wrong = [sink for sink in rule.sinks if not SINK.fullmatch(sink)]
    if not 0 < len(rule.name.strip()) <= 80:
        return "a rule needs a name of 1 to 80 letters"
    if unknown:
        return f"there is no kind of event {unknown[0]!r}"
    if rule.severity not in ORDER:
        return f"severity must be one of {', '.join(ORDER)}"
    if rule.quiet and not QUIET.fullmatch(rule.quiet):
        return "quiet hours must be like 22:00-06:00"
    if not rule.sinks or wrong:
        return "a rule tells at bell, notify, notify:NAME, webhook or webhook:NAME"
    return "a pattern of subjects has 200 letters at most" if len(rule.subject) > 200 else None


def quiet_until(quiet: str, zone: str, now: datetime) -> datetime | None:
    """When the quiet hours end that `now` falls into; None outside of them."""
    if not quiet:
        return None
    begins, ends = (time.fromisoformat(part) for part in quiet.split("-"))
    here = now.astimezone(ZoneInfo(zone))
    for day in (here.date() - timedelta(days=1), here.date()):
        start = datetime.combine(day, begins, here.tzinfo)
        after = day if ends > begins else day + timedelta(days=1)
        end = datetime.combine(after, ends, here.tzinfo)
        if start <= here < end:
            return end.astimezone(now.tzinfo)
    return None


def matching(rules: Sequence[AlertRule], event: Occurrence) -> list[AlertRule]:
    """The rules that tell of an event."""
    return [rule for rule in rules if rule.matches(event)]
