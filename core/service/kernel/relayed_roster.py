"""The roster of a desk that only reads: who is known is read anew, and changed by the engine."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime
from typing import Any, Protocol

from core.domain.access.principals import NOBODY, Principal, Role
from core.domain.access.tokens import Token, digest
from core.errors import OpenbellError, StoreError
from core.observe import logs
from core.service.kernel.relay import RELAYED, Relay, Relayed
from core.service.kernel.roster import Key, Roster, lately
from core.settings import Settings
from core.store.warehouse import Warehouse

AGAIN_SECONDS = 1.0  # after which what could not be read is read again
log = logs.get("access")


class RelayedRoster(Roster):
    """A `Roster` whose store another process writes; what changes it is done there."""

    def __init__(
        self,
        warehouse: Warehouse,
        settings: Settings,
        now: Callable[[], datetime],
        relay: Relay,
    ) -> None:
        super().__init__(warehouse, settings, now)
        self._relay = relay
        self._seen = -1
        self._again: float | None = None  # when to read what could not be read, by time.monotonic

    def look(self) -> None:
        """See who is known by now, so that whoever is not any more is out before they ask."""
        self._load()

    def _load(self) -> None:
        """See Roster: after each commit of the other process. Whose way in changed is told of."""
        if self._seen == self._warehouse.commits:
            return
        # whoever asks meanwhile waits: what was known before is no answer, unless none can be had
        if not self._lock.acquire(blocking=self._again is None):
            return
        try:
            gone = self._read_anew()
        finally:
            self._lock.release()
        for key in {key for key, _ in gone}:
            self._tell(key)

    def _read_anew(self) -> set[tuple[Key, str]]:
        """Read who is known, where that is not known yet; who of them may no longer what."""
        commits = self._warehouse.commits
        if self._seen == commits or (self._again or 0.0) > time.monotonic():
            return set()
        before, known = self._counting(), self._loaded
        self._loaded = False
        try:
            super()._load()
        except StoreError as error:
            if not known:
                raise
            self._loaded, self._again = True, time.monotonic() + AGAIN_SECONDS
            log.warning("who is known was not read", error=str(error))
        except OpenbellError:
            self._again = None  # nobody passes
            raise
        else:
            self._seen, self._again = commits, None
        return before - self._counting()

    def _counting(self) -> set[tuple[Key, str]]:
        """Everyone who may something now, with their role, and each of their sessions."""
        now = self._now()
        return (
            {(key, str(person.role)) for key, person in self._people.items() if person.role}
            | {(t.principal.key, t.role) for t in self._tokens.values() if t.counts(now)}
            | {(s.key, s.sha256) for s in self._sessions.values() if s.counts(now)}
        )

    def begin(self, who: Principal) -> str:
        """See Roster."""
        secret: str = self._relay.ask("roster.begin", [who], {}, NOBODY)
        return secret

    def end(self, secret: str) -> None:
        """See Roster."""
        self._load()
        found = self._sessions.get(digest(secret))
        if found is not None:
            self._relay.ask("roster.end", [secret], {}, NOBODY)
            self._tell(found.key)

    def signed_in(self, issuer: str, subject: str, name: str, role: Role | None) -> Principal:
        """See Roster; somebody who was here a minute ago, with the same groups, is known."""
        self._load()
        known = self._people.get((issuer, subject))
        if (
            known is not None
            and (known.name, known.set_by_hand or known.role == role) == (name, True)
            and lately(known.seen_at, self._now())
        ):
            return known.principal
        there: Principal = self._relay.ask(
            "roster.signed_in", [issuer, subject, name, role], {}, NOBODY
        )
        return there

    def refused(self, who: Principal, act: str) -> None:
        """See Roster."""
        log.warning("refused", who=who.name, role=str(who.role), act=act)
        if who.role is not None and not lately(self._refused.get((who.key, act)), self._now()):
            self._refused[who.key, act] = self._now()
            self._relay.tell("roster.refused", [who, act])

    def alarm(self, detail: str) -> None:
        """See Roster."""
        self._relay.tell("roster.alarm", [detail])

    def keep_used(self, used: list[Token]) -> None:
        """See Roster."""
        self._relay.tell("roster.keep_used", [used])


class _WithRoster(Protocol):
    """What of a desk is needed here."""

    roster: Roster


def _done_there(name: str) -> None:
    def there(desk: _WithRoster, *given: Any) -> Any:
        return getattr(desk.roster, name)(*given)

    RELAYED[f"roster.{name}"] = Relayed(there, of_the_doors=True)


for _name in ("begin", "end", "signed_in", "refused", "alarm", "keep_used"):
    _done_there(_name)
