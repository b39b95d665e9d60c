"""Random plans, fills and reversals under random roles through the API: the book stays right."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st

from core import settings as desk_settings
from core.domain.access.principals import LOCAL, ORDER, Role
from core.domain.risk.positions import book_of
from core.domain.risk.verdict import breaches
from core.service import current
from core.service.desk import Desk
from core.service.kernel import access
from core.service.trading import journal
from core.service.trading.current_book import approved_plans
from core.service.trading.limits import costs_of, limits_of
from core.store import journal as store
from core.store import plans as plan_store
from tests import api_desk, begun, depth
from tests.filled import SYMBOLS, fill

OVER = Decimal(5000)
REFUSED = (401, 403, 404, 409, 422)


@dataclass(frozen=True, slots=True)
class Step:
    """One call: by whom, which act, and what it is told."""

    who: str
    act: str
    symbol: str
    amount: str
    pick: int


steps = st.builds(
    Step,
    who=st.sampled_from(["viewer", "analyst", "trader", "other", "admin", "revoked"]),
    act=st.sampled_from(["propose", "approve", "approve", "reject", "cancel", "post", "reverse",
                         "fill", "close", "deposit", "withdraw", "twice"]),
    symbol=st.sampled_from(SYMBOLS),
    amount=st.sampled_from(["0.01", "12.5", "999.99", "50000", "1e9", "-5", "0.001", "x"]),
    pick=st.integers(0, 20),
)  # fmt: skip
ROLES = {"viewer": Role.VIEWER, "analyst": Role.ANALYST, "trader": Role.TRADER,
         "other": Role.TRADER, "admin": Role.ADMIN}  # fmt: skip
NEEDS = {"propose": Role.ANALYST}
TOKENS: dict[str, str] = {}  # by who calls; the same on every desk


def _peopled(desk: Desk) -> None:
    fill(desk)
    for name in (*ROLES, "revoked"):
        TOKENS[name] = api_desk.token(desk, ROLES.get(name, Role.ADMIN), name)
    desk.roster.revoke_token("revoked", LOCAL)


class Account:
    """A shared desk, its clients, and what the calls did to it."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.proposed: dict[str, str] = {}
        self._posted: tuple[int, list[Any]] = (-1, [])

    def may(self, step: Step) -> bool:
        """Whether the role of who calls is enough."""
        role = ROLES.get(step.who)
        needed = NEEDS.get(step.act, Role.TRADER)
        return role is not None and ORDER.index(role) >= ORDER.index(needed)

    async def do(self, step: Step) -> None:
        """Make the call; what may not be done is refused, and leaves everything as it was."""
        before = self.entries()
        method, path, body = self.call(step)
        async with api_desk.connected(TOKENS[step.who]) as client:
            headers = {"Idempotency-Key": f"k{step.pick}"} if step.act == "twice" else {}
            answer = await client.request(method, path, json=body, headers=headers)
        if not self.may(step):
            assert answer.status_code in (401, 403), (step, answer.text)
        if answer.status_code >= 300:
            assert answer.status_code in REFUSED, (step, answer.text)
            assert self.entries() == before
        elif step.act == "propose":
            self.proposed.setdefault(answer.json()["data"]["plan_id"], step.who)
        self.check(step, answer)

    def call(self, step: Step) -> tuple[str, str, dict[str, Any]]:
        """The request of a step."""
        plan = self.plan(step.pick)
        memo = {"memo": "by chance", "lines": [
            {"account": "assets:cash", "debit": step.amount},
            {"account": "income:interest", "credit": step.amount}]}  # fmt: skip
        price = self.price(step)
        cash = {"amount": step.amount}
        known: dict[str, tuple[str, str, dict[str, Any]]] = {
            "propose": ("POST", "/v1/plans", {"symbol": step.symbol, "risk_pct": "0.4"}),
            "approve": ("POST", f"/v1/plans/{plan}/approve", {"reason": "x"}),
            "reject": ("POST", f"/v1/plans/{plan}/reject", {"reason": "x"}),
            "cancel": ("POST", f"/v1/plans/{plan}/cancel", {"reason": "x"}),
            "post": ("POST", "/v1/journal/entries", memo),
            "twice": ("POST", "/v1/journal/entries", memo),
            "reverse": ("POST", f"/v1/journal/entries/{step.pick}/reverse", {"reason": "x"}),
            "fill": ("POST", "/v1/commands/journal_fill", {"plan_id": plan, "price": price}),
            "close": ("POST", "/v1/commands/journal_close", {"plan_id": plan, "price": price}),
            "deposit": ("POST", "/v1/commands/journal_deposit", cash),
            "withdraw": ("POST", "/v1/commands/journal_withdraw", cash),
        }
        return known[step.act]

    def plan(self, pick: int) -> str:
        """One of the plans that are known by now."""
        known = sorted(self.proposed)
        return known[pick % len(known)] if known else "none"

    def price(self, step: Step) -> str:
        """A price that traded on the last session, or one that did not."""
        row = self.desk.warehouse.read(
            "SELECT low, high FROM bars_daily WHERE symbol = ? ORDER BY session DESC LIMIT 1",
            [self.plan(step.pick).partition("-")[0]],
        )
        low, high = row.row(0) if row.height else (1.0, 2.0)
        return f"{low + (high - low) * (step.pick / 18):.2f}"

    def entries(self) -> list[Any]:
        """The journal, read once a commit."""
        house = self.desk.warehouse
        if self._posted[0] != house.commits:
            self._posted = (house.commits, store.read(house))
        return self._posted[1]

    def check(self, step: Step, answer: httpx.Response) -> None:
        """Debits equal credits, every balance is proven, no limit is exceeded, two have agreed."""
        with access.acting(LOCAL):
            assert journal.prove(self.desk)["differences"] == [], step
        posted = self.entries()
        for item in posted:
            lines = item.entry.postings
            assert sum(p.debit for p in lines) == sum(p.credit for p in lines), step
        house = self.desk.warehouse
        day = house.read("SELECT max(session) FROM bars_daily").item()
        approved, chosen = approved_plans(self.desk, house), self.desk.settings
        book = book_of(posted, approved, day, costs_of(chosen))
        empty = book_of(posted[:1], approved, day, costs_of(chosen))
        assert not breaches(book, empty, limits_of(chosen)) or answer.status_code >= 300, step
        if step.act == "approve" and answer.status_code == 200:
            plan = answer.json()["data"]
            own = self.proposed[plan["plan_id"]] == step.who
            live = plan_store.live_of(house, plan["symbol"])
            taken = sum(item.plan.notional for item in live)
            assert not own or taken <= OVER, step


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A place for desks."""
    yield tmp_path_factory.mktemp("money")
    current.use(None)


@depth.cases(12, suppress_health_check=list(HealthCheck))
@given(taken=st.lists(steps, min_size=4, max_size=25))
def test_no_role_makes_the_book_wrong(template: Path, taken: list[Step]) -> None:
    """Whatever is called in whatever order by whomever."""
    chosen = desk_settings.load(
        data_dir=Path(mkdtemp(dir=template)) / "desk",
        access="token",
        four_eyes_over=OVER,
        **api_desk.RATES,
    )
    begun.put_prepared(_peopled, chosen.data_dir)
    with Desk.open(chosen) as desk, pytest.MonkeyPatch.context() as patch:
        patch.setattr("app.api.callers._pauses.next", lambda: 0.0)
        current.use(desk)
        account = Account(desk)

        async def run() -> None:
            for step in [Step("analyst", "propose", SYMBOLS[0], "1", 0), *taken]:
                await account.do(step)

        asyncio.run(run())
