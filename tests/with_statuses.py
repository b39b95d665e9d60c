"""Two simulated companies in a store, whose filings have every status, graded."""

from __future__ import annotations

from datetime import UTC, date, datetime

import polars as pl

from core.sandbox.companies.documents import company_facts, submissions
from core.sandbox.companies.model import profiles
from core.sandbox.market.names import cik_of
from core.service.desk import Desk
from core.service.filings.regrading import grade_all
from core.sources.sec.decode import decode_facts
from core.sources.sec.submissions import decode_submissions
from core.store.facts import append_facts

SEED, AS_OF = 7, date(2026, 11, 20)
NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)


def slot_of(role: str) -> int:
    """The company with a role."""
    return next(p.slot for p in profiles(SEED) if role in p.roles)


RESTATER, RECASTER = (cik_of(slot_of(role)) for role in ("restater", "recaster"))


def fill(desk: Desk) -> Desk:
    """Put the restater and the recaster into the desk's store, and grade them."""
    desk.now = lambda: NOW
    slots = [slot_of(role) for role in ("restater", "recaster")]
    with desk.warehouse.transaction() as tx:
        tables = [decode_facts(company_facts(SEED, AS_OF, slot)).table for slot in slots]
        append_facts(tx, tables, "p", NOW)
        for slot in slots:
            found = decode_submissions(submissions(SEED, AS_OF, slot, 0, None), cik_of(slot))
            frames = {
                "companies": found.company,
                "filings": found.filings,
                "company_identifiers": found.identifiers,
            }
            for name, frame in frames.items():
                tx.insert(name, frame.with_columns(pull_id=pl.lit("p")))
    grade_all(desk)
    return desk
