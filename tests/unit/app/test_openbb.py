"""The backend for OpenBB Workspace: its two files, and the data of each widget that they name."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from typing import Any

import httpx
import polars as pl
import pytest
from pydantic import TypeAdapter

from app.doors import limits
from app.openbb import kernel
from app.openbb.kernel import WIDGETS
from app.openbb.options import options
from core.domain.access.principals import LOCAL, Role
from core.service.assistant import tools
from core.service.desk import Desk
from core.service.kernel import access
from core.service.trading import proposals
from core.service.trading.plans import Ask
from tests import api_desk, openbb_spec
from tests.unit.app.test_doors import Visited

CELLS: dict[str, type | tuple[type, ...]] = {
    "text": str, "number": (int, float), "boolean": bool, "dateString": str,
}  # fmt: skip
# no gap is too small: how large that of the last session is, hangs on the day
SEEN = {"min_gap_pct": "0.0", "symbol": "AAA", "company": "AAA"}
ROLES = [Role.VIEWER, Role.ANALYST, Role.TRADER, Role.ADMIN]


@pytest.fixture
def desk(make_desk: Callable[..., Desk], monkeypatch: pytest.MonkeyPatch) -> Desk:
    """A graded desk with a filing of this week and a plan that waits."""
    monkeypatch.setattr(limits, "FIRST_PAUSE", 0.0)
    wide = {"min_gap_pct": 0.0, "min_rvol": 0, "gap_exclusions": ("BBB",)}
    made = api_desk.open_desk(make_desk, **wide)
    today = made.now().date()
    filing = {"cik": 1001, "accession": "0000001001-26-000099", "form": "8-K", "items": "2.02",
              "filed": today - timedelta(days=2), "report_date": today, "pull_id": "0" * 32,
              "accepted_at": made.now() - timedelta(days=2)}  # fmt: skip
    with made.warehouse.transaction() as tx:
        tx.insert("filings", pl.DataFrame([filing]))
    return made


@pytest.fixture
async def reader(desk: Desk) -> AsyncIterator[httpx.AsyncClient]:
    """Somebody behind the doors with a viewer's token."""
    token = api_desk.token(desk, Role.VIEWER)
    async with Visited(desk).client(Authorization=f"Bearer {token}") as client:
        yield client


def asked(name: str) -> dict[str, str]:
    """Values for the parameters of a widget under which it shows something."""
    return {p.name: SEEN[p.name] for p in WIDGETS[name].params if p.name in SEEN}


async def _answer(client: httpx.AsyncClient, path: str, **query: str) -> Any:
    answer = await client.get(f"/api/openbb/{path}", params=query)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/json"
    return answer.json()


async def test_the_files_are_as_workspace_reads_them(reader: httpx.AsyncClient) -> None:
    """Each key, type and name by its reference; an app lays out widgets that there are."""
    widgets = openbb_spec.WidgetsFile.model_validate(await _answer(reader, "widgets.json")).root
    (app,) = openbb_spec.AppsFile.model_validate(await _answer(reader, "apps.json")).root
    placed = [place for tab in app.tabs.values() for place in tab.layout]
    assert sorted(place.i for place in placed) == sorted(widgets)
    groups = {group.name: group for group in app.groups}
    for place in placed:
        for name in place.groups:
            assert place.i in groups[name].widgetIds
            assert groups[name].paramName in [p.paramName for p in widgets[place.i].params]
    symbol = next(p for p in widgets["symbol_chart"].params if p.paramName == "symbol")
    assert symbol.value == "AAA"


async def test_what_is_chosen_at_first_shows_something(make_desk: Callable[..., Desk]) -> None:
    """Also where nobody follows a company yet: four widgets were refused until one was chosen."""
    made = api_desk.open_desk(make_desk)
    with made.warehouse.transaction() as tx:
        tx.execute("DELETE FROM watchlist")
    async with Visited(made).client(
        Authorization=f"Bearer {api_desk.token(made, Role.VIEWER)}"
    ) as client:
        told = await _answer(client, "widgets.json")
        for name, widget in told.items():
            query = {p["paramName"]: p["value"] for p in widget["params"] if p["value"]}
            answer = await client.get(f"/api/openbb/{widget['endpoint']}", params=query)
            assert answer.status_code == 200, (name, query, answer.text)


