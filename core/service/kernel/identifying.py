"""Who somebody is beside the way in that they took: looked up in the chain of who did what."""

from __future__ import annotations

from core.domain.access.identities import Identity, folded
from core.domain.access.principals import LOCAL, PROXY, TOKENS
from core.service.kernel.roster import Roster
from core.store import audit
from core.store.journal import Reader


def identity(roster: Roster, reader: Reader, issuer: str, subject: str, name: str) -> Identity:
    """Whoever an issuer vouches for, with the names that they have borne on this desk."""
    names = {name, *audit.names_of(reader, issuer, subject)}
    names |= {person.name for person in roster.people() if person.key == (issuer, subject)}
    names |= {subject} if issuer == PROXY else set()
    seen_by: set[str] = set()
    if issuer == TOKENS:
        made = [token for token in roster.tokens() if token.token_id == subject]
        names |= {token.name for token in made}
        seen_by = {token.made_by for token in made if token.made_by != LOCAL.name}
        for token in made:
            seen_by |= audit.who_did(reader, "token rotate", token.name, but=LOCAL.issuer)
    return Identity(issuer, subject, folded(names), folded(seen_by))
