"""What a letter is worth: one fault planted in each of many real filings that are A before.

    python -m benchmarks.planted [--each 200] [--root FOLDER ...] [--tuning] [--seed 1] [--out FILE]
                                 [--stratum ifrs|shell]

Companies are split by a hash of their number: rules are tuned on one half (`--tuning`), the table
is made on the other. Of each class so many filings are drawn at random, each with one headline
figure that it states; the fault is planted, the company is graded as it was known 400 days after,
and the letters are counted, with the new findings in its other filings. Before it come the letters
of all 10-K and 10-Q since 2012, and how many of them each rule judges and fails.

With `--stratum` only reports of such filers are drawn, of all companies: as they are few, one may
be hit more than once, each time on another figure.

A root holds `companyfacts/CIK*.json.gz` and `submissions/CIK*.json.gz`.
"""

from __future__ import annotations

import argparse
import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import polars as pl

from benchmarks import captures, strata
from benchmarks.plants import FAULTS, PAIRS, Fault, Pick, first_tags
from core.domain.quality.facts.affected import CHANGED
from core.domain.quality.facts.standing import stand_in
from core.domain.quality.grading import Graded, grade
from core.domain.quality.model import default_ruleset

Frames = tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]

SINCE = date(2012, 1, 1)
KNOWN_FOR = timedelta(days=400)  # what is filed later is of no interest
AT_ONCE = 400_000  # facts that are graded in one call
LETTERS = ("A", "B", "C", "D", "F", "NR")


@dataclass(frozen=True, slots=True)
class Result:
    """One class: the letters after, and what was newly said of other filings."""

    fault: str
    planted: int
    letters: dict[str, int]
    found: int
    target_pct: float
    elsewhere: int
    evaluations: int
    missed: tuple[tuple[str, str, str], ...]  # accession, item, letter

    @property
    def found_pct(self) -> float:
        """Share of the filings whose letter fell as far as it should."""
        return 100 * self.found / max(1, self.planted)

    @property
    def elsewhere_pct(self) -> float:
        """New findings per evaluation in other filings of the company."""
        return 100 * self.elsewhere / max(1, self.evaluations)


def held_out(cik: int) -> bool:
    """Whether a company is kept from tuning."""
    return hashlib.sha256(str(cik).encode()).digest()[0] % 2 == 1


def pool(graded: Graded, fault: Fault, tuning: bool, stratum: str = "") -> pl.DataFrame:
    """The facts that may be hit: own values of reports that are A, with the day of filing."""
    keys = ["cik", "accession"]
    reports = graded.scores.filter(pl.col("filed") >= SINCE, pl.col("grade") == "A")
    if stratum:
        reports = reports.join(strata.reports(graded, stratum), on=keys, how="semi")
    else:
        kept = [cik for cik in graded.scores["cik"].unique() if held_out(cik) != tuning]
        reports = reports.filter(pl.col("form").is_in(["10-K", "10-Q"]), pl.col("cik").is_in(kept))
    reports = reports.select(*keys, "filed")
    stated = graded.items.filter(pl.col("item").is_in(fault.items), pl.col("value") != 0)
    stated = stated.filter(~stand_in(default_ruleset()))  # a fault is one of the item's own facts
    stated = stated.filter(pl.col("own") | (pl.col("item") == "CoverShares"))
    if fault.quarters:
        stated = stated.filter(pl.col("months") == 9)
    if fault.name == "swapped lines":
        stated = _paired(stated, graded)
    return stated.join(reports, on=keys).sort(*keys, "item", "months")


def _paired(stated: pl.DataFrame, graded: Graded) -> pl.DataFrame:
    """Only what has its other half beside it."""
    first = {tag: name for name in PAIRS for tags in first_tags(name).values() for tag in tags}
    second = {
        tag: name for name, of in PAIRS.items() for tags in first_tags(of).values() for tag in tags
    }
    keys = ["cik", "accession", "period_start", "period_end"]
    name = pl.col("concept").replace_strict(second, default=None, return_dtype=pl.String)
    there = graded.items.select(*keys, half=name).drop_nulls("half").unique()
    named = stated.with_columns(
        half=pl.col("concept").replace_strict(first, default=None, return_dtype=pl.String)
    ).filter(pl.col("half") == pl.col("item").cast(pl.String))
    return named.join(there, on=[*keys, "half"], how="semi", nulls_equal=True).drop("half")


