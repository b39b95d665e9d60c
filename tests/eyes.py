"""Who may stand behind a way in to a desk, as random walks keep it beside the desk's own books."""

from __future__ import annotations

from dataclasses import dataclass

ANYBODY = "*"  # the desk's machine: whoever is there


@dataclass(frozen=True, slots=True)
class Eyes:
    """Who may stand behind a way in: whose it is, and who has seen its secret."""

    whose: set[str]
    seen: frozenset[str] = frozenset()

    def may_be(self, person: str) -> bool:
        """Whether a person could have acted by it."""
        return bool({person, ANYBODY} & (self.whose | self.seen))

    def may_be_one(self, other: Eyes) -> bool:
        """Whether nothing shows two people; one admin may make two tokens for two."""
        either = self.whose & (other.whose | other.seen) or self.seen & other.whose
        return ANYBODY in self.whose | other.whose or bool(either)


PRICES = Eyes({"the prices"})
