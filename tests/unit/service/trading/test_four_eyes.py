"""Two pairs of eyes: whoever may be who proposed does not approve, by whatever way in."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal

import pytest

from core.domain.access.principals import LOCAL, TOKENS, Principal, Role
from core.errors import NotFoundError, RoleError
from core.service.access import admin
from core.service.desk import Desk
from core.service.kernel import access
from core.service.trading import four_eyes, plans, proposals
from core.service.trading.plans import Ask
from core.store import plans as plan_store
from tests import api_desk

PROVIDER = "https://provider.example"


@pytest.fixture
def shared(make_desk: Callable[..., Desk]) -> Desk:
    """A filled desk where plans over 1,000 need two."""
    return api_desk.open_desk(make_desk, four_eyes_over=1000)


def token(desk: Desk, name: str, by: Principal = LOCAL, role: Role = Role.TRADER) -> Principal:
    """Who acts with a new token."""
    return desk.roster.add_token(name, role, None, by)[0].principal


def proposed(desk: Desk, who: Principal, percent: str = "1") -> str:
    """A plan over the size, proposed; of another share of equity it is another plan."""
    with access.acting(who):
        return proposals.propose(desk, Ask("AAA", risk_pct=Decimal(percent))).plan_id


def approved(desk: Desk, plan_id: str, who: Principal) -> str:
    """The state of a plan that somebody approves; RoleError where they may not."""
    with access.acting(who):
        return proposals.approve(desk, plan_id, "seen").state


def test_a_name_changed_at_the_provider_makes_no_second_person(shared: Desk) -> None:
    """Of a token that bears the name of before, or that of now, whoever proposed first."""
    before, after = token(shared, "Ada Smith"), token(shared, "Ada Jones")
    ada = shared.roster.signed_in(PROVIDER, "1", "Ada Smith", Role.TRADER)
    plan_id = proposed(shared, ada)
    shared.roster.signed_in(PROVIDER, "1", "Ada Jones", Role.TRADER)
    for own in (before, after):
        with pytest.raises(RoleError, match="two"):
            approved(shared, plan_id, own)
    other = shared.roster.signed_in(PROVIDER, "2", "Ada Smith", Role.TRADER)
    assert approved(shared, plan_id, other) == plan_store.WAITING


@pytest.mark.parametrize("changed", [False, True])
def test_who_has_seen_a_secret_is_no_second_person(shared: Desk, changed: bool) -> None:
    """Neither the admin who made a token, nor one who changed it."""
    cy = shared.roster.signed_in(PROVIDER, "3", "Cy", Role.ADMIN)
    bot = token(shared, "night run", LOCAL if changed else cy)
    if changed:
        shared.roster.rotate_token("night run", timedelta(), cy)
    plan_id = proposed(shared, bot)
    with pytest.raises(RoleError, match="two"):
        approved(shared, plan_id, cy)
    shared.roster.signed_in(PROVIDER, "3", "Cyrus", Role.ADMIN)
    with pytest.raises(RoleError, match="two"):
        approved(shared, plan_id, cy)
    assert approved(shared, plan_id, token(shared, "Ben", cy)) == plan_store.WAITING


def test_the_machine_of_the_desk_is_no_second_person(shared: Desk) -> None:
    """Whoever is there may be who proposed, and the other way round."""
    ada = token(shared, "Ada")
    plan_id = proposed(shared, ada)
    with pytest.raises(RoleError, match="two"):
        approved(shared, plan_id, LOCAL)
    with access.acting(ada):
        proposals.withdraw(shared, plan_id)
    proposed(shared, LOCAL)
    with pytest.raises(RoleError, match="two"):
        approved(shared, plan_id, ada)


def test_tokens_of_two_names_of_one_person_are_one(shared: Desk) -> None:
    """One was made before the name changed at the provider, the other after it."""
    for name in ("Ada", "Ada Smith", "Ada Jones"):
        shared.roster.signed_in(PROVIDER, "1", name, Role.TRADER)
    before, after = token(shared, "Ada"), token(shared, "Ada Jones")
    plan_id = proposed(shared, before)
    with pytest.raises(RoleError, match="two"):
        approved(shared, plan_id, after)


def test_a_token_is_its_owners_whatever_it_is_called(shared: Desk) -> None:
    """Also after the owner's name has changed; an owner whom nobody knows is refused."""
    ada = shared.roster.signed_in(PROVIDER, "1", "Ada Smith", Role.TRADER)
    with access.acting(LOCAL):
        for name, owner in (("laptop", "1"), ("nightly", "laptop")):
            admin.add_token(shared, name, Role.TRADER, owner=owner)
        with pytest.raises(NotFoundError, match="nobody"):
            admin.add_token(shared, "other", Role.TRADER, owner="Eve")
    shared.roster.signed_in(PROVIDER, "1", "Ada Jones", Role.TRADER)
    nightly, laptop = (item.principal for item in shared.roster.tokens()[:2])
    for first, second in ((ada, laptop), (laptop, ada), (nightly, laptop), (ada, nightly)):
        plan_id = proposed(shared, first)
        with pytest.raises(RoleError, match="two"):
            approved(shared, plan_id, second)
        with access.acting(first):
            proposals.withdraw(shared, plan_id)


