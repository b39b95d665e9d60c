"""What acts by the API: plans and the journal, once for each key, with two pairs of eyes."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from decimal import Decimal
from typing import Any

import anyio
import httpx
import pytest

from app.api.resources.kernel import resource
from core.domain.access.principals import Role
from core.service.desk import Desk
from core.service.kernel import access, once
from core.service.trading import proposals
from core.service.trading.plans import Ask
from core.store import answers
from tests import api_desk

LINES = [
    {"account": "assets:cash", "debit": "12.50"},
    {"account": "income:interest", "credit": "12.50"},
]
ENTRY = {"memo": "Interest", "lines": LINES}


@pytest.fixture
def shared(make_desk: Callable[..., Desk]) -> Desk:
    """A filled desk where plans over 1,000 need two."""
    return api_desk.open_desk(make_desk, four_eyes_over=1000)


@pytest.fixture
async def traders(shared: Desk) -> AsyncIterator[tuple[httpx.AsyncClient, httpx.AsyncClient]]:
    """Two traders."""
    first, second = (api_desk.token(shared, Role.TRADER, name) for name in ("Ada", "Ben"))
    async with api_desk.connected(first) as ada, api_desk.connected(second) as ben:
        yield ada, ben


async def test_who_proposes_does_not_approve(
    traders: tuple[httpx.AsyncClient, httpx.AsyncClient],
) -> None:
    """Over the size; somebody else does, once, and the journal has the commitment."""
    ada, ben = traders
    made = await ada.post("/v1/plans", json={"symbol": "AAA"})
    assert made.status_code == 201
    where = made.headers["location"].removeprefix("/api")
    plan = made.json()["data"]
    assert Decimal(plan["notional"]) > 1000
    assert plan["state"] == (await ben.get(where)).json()["data"]["state"] == "proposed"
    graded = {"grade": plan["grade"], "status": plan["status"]}
    assert graded.items() <= (await ada.get("/v1/plans")).json()["data"][0].items()
    own = await ada.post(f"{where}/approve", json={"reason": "mine"})
    assert (own.status_code, "two" in own.json()["detail"]) == (403, True)
    done = await ben.post(f"{where}/approve", json={"reason": "yours"})
    assert (done.status_code, done.json()["data"]["decided_by"]) == (200, "Ben")
    assert graded.items() <= done.json()["data"].items()
    assert graded.items() <= (await ada.get("/v1/plans")).json()["data"][0].items()
    again = await ben.post(f"{where}/approve", json={"reason": "again"})
    assert again.status_code == 409
    assert (await ada.post("/v1/plans", json={"symbol": "AAA"})).status_code in (201, 409)
    entries = (await ada.get("/v1/journal/entries?kind=commitment")).json()["data"]
    assert [entry["plan_id"] for entry in entries] == [plan["plan_id"]]
    assert entries[0]["postings"][0]["debit"] == plan["notional"]


async def test_nobody_approves_alone_what_nobody_proposed(
    traders: tuple[httpx.AsyncClient, httpx.AsyncClient],
) -> None:
    """By no other way either: the command refuses the same plan."""
    ada, _ = traders
    asked = {"symbol": "AAA", "approve_because": "quick"}
    answer = await ada.post("/v1/commands/plan", json=asked)
    assert (answer.status_code, "proposed" in answer.json()["detail"]) == (403, True)
    assert (await ada.get("/v1/journal/entries")).json()["data"] == []


async def test_nobody_approves_in_parts_what_needs_two(
    traders: tuple[httpx.AsyncClient, httpx.AsyncClient],
) -> None:
    """Plans of one symbol count together while they are approved or filled; a cancelled one not."""
    ada, ben = traders
    answers = []
    for percent in ("0.048", "0.047", "0.046"):
        made = await ada.post("/v1/plans", json={"symbol": "AAA", "risk_pct": percent})
        plan = made.json()["data"]
        assert 500 < Decimal(plan["notional"]) <= 1000
        where = f"/v1/plans/{plan['plan_id']}"
        answers.append((where, await ada.post(f"{where}/approve", json={"reason": "small"})))
    assert [answer.status_code for _, answer in answers] == [200, 403, 403]
    assert "two" in answers[1][1].json()["detail"]
    assert (await ben.post(f"{answers[1][0]}/approve", json={"reason": "seen"})).status_code == 200
    assert (await ben.get(answers[1][0])).json()["data"]["limits"]["position_pct"] == "20"
    for where, _ in answers[:2]:
        await ada.post(f"{where}/cancel", json={"reason": "back"})
    assert (await ada.post(f"{answers[2][0]}/approve", json={"reason": "s"})).status_code == 200


async def test_a_cancelled_plan_comes_back_only_as_it_could_be_approved(
    traders: tuple[httpx.AsyncClient, httpx.AsyncClient],
) -> None:
    """By reversing its release: not beside another that fills the size, save by a second person."""
    ada, ben = traders
    for percent in ("0.048", "0.047"):
        made = await ada.post("/v1/plans", json={"symbol": "AAA", "risk_pct": percent})
        where = f"/v1/plans/{made.json()['data']['plan_id']}"
        assert (await ada.post(f"{where}/approve", json={"reason": "s"})).status_code == 200
        if percent == "0.048":
            await ada.post(f"{where}/cancel", json={"reason": "back"})
    entries = (await ada.get("/v1/journal/entries?kind=release")).json()["data"]
    undo = f"/v1/journal/entries/{entries[0]['entry_no']}/reverse"
    own = await ada.post(undo, json={"reason": "again"})
    assert (own.status_code, "two" in own.json()["detail"]) == (403, True)
    assert (await ben.post(undo, json={"reason": "seen"})).status_code == 201


async def test_a_token_beside_a_sign_in_of_the_same_name_is_no_second_person(
    traders: tuple[httpx.AsyncClient, httpx.AsyncClient], shared: Desk
) -> None:
    """By whatever way in somebody proposes; another person of the desk approves."""
    ada, ben = traders
    signed_in = shared.roster.signed_in("https://provider.example", "1", "ADA", Role.TRADER)
    with access.acting(signed_in):
        plan_id = proposals.propose(shared, Ask("AAA")).plan_id
    own = await ada.post(f"/v1/plans/{plan_id}/approve", json={"reason": "mine"})
    assert own.status_code == 403
    assert (await ben.post(f"/v1/plans/{plan_id}/approve", json={})).status_code == 200


async def test_a_proposal_is_rejected_or_withdrawn(
    traders: tuple[httpx.AsyncClient, httpx.AsyncClient], shared: Desk
) -> None:
    """Rejected with a reason; withdrawn by who made it; no analyst takes that of another."""
    ada, ben = traders
    one = (await ada.post("/v1/plans", json={"symbol": "AAA"})).json()["data"]["plan_id"]
    other = (await ada.post("/v1/plans", json={"symbol": "BBB"})).json()["data"]["plan_id"]
    assert (await ben.post(f"/v1/plans/{one}/reject", json={"reason": " "})).status_code == 422
    told = await ben.post(f"/v1/plans/{one}/reject", json={"reason": "too large"})
    assert told.json()["data"]["state"] == "rejected"
    async with api_desk.connected(api_desk.token(shared, Role.ANALYST)) as analyst:
        assert (await analyst.post(f"/v1/plans/{other}/cancel", json={})).status_code == 403
    assert (await ada.post(f"/v1/plans/{other}/cancel", json={})).status_code == 200
    assert (await ada.get(f"/v1/plans/{other}")).status_code == 404
    states = {row["plan_id"]: row["state"] for row in (await ada.get("/v1/plans")).json()["data"]}
    assert states == {one: "rejected"}


async def test_money_is_a_decimal_string(
    traders: tuple[httpx.AsyncClient, httpx.AsyncClient],
) -> None:
    """In plans, risk, entries and the balance, to the cent."""
    ada, _ = traders
    plan = (await ada.post("/v1/plans", json={"symbol": "AAA"})).json()["data"]
    risk = (await ada.get("/v1/risk")).json()["data"]
    entry = (await ada.post("/v1/journal/entries", json=ENTRY)).json()["data"]
    balance = (await ada.get("/v1/journal/trial-balance")).json()["data"]
    money: list[Any] = [plan[name] for name in ("entry", "stop", "risk", "notional", "costs")]
    money += [*plan["targets"], risk["equity"], risk["open_risk"]]
    money += [check["used"] for check in risk["checks"] if check["unit"] == "money"]
    money += [line[side] for line in entry["postings"] for side in ("debit", "credit")]
    money += [row["balance"] for row in balance]
    assert all(isinstance(value, str) and Decimal(value).is_finite() for value in money)


async def test_the_same_key_does_it_once(
    traders: tuple[httpx.AsyncClient, httpx.AsyncClient], shared: Desk
) -> None:
    """And gives the same answer again, also to another desk on the same store; not to others."""
    ada, ben = traders
    key = {"Idempotency-Key": "k-1"}
    first = await ada.post("/v1/journal/entries", json=ENTRY, headers=key)
    again = await ada.post("/v1/journal/entries", json=ENTRY, headers=key)
    assert (again.status_code, again.content) == (first.status_code, first.content)
    assert "idempotency-replayed" not in first.headers
    assert again.headers["idempotency-replayed"] == "true"
    other = {"memo": "Other", "lines": LINES}
    assert (await ada.post("/v1/journal/entries", json=other, headers=key)).status_code == 422
    assert (await ben.post("/v1/journal/entries", json=ENTRY, headers=key)).status_code == 201
    manual = (await ada.get("/v1/journal/entries?kind=manual")).json()["data"]
    assert len(manual) == 2


async def test_a_refusal_is_given_again_and_a_failure_is_not(
    traders: tuple[httpx.AsyncClient, httpx.AsyncClient], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was refused stays refused under its key; after a fault it can be tried again."""
    ada, _ = traders
    key = {"Idempotency-Key": "k-2"}
    wrong = {"memo": "x", "lines": LINES[:1]}
    first = await ada.post("/v1/journal/entries", json=wrong, headers=key)
    again = await ada.post("/v1/journal/entries", json=wrong, headers=key)
    assert first.status_code == again.status_code == 422
    assert again.content == first.content
    key = {"Idempotency-Key": "k-3"}
    with monkeypatch.context() as patch:
        patch.setattr(resource, "run", lambda *_: 1 / 0)
        assert (await ada.post("/v1/journal/entries", json=ENTRY, headers=key)).status_code == 500
    done = await ada.post("/v1/journal/entries", json=ENTRY, headers=key)
    assert (done.status_code, "idempotency-replayed" in done.headers) == (201, False)


