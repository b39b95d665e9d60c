"""Who acts, and whether they may: decided in one place, by the role of that moment."""

from __future__ import annotations

import contextvars
from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace

import pytest

from core.domain.access.principals import ENGINE, LOCAL, NOBODY, Principal, Role
from core.errors import NotFoundError, RoleError, SignInError, UsageError
from core.service.desk import Desk
from core.service.kernel import access, commands, exports
from core.service.pulls import refresh
from core.service.trading import journal

DAY = date(2024, 1, 3)


@pytest.fixture
def shared(make_desk: Callable[..., Desk]) -> Desk:
    """A desk of several people."""
    return make_desk(access="token")


def somebody(desk: Desk, role: Role, name: str = "") -> Principal:
    """The owner of a new token of that role."""
    token, _ = desk.roster.add_token(name or f"a {role}", role, None, LOCAL)
    return token.principal


def log(desk: Desk) -> list[tuple[str, str, str]]:
    rows = desk.warehouse.read("SELECT name, act, outcome FROM access_audit ORDER BY entry")
    return [(str(a), str(b), str(c)) for a, b, c in rows.rows()]


def test_on_a_desk_of_one_person_it_is_them(desk: Desk) -> None:
    """Nothing has to be said; what they do is theirs."""
    assert access.principal(desk) == LOCAL
    assert journal.deposit(desk, Decimal("5.00"), DAY).number == 2
    assert log(desk) == [("local", "journal.deposit", "done")]


def test_on_a_shared_desk_nobody_may_nothing(shared: Desk) -> None:
    """Not a command, not an export, not an action."""
    with pytest.raises(SignInError):
        commands.run(shared, "status", {})
    with pytest.raises(SignInError):
        exports.frame_of(shared, "plans")
    with pytest.raises(SignInError):
        refresh.refresh_now(shared)
    with access.acting(NOBODY), pytest.raises(SignInError):
        commands.run(shared, "watch_list", {})


def test_each_role_may_what_it_may_and_no_more(shared: Desk) -> None:
    """A viewer reads; an analyst follows; a trader posts; an admin copies."""
    acts = {
        Role.VIEWER: lambda: commands.run(shared, "watch_list", {}),
        Role.ANALYST: lambda: commands.run(shared, "jobs_retry", {"all": True}),
        Role.TRADER: lambda: journal.deposit(shared, Decimal("5.00"), DAY),
        Role.ADMIN: lambda: commands.run(shared, "verify", {}),
    }
    order = list(Role)
    for role in order:
        with access.acting(somebody(shared, role)):
            for needed, act in acts.items():
                if order.index(role) >= order.index(needed):
                    act()
                else:
                    with pytest.raises(RoleError, match=f"needs the role {needed}; a {role} is"):
                        act()


def test_a_command_checks_what_it_calls_too(shared: Desk) -> None:
    """The preview of a plan is for viewers; its approval, by the same command, is not."""
    with access.acting(somebody(shared, Role.ANALYST)), pytest.raises(RoleError, match="trader"):
        commands.run(shared, "plan", {"symbol": "AAA", "approve_because": "x"})


def test_a_revocation_counts_at_once(shared: Desk) -> None:
    """Also for whoever is in the middle of something."""
    who = somebody(shared, Role.TRADER, "bot")
    told: list[object] = []
    shared.roster.listeners.append(told.append)
    with access.acting(who):
        journal.deposit(shared, Decimal("5.00"), DAY)
        shared.roster.revoke_token("bot", LOCAL)
        with pytest.raises(SignInError):
            journal.deposit(shared, Decimal("5.00"), DAY)
    assert told == [who.key]
    with pytest.raises(NotFoundError):
        shared.roster.revoke_token("bot", LOCAL)


def test_a_changed_role_counts_at_once(shared: Desk) -> None:
    """The role is that of the roster, not that of the one who signed in."""
    who = shared.roster.signed_in("https://id", "u1", "Una", Role.TRADER)
    with access.acting(who):
        journal.deposit(shared, Decimal("5.00"), DAY)
        shared.roster.set_role("https://id", "u1", "", Role.VIEWER, LOCAL)
        assert access.principal(shared).role == Role.VIEWER
        with pytest.raises(RoleError):
            journal.deposit(shared, Decimal("5.00"), DAY)
    # the groups of the issuer do not take back what was set by hand
    assert shared.roster.signed_in("https://id", "u1", "Una", Role.ADMIN).role == Role.VIEWER


