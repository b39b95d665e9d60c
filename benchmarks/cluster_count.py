"""What came of a broken cluster: what was acknowledged is compared with what is in the store."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path

from benchmarks.cluster_load import Kept
from core import settings
from core.catalogue import Catalogue
from core.domain.timetable.windows import policy_of, schedule_of, window_at
from core.store.following import FollowedWarehouse
from core.store.lake import LakeEngine
from tests.cluster_rig import Cluster

STILL_SECONDS = 120.0


@dataclass
class Report:
    """What came of all kills and cuts."""

    kills: int = 0
    cuts: dict[str, int] = field(default_factory=dict)
    windows: int = 0
    windows_lost: int = 0
    windows_doubled: int = 0
    commits: int = 0
    commits_of_an_old_epoch: int = 0
    plans: int = 0
    plans_lost: int = 0
    entries: int = 0
    entries_lost: int = 0
    entries_doubled: int = 0
    answers: dict[str, int] = field(default_factory=dict)
    errors: dict[str, int] = field(default_factory=dict)
    takeover_seconds: dict[str, float] = field(default_factory=dict)
    writable_seconds: dict[str, float] = field(default_factory=dict)
    after_cut_seconds: dict[str, float] = field(default_factory=dict)
    read_seconds: dict[str, float] = field(default_factory=dict)
    seconds: float = 0.0

    @property
    def clean(self) -> bool:
        """Whether every promise was kept."""
        return not (
            self.windows_lost
            + self.windows_doubled
            + self.commits_of_an_old_epoch
            + self.plans_lost
            + self.entries_lost
            + self.entries_doubled
            + self.answers.get("error", 0)
        )


def count(
    folder: Path, cluster: Cluster, kept: Kept, report: Report, ran: tuple[datetime, datetime]
) -> None:
    """Wait for what is owed, and compare the store with what was acknowledged."""
    engine = cluster.engines[0]
    chosen = settings.load(
        data_dir=folder / "count",
        role="desk",
        store_url=engine.environment["OPENBELL_STORE_URL"],
        queue_url=engine.environment["OPENBELL_QUEUE_URL"],
        **{
            name.removeprefix("OPENBELL_").lower(): value
            for name, value in engine.environment.items()
            if name.startswith("OPENBELL_LAKE_")
        },
    )
    assert chosen.lake is not None
    store = FollowedWarehouse.follow(LakeEngine(chosen.lake, folder / "count.duckdb"))
    wanted = windows(Catalogue.load(folder / "catalogue.toml", {}), *ran)

    def answered() -> Counter[str]:
        done = store.read_anew(
            "SELECT window_id FROM pulls WHERE state IN ('done', 'unchanged', 'partial')"
            " AND due_at IS NOT NULL AND owed IS NOT TRUE"
        )
        return Counter(done["window_id"].to_list())

    found = drained(answered, wanted)
    report.windows = len(wanted)
    report.windows_lost = len(wanted - set(found))
    report.windows_doubled = sum(found[window] > 1 for window in wanted)
    plans = store.read_anew("SELECT plan_id FROM plans")["plan_id"].to_list()
    report.plans, report.plans_lost = len(kept.plans), len(kept.plans - set(plans))
    booked = Counter(store.read_anew("SELECT memo FROM journal_entries")["memo"].to_list())
    report.entries = len(kept.memos)
    report.entries_lost = sum(memo not in booked for memo in kept.memos)
    report.entries_doubled = sum(booked[memo] > 1 for memo in booked if "desk-" in str(memo))
    store.close()
    rows = cluster.sql("SELECT epoch FROM watched_commits ORDER BY snapshot")
    epochs = [row[0] or 0 for row in rows]
    report.commits = len(epochs)
    report.commits_of_an_old_epoch = sum(b < a for a, b in pairwise(epochs))


def drained(answered: Callable[[], Counter[str]], wanted: set[str]) -> Counter[str]:
    """What is answered once all is that is wanted, or nothing more has been for STILL_SECONDS."""
    found, since = answered(), time.monotonic()
    while not wanted <= set(found) and time.monotonic() - since < STILL_SECONDS:
        time.sleep(1.0)
        if len(later := answered()) > len(found):
            found, since = later, time.monotonic()
    return found


def windows(known: Catalogue, since: datetime, end: datetime) -> set[str]:
    """Ids of all windows that came due meanwhile."""
    found = set()
    for dataset in known.enabled:
        schedule, policy = schedule_of(dataset), policy_of(dataset)
        for due in schedule.between(since, end - timedelta(seconds=1)):
            found.add(window_at(dataset.name, schedule, due, policy).id)
    return found
