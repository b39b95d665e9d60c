"""Text of the data on pages stays text: nothing in it is Markdown, no address is a link."""

from __future__ import annotations

import re

import pytest

from components.kit import badges

# What the page's Markdown turns into links once backslashes are gone.
LINKED = re.compile(r"https?://|www\.|[-.\w+]+@[-\w]+(?:\.[-\w]+)+", re.IGNORECASE)


@pytest.mark.parametrize(
    "name",
    [
        "Alpha https://evil.example/x Inc",
        "HTTP://EVIL.EXAMPLE",
        "see www.evil.example now",
        "(WWW.evil.example)",
        "mail me@evil.example",
        "mailto:a@b.example",
        "[here](https://evil.example)",
    ],
)
def test_an_address_in_a_name_stays_text(name: str) -> None:
    """It is shown letter by letter, and cannot be clicked."""
    assert LINKED.search(name)
    shown = badges.plain(name).replace("\\", "")
    assert not LINKED.search(shown)
    assert shown.replace("\u2060", "") == name


def test_other_text_is_not_touched() -> None:
    """Only addresses get the mark of no width."""
    assert badges.plain("httpx wwwonder @ 5") == "httpx wwwonder @ 5"
