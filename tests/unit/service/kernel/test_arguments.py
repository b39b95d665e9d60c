"""Models of arguments: made when they are asked for, once, and for every use case there is."""

from __future__ import annotations

from datetime import date

import pytest

import core.service.everything  # noqa: F401 - registers what can be asked for
from core.domain.access.principals import Role
from core.errors import UsageError
from core.service.desk import Desk
from core.service.kernel import registry
from core.service.kernel.commands import command
from core.service.kernel.exports import export


def test_a_model_is_made_when_it_is_asked_for(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Registering makes none; the first call does, and the second has it."""
    made: list[str] = []
    real = registry.create_model
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