async def test_a_call_under_way_is_a_conflict(
    traders: tuple[httpx.AsyncClient, httpx.AsyncClient], shared: Desk
) -> None:
    """While it runs, and after the desk ended in its midst: nothing is done twice."""
    ada, _ = traders
    who = next(t for t in shared.roster.tokens() if t.name == "Ada").principal
    key = {"Idempotency-Key": "k-4"}
    first = await ada.post("/v1/journal/entries", json=ENTRY, headers=key)
    assert first.status_code == 201
    kept = answers.find(shared.warehouse, who.key, "k-4")
    assert kept is not None
    key = {"Idempotency-Key": "k-5"}
    assert once.begin(shared, who, "k-5", kept.request) is None
    running = await ada.post("/v1/journal/entries", json=ENTRY, headers=key)
    assert (running.status_code, "under way" in running.json()["detail"]) == (409, True)
    assert running.headers["retry-after"] == "1"  # clients ask again by themselves
    once.forget_all()  # as after a restart
    ended = await ada.post("/v1/journal/entries", json=ENTRY, headers=key)
    assert (ended.status_code, "desk ended" in ended.json()["detail"]) == (409, True)


async def test_twenty_at_once_with_one_key_do_it_once(
    traders: tuple[httpx.AsyncClient, httpx.AsyncClient],
) -> None:
    """One is done; the others are told that it is under way, or get its answer."""
    ada, _ = traders
    found: list[int] = []

    async def ask() -> None:
        headers = {"Idempotency-Key": "k-6"}
        found.append(
            (await ada.post("/v1/journal/entries", json=ENTRY, headers=headers)).status_code
        )

    async with anyio.create_task_group() as group:
        for _ in range(20):
            group.start_soon(ask)
    assert set(found) <= {201, 409}
    manual = (await ada.get("/v1/journal/entries?kind=manual")).json()["data"]
    assert len(manual) == 1


