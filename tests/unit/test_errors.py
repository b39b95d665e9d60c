"""The error tree: what is drawn in the docstring is what exists."""

from __future__ import annotations

import re

import pytest

from core import errors


def test_the_drawn_tree_is_the_real_one() -> None:
    """Every class is drawn, every drawn class exists."""
    drawn = set(re.findall(r"(?:─ |^ {4})(\w+Error)\b", errors.__doc__ or "", re.MULTILINE))
    real = {
        name
        for name, value in vars(errors).items()
        if isinstance(value, type) and issubclass(value, errors.OpenbellError)
    }
    assert drawn == real


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (errors.OpenbellError("it broke"), "it broke."),
        (
            errors.TransportError("no answer", where="host/path", hint="try later"),
            "no answer [host/path]. try later.",
        ),
        (errors.NotFoundError("no AAPX", hint="did you mean AAPL?"), "no AAPX. did you mean AAPL?"),
        (errors.TransportError("no answer from host/path", where="host/path"), None),
    ],
)
def test_an_error_says_what_where_and_what_to_do(
    error: errors.OpenbellError, text: str | None
) -> None:
    """The text holds message, place and hint, the place once."""
    assert str(error) == (text or "no answer from host/path.")