def drawn(
    stated: pl.DataFrame, each: int, rng: np.random.Generator, *, often: bool = False
) -> list[Pick]:
    """So many filings at random, items in turn, and of each one of its facts.

    `often`: of each filing one of the facts of each item.
    """
    order = pl.Series("order", rng.permutation(stated.height))
    shuffled = stated.with_columns(order).sort("order")
    by_item = shuffled.with_columns(
        turn=pl.int_range(pl.len()).over("item"),
    ).sort("turn", "order")
    key = ["cik", "accession", *(["item"] if often else [])]
    once = by_item.unique(key, keep="first", maintain_order=True)
    return once.head(each).to_dicts()


def planted(
    frames: Frames,
    before: Graded,
    fault: Fault,
    each: int,
    seed: int,
    tuning: bool = False,
    stratum: str = "",
) -> Result:
    """Plant one fault in each of so many filings, and compare with the grades before."""
    rng = np.random.default_rng(seed)
    picks = drawn(pool(before, fault, tuning, stratum), each, rng, often=bool(stratum))
    if not picks:
        return Result(fault.name, 0, dict.fromkeys(LETTERS, 0), 0, fault.target_pct, 0, 0, ())
    companies = _by_company(frames)
    parts = [_compared(before, *one) for one in _graded(companies, picks, fault, rng)]
    rows = pl.concat([letters for letters, _, _ in parts])
    found = rows["after"].is_in(list(fault.found))
    missed = rows.filter(~found)
    return Result(
        fault.name, rows.height, {n: int((rows["after"] == n).sum()) for n in LETTERS},
        int(found.sum()), fault.target_pct, sum(e for _, e, _ in parts),
        sum(n for _, _, n in parts), tuple(missed.select("accession", "item", "after").rows()),
    )  # fmt: skip


def _by_company(frames: Frames) -> dict[int, Frames]:
    split = [f.partition_by("cik", as_dict=True) for f in frames]
    return {
        key[0]: (part, *(s.get(key, f.clear()) for s, f in zip(split[1:], frames[1:], strict=True)))
        for key, part in split[0].items()
    }  # type: ignore[return-value]


def _graded(
    companies: dict[int, Frames], picks: Sequence[Pick], fault: Fault, rng: np.random.Generator
) -> Iterator[tuple[Graded, pl.DataFrame]]:
    """(grades after, the picks) of as many companies at once as a call can take.

    Each company is given a number of its own, so that one can be hit more than once.
    """
    batch: list[Frames] = []
    hit: list[Pick] = []
    for number, pick in enumerate(picks):
        facts, filings, company = companies[pick["cik"]]
        until = pick["filed"] + KNOWN_FOR
        facts = fault.plant(facts.filter(pl.col("filed") <= until), pick, rng)
        filings = filings.filter(pl.col("filed") <= until)
        new = pl.lit(number * 10_000_000 + pick["cik"], pl.Int64)
        batch.append(tuple(f.with_columns(cik=new) for f in (facts, filings, company)))  # type: ignore[arg-type]
        hit.append(pick | {"was": pick["cik"], "cik": number * 10_000_000 + pick["cik"]})
        if sum(b[0].height for b in batch) > AT_ONCE or number == len(picks) - 1:
            yield _regraded(batch, hit)
            batch, hit = [], []


def _regraded(batch: list[Frames], hit: list[Pick]) -> tuple[Graded, pl.DataFrame]:
    frames = [pl.concat(part) for part in zip(*batch, strict=True)]
    chosen = pl.DataFrame(
        [{name: p[name] for name in ("cik", "was", "accession", "item", "filed")} for p in hit]
    )
    changed = chosen.with_columns(report_date=pl.lit(None, pl.Date)).select(
        pl.col(name).cast(kind) for name, kind in CHANGED.items()
    )
    return grade(*frames, changed=changed), chosen


