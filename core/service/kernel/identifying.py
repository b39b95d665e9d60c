"""Who somebody is beside the way in that they took: looked up in the chain of who did what."""

from __future__ import annotations

from collections.abc import Mapping

from core.domain.access.identities import Identity, Witness, borne, folded
from core.domain.access.principals import LOCAL, NOBODY, TOKENS
from core.domain.access.tokens import Token
from core.service.kernel.roster import Key, Roster
from core.store import audit
from core.store.journal import Reader

_NOBODYS = (LOCAL.issuer, NOBODY.issuer)  # names of the desk itself


def identity(roster: Roster, reader: Reader, issuer: str, subject: str, name: str) -> Identity:
    """Whoever an issuer vouches for, with the names that they have borne on this desk.

    The subject of a person is a name, too: what they sign in with, and what tokens are called by.
    """
    known: dict[Key, set[str]] = {}
    for one, other, called in audit.names(reader):
        known.setdefault((one, other), _names_of(one, other)).add(called)
    for person in roster.people():
        known.setdefault(person.key, _names_of(*person.key)).add(person.name)
    made = [token for token in roster.tokens() if (TOKENS, token.token_id) == (issuer, subject)]
    key = next((token.owner_key for token in made if token.owner_key), (issuer, subject))
    own = {name, *known.get((issuer, subject), _names_of(issuer, subject))}
    own |= known.get(key, _names_of(*key)) | {token.owner for token in made if token.owner}
    each = [folded(names) for (one, _), names in known.items() if one not in _NOBODYS]
    each += [folded((token.name, token.owner)) for token in roster.tokens() if token.owner]
    seen = _seen_by(reader, made, roster.tokens())
    return Identity(*key, borne(folded(own), each), seen)


def _names_of(issuer: str, subject: str) -> set[str]:
    """What somebody is called before any name is known: ids of tokens and the desk are no names."""
    return set() if issuer in (TOKENS, *_NOBODYS) else {subject}


def _seen_by(reader: Reader, made: list[Token], known: list[Token]) -> frozenset[Witness]:
    """Who has seen the secret of a token: whoever made it, or changed it, and so on.

    Who made the token by which another was made could have made that one, too.
    """
    owners = {token.token_id: token.owner_key for token in known}
    found: set[Witness] = set()
    left, rest = made, known
    while left:
        new = {witness for token in left for witness in _handled(reader, token, owners)}
        found |= new
        rest = [token for token in rest if token not in left]
        names = {witness.name for witness in new}
        left = [token for token in rest if folded([token.name]) & names]
    return frozenset(found)


def _handled(reader: Reader, token: Token, owners: Mapping[str, Key | None]) -> set[Witness]:
    """Who made a token, or changed its secret, but on the desk's machine: by issuer, not by name.

    A token of the same name before it was another. Who did it by a token of theirs is known as
    themselves.
    """
    made = audit.who_did(
        reader, "token add", f"{token.name}, {token.role}", but=LOCAL.issuer, since=token.made_at
    )
    changed = audit.who_did(
        reader, "token rotate", token.name, but=LOCAL.issuer, since=token.made_at
    )
    if not made and token.made_by != LOCAL.name:  # of before it was kept who did what
        made = {("", "", token.made_by)}
    found = set()
    for issuer, subject, name in made | changed:
        key = (owners.get(subject) if issuer == TOKENS else None) or (issuer, subject)
        found |= {Witness(called, *key) for called in folded([name])}
    return found
