"""The filing grade: base rates, seeded errors, and time beside a per-filing way, in one run.

    python -m benchmarks.grade [--rounds 3] [--seeds 4] [--filings 150] [--out grade.json]

All rules over the captured facts once, 4 and 16 times (companies replicated under new numbers); ten
of the rules as one would write them per filing in pandas (a sample of filings, scaled up); one
changed filing; a CSV of a million scored rows beside pandas.

One changed filing is the newest 10-K or 10-Q of the company with the most facts, as a pull brings
it. All facts of the company are read in, for they are the past that a filing is judged by, and the
filings that the change can reach are judged, scored and written up. An old filing, in the middle of
the company's reports, reaches about half of them.
"""

from __future__ import annotations

import argparse
import json
import platform
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl

from benchmarks import captures, per_filing, seeded
from core.domain.quality.evaluate import evaluate
from core.domain.quality.facts.table import open_book
from core.domain.quality.grading import Graded, grade
from core.domain.quality.model import default_ruleset
from core.domain.quality.status.names import AS_FILED
from core.service.filings.grade_document import CSV_COLUMNS
from core.service.kernel.exports import encode

TIMES = (1, 4, 16)
BASE_RATES = {  # public: share of reports that break a relation by more than 10 %
    "Q03": 1.1, "Q02": 2.9, "Q17": 0.4, "Q20": 1.8, "Q22": 0.8, "Q10": 1.6, "Q24": 17.7,
}  # fmt: skip
MILLION = 1_000_000


@dataclass(frozen=True, slots=True)
class Taken:
    """Medians of some calls: by the clock, and the processor time of all threads."""

    wall: float
    cpu: float


def seconds(work: Callable[[], Any], rounds: int) -> Taken:
    """The median times of some calls."""
    return in_turn({"": work}, rounds)[""]


def in_turn(works: dict[str, Callable[[], Any]], rounds: int) -> dict[str, Taken]:
    """The median times of several works, which take turns: what slows the machine, slows all."""
    taken: dict[str, list[tuple[float, float]]] = {name: [] for name in works}
    for _ in range(rounds):
        for name, work in works.items():
            begin, used = time.perf_counter(), time.process_time()
            work()
            taken[name].append((time.perf_counter() - begin, time.process_time() - used))
    return {
        name: Taken(*(statistics.median(column) for column in zip(*pairs, strict=True)))
        for name, pairs in taken.items()
    }


def replicated(frames: seeded.Frames, times: int) -> seeded.Frames:
    """The same companies several times over, each copy under its own numbers."""
    return tuple(  # type: ignore[return-value]
        pl.concat([_renumbered(frame, copy) for copy in range(times)]) for frame in frames
    )


def _renumbered(frame: pl.DataFrame, copy: int) -> pl.DataFrame:
    changed = [pl.col("cik") + copy * 10_000_000]
    if "accession" in frame.columns:
        changed.append(pl.col("accession") + f"-{copy}")
    return frame.with_columns(changed)


def base_rates(graded: Graded) -> pl.DataFrame:
    """Per rule with a public rate: filings judged, failing, and failing by more than 10 %."""
    since = graded.scores.filter(
        pl.col("form").is_in(["10-K", "10-Q"]), pl.col("filed").dt.year() >= 2012
    ).select("cik", "accession")
    keys = ["cik", "accession"]
    size = pl.max_horizontal(pl.col("expected").abs(), pl.col("actual").abs())
    wide = graded.findings.filter(pl.col("difference").abs() > 0.1 * size)
    wide = wide.select(*keys, "rule").unique().with_columns(wide=pl.lit(value=True))
    judged = graded.judged.join(since, on=keys, how="semi").join(
        wide, on=[*keys, "rule"], how="left"
    )
    return (
        judged.group_by("rule")
        .agg(
            judged=pl.len(),
            failed_pct=100 * (~pl.col("ok")).mean(),
            beyond_10_pct=100 * pl.col("wide").fill_null(value=False).mean(),
        )
        .with_columns(public_pct=pl.col("rule").replace_strict(BASE_RATES, default=None))
        .sort("rule")
    )