def _compared(before: Graded, after: Graded, chosen: pl.DataFrame) -> tuple[pl.DataFrame, int, int]:
    """(letters after, new failures in other filings, evaluations there).

    That a later filing tells another value than the planted one (Q47) is true.
    """
    letters = chosen.join(
        after.scores.select("cik", "accession", after="grade"), on=["cik", "accession"], how="left"
    ).with_columns(pl.col("after").fill_null("NR"))
    was = before.judged.filter(~pl.col("ok")).select(was="cik", accession="accession", rule="rule")
    rest = after.judged.join(chosen, on=["cik", "accession"], how="anti")
    rest = rest.join(chosen.select("cik", "was"), on="cik").filter(
        ~pl.col("rule").is_in(["Q46", "Q47"])
    )
    new = rest.filter(~pl.col("ok")).join(was, on=["was", "accession", "rule"], how="anti")
    return letters, new.height, rest.height


def table(results: Sequence[Result]) -> str:
    """The results as text."""
    head = f"{'planted in filings that are A':32}" + "".join(f"{n:>6}" for n in ("n", *LETTERS))
    lines = [head + f"{'found %':>9}{'target':>8}{'elsewhere %':>13}"]
    for r in results:
        counts = "".join(f"{n:6}" for n in (r.planted, *(r.letters[name] for name in LETTERS)))
        lines.append(
            f"{r.fault:32}{counts}{r.found_pct:9.1f}{r.target_pct:8.0f}{r.elsewhere_pct:13.3f}"
        )
    return "\n".join(lines)


def base(graded: Graded) -> str:
    """The letters of 10-K and 10-Q since 2012, and how many each rule judges and fails."""
    keys = ["cik", "accession"]
    reports = graded.scores.filter(pl.col("form").is_in(["10-K", "10-Q"]), pl.col("filed") >= SINCE)
    counts = dict(reports["grade"].value_counts().rows())
    judged = graded.judged.join(reports.select(keys), on=keys, how="semi")
    rules = judged.group_by("rule").agg(n=pl.len(), failed=(~pl.col("ok")).sum()).sort("rule")
    lines = [f"{reports.height:,} reports: "]
    lines[0] += ", ".join(f"{name} {counts.get(name, 0):,}" for name in LETTERS)
    lines += ["", "rule    judged  failed  % of reports"]
    lines += [
        f"{rule:6}{n:9,}{failed:8,}{100 * failed / max(1, reports.height):12.2f}"
        for rule, n, failed in rules.rows()
    ]
    return "\n".join(lines)


def loaded(roots: Sequence[Path]) -> Frames:
    """FACTS, FILINGS and COMPANIES of some roots; of a company, the facts of its first."""
    facts, known = [], set[int]()
    for root in roots:
        own = captures.load_facts(root=root).filter(~pl.col("cik").is_in(list(known)))
        known |= set(own["cik"].unique())
        facts.append(own)
    filings, companies = zip(*(captures.load_submissions(root) for root in roots), strict=True)
    once = pl.concat(filings).unique(["cik", "accession"], keep="first", maintain_order=True)
    named = pl.concat(companies).unique("cik", keep="first", maintain_order=True)
    return pl.concat(facts), once, named


ROOTS = (captures.SHARED / "sec", captures.SHARED.parent / "corpus")


def main() -> None:
    """Draw, plant, print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--each", type=int, default=200)
    parser.add_argument("--root", type=Path, action="append")
    parser.add_argument("--tuning", action="store_true", help="the companies that rules may see")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--stratum", choices=strata.STRATA, default="")
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    frames = loaded(given.root or [root for root in ROOTS if root.is_dir()])
    before = grade(*frames)
    print(base(before), "", sep="\n")
    results = [
        planted(frames, before, fault, given.each, given.seed, given.tuning, given.stratum)
        for fault in FAULTS
    ]
    print(table(results))
    if given.out:
        given.out.write_text(json.dumps([asdict(result) for result in results], indent=2))


if __name__ == "__main__":
    main()
