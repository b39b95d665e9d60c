"""The resources of API v1: envelope, pages, tags, fields, tables, problems."""

from __future__ import annotations

import io
import re
from collections.abc import AsyncIterator, Callable
from datetime import date, timedelta
from typing import Any

import httpx
import polars as pl
import pytest

from app.api import callers, documentation
from app.api.resources import kernel
from app.api.resources.kernel import RESOURCES, Retirement, resource
from app.doors.limits import Pauses
from core.domain.access.principals import Role
from core.service.desk import Desk
from tests import api_desk

ACCESSION = "0000001001-26-000008"
AT = {"name": "prices.daily", "cik": 1001, "accession": ACCESSION, "date": "latest",
      "symbol": "AAA", "id": "none", "n": 1}  # fmt: skip
UNKNOWN = {"name": "no.such", "cik": 999, "accession": "0-0-0", "date": "1999-01-04",
           "symbol": "NONE", "id": "none", "n": 99}  # fmt: skip
READS = [found for found in RESOURCES.values() if found.kind != "act"]
LISTS = [found for found in READS if found.kind == "list"]
META = {"as_of", "data_until", "simulated", "ruleset", "next"}


@pytest.fixture
def shared(make_desk: Callable[..., Desk]) -> Desk:
    """A filled desk that several share."""
    return api_desk.open_desk(make_desk)


@pytest.fixture
async def client(shared: Desk) -> AsyncIterator[httpx.AsyncClient]:
    """A trader's client."""
    async with api_desk.connected(api_desk.token(shared, Role.TRADER)) as connected:
        yield connected


def path_of(found: kernel.ApiResource, values: dict[str, Any]) -> str:
    """Where a resource is asked for."""
    return "/v1" + found.path.format(**values)


async def test_every_read_has_the_envelope_and_a_tag(client: httpx.AsyncClient) -> None:
    """Data of the declared kind, five words about them, and 304 for who has them already."""
    for found in READS:
        if found.in_path == ["id"]:
            continue
        answer = await client.get(path_of(found, AT))
        assert answer.status_code == 200, (found.name, answer.text)
        body = answer.json()
        assert body["success"] is True
        assert set(body["meta"]) == META
        assert body["meta"]["as_of"].endswith("Z")
        assert isinstance(body["data"], list) == (found.kind == "list"), found.name
        again = await client.get(
            path_of(found, AT), headers={"If-None-Match": answer.headers["etag"]}
        )
        assert (again.status_code, again.content) == (304, b""), found.name


async def test_examples_show_what_is_there(client: httpx.AsyncClient) -> None:
    """Every field of an example is one of the answer; an example is no invention."""
    for found in READS:
        if found.in_path == ["id"]:
            continue
        data = (await client.get(path_of(found, AT))).json()["data"]
        shown, given = (
            (found.example[0], data[0] if data else None)
            if (found.kind == "list")
            else (found.example, data)
        )
        if given is not None:
            assert set(shown) <= set(given), found.name


async def test_what_is_unknown_is_404(client: httpx.AsyncClient) -> None:
    """Whatever is named in the path and is not there."""
    for found in RESOURCES.values():
        if not found.in_path:
            continue
        body = {"reason": "x"} if found.method == "POST" and found.in_path != ["name"] else None
        answer = await client.request(found.method, path_of(found, UNKNOWN), json=body)
        assert answer.status_code == 404, (found.name, answer.text)
        assert answer.headers["content-type"] == "application/problem+json"


async def test_pages_give_every_row_once(client: httpx.AsyncClient) -> None:
    """By following the link; the same rows as in one page, and none twice."""
    for path in ("/v1/grades", "/v1/companies/1001/facts", "/v1/rules", "/v1/glossary",
                 "/v1/datasets/prices.daily/rows?since=2026-10-01", "/v1/symbols"):  # fmt: skip
        mark = "&" if "?" in path else "?"
        whole = (await client.get(f"{path}{mark}limit=1000")).json()["data"]
        found: list[Any] = []
        url: str | None = f"{path}{mark}limit=7"
        while url:
            answer = await client.get(url)
            body = answer.json()
            found += body["data"]
            url = answer.links["next"]["url"] if "next" in answer.links else None
            assert (url is None) == (body["meta"]["next"] is None)
        assert found == whole, path


