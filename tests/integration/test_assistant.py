"""The MCP server: tools that answer exactly and cite, or refuse, for whoever may read."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import anyio
import httpx
import mcp_types
import pytest
from mcp import Client, StdioServerParameters

from app.assistant.server import server
from core.domain.access.principals import LOCAL, Role
from core.errors import OpenbellError, RoleError, SignInError
from core.service import current
from core.service.assistant import answers, tools
from core.service.desk import Desk
from core.service.kernel import access
from tests import api_desk, depth
from tests.questions import Question, questions

COUNT = depth.pick(15, 50, 500)
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def shared(make_desk: Callable[..., Desk]) -> Desk:
    """A filled desk that several share."""
    return api_desk.open_desk(make_desk)


async def _call(name: str, arguments: dict[str, Any]) -> dict[str, Any]:
    return tools.call(current.desk(), name, arguments)


def _judged(question: Question, answer: mcp_types.CallToolResult) -> str:
    """What is wrong with an answer; empty when nothing is."""
    found = answer.structured_content or {}
    if question.right is None:
        return "" if answer.is_error and found.get("refused") else "not refused"
    if answer.is_error:
        return f"refused: {found.get('refused')}"
    if not question.right(found):
        return f"wrong: {str(found['answer'])[:300]}"
    cited = {source["accession"]: source for source in found["sources"]}
    if not question.cites <= set(cited):
        return f"cites {sorted(cited)}, not {sorted(question.cites)}"
    if any(not (s["grade"] and s["status"] and s["filed"]) for s in cited.values()):
        return f"a source lacks grade, status or day: {list(cited.values())[:2]}"
    return "" if found["data_until"] else "the data's date is not told"


async def test_generated_questions_are_answered_or_refused(shared: Desk) -> None:
    """All exact, all cited, all refused where nothing is held."""
    asked = list(questions(shared, COUNT, seed=COUNT))
    assert sum(question.right is None for question in asked) >= COUNT // 3
    wrong = []
    with access.acting(LOCAL):
        async with Client(server(_call)) as client:
            for question in asked:
                answer = await client.call_tool(question.tool, question.arguments)
                if fault := _judged(question, answer):
                    wrong.append((question.tool, question.arguments, fault))
    assert wrong == []


async def test_the_tools_are_those_that_are_asked_for_and_only_read(shared: Desk) -> None:
    """Ten of them, each with what it takes; none changes the store."""
    async with Client(server(_call)) as client:
        listed = (await client.list_tools()).tools
    assert {item.name for item in listed} == {
        "search", "company", "filings", "facts", "grade", "scan", "gap_statistics",
        "plan_preview", "risk", "freshness",
    }  # fmt: skip
    assert all(item.annotations and item.annotations.read_only_hint for item in listed)
    before = shared.warehouse.commits
    with access.acting(LOCAL):
        tools.call(shared, "plan_preview", {"symbol": "AAA"})
        tools.call(shared, "scan", {})
    assert shared.warehouse.commits == before


def test_the_role_of_the_caller_counts(shared: Desk) -> None:
    """Nobody is told anything, by no tool."""
    shared.roster.add_token("gone", Role.VIEWER, None, LOCAL)
    gone = shared.roster.revoke_token("gone", LOCAL).principal
    for name in tools.tool.entries:
        with pytest.raises(SignInError):
            tools.call(shared, name, {})
        with access.acting(gone), pytest.raises((SignInError, RoleError)):
            tools.call(shared, name, {})


async def test_over_http_with_a_token_and_not_without(shared: Desk) -> None:
    """At /api/mcp, as clients of the protocol do it."""
    token = api_desk.token(shared, Role.VIEWER)
    transport = httpx.ASGITransport(api_desk.mounted())
    call = {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "tools/call",
        "params": {"name": "grade", "arguments": {"accession": "0000001001-26-000008"}},
    }
    wanted = {"Accept": "application/json, text/event-stream"}
    async with httpx.AsyncClient(transport=transport, base_url="http://desk") as client:
        refused = await client.post("/api/mcp", json=call, headers=wanted)
        assert refused.status_code == 401
        bearer = {**wanted, "Authorization": f"Bearer {token}"}
        answer = (await client.post("/api/mcp", json=call, headers=bearer)).json()
    told = answer["result"]["structuredContent"]
    assert told["sources"][0]["accession"] == "0000001001-26-000008"
    assert answer["result"]["isError"] is False


@pytest.mark.parametrize("method", ["GET", "DELETE", "PUT"])
async def test_no_stream_is_left_open_over_http(shared: Desk, method: str) -> None:
    """No call is remembered, so nothing would ever be said on one; nobody is told even that."""
    headers = {"Authorization": f"Bearer {api_desk.token(shared, Role.VIEWER)}"}
    wanted = {"Accept": "application/json, text/event-stream"}
    transport = httpx.ASGITransport(api_desk.mounted())
    async with httpx.AsyncClient(transport=transport, base_url="http://desk") as client:
        with anyio.fail_after(20):
            refused = await client.request(method, "/api/mcp", headers=wanted)
            answer = await client.request(method, "/api/mcp", headers=wanted | headers)
    assert refused.status_code == 401
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")
    assert answer.headers["content-type"] == "application/problem+json"


async def test_on_stdio_over_a_store(tmp_path: Path, make_desk: Callable[..., Desk]) -> None:
    """`python -m app mcp` answers from a data folder that no desk runs on."""
    desk = api_desk.open_desk(make_desk)
    folder = desk.settings.data_dir
    current.use(None)
    desk.close()
    command = StdioServerParameters(
        command=sys.executable,
        args=["-m", "app", "mcp"],
        env={**os.environ, "OPENBELL_DATA_DIR": str(folder)},
        cwd=str(ROOT),
    )
    async with Client(command) as client:
        answer = await client.call_tool("company", {"company": "AAA"})
        refused = await client.call_tool("company", {"company": "ZZZ"})
    assert (answer.structured_content or {})["answer"]["name"] == "Alpha Inc"
    assert refused.is_error


def test_a_wrong_argument_is_an_error_of_ours(shared: Desk) -> None:
    """Not a fault of the server."""
    with access.acting(LOCAL), pytest.raises(OpenbellError):
        tools.call(shared, "facts", {"colour": "red"})


@pytest.mark.parametrize(
    ("tool", "arguments", "table"),
    [
        ("search", {"text": ""}, "companies"),
        ("filings", {"company": "AAA"}, "filings WHERE cik = 1001"),
        ("facts", {"company": "AAA", "concept": "Assets"}, "facts WHERE cik = 1001"
         " AND concept = 'Assets' AND removed_at IS NULL"),
    ],
)  # fmt: skip
def test_what_is_left_out_is_counted(
    shared: Desk, monkeypatch: pytest.MonkeyPatch, tool: str, arguments: dict[str, Any], table: str
) -> None:
    """All of it: of a thousand filings one was said to be left out."""
    held = shared.warehouse.read(f"SELECT count(*) AS n FROM {table}")["n"].item()
    assert held > 1
    for module in (answers, tools):
        monkeypatch.setattr(module, "MOST", 0)
    with access.acting(LOCAL):
        told = tools.call(shared, tool, arguments)
    assert (told["answer"], told["rows_left_out"]) == ([], held)


def test_sources_are_read_at_once(shared: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two hundred filings that are not graded were as many times two queries: half a minute."""
    read, asked = shared.warehouse.read, []
    sql = "SELECT accession FROM filings ORDER BY accession"
    held = read(sql)["accession"].to_list()
    unknown = [f"0000000009-26-{number:06}" for number in range(100)]

    def counted(*given: Any) -> Any:
        asked.append(given)
        return read(*given)

    answers.sources(shared, unknown[:1])  # what is kept is kept
    monkeypatch.setattr(shared.warehouse, "read", counted)
    few = answers.sources(shared, unknown[:1])
    once = len(asked)
    asked.clear()
    many = answers.sources(shared, [*held, *unknown])
    assert len(asked) == once
    assert [item["accession"] for item in many] == [*held, *unknown]
    assert {item["form"] for item in many[: len(held)]} == {"10-Q"}
    assert few[0]["grade"] == "not graded"
