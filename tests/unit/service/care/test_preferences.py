"""Preferences and saved views, kept in a real store."""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace

import pytest

from core.errors import NotFoundError, UsageError
from core.service.care import preferences
from core.service.care.preferences import Preferences
from core.service.kernel.trail import Trail
from core.store.warehouse import Warehouse

NOW = datetime(2026, 11, 20, tzinfo=UTC)


@pytest.fixture
def stored(tmp_path):
    with Warehouse.open(tmp_path / "desk.duckdb") as warehouse:
        yield SimpleNamespace(
            warehouse=warehouse,
            now=lambda: NOW,
            settings=SimpleNamespace(access="open"),
            roster=SimpleNamespace(trail=Trail(warehouse, lambda: NOW)),
        )


def test_a_new_reader_has_the_defaults(stored):
    """Nothing chosen means the market's zone and the colour-blind-safe palette."""
    assert preferences.load(stored) == Preferences()


def test_what_is_saved_comes_back_for_that_reader_alone(stored):
    """Preferences belong to their reader."""
    chosen = Preferences(zone="Europe/Berlin", palette="green and red", guide=False)
    preferences.save(stored, chosen, reader="ada")
    assert preferences.load(stored, reader="ada") == chosen
    assert preferences.load(stored) == Preferences()


def test_an_unknown_zone_is_refused_and_nothing_is_kept(stored):
    """A zone that no clock knows is refused with a hint."""
    with pytest.raises(UsageError, match="not a time zone"):
        preferences.save(stored, Preferences(zone="Mars/Olympus"))
    assert preferences.load(stored) == Preferences()


def test_a_saved_view_replaces_one_of_its_name(stored):
    """Saving under the same name keeps one view, the newer."""
    preferences.save_preset(stored, "gap_scan", "big gaps", "min_gap_pct=5")
    preferences.save_preset(stored, "gap_scan", " big gaps ", "min_gap_pct=8")
    assert preferences.presets(stored, "gap_scan") == [
        {"page": "gap_scan", "name": "big gaps", "query": "min_gap_pct=8", "saved_at": NOW}
    ]


def test_removing_what_is_not_there_is_said(stored):
    """A view that does not exist cannot be removed."""
    with pytest.raises(NotFoundError):
        preferences.remove_preset(stored, "gap_scan", "x")


def test_a_view_needs_a_name(stored):
    """Blank names are refused."""
    with pytest.raises(UsageError):
        preferences.save_preset(stored, "gap_scan", "  ", "")
