"""Who did what: kept with what it changes, proved, signed."""

from __future__ import annotations

import contextvars
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import orjson
import pytest

from app import run as runner
from core import atomic
from core.domain.access.checkpoints import Checkpoint
from core.domain.access.principals import ENGINE, LOCAL, Role
from core.errors import IntegrityError, RoleError, StoreError, UsageError
from core.observe import logs
from core.service.access import admin, auditing
from core.service.care import backing_up, preferences
from core.service.desk import Desk
from core.service.filings import companies
from core.service.kernel import access, commands, exports
from core.service.trading import journal
from core.store import audit as store
from core.store import events

DAY = date(2024, 1, 3)
FAR = 9_999


def rows(desk: Desk) -> list[dict[str, Any]]:
    """The chain, oldest first."""
    return auditing.acts(desk, FAR).reverse().to_dicts()


def told(desk: Desk) -> list[tuple[str, str, str]]:
    return [(row["name"], row["act"], row["outcome"]) for row in rows(desk)]


def test_an_act_is_kept_in_the_transaction_of_its_change(desk: Desk) -> None:
    """One commit has both: when that fails there is neither."""
    before = desk.warehouse.commits
    with logs.correlated("c0ffee"):
        journal.deposit(desk, Decimal("5.00"), DAY)
    assert desk.warehouse.commits == before + 1
    row = rows(desk)[-1]
    assert (row["act"], row["outcome"], row["correlation_id"]) == (
        "journal.deposit", "done", "c0ffee",
    )  # fmt: skip
    assert "5.00" in row["detail"]
    assert "2024-01-03" in row["detail"]
    desk.warehouse.before_commit.append(refuse)
    with pytest.raises(StoreError, match="no room"):
        journal.deposit(desk, Decimal("7.00"), DAY)
    assert len(rows(desk)) == 1


def refuse(_: object) -> None:
    raise StoreError("no room")


def test_what_changes_nothing_in_the_store_is_kept_after_it(desk: Desk) -> None:
    """A pull is queued elsewhere; what the store cannot keep now goes with its next commit."""
    commands.run(desk, "jobs_retry", {"all": True})
    assert told(desk) == [("local", "jobs.retry", "done")]
    desk.warehouse.before_commit.append(refuse)
    commands.run(desk, "jobs_retry", {"all": True})
    assert len(told(desk)) == 1
    desk.warehouse.before_commit.remove(refuse)
    preferences.save(desk, preferences.Preferences())
    acts = [act for _, act, _ in told(desk)]
    assert acts == ["jobs.retry", "jobs.retry", "preferences.save"]
    assert auditing.proof(desk)["intact"]


def test_an_act_that_fails_after_its_first_change_says_so(desk: Desk) -> None:
    """Half of it stands in the store, and so does its failure; one that changed nothing is none."""

    @access.needs(Role.VIEWER)
    def by_halves(desk: Desk) -> None:
        with desk.warehouse.transaction():
            pass
        raise UsageError("not so")

    @access.needs(Role.VIEWER)
    def not_at_all(desk: Desk) -> None:
        raise UsageError("never")

    for act in (by_halves, not_at_all):
        with pytest.raises(UsageError):
            act(desk)
    access.ACTIONS.pop("test_auditing.by_halves")
    access.ACTIONS.pop("test_auditing.not_at_all")
    assert [(act, outcome) for _, act, outcome in told(desk)] == [
        ("test_auditing.by_halves", "done"),
        ("test_auditing.by_halves", "failed"),
    ]


def test_sign_ins_and_tokens_are_in_the_chain_once(make_desk: Callable[..., Desk]) -> None:
    """With what they were given, and without a secret."""
    desk = make_desk(access="token")
    with access.acting(LOCAL):
        made = admin.add_token(desk, "bot", Role.TRADER)
        who = desk.roster.of_token(made["token"])
        assert who is not None
        desk.roster.end(desk.roster.begin(who))
        admin.revoke_token(desk, "bot")
        found = rows(desk)
    assert [row["act"] for row in found] == ["token add", "sign in", "sign out", "token revoke"]
    assert found[0]["detail"] == "bot, trader"
    assert made["token"] not in str(found)


