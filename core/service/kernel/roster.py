"""The roster of a desk: people, tokens and sessions, in memory as in the store.

One process owns the store, so what is in memory is what counts: a change is seen by the next use
case, and whoever listens is told, to end what is open. Secrets are kept as digests alone.
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

from core.domain.access import tokens as spelling
from core.domain.access.principals import NOBODY, TOKENS, Principal, Role
from core.domain.access.tokens import Person, Session, Token, Whose, called, digest
from core.errors import NotFoundError, StoreError, UsageError
from core.observe.sparing import Sparing
from core.service.kernel.trail import Trail, told
from core.settings import Settings
from core.store import access as store
from core.store.warehouse import Warehouse
from core.store.withdrawn import FILE, Withdrawn

Key = tuple[str, str]
Listener = Callable[[Key], None]
SIGNED_OUT = ("sign out", "")
log = Sparing("access")


class Roster:
    """Who is known to a desk, and what they may."""

    def __init__(self, warehouse: Warehouse, settings: Settings, now: Callable[[], datetime]):
        self._warehouse, self._settings, self._now = warehouse, settings, now
        self.trail = Trail(warehouse, now)
        self._lock = threading.RLock()
        self._loaded = False
        self._withdrawn = Withdrawn(settings.data_dir / FILE)
        self._people: dict[Key, Person] = {}
        self._tokens: dict[str, Token] = {}  # by digest
        self._by_id: dict[str, str] = {}  # token id -> digest
        self._before: dict[str, str] = {}  # digest of the secret before -> token id
        self._sessions: dict[str, Session] = {}  # by digest
        self._used: set[str] = set()  # ids of tokens
        self._refused: dict[tuple[Key, str], datetime] = {}
        self.listeners: list[Listener] = []

    def _load(self) -> None:
        if self._loaded:
            return
        with self._lock:
            if self._loaded:
                return
            self._withdrawn = Withdrawn.of(self._settings.data_dir)
            self._people = {p.key: self._as_set(p) for p in store.people(self._warehouse)}
            self._tokens = {t.sha256: self._as_left(t) for t in store.tokens(self._warehouse)}
            self._by_id = {token.token_id: token.sha256 for token in self._tokens.values()}
            for token in self._tokens.values():
                self._note_change(token)
            found = store.sessions(self._warehouse, self._now())
            ended = set(self._withdrawn.sessions)
            left = [s.no_later(self._withdrawn.until(s.sha256)) for s in found]
            self._sessions = {s.sha256: s for s in left if s.sha256 not in ended}
            self._loaded = True

    def _as_set(self, person: Person) -> Person:
        """Somebody with the role that an admin has set last, also when the store is older."""
        known, role = self._withdrawn.role_of(person)
        return replace(person, role=role, set_by_hand=True) if known else person

    def _as_left(self, token: Token) -> Token:
        """A token, revoked when it was, also when the store is older."""
        if token.sha256 in self._withdrawn.tokens and token.revoked_at is None:
            return replace(token, revoked_at=self._now())
        until = self._withdrawn.until(token.sha256)
        if until is not None and (token.expires_at is None or until < token.expires_at):
            return replace(token, expires_at=until)
        return token

    def current(self, who: Principal) -> Principal:
        """The same principal with the role of this moment; without one when none is left."""
        self._load()
        if who.issuer == TOKENS:
            token = self._tokens.get(self._by_id.get(who.subject, ""))
            valid = token is not None and token.counts(self._now())
            return token.principal if token and valid else replace(who, role=None)
        person = self._people.get(who.key)
        return person.principal if person else replace(who, role=None)

    def of_token(self, secret: str) -> Principal | None:
        """Whose token that is; None when it is none, or counts no more."""
        who = self.of_digest(digest(secret)) if secret.startswith(spelling.PREFIX) else None
        if who is not None:
            with self._lock:
                now_kept = self._tokens[self._by_id[who.subject]]
                self._tokens[now_kept.sha256] = now_kept.used(self._now())
                self._used.add(who.subject)
        return who

    def of_digest(self, sha256: str) -> Principal | None:
        """Whose token has that digest, without counting that as a use of it."""
        self._load()
        named = self._before.get(sha256)
        found = self._tokens.get(sha256 if named is None else self._by_id[named])
        return found.principal if found and found.takes(sha256, self._now()) else None

    def of_session(self, secret: str) -> Principal | None:
        """Whose session that is; None when it is none, is over, or its owner may nothing."""
        self._load()
        found = self._sessions.get(digest(secret)) if secret else None
        if found is None or not found.counts(self._now()):
            return None
        who = self.current(Principal(*found.key, "", None))
        return who if who.role is not None else None

    def begin(self, who: Principal) -> str:
        """Begin a session of somebody; its secret, which is kept nowhere."""
        secret, now = secrets.token_urlsafe(32), self._now()
        ends = now + timedelta(hours=self._settings.session_hours)
        session = Session(digest(secret), who.issuer, who.subject, now, ends)
        with self._lock, self._warehouse.transaction() as tx:
            store.add_session(tx, session)
            self.trail.note_in(tx, who, "sign in", "done")
            told(tx, now, "access.signed_in", who, f"{who.name} signed in as {who.role}")
            self._sessions = {k: s for k, s in self._sessions.items() if s.counts(now)}
            self._sessions[session.sha256] = session
        return secret

    def end(self, secret: str) -> None:
        """Sign a session out; what it has open is ended."""
        self._load()
        found = self._sessions.get(digest(secret))
        if found is not None:
            self._end(found, None)

    def end_session(self, session_id: str, by: Principal) -> Session:
        """End a session by its id, whosever it is; NotFoundError without one that counts."""
        found = next((one for one in self.sessions() if one.session_id == session_id), None)
        if found is None:
            raise NotFoundError(f"there is no session {session_id!r}", hint="see: session list")
        self._end(found, by)
        return found

    def _end(self, session: Session, by: Principal | None) -> None:
        """Let nobody in with a session; None: who has it signs out."""
        who, now = self.current(Principal(*session.key, "", None)), self._now()
        words = f"a session of {who.name} was ended" if by else f"{who.name} signed out"
        kind = "access.changed" if by else "access.signed_out"
        act, detail = ("session end", f"{session.session_id} of {who.name}") if by else SIGNED_OUT
        with self._lock:
            self._withdrawn.session(session.sha256)
        with self._lock, self._warehouse.transaction() as tx:
            store.end_sessions(tx, [session.sha256], now)
            self.trail.note_in(tx, by or who, act, "done", detail)
            told(tx, now, kind, by or who, words, who.name)
            self._sessions.pop(session.sha256, None)
        self._tell(session.key)

    def sessions(self) -> list[Session]:
        """The sessions that are not over."""
        self._load()
        return [session for session in self._sessions.values() if session.counts(self._now())]

    def signed_in(self, issuer: str, subject: str, name: str, role: Role | None) -> Principal:
        """Somebody whom an issuer vouches for, with the role their groups give them.

        What an admin has set by hand stands.
        """
        self._load()
        now = self._now()
        name = spelling.named(name, subject)
        new = Person(issuer, subject, name, role, set_by_hand=False, added_at=now, seen_at=now)
        with self._lock:  # an admin's word between the look and the commit would be lost
            known = self._people.get((issuer, subject))
            person = self._as_set(new)
            if known is not None:
                kept = known.role if known.set_by_hand else role
                person = replace(
                    person, role=kept, set_by_hand=known.set_by_hand, added_at=known.added_at
                )
                if (known.name, known.role) == (name, kept) and lately(known.seen_at, now):
                    return known.principal
            self._keep(person, person.principal, "seen" if known else "added")
        return person.principal

    def set_role(
        self, issuer: str, subject: str, name: str, role: Role | None, by: Principal
    ) -> None:
        """Give somebody a role by hand, or none; it counts from the next use case on."""
        self._load()
        now = self._now()
        with self._lock:
            known = self._people.get((issuer, subject))
            kept = spelling.named(name or (known.name if known else ""), subject)
            added, seen = (known.added_at, known.seen_at) if known else (now, None)
            person = Person(issuer, subject, kept, role, True, added, seen)
            self._withdrawn.role(person)
            self._keep(person, by, f"{kept} ({issuer}) is now {role or 'without a role'}")

    def _keep(self, person: Person, by: Principal, detail: str) -> None:
        before = self._people.get((person.issuer, person.subject))
        with self._lock, self._warehouse.transaction() as tx:
            store.put_person(tx, person)
            self.trail.note_in(tx, by, "people", "done", detail)
            if before is None or before.role != person.role:
                words = f"{person.name} is {person.role or 'without a role'}"
                told(tx, self._now(), "access.changed", by, words, person.name)
            self._people[person.issuer, person.subject] = person
        if before is not None and before.role != person.role:
            self._tell((person.issuer, person.subject))

    def people(self) -> list[Person]:
        """Everyone who is known, by name."""
        self._load()
        return sorted(self._people.values(), key=lambda person: (person.name, person.key))

    def tokens(self) -> list[Token]:
        """Every token, newest first."""
        self._load()
        return sorted(self._tokens.values(), key=lambda t: (t.made_at, t.token_id), reverse=True)

    def add_token(
        self, name: str, role: Role, expires: datetime | None, by: Principal, whose: Whose = None
    ) -> tuple[Token, str]:
        """Make a token; with its secret, which is kept nowhere. UsageError for a name in use."""
        self._load()
        name, now = called(name), self._now()
        if expires is not None and expires <= now:
            raise UsageError("a token must expire later than now")
        secret = spelling.PREFIX + secrets.token_urlsafe(32)
        token_id = secrets.token_hex(6)
        token = Token(token_id, name, role, digest(secret), by.name, now, expires).of(whose)
        with self._lock, self._warehouse.transaction() as tx:
            if any(known.name == name and known.counts(now) for known in self._tokens.values()):
                raise UsageError(f"there is a token {name!r} already", hint="revoke it first")
            store.add_token(tx, token)
            self.trail.note_in(tx, by, "token add", "done", f"{name}, {role}")
            told(tx, now, "access.changed", by, f"a token {name} was made for a {role}", name)
            self._tokens[token.sha256], self._by_id[token.token_id] = token, token.sha256
        return token, secret

    def revoke_token(self, name: str, by: Principal) -> Token:
        """Let nobody in with that token (name or id) from now on; NotFoundError without one."""
        self._load()
        now = self._now()
        with self._lock:
            token = replace(self._named(name), revoked_at=now)
            for sha256 in token.digests:
                self._withdrawn.token(sha256)
        with self._lock, self._warehouse.transaction() as tx:
            store.revoke_token(tx, token.token_id, now)
            self.trail.note_in(tx, by, "token revoke", "done", token.name)
            told(tx, now, "access.changed", by, f"the token {token.name} was revoked", token.name)
            self._tokens[token.sha256] = token
        self._tell((TOKENS, token.token_id))
        return token

    def rotate_token(self, name: str, keep: timedelta, by: Principal) -> tuple[Token, str]:
        """Give a token (name or id) a new secret, which is kept nowhere; it stays who it was.

        The secret before and sessions that began with it let in for `keep` more, and then, whatever
        backup is put in place, no longer. NotFoundError without a token that counts.
        """
        self._load()
        now, secret = self._now(), spelling.PREFIX + secrets.token_urlsafe(32)
        with self._lock:
            old = self._named(name)
            if not old.counts(now):
                raise NotFoundError(f"the token {name!r} counts no more", hint="make a new one")
            token = replace(
                old, sha256=digest(secret), previous_sha256=old.sha256, previous_until=now + keep
            )
            mine = [s for s in self._sessions.values() if s.key == token.principal.key]
            ending = [s.no_later(now + keep) for s in mine]
            for sha256 in (*(s.sha256 for s in ending), *old.digests[1:]):
                self._withdrawn.secret(sha256, now if sha256 in old.digests else now + keep)
            with self._warehouse.transaction() as tx:
                store.rotate_token(tx, token)
                store.shorten_sessions(tx, ending)
                self.trail.note_in(tx, by, "token rotate", "done", token.name)
                words = f"the token {token.name} has a new secret"
                told(tx, now, "access.changed", by, words, token.name)
            self._tokens[token.sha256] = token
            self._by_id[token.token_id] = token.sha256
            self._note_change(token)
            self._tokens.pop(old.sha256, None)
            self._before.pop(old.previous_sha256 or "", None)
            self._sessions |= {s.sha256: s for s in ending}
        return token, secret

    def _named(self, name: str) -> Token:
        """The token of a name or id that is not revoked, one that counts before one that ran out.

        A name is free again when its token has run out: the older one must not stand for the newer.
        """
        found = [
            t for t in self._tokens.values() if name in (t.name, t.token_id) and not t.revoked_at
        ]
        if not found:
            raise NotFoundError(f"there is no token {name!r}", hint="see: token list")
        return max(found, key=lambda token: (token.counts(self._now()), token.made_at))

    def _note_change(self, token: Token) -> None:
        """Know a token by the secret before, too, and note that it counts no longer than that."""
        if token.previous_sha256 is not None and token.previous_until is not None:
            self._before[token.previous_sha256] = token.token_id
            self._withdrawn.secret(token.previous_sha256, token.previous_until)

    def refused(self, who: Principal, act: str) -> None:
        """Tell that somebody may not do what they tried, and keep it, once a minute each."""
        log.warning("refused", who=who.name, role=str(who.role), act=act)
        now, which = self._now(), (who.key, act)
        if who.role is None or lately(self._refused.get(which), now):
            return  # strangers write nothing into the store
        self._refused[which] = now
        self.trail.note(who, act, "refused")

    def alarm(self, detail: str) -> None:
        """Keep that somebody is at the door again and again with what does not count."""
        self.trail.note(NOBODY, "sign in", "refused", detail)
        try:
            with self._warehouse.transaction() as tx:
                told(tx, self._now(), "access.refused", NOBODY, f"refused at the door: {detail}")
        except StoreError as error:  # the chain has it with its next commit
            log.warning("an alarm was not told", error=str(error))

    def flush(self) -> None:
        """Keep when tokens were used last: now and then, not at every use."""
        with self._lock:
            used = [self._tokens[self._by_id[token_id]] for token_id in self._used]
            self._used.clear()
        if used:
            self.keep_used(used)

    def keep_used(self, used: list[Token]) -> None:
        """Keep when these tokens were used last."""
        with self._warehouse.transaction() as tx:
            store.note_used(tx, used)

    def _tell(self, key: Key) -> None:
        for listener in list(self.listeners):
            listener(key)


def lately(then: datetime | None, now: datetime) -> bool:
    """Whether that was less than a minute ago."""
    return then is not None and now - then < timedelta(minutes=1)