async def test_a_page_goes_on_where_it_stopped_though_rows_came_in(
    client: httpx.AsyncClient, shared: Desk
) -> None:
    """Newer rows at the top make no older one come twice or be left out."""
    first = (await client.get("/v1/companies/1001/filings?limit=3")).json()
    new = pl.DataFrame(
        {"cik": [1001], "accession": ["0000001001-26-000099"], "form": ["8-K"],
         "filed": [shared.now().date()], "accepted_at": [shared.now()], "pull_id": ["0" * 32]}
    )  # fmt: skip
    with shared.warehouse.transaction() as tx:
        tx.insert("filings", new)
    cursor = first["meta"]["next"]
    rest = (await client.get(f"/v1/companies/1001/filings?cursor={cursor}")).json()["data"]
    seen = [row["accession"] for row in (*first["data"], *rest)]
    assert len(seen) == len(set(seen)) == 8


async def test_rows_of_a_dataset_with_empty_cells_in_the_key_come_once(
    client: httpx.AsyncClient, shared: Desk
) -> None:
    """Rows whose last key column is empty stand at the end, each in one page."""
    path = "/v1/datasets/sec.facts/rows"
    whole = (await client.get(f"{path}?limit=1000")).json()["data"]
    found: list[Any] = []
    url: str | None = f"{path}?limit=5"
    while url:
        answer = await client.get(url)
        found += answer.json()["data"]
        url = answer.links["next"]["url"] if "next" in answer.links else None
    assert found == whole
    assert len(whole) == 32


@pytest.mark.parametrize(
    "query",
    ["limit=0", "limit=1001", "limit=x", "limit=٣", "cursor=x", "cursor=WyJ4IiwxXQ", "colour=red",
     "fields=nope", "limit=1&limit=2&q=a&q=b"],
)  # fmt: skip
async def test_a_wrong_query_names_its_field(client: httpx.AsyncClient, query: str) -> None:
    """422 with the field and what is wrong with it."""
    answer = await client.get(f"/v1/companies?{query}")
    body = answer.json()
    assert answer.status_code == 422
    assert body["success"] is False
    assert body["errors"][0]["field"] in ("limit", "cursor", "colour", "fields", "q")
    assert body["correlation_id"] == answer.headers["x-correlation-id"]


async def test_a_cursor_belongs_to_its_list_and_filters(client: httpx.AsyncClient) -> None:
    """That of another list, or of other filters, is refused."""
    cursor = (await client.get("/v1/grades?limit=2")).json()["meta"]["next"]
    assert (await client.get(f"/v1/rules?cursor={cursor}")).status_code == 422
    assert (await client.get(f"/v1/grades?form=8-K&cursor={cursor}")).status_code == 422


async def test_fields_are_chosen(client: httpx.AsyncClient) -> None:
    """Only those that are asked for, in lists, documents and tables."""
    rows = (await client.get("/v1/grades?fields=grade,accession")).json()["data"]
    assert {tuple(row) for row in rows} == {("grade", "accession")}
    one = (await client.get("/v1/companies/1001?fields=name")).json()["data"]
    assert one == {"name": "Alpha Inc"}
    table = await client.get("/v1/grades?fields=grade", headers={"Accept": "text/csv"})
    assert table.text.splitlines()[0] == "grade"


async def test_lists_come_as_tables_by_accept(client: httpx.AsyncClient) -> None:
    """The same rows as CSV, Parquet and Arrow; unknown media are 406."""
    for found in LISTS:
        path, rows = path_of(found, AT), (await client.get(path_of(found, AT))).json()["data"]
        csv = await client.get(path, headers={"Accept": "text/csv;q=0.9, text/x-odd"})
        parquet = await client.get(path, headers={"Accept": "application/vnd.apache.parquet"})
        stream = await client.get(path, headers={"Accept": "application/vnd.apache.arrow.stream"})
        assert csv.headers["content-type"].startswith("text/csv")
        assert pl.read_parquet(io.BytesIO(parquet.content)).height == len(rows), found.name
        assert pl.read_ipc_stream(io.BytesIO(stream.content)).height == len(rows), found.name
        refused = await client.get(path, headers={"Accept": "image/png"})
        assert refused.status_code == 406


async def test_exports_are_got_in_every_format(client: httpx.AsyncClient) -> None:
    """By GET with filters in the query; wrong ones are refused."""
    for fmt in ("csv", "parquet", "json", "arrow"):
        assert (await client.get(f"/v1/exports/facts?format={fmt}&cik=1001")).status_code == 200
    assert (await client.get("/v1/exports/facts?format=exe")).status_code == 422
    assert (await client.get("/v1/exports/facts?cik=x")).status_code == 422
    assert (await client.get("/v1/exports/audit")).status_code == 403
    assert (await client.get("/v1/exports/no_such")).status_code == 404


