"""People, tokens, sessions and what they did, in the store."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import TypeVar

import polars as pl

from core.domain.access.principals import Role
from core.domain.access.tokens import Person, Session, Token
from core.store.transaction import Transaction
from core.store.warehouse import Warehouse

T = TypeVar("T")


def people(warehouse: Warehouse) -> list[Person]:
    """Everyone who is known, by name."""
    return _made(
        Person,
        warehouse.read(
            "SELECT issuer, subject, name, role, set_by_hand, added_at, seen_at "
            "FROM access_people ORDER BY name, issuer, subject"
        ),
    )


def tokens(warehouse: Warehouse) -> list[Token]:
    """Every token that was ever made, newest first."""
    return _made(
        Token,
        warehouse.read(
            "SELECT token_id, name, role, sha256, made_by, made_at, expires_at, revoked_at, "
            "used_at, previous_sha256, previous_until, owner, owner_issuer, owner_subject "
            "FROM access_tokens "
            "ORDER BY made_at DESC, token_id"
        ),
    )


def sessions(warehouse: Warehouse, now: datetime) -> list[Session]:
    """The sessions that are not over."""
    return _made(
        Session,
        warehouse.read(
            "SELECT sha256, issuer, subject, began_at, expires_at, ended_at FROM access_sessions "
            "WHERE ended_at IS NULL AND expires_at > ?",
            [now],
        ),
    )


def _made(kind: Callable[..., T], rows: pl.DataFrame) -> list[T]:
    return [
        kind(**{k: Role(v) if k == "role" and v else v for k, v in row.items()})
        for row in rows.iter_rows(named=True)
    ]


def put_person(tx: Transaction, person: Person) -> None:
    """Keep a person, instead of what was known of them."""
    tx.execute(
        "DELETE FROM access_people WHERE issuer = ? AND subject = ?",
        [person.issuer, person.subject],
    )
    tx.execute(
        "INSERT INTO access_people (issuer, subject, name, role, set_by_hand, added_at, seen_at) "
        "VALUES (?, ?, ?, ?, ?, ?, ?)",
        [
            person.issuer,
            person.subject,
            person.name,
            person.role,
            person.set_by_hand,
            person.added_at,
            person.seen_at,
        ],
    )


def add_token(tx: Transaction, token: Token) -> None:
    """Keep a new token."""
    tx.execute(
        "INSERT INTO access_tokens (token_id, name, role, sha256, made_by, made_at, expires_at, "
        "owner, owner_issuer, owner_subject) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
            token.token_id,
            token.name,
            token.role,
            token.sha256,
            token.made_by,
            token.made_at,
            token.expires_at,
            token.owner,
            token.owner_issuer,
            token.owner_subject,
        ],
    )


def revoke_token(tx: Transaction, token_id: str, at: datetime) -> None:
    """Let nobody in with a token from now on."""
    tx.execute("UPDATE access_tokens SET revoked_at = ? WHERE token_id = ?", [at, token_id])


def rotate_token(tx: Transaction, token: Token) -> None:
    """Keep the new secret of a token, and how long the one before still lets in."""
    tx.execute(
        "UPDATE access_tokens SET sha256 = ?, previous_sha256 = ?, previous_until = ? "
        "WHERE token_id = ?",
        [token.sha256, token.previous_sha256, token.previous_until, token.token_id],
    )


def note_used(tx: Transaction, used: Iterable[Token]) -> None:
    """Keep when tokens were used last."""
    for token in used:
        tx.execute(
            "UPDATE access_tokens SET used_at = ? WHERE token_id = ?",
            [token.used_at, token.token_id],
        )


def add_session(tx: Transaction, session: Session) -> None:
    """Keep a new session; those that are over by then are dropped."""
    tx.execute(
        "DELETE FROM access_sessions WHERE ended_at IS NOT NULL OR expires_at <= ?",
        [session.began_at],
    )
    tx.execute(
        "INSERT INTO access_sessions (sha256, issuer, subject, began_at, expires_at) "
        "VALUES (?, ?, ?, ?, ?)",
        [
            session.sha256,
            session.issuer,
            session.subject,
            session.began_at,
            session.expires_at,
        ],
    )


def shorten_sessions(tx: Transaction, sessions: Iterable[Session]) -> None:
    """Keep that sessions are over sooner."""
    for session in sessions:
        tx.execute(
            "UPDATE access_sessions SET expires_at = ? WHERE sha256 = ?",
            [session.expires_at, session.sha256],
        )


def end_sessions(tx: Transaction, digests: Sequence[str], at: datetime) -> None:
    """End sessions."""
    tx.execute(
        "UPDATE access_sessions SET ended_at = ? WHERE sha256 IN (SELECT unnest(?))",
        [at, list(digests)],
    )
