"""What a client says of answers that are no desk's, and how long it waits for others."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import polars as pl
import pytest

from core.client import OpenbellClient, Patience
from core.errors import ConflictError, ForeignAnswerError, UnderWayError, document

ARROW = io.BytesIO()
pl.DataFrame({"a": [1, 2]}).write_ipc_stream(ARROW)
PAGE = {"Content-Type": "text/html"}
FOREIGN: dict[str, Callable[[], httpx.Response]] = {
    "a proxy's way to its sign-in": lambda: httpx.Response(302, headers={"Location": "/login"}),
    "a proxy's page": lambda: httpx.Response(200, headers=PAGE, text="<html>sign in</html>"),
    "nothing": lambda: httpx.Response(204),
    "an empty body": lambda: httpx.Response(200),
    "another document": lambda: httpx.Response(200, json={"x": 1}),
    "a list": lambda: httpx.Response(200, json=[1]),
    "a part of a table": lambda: httpx.Response(200, content=ARROW.getvalue()[:100]),
}


def client(*answers: httpx.Response) -> tuple[OpenbellClient, list[float], list[httpx.Request]]:
    """A client whose desk answers as told, its waits, and what it has sent."""
    waits: list[float] = []
    sent: list[httpx.Request] = []
    left: Iterator[httpx.Response] = iter(answers)

    def answer(request: httpx.Request) -> httpx.Response:
        sent.append(request)
        return next(left)

    transport = httpx.MockTransport(answer)
    made = OpenbellClient(
        "http://desk.test", "obt_x", transport=transport, sleep=waits.append, patience=Patience(2)
    )
    return made, waits, sent


@pytest.mark.parametrize("what", FOREIGN)
@pytest.mark.parametrize("ask", [OpenbellClient.risk, OpenbellClient.datasets])
def test_what_is_no_answer_of_a_desk_is_told_so(
    what: str, ask: Callable[[OpenbellClient], Any]
) -> None:
    """As one of our errors, with the address; never as a fault of what reads JSON or tables."""
    desk, waits, sent = client(FOREIGN[what]())
    with desk, pytest.raises(ForeignAnswerError) as told:
        ask(desk)
    assert "http://desk.test/api/v1/" in str(told.value)
    assert (waits, len(sent)) == ([], 1)


def test_what_acts_waits_for_its_own_first_try() -> None:
    """Its answer was lost while it went on: with the same key it is asked for again."""
    busy = httpx.Response(
        409, headers={"Retry-After": "1"}, json=document(UnderWayError("under way"))
    )
    desk, waits, sent = client(busy, httpx.Response(200, json={"data": {"plan_id": "p"}}))
    with desk:
        assert desk.propose("AAA") == {"plan_id": "p"}
    assert waits == [1.0]
    assert len({request.headers["Idempotency-Key"] for request in sent}) == 1


def test_another_conflict_is_told_at_once() -> None:
    """A plan that is decided on stays so."""
    desk, waits, _ = client(httpx.Response(409, json=document(ConflictError("approved already"))))
    with desk, pytest.raises(ConflictError, match="approved already"):
        desk.decide("p", "approve")
    assert waits == []
