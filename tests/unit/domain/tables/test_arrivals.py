"""Which dataset a file that arrives in a folder is for, and why one is not taken."""

from __future__ import annotations

import pytest

from core.domain.tables.arrivals import dataset_of, fault, is_ready

KNOWN = ("prices.daily", "prices.daily.raw", "universe")


@pytest.mark.parametrize(
    ("path", "dataset"),
    [
        ("prices.daily.csv", "prices.daily"),
        ("prices.daily-2026.csv", "prices.daily"),
        ("prices.daily.raw.csv", "prices.daily.raw"),  # the longest name that fits
        ("prices.dailyx.csv", None),
        ("universe/whatever.csv", "universe"),
        ("prices/prices.daily.csv", None),  # a folder of no dataset decides, too
        ("universe/deep/whatever.csv", None),
        ("other.csv", None),
    ],
)
def test_the_dataset_of_a_file(path: str, dataset: str | None) -> None:
    """Its folder decides; else the longest name that its own begins with."""
    assert dataset_of(path.split("/"), KNOWN) == dataset


@pytest.mark.parametrize("name", [".hidden.csv", "~lock.csv", "a.csv.part", "a.CSV.TMP", "a.swp"])
def test_hidden_and_unfinished_files_are_left_until_they_are_whole(name: str) -> None:
    """Somebody is writing them."""
    assert not is_ready(name)
    assert is_ready("a.csv")


@pytest.mark.parametrize(
    ("name", "dataset", "why"),
    [
        ("a\n.csv", "universe", "letters that cannot be shown"),
        ("a\ud800.csv", "universe", "letters that cannot be shown"),
        ("a.xlsx", "universe", "only files ending in .csv and .parquet"),
        ("a.csv", None, "no dataset is told"),
        ("a.CSV", "universe", None),
        ("a.parquet", "universe", None),
    ],
)
def test_why_a_file_is_not_taken(name: str, dataset: str | None, why: str | None) -> None:
    """In words that say what to do."""
    said = fault(name, dataset, KNOWN)
    assert said is None if why is None else why in str(said)
