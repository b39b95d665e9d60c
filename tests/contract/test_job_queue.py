"""What every queue adapter promises. An adapter joins in tests/queues.py."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from core.errors import ValidationError
from core.jobs.queue.port import FRONT, Hold, JobQueue, JobStatus, Message
from tests.queues import LEASE, START, Clock, claimed


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
