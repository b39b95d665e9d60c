"""What every queue adapter promises. An adapter joins by adding itself to `QUEUES`."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from core.errors import NotFoundError, UsageError, ValidationError
from core.jobs.queue.port import FRONT, Hold, Job, JobQueue, JobStatus, Message
from core.jobs.queue.sqlite import SqliteQueue

LEASE = timedelta(seconds=60)
START = datetime(2025, 7, 1, 13, 25, tzinfo=UTC)


class Clock:
    """A clock that moves when told."""

    def __init__(self) -> None:
        self.instant = START

    def __call__(self) -> datetime:
        return self.instant

    def tick(self, seconds: float) -> None:
        self.instant += timedelta(seconds=seconds)


def sqlite(path: Path, clock: Clock) -> JobQueue:
    return SqliteQueue(path / "queue.sqlite", clock, max_attempts=3, max_deliveries=4)


QUEUES: dict[str, Callable[[Path, Clock], JobQueue]] = {"sqlite": sqlite}


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(params=QUEUES)
def reopen(
    request: pytest.FixtureRequest, tmp_path: Path, clock: Clock
) -> Iterator[Callable[[], JobQueue]]:
    """Opens the same queue, as another process would; all are closed at the end."""
    opened: list[JobQueue] = []

    def open_one() -> JobQueue:
        opened.append(QUEUES[request.param](tmp_path, clock))
        return opened[-1]

    yield open_one
    for queue in opened:
        queue.close()


@pytest.fixture
def queue(reopen: Callable[[], JobQueue]) -> JobQueue:
    return reopen()


def claimed(queue: JobQueue, worker: str = "w1") -> Job:
    job = queue.claim(worker, LEASE)
    assert job is not None
    return job


def test_published_job_is_claimed_and_done(queue: JobQueue) -> None:
    """A job goes from queued over running to done and keeps payload and result."""
    published = queue.publish("pull", {"dataset": "prices", "n": 1})
    job = claimed(queue)
    assert (job.id, job.event_name, job.payload) == (
        published.job_id,
        "pull",
        {"dataset": "prices", "n": 1},
    )
    assert (job.status, job.attempts, job.worker) == (JobStatus.RUNNING, 1, "w1")
    assert queue.ack(job, {"rows": 7})
    done = queue.get(job.id)
    assert (done.status, done.result, done.lease_until) == (JobStatus.DONE, {"rows": 7}, None)
    assert queue.claim("w1", LEASE) is None


def test_everything_survives_a_restart(reopen: Callable[[], JobQueue]) -> None:
    """What a queue acknowledged is there when it is opened again."""
    first = reopen()
    job_id = first.publish("pull", {"ä": "\u202e\x00", "list": [1, None]}, dedupe_key="k").job_id
    first.close()
    job = reopen().get(job_id)
    assert (job.payload, job.dedupe_key, job.created_at) == (
        {"ä": "\u202e\x00", "list": [1, None]},
        "k",
        START,
    )


def test_order_is_priority_then_age(queue: JobQueue) -> None:
    """Greater priority first, then first come first served."""
    for name, priority in [("a", 0), ("b", 0), ("c", FRONT)]:
        queue.publish(name, priority=priority)
    assert [claimed(queue).event_name for _ in range(3)] == ["c", "a", "b"]


def test_run_at_is_awaited(queue: JobQueue, clock: Clock) -> None:
    """A job is not claimed before its time."""
    queue.publish("later", run_at=START + timedelta(minutes=5))
    assert queue.claim("w", LEASE) is None
    assert queue.next_run_at() == START + timedelta(minutes=5)
    clock.tick(300)
    assert claimed(queue).event_name == "later"
    assert queue.next_run_at() is None


def test_second_press_joins(queue: JobQueue) -> None:
    """A live job with the same key is joined, queued or running; an ended one is not."""
    first = queue.publish("pull", dedupe_key="k")
    assert not first.joined
    again = queue.publish("pull", dedupe_key="k")
    assert (again.job_id, again.joined) == (first.job_id, True)
    job = claimed(queue)
    assert queue.publish("pull", dedupe_key="k").job_id == first.job_id
    queue.ack(job)
    assert queue.publish("pull", dedupe_key="k").joined is False


def test_joining_brings_a_waiting_job_forward(queue: JobQueue) -> None:
    """Refresh now on a job that waits in line or for its time puts it in front."""
    waiting = queue.publish("pull", dedupe_key="k", run_at=START + timedelta(hours=1))
    queue.publish("other")
    queue.publish("pull", dedupe_key="k", priority=FRONT)
    assert queue.position(waiting.job_id) == 1
    assert claimed(queue).id == waiting.job_id


def test_press_after_cancel_starts_anew(queue: JobQueue) -> None:
    """A running job that is being called off is not joined."""
    first = queue.publish("pull", dedupe_key="k")
    claimed(queue)
    queue.cancel(first.job_id)
    assert queue.publish("pull", dedupe_key="k").joined is False


def test_follow_up_waits_behind_a_running_one(queue: JobQueue) -> None:
    """Work that must see the latest change joins a waiting twin, not one that has begun."""
    follow = Message("grade", {"lane": "grade"}, "k", behind_running=True)
    first = queue.publish_many([follow, follow])
    assert [p.joined for p in first] == [False, True]
    running = claimed(queue)
    again = queue.publish_many([follow, follow])
    assert [p.joined for p in again] == [False, True]
    assert queue.claim("w", LEASE) is None
    queue.ack(running)
    assert claimed(queue).id == again[0].job_id


def test_once_is_for_ever(queue: JobQueue) -> None:
    """A window's job that is done, dead or cancelled is not made again."""
    for settle in (queue.ack, lambda j: queue.bury(j, "no"), queue.drop):
        key = f"window-{settle}"
        first = queue.publish("pull", dedupe_key=key, once=True)
        settle(claimed(queue))  # type: ignore[operator]
        assert queue.publish("pull", dedupe_key=key, once=True).job_id == first.job_id
    assert queue.claim("w", LEASE) is None


