"""Calls that are done once: the same key of the same caller gets the answer it got before.

The key is noted before anything is done. Should the desk end in between, the call is neither done
again nor answered: what came of it must be looked at, and a new key be taken.
"""

from __future__ import annotations

import re
import threading
from dataclasses import dataclass

from core.domain.access.principals import Principal
from core.errors import ConflictError, UnderWayError, UsageError
from core.service.kernel.port import DeskPort
from core.service.kernel.relay import relayed
from core.store import answers as store

LONGEST = 255
PATTERN = "^[!-~]+$"  # of a key: as the API's description says
_under_way: set[tuple[str, str, str]] = set()
_lock = threading.Lock()


@dataclass(frozen=True, slots=True)
class KeptCall:
    """An answer that can be given again."""

    status: int
    media: str | None
    location: str | None
    body: bytes


@relayed()
def begin(desk: DeskPort, who: Principal, key: str, request: str) -> KeptCall | None:
    """The answer that was given before; None when the call is to be done now, by whoever asked.

    UnderWayError while the first call is under way, ConflictError when its end is not known;
    UsageError for a key that no header holds, or that came with another request.
    """
    if len(key) > LONGEST or re.fullmatch(PATTERN, key) is None:
        raise UsageError(f"an Idempotency-Key has 1 to {LONGEST} letters of ASCII, and no blank")
    with _lock:
        kept = store.find(desk.warehouse, who.key, key)
        if kept is not None and kept.request != request:
            raise UsageError(
                "this Idempotency-Key came with another request before", hint="take a new one"
            )
        if (*who.key, key) in _under_way:
            raise UnderWayError("a call with this Idempotency-Key is under way", hint="ask again")
        if kept is not None and kept.status is None:
            raise ConflictError(
                "the desk ended while a call with this Idempotency-Key was under way",
                hint="look what came of it, then take a new key",
            )
        if kept is not None and kept.status is not None:
            return KeptCall(kept.status, kept.media, kept.location, kept.body or b"")
        with desk.warehouse.transaction() as tx:
            store.begin(tx, who.key, key, request, desk.now())
        _under_way.add((*who.key, key))
    return None


@relayed()
def finish(desk: DeskPort, who: Principal, key: str, answer: KeptCall | None) -> None:
    """Keep the answer; None: the call came to nothing, and may be made again."""
    try:
        with desk.warehouse.transaction() as tx:
            if answer is None:
                store.forget(tx, who.key, key)
            else:
                store.finish(
                    tx,
                    who.key,
                    key,
                    status=answer.status,
                    media=answer.media,
                    location=answer.location,
                    body=answer.body,
                )
    finally:
        with _lock:
            _under_way.discard((*who.key, key))


def forget_all() -> None:
    """Know of no call that is under way any more, as a desk that begins does."""
    with _lock:
        _under_way.clear()