def times(frames: seeded.Frames, rounds: int, filings: int) -> dict[str, Taken]:
    """What everything that is compared takes."""
    once, four, many = (replicated(frames, n) for n in TIMES)
    found = in_turn({**_one_changed(once), "all rules 4x": lambda: grade(*four)}, 4 * rounds + 1)
    for n, some in ((1, once), (4, four)):
        found |= _beside(some, n, rounds, filings)
    return found | {"all rules 16x": seconds(lambda: grade(*many), 1)}


def _beside(frames: seeded.Frames, n: int, rounds: int, filings: int) -> dict[str, Taken]:
    """Ten rules at once and filing by filing, which goes over a sample and is scaled up."""
    rules = default_ruleset().limited(per_filing.RULES, per_filing.ITEMS)
    ten = seconds(lambda: evaluate(open_book(*frames, rules), per_filing.RULES), 2 * rounds + 1)
    facts = frames[0].to_pandas()
    names = facts["accession"].drop_duplicates()
    sample = list(names.sample(min(filings, len(names)), random_state=5))
    loop = seconds(lambda: per_filing.grade(facts, sample), 1)
    more = len(names) / len(sample)
    each = Taken(loop.wall * more, loop.cpu * more)
    return {f"ten rules {n}x": ten, f"ten rules per filing {n}x": each}


