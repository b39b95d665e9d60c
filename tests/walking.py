"""Walks through the API as schemathesis makes them: what an answer names is asked of next.

The links of the OpenAPI lead from resource to resource. What a command's answer leads to is told
here: its arguments stand in a body, where links of OpenAPI cannot put them one by one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.errors import Flaky
from schemathesis.core.failures import FailureGroup

from tests import fuzzing

STEPS = 12
_DOCUMENT = "$response.body#/document/"
_PLAN = {"plan_id": "$response.body#/data/plan_id"}
_FILL = {**_PLAN, "price": "$response.body#/data/entry"}
_FILLED = {"plan_id": f"{_DOCUMENT}entries/0/plan_id"}
_CLOSE = {**_FILLED, "price": "100.00"}
_REVERSE = {"entry_no": f"{_DOCUMENT}entry_no", "reason": "a walk"}
_NAME = {"name": f"{_DOCUMENT}name"}
_NEW = {"name": "walker {$response.header.X-Correlation-Id}", "role": "viewer"}
_JOBS = {"jobs": [f"{_DOCUMENT}0/job_id"]}
_LIST = {"name": "walked", "symbols": ["AAA", "BBB"]}
_NOTE = {"symbol": "AAA", "text": "a walk"}
_RULE = {"rule": f"{_DOCUMENT}id"}
_CASH = {"amount": "250.00"}
Leads = Mapping[str, Mapping[str, Any]]
LEADS: Leads = {  # operation -> operation, the part of its body that is known
    "every_symbol": {"propose": {"symbol": "$response.body#/data/0/symbol"}},
    "approve": {"command_journal_fill": _FILL, "command_plan_cancel": _PLAN},
    "propose": {"command_plan_cancel": _PLAN},
    "plan": {"command_journal_fill": _FILL},
    "command_journal_fill": {"command_journal_close": _CLOSE, "command_plan_cancel": _FILLED},
    "command_journal_close": {"command_journal_close": _CLOSE},
    "trial_balance": {"command_journal_deposit": _CASH, "command_journal_withdraw": _CASH},
    "command_journal_deposit": {"command_journal_reverse": _REVERSE},
    "command_journal_withdraw": {"command_journal_reverse": _REVERSE},
    "command_journal_post": {"command_journal_reverse": _REVERSE},
    "command_journal_reverse": {"command_journal_reverse": _REVERSE},
    "command_refresh": {
        "command_progress": _JOBS,
        "command_cancel": _JOBS,
        "command_pulled": _JOBS,
    },
    "command_cancel": {"command_jobs_retry": _JOBS, "command_jobs_discard": _JOBS},
    "command_token_list": {"command_token_add": _NEW},
    "command_token_add": {"command_token_rotate": _NAME, "command_token_revoke": _NAME},
    "command_token_rotate": {"command_token_rotate": _NAME, "command_token_revoke": _NAME},
    "command_token_revoke": {"command_token_rotate": _NAME, "command_token_revoke": _NAME},
    "command_lists": {"command_list_add": _LIST, "command_list_remove": _LIST},
    "command_list_add": {"command_list_remove": {"name": "walked"}},
    "command_notes": {"command_note_write": _NOTE},
    "command_note_write": {"command_note_mark": {"symbol": "AAA", "mark": "star"}},
    "command_alert_rule_set": {
        "command_alert_rule_set": _RULE,
        "command_alert_rule_remove": _RULE,
    },
}


def described() -> Any:
    """The schema that the API gives of itself, and what answers of commands lead to."""
    schema = fuzzing.described()
    paths, known = schema.raw_schema["paths"], fuzzing.operations()

    def described_of(name: str) -> Any:
        method, path = known[name]
        return paths[path][method.lower()]

    for name, leads in LEADS.items():
        answers = described_of(name)["responses"]
        done = next(status for status in answers if status.startswith("2"))
        links = answers[done].setdefault("links", {})
        for target, body in leads.items():
            content = described_of(target)["requestBody"]["content"]
            needed = set(content["application/json"]["schema"].get("required", ()))
            told = {"merge_body": not needed <= set(body)}  # what is missing is made up
            links[target] = {"operationId": target, "requestBody": body, "x-schemathesis": told}
    return schema


@dataclass
class Walked:
    """What was asked and how it was answered, counted, and every answer that did not do."""

    walks: int = 0
    asked: Counter[tuple[str, int]] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)


def walk(schema: Any, client: Any, walks: int, chance: int) -> Walked:
    """At least so many walks of up to STEPS calls, begun by a number.

    The desk remembers what earlier walks did. Hypothesis, which expects the same answer to the same
    call, gives up where it gets another; the walks go on then, begun by the next number.
    """
    walked = Walked()
    machine = _machine(schema, client, walked)
    while walked.walks < walks and not walked.wrong:
        chosen = settings(
            max_examples=walks - walked.walks,
            deadline=None,
            database=None,
            stateful_step_count=STEPS,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        with suppress(Flaky):
            seed(chance)(machine).run(settings=chosen)
        chance += 1
    return walked


def _machine(schema: Any, client: Any, walked: Walked) -> Any:
    class Walk(schema.as_state_machine()):  # type: ignore[misc]
        def get_call_kwargs(self, case: Any) -> dict[str, Any]:
            return {"session": client}

        def before_call(self, case: Any) -> None:
            fuzzing.keep_inside(case)

        def after_call(self, response: Any, case: Any) -> None:
            super().after_call(response, case)
            walked.asked[case.operation.definition.raw["operationId"], response.status_code] += 1
            fuzzing.tidy()

        def validate_response(self, response: Any, case: Any, **more: Any) -> None:
            try:
                super().validate_response(response, case, **more)
            except FailureGroup as found:
                walked.wrong += [str(failure) for failure in found.exceptions]
                walked.wrong.append(f"{response.request.url} {response.text[:500]}")

        def teardown(self) -> None:
            walked.walks += 1

    return Walk