def test_the_engine_acts_for_nobody(desk: Desk) -> None:
    """What it does by itself is told as events."""
    with access.acting(ENGINE):
        companies.watch(desk, ["320193"])
    assert rows(desk) == []


def test_a_change_in_the_store_is_found_and_named(desk: Desk) -> None:
    """By the command, with exit code 3; it is told when the next checkpoint is to be signed."""
    for amount in ("1.00", "2.00", "3.00"):
        journal.deposit(desk, Decimal(amount), DAY)
    whole = commands.run(desk, "audit", {"verify": True})
    assert whole.exit_code == 0
    assert whole.document == {"entries": 3, "intact": True, "first_fault": None, "checkpoints": 0}
    with desk.warehouse.transaction() as tx:
        tx.execute("UPDATE access_audit SET name = 'somebody else' WHERE entry = 2")
    found = commands.run(desk, "audit", {"verify": True})
    assert found.exit_code == 3
    assert found.document["first_fault"] == {
        "entry": 2, "fault": "entry 2 was changed after it was written",
    }  # fmt: skip
    with pytest.raises(IntegrityError, match="entry 2"):
        auditing.signed(desk)
    backing_up._sign(desk)
    last = events.page(desk.warehouse, events.EventFilter(kinds=["audit"]))
    assert last["kind"].to_list() == ["audit.broken"]
    with desk.warehouse.transaction() as tx:
        (name,) = tx.read("SELECT DISTINCT name FROM access_audit WHERE entry <> 2")["name"]
        tx.execute("UPDATE access_audit SET name = ? WHERE entry = 2", [name])
    for _ in range(2):
        backing_up._sign(desk)
    last = events.page(desk.warehouse, events.EventFilter(kinds=["audit"]))
    assert last["kind"].to_list() == ["audit.whole", "audit.broken"]


def test_a_chain_written_anew_differs_from_its_checkpoints(desk: Desk) -> None:
    """In the store, and in a file that was kept elsewhere."""
    journal.deposit(desk, Decimal("1.00"), DAY)
    answer = commands.run(desk, "audit", {"checkpoint": True}).document["checkpoint"]
    elsewhere = orjson.loads(runner.dumps(answer))
    # signing is an act, too: it stands behind what it signed
    assert (elsewhere["entry"], len(rows(desk))) == (1, 2)
    good = commands.run(desk, "audit", {"verify": True, "against": elsewhere})
    assert good.document["intact"]
    assert good.document["checkpoints"] == 2
    old = store.entries(desk.warehouse)
    with desk.warehouse.transaction() as tx:
        for table in ("access_audit", "access_audit_head", "access_checkpoints"):
            tx.execute(f"DELETE FROM {table}")
        store.append(tx, [old[1].act, old[0].act])
    assert commands.run(desk, "audit", {"verify": True}).document["intact"]
    found = commands.run(desk, "audit", {"verify": True, "against": elsewhere}).document
    assert found["first_fault"] == {
        "entry": 1, "fault": "entry 1 is not the one of the checkpoint",
    }  # fmt: skip


def test_a_checkpoint_that_nobody_signed_is_refused(desk: Desk) -> None:
    """Its signature covers entry, hash and instant; those in the store need the desk's own key."""
    journal.deposit(desk, Decimal("1.00"), DAY)
    point = auditing.signed(desk)
    known = auditing.document(point)
    for forged in (
        {"entry": 2},
        {"hash": "f" * 64},
        {"signature": "00" * 64},
        {"public_key": "zz"},
    ):
        wrong = Checkpoint.of(orjson.loads(orjson.dumps(known | forged)))
        assert not auditing.proof(desk, [wrong])["intact"]
    (desk.settings.data_dir / auditing.KEY).unlink()
    fault = auditing.proof(desk)["first_fault"]
    assert fault and "another key" in fault["fault"]
    (desk.settings.data_dir / auditing.KEY).write_text("no key")
    with pytest.raises(IntegrityError, match="key of the audit chain"):
        auditing.signed(desk)
    with pytest.raises(UsageError, match="no checkpoint"):
        commands.run(desk, "audit", {"against": {"entry": 1}})


