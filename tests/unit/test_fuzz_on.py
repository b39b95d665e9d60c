"""What fuzzing keeps of an operation that answered wrong; the others are asked on."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from schemathesis.core.failures import Failure, FailureGroup

from tests import fuzz_on, fuzzing

WRONG = Failure(operation="post_entry", title="accepted", message="a blank in a key")


@pytest.mark.parametrize("raised", [FailureGroup([WRONG]), WRONG, ValueError("a blank in a key")])
def test_a_wrong_answer_is_told_and_ends_nothing(
    monkeypatch: pytest.MonkeyPatch, raised: BaseException
) -> None:
    """One failure, several in a group, or a fault of asking."""

    def fuzz(*_: object, **__: object) -> None:
        raise raised

    monkeypatch.setattr(fuzzing, "fuzz", fuzz)
    operation = SimpleNamespace(query=["x"], path_parameters=[], body=[])
    done = fuzz_on.Fuzzed("as described")
    fuzz_on.ask(None, operation, done, 2000)
    assert "a blank in a key" in done.wrong[0]
    assert not done.due(2000)
