"""What was taken from somebody stays so, whatever older copy of the store is put in place."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from core import settings
from core.domain.access.principals import LOCAL, Principal, Role
from core.errors import IntegrityError
from core.service import data_folder
from core.service.care import backing_up
from core.service.desk import Desk
from core.service.kernel import access
from core.store import withdrawn

NOW = datetime(2026, 11, 27, 16, 0, tzinfo=UTC)
ADA = ("https://login.example", "ada")


def test_an_older_backup_revives_nothing(tmp_path: Path) -> None:
    """Neither a token, nor a session, nor a role; what was given before and stays counts."""
    chosen = settings.load(data_dir=tmp_path / "desk", access="token")
    with Desk.open(chosen) as desk:
        roster = desk.roster
        gone = roster.add_token("gone", Role.TRADER, None, LOCAL)[1]
        kept = roster.add_token("kept", Role.TRADER, None, LOCAL)[1]
        who = roster.signed_in(*ADA, "Ada", Role.TRADER)
        ended, open_one = roster.begin(who), roster.begin(who)
        with access.acting(LOCAL):
            backup = Path(backing_up.make(desk)["folder"])
        roster.revoke_token("gone", LOCAL)
        roster.end(ended)
        roster.set_role(*ADA, "Ada", Role.VIEWER, LOCAL)
    data_folder.bring_back(chosen, backup, NOW)
    with Desk.open(chosen) as desk:
        roster = desk.roster
        assert roster.of_token(gone) is None
        assert roster.of_token(kept) is not None
        assert roster.of_session(ended) is None
        assert roster.of_session(open_one) is not None
        assert roster.current(Principal(*ADA, "", None)).role == Role.VIEWER
        states = {token.name: token.state(NOW) for token in roster.tokens()}
        assert states == {"gone": "revoked", "kept": "valid"}


def test_who_came_after_the_backup_gets_no_role_of_their_groups_back(tmp_path: Path) -> None:
    """The store no longer knows them; that an admin took their role does not depend on it."""
    chosen = settings.load(data_dir=tmp_path / "desk", access="token")
    with Desk.open(chosen) as desk:
        with access.acting(LOCAL):
            backup = Path(backing_up.make(desk)["folder"])
        desk.roster.signed_in(*ADA, "Ada", Role.TRADER)
        desk.roster.set_role(*ADA, "Ada", None, LOCAL)
    data_folder.bring_back(chosen, backup, NOW)
    with Desk.open(chosen) as desk:
        assert desk.roster.people() == []
        assert desk.roster.signed_in(*ADA, "Ada", Role.TRADER).role is None


def test_what_cannot_be_read_lets_nobody_in(make_desk: Callable[..., Desk]) -> None:
    """A damaged file is told, not passed over."""
    desk = make_desk(access="token")
    (desk.settings.data_dir / withdrawn.FILE).write_text("{")
    with pytest.raises(IntegrityError, match="nobody is let in"):
        desk.roster.of_token("obt_x")


def test_the_file_is_for_its_owner_alone_and_holds_no_secret(
    make_desk: Callable[..., Desk],
) -> None:
    """Digests and roles, with the rights of the store."""
    desk = make_desk(access="token")
    secret = desk.roster.add_token("gone", Role.ADMIN, None, LOCAL)[1]
    desk.roster.revoke_token("gone", LOCAL)
    path = desk.settings.data_dir / withdrawn.FILE
    assert secret not in path.read_text()
    assert path.stat().st_mode & 0o077 == 0
