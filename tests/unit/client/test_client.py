"""The client for notebooks: frames of all pages, tries again, acts once, and loads little."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import grimp
import httpx
import polars as pl
import pytest

import core.client
from core.client import AsyncOpenbellClient, OpenbellClient, Patience, address_beside
from core.domain.access.principals import Role
from core.errors import ConnectionLostError, NotFoundError, TooManyError, TransportError, UsageError
from core.service.desk import Desk
from tests import api_desk

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def shared(make_desk: Callable[..., Desk]) -> Desk:
    """A filled desk that several share."""
    return api_desk.open_desk(make_desk)


def client_of(desk: Desk, role: Role = Role.TRADER) -> OpenbellClient:
    """A client of it without a socket."""
    token = api_desk.token(desk, role)
    return OpenbellClient("http://desk", token, transport=api_desk.Bridged())


def answering(*answers: httpx.Response | Exception) -> tuple[httpx.MockTransport, list[Any]]:
    """A transport that gives these answers one after another, and what was asked."""
    asked: list[httpx.Request] = []
    left = list(answers)

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        given = left.pop(0)
        if isinstance(given, Exception):
            raise given
        return given

    return httpx.MockTransport(answer), asked


def test_lists_are_frames_of_all_pages(shared: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Typed columns, every row once, also when there are many pages."""
    with client_of(shared) as desk:
        whole = desk.dataset("prices.daily")
        assert whole.height == shared.warehouse.read("SELECT count(*) FROM bars_daily").item()
        assert whole.schema["session"] == pl.Date
        monkeypatch.setattr("core.client.blocking.PAGE", 7)
        assert desk.dataset("prices.daily", most=20).equals(whole.head(20))
        facts = desk.facts(1001, "Revenues", as_of=date(2026, 6, 30))
        assert set(facts["concept"]) == {"Revenues"}


def test_money_is_exact_in_frames(shared: Desk) -> None:
    """Decimal columns, as the desk has them."""
    with client_of(shared) as desk:
        plan = desk.propose("AAA", risk_pct=Decimal("0.5"))
        row = desk.plans(state="proposed").row(0, named=True)
    assert row["notional"] == Decimal(plan["notional"])


def test_errors_are_those_that_the_desk_tells(shared: Desk) -> None:
    """The same class with the same hint."""
    with client_of(shared, Role.VIEWER) as desk:
        with pytest.raises(NotFoundError, match="CIK 5"):
            desk.facts(5)
        with pytest.raises(UsageError):
            desk.grades(colour="red")


async def test_the_client_that_awaits_gives_the_same(shared: Desk) -> None:
    """Frames and documents."""
    token = api_desk.token(shared, Role.VIEWER)
    transport = httpx.ASGITransport(api_desk.mounted())
    async with AsyncOpenbellClient("http://desk", token, transport=transport) as desk:
        assert (await desk.companies("AAA"))["cik"].to_list() == [1001]
        assert (await desk.risk())["equity"] == "100000.00"
        with pytest.raises(NotFoundError):
            await desk.filing("0-0-0")


def test_both_clients_have_the_same_methods() -> None:
    """Whoever knows one knows the other."""
    names = [{n for n in vars(kind) if not n.startswith("_")} for kind in (
        OpenbellClient, AsyncOpenbellClient)]  # fmt: skip
    assert names[0] == names[1]


def test_what_may_pass_is_tried_again_with_the_same_key() -> None:
    """A lost connection, a busy desk: then it is done, once for the desk."""
    done = httpx.Response(201, json={"success": True, "data": {"plan_id": "x"}, "meta": {}})
    lost = httpx.ConnectError("refused")
    transport, asked = answering(lost, httpx.Response(503), httpx.Response(
        429, headers={"Retry-After": "3"}), done)  # fmt: skip
    waited: list[float] = []
    desk = OpenbellClient("http://desk", "t", transport=transport, sleep=waited.append)
    assert desk.propose("AAA")["plan_id"] == "x"
    assert len({request.headers["idempotency-key"] for request in asked}) == 1
    assert (len(asked), waited[-1]) == (4, 3.0)


