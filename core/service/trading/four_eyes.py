"""Four eyes: who proposes a plan over a size does not approve it, at once or in parts."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from core.domain.access.identities import may_be_one
from core.domain.trading.plans import Plan, fingerprint
from core.errors import RoleError
from core.service.kernel import access
from core.service.kernel.identifying import identity
from core.store import plans as plan_store
from core.store import proposals as store
from core.store.journal import Reader
from core.store.proposals import StoredProposal

if TYPE_CHECKING:
    from core.service.desk import Desk


def size_of_two(desk: Desk) -> Decimal | None:
    """The notional from which on a plan needs two people; None: one may do both."""
    return desk.settings.four_eyes_over


def asks_for_two(desk: Desk, reader: Reader, plan: Plan) -> bool:
    """Whether a plan, with what is approved or held of its symbol, is over the size of one person.

    Else one person would approve in parts what they may not approve as a whole.
    """
    over = size_of_two(desk)
    if over is None:
        return False
    return plan.notional > over or plan.notional + _taken(reader, plan.symbol) > over


def _taken(reader: Reader, symbol: str) -> Decimal:
    """The notional of the plans of a symbol that are approved or filled, in account currency."""
    live = plan_store.live_of(reader, symbol)
    return sum((item.plan.notional for item in live), Decimal())


def must_hold(desk: Desk, reader: Reader, plan: Plan) -> None:
    """RoleError unless a plan over the size was proposed, as it is, by somebody else alone."""
    if not asks_for_two(desk, reader, plan):
        return
    proposed = store.load(reader, plan_store.identifier(plan))
    proposed = [item for item in proposed if item.fingerprint == fingerprint(plan)]
    size = size_of_two(desk)
    over = f"{size:f} {plan.account_currency}"
    if size is not None and plan.notional <= size:
        over += f", with what is approved or held of {plan.symbol},"
    if not proposed:
        raise RoleError(
            f"a plan over {over} needs two: nobody has proposed this one",
            hint="propose it; somebody else approves it then",
        )
    if not _is_second(desk, reader, proposed[0]):
        raise RoleError(
            f"a plan over {over} needs two: who proposed it does not approve it",
            hint="have somebody else approve it, signed in or by a token of their own that who "
            "proposed it has not made",
        )


def _is_second(desk: Desk, reader: Reader, first: StoredProposal) -> bool:
    """Whether who acts is shown to be another person than who proposed."""
    who = access.principal(desk)
    own = identity(desk.roster, reader, who.issuer, who.subject, who.name)
    proposed_by = identity(desk.roster, reader, first.issuer, first.subject, first.name)
    return not may_be_one(own, proposed_by)
