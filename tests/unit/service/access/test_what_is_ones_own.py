"""What is a reader's own, or shown once, is told to nobody else by any way."""

from __future__ import annotations

from collections.abc import Callable

import httpx
import pytest

from core.domain.access.principals import LOCAL, Role
from core.errors import UsageError
from core.service import current
from core.service.desk import Desk
from core.service.kernel import access, commands
from core.store.queries import PERSONAL
from tests import api_desk


def test_what_readers_keep_is_seen_by_no_query_of_others(make_desk: Callable[..., Desk]) -> None:
    """Their notes, marks, alerts and preferences, on a desk that several read."""
    desk = make_desk(access="token")
    ada = desk.roster.add_token("ada", Role.ANALYST, None, LOCAL)[0].principal
    bob = desk.roster.add_token("bob", Role.VIEWER, None, LOCAL)[0].principal
    with access.acting(ada):
        commands.run(desk, "note_write", {"symbol": "AAA", "text": "short it"})
    with access.acting(bob):
        for table in PERSONAL:
            with pytest.raises(UsageError, match=table):
                commands.run(desk, "sql", {"query": f"SELECT * FROM {table}"})
        told = commands.run(desk, "sql", {"query": "SELECT count(*) AS n FROM events"}).document
    assert told[0]["n"] > 0


def test_every_table_of_readers_is_known_as_one(desk: Desk) -> None:
    """A table with rows of readers that is added later stands in the list, too."""
    found = desk.warehouse.read(
        "SELECT DISTINCT table_name AS name FROM duckdb_columns() WHERE column_name = 'reader'"
    )
    assert set(found["name"]) == PERSONAL


def test_whoever_is_alone_asks_for_their_own(desk: Desk) -> None:
    """On a desk of one person everything is theirs."""
    commands.run(desk, "note_write", {"symbol": "AAA", "text": "mine"})
    found = commands.run(desk, "sql", {"query": "SELECT text FROM notes"}).document
    assert found == [{"text": "mine"}]


@pytest.mark.parametrize("command", ["token_add", "token_rotate"])
async def test_a_token_is_kept_nowhere_though_its_call_has_a_key(
    make_desk: Callable[..., Desk], command: str
) -> None:
    """The same call again is answered without it; the store, and so no backup, ever had it."""
    desk = make_desk(access="token")
    current.use(desk)
    admin = api_desk.token(desk, Role.ADMIN, "admin")
    api_desk.token(desk, Role.VIEWER, "old")
    asked = {"name": "old"} if command == "token_rotate" else {"name": "new", "role": "viewer"}
    path, key = f"/v1/commands/{command}", {"Idempotency-Key": "k"}
    answers: list[httpx.Response] = []
    async with api_desk.connected(admin) as client:
        for _ in range(2):
            answers.append(await client.post(path, json=asked, headers=key))
    made, again = (answer.json()["document"] for answer in answers)
    assert desk.roster.of_token(made["token"]) is not None
    assert again == {**made, "token": None}
    kept = desk.warehouse.read("SELECT body FROM access_answers")["body"][0]
    assert made["token"].encode() not in kept
