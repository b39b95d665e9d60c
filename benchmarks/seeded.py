"""Seeded errors: plant one fault per filing in real facts, grade it, count the found."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import polars as pl

from core.domain.quality.facts.table import PeriodTable, open_book
from core.domain.quality.grading import Graded, grade
from core.domain.quality.model import default_ruleset
from core.domain.tables.frames import FACTS

Frames = tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]
Plant = Callable[[pl.DataFrame, pl.DataFrame], pl.DataFrame]
AMOUNTS = ("EpsBasic", "EpsDiluted", "SharesBasic", "SharesDiluted")
EACH = 4  # faults planted per company and round, each in another filing
SPREAD = ("Q27", "Q28", "Q33", "Q34", "Q35", "Q40", "Q41", "Q42", "Q46", "Q47", "Q48", "Q49", "Q50")


@dataclass(frozen=True, slots=True)
class Result:
    """One class of faults: how many were planted and found, and what was raised elsewhere."""

    fault: str
    planted: int
    found: int
    raised: int  # new findings in the seeded filings on rules that read the fault
    false_alarms: int  # new failures of rules that do not read it, or in other filings
    untouched: int  # rule evaluations that should not change
    lowered: int  # seeded filings whose grade is a letter or more lower than before

    @property
    def recall_pct(self) -> float:
        """Share of planted faults with a new finding in their filing."""
        return 100 * self.found / max(1, self.planted)

    @property
    def precision_pct(self) -> float:
        """Share of the new failures that belong to the fault."""
        return 100 * self.raised / max(1, self.raised + self.false_alarms)

    @property
    def lowered_pct(self) -> float:
        """Share of the seeded filings whose letter fell."""
        return 100 * self.lowered / max(1, self.planted)

    @property
    def false_alarm_pct(self) -> float:
        """New failures per evaluation of an untouched rule."""
        return 100 * self.false_alarms / max(1, self.untouched)


def candidates(book: PeriodTable, items: list[str], own: bool = True) -> pl.DataFrame:
    """Facts that may be seeded: cik, accession, item, row, start, end, value of rated reports."""
    forms = book.filings.filter(pl.col("form").is_in(["10-K", "10-Q"]), pl.col("concepts") > 60)
    long = book.long.with_columns(pl.col("item").cast(pl.String)).filter(
        pl.col("item").is_in(items), pl.col("value") != 0
    )
    if own:
        long = long.filter("own")
    return long.join(forms.select("fid", "cik", "accession"), on="fid")


def draw(pool: pl.DataFrame, rng: np.random.Generator, each: int = 1) -> pl.DataFrame:
    """Some candidates per company, each in a filing of its own."""
    order = rng.permutation(pool.height)
    shuffled = pool.with_columns(order=pl.Series(order)).sort("order")
    once = shuffled.unique("accession", keep="first", maintain_order=True)
    return once.group_by("cik", maintain_order=True).head(each)


def on_rows(change: pl.Expr) -> Plant:
    """A fault on the value of the chosen facts alone."""

    def plant(facts: pl.DataFrame, chosen: pl.DataFrame) -> pl.DataFrame:
        hit = pl.col("row").is_in(chosen["row"].implode())
        return facts.with_columns(value=pl.when(hit).then(change).otherwise("value"))

    return plant


def all_thousandfold(facts: pl.DataFrame, chosen: pl.DataFrame) -> pl.DataFrame:
    """All amounts of the filing times a thousand."""
    hit = _of(chosen) & pl.col("unit").str.contains(r"^[A-Z]{3}$")
    return facts.with_columns(value=pl.when(hit).then(pl.col("value") * 1e3).otherwise("value"))


def _of(chosen: pl.DataFrame) -> pl.Expr:
    return pl.col("accession").is_in(chosen["accession"].implode())


def dropped(facts: pl.DataFrame, chosen: pl.DataFrame) -> pl.DataFrame:
    """The item's facts for the filing's own period taken away, under all its tags."""
    rules = default_ruleset()
    rows = [(name, tag) for name, i in rules.items.items() for tag in (*i.tags, *i.dei, *i.ifrs)]
    tags = pl.DataFrame(rows, schema=["item", "concept"], orient="row")
    gone = chosen.select("accession", "item", period_end="end").join(tags, on="item")
    return facts.join(gone, on=["accession", "concept", "period_end"], how="anti")


def swapped(facts: pl.DataFrame, chosen: pl.DataFrame) -> pl.DataFrame:
    """Current totals stated as noncurrent ones, and the other way round."""
    pairs = {"AssetsCurrent": "AssetsNoncurrent", "LiabilitiesCurrent": "LiabilitiesNoncurrent"}
    swap = pairs | {other: name for name, other in pairs.items()}
    side = chosen.select("accession", family=pl.col("item").str.slice(0, 6))
    joined = facts.with_columns(family=pl.col("concept").str.slice(0, 6)).join(
        side.with_columns(hit=pl.lit(True)), on=["accession", "family"], how="left"
    )
    concept = pl.when(pl.col("hit").fill_null(False)).then(pl.col("concept").replace(swap))
    return joined.with_columns(concept=concept.otherwise("concept")).drop("family", "hit")


def stale(facts: pl.DataFrame, chosen: pl.DataFrame) -> pl.DataFrame:
    """The fact stated a second time with the value of another period of the filing."""
    keys = ["accession", "taxonomy", "concept", "unit"]
    mine = facts.filter(pl.col("row").is_in(chosen["row"].implode()))
    others = facts.join(mine.select(*keys, now="value", at="period_end"), on=keys)
    others = others.filter(pl.col("value") != pl.col("now"), pl.col("period_end") < pl.col("at"))
    old = others.sort("period_end").unique(keys, keep="last").select(*keys, old="value")
    again = mine.join(old, on=keys, how="left").with_columns(
        value=pl.coalesce("old", pl.col("value") * 2), seq=pl.lit(1, pl.Int32)
    )
    return pl.concat([facts, again.drop("old")])


def shifted(facts: pl.DataFrame, chosen: pl.DataFrame) -> pl.DataFrame:
    """The fact's period moved back by a year."""
    return _moved(facts, pl.col("row").is_in(chosen["row"].implode()), "-1y")


