"""The facts of a simulated company as companyfacts would hold them.

A filing states its own periods and the comparatives that go with its form, so the same fact
returns in later filings; share counts and per-share amounts are on the share basis of the day of
filing, so splits restate history. Vectorised over the filings: one step per concept.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl

from core.sandbox.companies.concepts import concepts_of
from core.sandbox.companies.filings import Days, Reports, end_of, filings, quarter_ends, reports
from core.sandbox.companies.model import PAST, RECAST_QUARTER, Books, Profile, books, profiles
from core.sandbox.market.model import model
from core.sandbox.market.names import listings
from core.sandbox.market.news import Bools, Floats, Ints

SCHEMA = {
    "taxonomy": pl.String,
    "concept": pl.String,
    "unit": pl.String,
    "start": pl.Date,
    "end": pl.Date,
    "val": pl.Float64,
    "filing": pl.Int64,  # place in the company's reports
    "own": pl.Boolean,  # of the filing's own period, not a comparative
}
RESTATED = {  # item -> sign of the overstatement in the 10-K before its 10-K/A
    "inv": 1, "assets_current": 1, "assets": 1, "retained": 1, "equity": 1, "balance": 1,
    "cogs": -1, "gp": 1, "opinc": 1, "pretax": 1, "ni_parent": 1, "comprehensive_parent": 1,
    "d_inv": 1,
}  # fmt: skip
# What the recaster passes on to others, in its revenue and its costs until it tells both net of it.
PASSED_ON = ("rev", "rev_main", "cogs", "costs")


@dataclass(frozen=True, slots=True)
class Contexts:
    """Periods stated by filings: filing index, first and last quarter, own period or comparative.

    For instants `a` equals `b`.
    """

    filing: Ints
    a: Ints
    b: Ints
    own: Bools


def facts(seed: int, as_of: date, slot: int) -> pl.DataFrame:
    """Facts of a covered slot, columns SCHEMA plus those of the filing (accession, form, filed,
    quarter, fy, fp), as reported and without planted faults.
    """
    return _Company(seed, as_of, profiles(seed)[slot - 1]).facts()


class _Company:
    """Builds the facts of one company."""

    def __init__(self, seed: int, as_of: date, profile: Profile) -> None:
        self.profile = profile
        self.i = profile.slot - 1
        self.books: Books = books(seed)
        self.reports: Reports = reports(seed, as_of, profile)
        self.ends: Days = quarter_ends(seed, profile)
        self.basis = model(seed, as_of).factor[self.reports.row, profile.slot]
        self.currency = "EUR" if "ifrs" in profile.roles else "USD"
        self.table = filings(seed, as_of).filter(
            (pl.col("slot") == profile.slot) & pl.col("quarter").is_not_null()
        )
        self._restatement()

    def _restatement(self) -> None:
        """How much the original 10-Ks overstate profit and inventory, per filing."""
        r = self.reports
        again = set(r.k[r.amended].tolist())
        wrong = np.array([k in again for k in r.k]) & ~r.amended & r.annual
        profit = self.books.flows["ni_parent"][r.k + PAST, self.i]
        self.overstated = np.where(wrong, np.maximum(np.abs(profit) // 4, 3), 0)

    def facts(self) -> pl.DataFrame:
        research = listings()[self.profile.slot].sector in ("Technology", "Health Care")
        rows = concepts_of(self.profile.style, self.profile.roles, research=research)
        contexts = self._contexts()
        taxonomy = "ifrs-full" if "ifrs" in self.profile.roles else "us-gaap"
        parts = [
            self._money(taxonomy, concept, item, kind, contexts[kind])
            for concept, item, kind in rows
        ]
        parts += self._shares(taxonomy, contexts["flow"], contexts["stock"])
        parts.append(self._cover())
        return self._with_filings(pl.concat(parts))

    def _contexts(self) -> dict[str, Contexts]:
        r = self.reports
        n, k, s, s1, s2 = np.arange(len(r.k)), r.k, r.start, r.before, r.before2
        year, part = r.annual, ~r.annual
        later = part & (k > s)  # a 10-Q with a year to date beside its quarter
        prior = s - 4
        annual = [(year, s, k, True), (year, s1, s - 1, False), (year, s2, s1 - 1, False)]
        to_date = [(part, s, k, True), (part, prior, k - 4, False)]
        quarter = [(part, k, k, True), (part, k - 4, k - 4, False)]
        running = [(later, s, k, True), (later, prior, k - 4, False)]
        balance = [(year | part, k, k, True), (year | part, s - 1, s - 1, False)]
        earlier = [(part, k - 4, k - 4, False), (part, prior - 1, prior - 1, False)]
        earlier += [(year, s1 - 1, s1 - 1, False), (year, s2 - 1, s2 - 1, False)]
        return {
            "flow": _gather(n, annual + quarter + running),
            "cash": _gather(n, annual + to_date),
            "stock": _gather(n, balance),
            "held": _gather(n, balance + earlier),
        }

    def _money(
        self, taxonomy: str, concept: str, item: str, kind: str, c: Contexts
    ) -> pl.DataFrame:
        value = self._value(item, kind, c) * self.profile.unit
        flow = kind in ("flow", "cash")
        return self._frame(taxonomy, concept, self.currency, c, value, flow=flow)

    def _value(self, item: str, kind: str, c: Contexts) -> Ints:
        if kind in ("flow", "cash"):
            value = self._flow(item, c)
            if "recaster" in self.profile.roles and item in PASSED_ON:
                net = self.reports.start[c.filing] >= RECAST_QUARTER
                value = value - np.where(net, self._flow("cogs", c) // 25, 0)
        else:
            value = self.books.stocks[item][c.b + PAST, self.i]
        wrong = np.where(c.own, self.overstated[c.filing], 0)
        return np.asarray(value + RESTATED.get(item, 0) * wrong)

    def _flow(self, item: str, c: Contexts) -> Ints:
        total = np.cumsum(self.books.flows[item][:, self.i])
        return np.asarray(total[c.b + PAST] - total[c.a + PAST - 1])

    def _shares(self, taxonomy: str, flow: Contexts, stock: Contexts) -> list[pl.DataFrame]:
        ifrs = taxonomy == "ifrs-full"
        basic, diluted = self._weighted(flow)
        income = self._value("ni_parent", "flow", flow) * self.profile.unit
        held = np.round(self.books.shares[stock.b + PAST, self.i] * self.basis[stock.filing])
        treasury = np.round(held * 0.04, -2)
        names = _IFRS_SHARES if ifrs else _US_SHARES
        per_share = f"{self.currency}/shares"
        rows = [
            (names[0], per_share, flow, np.round(income / basic, 2), True),
            (names[1], per_share, flow, np.round(income / diluted, 2), True),
            (names[2], "shares", flow, basic, True),
            (names[3], "shares", flow, diluted, True),
        ]
        if not ifrs:
            top = np.exp2(np.ceil(np.log2((held + treasury) * 1.5) / 2) * 2)
            rows += [
                ("CommonStockSharesOutstanding", "shares", stock, held, False),
                ("CommonStockSharesIssued", "shares", stock, held + treasury, False),
                ("CommonStockSharesAuthorized", "shares", stock, np.round(top, -6), False),
            ]
        return [self._frame(taxonomy, name, u, c, v, flow=f) for name, u, c, v, f in rows]

    def _weighted(self, c: Contexts) -> tuple[Floats, Floats]:
        total = np.cumsum(self.books.weighted[:, self.i])
        mean = (total[c.b + PAST] - total[c.a + PAST - 1]) / (c.b - c.a + 1)
        basic = np.round(mean * self.basis[c.filing], -3)
        profit = self._value("ni_parent", "flow", c) > 0
        more = np.round(basic * (1 + self.books.dilution[self.i]), -3)
        return basic, np.where(profit, more, basic)

    def _cover(self) -> pl.DataFrame:
        """dei: shares outstanding some days before filing, and the public float of 10-Ks."""
        r = self.reports
        n = np.arange(len(r.k))
        count = np.round(self.books.shares[r.k + PAST, self.i] * self.basis)
        filed = self.table["filed"].dt.offset_by("-6d")
        every = pl.DataFrame({"filing": n, "val": count, "end": filed}).select(
            pl.lit("dei").alias("taxonomy"),
            pl.lit("EntityCommonStockSharesOutstanding").alias("concept"),
            pl.lit("shares").alias("unit"),
            pl.lit(None, pl.Date).alias("start"),
            "end",
            "val",
            "filing",
            pl.lit(True).alias("own"),
        )
        return pl.concat([every, self._float(count)])

    def _float(self, count: Floats) -> pl.DataFrame:
        r = self.reports
        year = np.flatnonzero(r.annual)
        if self.currency != "USD":
            return pl.DataFrame(schema=SCHEMA)
        middle = r.start[year] + np.minimum(1, r.k[year] - r.start[year])
        price = self.books.stocks["equity"][middle + PAST, self.i] * self.profile.unit * 2.0
        c = Contexts(year, middle, middle, np.ones(len(year), dtype=bool))
        return self._frame("dei", "EntityPublicFloat", "USD", c, price, flow=False)

    def _frame(
        self,
        taxonomy: str,
        concept: str,
        unit: str,
        c: Contexts,
        value: Floats | Ints,
        *,
        flow: bool,
    ) -> pl.DataFrame:
        start = end_of(self.ends, c.a - 1) + 1
        return pl.DataFrame(
            {
                "start": pl.Series(start).cast(pl.Date),
                "end": pl.Series(end_of(self.ends, c.b)).cast(pl.Date),
                "val": np.asarray(value, dtype=np.float64),
                "filing": c.filing,
                "own": c.own,
            }
        ).select(
            pl.lit(taxonomy).alias("taxonomy"),
            pl.lit(concept).alias("concept"),
            pl.lit(unit).alias("unit"),
            ("start" if flow else pl.lit(None, pl.Date).alias("start")),
            "end",
            "val",
            "filing",
            "own",
        )

    def _with_filings(self, rows: pl.DataFrame) -> pl.DataFrame:
        r = self.reports
        ends = pl.Series(end_of(self.ends, r.k)).cast(pl.Date)
        year_ends = pl.Series(end_of(self.ends, self._year_last())).cast(pl.Date)
        head = pl.DataFrame(
            {
                "filing": np.arange(len(r.k)),
                "accession": self.table["accession"],
                "form": self.table["form"],
                "filed": self.table["filed"],
                "quarter": r.k,
                "report_date": ends,
                "fy": year_ends.dt.year(),
                "fp": np.where(r.annual, "FY", np.char.add("Q", (r.k - r.start + 1).astype(str))),
            }
        )
        return rows.join(head, on="filing", how="left", maintain_order="left")

    def _year_last(self) -> Ints:
        """Last quarter of the fiscal year each report belongs to."""
        r = self.reports
        return np.where(r.annual, r.k, r.start + 3)


_US_SHARES = (
    "EarningsPerShareBasic",
    "EarningsPerShareDiluted",
    "WeightedAverageNumberOfSharesOutstandingBasic",
    "WeightedAverageNumberOfDilutedSharesOutstanding",
)
_IFRS_SHARES = (
    "BasicEarningsLossPerShare",
    "DilutedEarningsLossPerShare",
    "WeightedAverageShares",
    "AdjustedWeightedAverageShares",
)


def _gather(n: Ints, parts: list[tuple[Bools, Ints, Ints, bool]]) -> Contexts:
    """Contexts of the filings each part applies to, by filing."""
    filing = np.concatenate([n[where] for where, *_ in parts])
    a = np.concatenate([first[where] for where, first, _, _ in parts])
    b = np.concatenate([last[where] for where, _, last, _ in parts])
    own = np.concatenate([np.full(int(where.sum()), flag) for where, _, _, flag in parts])
    order = np.argsort(filing, kind="stable")
    return Contexts(filing[order], a[order], b[order], own[order])
