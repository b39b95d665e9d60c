"""The browsers that are signed in, as admins see them."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from core.domain.access.principals import LOCAL, Principal, Role
from core.errors import RoleError
from core.service.access import admin
from core.service.desk import Desk
from core.service.kernel import access

UNA = ("https://id", "u1")


def _seen(desk: Desk) -> list[tuple[str, str]]:
    with access.acting(LOCAL):
        return admin.sessions(desk).select("name", "role").rows()


def test_admins_see_who_is_signed_in_until_they_are_not(make_desk: Callable[..., Desk]) -> None:
    """Newest first, with the role of this moment; nobody who signed out or may nothing more."""
    desk = make_desk(access="token")
    roster = desk.roster
    token = roster.add_token("notebook", Role.VIEWER, None, LOCAL)[0].principal
    una = roster.signed_in(*UNA, "Una", Role.TRADER)
    first = roster.begin(token)
    roster.begin(una)
    assert _seen(desk) == [("Una", "trader"), ("notebook", "viewer")]
    roster.set_role(*UNA, "", Role.ANALYST, LOCAL)
    assert _seen(desk)[0] == ("Una", "analyst")
    roster.set_role(*UNA, "", None, LOCAL)
    assert _seen(desk) == [("notebook", "viewer")]
    roster.end(first)
    assert _seen(desk) == []
    with access.acting(Principal(*token.key, "notebook", None)), pytest.raises(RoleError):
        admin.sessions(desk)
