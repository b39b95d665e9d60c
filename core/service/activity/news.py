"""News for whoever has a page open: events that nobody there has caused by pressing a button."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from core.domain.timetable.windows import schedule_of
from core.observe.events import KINDS
from core.service.activity import feed
from core.store.events import EventFilter

if TYPE_CHECKING:
    from core.service.desk import Desk

BY_ITSELF = ("schedule", "catch-up", "webhook")
MOST = 50
_NEVER = ("pull.failed", "pull.cancelled")  # one that is not tried again is a dead job
_PULLS = ("pull.done", "pull.unchanged", "pull.partial")
_EVERYTHING = EventFilter()


@dataclass(frozen=True, slots=True)
class News:
    """One thing to tell: a sentence, and whether it is a good one."""

    event_id: str
    kind: str
    sentence: str
    good: bool


def news(desk: Desk, after: str | None) -> tuple[list[News], str]:
    """What happened by itself after an event, and the id to ask with next time.

    None asks for the id only, so that a page that has just been opened is told nothing old.
    """
    if after is None:
        return [], feed.last_id(desk)
    fresh = feed.following(desk, _EVERYTHING, after, MOST)
    told = [_news(event) for event in fresh if not _repeats(desk, event)]
    found = [item for item in told if item is not None]
    return found, fresh[-1]["id"] if fresh else after


def _repeats(desk: Desk, event: Mapping[str, Any]) -> bool:
    """Whether it is a good pull of a dataset that is pulled every few minutes just then."""
    if event["kind"] not in ("pull.done", "pull.unchanged"):
        return False
    dataset = desk.catalogue.datasets.get(event["subject"])
    if dataset is None or not dataset.schedule:
        return False
    return schedule_of(dataset).rhythm(event["at"]) is not None


def _news(event: Mapping[str, Any]) -> News | None:
    kind = KINDS.get(event["kind"])
    if kind is None or not _is_news(event):
        return None
    good = kind.phase == "ends" or event["severity"] == "info"
    return News(event["id"], event["kind"], event["message"], good)


def _is_news(event: Mapping[str, Any]) -> bool:
    name, after = event["kind"], event["after"] or {}
    if name in _NEVER:
        return False
    if name in _PULLS or name == "scan.made":
        return after.get("trigger") in BY_ITSELF
    if name == "job.dead":  # whoever pressed the button of a pull is told by the button
        return not (after.get("job") == "pull" and after.get("trigger") == "manual")
    kind = KINDS[name]
    ends = kind.phase == "ends" and kind.steady
    return ends or event["severity"] != "info" or name in ("filing.new", "candidate.listed")
