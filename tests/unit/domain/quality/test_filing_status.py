"""The status beside a grade: amended, superseded, withdrawn, restated later, as known on a day."""

from __future__ import annotations

from datetime import date

import polars as pl
import pytest

from core.domain.quality.status import wording
from core.domain.quality.status.timeline import statuses
from core.domain.quality.status.wording import number
from core.domain.tables.frames import FACTS, FILINGS

CIK = 77
MONEY = ("Assets", "StockholdersEquity", "Revenues", "NetIncomeLoss")
OTHERS = tuple(f"Other{n}" for n in range(26))
FY2019, FY2020 = "2019-12-31", "2020-12-31"
Q1, Q2 = "2020-03-31", "2020-06-30"


def report(accession, form, filed, end, change=None, names=(*MONEY, *OTHERS), eps=None, base=1e6):
    """Facts of one report: every name at its end, some of them with changed values."""
    values = {name: base * (place + 3) + 12_345 for place, name in enumerate(names)}
    values |= change or {}
    rows = [(name, "USD", value) for name, value in values.items()]
    rows += [("EarningsPerShareBasic", "USD/shares", eps)] if eps is not None else []
    day = date.fromisoformat(end)
    return pl.DataFrame(
        [
            {
                "cik": CIK, "taxonomy": "us-gaap", "concept": name, "unit": unit,
                "period_start": None, "period_end": day, "value": value, "accession": accession,
                "fiscal_year": 2020, "fiscal_period": "FY", "form": form,
                "filed": date.fromisoformat(filed), "frame": None, "seq": 0,
            }
            for name, unit, value in rows
        ],
        schema=dict(FACTS.columns),
    )  # fmt: skip


def listed(*rows):
    """Filings: (accession, form, filed, period or None, items or None)."""
    frame = [
        {
            **dict.fromkeys(FILINGS.columns),
            "cik": CIK, "accession": accession, "form": form, "filed": date.fromisoformat(filed),
            "report_date": date.fromisoformat(period) if period else None, "items": items,
        }
        for accession, form, filed, period, items in rows
    ]  # fmt: skip
    return pl.DataFrame(frame, schema=dict(FILINGS.columns))


NOTHING = listed()
YEAR = ("k19", "10-K", "2020-02-20", FY2019, None)
FIRST = ("q1", "10-Q", "2020-05-05", Q1, None)
SECOND = ("q2", "10-Q", "2020-08-05", Q2, None)
NOTICE = ("n", "8-K", "2020-10-01", "2020-09-28", "4.02,9.01")


def told(facts, filings=NOTHING, on=None):
    """accession -> (status, reason) as known on a day."""
    found = statuses(facts, filings, as_of=date.fromisoformat(on) if on else None).latest()
    return {row["accession"]: (row["status"], row["reason"]) for row in found.to_dicts()}


def as_known_on(timeline, accession, on):
    """What the stored timeline says of a filing on a day."""
    rows = timeline.filter(
        pl.col("accession") == accession, pl.col("since") <= date.fromisoformat(on)
    ).sort("since")
    return rows["status"][-1]


def three():
    """A year and the two quarters after it, as filed."""
    return pl.concat([
        report(*YEAR[:4]), report(*FIRST[:4]), report(*SECOND[:4]),
    ])  # fmt: skip


def test_what_nothing_came_after_stands_as_filed():
    found = told(three(), listed(YEAR, FIRST, SECOND))
    assert set(found.values()) == {("as filed", None)}


def test_an_amendment_with_figures_amends_and_names_what_changed():
    again = report("k19a", "10-K/A", "2020-04-01", FY2019, {"NetIncomeLoss": 5_100_000.0})
    found = told(pl.concat([report(*YEAR[:4]), again]))
    status, reason = found["k19"]
    assert status == "amended"
    assert reason == (
        "amended by the 10-K/A of 2020-04-01 (k19a): net income 6.0123 million → 5.1 million"
    )
    assert found["k19a"] == ("as filed", None)


