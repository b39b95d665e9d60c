"""Models of arguments: made when they are asked for, once, and for every use case there is."""

from __future__ import annotations

import re
from datetime import date
from typing import TypedDict, Unpack, get_args

import pytest
from pydantic import ValidationError, create_model
from typer.models import OptionInfo

import core.service.everything  # noqa: F401 - registers what can be asked for
from app.commands import scan
from core.domain.access.principals import Role
from core.domain.gaps import filters as gap_filters
from core.errors import UsageError
from core.service import bounds
from core.service.desk import Desk
from core.service.kernel import registry
from core.service.kernel.commands import command
from core.service.kernel.exports import export


def test_a_model_is_made_when_it_is_asked_for(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Registering makes none; the first call does, and the second has it."""
    made: list[str] = []
    real = create_model
    monkeypatch.setattr(
        registry, "create_model", lambda name, **more: made.append(name) or real(name, **more)
    )
    some = registry.Registry("question")

    @some("when", needs=Role.VIEWER)
    def when(desk: Desk, *, day: date) -> date:
        return day

    assert made == []
    assert some.run(desk, "when", {"day": "2026-11-27"}) == date(2026, 11, 27)
    with pytest.raises(UsageError):
        some.run(desk, "when", {"day": "soon"})
    with pytest.raises(UsageError, match="question when: date: is not known; there are: day"):
        some.run(desk, "when", {"day": "2026-11-27", "date": 1})
    assert made == ["when_arguments"]


@pytest.mark.parametrize("known", [command, export], ids=["commands", "exports"])
def test_every_use_case_has_arguments_that_can_be_told(known: registry.Registry) -> None:
    """What is annotated wrongly is found here, not by the first who asks."""
    for name, entry in known.entries.items():
        assert entry.arguments.model_json_schema()["additionalProperties"] is False, name


class Bounds(TypedDict, total=False):
    """Arguments that several functions take."""

    least: float | None
    most: float | None


def test_arguments_that_several_functions_take_are_told_in_one_place(desk: Desk) -> None:
    """Each is an argument of its own, checked and described as the others, and may be left out."""
    some = registry.Registry("question")

    @some("between", needs=Role.VIEWER)
    def between(desk: Desk, *, name: str, **bounds: Unpack[Bounds]) -> tuple[str, Bounds]:
        return name, bounds

    asked = {"name": "x", "least": "4"}
    assert some.run(desk, "between", asked) == ("x", {"least": 4.0, "most": None})
    assert list(some.entries["between"].arguments.model_fields) == ["name", "least", "most"]
    assert some.entries["between"].arguments.model_json_schema()["required"] == ["name"]
    with pytest.raises(UsageError, match="least"):
        some.run(desk, "between", {"name": "x", "least": "few"})
    with pytest.raises(UsageError, match="there are: name, least, most"):
        some.run(desk, "between", {"name": "x", "bounds": {}})


def test_the_bounds_of_a_scan_are_the_same_everywhere() -> None:
    """Filters of the domain, arguments of the export, route, tool and help of the command."""
    asked = set(gap_filters.FILTER_KEYS)
    assert set(gap_filters.GapLimits.__annotations__) == asked
    assert asked <= set(export.entries["candidates"].arguments.model_fields)
    (told,) = (one for one in get_args(scan.Filter) if isinstance(one, OptionInfo))
    assert set(re.findall(r"m(?:in|ax)_\w+", told.help or "")) == asked


@pytest.mark.parametrize("known", [command, export], ids=["commands", "exports"])
def test_no_use_case_takes_a_name_of_any_length(known: registry.Registry, desk: Desk) -> None:
    """A symbol, a name or a reason of 10,000 letters is refused in one place, whoever asks."""
    tried = 0
    for name, entry in known.entries.items():
        for field, found in entry.arguments.model_fields.items():
            if field in bounds.LONG or "str" not in str(found.annotation):
                continue
            needed = {
                other: "x" for other, it in entry.arguments.model_fields.items() if it.is_required()
            }
            for given in ("A" * 10_000, ["A" * 10_000]):
                try:
                    entry.arguments.model_validate({**needed, field: given})
                except ValidationError:
                    continue
                with pytest.raises(UsageError, match=f"{field}: a text must be no longer"):
                    known.run(desk, name, {**needed, field: given})
                tried += 1
    assert tried > 10


@pytest.mark.parametrize(
    ("field", "most"), [("symbol", 32), ("symbols", 32), ("name", 255), ("reason", 4000)]
)
def test_what_names_or_explains_has_a_length(field: str, most: int) -> None:
    """At the limit it is taken; one letter more is told with the limit."""
    assert bounds.fault(["A" * most], bounds.longest(field)) is None
    assert f"{most:,}" in str(bounds.fault({"x": ["A" * (most + 1)]}, bounds.longest(field)))
