"""Environments and their defaults, what is tried out, and when that has to end."""

from __future__ import annotations

import pytest

from core import __version__, settings
from core.errors import SettingsError
from core.running_settings import BY_ENVIRONMENT, FEATURES


def test_an_environment_has_defaults_below_what_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    """Everybody signs in on staging and in production, unless somebody says otherwise."""
    assert settings.load().access == "open"
    for name in ("staging", "prod"):
        assert settings.load(environment=name).access == "token"
        assert settings.load(environment=name, access="open").access == "open"
    monkeypatch.setenv("OPENBELL_ENVIRONMENT", "prod")
    assert settings.load().access == "token"
    monkeypatch.setenv("OPENBELL_ACCESS", "open")
    assert settings.load().access == "open"


def test_every_default_of_an_environment_is_a_setting() -> None:
    """One that is misspelt would do nothing."""
    assert {n for given in BY_ENVIRONMENT.values() for n in given} <= set(
        settings.Settings.model_fields
    )


def test_production_is_not_simulated() -> None:
    """What is made up must not be taken for the market."""
    with pytest.raises(SettingsError, match="OPENBELL_SIMULATED"):
        settings.load(environment="prod", simulated=True)


def test_features_are_off_until_they_are_named() -> None:
    """And an unknown one is refused."""
    name = next(iter(FEATURES))
    assert settings.load().tries(name) is False
    assert settings.load(features=name).tries(name) is True
    assert settings.load(features=f'["{name}"]').tries(name) is True
    with pytest.raises(SettingsError, match="OPENBELL_FEATURES"):
        settings.load(features="no.such")
    with pytest.raises(KeyError):
        settings.load().tries("no.such")


def test_a_feature_is_retired_within_two_minor_versions() -> None:
    """It becomes the rule or goes; being tried out for ever is neither."""
    now = tuple(int(part) for part in __version__.split(".")[:2])
    old = [
        name
        for name, feature in FEATURES.items()
        if (now[0], now[1] - 2) >= tuple(int(part) for part in feature.since.split(".")[:2])
    ]
    assert old == [], "make them the rule, or take them out"


@pytest.mark.parametrize("wrong", ["http://host/1", "https://key@host/project", "key"])
def test_the_address_of_an_error_sink_names_key_and_project(wrong: str) -> None:
    """As Sentry writes them."""
    with pytest.raises(SettingsError, match="OPENBELL_ERROR_SINK"):
        settings.load(error_sink=wrong)