def test_an_amendment_with_the_same_figures_says_so():
    again = report("k19a", "10-K/A", "2020-04-01", FY2019)
    assert told(pl.concat([report(*YEAR[:4]), again]))["k19"] == (
        "amended",
        "amended by the 10-K/A of 2020-04-01 (k19a), no headline changed",
    )


def test_an_amendment_for_the_part_on_directors_amends_nothing():
    cover = report("k19a", "10-K/A", "2020-04-28", FY2019, names=("Assets",))
    assert told(pl.concat([report(*YEAR[:4]), cover]))["k19"][0] == "as filed"


def test_an_amendment_of_another_period_amends_nothing():
    other = report("q1a", "10-Q/A", "2020-09-01", Q1)
    found = told(pl.concat([three(), other]), listed(YEAR, FIRST, SECOND))
    assert [found[name][0] for name in ("k19", "q1", "q2")] == ["as filed", "amended", "as filed"]


def test_an_amendment_whose_cover_names_a_wrong_period_is_told_by_its_figures():
    again = report("q1a", "10-Q/A", "2020-09-01", Q1, {"Assets": 4_000_000.0})
    filings = listed(YEAR, FIRST, SECOND, ("q1a", "10-Q/A", "2020-09-01", "2020-09-01", None))
    found = told(pl.concat([three(), again]), filings)
    assert found["q1"][0] == "amended"
    assert found["q2"][0] == "as filed"


def test_the_second_amendment_supersedes_the_first():
    facts = pl.concat([
        report(*YEAR[:4]), report("a1", "10-K/A", "2020-04-01", FY2019),
        report("a2", "10-K/A", "2020-06-01", FY2019),
    ])  # fmt: skip
    found = told(facts)
    assert found["a1"] == ("superseded", "superseded by the 10-K/A of 2020-06-01 (a2)")
    assert found["k19"][0] == "amended"
    assert found["a2"][0] == "as filed"


def test_a_headline_told_otherwise_by_a_later_report_is_a_restatement():
    later = report("k20", "10-K", "2021-02-20", FY2019, {"Revenues": 5_500_000.0})
    found = told(pl.concat([report(*YEAR[:4]), later]), on="2021-02-20")
    assert found["k19"] == (
        "restated later",
        "restated later by the 10-K of 2021-02-20 (k20): revenue 5.0123 million → 5.5 million",
    )
    assert told(pl.concat([report(*YEAR[:4]), later]), on="2021-02-19")["k19"][0] == "as filed"


@pytest.mark.parametrize(
    ("old", "new", "changed"),
    [
        (5_796_000_000.0, 6_000_000_000.0, False),  # a note rounds to billions
        (5_796_000_000.0, 5_799_000_000.0, False),  # less than half a percent
        (5_796_000_000.0, 5_896_000_000.0, True),
        (-5_796_000_000.0, 5_796_000_000.0, True),
        (5_796.0, 5_796_000_000.0, True),
        (0.0, 5_796_000_000.0, True),
    ],
)
def test_rounding_is_no_change(old, new, changed):
    facts = pl.concat([
        report(*YEAR[:4], {"Revenues": old}),
        report("k20", "10-K", "2021-02-20", FY2019, {"Revenues": new}),
    ])  # fmt: skip
    assert (told(facts)["k19"][0] == "restated later") is changed


@pytest.mark.parametrize(("new", "changed"), [(1.0, False), (0.29, False), (1.99, False),
                                              (1.6, True), (-2.0, True)])  # fmt: skip
def test_a_split_is_no_restatement(new, changed):
    facts = pl.concat([
        report(*YEAR[:4], eps=2.0), report("k20", "10-K", "2021-02-20", FY2019, eps=new),
    ])  # fmt: skip
    assert (told(facts)["k19"][0] == "restated later") is changed


