"""When two who act may be one person."""

from __future__ import annotations

import pytest

from core.domain.access.identities import Identity, Witness, borne, folded, may_be_one
from core.domain.access.principals import LOCAL, PROXY, TOKENS

PROVIDER = "https://provider.example"


def who(
    issuer: str, subject: str, *names: str, seen_by: tuple[str | Witness, ...] = ()
) -> Identity:
    """Somebody under names; who has seen their secret is known by name, or as themselves."""
    seen = {Witness(*folded([one])) if isinstance(one, str) else one for one in seen_by}
    return Identity(issuer, subject, folded(names), frozenset(seen))


JO = who(PROVIDER, "1", "Jo Smith", "Jo Jones")  # renamed since
SAME = [
    who(PROVIDER, "1", "renamed"),
    who(TOKENS, "t1", "jo  SMITH"),
    who(TOKENS, "t1", "ＪＯ Jones"),
    who(PROXY, "jo smith", "jo smith"),
    who("https://other.example", "9", "Jo Jones"),
    who(TOKENS, "t2", "a script", seen_by=("Jo Smith",)),
    who(TOKENS, "t5", "a script", seen_by=(Witness("jo", PROVIDER, "1"),)),
    who(TOKENS, "t6", "a script", seen_by=(Witness("jo smith", TOKENS, "t1"),)),
    who(*LOCAL.key, LOCAL.name),
]
OTHERS = [
    who(PROVIDER, "2", "Jo Smith"),
    who(TOKENS, "t3", "Al"),
    who(TOKENS, "t4", "Al", seen_by=("Cy",)),
    who(TOKENS, "t5", "Al", seen_by=(Witness("jo smith", PROVIDER, "2"),)),
    who(PROXY, "al", "al"),
]


@pytest.mark.parametrize("other", SAME)
def test_one_person_by_two_ways_in(other: Identity) -> None:
    """By a key, a name of now or before, a secret they have seen, or the desk's own machine."""
    assert may_be_one(JO, other)
    assert may_be_one(other, JO)


@pytest.mark.parametrize("other", OTHERS)
def test_two_people(other: Identity) -> None:
    """A provider tells people of one name apart; two whose tokens one admin made are two."""
    assert not may_be_one(JO, other)
    assert not may_be_one(other, JO)


def test_an_admin_makes_tokens_for_several() -> None:
    """They are two people, and the admin is neither beside them."""
    first, second = (who(TOKENS, name, name, seen_by=("Cy",)) for name in ("Al", "Bo"))
    assert not may_be_one(first, second)
    assert may_be_one(who(TOKENS, "c", "cy"), first)


def test_names_are_followed_through_all_who_bore_them() -> None:
    """From one to the next, however many; names of others are left alone."""
    known = [folded(names) for names in (["b", "c"], ["x", "y"], ["a", "b"])]
    assert borne(folded(["A"]), known) == {"a", "b", "c"}
    assert borne(folded(["z"]), known) == {"z"}
