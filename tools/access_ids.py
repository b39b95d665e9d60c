"""Handles that lead on: cursors, last ids of a stream, ids of jobs and alerts, names of views.

Beside `access_handles`: what another's gives beyond what one's own would, for the matrix.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Protocol

import polars as pl

from core.domain.access.principals import Principal
from core.errors import OpenbellError
from core.service.alerts import bell
from core.service.care import preferences
from core.service.desk import Desk
from core.service.kernel import access
from tools.access_trials import COLUMNS, Trial

API, OWN = "/api/v1", "seen by its owner alone"
PAGE, VIEW, QUERY = "scan", "mine", "note=seen+by+its+owner+alone"
STREAM_SECONDS = 0.6  # a listener stays so long: twice as long as it is looked for news


class Asking(Protocol):
    """Somebody who calls the API."""

    @property
    def token(self) -> str:
        """Theirs; "" for nobody."""

    async def ask(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        """What they are answered."""

    async def run(self, command: str, **arguments: Any) -> Any:
        """A command."""


async def cursor(owner: Asking, other: Asking) -> bool:
    """Whether the cursor of a list gives another more than the list itself would."""
    first = (await owner.ask("GET", f"{API}/datasets?limit=1")).json()
    after = f"{API}/datasets?limit=1&cursor={first['meta']['next']}"
    found = await other.ask("GET", after)
    whole = await other.ask("GET", f"{API}/datasets")
    if whole.status_code != 200:
        return bool(found.status_code == 200)
    rows = found.json()["data"] if found.status_code == 200 else []
    known = [row["name"] for row in whole.json()["data"]]
    return any(row["name"] not in known for row in rows)


async def filtered_cursor(owner: Asking, other: Asking) -> bool:
    """Whether the cursor of one choice of filters opens a list with others."""
    first = (await owner.ask("GET", f"{API}/glossary?limit=1&q=gap")).json()
    found = await other.ask("GET", f"{API}/glossary?limit=1&cursor={first['meta']['next']}")
    return bool(found.status_code == 200)


async def event_page(owner: Asking, other: Asking) -> bool:
    """Whether the id of an event opens what is its owner's: a page goes on after it."""
    await owner.run("note_write", symbol="AAA", text=OWN)
    first = (await owner.ask("GET", f"{API}/events?limit=1")).json()["data"]
    found = await other.ask("GET", f"{API}/events?after={first[0]['id'] if first else '0' * 20}")
    mine = await other.ask("GET", f"{API}/events")
    return OWN in found.text or (found.status_code == 200) != (mine.status_code == 200)


async def job(owner: Asking, other: Asking) -> bool:
    """Whether the id of a job that was asked for calls it off."""
    made = await owner.ask("POST", f"{API}/datasets/prices.daily/refresh", {"force": True})
    job_id = made.json()["data"]["job_id"]
    await other.ask("DELETE", f"{API}/jobs/{job_id}")
    state = (await owner.ask("GET", f"{API}/jobs/{job_id}")).json()["data"]["state"]
    return bool(state == "cancelled")


async def key_of_another_call(owner: Asking, other: Asking) -> bool:
    """Whether a key tells another that it was used: with another body it would be refused."""
    lines = [{"account": "assets:cash", "debit": "1.00"},
             {"account": "income:interest", "credit": "1.00"}]  # fmt: skip
    path, mark = f"{API}/journal/entries", other.token[-8:] or "nobody"
    own = {"memo": OWN, "lines": lines}
    await owner.ask("POST", path, own, Idempotency_Key=f"two {mark}".replace(" ", "-"))
    another = {"memo": "another's", "lines": lines}
    found = await other.ask("POST", path, another, Idempotency_Key=f"two-{mark}")
    return found.status_code in (409, 422) or OWN in found.text


BY_API = {  # and who may by their role
    "the cursor of a list": (cursor, ()),
    "the cursor of a choice of filters": (filtered_cursor, ()),
    "the id of an event": (event_page, ()),
    "the id of a job": (job, ("analyst", "trader", "admin")),
    "the key of another call": (key_of_another_call, ()),
}


