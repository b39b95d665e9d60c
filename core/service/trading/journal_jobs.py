"""The job that follows new prices: settle paper trades, then prove every balance anew."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from core.errors import IntegrityError
from core.jobs.queue.port import Job
from core.jobs.worker import Context
from core.service.kernel.handlers import handler
from core.service.trading import journal, settling
from core.store import plans as plan_store

if TYPE_CHECKING:
    from core.service.desk import Desk


@handler("settle", after=("bars_daily", "corporate_actions"))
async def settle(desk: Desk, job: Job, context: Context) -> dict[str, Any]:
    """Post what new bars bring; IntegrityError when a balance does not follow from its postings."""
    return await asyncio.to_thread(settle_and_prove, desk)


def settle_and_prove(desk: Desk) -> dict[str, Any]:
    """Settle when there is a plan to settle, and recompute all balances."""
    if not plan_store.overview(desk.warehouse).height:
        return {"plans": 0, "posted": 0}
    settled = settling.settle_all(desk)
    done = settled["plans"]
    found = journal.prove(desk)
    if found["differences"]:
        first = found["differences"][0]
        raise IntegrityError(
            f"the journal does not add up: {first['what']} is {first['actual']}, "
            f"not {first['expected']}",
            hint="see python -m app journal prove",
        )
    posted = sum(item["posted"] for item in done)
    return {"plans": len(done), "posted": posted, "at_open": settled["at_open"]}