def all_shifted(facts: pl.DataFrame, chosen: pl.DataFrame) -> pl.DataFrame:
    """All periods of the filing moved back by a quarter."""
    return _moved(facts, _of(chosen) & (pl.col("taxonomy") != "dei"), "-3mo")


def _moved(facts: pl.DataFrame, hit: pl.Expr, by: str) -> pl.DataFrame:
    days = ("period_start", "period_end")
    moved = facts.with_columns(
        [pl.when(hit).then(pl.col(day).dt.offset_by(by)).otherwise(day).alias(day) for day in days]
    )
    natural = [name for name in FACTS.key if name != "seq"]
    return moved.with_columns(seq=pl.int_range(pl.len(), dtype=pl.Int32).over(natural))


def other_unit(facts: pl.DataFrame, chosen: pl.DataFrame) -> pl.DataFrame:
    """The fact given in a unit of another kind."""
    hit = pl.col("row").is_in(chosen["row"].implode())
    money = pl.col("unit").str.contains(r"^[A-Z]{3}$")
    unit = pl.when(hit & money).then(pl.lit("EUR")).when(hit).then(pl.lit("pure"))
    return facts.with_columns(unit=unit.otherwise("unit"))


CORE = [
    "Assets", "LiabilitiesAndEquity", "EquityParent", "NetIncome", "Cfo", "Cfi", "Cff", "Cash",
    "Revenues", "PretaxIncome", "IncomeTax", "OperatingIncome", "AssetsCurrent",
    "LiabilitiesCurrent", "EpsBasic", "EpsDiluted", "Goodwill", "Inventory", "RetainedEarnings",
]  # fmt: skip
FAULTS: dict[str, tuple[list[str], Plant]] = {
    "sign flip of a headline": (CORE, on_rows(-pl.col("value"))),
    "x1000 on a headline": (CORE, on_rows(pl.col("value") * 1e3)),
    "x1000 on all": (["Assets"], all_thousandfold),
    "operand dropped": ([i for i in CORE if i not in ("Goodwill", "Inventory")], dropped),
    "current and noncurrent swapped": (["AssetsCurrent", "LiabilitiesCurrent"], swapped),
    "stale duplicate": (CORE, stale),
    "period of a headline shifted": (CORE, shifted),
    "all periods shifted": (["Assets"], all_shifted),
    "unit changed": (CORE, other_unit),
    "cover shares x1e6": (["CoverShares"], on_rows(pl.col("value") * 1e6)),
}


