"""The examples of docs/rules.md: their numbers, given to the rule, give what they say."""

from __future__ import annotations

import gzip
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import polars as pl
import pytest

from core.domain.quality.grading import grade
from core.domain.quality.model import default_ruleset
from core.domain.tables.frames import COMPANIES
from core.sources.sec.decode import decode_facts
from tests.unit.domain.quality.reports import MILLION, changed, report, year
from tests.unit.domain.quality.test_quality_odd_inputs import fact, facts, listed

FLOWS = [f"NetCashProvidedByUsedIn{kind}Activities" for kind in
         ("Operating", "Investing", "Financing")]  # fmt: skip
PER_SHARE = ("EarningsPerShareBasic", "EarningsPerShareDiluted")
JANUARY, MARCH, JUNE, SEPTEMBER = ((31, 1), (31, 3), (30, 6), (30, 9))


def quarter(of: int, end: tuple[int, int], number: int = 1, **figures: float) -> list:
    """A quarterly report by the year and the day of its end."""
    last = date(of, end[1], end[0])
    return report("10-Q", last - timedelta(days=90), last, number, **figures)


def negative(number: int, concept: str, value: float) -> list[list]:
    """An annual report that tells an amount as the statement prints it."""
    return [year(number, **{concept: value})]


def negative_dividends() -> list[list]:
    """A quarter's."""
    return [quarter(2014, MARCH, PaymentsOfDividends=-116_829_000)]


def unlike(of: int, end: tuple[int, int], concept: str, was: float, now: float) -> Callable:
    """The same quarter of 24 years that stays as it was, and one that does not."""

    def made() -> list[list]:
        past = [quarter(n, end, **{concept: was}) for n in range(of - 24, of)]
        return [*past, quarter(of, end, **{concept: now})]

    return made


def without(rows: Callable[[], list], *concepts: str) -> list[list]:
    """One report of which facts are left out."""
    made = rows()
    for concept in concepts:
        made = changed(made, concept, gone=True)
    return [made]


def told_anew(number: int, end: tuple[int, int], **values: tuple[float, float]) -> list[list]:
    """A quarter, and the annual report that tells it otherwise; three lines and more of it."""
    first = quarter(number, end, **{name: was for name, (was, _) in values.items()})
    own = year(2011)
    again = {"accession": own[0]["accession"], "filed": own[0]["filed"], "form": "10-K"}
    last = [row | again | {"value": values[row["concept"]][1] if row["concept"] in values
                           else row["value"] * 0.99}
            for row in first if row["period_start"] and row["unit"] == "USD"]  # fmt: skip
    return [first, own + last]


def all_anew() -> list[list]:
    """Two annual reports, of which the second tells the first's year otherwise."""
    first, second = year(2010), year(2011)
    about = {name: second[0][name] for name in ("accession", "filed", "form")}
    return [first, second + [row | about | {"value": row["value"] * 0.97} for row in first]]


def per_class() -> list[list]:
    """Earnings per share of a year ago, and none of the quarter's own."""
    before, own = quarter(2014, SEPTEMBER), quarter(2015, SEPTEMBER)
    about = {name: own[0][name] for name in ("accession", "filed")}
    ago = [row | about for row in before if row["period_start"]]
    for name in PER_SHARE:
        own = changed(own, name, gone=True)
    return [before, own + ago]


def lost(of: int, end: tuple[int, int], *concepts: str) -> list[list]:
    """Reports that tell facts, and one that does not; of thirty concepts and more."""
    more = {f"OtherLine{n}": 1000.0 * n for n in range(40)}
    past = [quarter(of - n, end, **more) for n in (4, 3, 2, 1)]
    return past + without(lambda: quarter(of, end, **more), *concepts)


@dataclass(frozen=True, slots=True)
class Example:
    """One example of a rule's note: its words there, whose it is, reports with its numbers.

    said: part of the finding's sentence.
    """

    rule: str
    words: str
    cik: int
    accession: str
    said: str
    reports: Callable[[], list[list]]


