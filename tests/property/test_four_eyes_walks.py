"""Random walks of several people with several ways in: two pairs of eyes, whatever they try.

What one person alone has brought into force of a symbol never exceeds the size; over it nobody
approves, or brings back, what they may have proposed themselves.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import httpx
import polars as pl
import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st

from app import run as runner
from core import settings as desk_settings
from core.domain.access.principals import LOCAL, PROXY, Principal, Role
from core.domain.trading import ledger
from core.errors import OpenbellError
from core.service import current
from core.service.access import admin
from core.service.desk import Desk
from core.service.kernel import access
from core.service.trading import journal, plans, proposals, settling
from core.service.trading.plans import Ask
from core.store import journal as entries
from core.store import plans as plan_store
from core.store.plans import StoredPlan
from tests import api_desk, begun, depth
from tests.eyes import ANYBODY, PRICES, Eyes
from tests.filled import SYMBOLS, fill

OVER = Decimal(1000)
PROVIDER = "https://provider.example"
LIVE = (plan_store.WAITING, plan_store.OPEN)
REFUSED = (401, 403, 404, 409, 422)
WAYS = (
    *("Ada", "Ben", "bot", "Dee", "ada at the provider", "ben by the proxy") * 2,
    *("Jo the first", "Jo the second", "laptop", "desktop") * 2, "Cy", "Eve", "the machine",
)  # fmt: skip
ACTS = (
    *("propose",) * 4, *("approve",) * 5, *("approve_at_once",) * 2, *("cancel",) * 2,
    *("reverse",) * 3, "fill", "close", "settle", "withdraw", "split", "rename", "change_secret",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Step:
    """One act: by which way in, what of, and by page or API."""

    act: str
    way: str
    symbol: str
    direction: str
    percent: int | None
    weeks: int | None
    pick: int
    turn: int


steps = st.builds(
    Step,
    act=st.sampled_from(ACTS),
    way=st.sampled_from(WAYS),
    symbol=st.sampled_from(SYMBOLS[:1] * 4 + SYMBOLS[1:]),
    direction=st.sampled_from(["long", "long", "short"]),
    percent=st.sampled_from([None, 48, 47, 46, 45, 30, 29, 20]),
    weeks=st.sampled_from([None, None, None, 1, 2]),
    pick=st.integers(0, 30),
    turn=st.integers(0, 7),
)
Do = Callable[[], object]


def peopled(desk: Desk) -> None:
    """Prices, companies and filings."""
    fill(desk)


class Walk:
    """A desk that people come to by page, API and command line, and what each has seen."""

    def __init__(self, desk: Desk) -> None:
        """Two traders with two ways in each, an analyst, two admins, one of a token, and two people
        of one name at the provider with a token each.
        """
        self.desk = desk
        self.last: date = desk.warehouse.read("SELECT max(session) FROM bars_daily").item()
        self.people: dict[str, Eyes] = {}
        self.tokens: dict[str, str] = {}
        self.acting: dict[str, Principal] = {}
        self.looked: dict[str, list[Eyes]] = defaultdict(list)
        self.first: dict[str, Eyes] = {}
        self.named = 0
        cy = self.token("Cy", Role.ADMIN, LOCAL, "cy")
        self.token("Ada", Role.TRADER, LOCAL, "ada")
        self.token("Ben", Role.TRADER, LOCAL, "ben")
        self.token("Eve", Role.ADMIN, LOCAL, "eve")
        self.token("Dee", Role.ANALYST, LOCAL, "dee")
        self.token("bot", Role.TRADER, cy, "bot", "cy")
        self.known("ada at the provider", "ada", PROVIDER, "1", "ADA")
        self.known("ben by the proxy", "ben", PROXY, "ben", "ben")
        self.known("Jo the first", "jo 1", PROVIDER, "j1", "Jo Poe", Role.ADMIN)
        self.known("Jo the second", "jo 2", PROVIDER, "j2", "Jo Poe", Role.ADMIN)
        self.owned("laptop", "jo 1", "j1", "Jo the first")
        self.owned("desktop", "jo 2", f"{PROVIDER} j2", "Cy")
        self.acting["the machine"], self.people["the machine"] = LOCAL, Eyes({ANYBODY})

    def do(self, step: Step) -> None:
        """One act, and what must hold after it."""
        before = self.live()
        getattr(self, step.act)(step)
        now = self.live()
        if step.act in ("settle", "split"):  # what the prices open again is nobody's act
            for plan_id in now.keys() - before.keys():
                self.looked[plan_id].append(PRICES)
        else:
            self.decided(step, now, now.keys() - before.keys())
        self.nobody_exceeds_alone(now)

    def token(self, name: str, role: Role, by: Principal, person: str, *seen: str) -> Principal:
        """A way in by a token."""
        made, self.tokens[name] = self.desk.roster.add_token(name, role, None, by)
        self.acting[name], self.people[name] = made.principal, Eyes({person}, frozenset(seen))
        return made.principal

    def owned(self, name: str, person: str, owner: str, by: str) -> None:
        """A token that somebody made for one of several people of a name."""
        with access.acting(self.acting[by]):
            self.tokens[name] = admin.add_token(self.desk, name, Role.TRADER, owner=owner)["token"]
        self.acting[name] = self.desk.roster.of_token(self.tokens[name]) or LOCAL
        self.people[name] = Eyes({person}, frozenset(self.people[by].whose))

    def known(
        self,
        way: str,
        person: str,
        issuer: str,
        subject: str,
        name: str,
        role: Role = Role.TRADER,
    ) -> None:
        """A way in by a provider or proxy."""
        self.acting[way] = self.desk.roster.signed_in(issuer, subject, name, role)
        self.people[way] = Eyes({person})

    def tried(self, way: str, do: Do) -> bool:
        """Whether somebody's act on a page was done; what is refused says so."""
        with access.acting(self.acting[way]):
            try:
                do()
            except OpenbellError:
                return False
        return True

    def posted(self, way: str, path: str, body: dict[str, Any]) -> bool:
        """The same by the API."""
        headers = {"Authorization": f"Bearer {self.tokens[way]}"}
        with httpx.Client(transport=api_desk.Bridged(), base_url="http://desk") as client:
            answer = client.post(f"/api/v1{path}", json=body, headers=headers)
        assert answer.status_code < 300 or answer.status_code in REFUSED, answer.text
        return answer.status_code < 300

    def by_any_way(self, step: Step, page: Do, path: str, body: dict[str, Any]) -> bool:
        """By page or API, where the way in has both."""
        if step.way in self.tokens and step.turn % 2:
            return self.posted(step.way, path, body)
        return self.tried(step.way, page)

    def live(self) -> dict[str, StoredPlan]:
        """The plans that are approved or filled."""
        found = plan_store.load(self.desk.warehouse)
        return {item.plan_id: item for item in found if item.state in LIVE}

    def waiting(self, step: Step) -> str:
        """One of the proposals that wait."""
        return _one([item.plan_id for item in proposals.waiting(self.desk)], step.pick)

    def ask(self, step: Step) -> Ask:
        """What a step asks for."""
        day = None if step.weeks is None else self.last - timedelta(weeks=step.weeks)
        percent = None if step.percent is None else Decimal(step.percent) / 1000
        direction: Any = step.direction
        return Ask(step.symbol, day, direction, risk_pct=percent)

    def decided(self, step: Step, now: dict[str, StoredPlan], begun: Iterable[str]) -> None:
        """Note who looked at what came into force; over the size it was not who proposed."""
        for plan_id in begun:
            own, first = self.people[step.way], self.first.get(plan_id)
            symbol = now[plan_id].plan.symbol
            taken = sum(i.plan.notional for i in now.values() if i.plan.symbol == symbol)
            assert taken <= OVER or (first and not own.may_be_one(first)), (step, taken)
            self.looked[plan_id] += [own, first or own]

    def nobody_exceeds_alone(self, now: dict[str, StoredPlan]) -> None:
        """What one person alone has looked at of a symbol, of what is in force."""
        alone: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
        for plan_id, item in now.items():
            for person in ("ada", "ben", "cy", "dee", "eve", "jo 1", "jo 2"):
                looked = self.looked[plan_id]
                own = any({person, ANYBODY} & eyes.whose for eyes in looked)
                if own and all(eyes.may_be(person) for eyes in looked):
                    alone[person, item.plan.symbol] += item.plan.notional
        assert all(taken <= OVER for taken in alone.values()), alone

    def propose(self, step: Step) -> None:
        """Keep a plan for somebody to decide on."""
        ask, before = self.ask(step), {i.plan_id for i in proposals.waiting(self.desk)}
        self.by_any_way(step, lambda: proposals.propose(self.desk, ask), "/plans", _body(ask))
        for item in proposals.waiting(self.desk):
            if item.plan_id not in before:
                self.first[item.plan_id] = self.people[step.way]

    def approve(self, step: Step) -> None:
        """What was proposed."""
        plan_id = self.waiting(step)

        def page() -> None:
            proposals.approve(self.desk, plan_id, "seen")

        self.by_any_way(step, page, f"/plans/{plan_id}/approve", {"reason": "seen"})

    def approve_at_once(self, step: Step) -> None:
        """A plan as it is shown, by its page, the command line or the command of the API."""
        ask = self.ask(step)
        line = {**_body(ask), "approve_because": "mine"}

        def page() -> None:
            if step.turn % 4:
                plans.approve(self.desk, ask, "mine")
            else:
                given = {**line, "date": ask.date, "risk_pct": ask.risk_pct}
                runner.Local(self.desk).call("plan", **given)

        self.by_any_way(step, page, "/commands/plan", line)

    def withdraw(self, step: Step) -> None:
        """A proposal."""
        plan_id = self.waiting(step)
        if self.tried(step.way, lambda: proposals.withdraw(self.desk, plan_id)):
            self.first.pop(plan_id)

    def cancel(self, step: Step) -> None:
        """What is approved."""
        plan_id = _one(self.live(), step.pick)
        self.tried(step.way, lambda: plans.cancel(self.desk, plan_id, "back"))

    def fill(self, step: Step) -> None:
        """By hand, at a price of the day."""
        plan_id = _one(self.live(), step.pick)
        price = self.live()[plan_id].plan.entry if plan_id in self.live() else OVER
        self.tried(step.way, lambda: journal.fill(self.desk, plan_id, price))

    def close(self, step: Step) -> None:
        """By hand, whole or a share of it."""
        plan_id, count = _one(self.live(), step.pick), 1 if step.turn % 2 else None
        if plan_id in self.live():
            plan = self.live()[plan_id].plan
            price, on = plan.entry, plan.session
            self.tried(step.way, lambda: journal.close(self.desk, plan_id, price, count, on))

    def reverse(self, step: Step) -> None:
        """An entry of the journal that stands, the latest more often."""
        standing = ledger.live(entries.read(self.desk.warehouse))
        number = standing[-1 - step.pick % min(len(standing), 8)].number if standing else 1

        def page() -> None:
            journal.reverse(self.desk, number, "undo")

        self.by_any_way(step, page, f"/journal/entries/{number}/reverse", {"reason": "undo"})

    def settle(self, step: Step) -> None:
        """By the bars."""
        self.tried(step.way, lambda: settling.settle_all(self.desk))

    def split(self, step: Step) -> None:
        """One comes late."""
        row: dict[str, Any] = {"symbol": SYMBOLS[0], "kind": "split", "pull_id": "late"}
        row["ex_date"] = self.last - timedelta(days=step.pick % 12)
        row["ratio"] = 2.0 if step.turn % 2 else 0.5
        with self.desk.warehouse.transaction() as tx:
            tx.execute("DELETE FROM corporate_actions")
            tx.insert("corporate_actions", pl.DataFrame([row]))

    def rename(self, step: Step) -> None:
        """Ada bears another name at the provider, and may get a token of it."""
        self.named += 1
        name = f"Ada {self.named}"
        self.known("ada at the provider", "ada", PROVIDER, "1", name)
        if step.turn % 2:
            self.desk.roster.revoke_token(self.acting["Ada"].subject, LOCAL)
            made, self.tokens["Ada"] = self.desk.roster.add_token(name, Role.TRADER, None, LOCAL)
            self.acting["Ada"] = made.principal

    def change_secret(self, _: Step) -> None:
        """Another admin than who made a token changes Ben's secret, and has seen it."""
        eve = self.acting["Eve"]
        _token, self.tokens["Ben"] = self.desk.roster.rotate_token("Ben", timedelta(), eve)
        self.people["Ben"] = Eyes({"ben"}, frozenset({"eve"}))