async def test_every_endpoint_that_the_file_names_answers_with_its_columns(
    desk: Desk, reader: httpx.AsyncClient
) -> None:
    """Rows are flat, have the declared columns and no others, each of the declared type."""
    with access.acting(LOCAL):
        proposals.propose(desk, Ask("AAA"))
    widgets = openbb_spec.WidgetsFile.model_validate(await _answer(reader, "widgets.json")).root
    empty = set()
    for name, widget in widgets.items():
        content = await _answer(reader, widget.endpoint, **asked(name))
        if widget.data is not None:
            _fits(content, widget.data.table.columnsDefs)
            empty |= set() if content else {name}
        for param in widget.params:
            if param.optionsEndpoint:
                choices = await _answer(reader, param.optionsEndpoint)
                found = TypeAdapter(list[openbb_spec.Choice]).validate_python(choices)
                assert param.value in [choice.value for choice in found]
    assert empty == {"holdings"}  # nothing is held; the others have rows that were looked at


def _fits(rows: list[dict[str, Any]], columns: list[openbb_spec.ColumnDefinition]) -> None:
    kinds = {column.field: CELLS[column.cellDataType] for column in columns}
    for row in rows:
        assert list(row) == list(kinds)
        wrong = {k: v for k, v in row.items() if v is not None and not isinstance(v, kinds[k])}
        assert wrong == {}


async def test_what_is_no_table_has_the_shape_of_its_type(reader: httpx.AsyncClient) -> None:
    """Metrics, news, Markdown and figures, dark and light, and the numbers of a figure."""
    TypeAdapter(list[openbb_spec.Metric]).validate_python(await _answer(reader, "risk"))
    news = await _answer(reader, "headlines")
    (item,) = TypeAdapter(list[openbb_spec.News]).validate_python(news)
    assert "Alpha Inc" in item.title and "0000001001-26-000099" in item.body
    assert (await _answer(reader, "company", company="AAA")).startswith("### Alpha Inc\n")
    assert "prices.daily: up to" in await _answer(reader, "about")
    for name in ("symbol_chart", "gap_chart"):
        dark = await _answer(reader, name, **asked(name), theme="dark")
        light = await _answer(reader, name, **asked(name), theme="light")
        assert dark["data"] == light["data"] != []
        assert dark["layout"]["font"]["color"] != light["layout"]["font"]["color"]
        assert "title" not in dark["layout"] and "height" not in dark["layout"]
        rows = await _answer(reader, name, **asked(name), raw="true")
        assert rows and all(isinstance(v, str | int | float | None) for v in
                                      rows[0].values())  # fmt: skip


async def test_the_figures_are_those_of_api_v1(reader: httpx.AsyncClient) -> None:
    """A widget and the resource of the same thing tell the same."""
    scan = (await reader.get("/api/v1/scans/latest", params={"min_gap_pct": 0.5})).json()["data"]
    shown = await _answer(reader, "gap_scan", min_gap_pct="0.5")
    fields = ("symbol", "gap_pct", "score", "open", "grade")
    assert [[row[f] for f in fields] for row in shown] == [
        [row[f] for f in fields] for row in scan["candidates"]
    ]
    risk = (await reader.get("/api/v1/risk")).json()["data"]
    limits_shown = await _answer(reader, "limits")
    assert {row["limit"] for row in limits_shown} == {row["limit"] for row in risk["checks"]}
    grades = (await reader.get("/api/v1/grades", params={"ticker": "AAA"})).json()["data"]
    only = await _answer(reader, "grades", only="AAA")
    assert [row["accession"] for row in only] == [row["accession"] for row in grades]


@pytest.mark.parametrize("role", ROLES)
async def test_every_role_may_read_all_of_it(desk: Desk, role: Role) -> None:
    """Widgets only read, and whoever may read pages may read them."""
    headers = {"Authorization": f"Bearer {api_desk.token(desk, role)}"}
    async with Visited(desk).client(**headers) as client:
        for path in ("widgets.json", "apps.json", *options.entries, *WIDGETS):
            query = asked(path) if path in WIDGETS else {}
            assert (await client.get(f"/api/openbb/{path}", params=query)).status_code == 200