def test_batch_is_one_transaction(queue: JobQueue) -> None:
    """All messages of a batch are stored, or none when one of them cannot be."""
    done = queue.publish_many([Message("a"), Message("b", dedupe_key="k"), Message("c")])
    assert [p.joined for p in done] == [False, False, False]
    with pytest.raises(ValidationError, match="plain JSON"):
        queue.publish_many([Message("d"), Message("e", {"x": object()})])
    assert queue.counts()[JobStatus.QUEUED] == 3
    assert queue.publish_many([]) == []


def test_one_job_per_dataset_at_a_time(queue: JobQueue) -> None:
    """Jobs of one dataset wait for each other; another dataset passes them."""
    for dataset in ("x", "x", "y"):
        queue.publish("pull", {"dataset": dataset})
    first, second = claimed(queue), claimed(queue)
    assert [first.lane, second.lane] == ["x", "y"]
    assert queue.claim("w", LEASE) is None
    queue.ack(first)
    assert claimed(queue).lane == "x"


def test_claims_can_be_limited_to_events(queue: JobQueue) -> None:
    """A worker may ask for the events it can handle."""
    queue.publish("grade")
    assert queue.claim("w", LEASE, ["pull"]) is None
    assert queue.claim("w", LEASE, ["pull", "grade"]) is not None


def test_lost_lease_is_claimed_by_another(queue: JobQueue, clock: Clock) -> None:
    """After the lease another worker gets the job, and the first can no longer settle it."""
    queue.publish("pull")
    late = claimed(queue, "late")
    clock.tick(61)
    job = claimed(queue, "other")
    assert (job.id, job.attempts) == (late.id, 2)
    assert queue.extend(late, LEASE) is Hold.LOST
    assert not queue.ack(late)
    assert not queue.bury(late, "x")
    assert queue.retry(late, "x", START) is JobStatus.RUNNING
    assert queue.get(job.id).worker == "other"


def test_heartbeat_keeps_a_lease(queue: JobQueue, clock: Clock) -> None:
    """An extended lease is not given away."""
    queue.publish("pull")
    job = claimed(queue)
    clock.tick(50)
    assert queue.extend(job, LEASE) is Hold.HELD
    clock.tick(50)
    assert queue.claim("other", LEASE) is None


