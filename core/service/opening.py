"""What a desk opens, by its role and its addresses: the store, the queue, the way to the engine."""

from __future__ import annotations

import socket
from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING

from core.jobs.queue.moving import take_along
from core.jobs.queue.port import Job, JobQueue
from core.jobs.queue.sqlite import SqliteQueue
from core.observe import logs
from core.service import data_folder
from core.settings import Settings
from core.store import audit, presence
from core.store import pulls as records
from core.store.warehouse import Warehouse

if TYPE_CHECKING:
    from core.jobs.queue.letters import Letters
    from core.service.kernel.asking import EngineRelay, Seal
    from core.service.kernel.live import LiveNotes
    from core.store.lease import Lease

log = logs.get("desk")


def tell_corrupt(job: Job) -> None:
    """Say in the log that a job's row was damaged."""
    log.error("a damaged job was set aside", job=job.id, was=job.event_name)


def store(
    settings: Settings,
    file: SqliteQueue,
    now: datetime,
    advise: Callable[[str], str],
    accept_loss: bool,
    lease: Lease | None,
) -> Warehouse:
    """The store: to read what an engine writes, or with what a dead process left put in order."""
    engine = data_folder.engine_of(settings, lease)
    if settings.role == "desk":
        from core.redis_place import RedisPlace
        from core.store.following import FollowedWarehouse
        from core.store.lake import LakeEngine
        from core.store.lease import secret_of
        from core.store.shared_answers import SharedAnswers

        assert isinstance(engine, LakeEngine)
        followed = FollowedWarehouse.follow(engine, advise)
        secret = partial(secret_of, engine.address)
        followed.answers = SharedAnswers(RedisPlace(settings.redis_url), secret)
        return followed
    warehouse = Warehouse.open(
        engine,
        # engines of one lake have data folders of their own: no file of one knows all commits
        file.store_mark if settings.role == "all" else None,
        evidence=data_folder.evidence(settings, file) if settings.role == "all" else None,
        accept_loss=accept_loss,
        advise=advise,
        before_migration=data_folder.before_migration(settings, now),
    )
    try:
        if settings.lake is None:
            presence.note(settings.data_dir, settings.store_path)
        records.close_orphans(warehouse, now)
        audit.adopt(warehouse)
    except BaseException:
        warehouse.close()
        raise
    return warehouse


def queue(settings: Settings, file: SqliteQueue, now: Callable[[], datetime]) -> JobQueue:
    """Where the jobs are: in the file, or in Redis, with what waited in the file."""
    if not settings.redis_url:
        return file
    from core.jobs.queue.redis import RedisQueue  # a second of imports that few need

    shared = RedisQueue(settings.redis_url, now, on_corrupt=tell_corrupt)
    try:
        shared.belong_to(*_owner(settings))
        taken = take_along(file, shared)
    except BaseException:
        shared.close()
        raise
    if taken:
        log.info("jobs were taken along to the queue", jobs=taken, where=shared.where)
    return shared


def _owner(settings: Settings) -> tuple[str, set[str]]:
    """Whose the queue is, and what that was called in former versions, or before it moved.

    Processes of one lake may reach it by several addresses.
    """
    here = f"{socket.gethostname()}:{settings.store_path}"
    if settings.lake is None:
        return here, set()
    from core.store.lease import name_of

    return name_of(settings.lake), {here, settings.lake.where}


def post(settings: Settings, shared: JobQueue) -> tuple[Letters, Seal] | None:
    """What asks and answers go through; None where store or queue are one process's alone."""
    if not (settings.lake and settings.redis_url):
        return None
    from core.jobs.queue.redis import RedisQueue
    from core.service.kernel.asking import Seal
    from core.store.lease import secret_of

    assert isinstance(shared, RedisQueue)
    return shared.letters, Seal(partial(secret_of, settings.lake))


def live(settings: Settings) -> LiveNotes:
    """Where engines tell desks how far their jobs are."""
    from core.redis_place import RedisPlace
    from core.service.kernel.live import LiveNotes
    from core.store.lease import secret_of

    assert settings.lake is not None
    return LiveNotes(RedisPlace(settings.redis_url), partial(secret_of, settings.lake))


def relay(
    settings: Settings,
    shared: JobQueue,
    through: tuple[Letters, Seal],
    warehouse: Warehouse,
) -> EngineRelay:
    """The way to the engine that leads."""
    from core.service.kernel.asking import EngineRelay
    from core.store.following import FollowedWarehouse

    assert isinstance(warehouse, FollowedWarehouse)
    return EngineRelay(
        shared,
        *through,
        settings.answer_seconds,
        warehouse.catch_up,
        lambda: warehouse.read_only_seconds,
    )


def follow(warehouse: Warehouse, look: Callable[[], None]) -> None:
    """Let what is known of a lake be looked at after each commit of its engine."""
    from core.store.following import FollowedWarehouse

    assert isinstance(warehouse, FollowedWarehouse)
    warehouse.listeners.append(look)