def test_what_was_kept_before_there_was_a_chain_is_taken_in(make_desk: Callable[..., Desk]) -> None:
    """An existing store has its lines in the chain after the next start, once."""
    desk = make_desk()
    with desk.warehouse.transaction() as tx:
        for seq, act in ((2, "second"), (1, "first")):
            tx.execute(
                "INSERT INTO access_log "
                "VALUES (?, ?, 'token', 't', 'tess', 'trader', ?, 'done', '')",
                [seq, desk.now(), act],
            )
    desk.close()
    again = make_desk()
    assert [act for _, act, _ in told(again)] == ["first", "second"]
    assert auditing.proof(again)["intact"]
    assert store.adopt(again.warehouse) == 0


def test_pages_of_the_command_and_the_export(desk: Desk) -> None:
    """Newest first, older than an entry; the export has the hashes; both are for admins."""
    for amount in range(1, 4):
        journal.deposit(desk, Decimal(amount), DAY)
    first = commands.run(desk, "audit", {"limit": 2}).document
    assert ([row["entry"] for row in first["acts"]], first["next"]) == ([3, 2], 2)
    rest = commands.run(desk, "audit", {"limit": 2, "before": 2}).document
    assert ([row["entry"] for row in rest["acts"]], rest["next"]) == ([1], None)
    with pytest.raises(UsageError, match="limit"):
        commands.run(desk, "audit", {"limit": 0})
    frame = exports.frame_of(desk, "audit")
    assert frame["entry"].to_list() == [3, 2, 1]
    assert frame["previous_hash"][0] == frame["hash"][1]
    token, _ = desk.roster.add_token("t", Role.TRADER, None, LOCAL)
    with access.acting(token.principal), pytest.raises(RoleError):
        exports.frame_of(desk, "audit")


def test_texts_of_strangers_come_back_as_they_were_hashed(desk: Desk) -> None:
    """Control characters, half a surrogate pair, a novel: the chain stays whole."""
    for text in ("a\x00b", "\ud800", "x" * 10_000, "na\u00efve \u202e text", "line\nline"):
        desk.roster.trail.note(LOCAL, "said", "done", text)
    assert auditing.proof(desk)["intact"]
    assert max(len(row["detail"]) for row in rows(desk)) == store.LONGEST


def test_the_key_is_made_once(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two that sign first at the same time use one: the other's would disown what it has signed."""
    written: list[Path] = []
    write = atomic.write
    meeting = threading.Barrier(2, timeout=1.0)

    def late(path: Path, body: bytes, **how: bool) -> None:
        with suppress(threading.BrokenBarrierError):
            meeting.wait()
        written.append(path)
        write(path, body, **how)

    monkeypatch.setattr(atomic, "write", late)
    with ThreadPoolExecutor(2) as pool:
        both = [pool.submit(contextvars.copy_context().run, auditing.signed, desk) for _ in "ab"]
        assert [one.result().entry for one in both]
    assert written == [desk.settings.data_dir / auditing.KEY]
    assert auditing.proof(desk)["intact"]


def test_what_a_kill_left_of_the_key_is_written_over(desk: Desk) -> None:
    """No piece of a key stays beside it."""
    left = desk.settings.data_dir / f".{auditing.KEY}.part"
    left.write_text("half")
    auditing.signed(desk)
    assert not left.exists()


def test_whom_an_admin_made_tokens_for_is_found(make_desk: Callable[..., Desk]) -> None:
    """By maker in the list; by issuer and subject, with changed secrets, in the export."""
    desk = make_desk(access="token")
    root, other = (
        desk.roster.add_token(name, Role.ADMIN, None, LOCAL)[0].principal for name in ("root", "o")
    )
    for who, names in ((root, ("Ann", "Bob")), (other, ("Cid",))):
        with access.acting(who):
            for name in names:
                admin.add_token(desk, name, Role.TRADER)
    with access.acting(root):
        admin.rotate_token(desk, "Cid")
        made = [row["name"] for row in admin.tokens(desk).to_dicts() if row["made_by"] == "root"]
        chain = exports.frame_of(desk, "audit").to_dicts()
    assert sorted(made) == ["Ann", "Bob"]
    seen = [
        row["detail"].split(",")[0]
        for row in chain
        if row["act"] in ("token add", "token rotate")
        and (row["issuer"], row["subject"]) == root.key
    ]
    assert sorted(seen) == ["Ann", "Bob", "Cid"]