def test_recover_requeues_what_a_dead_process_held(queue: JobQueue) -> None:
    """On start everything that ran is queued again, without waiting for leases."""
    queue.publish("pull")
    claimed(queue)
    assert queue.recover() == 0
    assert queue.recover(everything=True) == 1
    assert claimed(queue).attempts == 2


def test_job_that_kills_its_process_is_buried(queue: JobQueue) -> None:
    """A job found four times in the hands of a dead worker becomes a dead letter."""
    queue.publish("poison")
    for _ in range(4):
        claimed(queue)
        queue.recover(everything=True)
    dead = queue.find([JobStatus.DEAD])[0]
    assert dead.last_error == "its worker stopped 4 times while it ran"


def test_retries_end_in_a_dead_letter(queue: JobQueue, clock: Clock) -> None:
    """A failing job is queued for its next try and dies when its attempts are used up."""
    job_id = queue.publish("pull").job_id
    states = []
    for _ in range(3):
        states.append(queue.retry(claimed(queue), "no answer", clock() + timedelta(seconds=10)))
        assert queue.claim("w", LEASE) is None
        clock.tick(10)
    assert states == [JobStatus.QUEUED, JobStatus.QUEUED, JobStatus.DEAD]
    assert queue.get(job_id).last_error == "no answer"


def test_released_job_counts_no_attempt(queue: JobQueue) -> None:
    """A job handed back on shutdown is queued as if it had not been claimed."""
    queue.publish("pull")
    assert queue.release(claimed(queue))
    assert claimed(queue).attempts == 1


def test_cancel_of_a_queued_job(queue: JobQueue) -> None:
    """A waiting job is gone at once."""
    job_id = queue.publish("pull").job_id
    assert queue.cancel(job_id) is JobStatus.CANCELLED
    assert queue.claim("w", LEASE) is None


def test_cancel_of_a_running_job_reaches_its_worker(queue: JobQueue) -> None:
    """The next heartbeat says so, and the worker drops the job."""
    job_id = queue.publish("pull").job_id
    job = claimed(queue)
    assert queue.cancel(job_id) is JobStatus.RUNNING
    assert queue.extend(job, LEASE) is Hold.CANCEL
    assert queue.drop(job)
    assert queue.cancel(job_id) is JobStatus.CANCELLED


def test_cancelled_job_of_a_dead_process_stays_cancelled(queue: JobQueue) -> None:
    """A job that was being called off when its process died does not come back."""
    job_id = queue.publish("pull").job_id
    claimed(queue)
    queue.cancel(job_id)
    queue.recover(everything=True)
    assert queue.get(job_id).status is JobStatus.CANCELLED


def test_dead_letters_are_revived_or_discarded(queue: JobQueue) -> None:
    """A revived job starts with fresh attempts; a discarded one stays in the history."""
    ids = [queue.publish("pull").job_id for _ in range(2)]
    for _ in ids:
        queue.bury(claimed(queue), "gone wrong")
    assert queue.revive(ids[0]).attempts == 0
    assert claimed(queue).attempts == 1
    assert queue.discard(ids[1]).status is JobStatus.DISCARDED
    with pytest.raises(UsageError, match="only dead or cancelled"):
        queue.revive(ids[0])
    with pytest.raises(UsageError, match="only dead or corrupt"):
        queue.discard(ids[1])


def test_listing_filters_and_pages(queue: JobQueue) -> None:
    """Jobs are found by status, event and dataset, in the order they will run."""
    for n in range(5):
        queue.publish("pull", {"dataset": f"d{n}"}, priority=n)
    queue.publish("grade")
    queue.ack(claimed(queue))
    found = queue.find([JobStatus.QUEUED], event_name="pull", limit=2, offset=1)
    assert [job.lane for job in found] == ["d2", "d1"]
    assert [job.lane for job in queue.find(lane="d4")] == ["d4"]
    assert queue.counts()[JobStatus.DONE] == 1
    assert set(queue.counts()) == set(JobStatus)


def test_position_in_line(queue: JobQueue) -> None:
    """1 is next, 0 is running, None is over."""
    first, second = (queue.publish("pull").job_id for _ in range(2))
    assert [queue.position(first), queue.position(second)] == [1, 2]
    job = claimed(queue)
    assert [queue.position(first), queue.position(second)] == [0, 1]
    queue.ack(job)
    assert queue.position(first) is None


