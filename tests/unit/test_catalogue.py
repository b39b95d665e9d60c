"""The catalogue: a mistake is reported with file, line, dataset and key; the others still run."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from core.catalogue import Catalogue
from core.domain.tables.datasets import ColumnType
from core.errors import CatalogueError, NotFoundError, ValidationError

ROOT = Path(__file__).resolve().parents[2]
GOOD = """
[datasets."mine.rates"]
source = "foundry"
name = "Rates"
table = "rates"
key = ["day"]
columns = { Day = "day" }
schema = { day = "date", rate = "decimal(18,6)?" }
"""
PRICES = (
    "{ symbol = 'str', session = 'date', open = 'float', high = 'float', low = 'float',"
    " close = 'float', volume = 'int' }"
)


def load(tmp_path: Path, text: str) -> Catalogue:
    path = tmp_path / "catalogue.toml"
    path.write_text(text)
    return Catalogue.load(path)


def test_the_shipped_catalogue_is_valid() -> None:
    """Every dataset that ships can be used."""
    catalogue = Catalogue.load(ROOT / "data" / "catalogue.toml")
    assert catalogue.problems == ()
    assert {"prices.daily", "prices.minute", "corporate_actions", "universe"} <= set(
        catalogue.datasets
    )


def test_a_dataset_of_the_users_own(tmp_path: Path) -> None:
    """Any table can be declared, with its types."""
    dataset = load(tmp_path, GOOD).get("mine.rates")
    assert dataset.polars_schema == {"day": pl.Date, "rate": pl.Decimal(18, 6)}
    assert dataset.columns == {"Day": "day"}
    assert dataset.buffer_minutes == 120


@pytest.mark.parametrize(
    ("bad", "key", "line"),
    [
        ('source = "ftp"', "source", 3),
        ("tabel = 1", "tabel", 3),
        ("buffer_minutes = -5", "buffer_minutes", 3),
        ('catch_up = "some"', "catch_up", 3),
        ('table = "pulls"', "table", 3),
        ('table = "Robert\'); DROP"', "table", 3),
        ("enabled = 1", "enabled", 3),
        ("options = { most_repeated_pct = 101 }", "options", 3),
        ("options = { most_repeated_pct = true }", "options", 3),
    ],
)
def test_a_mistake_names_file_line_dataset_and_key(
    tmp_path: Path, bad: str, key: str, line: int
) -> None:
    """The report says where to look."""
    rest = [
        entry
        for entry in GOOD.splitlines()[2:]
        if not entry.startswith(bad.split(" ", maxsplit=1)[0])
    ]
    text = "\n".join(["", '[datasets."broken"]', bad, *rest]) + GOOD
    catalogue = load(tmp_path, text)
    assert list(catalogue.datasets) == ["mine.rates"]
    (problem,) = catalogue.problems
    for part in ("catalogue.toml", f"line {line}", "'broken'", f"'{key}'"):
        assert part in str(problem)


def test_base_tables_keep_their_types(tmp_path: Path) -> None:
    """A dataset cannot give a base table other types or another key."""
    text = """