EXAMPLES = [
    Example("Q29", "LKQ 10-K 2018 (buybacks -60,000,000)", 1065696, "0001065696-19-000010",
            "Buybacks is -60,000,000, but cannot be below 0",
            lambda: negative(2018, "PaymentsForRepurchaseOfCommonStock", -60_000_000)),
    Example("Q29", "Crown Castle 10-Q of March 2014 (dividends paid -116,829,000)", 1051470,
            "0001051470-14-000013", "DividendsPaid is -116,829,000, but cannot be below 0",
            negative_dividends),
    Example("Q29", "Eversource 10-K 2011 (treasury stock -354,732,000)", 72741,
            "0000072741-12-000020", "TreasuryStock is -354,732,000, but cannot be below 0",
            lambda: [[*year(2011), fact(
                "TreasuryStockValue", -354_732_000, period_end=date(2011, 12, 31),
                accession="0-11-10", filed=date(2012, 2, 9))]]),
    Example("Q35", "Cooper 10-Q of January 2021 (net income 2,101 after 91 million)", 711404,
            "0000711404-21-000008", "NetIncome is 2,101,100,000 after 90,500,000: a change far",
            unlike(2021, JANUARY, "NetIncomeLoss", 90.5 * MILLION, 2101.1 * MILLION)),
    Example("Q35", "Emerson 10-Q of June 2023 (9,352 after 921 million, a part sold)", 32604,
            "0000032604-23-000037", "NetIncome is 9,352,000,000 after 921,000,000: a change far",
            unlike(2023, JUNE, "NetIncomeLoss", 921 * MILLION, 9352 * MILLION)),
    Example("Q35", "Host Hotels 10-Q of September 2020 (revenues 198 after 1,262 million)", 1070750,
            "0001564590-20-051753", "Revenues is 198,000,000 after 1,262,000,000: a change far",
            unlike(2020, SEPTEMBER, "Revenues", 1262 * MILLION, 198 * MILLION)),
    Example("Q42", "DuPont 10-Q of June 2019", 1666700, "0001666700-19-000065",
            "missing: operating cash flow, investing cash flow, financing cash flow",
            lambda: without(lambda: quarter(2019, JUNE), *FLOWS)),
    Example("Q42", "Southern 10-Q of June 2014 (no cash flow in the facts)", 92122,
            "0000092122-14-000044",
            "operating cash flow, investing cash flow, financing cash flow",
            lambda: without(lambda: quarter(2014, JUNE), *FLOWS)),
    Example("Q42", "KKR 10-K 2021 (no total of assets)", 1404912, "0001404912-22-000004",
            "missing: assets.", lambda: without(lambda: year(2021), "Assets")),
    Example("Q47", "CVS 10-K 2011 (revenues of June 2011 26,414 for 26,629 million)", 64803,
            "0001104659-12-010850",
            "Revenues is 26,414,000,000, but was first reported as 26,629,000,000",
            lambda: told_anew(2011, JUNE, Revenues=(26629 * MILLION, 26414 * MILLION))),
    Example("Q47", "PerkinElmer (Revvity) 10-K 2011 (income before tax 56.0 for 64.0 million)",
            31791, "0001445305-12-000499",
            "PretaxIncome is 55,972,000, but was first reported as 63,992,000",
            lambda: told_anew(2011, JUNE, **{PRETAX: (63_992_000, 55_972_000)})),
    Example("Q47", "JPMorgan 10-K 2011", 19617, "0000019617-12-000163",
            "but was first reported as", all_anew),
    Example("Q48", "Alphabet 10-Q of September 2015 (earnings per share by class)", 1652044,
            "0001652044-15-000005", "EpsBasic is given as", per_class),
    Example("Q48", "General Motors 10-Q of March 2012", 1467858, "0001467858-12-000029",
            "missing: EpsBasic, EpsDiluted", lambda: lost(2012, MARCH, *PER_SHARE)),
    Example("Q48", "HCA 10-Q of September 2015 (revenues)", 860730, "0001193125-15-358150",
            "missing: Revenues", lambda: lost(2015, SEPTEMBER, "Revenues")),
]  # fmt: skip
PRETAX = (
    "IncomeLossFromContinuingOperationsBeforeIncomeTaxesExtraordinaryItemsNoncontrollingInterest"
)
REPORTS = re.compile(r"10-[KQ](?: of [A-Z][a-z]+)? \d{4}")


def test_every_example_of_the_document_is_tried() -> None:
    """A rule's note that gets another example, or other numbers, needs a row here."""
    notes = {name: rule.note for name, rule in default_ruleset().rules.items() if rule.note}
    assert set(notes) == {one.rule for one in EXAMPLES}
    for name, note in notes.items():
        mine = [one.words for one in EXAMPLES if one.rule == name]
        assert [words for words in mine if words not in note] == []
        assert len(REPORTS.findall(note)) == len(mine), name


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda one: one.words.split(" (")[0])
def test_the_numbers_of_an_example_give_its_finding(example: Example) -> None:
    """In reports of a made-up company that add up otherwise."""
    reports = example.reports()
    own = [
        listed(r[0]["accession"], r[0]["filed"], r[0]["form"]).with_columns(
            report_date=pl.lit(r[0]["period_end"])
        )
        for r in reports
    ]
    rows = [row for one in reports for row in one]
    found = grade(facts(*rows), pl.concat(own), COMPANIES.empty()).findings
    last = found.filter(
        pl.col("accession") == reports[-1][0]["accession"], pl.col("rule") == example.rule
    )
    assert any(example.said in said for said in last["message"]), last["message"].to_list()


@pytest.mark.thorough
def test_the_reports_of_the_examples_have_their_findings(shared_data: Path) -> None:
    """In the captured facts of the companies that they name."""
    folders = (shared_data / "sec" / "companyfacts", shared_data.parent / "corpus" / "companyfacts")
    for example in EXAMPLES:
        name = f"CIK{example.cik:010d}.json.gz"
        path = next((folder / name for folder in folders if (folder / name).is_file()), None)
        if path is None:
            pytest.skip("the corpus is not beside the captures")
        told = decode_facts(gzip.decompress(path.read_bytes())).table.plain()
        filings = told.unique("accession").select("cik", "accession", "form", "filed")
        blank = listed("0", date(2020, 1, 1)).clear()
        filings = pl.concat([blank, filings], how="diagonal")
        found = grade(told, filings, COMPANIES.empty()).findings.filter(
            pl.col("accession") == example.accession, pl.col("rule") == example.rule
        )
        assert any(example.said in said for said in found["message"]), example.words
