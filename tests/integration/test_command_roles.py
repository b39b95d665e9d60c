"""The command line in every role: beside a running desk, and on a store that no desk has."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from app import address
from app import run as runner
from core import settings
from core.domain.access.principals import LOCAL, ORDER, Role
from core.errors import AccessError, RoleError, SignInError, UsageError
from core.service import current
from core.service.desk import Desk
from core.service.kernel import commands
from tests import api_desk
from tools import access_matrix, access_tables

WRONG = {access_matrix.NOT_AN_ARGUMENT: 1}
Tokens = dict[str, str]


def tokens_of(desk: Desk) -> Tokens:
    """A token of each role, and one that was revoked."""
    made = {str(role): desk.roster.add_token(f"cli {role}", role, None, LOCAL)[1] for role in ORDER}
    made["revoked"] = desk.roster.add_token("cli revoked", Role.ADMIN, None, LOCAL)[1]
    desk.roster.revoke_token("cli revoked", LOCAL)
    return made


def tried(caller: runner.Caller, column: str) -> list[str]:
    """Commands that a column may and was refused, or may not and was let in."""
    wrong = []
    for name, role in access_tables.COMMANDS.items():
        try:
            caller.call(name, **WRONG)
        except (RoleError, AccessError):
            found = False
        except UsageError:
            found = True
        if found != access_matrix.allowed(column, role):
            wrong.append(name)
    return wrong


@pytest.mark.parametrize("column", [*ORDER, "revoked"])
def test_beside_a_running_desk_the_role_of_the_token_counts(
    make_desk: Callable[..., Desk], column: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every command, through the desk's API as the command line asks it."""
    monkeypatch.setattr("app.api.callers._pauses.next", lambda: 0.0)
    desk = api_desk.open_desk(make_desk)
    token = tokens_of(desk)[column]
    told = address.announce(desk.settings.data_dir, "127.0.0.1", 1)
    remote = runner.Remote(told, token, transport=api_desk.Bridged())
    access_matrix.know_all()
    assert set(access_tables.COMMANDS) == set(commands.command.entries)
    assert tried(remote, column) == []


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[tuple[Path, Tokens]]:
    """A data folder that no desk has, and tokens of it."""
    chosen = settings.load(data_dir=tmp_path / "desk", access="token")
    with Desk.open(chosen) as desk:
        tokens = tokens_of(desk)
    current.use(None)
    yield chosen.data_dir, tokens


@pytest.mark.parametrize("column", ORDER)
def test_on_a_store_that_no_desk_has_it_counts_too(
    folder: tuple[Path, Tokens], column: str
) -> None:
    """Whoever has the folder is admin, unless a token says who acts."""
    access_matrix.know_all()
    data_dir, tokens = folder
    with runner.caller(data_dir=data_dir, access="token", command_token=tokens[column]) as caller:
        assert tried(caller, column) == []


def test_a_token_that_does_not_count_is_refused(folder: tuple[Path, Tokens]) -> None:
    """Revoked, or never made: it does not fall back to whoever has the folder."""
    data_dir, tokens = folder
    for token in (tokens["revoked"], "obt_unknown"):
        chosen = {"data_dir": data_dir, "access": "token", "command_token": token}
        with pytest.raises(SignInError), runner.caller(**chosen):
            raise AssertionError
