"""Every rule of the table is judged by something, and says what it is in words that count."""

from __future__ import annotations

import pytest

from components.parts.rules import GROUPS, TOLERANCES
from core.domain.quality.evaluate import CHECKS, HISTORY, PRESENCE
from core.domain.quality.model import Rule, default_ruleset

RULES = default_ruleset().rules
KINDS = {"instant", "duration", "history", "filing", "any"}
WITHOUT_FACTS = "Q44"  # of filings that no rule is given: core/domain/quality/grading.py
BY_FUNCTION = {*CHECKS, *HISTORY, *PRESENCE, WITHOUT_FACTS}


def test_every_rule_is_judged_by_something() -> None:
    """A rule without equations and function would never fail, and nobody would see it."""
    idle = [r.id for r in RULES.values() if not (r.equations or r.orders or r.id in BY_FUNCTION)]
    assert not idle, f"equations, or a line in CHECKS of evaluate.py, are missing: {idle}"
    assert set(RULES) >= BY_FUNCTION, "a function judges a rule that rules.toml does not have"


@pytest.mark.parametrize("rule", RULES.values(), ids=lambda rule: rule.id)
def test_a_rule_is_of_a_group_kind_and_tolerance_that_count(rule: Rule) -> None:
    """A word of no meaning would count in no part of the score, and be judged as others are."""
    for name, known in (("group", GROUPS), ("kind", KINDS), ("tolerance", TOLERANCES)):
        assert getattr(rule, name) in known, f"{name} is one of {sorted(known)}"
