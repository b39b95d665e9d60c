"""Four eyes: who proposes a plan over a size does not approve it."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from core.domain.trading.plans import Plan, fingerprint
from core.errors import RoleError
from core.service.kernel import access
from core.store import plans as plan_store
from core.store import proposals as store
from core.store.journal import Reader

if TYPE_CHECKING:
    from core.service.desk import Desk


def size_of_two(desk: Desk) -> Decimal | None:
    """The notional from which on a plan needs two people; None: one may do both."""
    return desk.settings.four_eyes_over


def asks_for_two(desk: Desk, plan: Plan) -> bool:
    """Whether a plan is over the size that one person may approve alone."""
    over = size_of_two(desk)
    return over is not None and plan.notional > over


def must_hold(desk: Desk, reader: Reader, plan: Plan) -> None:
    """RoleError unless a plan over the size was proposed, as it is, by somebody else alone."""
    if not asks_for_two(desk, plan):
        return
    proposed = store.load(reader, plan_store.identifier(plan))
    proposed = [item for item in proposed if item.fingerprint == fingerprint(plan)]
    over = f"{desk.settings.four_eyes_over:f} {plan.account_currency}"
    if not proposed:
        raise RoleError(
            f"a plan over {over} needs two: nobody has proposed this one",
            hint="propose it; somebody else approves it then",
        )
    if proposed[0].key == access.principal(desk).key:
        raise RoleError(
            f"a plan over {over} needs two: who proposed it does not approve it",
            hint="have somebody else approve it",
        )