def test_of_two_people_of_one_name_the_owner_is_who_was_meant(shared: Desk) -> None:
    """Given by subject, or by issuer and subject: the other is a second person beside it, and
    beside the token of it that was made by the first; the name alone says too little.
    """
    first, second = (
        shared.roster.signed_in(PROVIDER, subject, "Ada Smith", Role.ADMIN) for subject in "12"
    )
    with access.acting(LOCAL):
        for name, owner in (("laptop", "1"), ("desktop", f"{PROVIDER} 2"), ("nightly", "laptop")):
            admin.add_token(shared, name, Role.TRADER, owner=owner)
        with pytest.raises(NotFoundError, match="2 known"):
            admin.add_token(shared, "other", Role.TRADER, owner="Ada Smith")
    with access.acting(first):
        admin.add_token(shared, "made by the first", Role.TRADER, owner="1")
    found = {item.name: item.principal for item in shared.roster.tokens()}
    of_first = [first, *(found[name] for name in ("laptop", "nightly", "made by the first"))]
    of_second, turn = [second, found["desktop"]], 0
    for own, others in ((of_first, of_second), (of_second, of_first)):
        for who in own:
            plan_id = proposed(shared, who)
            for same in own:
                with pytest.raises(RoleError, match="two"):
                    approved(shared, plan_id, same)
            with access.acting(who):
                proposals.withdraw(shared, plan_id)
        for other in others:
            turn += 1
            plan_id = proposed(shared, own[-1], f"0.{50 + turn}")
            assert approved(shared, plan_id, other) == plan_store.WAITING
            with access.acting(other):
                plans.cancel(shared, plan_id, "again")


def test_whose_it_is_stays_when_somebody_takes_the_name(shared: Desk) -> None:
    """A token given to the only one of a name is theirs, whoever is called so later."""
    first = shared.roster.signed_in(PROVIDER, "1", "Ada Smith", Role.TRADER)
    with access.acting(LOCAL):
        admin.add_token(shared, "laptop", Role.TRADER, owner="Ada Smith")
    shared.roster.signed_in(PROVIDER, "1", "Ada Jones", Role.TRADER)
    second = shared.roster.signed_in(PROVIDER, "2", "Ada Smith", Role.TRADER)
    laptop = shared.roster.tokens()[0].principal
    plan_id = proposed(shared, laptop)
    with pytest.raises(RoleError, match="two"):
        approved(shared, plan_id, first)
    assert approved(shared, plan_id, second) == plan_store.WAITING


def test_spellings_of_a_symbol_count_together(shared: Desk) -> None:
    """What is held as BRK-B counts for a plan of BRK.B."""
    tokens = [token(shared, name) for name in ("Ada", "Ben")]
    plan_id = proposed(shared, tokens[0])
    approved(shared, plan_id, tokens[1])
    with shared.warehouse.transaction() as tx:
        tx.execute("UPDATE plans SET symbol = 'A-A'")
    held = plan_store.live_of(shared.warehouse, "a.a")
    assert [item.plan_id for item in held] == [plan_id]


def test_a_token_is_whose_it_was(shared: Desk) -> None:
    """Made anew under its name, too."""
    ada = token(shared, "Ada")
    plan_id = proposed(shared, ada)
    shared.roster.revoke_token("Ada", LOCAL)
    again = token(shared, "ada")
    assert again.issuer == TOKENS
    with pytest.raises(RoleError, match="two"):
        approved(shared, plan_id, again)
    assert four_eyes.size_of_two(shared) == 1000


@pytest.mark.parametrize("called", ["helper", LOCAL.name])
def test_who_made_the_token_that_made_a_token_is_no_second_person(
    shared: Desk, called: str
) -> None:
    """Whatever the one in between is called; somebody else's eyes are."""
    cy = shared.roster.signed_in(PROVIDER, "3", "Cy", Role.ADMIN)
    between = token(shared, called, cy, Role.ADMIN)
    last = token(shared, "last", between)
    plan_id = proposed(shared, cy)
    for own in (between, last):
        with pytest.raises(RoleError, match="two"):
            approved(shared, plan_id, own)
    assert approved(shared, plan_id, token(shared, "Ben")) == plan_store.WAITING


def test_a_token_called_by_what_somebody_signs_in_with_is_theirs(shared: Desk) -> None:
    """By the subject at the provider, which is no name that is shown there."""
    ada = shared.roster.signed_in(PROVIDER, "ada", "Ada Smith", Role.TRADER)
    own, other = token(shared, "Ada"), token(shared, "Ben")
    plan_id = proposed(shared, ada)
    with pytest.raises(RoleError, match="two"):
        approved(shared, plan_id, own)
    assert approved(shared, plan_id, other) == plan_store.WAITING


def test_who_changed_an_older_token_of_the_name_has_not_seen_it(shared: Desk) -> None:
    """A name is free again when its token is revoked."""
    cy = shared.roster.signed_in(PROVIDER, "3", "Cy", Role.ADMIN)
    token(shared, "night run", cy)
    shared.roster.rotate_token("night run", timedelta(), cy)
    shared.roster.revoke_token("night run", LOCAL)
    plan_id = proposed(shared, token(shared, "night run"))
    assert approved(shared, plan_id, cy) == plan_store.WAITING
