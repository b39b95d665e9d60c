"""Changes of made-up companies move no grade but those that they are said to reach."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from core.domain.tables.frames import COMPANIES, FILINGS
from tests import alterations, depth
from tests.alterations import CHANGES, Frames
from tests.unit.domain.quality.test_quality_odd_inputs import fact, facts, listed, sheet

REPORT = st.tuples(
    st.sampled_from(["10-Q", "10-K", "10-Q", "10-K/A", "NT 10-K", "8-K"]),
    st.integers(0, 130),  # days from the period end to the day of filing
    st.sampled_from([1.0, 1.0, 1.0, 1e3, -1.0, 1.02]),  # scale of the values
    st.booleans(),  # whether it is in the list of filings
    st.sampled_from([True, True, True, False]),  # whether it has facts
)


def company(reports: list[tuple[str, int, float, bool, bool]], category: str) -> Frames:
    """A company with a report for each quarter since 2018."""
    rows, forms = [], [FILINGS.empty()]
    for n, (form, days, scale, is_listed, has_facts) in enumerate(reports):
        end = date(2017, 12, 31) + timedelta(days=91 * (n + 1))
        about = {"accession": f"0-{n}", "form": form, "filed": end + timedelta(days=days)}
        if has_facts:
            told = about | {"period_end": end}
            span = {"period_start": end - timedelta(days=90)}
            rows += [
                row | ({} if row["period_start"] is None else span)
                for row in sheet(5e9 * scale * 1.01**n, **told)
            ]
            before = about | {"period_end": end - timedelta(days=91)}
            rows.append(fact("Assets", 5e9 * 1.01 ** (n - 1), **before))
        if is_listed:
            row = listed(f"0-{n}", about["filed"], form)
            forms.append(row.with_columns(report_date=pl.lit(end)))
    known = dict.fromkeys(COMPANIES.columns) | {"cik": 1, "name": "Odd", "category": category}
    companies = pl.DataFrame([known], schema=dict(COMPANIES.columns))
    return facts(*rows), pl.concat(forms), companies


@depth.cases(15)
@given(
    reports=st.lists(REPORT, min_size=2, max_size=13),
    category=st.sampled_from(["Large accelerated filer", "Accelerated filer", ""]),
    change=st.sampled_from(CHANGES), seed=st.integers(0, 9),
)  # fmt: skip
def test_a_change_moves_no_grade_beyond_its_reach(
    reports: list[tuple[str, int, float, bool, bool]],
    category: str,
    change: alterations.Change,
    seed: int,
) -> None:
    """Late reports, amendments, notices and gaps among them: what changes is within the reach."""
    before = company(reports, category)
    full = pl.concat([frame["accession"] for frame in before[:2]]).unique().sort()
    if full.is_empty():
        return
    rng = np.random.default_rng(seed)
    after, accessions = change(before, str(rng.choice(full.to_numpy())), rng)
    alterations.check(before, after, accessions)
    alterations.check(after, before, accessions)