def _one_changed(frames: seeded.Frames) -> dict[str, Callable[[], Any]]:
    """All rules over all facts; after a change of the newest report of a company, and of an old."""
    cik = frames[0].group_by("cik").len().sort("len")["cik"][-1]
    own = tuple(frame.filter(pl.col("cik") == cik) for frame in frames)
    reports = own[0].filter(pl.col("form").is_in(["10-K", "10-Q"])).sort("filed", "accession")
    reports = reports.unique("accession", maintain_order=True).with_columns(
        report_date=pl.lit(None, pl.Date)
    )
    newest, old = reports[[-1]], reports[[reports.height // 2]]
    return {
        "all rules 1x": lambda: grade(*frames),
        "one changed filing": lambda: grade(*own, changed=newest),
        "one changed filing, old": lambda: grade(*own, changed=old),
    }


def csv_times(graded: Graded, rounds: int) -> dict[str, Taken]:
    """A million scored rows, as they are exported, to CSV: ours guarded, theirs not."""
    rows = pl.concat([graded.scores] * (MILLION // graded.scores.height + 1)).head(MILLION)
    at = pl.lit(datetime(2026, 1, 2, tzinfo=UTC)).cast(pl.Datetime("us", "UTC"))
    rows = rows.rechunk().with_columns(
        ticker=pl.col("company").str.slice(0, 4).str.to_uppercase(),
        graded_at=at + pl.duration(seconds=pl.int_range(pl.len())),
        url=pl.format("https://www.sec.gov/Archives/edgar/data/{}/{}", "cik", "accession"),
        status=pl.lit(AS_FILED),
        revision_risk=pl.int_range(pl.len()) % 1000 / 1000,
    )
    rows = rows.select(CSV_COLUMNS)
    table = rows.to_pandas()
    return {
        "csv, guarded": seconds(lambda: encode(rows, "csv"), rounds),
        "csv, pandas": seconds(lambda: table.to_csv(index=False), 1),
    }


def ratios(s: dict[str, Taken]) -> list[tuple[str, float, float, str]]:
    """What is compared, the ratio by the clock and by processor time, and the target."""
    pairs = [
        ("all rules, 4x facts / 1x", "all rules 4x", "all rules 1x", "<= 4"),
        ("all rules, 16x facts / 1x", "all rules 16x", "all rules 1x", "<= 16"),
        ("ten rules per filing / at once", "ten rules per filing 1x", "ten rules 1x", ">= 80"),
        ("the same, 4x facts", "ten rules per filing 4x", "ten rules 4x", ""),
        ("one changed filing / all", "one changed filing", "all rules 1x", "< 0.1"),
        ("one old changed filing / all", "one changed filing, old", "all rules 1x", ""),
        ("one changed filing / 16x facts", "one changed filing", "all rules 16x", ""),
        ("CSV pandas / guarded", "csv, pandas", "csv, guarded", ">= 12"),
    ]
    return [(name, s[a].wall / s[b].wall, s[a].cpu / s[b].cpu, aim) for name, a, b, aim in pairs]


def proof(frames: seeded.Frames, graded: Graded, seeds: int) -> list[seeded.Result]:
    """One result per class of seeded errors; the generator of each class has its own seed."""
    return [
        seeded.seed(frames, graded, fault, seeds, np.random.default_rng([7, n]))
        for n, fault in enumerate(seeded.FAULTS)
    ]


def main() -> None:
    """Measure, print tables, write JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seeds", type=int, default=4, help="rounds of a class; 0: none")
    parser.add_argument("--filings", type=int, default=150, help="sample of the per-filing way")
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    frames = (captures.load_facts(), *captures.load_submissions())
    graded = grade(*frames)
    rates = base_rates(graded)
    s = times(frames, given.rounds, given.filings) | csv_times(graded, given.rounds)
    planted = proof(frames, graded, given.seeds) if given.seeds else []
    print(report(frames[0].height, graded, rates, s, planted))
    if given.out:
        given.out.write_text(json.dumps(document(rates, s, planted), indent=2))


def report(
    facts: int, graded: Graded, rates: pl.DataFrame, s: dict[str, Taken], planted: list[Any]
) -> str:
    """The tables as text."""
    lines = [f"{facts:,} facts, {graded.scores.height:,} filings, rule set {graded.ruleset}", ""]
    lines += ["rule  judged  failed %  beyond 10 %  public %"]
    for rule, judged, failed, beyond, public in rates.rows():
        known = "" if public is None else f"{public:9.1f}"
        lines.append(f"{rule} {judged:7,} {failed:9.2f} {beyond:12.2f} {known}")
    lines += ["", f"{'':28} {'wall':>12} {'processor':>15}"]
    lines += [f"{n:28} {1e3 * t.wall:9,.0f} ms {1e3 * t.cpu:12,.0f} ms" for n, t in s.items()]
    lines += ["", f"{'ratio':34} {'wall':>8} {'processor':>10}"]
    lines += [
        f"{name:34} {wall:8.3f} {cpu:10.3f}   {aim and 'target ' + aim}"
        for name, wall, cpu, aim in ratios(s)
    ]
    head = ("planted", "recall %", "precision %", "false alarms %", "letter fell %")
    lines += ["", f"{'seeded error':30} " + " ".join(f"{name:>14}" for name in head)]
    lines += [
        f"{r.fault:30} {r.planted:14,} {r.recall_pct:14.1f} {r.precision_pct:14.1f} "
        f"{r.false_alarm_pct:14.3f} {r.lowered_pct:14.1f}"
        for r in planted
    ]
    return "\n".join(lines)


def document(
    rates: pl.DataFrame, s: dict[str, Taken], planted: list[seeded.Result]
) -> dict[str, Any]:
    """The same as JSON."""
    return {
        "seconds": {name: {"wall": t.wall, "cpu": t.cpu} for name, t in s.items()},
        "ratios": {
            name: {"wall": wall, "cpu": cpu, "target": aim} for name, wall, cpu, aim in ratios(s)
        },
        "base_rates": rates.to_dicts(),
        "seeded": [
            {
                "fault": r.fault, "planted": r.planted, "recall_pct": r.recall_pct,
                "precision_pct": r.precision_pct, "false_alarm_pct": r.false_alarm_pct,
                "lowered_pct": r.lowered_pct,
            }
            for r in planted
        ],
        "versions": {
            "python": platform.python_version(), "polars": pl.__version__,
            "pandas": pd.__version__,
        },
    }  # fmt: skip


if __name__ == "__main__":
    main()
