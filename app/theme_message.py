"""The theme that Streamlit sends at the start of every run, made once instead of at every rerun.

Streamlit reads it anew from some three hundred options each time: two milliseconds with the
interpreter lock held, a third of what a small page costs when twenty readers ask at once.
"""

from __future__ import annotations

from collections.abc import Callable

from streamlit import config
from streamlit.proto.NewSession_pb2 import CustomThemeConfig
from streamlit.runtime import app_session

Populate = Callable[[CustomThemeConfig, str], None]


class ThemeMessage:
    """Fills a message with a section of the theme as `populate` does, which is asked once."""

    def __init__(self, populate: Populate) -> None:
        self.populate = populate
        self.known: dict[str, CustomThemeConfig] = {}

    def __call__(self, message: CustomThemeConfig, section: str = "theme") -> None:
        """Fill an empty message with the options of a section of the configuration."""
        if section not in self.known:
            made = CustomThemeConfig()
            self.populate(made, section)
            self.known[section] = made
        if self.known[section].ListFields():  # to merge nothing would still mark the part as there
            message.MergeFrom(self.known[section])

    def forget(self) -> None:
        """Ask anew: the configuration was read again."""
        self.known.clear()


def remember() -> None:
    """Let the sessions of this process send a theme that is made once per configuration."""
    if not isinstance(app_session._populate_theme_msg, ThemeMessage):
        message = ThemeMessage(app_session._populate_theme_msg)
        app_session._populate_theme_msg = message  # type: ignore[assignment]
        config.on_config_parsed(message.forget, force_connect=True)
