"""Whether two who act are one person: by what vouches for them, by names, and by who knows a token.

A provider tells its people apart by their subjects, whatever they are called. Tokens and proxies
know people by name alone. Who made a token, or changed its secret, has seen it; whoever is on the
desk's machine may be any of them.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

from core.domain.access.principals import PROXY, THIS_MACHINE, TOKENS


@dataclass(frozen=True, slots=True)
class Witness:
    """Somebody who has seen the secret of a token, name folded; without an issuer by name alone."""

    name: str
    issuer: str = ""
    subject: str = ""


@dataclass(frozen=True, slots=True)
class Identity:
    """A way in with what is known of who comes by it, names folded.

    Issuer and subject are those of the owner, where a token is somebody's whom an issuer vouches
    for. `names`: every name they have borne; `seen_by`: who has seen the secret.
    """

    issuer: str
    subject: str
    names: frozenset[str]
    seen_by: frozenset[Witness] = frozenset()

    def is_told_apart(self, other: Identity | Witness) -> bool:
        """Whether both come from one provider, which knows its people by their subjects."""
        return self.issuer == other.issuer and self.issuer not in (TOKENS, PROXY)

    def has_seen(self, other: Identity) -> bool:
        """Whether they may be among those who have seen the secret of another way in."""
        return any(self._may_be(witness) for witness in other.seen_by)

    def _may_be(self, witness: Witness) -> bool:
        if (self.issuer, self.subject) == (witness.issuer, witness.subject):
            return True
        return not self.is_told_apart(witness) and witness.name in self.names


def folded(names: Iterable[str]) -> frozenset[str]:
    """Names as they are compared: without capitals, wide letters and spaces in a row."""
    plain = (" ".join(unicodedata.normalize("NFKC", name).casefold().split()) for name in names)
    return frozenset(name for name in plain if name)


def borne(names: frozenset[str], known: Iterable[frozenset[str]]) -> frozenset[str]:
    """Names with all that whoever bears one of them has borne; `known`: the names of each.

    So two tokens are of one person who was called by the name of the first, and now by the other.
    """
    left = list(known)
    while alike := [each for each in left if each & names]:
        left = [each for each in left if not each & names]
        names = names.union(*alike)
    return names


def may_be_one(first: Identity, second: Identity) -> bool:
    """Whether nothing shows that two who act are two people."""
    if (first.issuer, first.subject) == (second.issuer, second.subject):
        return True
    if THIS_MACHINE in (first.issuer, second.issuer):
        return True
    if first.has_seen(second) or second.has_seen(first):
        return True
    return not first.is_told_apart(second) and bool(first.names & second.names)