def test_a_later_slip_that_is_put_right_again_leaves_nothing():
    facts = pl.concat([
        report(*YEAR[:4]),
        report("q1", "10-Q", "2020-05-05", FY2019, {"Assets": 9_000_000.0}, names=("Assets",)),
        report("q2", "10-Q", "2020-08-05", FY2019, names=("Assets",)),
    ])  # fmt: skip
    assert told(facts)["k19"][0] == "as filed"
    timeline = statuses(facts, NOTHING).timeline
    assert as_known_on(timeline, "k19", "2020-06-01") == "restated later"
    assert as_known_on(timeline, "k19", "2020-08-05") == "as filed"


def test_a_twentieth_of_the_amounts_counts_without_a_headline():
    later = report("k20", "10-K", "2021-02-20", FY2019, {"Other3": 1_000.0, "Other4": 1_000.0})
    status, reason = told(pl.concat([report(*YEAR[:4]), later]))["k19"]
    assert status == "restated later"
    assert "2 of the 30 amounts" in reason
    one = report("k20", "10-K", "2021-02-20", FY2019, {"Other3": 1_000.0})
    assert told(pl.concat([report(*YEAR[:4]), one]))["k19"][0] == "as filed"


@pytest.mark.parametrize(("form", "status"), [
    ("DEF 14A", "as filed"), ("S-1/A", "as filed"), ("424B5", "as filed"),
    ("8-K", "restated later"), ("6-K", "restated later"), ("10-KT", "restated later"),
])  # fmt: skip
def test_proxies_and_registrations_restate_nothing(form, status):
    """They repeat figures at another scale or for a part."""
    later = report("p", form, "2021-02-20", FY2019, {"NetIncomeLoss": 6_012.0})
    assert told(pl.concat([report(*YEAR[:4]), later]))["k19"][0] == status


def test_one_value_told_twice_otherwise_is_no_base():
    twice = report(*YEAR[:4], {"Assets": 8_000_000.0}, names=("Assets",)).with_columns(
        seq=pl.lit(1, pl.Int32)
    )
    later = report("k20", "10-K", "2021-02-20", FY2019, {"Assets": 8_000_000.0}, names=("Assets",))
    assert told(pl.concat([report(*YEAR[:4]), twice, later]))["k19"][0] == "as filed"


def test_a_notice_withdraws_all_since_the_last_audited_year_while_nothing_tells():
    found = told(three(), listed(YEAR, FIRST, SECOND, NOTICE))
    assert {name: status for name, (status, _) in found.items()} == {
        "k19": "withdrawn", "q1": "withdrawn", "q2": "withdrawn",
    }  # fmt: skip
    assert found["q1"][1] == (
        "withdrawn by item 4.02 of the 8-K of 2020-10-01 (n); which reports it means is not told "
        "by figures, so those since the last audited year are taken"
    )
    before = told(three(), listed(YEAR, FIRST, SECOND, NOTICE), on="2020-09-30")
    assert {status for status, _ in before.values()} == {"as filed"}


def test_amendments_tell_which_reports_a_notice_means():
    again = report("q2a", "10-Q/A", "2020-10-20", Q2, {"NetIncomeLoss": -1_000_000.0})
    filings = listed(YEAR, FIRST, SECOND, NOTICE)
    later = report("k20", "10-K", "2021-02-20", FY2020)
    facts = pl.concat([three(), again, later])
    found = told(facts, filings)
    assert {name: status for name, (status, _) in found.items()} == {
        "k19": "as filed", "q1": "as filed", "q2": "withdrawn", "q2a": "as filed",
        "k20": "as filed",
    }  # fmt: skip
    assert "inferred from figures amended in the 10-Q/A of 2020-10-20 (q2a)" in found["q2"][1]
    timeline = statuses(facts, filings).timeline
    assert as_known_on(timeline, "q1", "2020-10-02") == "withdrawn"  # nothing told yet
    assert as_known_on(timeline, "q1", "2020-11-01") == "withdrawn"  # its own may come
    assert as_known_on(timeline, "q1", "2021-03-01") == "as filed"


