"""Who somebody is beside the way in that they took: looked up in the chain of who did what."""

from __future__ import annotations

from core.domain.access.identities import Identity, borne, folded
from core.domain.access.principals import LOCAL, NOBODY, PROXY, TOKENS
from core.domain.access.tokens import Token
from core.service.kernel.roster import Key, Roster
from core.store import audit
from core.store.journal import Reader

_NOBODYS = (LOCAL.issuer, NOBODY.issuer)  # names of the desk itself


def identity(roster: Roster, reader: Reader, issuer: str, subject: str, name: str) -> Identity:
    """Whoever an issuer vouches for, with the names that they have borne on this desk."""
    known: dict[Key, set[str]] = {}
    for one, other, called in audit.names(reader):
        known.setdefault((one, other), set()).add(called)
    for person in roster.people():
        known.setdefault(person.key, set()).add(person.name)
    own = {name, *known.get((issuer, subject), ())} | ({subject} if issuer == PROXY else set())
    made = [token for token in roster.tokens() if (TOKENS, token.token_id) == (issuer, subject)]
    own |= {token.owner for token in made if token.owner}
    each = [folded(names) for (one, _), names in known.items() if one not in _NOBODYS]
    each += [folded((token.name, token.owner)) for token in roster.tokens() if token.owner]
    return Identity(issuer, subject, borne(folded(own), each), folded(_seen_by(reader, made)))


def _seen_by(reader: Reader, made: list[Token]) -> set[str]:
    """Who has seen the secret of a token: whoever made it, or changed it."""
    found = {token.made_by for token in made if token.made_by != LOCAL.name}
    for token in made:
        found |= audit.who_did(reader, "token rotate", token.name, but=LOCAL.issuer)
    return found
