"""Charts of grades and checks: what the figures say, on their dictionaries."""

from __future__ import annotations

from datetime import UTC, date, datetime

import polars as pl

from components.charts import quality as charts_quality
from components.kit import theme

GRADES = pl.DataFrame(
    {
        "grade": ["A", "A", "B", "F", "NR", "A"],
        "company": ["Alpha", "Alpha", "Alpha", "Beta", "Beta", "Alpha"],
        "filed": [date(2023, 5, 1)] * 4 + [date(2024, 5, 1)] * 2,
    }
)
BUILD_UP = pl.DataFrame(
    {
        "rule": ["Q01", "Q45"],
        "title": ["Assets equal liabilities and equity", "Filed in time"],
        "severity": ["critical", "minor"],
        "points": [12.0, 2.0],
    }
)


def title(figure) -> str:
    return figure.to_dict()["layout"]["title"]["text"]


def test_the_distribution_counts_every_letter() -> None:
    """One bar a letter with its count; filings not rated are no part of the share."""
    figure = charts_quality.distribution(GRADES)
    bar = figure.to_dict()["data"][0]
    assert list(bar["y"]) == [3, 1, 0, 0, 1, 1]
    assert title(figure) == "80 % are A or B: 5 filings rated"
    assert figure.layout.yaxis.title.text == "filings"


def test_shares_of_a_year_add_up_to_a_hundred() -> None:
    """Pieces of each bar are percent of the filings of that year and carry their letter."""
    data = charts_quality.over_time(GRADES).to_dict()["data"]
    assert [sum(trace["y"][n] for trace in data) for n in range(2)] == [100, 100]
    letters = [trace["text"][0] for trace in data if trace["y"][0]]
    assert letters == ["A", "B", "F"]


def test_the_weakest_company_comes_first() -> None:
    """The title names the group with the least share of A and B."""
    figure = charts_quality.by_group(GRADES, "company", "company")
    assert title(figure) == "Weakest company: Beta, 0 % A or B"
    assert figure.to_dict()["data"][0]["y"][0] == "Beta"


def test_the_waterfall_falls_from_100_to_the_score() -> None:
    """Points lost and the cap bring 100 down to the score."""
    cap = {"rule": ["cap"], "title": ["Capped"], "severity": ["critical"], "points": [17.0]}
    lost = pl.concat([pl.DataFrame(cap), BUILD_UP])
    figure = charts_quality.points_lost(lost, 69.0)
    fall = figure.to_dict()["data"][0]
    assert list(fall["x"]) == ["perfect", "Q01", "Q45", "cap", "score"]
    assert sum(fall["y"]) == 69.0
    assert "most of all Q01" in title(figure)


def test_a_filing_without_faults_says_so() -> None:
    """No step, and the title says that no rule cost a point."""
    figure = charts_quality.points_lost(BUILD_UP.clear(), 100.0)
    assert list(figure.to_dict()["data"][0]["x"]) == ["perfect", "score"]
    assert title(figure) == "No rule cost a point: 100.0"


def test_a_filing_that_is_not_rated_falls_to_no_score() -> None:
    """A bar of 89 points would be read as its score."""
    figure = charts_quality.points_lost(BUILD_UP, None)
    assert list(figure.to_dict()["data"][0]["x"]) == ["perfect", "Q01", "Q45"]
    assert title(figure).startswith("Not rated")


def test_the_history_of_a_dataset_has_letters() -> None:
    """Every run is a point with its letter; the title says from where to where."""
    runs = pl.DataFrame(
        {
            "measured_at": [datetime(2026, 1, day, tzinfo=UTC) for day in (2, 1)],
            "score": [90.0, 97.0],
            "grade": ["B", "A"],
        }
    )
    figure = charts_quality.score_history(runs, "prices.daily")
    line = figure.to_dict()["data"][0]
    assert list(line["text"]) == ["A", "B"]
    assert list(line["marker"]["color"]) == [theme.GRADES["A"], theme.GRADES["B"]]
    assert title(figure) == "prices.daily fell from 97.0 to 90.0 over 2 runs"


def test_checks_have_a_sign_beside_their_colour() -> None:
    """A cell per check and run, with a sign for its severity."""
    history = pl.DataFrame(
        {
            "run_id": ["a", "a", "b"],
            "started_at": [datetime(2026, 1, 1, tzinfo=UTC)] * 2
            + [datetime(2026, 1, 2, tzinfo=UTC)],
            "check_name": ["values", "duplicates", "values"],
            "severity": ["info", "error", "info"],
            "affected": [0, 3, 0],
        }
    )
    names = {"values": "Values", "duplicates": "Duplicates"}
    figure = charts_quality.checks_over_runs(history, names)
    heat = figure.to_dict()["data"][0]
    assert heat["text"] == [["✓", "✓"], ["✗", ""]]
    assert title(figure).startswith("1 of the last 2 runs found errors")


def test_runs_of_one_second_stay_apart() -> None:
    """Two runs within a second are two columns, each with its own sign, by the reader's clock."""
    at = datetime(2026, 1, 2, 15, tzinfo=UTC)
    history = pl.DataFrame(
        {
            "run_id": ["a", "b"],
            "started_at": [at, at],
            "check_name": ["values", "values"],
            "severity": ["error", "info"],
            "affected": [3, 0],
        }
    )
    heat = charts_quality.checks_over_runs(history, {"values": "Values"}).to_dict()["data"][0]
    assert len(set(heat["x"])) == 2
    assert sorted(heat["text"][0]) == ["✓", "✗"]
    assert heat["customdata"][0][0].startswith("Fri 2 Jan 10:00:00 ET: ")


def test_long_names_of_checks_wrap() -> None:
    """A label wider than a phone leaves the chart no room, which the browser calls an error."""
    at = datetime(2026, 1, 2, 15, tzinfo=UTC)
    cells = {"run_id": ["a"], "started_at": [at], "check_name": ["v"], "severity": ["info"]}
    heat = charts_quality.checks_over_runs(
        pl.DataFrame({**cells, "affected": [0]}),
        {"v": "Followed companies with their documents and values"},
    ).to_dict()["data"][0]
    assert max(map(len, heat["y"][0].split("<br>"))) <= charts_quality.LABEL
