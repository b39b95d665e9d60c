"""Tokens: random, recognisable, kept as a digest alone."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from core.domain.access.principals import TOKENS, Principal, Role
from core.errors import UsageError

LONGEST_NAME = 80
LONGEST_SUBJECT = 255  # as OpenID Connect has it
PREFIX = "obt_"  # so that scanners of leaked secrets know one


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose a token is: by name, and by who vouches for them under which subject, if anybody does.

    A provider may have several people of one name; the subject tells which of them it is.
    """

    name: str
    issuer: str | None = None
    subject: str | None = None


Whose = Owner | None  # None: of whoever bears its name


@dataclass(frozen=True, slots=True)
class Token:
    """A token as it is kept; `sha256` is the hex digest of the secret. Instants are UTC.

    After its secret was changed the one before, `previous_sha256`, lets in until `previous_until`.
    """

    token_id: str
    name: str
    role: Role
    sha256: str
    made_by: str
    made_at: datetime
    expires_at: datetime | None = None
    revoked_at: datetime | None = None
    used_at: datetime | None = None
    previous_sha256: str | None = None
    previous_until: datetime | None = None
    owner: str | None = None  # whose it is, where it does not bear their name
    owner_issuer: str | None = None  # who vouches for the owner, where somebody does
    owner_subject: str | None = None

    def counts(self, now: datetime) -> bool:
        """Whether it lets anybody in now."""
        return self.revoked_at is None and (self.expires_at is None or now < self.expires_at)

    def takes(self, sha256: str, now: datetime) -> bool:
        """Whether the secret of that digest lets in now: its own, or for a while the one before."""
        before = self.previous_until is not None and now < self.previous_until
        own = sha256 == self.sha256 or (before and sha256 == self.previous_sha256)
        return own and self.counts(now)

    @property
    def digests(self) -> tuple[str, ...]:
        """Of its secret, and of the one before."""
        return (self.sha256, *([self.previous_sha256] if self.previous_sha256 else []))

    @property
    def principal(self) -> Principal:
        """Who acts with it."""
        return Principal(TOKENS, self.token_id, self.name, self.role)

    @property
    def owner_key(self) -> tuple[str, str] | None:
        """Issuer and subject of whose it is; None where it is known by name alone."""
        if self.owner_issuer is None or self.owner_subject is None:
            return None
        return self.owner_issuer, self.owner_subject

    def of(self, owner: Owner | None) -> Token:
        """The same, somebody's."""
        if owner is None:
            return self
        return replace(
            self, owner=owner.name, owner_issuer=owner.issuer, owner_subject=owner.subject
        )

    def state(self, now: datetime) -> str:
        """In a word: valid, expired or revoked."""
        return "valid" if self.counts(now) else "revoked" if self.revoked_at else "expired"

    def used(self, now: datetime) -> Token:
        """The same, last used now."""
        return replace(self, used_at=now)


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody an issuer vouches for, and the role they have here; None: none (any more)."""

    issuer: str
    subject: str
    name: str
    role: Role | None
    set_by_hand: bool  # an admin's word stands above the groups of the issuer
    added_at: datetime
    seen_at: datetime | None = None

    @property
    def key(self) -> tuple[str, str]:
        """What the role is kept by."""
        return self.issuer, self.subject

    @property
    def principal(self) -> Principal:
        """Who acts."""
        return Principal(self.issuer, self.subject, self.name, self.role)


@dataclass(frozen=True, slots=True)
class Session:
    """A browser that has signed in, until it signs out or its time is over."""

    sha256: str
    issuer: str
    subject: str
    began_at: datetime
    expires_at: datetime
    ended_at: datetime | None = None

    def counts(self, now: datetime) -> bool:
        """Whether it lets anybody in now."""
        return self.ended_at is None and now < self.expires_at

    def no_later(self, until: datetime | None) -> Session:
        """The same, over by then at the latest; None: when it is over anyway."""
        return self if until is None else replace(self, expires_at=min(until, self.expires_at))

    @property
    def key(self) -> tuple[str, str]:
        """Whose it is."""
        return self.issuer, self.subject

    @property
    def session_id(self) -> str:
        """What it is called by: 12 hex digits, which let nobody in."""
        return self.sha256[:12]


def called(name: str) -> str:
    """The name of a token without space around; UsageError for what is none."""
    name = name.strip()
    if not 0 < len(name) <= LONGEST_NAME or not name.isprintable():
        raise UsageError(f"a token needs a name of 1 to {LONGEST_NAME} printable letters")
    return name


def named(told: str, subject: str) -> str:
    """What somebody is called whom an issuer vouches for: its printable letters, else the subject.

    Letters that steer a terminal, or write what follows backwards, stand in no list and no log.
    """
    words = " ".join(
        "".join(letter for letter in word if letter.isprintable()) for word in told.split()
    )
    return words.strip()[:LONGEST_NAME].strip() or subject[:LONGEST_NAME]


def is_subject(text: object) -> bool:
    """Whether an issuer can tell people apart by it: 1 to 255 printable letters, trimmed."""
    if not isinstance(text, str) or not 0 < len(text) <= LONGEST_SUBJECT:
        return False
    return text.isprintable() and text == text.strip()


def digest(secret: str) -> str:
    """What is kept of a secret. It is long and random, so no slow hash is needed."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def spelled(people: Iterable[Person], issuer: str, subject: str) -> str:
    """The subject as somebody of that issuer is known already, whatever its capitals.

    Directories ask for no capitals: who is shut out as `ada` must not come in as `Ada`.
    """
    known = [person.subject for person in people if person.issuer == issuer]
    folded = subject.casefold()
    alike = (found for found in known if found.casefold() == folded)
    return subject if subject in known else next(alike, subject)
