"""Signed checkpoints: where the chain of who did what stood once, to be kept elsewhere.

Ed25519 over number, hash and instant. Whoever has the public key alone can tell a true one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from core.domain.access.audit import AuditHead
from core.errors import UsageError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

SECRET_BYTES = 32


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The chain's end at an instant, signed; key and signature are hex."""

    entry: int
    hash: str
    at: datetime
    public_key: str
    signature: str

    @property
    def head(self) -> AuditHead:
        """Where the chain ended then."""
        return AuditHead(self.entry, self.hash)

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> Checkpoint:
        """A checkpoint as it is kept in JSON; UsageError for anything else."""
        try:
            at = datetime.fromisoformat(document["at"])
            texts = [document[name] for name in ("hash", "public_key", "signature")]
            if not (at.tzinfo and all(isinstance(text, str) for text in texts)):
                raise ValueError("a checkpoint has an instant with its zone, and texts")
            return cls(int(document["entry"]), texts[0], at, texts[1], texts[2])
        except (KeyError, TypeError, ValueError) as error:
            raise UsageError(
                f"that is no checkpoint of the audit chain: {error}",
                hint="make one with: python -m app audit --checkpoint FILE",
            ) from None


def sign(head: AuditHead, at: datetime, secret: bytes) -> Checkpoint:
    """A checkpoint of the chain's end, by the desk's key (32 bytes)."""
    key = _private(secret)
    public = key.public_key().public_bytes_raw().hex()
    return Checkpoint(head.number, head.hash, at, public, key.sign(_text(head, at)).hex())


def is_signed_by(checkpoint: Checkpoint, secret: bytes) -> bool:
    """Whether the key of this desk made it."""
    public = _private(secret).public_key().public_bytes_raw()
    return public.hex() == checkpoint.public_key and is_signed(checkpoint)


def is_signed(checkpoint: Checkpoint) -> bool:
    """Whether the key it names made it."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import (
        Ed25519PublicKey,
    )

    try:
        key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(checkpoint.public_key))
        text = _text(checkpoint.head, checkpoint.at)
        key.verify(bytes.fromhex(checkpoint.signature), text)
    except (InvalidSignature, ValueError):
        return False
    return True


def _private(secret: bytes) -> Ed25519PrivateKey:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import (
        Ed25519PrivateKey,
    )

    return Ed25519PrivateKey.from_private_bytes(secret)


def _text(head: AuditHead, at: datetime) -> bytes:
    return f"openbell audit {head.number} {head.hash} {at.astimezone(UTC).isoformat()}".encode()
