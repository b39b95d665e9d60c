"""The overdue detector: says which datasets are behind, whatever the scheduler thinks.

It has its own timer and shares nothing with the scheduler but the rules, so a scheduler that hangs,
was never started or lost its clock is noticed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from core.domain.tables.datasets import Dataset
from core.domain.timetable.freshness import DEFAULT_GRACE, Freshness, Turn, in_turn, turn_at
from core.domain.timetable.windows import schedule_of
from core.errors import OpenbellError
from core.observe import logs
from core.observe.events import DESK, Event, Recorder, Unrecorded
from core.store.pull_state import PullState

log = logs.get("overdue")
ALARMING = ("overdue", "failing", "never")


@dataclass(frozen=True, slots=True)
class Overdue:
    """A dataset that should have been pulled and was not."""

    dataset: str
    freshness: Freshness
    last_error: str | None = None

    def __str__(self) -> str:
        minutes = self.freshness.behind.total_seconds() / 60
        behind = f"{minutes / 60:.1f} h" if minutes >= 60 else f"{minutes:.0f} min"
        state = self.freshness.state
        word = "has never been pulled" if state == "never" else f"is {state}"
        text = f"{self.dataset} {word}, {behind} behind its refresh"
        return f"{text}: {self.last_error}" if self.last_error else text


def freshness_of(
    dataset: Dataset, state: PullState, now: datetime, grace: timedelta = DEFAULT_GRACE
) -> Freshness:
    """Freshness of a catalogue entry from what is known of its pulls."""
    return KeptTurns().freshness_of(dataset, state, now, grace)


class KeptTurns:
    """Asks the schedule of a dataset once a turn: pages ask for all of them every second."""

    def __init__(self) -> None:
        self._kept: dict[str, tuple[Dataset, datetime | None, Turn]] = {}

    def freshness_of(
        self, dataset: Dataset, state: PullState, now: datetime, grace: timedelta = DEFAULT_GRACE
    ) -> Freshness:
        """As the function of that name; any thread may ask."""
        return in_turn(
            self._turn(dataset, state.good_until, now),
            now,
            last_success=state.good_until,
            last_failure=state.last_failure,
            grace=grace,
        )

    def _turn(self, dataset: Dataset, good_until: datetime | None, now: datetime) -> Turn:
        known, until, turn = self._kept.get(dataset.name, (None, None, None))
        if turn is not None and known is dataset and until == good_until and turn.holds(now):
            return turn
        turn = turn_at(schedule_of(dataset), now, good_until)
        self._kept[dataset.name] = (dataset, good_until, turn)
        return turn


def find_overdue(
    datasets: Sequence[Dataset],
    states: Mapping[str, PullState],
    now: datetime,
    grace: timedelta = DEFAULT_GRACE,
    began: datetime | None = None,
) -> list[Overdue]:
    """Enabled datasets whose latest refresh has gone unanswered for longer than `grace`, within
    an interval for a few of its steps.

    What was never asked for is not late before the desk that `began` then had that time itself.
    """
    found = []
    for dataset in datasets:
        if not dataset.enabled or not dataset.schedule:
            continue
        state = states.get(dataset.name, PullState())
        fresh = freshness_of(dataset, state, now, grace)
        young = began is not None and fresh.state == "never" and now - began <= fresh.grace
        if fresh.state in ALARMING and fresh.is_late and not young:
            found.append(Overdue(dataset.name, fresh, state.last_error))
    return found


class OverdueDetector:
    """Looks once a minute and reports each dataset once when it falls behind; a `Resource`."""

    def __init__(
        self,
        datasets: Sequence[Dataset],
        states: Callable[[], Mapping[str, PullState]],
        now: Callable[[], datetime],
        *,
        recorder: Recorder | None = None,
        every_seconds: float = 60.0,
        grace: timedelta = DEFAULT_GRACE,
    ) -> None:
        self._datasets = tuple(datasets)
        self._states = states
        self._now = now
        self._events = recorder or Unrecorded()
        self._every = every_seconds
        self._grace = grace
        self._known: set[str] | None = None  # until the first look
        self._began: datetime | None = None
        self._task: asyncio.Task[None] | None = None
        self.overdue: tuple[Overdue, ...] = ()
        self.last_look: datetime | None = None

    def look(self) -> list[Overdue]:
        """Datasets that fell behind since the last look; `overdue` has all that are."""
        now = self._now()
        self._began = self._began or now
        found = find_overdue(self._datasets, self._states(), now, self._grace, self._began)
        self.overdue = tuple(found)
        self.last_look = now
        known, self._known = self._known, {item.dataset for item in self.overdue}
        fresh = [item for item in self.overdue if item.dataset not in (known or ())]
        for item in fresh:
            log.warning("overdue", dataset=item.dataset, state=item.freshness.state)
            self._tell("dataset.overdue", item.dataset, str(item))
        # at the first look nobody knows which were behind before; said of one that was not, it is
        # no news
        before = {dataset.name for dataset in self._datasets} if known is None else known
        for name in sorted(before - self._known):
            self._tell("dataset.recovered", name, f"{name} is no longer behind")
        return fresh

    def _tell(self, kind: str, dataset: str, sentence: str) -> None:
        self._events.record(Event.of(kind, dataset, sentence, who=DESK))

    async def initialize(self) -> None:
        """Start looking."""
        self._task = asyncio.create_task(self._look_for_ever(), name="overdue")

    async def close(self) -> None:
        """Stop looking."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])

    async def _look_for_ever(self) -> None:
        while True:
            try:
                await asyncio.to_thread(self.look)
            except OpenbellError as error:
                log.error("freshness not known", error=str(error))
            await asyncio.sleep(self._every)