def test_without_amendments_the_next_reports_tell():
    later = pl.concat([
        report("k20", "10-K", "2021-02-20", FY2020),
        report("k20", "10-K", "2021-02-20", FY2019, {"Assets": 1_000_000.0}),
    ])  # fmt: skip
    found = told(pl.concat([three(), later]), listed(YEAR, FIRST, SECOND, NOTICE))
    assert found["k19"][0] == "withdrawn"
    assert "inferred from figures told otherwise in the 10-K" in found["k19"][1]
    assert [found[name][0] for name in ("q1", "q2")] == ["as filed", "as filed"]


def test_an_amendment_filed_days_before_its_notice_tells_too():
    again = report("q2a", "10-Q/A", "2020-09-29", Q2, {"NetIncomeLoss": -1_000_000.0})
    found = told(pl.concat([three(), again]), listed(YEAR, FIRST, SECOND, NOTICE))
    assert found["q2"][0] == "withdrawn"


def test_a_notice_of_another_company_or_item_withdraws_nothing():
    other = listed(NOTICE).with_columns(cik=pl.lit(78, pl.Int64))
    plain = listed(("n", "8-K", "2020-10-01", None, "4.01,9.01"))
    for rows in (other, plain):
        found = told(three(), pl.concat([listed(YEAR, FIRST, SECOND), rows]))
        assert {status for status, _ in found.values()} == {"as filed"}


def test_a_notice_amended_later_does_not_reach_what_was_filed_between():
    between = report("k19a", "10-K/A", "2020-11-01", FY2019, {"Assets": 1_000_000.0})
    filings = listed(
        YEAR, FIRST, SECOND, NOTICE, ("n2", "8-K/A", "2020-12-01", None, "4.02"),
    )  # fmt: skip
    found = told(pl.concat([three(), between]), filings)
    assert found["k19a"][0] == "as filed"
    assert found["k19"][0] == "withdrawn"


def test_an_empty_store_has_no_status():
    found = statuses(FACTS.empty(), FILINGS.empty())
    assert found.timeline.is_empty()
    assert found.changes.is_empty()


def test_companies_do_not_mix():
    facts = pl.concat([three(), three().with_columns(cik=pl.lit(78, pl.Int64))])
    filings = listed(YEAR, FIRST, SECOND, NOTICE)
    found = statuses(facts, filings).latest()
    by = dict(found.filter(pl.col("accession") == "q1").select("cik", "status").rows())
    assert by == {77: "withdrawn", 78: "as filed"}


def test_numbers_are_told_short():
    assert [number(v) for v in (8_500_000.0, -0.53, 0.0, 1_234.0, 713_000_000_000.0)] == [
        "8.5 million", "-0.53", "0", "1,234", "713 billion",
    ]  # fmt: skip


def test_figures_told_in_millions_after_thousands_are_rounded_and_not_changed():
    """3,567 thousand is 4 million then; 3,567 thousand told as 5 million is another figure."""
    first = dict.fromkeys(OTHERS, 3567000.0)
    coarse = dict.fromkeys(OTHERS, 4000000.0) | {n: 40e6 * (p + 1) for p, n in enumerate(MONEY)}
    old = report("k19", "10-K", "2020-02-20", FY2019, first | coarse)
    names = dict.fromkeys(MONEY)
    for told_as, status in ((4e6, "as filed"), (5e6, "restated later")):
        values = dict.fromkeys(OTHERS, told_as) | {n: coarse[n] for n in names}
        old = report("k19", "10-K", "2020-02-20", FY2019, first | {n: coarse[n] for n in names})
        new = report("k20", "10-K", "2021-02-20", FY2019, values)
        found = told(pl.concat([old, new]))
        assert found["k19"][0] == status


def test_changes_of_one_width_are_named_in_one_order():
    """Rows that came the other way round made another sentence of the same changes."""
    names = [f"headline {n:02}" for n in range(20)]
    end = date.fromisoformat(FY2019)
    rows = pl.DataFrame({"headline": names}).with_columns(
        rid=1, by=2, old=1.0, new=2.0, period_end=end, period_start=None
    )
    first, second = wording._named(rows), wording._named(rows.reverse())
    assert first["headline"].to_list() == second["headline"].to_list() == [names[:12]]
