"""Every command, export, action and route, tried in every role by every way in."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import pytest

from app.doors import limits
from core.service import current
from core.service.desk import Desk
from tools import access_handles, access_matrix, access_trials
from tools.access_tables import ACTIONS

RATES = {"limit_principal": "999999/second", "limit_address": "999999/second"}


async def test_no_route_and_no_socket_is_a_hole(
    make_desk: Callable[..., Desk], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is left out of the matrix, and what strangers can reach is as it says."""
    monkeypatch.setattr(limits, "FIRST_PAUSE", 0.0)
    access_matrix.know_all()
    assert access_matrix.unlisted() == []
    tried = access_matrix.Tried(make_desk(access="token", **RATES))
    trials = await access_matrix.routes(tried, ["plans", "access"])
    trials += await access_matrix.sockets(tried) + await access_matrix.widgets(tried)
    assert [trial for trial in trials if trial.verdict != "right"] == []
    assert len(trials) > 50


async def test_what_is_anothers_is_got_by_no_handle_of_it(
    make_desk: Callable[..., Desk], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ids, keys, tags, names and digests of one reader, used by nobody and in every role."""
    monkeypatch.setattr(limits, "FIRST_PAUSE", 0.0)
    access_matrix.know_all()
    desk = make_desk(access="token", **RATES)
    current.use(desk)
    trials = await access_handles.handles(access_matrix.Tried(desk))
    assert [trial for trial in trials if trial.verdict != "right"] == []
    assert len(trials) > 40


def test_every_action_is_let_in_by_role(
    make_desk: Callable[..., Desk], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What pages call to change something, of each kind of reader; the others come thoroughly."""
    access_matrix.know_all()
    monkeypatch.setattr(access_matrix, "READS", {})  # they read, whoever may
    tried = access_matrix.Tried(make_desk(access="token", **RATES))
    trials = list(access_matrix.actions(tried))
    assert [trial for trial in trials if trial.verdict != "right"] == []
    assert {trial.name for trial in trials} == set(ACTIONS)
    assert {trial.found for trial in trials} == {True, False}


@pytest.mark.thorough
async def test_there_is_no_hole_and_no_wrong_refusal(
    make_desk: Callable[..., Desk], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What each should answer stands by hand in the matrix; nothing is left out of it."""
    monkeypatch.setattr(limits, "FIRST_PAUSE", 0.0)
    assert access_matrix.unlisted() == []
    trials = await access_matrix.run(make_desk(access="token", **RATES), ["plans", "access"])
    wrong = [trial for trial in trials if trial.verdict != "right"]
    assert wrong == []
    assert Counter(trial.kind for trial in trials)["command"] > 1000
    lines = Counter(trial.column for trial in trials if trial.way == "command line")
    assert set(lines) == {"viewer", "analyst", "trader", "admin", "revoked"}


def test_a_wrong_role_would_be_found() -> None:
    """Let in where it should not be is a hole; refused where it may is a wrong refusal."""
    trial = access_trials.Trial("command", "backup", "API", "viewer", expected=False, found=True)
    assert trial.verdict == "hole"
    trial = access_trials.Trial("command", "plans", "API", "viewer", expected=True, found=False)
    assert trial.verdict == "wrong refusal"
