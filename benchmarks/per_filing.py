"""Ten of the rules the way one would write them first: filing by filing in pandas."""

from __future__ import annotations

from typing import Any

import pandas as pd

from core.domain.quality.model import default_ruleset

RULES = ("Q01", "Q02", "Q03", "Q04", "Q05", "Q17", "Q20", "Q22", "Q25", "Q29")
ITEMS = (  # what those of them read that are no equations
    *("EpsBasic", "EpsDiluted", "SharesBasic", "SharesDiluted"),
    *default_ruleset().flagged("positive"),
)
SUMS = {
    "Q01": ("Assets", ("LiabilitiesAndEquity",), ()),
    "Q02": ("LiabilitiesAndEquity", ("Liabilities", "EquityAll"), ("TemporaryEquity",)),
    "Q03": ("Assets", ("AssetsCurrent", "AssetsNoncurrent"), ()),
    "Q04": ("Liabilities", ("LiabilitiesCurrent", "LiabilitiesNoncurrent"), ()),
    "Q05": ("EquityAll", ("EquityParent", "MinorityInterest"), ()),
    "Q17": ("GrossProfit", ("Revenues", "-CostOfRevenue"), ()),
    "Q20": ("ProfitLoss", ("PretaxIncome", "-IncomeTax"), ()),
    "Q22": ("ProfitLoss", ("NetIncome", "NciIncome"), ()),
}


def grade(facts: pd.DataFrame, accessions: list[str]) -> list[tuple[str, str, Any]]:
    """(accession, rule, period end) of every failure."""
    rules = default_ruleset()
    tags = {name: item.tags for name, item in rules.items.items()}
    positive = [tag for name in rules.flagged("positive") for tag in tags[name]]
    failed = []
    for accession in accessions:
        filing = facts[facts["accession"] == accession]
        for key, period in filing.groupby(["period_start", "period_end"], dropna=False):
            failed += [(accession, rule, key[1]) for rule in _broken(period, tags, positive)]
    return failed


def _broken(period: pd.DataFrame, tags: dict[str, Any], positive: list[str]) -> list[str]:
    values = dict(zip(period["concept"], period["value"], strict=True))
    item = {name: _first(values, names) for name, names in tags.items()}
    rules = [
        rule for rule, (whole, parts, extra) in SUMS.items() if _off(item, whole, parts, extra)
    ]
    basic, diluted = item["SharesBasic"], item["SharesDiluted"]
    if basic is not None and diluted is not None and diluted < basic:
        rules.append("Q25")
    if any(values.get(tag, 0) < 0 for tag in positive):
        rules.append("Q29")
    return rules


def _first(values: dict[str, float], names: tuple[str, ...]) -> float | None:
    return next((values[name] for name in names if name in values), None)


def _off(
    item: dict[str, float | None], whole: str, parts: tuple[str, ...], extra: tuple[str, ...]
) -> bool:
    given = [item[part.strip("-")] for part in parts]
    if item[whole] is None or any(value is None for value in given):
        return False
    signed = [-v if p.startswith("-") else v for p, v in zip(parts, given, strict=True)]
    total = sum(signed) + sum(item[name] or 0 for name in extra)
    return abs(item[whole] - total) > 2e6