def _one(known: Iterable[str], pick: int) -> str:
    found = sorted(known)
    return found[pick % len(found)] if found else "none"


def _body(ask: Ask) -> dict[str, Any]:
    asked = {"symbol": ask.symbol, "direction": ask.direction}
    return asked | {k: str(v) for k, v in (("date", ask.date), ("risk_pct", ask.risk_pct)) if v}


@contextmanager
def walking(place: Path) -> Iterator[Walk]:
    """A walk on a desk of its own, below a folder."""
    folder = Path(mkdtemp(dir=place)) / "desk"
    chosen = desk_settings.load(
        data_dir=folder, access="token", four_eyes_over=OVER, **api_desk.RATES
    )
    begun.put_prepared(peopled, folder)
    with Desk.open(chosen) as desk:
        current.use(desk)
        yield Walk(desk)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Where the desks are."""
    yield tmp_path_factory.mktemp("eyes")
    current.use(None)


@depth.cases(24, suppress_health_check=list(HealthCheck))
@given(taken=st.lists(steps, min_size=25, max_size=60))
def test_nobody_is_two_pairs_of_eyes(place: Path, taken: list[Step]) -> None:
    """Whoever tries what in whatever order."""
    with walking(place) as walk:
        for step in taken:
            walk.do(step)