async def test_without_a_token_that_counts_there_is_nothing(desk: Desk) -> None:
    """Nobody, a revoked token, and a session: what another site's page makes a browser send."""
    token = api_desk.token(desk, Role.ADMIN, "gone")
    session = desk.roster.begin(desk.roster.of_token(token))
    ways = {"session": {"Cookie": f"openbell_session={session}"}, "nobody": {}}
    for headers in ways.values():
        async with Visited(desk).client(**headers) as client:
            for path in ("widgets.json", "apps.json", *options.entries, *WIDGETS):
                answer = await client.get(f"/api/openbb/{path}")
                assert (answer.status_code, answer.json()["success"]) == (401, False)
    desk.roster.revoke_token("gone", LOCAL)
    async with Visited(desk).client(Authorization=f"Bearer {token}") as client:
        assert (await client.get("/api/openbb/widgets.json")).status_code == 401


async def test_a_desk_of_one_person_asks_for_a_token_too(
    make_desk: Callable[..., Desk], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever is on its machine is admin there; a page of another site is not who is there."""
    monkeypatch.setattr(limits, "FIRST_PAUSE", 0.0)
    desk = make_desk()
    token = api_desk.token(desk, Role.VIEWER)
    here = Visited(desk, ("127.0.0.1", 5000))
    async with here.client() as client:
        assert (await client.get("/api/openbb/widgets.json")).status_code == 401
    async with here.client(Authorization=f"Bearer {token}") as client:
        assert "gap_scan" in await _answer(client, "widgets.json")


@pytest.mark.parametrize(
    ("path", "query", "status"),
    [
        ("symbol_chart", {"symbol": "NONE"}, 404),
        ("symbol_chart", {}, 422),
        ("symbol_chart", {"symbol": ""}, 422),
        ("gap_scan", {"date": "1999-01-04"}, 404),
        ("gap_scan", {"date": "yesterday"}, 422),
        ("gap_scan", {"least": "1"}, 422),
        ("gap_scan", {"date": ""}, 200),
        ("gap_scan", {"theme": "dark", "raw": "false"}, 200),
        ("facts", {"company": "ZZZZ"}, 404),
        ("widgets.json", {"x": "1"}, 422),
        ("nothing", {}, 404),
    ],
)
async def test_what_is_not_held_is_refused(
    reader: httpx.AsyncClient, path: str, query: dict[str, str], status: int
) -> None:
    """With a sentence; what is left empty is not given, and what Workspace adds is let be."""
    answer = await reader.get(f"/api/openbb/{path}", params=query)
    assert answer.status_code == status
    assert status == 200 or answer.json()["detail"]


async def test_a_parameter_given_twice_is_refused(reader: httpx.AsyncClient) -> None:
    """Which one is meant, nobody can say."""
    assert (await reader.get("/api/openbb/symbol_gaps?symbol=AAA&symbol=BBB")).status_code == 422


async def test_simulated_data_are_called_so(make_desk: Callable[..., Desk]) -> None:
    """In the list of widgets, beside each of them, and in the text about them."""
    desk = api_desk.open_desk(make_desk, simulated=True)
    headers = {"Authorization": f"Bearer {api_desk.token(desk, Role.VIEWER)}"}
    async with Visited(desk).client(**headers) as client:
        for widget in (await _answer(client, "widgets.json")).values():
            assert widget["source"] == ["Openbell (simulated)"]
            assert widget["description"].startswith("Simulated data.")
        assert (await _answer(client, "about")).startswith("**Simulated data.**")


def test_what_is_declared_is_what_functions_take() -> None:
    """Parameters, tools that tell the same, and no widget without a sentence of its own."""
    for found in WIDGETS.values():
        assert [p.name for p in found.params] == list(found.entry.arguments.model_fields)
        assert found.entry.role is Role.VIEWER
        assert found.entry.summary.endswith(".")
        assert not found.tool or found.tool in tools.tool.entries


def test_a_widget_shows_a_thousand_rows_at_most() -> None:
    """However many there are."""
    rows = pl.DataFrame({"n": range(kernel.MOST + 5)})
    assert len(kernel.rows_of(rows)) == kernel.MOST


async def test_words_of_others_are_no_marks(desk: Desk, reader: httpx.AsyncClient) -> None:
    """A company's name is shown as it is, whatever stands in it."""
    with desk.warehouse.transaction() as tx:
        tx.execute("UPDATE companies SET name = '<img src=x> [a](http://x)' WHERE cik = 1001")
    shown = await _answer(reader, "company", company="AAA")
    assert shown.startswith("### \\<img src=x\\> \\[a\\](http://x)")