[datasets.p]
source = "foundry"
table = "bars_daily"
key = ["symbol", "session"]
schema = { symbol = "str", session = "str" }
"""
    (problem,) = load(tmp_path, text).problems
    assert "'session'" in str(problem)


def test_not_toml_and_missing_are_one_error(tmp_path: Path) -> None:
    """A file that cannot be read stops with its name."""
    with pytest.raises(CatalogueError, match="not valid TOML"):
        load(tmp_path, "[datasets")
    with pytest.raises(CatalogueError, match="missing"):
        Catalogue.load(tmp_path / "none.toml")


def test_unknown_dataset_suggests_the_nearest(tmp_path: Path) -> None:
    """A misspelt name is answered with the one meant."""
    with pytest.raises(NotFoundError, match=r"mine\.rates"):
        load(tmp_path, GOOD).get("mine.rate")


@pytest.mark.parametrize("word", ["text", "decimal(40,2)", "decimal(4,6)", "", "int??"])
def test_unknown_types_are_refused(word: str) -> None:
    """Only the types of the documentation exist."""
    with pytest.raises(ValidationError, match="allowed"):
        ColumnType.parse(word)


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ('schedule = [{ cycle = "monthly", day = 0, time = "06:00:00" }]', "1 to 31"),
        ('schedule = [{ cycle = "daily", time = "6 o clock" }]', "HH:MM:SS"),
        ("options = { lag_minutes = -5 }", "lag_minutes -5"),
        ('options = { coalesce = "yes" }', "coalesce 'yes'"),
    ],
)
def test_rules_and_policies_are_checked_when_read(tmp_path: Path, line: str, says: str) -> None:
    """A mistake in a schedule or policy names its key and what is allowed; others still run."""
    other = GOOD.replace("mine.rates", "mine.other")
    catalogue = load(tmp_path, f"{GOOD}{line}\n{other}")
    assert list(catalogue.datasets) == ["mine.other"]
    (problem,) = catalogue.problems
    assert says in str(problem)
    assert repr(line.split(maxsplit=1)[0]) in str(problem)


def test_a_folder_is_no_catalogue(tmp_path: Path) -> None:
    """Wrong use like a missing file, with the setting in the hint."""
    with pytest.raises(CatalogueError, match="cannot be read") as told:
        Catalogue.load(tmp_path)
    assert "OPENBELL_CATALOGUE" in str(told.value.hint)


@pytest.mark.parametrize(
    ("line", "key", "says"),
    [
        ("schema = { day = 'date', Rate = 'float' }", "Rate", "not a column name"),
        ("schema = { day = 'date', rate = 'text' }", "rate", "allowed"),
        ("schema = {}", "schema", "is missing"),
        ("key = []", "key", "is missing"),
        ('key = ["week"]', "key", "'week' is not a column"),
        ('columns = { Day = "date" }', "columns", "'Day' goes to 'date'"),
        ("schedule = ['daily']", "schedule", "a list of rules"),
        ("buffer_minutes = 10081", "buffer_minutes", "a week"),
        ("keys = ['day']", "keys", "did you mean 'key'?"),
    ],
)
def test_what_cannot_be_a_table_is_told(tmp_path: Path, line: str, key: str, says: str) -> None:
    """Columns, keys and their types fit each other before anything is pulled."""
    word = line.partition(" ")[0]
    kept = [row for row in GOOD.splitlines() if not row.startswith(f"{word} =")]
    (problem,) = load(tmp_path, "\n".join([*kept, line])).problems
    assert f"key {key!r}" in str(problem)
    assert says in str(problem)


@pytest.mark.parametrize(
    ("schema", "key", "says"),
    [
        ("{ symbol = 'str', at = 'date' }", "symbol', 'at", "no such column"),
        ("{ symbol = 'str', close = 'float' }", "symbol', 'close", "also needs session"),
        (PRICES, "symbol", "has the key symbol, session"),
    ],
)
def test_what_does_not_fit_a_base_table_is_told(
    tmp_path: Path, schema: str, key: str, says: str
) -> None:
    """Pages read those tables: a dataset that fills one has its columns and its key."""
    entry = f"source = 'file'\ntable = 'bars_daily'\nkey = ['{key}']\nschema = {schema}"
    (problem,) = load(tmp_path, f"[datasets.p]\n{entry}").problems
    assert says in str(problem)


def test_whole_numbers_are_numbers_where_a_base_table_wants_some(tmp_path: Path) -> None:
    """A catalogue may call a volume a whole number; without a schema it is that of the table."""
    entry = "[datasets.p]\nsource = 'file'\ntable = 'bars_daily'\n"
    typed = load(tmp_path, f"{entry}schema = {PRICES}").get("p")
    untyped = load(tmp_path, entry).get("p")
    assert typed.polars_schema["volume"] == untyped.polars_schema["volume"] == pl.Float64
    assert typed.key == untyped.key == ("symbol", "session")


@pytest.mark.parametrize("text", ["datasets = 3", "datasets = [1]"])
def test_datasets_that_are_no_tables_are_told(tmp_path: Path, text: str) -> None:
    """The whole file cannot be read then."""
    with pytest.raises(CatalogueError, match="must be tables such as"):
        load(tmp_path, text)


def test_a_dataset_that_is_no_table_is_told_and_the_others_run(tmp_path: Path) -> None:
    """Its line is that of the header above it, or the first."""
    catalogue = load(tmp_path, f"[datasets]\nodd = 3\n{GOOD}")
    assert list(catalogue.datasets) == ["mine.rates"]
    assert "'odd', key '': must be a table" in str(catalogue.problems[0])


@pytest.mark.parametrize(
    "entry", ["table = 'rates'\nkey = ['day']", "table = 'bars_daily'\nschema = {}"]
)
def test_a_schema_is_left_out_for_a_base_table_alone(tmp_path: Path, entry: str) -> None:
    """Of other tables nobody knows the columns; one that was emptied was meant to say something."""
    (problem,) = load(tmp_path, f"[datasets.p]\nsource = 'file'\n{entry}").problems
    assert "key 'schema': is missing" in str(problem)
