"""The browsers that are signed in, as admins see them."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from core.domain.access.principals import LOCAL, Principal, Role
from core.domain.access.tokens import digest
from core.errors import NotFoundError, RoleError
from core.service.access import admin, auditing
from core.service.activity import feed
from core.service.desk import Desk
from core.service.kernel import access, commands
from core.store.withdrawn import Withdrawn

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


def test_an_admin_ends_one_session_and_no_other(make_desk: Callable[..., Desk]) -> None:
    """Others of the same person stay; it is told, kept, and outlives an older store."""
    desk = make_desk(access="token")
    roster, heard = desk.roster, []
    una = roster.signed_in(*UNA, "Una", Role.TRADER)
    lost, kept = roster.begin(una), roster.begin(una)
    ids = {one.sha256: one.session_id for one in roster.sessions()}
    roster.listeners.append(heard.append)
    with access.acting(LOCAL):
        listed = commands.run(desk, "session_list", {}).document["sessions"]
        assert {row["session_id"] for row in listed} == set(ids.values())
        done = commands.run(desk, "session_end", {"session_id": ids[digest(lost)]}).document
        assert done == {"session_id": ids[digest(lost)], "issuer": UNA[0], "subject": UNA[1]}
        with pytest.raises(NotFoundError, match="no session"):
            admin.end_session(desk, ids[digest(lost)])
    assert roster.of_session(lost) is None
    assert roster.of_session(kept) == una
    assert heard == [UNA]
    assert digest(lost) in Withdrawn.of(desk.settings.data_dir).sessions
    with access.acting(LOCAL):
        kept_of_it = auditing.acts(desk).select("act", "name", "detail").rows()
    assert ("session end", LOCAL.name, f"{ids[digest(lost)]} of Una") in kept_of_it
    told = feed.following(desk, feed.chosen(["access"]), "")[-1]
    assert (told["kind"], told["subject"], told["actor"]) == ("access.changed", "Una", LOCAL.name)
    with access.acting(una), pytest.raises(RoleError):
        admin.end_session(desk, ids[digest(kept)])
