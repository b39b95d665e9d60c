"""A package of others brings a source, a rule, a catalyst and a place for alerts."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest

from core import plugins
from core.domain.gaps import catalysts
from core.domain.quality import model
from core.domain.tables.frames import FILINGS
from core.service import plugged
from core.service.alerts import bell
from core.service.care import health
from core.service.desk import Desk
from core.service.kernel import commands
from tests.alerted import happen, work

EXAMPLE = Path(__file__).resolve().parents[1] / "example_plugin"
RATES = """
[datasets."rates.daily"]
source = "rates"
name = "rates"
table = "rates_daily"
key = ["currency"]
schema = { currency = "str", rate = "float" }
"""


def forget() -> None:
    """As in a process that has just begun."""
    plugins.found.cache_clear()
    plugged.install.cache_clear()
    catalysts.FINDERS.clear()
    model._EXTRA.clear()
    model.default_ruleset.cache_clear()


@pytest.fixture
def clean() -> Iterator[None]:
    forget()
    yield
    forget()
    sys.modules.pop("openbell_example", None)


@pytest.fixture
def example(clean: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """The example on the path, as pip would put it there."""
    monkeypatch.syspath_prepend(str(EXAMPLE))
    importlib.invalidate_caches()


@pytest.fixture
def desk(example: None, make_desk: Callable[..., Desk], tmp_path: Path) -> Desk:
    path = tmp_path / "catalogue.toml"
    path.write_text(RATES)
    return make_desk(catalogue=path)


def verdict(desk: Desk) -> tuple[str, str]:
    found = health.report(desk)["checks"]["plugins"]
    return found["status"], found["message"]


def test_its_source_is_pulled_by_the_word_of_the_catalogue(desk: Desk) -> None:
    """Through the same path as every pull."""
    desk.start(scheduler=False)
    found = commands.run(desk, "pull", {"datasets": ["rates.daily"]})
    (pull,) = found.document["pulls"]
    assert (pull["state"], pull["rows_inserted"]) == ("done", 2)
    rates = desk.warehouse.read_anew("SELECT currency, rate FROM rates_daily ORDER BY currency")
    assert rates.rows() == [("CHF", 1.2), ("EUR", 1.1)]


def test_its_rule_is_of_the_rule_set(desk: Desk) -> None:
    """Which has another id for that: grades say by which rules they were made."""
    rules = model.default_ruleset()
    assert rules.rules["X01"].orders == (("Assets", "LiabilitiesAndEquity"),)
    with_it = rules.id
    forget()
    assert model.default_ruleset().id != with_it


def test_its_catalyst_explains_a_gap(desk: Desk) -> None:
    """Beside those that forms and items tell."""
    row = {
        "cik": 7,
        "accession": "0000000007-26-000001",
        "form": "DEFM14A",
        "accepted_at": datetime(2026, 3, 3, 22, 0, tzinfo=UTC),
    }
    filings = pl.DataFrame([row], schema_overrides=dict(FILINGS.columns))
    missing = [
        pl.lit(None, dtype=kind).alias(name)
        for name, kind in FILINGS.columns.items()
        if name not in filings.columns
    ]
    found = catalysts.find_catalysts(filings.with_columns(missing))
    assert "A merger is put to the vote" in found["title"].to_list()


def test_its_place_is_told_alerts(desk: Desk) -> None:
    """By the rules of the desk; it can be tried, too."""
    happen(desk, "backup.failed", "backup")
    assert work(desk) == []
    told = (desk.settings.data_dir / "alerts.txt").read_text()
    assert "Openbell ERROR: backup: backup.failed" in told
    assert [item["sent"] for item in bell.test(desk)] == [True]
    assert verdict(desk) == ("ok", "example 1.0")


def test_plugins_can_be_switched_off(
    example: None, make_desk: Callable[..., Desk], tmp_path: Path
) -> None:
    """Then the word is unknown to the catalogue."""
    path = tmp_path / "catalogue.toml"
    path.write_text(RATES)
    desk = make_desk(catalogue=path, plugins=False)
    assert "rates.daily" not in desk.catalogue.datasets
    assert bell.places(desk) == {}
    assert "X01" not in model.default_ruleset().rules


BROKEN = {
    "import": "raise RuntimeError('no')",
    "misspelt": "from core.plugins import hook\n@hook\ndef openbell_sauces(settings): return {}",
    "rule": "from core.plugins import hook\n@hook\ndef openbell_rules(): return 'nonsense'",
    "id": "from core.plugins import hook\n@hook\ndef openbell_rules(): return '''[rules.Q01]\n"
    'title="t"\nseverity="minor"\ntolerance="T0"\ngroup="identity"\nkind="instant"\n'
    "orders=['Assets <= LiabilitiesAndEquity']'''",
    "source": "from core.plugins import hook\n@hook\ndef openbell_sources(settings): return "
    "{'foundry': 1}",
    "sink": "from core.plugins import hook\n@hook\ndef openbell_sinks(settings): return [1]",
}


@pytest.mark.parametrize("code", BROKEN.values(), ids=BROKEN)
def test_a_broken_one_is_left_out_and_told(
    clean: None,
    make_desk: Callable[..., Desk],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    code: str,
) -> None:
    """The desk opens all the same; doctor says which, and why."""
    folder = tmp_path / "site"
    (folder / "broken-2.0.dist-info").mkdir(parents=True)
    (folder / "openbell_broken.py").write_text(code)
    (folder / "broken-2.0.dist-info" / "METADATA").write_text("Name: broken\nVersion: 2.0\n")
    entry = "[openbell]\nbroken = openbell_broken\n"
    (folder / "broken-2.0.dist-info" / "entry_points.txt").write_text(entry)
    monkeypatch.syspath_prepend(str(folder))
    importlib.invalidate_caches()
    desk = make_desk()
    bell.places(desk)
    state, words = verdict(desk)
    assert (state, words.partition(":")[0]) == ("warn", "broken")
    sys.modules.pop("openbell_broken", None)


def test_the_guide_shows_the_example_that_is_tested() -> None:
    """To the letter."""
    guide = (EXAMPLE.parents[1] / "docs" / "extending.md").read_text()
    assert (EXAMPLE / "openbell_example.py").read_text() in guide
