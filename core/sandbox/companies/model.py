"""The books of the simulated companies: income, balance and cash flow that add up to the unit.

Sixty companies by quarter, all whole numbers of the company's rounding unit, so every identity of
the statements holds exactly: assets equal liabilities and equity because cash is what the cash
flows leave. Quarter 0 ends around 2019-12-31; fourteen quarters before it serve as comparatives.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.sandbox.companies.totals import assets, liabilities, with_totals
from core.sandbox.market.model import traits
from core.sandbox.market.names import COVERED, listings
from core.sandbox.market.news import QUARTERS, Floats, Ints, rhythm, stream

PAST = 14
SLOTS_COVERED = np.arange(1, COVERED + 1)
STYLES = {"Banks": "bank", "Property Insurance": "insurer", "REIT": "reit"}
CHANGE_QUARTER = 16  # the year-changer's transition period ends here (December 2023)

# style -> revenue multiples of the balance sheet and shares of the income statement
COEFFICIENTS: dict[str, dict[str, float]] = {
    "industrial": {
        "ps": 2.6, "cogs": 0.56, "rnd": 0.07, "sga": 0.19, "ar": 0.55, "inv": 0.42, "oca": 0.10,
        "ppe": 1.5, "goodwill": 0.9, "intang": 0.5, "onca": 0.25, "ap": 0.34, "accrued": 0.30,
        "defrev": 0.10, "ltd": 1.1, "oncl": 0.22, "sti": 0.35, "cash": 0.7, "payout": 0.3,
    },
    "bank": {
        "ps": 3.0, "cogs": 0.30, "rnd": 0.05, "sga": 0.37, "ar": 42.0, "inv": 0.0, "oca": 0.0,
        "ppe": 0.9, "goodwill": 1.2, "intang": 0.1, "onca": 1.6, "ap": 0.0, "accrued": 48.0,
        "defrev": 0.0, "ltd": 3.2, "oncl": 0.9, "sti": 11.0, "cash": 4.0, "payout": 0.35,
    },
    "insurer": {
        "ps": 1.3, "cogs": 0.63, "rnd": 0.0, "sga": 0.25, "ar": 0.8, "inv": 0.0, "oca": 0.0,
        "ppe": 0.2, "goodwill": 0.3, "intang": 0.1, "onca": 0.7, "ap": 0.0, "accrued": 5.2,
        "defrev": 1.7, "ltd": 1.0, "oncl": 0.5, "sti": 9.5, "cash": 0.8, "payout": 0.3,
    },
    "reit": {
        "ps": 7.0, "cogs": 0.33, "rnd": 0.0, "sga": 0.09, "ar": 0.3, "inv": 0.0, "oca": 0.0,
        "ppe": 31.0, "goodwill": 0.0, "intang": 1.0, "onca": 1.2, "ap": 0.5, "accrued": 0.6,
        "defrev": 0.2, "ltd": 14.0, "oncl": 0.4, "sti": 0.0, "cash": 0.8, "payout": 0.85,
    },
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Profile:
    """What one covered company is like."""

    slot: int
    style: str  # industrial, bank, insurer, reit; the IFRS filer is an industrial one
    roles: frozenset[str]
    unit: int
    year_end: int  # quarters k with k % 4 == year_end end a fiscal year


ROLES = (
    "ifrs", "restater", "changer", "late", "nci", "mezzanine", "saturday", "nci", "no_liabilities",
    "fx", "thousands", "thousands",
)  # fmt: skip
RECAST_QUARTER = 21  # the recaster tells revenue net from the fiscal year that begins here or later
# planted faults go to industrial companies without another role; see companies_faults
FIRST_FAULT = 17  # faults are planted in reports for periods from March 2024 on
FAULTY = (
    "sign_flip", "thousandfold", "thousandfold_all", "cover_shares_million", "stale_duplicate",
    "shifted_period", "unbalanced", "current_noncurrent_swapped", "operand_dropped", "wrong_unit",
    "facts_missing", "accepted_after_open",
)  # fmt: skip


@lru_cache(maxsize=4)
def profiles(seed: int) -> tuple[Profile, ...]:
    """The covered companies, slots 1..60."""
    habits = rhythm(seed)
    rng = stream(seed, "profiles")
    year_end = rng.choice([0, 0, 0, 0, 0, 2, 3, 1], COVERED)
    large = traits(seed).price * traits(seed).shares
    roles = _roles()
    result = []
    for i, slot in enumerate(SLOTS_COVERED):
        mine = roles.get(int(slot), frozenset())
        style = STYLES.get(listings()[slot].industry, "industrial")
        end = 0 if style in ("bank", "insurer", "reit") or "ifrs" in mine else int(year_end[i])
        if habits.month_offset[slot]:
            end = 0
        unit = 1_000 if "thousands" in mine or large[slot] < 2.5e9 else 1_000_000
        result.append(Profile(int(slot), style, mine, unit, end))
    return tuple(result)


def _roles() -> dict[int, frozenset[str]]:
    plain = [int(s) for s in SLOTS_COVERED if listings()[s].industry not in STYLES]
    names = [*ROLES, *FAULTY, "recaster"]
    return {slot: frozenset({role}) for slot, role in zip(plain, names, strict=False)}


def position(profile: Profile, k: Ints) -> tuple[Ints, Ints, Ints]:
    """First quarter of the fiscal year of each quarter, and of the two fiscal years before."""
    if "changer" not in profile.roles:
        first = k - (k - profile.year_end - 1) % 4
        return first, first - 4, first - 8
    starts = np.array([*range(-25, CHANGE_QUARTER, 4), *range(CHANGE_QUARTER + 1, QUARTERS + 4, 4)])
    at = np.searchsorted(starts, k, side="right") - 1
    return starts[at], starts[at - 1], starts[at - 2]


@dataclass(frozen=True, slots=True)
class Books:
    """Quarterly items in units, arrays (PAST + QUARTERS, COVERED); row PAST is quarter 0."""

    flows: dict[str, Ints]
    stocks: dict[str, Ints]
    shares: Floats  # at the end of the quarter, on the share basis of the epoch
    weighted: Floats  # average of the quarter, same basis
    dilution: Floats


@lru_cache(maxsize=4)
def books(seed: int) -> Books:
    """The books of all covered companies."""
    return _Ledger(seed).run()


class _Ledger:
    """Steps through the quarters; every item is one vector over the companies."""

    def __init__(self, seed: int) -> None:
        self.rng = stream(seed, "books")
        self.who = profiles(seed)
        self.n = PAST + QUARTERS
        style = [p.style for p in self.who]
        self.c = {k: np.array([COEFFICIENTS[s][k] for s in style]) for k in COEFFICIENTS["bank"]}
        self.bank = np.array([s == "bank" for s in style])
        self.c = {
            k: v * np.exp(0.12 * self.rng.standard_normal(COVERED)) for k, v in self.c.items()
        }
        self.unit = np.array([p.unit for p in self.who])
        self._habits(seed)
        self.revenue = self._revenue(seed)
        self.noise = self.rng.standard_normal((self.n, 8, COVERED))

    def _habits(self, seed: int) -> None:
        who, slots = traits(seed), SLOTS_COVERED
        self.pays = who.dividend_yield[slots] > 0
        self.shares0 = np.round(who.shares[slots], -3)
        self.price0 = who.price[slots]
        self.nci = np.where([("nci" in p.roles) for p in self.who], 0.09, 0.0)
        self.fx = np.array([bool({"fx", "ifrs"} & p.roles) for p in self.who])
        self.mezz = np.array(["mezzanine" in p.roles for p in self.who])
        research = [listings()[s].sector in ("Technology", "Health Care") for s in slots]
        young = np.array([listings()[s].industry == "Biotechnology" for s in slots])
        self.c["rnd"] *= np.where(research, 1.7, np.where(self.bank, 1.0, 0.0))
        self.c["rnd"] = np.where(young, 0.62, self.c["rnd"])
        self.c["cash"] = np.where(young, 6.0, self.c["cash"])

    def _revenue(self, seed: int) -> Ints:
        """Revenue by quarter: growth, season and noise."""
        growth = self.rng.normal(0.014, 0.008, COVERED)
        steps = growth + 0.022 * self.rng.standard_normal((self.n, COVERED))
        calm = np.array([p.style != "industrial" for p in self.who])
        steps = np.where(calm, 0.008 + (steps - growth) * 0.35, steps)
        peak = self.rng.integers(0, 4, COVERED)
        height = np.where(calm, 0.005, 0.09 * self.rng.random(COVERED))
        quarter = (np.arange(self.n)[:, None] - peak) % 4
        season = height * np.array([1.0, -0.6, -0.3, -0.1])[quarter]
        start = self.price0 * self.shares0 / self.c["ps"] / 4 / self.unit
        return self._whole(start * np.exp(np.cumsum(steps, axis=0) + season))

    @staticmethod
    def _whole(values: NDArray[np.floating[Any]]) -> Ints:
        return np.asarray(np.rint(values).astype(np.int64))

    def run(self) -> Books:
        flows: list[dict[str, Ints]] = []
        stocks: list[dict[str, Ints]] = [self._opening()]
        shares = [self.shares0]
        for t in range(self.n):
            flow, stock, count = self._quarter(t, stocks[-1], shares[-1])
            flows.append(flow)
            stocks.append(stock)
            shares.append(count)
        held = np.array(shares)
        return Books(
            flows={k: np.array([f[k] for f in flows]) for k in flows[0]},
            stocks={k: np.array([s[k] for s in stocks[1:]]) for k in stocks[1]},
            shares=held[1:],
            weighted=np.round((held[1:] + held[:-1]) / 2, -3),
            dilution=0.004 + 0.02 * stream(len(held), "dilution").random(COVERED),
        )

    def _opening(self) -> dict[str, Ints]:
        """The balance before the first quarter; retained earnings are what is left over."""
        rev = self.revenue[0]
        s = {k: self._whole(rev * self.c[k]) for k in _SCALED}
        s["mezz"] = np.where(self.mezz, self._whole(rev * 0.12), 0)
        s["par"] = np.maximum(self._whole(self.shares0 * 0.001 / self.unit), 1)
        s["apic"] = self._whole(rev * 0.8)
        s["aoci"] = np.zeros(COVERED, dtype=np.int64)
        s["treasury"] = np.zeros(COVERED, dtype=np.int64)
        s["retained"] = np.zeros(COVERED, dtype=np.int64)
        s["minority"] = np.zeros(COVERED, dtype=np.int64)
        left = assets(s) - liabilities(s) - s["mezz"] - s["par"] - s["apic"]
        s["minority"] = np.where(self.nci > 0, np.maximum(left // 12, 1), 0)
        s["retained"] = left - s["minority"]
        return with_totals(s)

    def _quarter(
        self, t: int, old: dict[str, Ints], shares: Floats
    ) -> tuple[dict[str, Ints], dict[str, Ints], Floats]:
        f = self._income(t, old)
        s = self._working_capital(t)
        self._long_term(t, old, s, f)
        self._cash_flow(t, old, s, f)
        s["mezz"], s["par"], s["goodwill"] = old["mezz"], old["par"], old["goodwill"]
        s["apic"] = old["apic"] + f["sbc"] + f["stock_issued"]
        s["retained"] = old["retained"] + f["ni_parent"] - f["dividends"]
        s["aoci"] = old["aoci"] + f["oci"]
        s["treasury"] = old["treasury"] + f["buyback"]
        s["minority"] = old["minority"] + f["ni_nci"]
        price = self.price0 * np.exp(0.012 * t)
        bought = (f["buyback"] - f["stock_issued"] - 0.5 * f["sbc"]) * self.unit / price
        return f, with_totals(s), np.round(np.maximum(shares - bought, shares * 0.98), -3)

    def _income(self, t: int, old: dict[str, Ints]) -> dict[str, Ints]:
        z, rev, whole = self.noise[t], self.revenue[t], self._whole
        f = {"rev": rev, "rev_other": rev // 5, "rev_main": rev - rev // 5}
        f["cogs"] = whole(rev * self.c["cogs"] * np.exp(0.02 * z[0]))
        f["rnd"] = whole(rev * self.c["rnd"] * np.exp(0.04 * z[1]))
        f["sga"] = whole(rev * self.c["sga"] * np.exp(0.04 * z[2]))
        f["gp"] = rev - f["cogs"]
        f["opex"] = f["rnd"] + f["sga"]
        f["costs"] = f["cogs"] + f["opex"]
        f["opinc"] = f["gp"] - f["opex"]
        plain = ~self.bank
        f["nonop"] = np.where(plain, whole(old["cash"] * 0.006 - old["ltd"] * 0.0115), 0)
        f["pretax"] = f["opinc"] + f["nonop"]
        f["tax"] = np.where(f["pretax"] > 0, whole(f["pretax"] * 0.215), 0)
        f["ni"] = f["pretax"] - f["tax"]
        f["ni_nci"] = whole(f["ni"] * self.nci)
        f["ni_parent"] = f["ni"] - f["ni_nci"]
        f["nii"] = f["rev_main"] - f["cogs"]
        f["nii_after"] = f["nii"] - f["rnd"]
        f["rev_net"] = rev - f["cogs"]
        f["sbc"] = whole(rev * 0.012)
        return f

    def _working_capital(self, t: int) -> dict[str, Ints]:
        z, rev, cogs = self.noise[t], self.revenue[t], self.revenue[t] * self.c["cogs"]
        base = {"ar": rev, "oca": rev, "onca": rev, "defrev": rev, "oncl": rev, "accrued": rev}
        base |= {"inv": cogs / 0.56, "ap": cogs / 0.56}
        calm = np.where(self.bank, 0.004, 0.03)
        return {
            k: self._whole(v * self.c[k] * np.exp(calm * z[i % 8]))
            for i, (k, v) in enumerate(base.items())
        }

    def _long_term(
        self, t: int, old: dict[str, Ints], s: dict[str, Ints], f: dict[str, Ints]
    ) -> None:
        z, whole, rev = self.noise[t], self._whole, self.revenue[t]
        f["dep"], f["amort"] = whole(old["ppe"] * 0.022), whole(old["intang"] * 0.03)
        f["da"] = f["dep"] + f["amort"]
        f["capex"] = whole(f["dep"] * 0.9 + np.maximum(rev * self.c["ppe"] - old["ppe"], 0) * 0.1)
        f["intang_bought"] = f["amort"]
        s["ppe"] = old["ppe"] + f["capex"] - f["dep"]
        s["intang"] = old["intang"]
        f["unrealised"] = whole(old["sti"] * 0.004 * z[3])
        target = whole(rev * self.c["sti"])
        f["sti_bought"] = np.maximum(target - old["sti"], 0) + old["sti"] // 8
        f["sti_sold"] = np.maximum(old["sti"] - target, 0) + old["sti"] // 8
        s["sti"] = old["sti"] + f["sti_bought"] - f["sti_sold"] + f["unrealised"]
        f["debt_issued"] = np.where(z[4] > 1.0, old["ltd"] // 9, 0)
        f["debt_repaid"] = np.where(z[4] < -1.0, old["ltd"] // 10, old["ltd"] // 80)
        s["ltd"] = old["ltd"] + f["debt_issued"] - f["debt_repaid"]

    def _cash_flow(
        self, t: int, old: dict[str, Ints], s: dict[str, Ints], f: dict[str, Ints]
    ) -> None:
        d = {
            k: s[k] - old[k]
            for k in ("ar", "inv", "oca", "onca", "ap", "accrued", "defrev", "oncl")
        }
        f |= {f"d_{k}": v for k, v in d.items()}
        loss = np.where(self.bank, f["rnd"], 0)  # provisions lower the loans, not the cash
        f["lending"] = np.where(self.bank, d["ar"] + loss, 0)
        f["deposits_in"] = np.where(self.bank, d["accrued"], 0)
        f["d_ar"] = np.where(self.bank, 0, d["ar"])
        f["d_accrued"] = np.where(self.bank, 0, d["accrued"])
        f["provision_back"] = loss
        f["d_other"] = -d["oca"] - d["onca"] + f["d_accrued"] + d["defrev"] + d["oncl"]
        f["cfo"] = (
            f["ni"] + f["da"] + f["sbc"] + loss - f["d_ar"] - d["inv"] + d["ap"] + f["d_other"]
        )
        f["cfi"] = -f["capex"] - f["intang_bought"] - f["sti_bought"] + f["sti_sold"] - f["lending"]
        self._payouts(old, f)
        f["fx"] = np.where(self.fx, self._whole(old["cash"] * 0.004 * self.noise[t][5]), 0)
        f["oci"] = f["unrealised"] + f["fx"]
        f["comprehensive"] = f["ni"] + f["oci"]
        f["comprehensive_parent"] = f["ni_parent"] + f["oci"]
        f["cash_change"] = f["cfo"] + f["cfi"] + f["cff"] + f["fx"]
        f["cash_change_no_fx"] = f["cash_change"] - f["fx"]
        s["cash"] = old["cash"] + f["cash_change"]

    def _payouts(self, old: dict[str, Ints], f: dict[str, Ints]) -> None:
        """Dividends and buy-backs while there is cash, new shares when it runs low."""
        before = f["cfo"] + f["cfi"] + f["debt_issued"] - f["debt_repaid"] + f["deposits_in"]
        before = before + old["cash"]
        floor = self._whole(f["rev"] * self.c["cash"] * 0.4) + 1
        short = before < floor
        earned = np.maximum(f["ni_parent"], 0)
        paid = np.where(self.pays & ~short, self._whole(earned * self.c["payout"]), 0)
        spare = np.maximum(before - floor - paid, 0)
        f["dividends"] = np.minimum(paid, np.maximum(before - floor, 0))
        f["buyback"] = np.where(short, 0, self._whole(spare * 0.25))
        f["stock_issued"] = np.where(short, floor - before + self._whole(f["rev"] * 0.3), 0)
        out = f["dividends"] + f["buyback"]
        f["cff"] = f["debt_issued"] - f["debt_repaid"] + f["deposits_in"] + f["stock_issued"] - out


_SCALED = (
    "cash", "sti", "ar", "inv", "oca", "ppe", "goodwill", "intang", "onca", "ap", "accrued",
    "defrev", "ltd", "oncl",
)  # fmt: skip
