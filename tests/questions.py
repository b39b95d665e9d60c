"""Questions to the tools of assistants, made from what a store holds, with the right answers.

The answers are read from the tables by other queries than those of the tools; half of the questions
are about what is not held, and are to be refused.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from core.service.desk import Desk

Check = Callable[[dict[str, Any]], bool]


@dataclass(frozen=True, slots=True)
class Question:
    """One call of a tool; without `right` it is to be refused. `cites`: accessions to be cited."""

    tool: str
    arguments: dict[str, Any]
    right: Check | None = None
    cites: frozenset[str] = frozenset()


def questions(desk: Desk, count: int, seed: int) -> Iterator[Question]:
    """As many questions, of all kinds in turn."""
    chance = random.Random(seed)
    kinds = (_fact, _unknown_concept, _filings, _unknown_company, _grade, _unknown_filing, _company,
             _before_all, _search, _unknown_dataset, _freshness, _nothing_found, _scan,
             _no_session, _risk, _unknown_symbol)  # fmt: skip
    for number in range(count):
        yield kinds[number % len(kinds)](desk, chance)


def _row(desk: Desk, chance: random.Random, query: str) -> dict[str, Any]:
    rows = desk.warehouse.read(query)
    return rows.row(chance.randrange(rows.height), named=True)


def _fact(desk: Desk, chance: random.Random) -> Question:
    """A value on a day: of the facts of that period filed by then, all and no other."""
    held = _row(desk, chance, "SELECT cik, concept, period_end, filed FROM facts ORDER BY ALL")
    day = held["filed"] + timedelta(days=chance.randrange(60))
    rows = desk.warehouse.read(
        "SELECT value, accession FROM facts WHERE cik = ? AND concept = ? AND period_end = ? "
        "AND filed <= ?",
        [held["cik"], held["concept"], held["period_end"], day],
    )
    values = sorted(rows["value"].to_list())
    arguments = {
        "company": str(held["cik"]),
        "concept": held["concept"],
        "period_end": held["period_end"].isoformat(),
        "as_of": day.isoformat(),
    }
    return Question(
        "facts",
        arguments,
        lambda found: sorted(row["value"] for row in found["answer"]) == values,
        frozenset(rows["accession"]),
    )


def _unknown_concept(desk: Desk, chance: random.Random) -> Question:
    return Question("facts", {"company": "AAA", "concept": f"NoSuch{chance.randrange(10**6)}"})


def _filings(desk: Desk, chance: random.Random) -> Question:
    held = _row(desk, chance, "SELECT cik, filed FROM filings ORDER BY ALL")
    rows = desk.warehouse.read(
        "SELECT accession FROM filings WHERE cik = ? AND filed <= ?", [held["cik"], held["filed"]]
    )
    wanted = frozenset(rows["accession"])
    return Question(
        "filings",
        {"company": str(held["cik"]), "as_of": held["filed"].isoformat()},
        lambda found: {row["accession"] for row in found["answer"]} == wanted,
        wanted,
    )


def _unknown_company(desk: Desk, chance: random.Random) -> Question:
    name = chance.choice(("ZZZ", "NOPE", str(chance.randrange(10**6, 10**9)), "no company"))
    return Question(chance.choice(("company", "filings")), {"company": name})


def _grade(desk: Desk, chance: random.Random) -> Question:
    held = _row(
        desk, chance, "SELECT accession, grade, score FROM grades WHERE is_current ORDER BY ALL"
    )
    return Question(
        "grade",
        {"accession": held["accession"]},
        lambda found: (
            (found["answer"]["grade"], found["answer"]["score"]) == (held["grade"], held["score"])
        ),
        frozenset([held["accession"]]),
    )


def _unknown_filing(desk: Desk, chance: random.Random) -> Question:
    return Question("grade", {"accession": f"0009999999-26-{chance.randrange(10**6):06d}"})


def _company(desk: Desk, chance: random.Random) -> Question:
    held = _row(desk, chance, "SELECT cik, name FROM companies ORDER BY ALL")
    latest = desk.warehouse.read(
        "SELECT accession FROM filings WHERE cik = ? ORDER BY filed DESC LIMIT 1", [held["cik"]]
    )
    return Question(
        "company",
        {"company": chance.choice(("{:d}", "{:010d}", "CIK{:010d}")).format(held["cik"])},
        lambda found: found["answer"]["name"] == held["name"],
        frozenset(latest["accession"]),
    )


def _before_all(desk: Desk, chance: random.Random) -> Question:
    """Facts on a day before any was filed."""
    first: date = desk.warehouse.read("SELECT min(filed) FROM facts").item()
    day = first - timedelta(days=1 + chance.randrange(1000))
    return Question("facts", {"company": "AAA", "concept": "Revenues", "as_of": day.isoformat()})


def _search(desk: Desk, chance: random.Random) -> Question:
    held = _row(desk, chance, "SELECT cik, name FROM companies ORDER BY ALL")
    return Question(
        "search",
        {"text": held["name"][:5].lower()},
        lambda found: held["cik"] in {row["cik"] for row in found["answer"]},
    )


def _unknown_dataset(desk: Desk, chance: random.Random) -> Question:
    return Question("freshness", {"dataset": f"no.such.{chance.randrange(1000)}"})


def _freshness(desk: Desk, chance: random.Random) -> Question:
    last = desk.warehouse.read("SELECT max(session) FROM bars_daily").item()
    return Question(
        "freshness",
        {"dataset": "prices.daily"},
        lambda found: found["answer"][0]["data_until"][:10] == found["data_until"] == str(last),
    )


def _nothing_found(desk: Desk, chance: random.Random) -> Question:
    return Question("search", {"text": f"nobody {chance.randrange(10**6)}"})


def _scan(desk: Desk, chance: random.Random) -> Question:
    """Candidates of a session: those whose open is that far from the close before."""
    last = desk.warehouse.read("SELECT max(session) FROM bars_daily").item()
    rows = desk.warehouse.read(
        "SELECT symbol, session, 100 * (open / lag(close) OVER "
        "(PARTITION BY symbol ORDER BY session) - 1) AS gap FROM bars_daily QUALIFY session = ?",
        [last],
    )
    least = chance.choice((0.5, 1.0, 1.5))
    wanted = {s for s, _, gap in rows.rows() if least <= abs(gap) <= desk.settings.max_gap_pct}
    return Question(
        "scan",
        {"date": last.isoformat(), "min_gap_pct": least, "min_rvol": 0},
        lambda found: {row["symbol"] for row in found["answer"]["candidates"]} == wanted,
    )


def _no_session(desk: Desk, chance: random.Random) -> Question:
    day = date(1999, 1, 4) + timedelta(days=chance.randrange(2000))
    return Question("scan", {"date": day.isoformat()})


def _risk(desk: Desk, chance: random.Random) -> Question:
    equity = f"{desk.settings.account_equity:.2f}"
    return Question("risk", {}, lambda found: found["answer"]["equity"] == equity)


def _unknown_symbol(desk: Desk, chance: random.Random) -> Question:
    return Question("plan_preview", {"symbol": f"Q{chance.randrange(1000)}X"})
