"""What a token may be called, and how companies are followed by command."""

from __future__ import annotations

import pytest

from core.domain.access.principals import LOCAL, Role
from core.domain.access.tokens import LONGEST_NAME
from core.errors import UsageError
from core.service.desk import Desk
from core.service.kernel import commands
from tests import begun
from tests.filled import CIKS, SYMBOLS


@pytest.mark.parametrize("name", ["x", "x" * LONGEST_NAME, "ein Leser", f"  {'x' * LONGEST_NAME} "])
def test_a_name_of_printable_letters(desk: Desk, name: str) -> None:
    """One letter at least, the most at most, without the blanks around."""
    token, _ = desk.roster.add_token(name, Role.VIEWER, None, LOCAL)
    assert token.name == name.strip()


@pytest.mark.parametrize("name", ["", "  ", "x" * (LONGEST_NAME + 1), "two\nlines", "a\x00b"])
def test_what_is_no_name_of_a_token(desk: Desk, name: str) -> None:
    """None, too long, or with what cannot be printed: each alone is refused."""
    with pytest.raises(UsageError, match="printable letters"):
        desk.roster.add_token(name, Role.VIEWER, None, LOCAL)
    assert desk.roster.tokens() == []


def test_companies_are_followed_and_let_go_by_command(make_desk) -> None:  # type: ignore[no-untyped-def]
    """The answer is the list as it is then."""
    desk = make_desk(begun.put_filled)

    def followed(name: str, *companies: str) -> list[int]:
        given = {"companies": list(companies)} if companies else {}
        document = commands.run(desk, name, given).document
        assert isinstance(document, dict)
        return sorted(row["cik"] for row in document["companies"])

    assert followed("watch_list") == sorted(CIKS)
    assert followed("watch_remove", SYMBOLS[0]) == [CIKS[1]]
    assert followed("watch_add", str(CIKS[0])) == sorted(CIKS)
