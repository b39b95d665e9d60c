"""Jobs that wait in one queue are taken along to another: when the desk is given another one."""

from __future__ import annotations

from core.jobs.queue.port import LIVE, JobQueue, Message

BATCH = 500


def take_along(source: JobQueue, target: JobQueue) -> int:
    """Publish live jobs of `source` in `target`, then call them off in `source`; how many.

    Stopped between the two it does so again: a job without a key of its own gets one.
    """
    jobs = source.find(LIVE, limit=10**6)
    for start in range(0, len(jobs), BATCH):
        target.publish_many(
            [
                Message(
                    job.event_name,
                    job.payload,
                    job.dedupe_key or f"taken along: {job.id}",
                    job.priority,
                    job.run_at,
                    once=True,
                )
                for job in jobs[start : start + BATCH]
            ]
        )
    source.recover(everything=True)
    for job in jobs:
        source.cancel(job.id)
    return len(jobs)