def _view(desk: Desk, owner: Principal, other: Principal) -> bool:
    """Whether the name of a saved view shows another's, changes it or takes it away."""
    with access.acting(owner):
        preferences.save_preset(desk, PAGE, VIEW, QUERY)
    with access.acting(other):
        seen = any(row["query"] == QUERY for row in preferences.presets(desk, PAGE))
        for change in (
            lambda: preferences.remove_preset(desk, PAGE, VIEW),
            lambda: preferences.save_preset(desk, PAGE, VIEW, "another's"),
        ):
            _tried(change)
    with access.acting(owner):
        kept = [row["query"] for row in preferences.presets(desk, PAGE) if row["name"] == VIEW]
    return seen or kept != [QUERY]


def _alert(desk: Desk, owner: Principal, other: Principal) -> bool:
    """Whether the id of an alert shows it to another, or marks it as read."""
    with access.acting(owner):
        row = {"alert_id": "f" * 20, "reader": preferences.reader_now(desk)}
    _put_alert(desk, row)
    with access.acting(other):
        seen = _tried(lambda: row["alert_id"] in bell.listing(desk)["alert_id"].to_list())
        _tried(lambda: bell.read(desk, [row["alert_id"]]))
    with access.acting(owner):
        unread = row["alert_id"] in bell.listing(desk, unread=True)["alert_id"].to_list()
    return bool(seen) or not unread


def _put_alert(desk: Desk, row: dict[str, Any]) -> None:
    whole = {**row, "event_id": "e" * 20, "happened_at": desk.now(), "kind": "pull.failed",
             "subject": "prices.daily", "severity": "error",
             "message": OWN, "bell": True}  # fmt: skip
    with desk.warehouse.transaction() as tx:
        tx.execute("DELETE FROM alerts WHERE alert_id = ?", [row["alert_id"]])
        tx.insert("alerts", pl.DataFrame([whole]))


IN_PAGES: dict[str, Callable[[Desk, Principal, Principal], bool]] = {
    "the name of a saved view": _view,
    "the id of an alert": _alert,
}


def in_pages(desk: Desk, owner: Principal, others: dict[str, Principal]) -> list[Trial]:
    """Handles that pages use, by everybody else."""
    return [
        Trial("handle", name, "another's", column, expected=False, found=use(desk, owner, who))
        for name, use in IN_PAGES.items()
        for column, who in others.items()
    ]


async def streams(app: Any, owner: Asking, tokens: dict[str, str]) -> list[Trial]:
    """A stream that goes on after the id that another's had come to.

    It tells viewers what happened, and nothing that is its owner's alone.
    """
    first = (await owner.ask("GET", f"{API}/events?limit=1")).json()["data"]
    await owner.run("note_write", symbol="AAA", text=OWN)
    made = []
    for column in COLUMNS:
        status, body = await _heard(app, tokens[column], first[0]["id"] if first else "0" * 20)
        let_in = column not in ("nobody", "revoked")
        private = OWN.encode() in body
        trial = ("handle", "the last id of a stream", "another's", column)
        found = status == 200 and not private if let_in else status == 200
        made.append(Trial(*trial, expected=let_in, found=found))
    return made


async def _heard(app: Any, token: str, last_id: str) -> tuple[int, bytes]:
    """The status of a stream, and what it says before the listener goes away."""
    headers = {"accept": "text/event-stream", "last-event-id": last_id, "host": "desk"}
    headers |= {"authorization": f"Bearer {token}"} if token else {}
    scope = {
        "type": "http", "method": "GET", "path": f"{API}/events", "query_string": b"",
        "root_path": "", "scheme": "http", "http_version": "1.1", "server": ("desk", 80),
        "client": ("10.0.0.7", 1),
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
    }  # fmt: skip
    sent: list[Any] = []
    asked = [{"type": "http.request", "body": b"", "more_body": False}]

    async def receive() -> Any:
        if asked:
            return asked.pop()
        await asyncio.sleep(STREAM_SECONDS)
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        sent.append(message)

    await app(scope, receive, send)
    return sent[0]["status"], b"".join(part.get("body", b"") for part in sent[1:])


def _tried(do: Callable[[], Any]) -> Any:
    """What it gives; None when it is refused."""
    try:
        return do()
    except OpenbellError:
        return None