@pytest.mark.parametrize("key", ["", "x" * 256, "é", "two words", "\x7f"])
async def test_a_key_that_no_header_holds_is_refused(
    traders: tuple[httpx.AsyncClient, httpx.AsyncClient], key: str
) -> None:
    """Empty, too long, not of ASCII, or with a blank: what the description does not let in."""
    headers = {"Idempotency-Key": key.encode("latin-1")}
    answer = await traders[0].post("/v1/journal/entries", json=ENTRY, headers=headers)
    assert answer.status_code == 422


async def test_two_keys_are_none(
    traders: tuple[httpx.AsyncClient, httpx.AsyncClient],
) -> None:
    """Nothing is done: which of them would be remembered?"""
    ada, _ = traders
    keys = [("Idempotency-Key", "one"), ("Idempotency-Key", "two")]
    answer = await ada.post("/v1/journal/entries", json=ENTRY, headers=keys)
    assert answer.status_code == 422
    assert (await ada.get("/v1/journal/entries")).json()["data"] == []


async def test_a_reversal_takes_back_and_no_second_one_does(
    traders: tuple[httpx.AsyncClient, httpx.AsyncClient],
) -> None:
    """By number; an unknown one is 404."""
    ada, _ = traders
    number = (await ada.post("/v1/journal/entries", json=ENTRY)).json()["data"]["entry_no"]
    path = f"/v1/journal/entries/{number}/reverse"
    undone = await ada.post(path, json={"reason": "twice"})
    assert (undone.status_code, undone.json()["data"]["reverses"]) == (201, number)
    assert (await ada.post(path, json={"reason": "twice"})).status_code == 422
