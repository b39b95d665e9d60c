"""What people are called, and by what an issuer tells them apart."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.domain.access import tokens


@pytest.mark.parametrize(
    ("told", "called"),
    [
        ("  Ada  Lovelace ", "Ada Lovelace"),
        ("Ada\x1b[31m\x07", "Ada[31m"),
        ("\u202eadmin", "admin"),
        ("Ada\nroot did it", "Ada root did it"),
        ("Ad\u200ba", "Ada"),
        ("\u202e \u200b", "s1"),
        ("", "s1"),
        ("x" * 500, "x" * 80),
        ("Ægir Þórr 王", "Ægir Þórr 王"),
    ],
)
def test_a_name_has_printable_letters_alone(told: str, called: str) -> None:
    """So that it steers no terminal and hides nobody; the subject where nothing is left."""
    assert tokens.named(told, "s1") == called


@given(st.text(max_size=200))
def test_any_text_makes_a_name_that_stays_as_it_is(told: str) -> None:
    """One line, printable, never empty, not too long."""
    name = tokens.named(told, "s1")
    assert name.isprintable()
    assert 0 < len(name) <= tokens.LONGEST_NAME
    assert tokens.named(name, "s1") == name


@pytest.mark.parametrize("given", ["", " ", "a ", "a\n", "\u202ea", "x" * 256, None, 7, ["a"], {}])
def test_what_is_no_subject(given: object) -> None:
    """Nobody can be told apart by it."""
    assert not tokens.is_subject(given)
    assert tokens.is_subject("auth0|5f7c8ec7 ü")