def touching(fault: str, item: str) -> set[str]:
    """Ids of the rules that read what the fault changes."""
    rules = default_ruleset().rules
    if fault in ("x1000 on all", "all periods shifted"):
        return set(rules)
    derived = {"EquityAll": "Equity", "EquityParent": "Equity", "Cash": "CashEnd"}
    names = {item, derived.get(item, item)}
    reads = {
        name for name, rule in rules.items()
        if any(names & set(e.items) for e in (*rule.equations, *rule.also))
        or any(names & set(order) for order in rule.orders)
    }  # fmt: skip
    extra = {"Q24", "Q25", "Q26", "Q29", "Q31", "Q32", "Q36", "Q37", "Q38", "Q39"}
    return reads | set(SPREAD) | extra


def seed(
    frames: Frames,
    before: Graded,
    fault: str,
    rounds: int,
    rng: np.random.Generator,
    each: int = EACH,
) -> Result:
    """Plant `each` faults of a class per company and round; compare with the grades before."""
    items, plant = FAULTS[fault]
    book = open_book(*frames, default_ruleset())
    pool = candidates(book, items, own=fault != "cover shares x1e6")
    totals = np.zeros(6, dtype=int)
    for _ in range(rounds):
        chosen = draw(pool, rng, each)
        facts = plant(frames[0].with_row_index("row"), chosen).select(list(FACTS.columns))
        totals += _compare(before, grade(facts, *frames[1:]), chosen, fault)
    return Result(fault, *(int(n) for n in totals))


def _compare(before: Graded, after: Graded, chosen: pl.DataFrame, fault: str) -> np.ndarray:
    keys = ["cik", "accession", "rule"]
    was = before.judged.filter(~pl.col("ok")).select(keys)
    now = after.judged.filter(~pl.col("ok")).join(was, on=keys, how="anti").select(keys)
    now = pl.concat(
        [now, _worse(before, after).join(chosen.select("accession"), on="accession", how="semi")]
    ).unique()
    touched = pl.DataFrame(
        [(a, r) for a, i in chosen.select("accession", "item").rows() for r in touching(fault, i)],
        schema=["accession", "rule"], orient="row",
    )  # fmt: skip
    mine = now.join(touched, on=["accession", "rule"], how="semi")
    now = now.filter(
        (pl.col("rule") != "Q47") | _of(chosen)
    )  # a later filing that says so is right
    found = mine.filter(pl.col("rule") != "Q35")["accession"].n_unique()
    other = now.height - mine.height
    quiet = after.judged.join(touched, on=["accession", "rule"], how="anti").join(
        chosen.select("cik"), on="cik", how="semi"
    )
    lowered = _lowered(before, after, chosen)
    return np.array([chosen.height, found, mine.height, other, quiet.height, lowered])


def _lowered(before: Graded, after: Graded, chosen: pl.DataFrame) -> int:
    """Seeded filings with a worse letter (A before B ... before NR)."""
    was, now = (g.scores.select("accession", "grade") for g in (before, after))
    both = chosen.select("accession").join(was, on="accession").join(now, on="accession")
    return both.filter(pl.col("grade_right") > pl.col("grade")).height


def _worse(before: Graded, after: Graded) -> pl.DataFrame:
    """Rules that failed before and now have findings that they did not have."""
    columns = ["cik", "accession", "rule", "message"]
    new = after.findings.select(columns).join(
        before.findings.select(columns), on=columns, how="anti"
    )
    return new.select("cik", "accession", "rule").unique()
