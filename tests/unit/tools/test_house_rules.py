"""The project's own checks find what they are for, and the project keeps them."""

from __future__ import annotations

import pytest

from tools import house_rules

HERE = "core/service/somewhere.py"


@pytest.mark.parametrize(
    ("line", "rule"),
    [
        ("datetime.utcnow()", "H1"),
        ("datetime.datetime.utcnow()", "H1"),
        ("clock = datetime.utcfromtimestamp", "H1"),
        ("datetime.now()", "H2"),
        ("date.today()", "H2"),
        ("datetime.fromtimestamp(5)", "H2"),
        ("datetime(2026, 3, 1)", "H2"),
        ("datetime.datetime.now()", "H2"),
        ("tx.insert('companies', rows)", "H3"),
        ("tx.merge('company_identifiers', rows, key, pull)", "H3"),
        ("tx.execute('DELETE FROM filings WHERE cik = ?', [5])", "H3"),
        ("tx.execute(f'INSERT INTO companies SELECT * FROM {name}')", "H3"),
        ("SQL = 'update filings set form = ?'", "H3"),
        ("from core.store.plans import _columns", "H4"),
        ("key = (id(desk), 'scan')", "H5"),
        ("SQL = 'SELECT table_name FROM duckdb_tables()'", "H6"),
        ("tx.read('show tables')", "H6"),
    ],
)
def test_a_broken_rule_is_told_with_its_line(line: str, rule: str) -> None:
    """One violation each, at the line where it stands."""
    told = house_rules.check(f'"""Module."""\n{line}\n', HERE)
    assert [(violation.rule, violation.line) for violation in told] == [(rule, 2)]


@pytest.mark.parametrize(
    "line",
    [
        "datetime.now(UTC)",
        "datetime.now(tz=zone)",
        "datetime.fromtimestamp(5, UTC)",
        "datetime(2026, 3, 1, tzinfo=UTC)",
        "datetime(*parts)",
        "datetime(**parts)",
        "datetime(2025, 6, 1)  # noqa: DTZ001 - the container is naive",
        "date(2026, 3, 1)",
        "clock.now()",
        "tx.read('SELECT * FROM companies')",
        "tx.insert('plans', rows)",
        "words = 'filings are graded'",
        "self._own()",
        "key = (*desk.state, id(frame))",
        "from core.service import somewhere",
        "from core.service.somewhere import _own",
    ],
)
def test_what_is_allowed_is_not_told(line: str) -> None:
    """A rule that cries wolf is soon switched off."""
    assert house_rules.check(f"{line}\n", HERE) == []


def test_a_private_name_of_another_package_is_told_behind_its_module_too() -> None:
    """`module._name` is no better than importing the name."""
    text = "from core.store import plans as stored\nx = stored._columns\n"
    (told,) = house_rules.check(text, HERE)
    assert str(told).startswith(f"{HERE}:2: H4 _columns is private to core.store.plans")


def test_the_registry_may_be_written_where_it_is_owned() -> None:
    """The owner's own statements are the one path."""
    owner = house_rules.REGISTRY["companies"]
    assert house_rules.check("tx.insert('companies', rows)\n", owner) == []
    assert (house_rules.ROOT / owner).is_file()


def test_the_project_keeps_its_rules(capsys: pytest.CaptureFixture[str]) -> None:
    """Every room, every file."""
    assert house_rules.main([]) == 0, capsys.readouterr().out


def test_only_the_files_that_are_named_are_read() -> None:
    """As a commit hook asks for them; others' files and folders are left alone."""
    here = house_rules.ROOT / "tools" / "house_rules.py"
    assert house_rules.files([str(here), "/elsewhere/x.py"]) == [here]
    assert len(house_rules.files()) > 100
