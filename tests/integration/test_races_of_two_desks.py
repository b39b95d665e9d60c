"""Two desks of one lake at once: what one person may alone, what is done once, and who is out."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import httpx
import pytest

from core.domain.access.principals import LOCAL, Role
from core.service.desk import Desk
from core.settings import load
from core.store import journal
from core.store import plans as plan_store
from tests.cluster_rig import UNTIMED, Member
from tests.filled import fill
from tests.redis_server import free_port
from tools.access_matrix import know_all

pytestmark = pytest.mark.thorough
OVER, AT_ONCE = 1000, 20
SHARED = {"access": "token", "four_eyes_over": OVER}
RATES = {"limit_principal": "9999/second", "limit_address": "9999/second"}
LINES = [
    {"account": "assets:cash", "debit": "12.50"},
    {"account": "income:interest", "credit": "12.50"},
]


@dataclass
class Pair:
    """The engine, the addresses of two desks, and tokens by name."""

    engine: Desk
    bases: tuple[str, str]
    tokens: dict[str, str]

    def post(self, turn: int, path: str, who: str, body: object, key: str = "") -> httpx.Response:
        """A call at one of the two desks."""
        headers = {"Authorization": f"Bearer {self.tokens[who]}"}
        headers |= {"Idempotency-Key": key} if key else {}
        where = f"{self.bases[turn % 2]}/api/v1{path}"
        return httpx.post(where, json=body, headers=headers, timeout=120)

    def at_once(self, call: Callable[[int], httpx.Response]) -> list[httpx.Response]:
        """The same at both desks, many at once."""
        with ThreadPoolExecutor(AT_ONCE) as pool:
            return list(pool.map(call, range(AT_ONCE)))


@pytest.fixture
def pair(tmp_path: Path, urls: dict[str, str]) -> Iterator[Pair]:
    """An engine and two desks that are open."""
    chosen = load(data_dir=tmp_path / "engine", role="engine", **urls, **SHARED, **RATES)
    given = {**urls, **SHARED, **RATES, "scheduler": "false", "role": "desk", "answer_seconds": 60}
    environment = UNTIMED | {f"OPENBELL_{k.upper()}": str(v) for k, v in given.items()}
    with Desk.open(chosen) as engine:
        know_all()
        fill(engine)
        engine.start(scheduler=False)
        roles = {"Ada": Role.TRADER, "Ben": Role.TRADER, "Cy": Role.ADMIN}
        tokens = {
            name: engine.roster.add_token(name, roles[name], None, LOCAL)[1] for name in roles
        }
        desks = []
        for number in range(2):
            folder = tmp_path / f"desk-{number}"
            own = {**environment, "OPENBELL_DATA_DIR": str(folder)}
            desks.append(Member(folder.name, folder, free_port(), own))
            desks[-1].start()
        try:
            for desk in desks:
                desk.await_up()
            first, second = (f"http://127.0.0.1:{desk.port}" for desk in desks)
            yield Pair(engine, (first, second), tokens)
        finally:
            for desk in desks:
                desk.kill()


def test_one_person_approves_no_more_at_two_desks_than_at_one(pair: Pair) -> None:
    """Twenty plans of more than half the size at once, proposed first or not."""

    asks = [{"symbol": "AAA", "risk_pct": f"0.04{turn + 40}"} for turn in range(AT_ONCE)]
    waiting: dict[int, str] = {}
    for turn in range(0, AT_ONCE, 3):
        made = pair.post(turn, "/plans", "Ada", asks[turn])
        assert made.status_code == 201, made.text
        waiting[turn] = f"/plans/{made.json()['data']['plan_id']}/approve"

    def approve(turn: int) -> httpx.Response:
        if turn in waiting:
            return pair.post(turn, waiting[turn], "Ada", {"reason": "mine"})
        return pair.post(turn, "/commands/plan", "Ada", {**asks[turn], "approve_because": "mine"})

    answers = pair.at_once(approve)
    counts = Counter(answer.status_code for answer in answers)
    assert counts == {200: 1, 403: AT_ONCE - 1}, [answer.text for answer in answers]
    live = plan_store.live_of(pair.engine.warehouse, "AAA")
    taken = sum((item.plan.notional for item in live), Decimal())
    assert len(live) == 1
    assert OVER / 2 < taken <= OVER


def test_one_key_acts_once_at_two_desks(pair: Pair) -> None:
    """All are answered the same, or told that the first is at work."""
    entry = {"memo": "Interest", "lines": LINES}
    answers = pair.at_once(lambda turn: pair.post(turn, "/journal/entries", "Ada", entry, "one"))
    done = [answer for answer in answers if answer.status_code == 201]
    assert {answer.status_code for answer in answers} <= {201, 409}, [a.text for a in answers]
    assert len({answer.text for answer in done}) == 1
    again = [pair.post(turn, "/journal/entries", "Ada", entry, "one") for turn in range(2)]
    assert {answer.text for answer in again} == {done[0].text}
    posted = [item for item in journal.read(pair.engine.warehouse) if item.entry.kind == "manual"]
    assert len(posted) == 1
    other = pair.post(1, "/journal/entries", "Ben", entry, "one")  # a key is its caller's own
    assert other.status_code == 201
    assert other.text != done[0].text


def test_who_is_revoked_at_one_desk_is_out_at_the_other_within_a_second(pair: Pair) -> None:
    """As soon as the revocation is told."""
    headers = {"Authorization": f"Bearer {pair.tokens['Ben']}"}

    def reads() -> int:
        return httpx.get(f"{pair.bases[1]}/api/v1/plans", headers=headers, timeout=60).status_code

    assert reads() == 200
    done = pair.post(0, "/commands/token_revoke", "Cy", {"name": "Ben"})
    told = time.monotonic()
    assert done.status_code == 200, done.text
    while (status := reads()) == 200 and time.monotonic() < told + 5:
        time.sleep(0.02)
    assert status == 401
    assert time.monotonic() - told < 1 + 1  # a busy machine's answer has a second of its own