async def test_refresh_gives_the_job_that_can_be_asked_for_and_called_off(
    client: httpx.AsyncClient,
) -> None:
    """202 with where the job is; a second one joins it; deleted, it is cancelled."""
    made = await client.post("/v1/datasets/prices.daily/refresh")
    assert made.status_code == 202
    where = made.headers["location"].removeprefix("/api")
    assert (await client.get(where)).json()["data"]["state"] == "queued"
    assert (await client.post("/v1/datasets/prices.daily/refresh")).json()["data"]["joined"]
    assert (await client.delete(where)).json()["data"]["state"] == "cancelled"
    assert (await client.get(where)).json()["data"]["over"]


async def test_facts_are_told_as_known_on_a_day(client: httpx.AsyncClient) -> None:
    """Nothing filed later is in them, and the answer says as of when it is told."""
    facts = (await client.get("/v1/companies/1001/facts?limit=1000")).json()["data"]
    day = date.fromisoformat(min(fact["filed"] for fact in facts)) + timedelta(days=100)
    then = (await client.get(f"/v1/companies/1001/facts?as_of={day}")).json()["data"]
    assert {fact["filed"] for fact in then} == {f["filed"] for f in facts if f["filed"] <= str(day)}


async def test_reads_never_hold_the_loop(
    client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a resource does is done in a thread of its own."""
    import threading

    loop, found = threading.get_ident(), []
    run = resource.run
    monkeypatch.setattr(
        resource, "run", lambda *a: (found.append(threading.get_ident()), run(*a))[1]
    )
    await client.get("/v1/companies")
    assert found and found[0] != loop


async def test_what_is_on_its_way_out_says_so(
    client: httpx.AsyncClient, shared: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By one flag: `Deprecation`, `Sunset`, what follows it, and a mark in the description."""
    from dataclasses import replace

    retired = Retirement(date(2026, 11, 27), date(2027, 5, 1), "/api/v1/companies")
    known = RESOURCES["GET /symbols"]
    monkeypatch.setitem(RESOURCES, "GET /symbols", replace(known, retired=retired))
    monkeypatch.setattr(api_desk, "application", api_desk.application.__wrapped__)
    async with api_desk.connected(api_desk.token(shared, Role.VIEWER)) as reader:
        answer = await reader.get("/v1/symbols")
        described = (await reader.get("/openapi.json")).json()
    assert answer.headers["deprecation"] == "@1795737600"
    assert answer.headers["sunset"] == "Sat, 01 May 2027 00:00:00 GMT"
    assert '</api/v1/companies>; rel="successor-version"' in answer.headers["link"]
    assert described["paths"]["/v1/symbols"]["get"]["deprecated"] is True
    assert "deprecation" not in (await client.get("/v1/symbols")).headers


async def test_the_page_of_the_api_needs_nothing_from_elsewhere(client: httpx.AsyncClient) -> None:
    """Every operation stands on it, and no script, style or picture of another host."""
    described = (await client.get("/openapi.json")).json()
    text = (await client.get("/docs")).text
    assert text == documentation.written(described)
    for path in described["paths"]:
        assert f"/api{path}" in text
    shown = re.findall(r"<pre>(.*?)</pre>", text, re.DOTALL)
    assert [block for block in shown if "<" in block] == []  # an address in a text loads nothing
    markup = re.sub(r"<pre>.*?</pre>", "", text, flags=re.DOTALL)
    for place, words in ((text, ("<script", "src=")), (markup, ("http://", "https://", "url("))):
        assert [word for word in words if word in place] == []


async def test_a_path_that_leads_nowhere_is_a_problem(
    client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So are a wrong method, nobody's token, and a fault of the desk's own."""
    monkeypatch.setattr(callers, "_pauses", Pauses(lambda: 0.0))

    def broken(*_: Any) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(resource, "run", broken)
    asked = [
        (await client.get("/v1/nowhere"), 404),
        (await client.put("/v1/companies"), 405),
        (await client.get("/v1/companies", headers={"Authorization": ""}), 401),
        (await client.get("/v1/companies"), 500),
    ]
    for answer, status in asked:
        assert answer.status_code == status
        assert answer.headers["content-type"] == "application/problem+json"
        problem = answer.json()
        assert problem["status"] == status
        assert {"type", "title", "detail", "instance", "hint", "errors"} <= set(problem)


async def test_answers_are_for_the_one_who_asked(client: httpx.AsyncClient) -> None:
    """No other origin may read them, no shared cache keeps them, and a file comes as one."""
    answer = await client.get("/v1/companies", headers={"Origin": "https://other.example"})
    assert "access-control-allow-origin" not in answer.headers
    assert answer.headers["cache-control"] == "private, no-cache"
    file = await client.get("/v1/exports/facts?cik=1001")
    assert file.headers["content-disposition"] == 'attachment; filename="facts.csv"'