def test_purge_forgets_old_ends_only(queue: JobQueue, clock: Clock) -> None:
    """Done jobs go after their time; dead letters and waiting jobs stay."""
    for name in ("done", "dead", "waiting"):
        queue.publish(name)
    queue.ack(claimed(queue))
    queue.bury(claimed(queue), "x")
    clock.tick(10)
    assert queue.purge(clock()) == 1
    assert [job.event_name for job in queue.find()] == ["waiting", "dead"]


def test_unknown_job_is_named(queue: JobQueue) -> None:
    """Asking for a job that is not there says so."""
    with pytest.raises(NotFoundError, match="'nope'"):
        queue.get("nope")


def test_many_threads_claim_each_job_once(queue: JobQueue, clock: Clock) -> None:
    """Threads that publish and claim together neither lose nor double a job."""
    taken: list[str] = []

    def work(number: int) -> None:
        for n in range(10):
            queue.publish("pull", {"n": [number, n]})
        for _ in range(10):
            job = claimed(queue, f"w{number}")
            taken.append(job.id)
            queue.ack(job)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(taken) == len(set(taken)) == queue.counts()[JobStatus.DONE] == 40


def test_a_job_that_waits_keeps_its_attempts_until_it_is_hurried(
    queue: JobQueue, clock: Clock
) -> None:
    """Postponing costs nothing; only waiting jobs are brought forward, and only those named."""
    first, second = (queue.publish("pull", {"dataset": name}).job_id for name in "ab")
    at = START + timedelta(minutes=5)
    for _ in range(5):
        job = claimed(queue)
        assert queue.postpone(job, "host down", at)
        queue.hurry([job.id])
    assert queue.postpone(claimed(queue), "host down", at)
    waiting = queue.get(first)
    assert (waiting.status, waiting.attempts, waiting.run_at) == (JobStatus.QUEUED, 0, at)
    running = claimed(queue)
    assert running.id == second
    assert queue.hurry([first, second, "unknown"]) == 1
    assert queue.get(first).run_at == START
    assert queue.get(second).status is JobStatus.RUNNING


def test_a_tick_of_the_clock_does_not_end_the_pause_of_a_window(queue: JobQueue) -> None:
    """A message that stands for ever joins a waiting job and leaves its time alone."""
    message = Message("pull", dedupe_key="w", once=True)
    queue.publish_many([message])
    at = START + timedelta(minutes=5)
    queue.postpone(claimed(queue), "503", at)
    queue.publish_many([message])
    assert queue.claim("w", LEASE) is None


@pytest.mark.parametrize("end", ["done", "dead", "cancelled", "discarded", "waiting"])
def test_what_is_known_not_to_be_there_is_queued_again(
    queue: JobQueue, clock: Clock, end: str
) -> None:
    """Whatever became of the job; a new life has fresh attempts."""
    message = Message("pull", dedupe_key="w", once=True, again=True)
    (first,) = queue.publish_many([message])
    job = claimed(queue)
    if end == "done":
        queue.ack(job)
    elif end == "cancelled":
        queue.drop(job)
    elif end == "waiting":
        queue.postpone(job, "503", START + timedelta(hours=1))
    else:
        queue.bury(job, "404")
        if end == "discarded":
            queue.discard(job.id)
    (again,) = queue.publish_many([message])
    assert (again.job_id, again.joined) == (first.job_id, end == "waiting")
    fresh = claimed(queue)
    assert (fresh.id, fresh.attempts) == (job.id, 1)
    assert queue.publish_many([message])[0].joined


def test_a_job_that_ended_its_workers_is_not_queued_again_by_itself(
    queue: JobQueue, clock: Clock
) -> None:
    """It is told to whoever listens, once, and waits for a person."""
    died: list[str] = []
    queue.on_dead = lambda job: died.append(job.id)
    message = Message("pull", dedupe_key="w", once=True, again=True)
    (first,) = queue.publish_many([message])
    for _ in range(4):
        claimed(queue)
        queue.recover(everything=True)
    assert died == [first.job_id]
    assert queue.publish_many([message])[0].joined
    assert queue.get(first.job_id).status is JobStatus.DEAD
