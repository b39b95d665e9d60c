"""That an ask of a desk was done stands in the first transaction that it commits."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from core.service.kernel.port import DeskPort
from core.store import engine_acts as store
from core.store.transaction import Transaction


@dataclass(slots=True, eq=False)
class _Ask:
    """An ask that is being done: `kept` once a commit tells of it."""

    ask_id: str
    act: str
    kept: bool = False
    written_in: Transaction | None = None


_ask: ContextVar[_Ask | None] = ContextVar("ask", default=None)


def keep_asks(desk: DeskPort) -> None:
    """Let each ask be kept with its first commit; called once for an engine's desk."""

    def write(tx: Transaction) -> None:
        ask = _ask.get()
        if ask is None or ask.kept or ask.written_in is tx:
            return
        store.add(tx, ask.ask_id, ask.act, desk.now())
        ask.written_in = tx
        tx.after_commit.append(lambda: setattr(ask, "kept", True))

    desk.warehouse.before_commit.append(write)


@contextmanager
def asked(ask_id: str, name: str) -> Iterator[None]:
    """Whatever is committed inside first tells that this ask was done."""
    token = _ask.set(_Ask(ask_id, name))
    try:
        yield
    finally:
        _ask.reset(token)
