"""The theme is sent as Streamlit would, but made once per configuration."""

from __future__ import annotations

import pytest
from streamlit import config
from streamlit.proto.NewSession_pb2 import NewSession
from streamlit.runtime import app_session

from app.theme_message import ThemeMessage, remember

SECTIONS = ("light", "dark", "sidebar")


def _stock() -> object:
    now = app_session._populate_theme_msg
    return now.populate if isinstance(now, ThemeMessage) else now


def _filled(populate: object) -> bytes:
    session = NewSession()
    populate(session.custom_theme)
    for name in SECTIONS:
        populate(getattr(session.custom_theme, name), f"theme.{name}")
    return session.SerializeToString(deterministic=True)


@pytest.fixture
def primary():
    """The colour of links and buttons, put back after the test."""
    before = config.get_option("theme.light.primaryColor")
    yield lambda color: config._set_option("theme.light.primaryColor", color, "test")
    config._set_option("theme.light.primaryColor", before, "test")


def test_the_message_is_the_one_that_streamlit_makes(primary):
    """Every section, and the ones without any option, are byte for byte the same, twice over."""
    primary("#123456")
    theme = ThemeMessage(_stock())
    expected = _filled(_stock())
    assert b"#123456" in expected
    assert [_filled(theme), _filled(theme)] == [expected, expected]


def test_it_is_made_once_and_anew_when_the_configuration_is_read_again(primary):
    """A change of an option shows after `forget`, which Streamlit's signal calls."""
    asked = []

    def populate(message, section):
        asked.append(section)
        _stock()(message, section)

    theme = ThemeMessage(populate)
    primary("#111111")
    first = _filled(theme)
    primary("#222222")
    assert _filled(theme) == first
    assert len(asked) == 1 + len(SECTIONS)
    theme.forget()
    assert b"#222222" in _filled(theme)


def test_the_desk_installs_it_once_and_hears_of_a_new_configuration(monkeypatch):
    """`remember` may be called again; reading the configuration anew forgets the old theme."""
    monkeypatch.setattr(app_session, "_populate_theme_msg", _stock())
    remember()
    installed = app_session._populate_theme_msg
    remember()
    assert app_session._populate_theme_msg is installed
    _filled(installed)
    assert installed.known
    config._on_config_parsed.send()
    assert not installed.known
