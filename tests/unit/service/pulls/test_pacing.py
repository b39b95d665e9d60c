"""What paces a pull: its own count, or what earlier pulls of its dataset took."""

from __future__ import annotations

from datetime import timedelta

import pytest

from core.domain.tables.pace import Pace
from core.service.desk import Desk
from core.service.pulls import pacing
from core.sources.pulled import Progress
from core.store import pulls as records
from tests.filled import fill

ELAPSED = 4.0


def paced(desk: Desk, dataset: str, percent: float) -> Pace:
    """The pace of a pull that runs for four seconds and tells that percent."""
    job_id = desk.queue.publish("pull", {"dataset": dataset}).job_id
    desk.queue.claim("worker", timedelta(minutes=1))
    desk.board.start(job_id, dataset)
    desk.board.report(job_id, Progress("half way", rows=500, percent=percent))
    job = desk.queue.get(job_id)
    assert job
    return pacing.of_pull(desk, job, desk.board.get(job_id), ELAPSED)


@pytest.mark.parametrize("dataset", ["sec.facts", "prices.minute"])
def test_its_own_count_tells(desk: Desk, dataset: str) -> None:
    """Of the SEC always; of the container where no pull of the dataset came before."""
    found = paced(fill(desk), dataset, 50.0)
    assert (found.percent, found.rows_per_second) == (50.0, 125.0)


def test_percent_of_the_container_are_steps_where_earlier_pulls_tell(desk: Desk) -> None:
    """What those took is nearer than how many steps are done."""
    usual = records.usual_seconds(fill(desk).warehouse, "prices.daily")
    assert usual
    found = paced(desk, "prices.daily", 50.0)
    assert found.percent == pytest.approx(min(100 * ELAPSED / usual, 99.0))
    assert found.percent != 50.0


def test_a_pull_of_a_dataset_that_is_gone_from_the_catalogue_has_its_own_count(desk: Desk) -> None:
    """Its job still runs, and earlier pulls are known: a page that shows it goes on."""
    with fill(desk).warehouse.transaction() as tx:
        tx.execute("UPDATE pulls SET dataset = 'gone' WHERE dataset = 'prices.daily'")
    assert paced(desk, "gone", 50.0).percent == 50.0