def test_a_page_takes_its_reader_for_who_they_were_for_a_moment(
    shared: Desk, make_desk: Callable[..., Desk], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """What it asks while it is drawn; what is decided meanwhile is looked up anew."""
    token, _ = shared.roster.add_token("t", Role.TRADER, None, LOCAL)
    another = make_desk(access="token", data_dir=tmp_path / "another")
    now = [5.0]
    monkeypatch.setattr(access, "time", SimpleNamespace(monotonic=lambda: now[0]))
    monkeypatch.setattr(access, "_askers", [lambda: token.principal])

    def run() -> None:
        assert access.drawn_for(shared, Role.VIEWER, "a page") == token.principal
        shared.roster.revoke_token("t", LOCAL)
        assert access.principal(shared) == token.principal
        with pytest.raises(SignInError):
            journal.deposit(shared, Decimal("5.00"), DAY)
        with access.acting(LOCAL):
            assert access.principal(shared) == LOCAL
        assert access.principal(another).role is None
        now[0] += access.DRAWN_SECONDS
        assert access.principal(shared).role is None
        assert access.DRAWN_SECONDS < 1

    def refused() -> None:
        with pytest.raises(SignInError):
            access.drawn_for(shared, Role.VIEWER, "a page")
        assert access.principal(shared).role is None

    context = contextvars.Context()
    context.run(run)
    now[0] = 5.0  # as if the run before had begun just now
    context.run(refused)
    monkeypatch.setattr(access, "_askers", [])
    assert access.principal(shared) == NOBODY  # in another thread nothing of it is known


def test_a_token_expires(make_desk: Callable[..., Desk]) -> None:
    """From that instant on it lets nobody in."""
    desk = make_desk(access="token")
    ends = desk.now() + timedelta(hours=1)
    token, secret = desk.roster.add_token("short", Role.VIEWER, ends, LOCAL)
    assert desk.roster.of_token(secret) == token.principal
    late = ends + timedelta(seconds=1)
    desk.roster._now = lambda: late
    assert desk.roster.of_token(secret) is None
    assert desk.roster.current(token.principal).role is None
    with pytest.raises(UsageError, match="later than now"):
        desk.roster.add_token("past", Role.VIEWER, ends, LOCAL)


def test_a_session_ends_with_its_time(make_desk: Callable[..., Desk]) -> None:
    """After the hours of the setting, however it was used meanwhile."""
    desk = make_desk(access="token", session_hours=2)
    secret = desk.roster.begin(somebody(desk, Role.VIEWER))
    began = desk.now()
    desk.roster._now = lambda: began + timedelta(hours=1)
    assert desk.roster.of_session(secret) is not None
    desk.roster._now = lambda: began + timedelta(hours=2, seconds=1)
    assert desk.roster.of_session(secret) is None


def test_secrets_are_kept_nowhere(shared: Desk) -> None:
    """The store holds digests; a query of a user does not see even those."""
    _, secret = shared.roster.add_token("x", Role.ADMIN, None, LOCAL)
    session = shared.roster.begin(somebody(shared, Role.VIEWER))
    rows = shared.warehouse.read("SELECT * FROM access_tokens").to_dicts()
    rows += shared.warehouse.read("SELECT * FROM access_sessions").to_dicts()
    assert secret not in str(rows)
    assert session not in str(rows)
    with pytest.raises(UsageError, match="access_tokens"):
        shared.queries.run("SELECT * FROM access_tokens")


def test_what_is_kept_survives_the_process(make_desk: Callable[..., Desk]) -> None:
    """Tokens, roles, sessions and last use are there again after a restart."""
    desk = make_desk(access="token")
    _, secret = desk.roster.add_token("x", Role.ANALYST, None, LOCAL)
    desk.roster.signed_in("https://id", "u1", "Una", Role.TRADER)
    who = desk.roster.of_token(secret)
    assert who is not None
    session = desk.roster.begin(who)
    gone = desk.roster.begin(who)
    desk.roster.end(gone)
    desk.close()
    again = make_desk(access="token")
    assert again.roster.of_token(secret) == who
    assert again.roster.of_session(session) == who
    assert again.roster.of_session(gone) is None
    assert again.roster.current(Principal("https://id", "u1", "", None)).role == Role.TRADER
    assert again.roster.tokens()[0].used_at is not None


def test_who_did_and_who_tried_is_kept(shared: Desk) -> None:
    """Actions once each, as the outermost one; refusals once a minute; nothing of strangers."""
    trader, viewer = somebody(shared, Role.TRADER, "tess"), somebody(shared, Role.VIEWER, "vic")
    with access.acting(trader):
        journal.deposit(shared, Decimal("5.00"), DAY)
    for who in (viewer, viewer, NOBODY):
        with access.acting(who), pytest.raises((RoleError, SignInError)):
            journal.deposit(shared, Decimal("5.00"), DAY)
    with access.acting(ENGINE):
        journal.deposit(shared, Decimal("1.00"), DAY)
    assert log(shared)[2:] == [
        ("tess", "journal.deposit", "done"),
        ("vic", "journal.deposit", "refused"),
    ]
