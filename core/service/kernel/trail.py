"""The trail of a desk: what people do goes into the chain of who did what, with what it changes.

An action is kept in the first transaction that it commits, so that one without the other does not
exist; one that changes nothing in the store (a pull is queued) is kept right after it. What the
engine does by itself is told as events.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from core.domain.access.audit import Act
from core.domain.access.principals import ENGINE, Principal
from core.errors import StoreError
from core.observe import logs
from core.observe.events import Event
from core.store import audit, events
from core.store.transaction import Transaction
from core.store.warehouse import Warehouse

log = logs.get("audit")
LONGEST_VALUE = 80
MOST_OWED = 10_000
_SIMPLE = (str, int, float, bool, Decimal, date, Path)


@dataclass(slots=True, eq=False)
class _Deed:
    """An action that goes on: `kept` once it stands in the chain."""

    trail: Trail
    who: Principal
    act: str
    detail: str
    kept: bool = False
    written_in: Transaction | None = None  # the last transaction in which it was written

    def is_due(self, tx: Transaction) -> bool:
        """Whether it is neither in the chain nor written in this transaction."""
        return not self.kept and self.written_in is not tx


_deed: ContextVar[_Deed | None] = ContextVar("deed", default=None)


class Trail:
    """Adds to the chain of one desk."""

    def __init__(self, warehouse: Warehouse, now: Callable[[], datetime]) -> None:
        self._warehouse, self._now = warehouse, now
        self._owed: list[Act] = []  # done, and not written: the store could not
        warehouse.before_commit.append(self._write_with)

    @contextmanager
    def keeping(self, who: Principal, act: str, detail: str = "") -> Iterator[None]:
        """Keep what is done inside, once it is; as failed where it fails after a first change."""
        if who == ENGINE:
            yield
            return
        deed = _Deed(self, who, act, detail)
        token = _deed.set(deed)
        try:
            yield
        except Exception as error:
            if deed.kept:
                self.note(who, act, "failed", f"{detail} {error}".strip())
            raise
        finally:
            _deed.reset(token)
        if not deed.kept:
            self.note(who, act, "done", detail)

    def note_in(
        self, tx: Transaction, who: Principal, act: str, outcome: str, detail: str = ""
    ) -> None:
        """Add one act to the chain in a transaction; it stands for the action that goes on."""
        audit.append(tx, [self._act(who, act, outcome, detail)])
        deed = _deed.get()
        if deed is not None and deed.trail is self:
            _keep(tx, deed)

    def note(self, who: Principal, act: str, outcome: str, detail: str = "") -> None:
        """Add one act to the chain; where the store cannot, with its next commit."""
        made = self._act(who, act, outcome, detail)
        try:
            with self._warehouse.transaction() as tx:
                audit.append(tx, [made])
        except StoreError as error:
            log.error("an act is not in the chain yet", act=act, who=who.name, error=str(error))
            self._owed = [*self._owed, made][-MOST_OWED:]

    def _act(self, who: Principal, act: str, outcome: str, detail: str) -> Act:
        return Act.of(self._now(), who, act, outcome, detail, logs.correlation_id())

    def _write_with(self, tx: Transaction) -> None:
        """Called before each commit: what is owed, and the action that goes on."""
        owed, deed = self._owed, _deed.get()
        if owed:
            audit.append(tx, owed)
            tx.after_commit.append(lambda: self._paid(len(owed)))
        if deed is not None and deed.trail is self and deed.is_due(tx):
            audit.append(tx, [self._act(deed.who, deed.act, "done", deed.detail)])
            _keep(tx, deed)

    def _paid(self, count: int) -> None:
        self._owed = self._owed[count:]


def _keep(tx: Transaction, deed: _Deed) -> None:
    def kept() -> None:
        deed.kept = True

    deed.written_in = tx
    tx.after_commit.append(kept)


def described(arguments: Mapping[str, Any]) -> str:
    """Arguments of an action in one line, without secrets, each cut to LONGEST_VALUE letters."""
    return ", ".join(
        f"{name}={_shown(name, value)}" for name, value in arguments.items() if value is not None
    )


def _shown(name: str, value: Any) -> str:
    if logs.is_secret(name):
        return "[redacted]"
    text = re.sub(r"\s+", " ", logs.redact(_text(value)))
    return text if len(text) <= LONGEST_VALUE else f"{text[: LONGEST_VALUE - 1]}…"


def _text(value: Any) -> str:
    """A value as text; of what has parts its simple ones."""
    if isinstance(value, _SIMPLE):
        return str(value)
    if isinstance(value, Mapping):
        return " ".join(f"{k}={_text(v)}" for k, v in value.items())
    if isinstance(value, list | tuple | set | frozenset):
        return " ".join(_text(item) for item in value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        named = {f.name: getattr(value, f.name) for f in dataclasses.fields(value)}
        return _text({k: v for k, v in named.items() if isinstance(v, _SIMPLE)})
    return type(value).__name__


def told(
    tx: Transaction, at: datetime, kind: str, who: Principal, sentence: str, subject: str = ""
) -> None:
    """Tell of a change of access in its transaction."""
    event = Event.of(kind, subject or who.name, sentence, who=who.name)
    events.add(tx, [event], at)
