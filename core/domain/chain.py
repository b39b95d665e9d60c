"""Chains of hashes: each entry carries the hash of the one before, so that none can be changed.

Shared by the journal and by who did what. Entries are numbered 1, 2, 3 … without gaps.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import Any, Protocol

GENESIS = "0" * 64  # the hash before the first entry


class Link(Protocol):
    """One entry of a chain."""

    @property
    def number(self) -> int:
        """Its place, from 1 on."""
        ...

    @property
    def previous_hash(self) -> str:
        """The hash that the entry before it had."""
        ...

    @property
    def hash(self) -> str:
        """The hash it was given when it was written."""
        ...

    def digest(self) -> str:
        """The hash of what it says now."""
        ...


def sha256(body: Sequence[Any]) -> str:
    """The hash of an entry's values, as hex."""
    return hashlib.sha256(json.dumps(body, ensure_ascii=False).encode()).hexdigest()


def fault(link: Link, number: int, previous_hash: str) -> str | None:
    """What is wrong with an entry that should follow that hash under that number; None: nothing."""
    if link.number != number:
        return f"{number} is missing: {link.number} follows"
    if link.previous_hash != previous_hash or link.hash != link.digest():
        return f"{number} was changed after it was written"
    return None
