"""Calls from outside that there is something to pull: signed, taken once, answered with the job."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from core.alert_settings import callers
from core.domain.access.principals import Principal, Role
from core.errors import AccessError, SizeLimitError, UsageError
from core.jobs.queue.port import FRONT, Message
from core.observe import logs
from core.service.kernel.relay import relayed
from core.service.pulls.joining import PULL
from core.sources.outward import signing
from core.store import hooks as store

if TYPE_CHECKING:
    from core.service.desk import Desk

WEBHOOK = "webhook"
_one_at_a_time = threading.Lock()


@relayed()  # a signature says who may, and the engine looks at it itself
def receive(desk: Desk, name: str, headers: Mapping[str, str], body: bytes) -> dict[str, Any]:
    """Queue a pull of a dataset for a call that one of its secrets has signed.

    A call that comes again is answered with the job of the first; a pull that waits is joined.
    AccessError for who may not call, SizeLimitError, NotFoundError for an unknown dataset.
    """
    largest = desk.settings.webhook_max_bytes
    if len(body) > largest:
        raise SizeLimitError(f"the call has {len(body):,} bytes; {largest:,} are allowed")
    message_id = signing.verify(_keys(desk, name), headers, body, desk.now())
    dataset = desk.catalogue.get(name)
    if dataset.source == "file":
        raise UsageError(f"{name} comes from files and cannot be pulled", hint="use the inbox")
    with _one_at_a_time:
        job_id = store.known(desk.warehouse, message_id, name)
        repeated = job_id is not None
        if job_id is None:
            job_id = _queue(desk, name, message_id)
    desk.wake()
    return {"job": job_id, "dataset": name, "repeated": repeated}


def _keys(desk: Desk, name: str) -> list[bytes]:
    """The secrets of a dataset and those of all; without any nobody may call."""
    known = list(callers(desk.settings.webhook_secrets))
    if not known:
        raise AccessError("nobody may call from outside here", hint="see OPENBELL_WEBHOOK_SECRETS")
    return [key for dataset, key in known if dataset in ("", name)]


def _queue(desk: Desk, name: str, message_id: str) -> str:
    payload = {
        "dataset": name,
        "trigger": WEBHOOK,
        "actor": WEBHOOK,
        "correlation_id": logs.correlation_id() or logs.new_correlation_id(),
    }
    message = Message(
        PULL, payload, dedupe_key=f"{WEBHOOK}:{name}", priority=FRONT, behind_running=True
    )
    (published,) = desk.queue.publish_many([message])
    with desk.warehouse.transaction() as tx:
        store.add(tx, message_id, name, desk.now(), published.job_id)
        caller = Principal(WEBHOOK, name, WEBHOOK, Role.ANALYST)
        desk.roster.trail.note_in(tx, caller, f"hook {name}", "done", message_id)
    return published.job_id