def test_in_the_end_the_last_failure_is_told() -> None:
    """Of the desk, of the way to it, or one that is no answer of a desk."""
    problem = {"error": {"type": "TooManyError", "message": "more than 5 requests", "hint": "wait"}}
    for given, kind in (
        (httpx.Response(429, json=problem), TooManyError),
        (httpx.ConnectError("refused"), ConnectionLostError),
        (httpx.Response(502, text="<html>"), TransportError),
    ):
        transport, _ = answering(given, given)
        patience = Patience(retries=1, base_seconds=0)
        desk = OpenbellClient("http://desk", "t", transport=transport, patience=patience)
        with pytest.raises(kind):
            desk.risk()


def test_what_is_refused_is_not_tried_again() -> None:
    """A refusal stays one."""
    transport, asked = answering(httpx.Response(404))
    with pytest.raises(TransportError):
        OpenbellClient("http://desk", "t", transport=transport).risk()
    assert len(asked) == 1


def test_no_desk_on_a_folder_is_told(tmp_path: Path) -> None:
    """With the file that is looked for, and what to do."""
    with pytest.raises(NotFoundError, match="no desk runs"):
        address_beside(tmp_path)


def test_the_client_loads_nothing_of_the_desk() -> None:
    """By what it imports: the tree of errors, httpx and Polars."""
    graph = grimp.build_graph("core", include_external_packages=True, cache_dir=None)
    loaded = graph.find_upstream_modules("core.client", as_package=True)
    import sys

    foreign = {name.split(".")[0] for name in loaded} - sys.stdlib_module_names
    assert {n for n in loaded if n.startswith("core")} <= {"core", "core.errors"}
    assert foreign - {"core"} == {"httpx", "polars"}


def test_the_examples_of_the_document_run(
    shared: Desk, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Every block of docs/notebooks.md, one after another."""
    token = api_desk.token(shared, Role.TRADER)

    class Here(OpenbellClient):
        @classmethod
        def beside(cls, data_dir: Any, **more: Any) -> Here:
            return cls("http://desk", token, transport=api_desk.Bridged())

    class HereAwaiting(AsyncOpenbellClient):
        @classmethod
        def beside(cls, data_dir: Any, **more: Any) -> HereAwaiting:
            return cls("http://desk", token, transport=httpx.ASGITransport(api_desk.mounted()))

    monkeypatch.setattr(core.client, "OpenbellClient", Here)
    monkeypatch.setattr(core.client, "AsyncOpenbellClient", HereAwaiting)
    text = (ROOT / "docs" / "notebooks.md").read_text("utf-8")
    blocks = re.findall(r"```python\n(.*?)```", text, flags=re.DOTALL)
    assert len(blocks) == 6
    known: dict[str, Any] = {}
    for block in blocks:
        exec(compile(block, "docs/notebooks.md", "exec"), known)
    assert known["plan"]["state"] == "proposed"
    assert "not held" in capsys.readouterr().out


@pytest.mark.parametrize("token", ["", " ", "obt_a\nb", "obt_ü"])
def test_what_is_no_token_is_told_at_once(token: str) -> None:
    """Not as a desk that does not answer, after some tries."""
    with pytest.raises(UsageError, match="token"):
        OpenbellClient("http://desk", token)
    with pytest.raises(UsageError, match="http://"):
        AsyncOpenbellClient("desk.example:8501", "obt_x")


def test_a_token_from_a_file_may_end_in_a_line_break() -> None:
    """As `token add … > file` writes it."""
    transport, asked = answering(httpx.Response(200, json={"data": {}}))
    with OpenbellClient("http://desk/ ", "obt_x\n", transport=transport) as desk:
        desk.get("/risk")
    assert asked[0].headers["authorization"] == "Bearer obt_x"
    assert str(asked[0].url) == "http://desk/api/v1/risk"


@pytest.mark.parametrize("name", ["A/B?x=1#y", "../plans", "..", "A B", "Ä%2F"])
def test_a_name_leads_to_no_other_path(name: str) -> None:
    """It is asked for as it is: a slash, a question mark or dots in it choose nothing."""
    transport, asked = answering(*[httpx.Response(200, json={"data": {}})] * 2)
    with OpenbellClient("http://desk", "obt_x", transport=transport) as desk:
        desk.symbol(name)
        desk.decide(name, "reject", "because")
    (raw, query), (acted, none) = (
        (request.url.raw_path.decode(), request.url.query) for request in asked
    )
    assert (query, none) == (b"", b"")
    assert raw.rpartition("/")[0] == "/api/v1/symbols"
    assert acted.count("/") == len(["", "api", "v1", "plans", "x", "reject"]) - 1
    assert unquote(raw.rpartition("/")[2]) == name
