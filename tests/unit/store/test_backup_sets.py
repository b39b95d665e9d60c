"""Backups in pieces: what is unchanged is not written again, and a set comes back as it was."""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from core.errors import IntegrityError, StoreError
from core.service.data_folder import backups_of, bring_back
from core.service.desk import Desk
from core.service.trading import journal
from core.store import backup as backups
from core.store import manifests, piece_sets, pieces, sealing, sweeping
from core.store.connection import reading
from core.store.moving import digest, tables_of
from core.store.objects import FOLDER
from tests.damaged import damage
from tests.filled import fill

NOW = datetime(2026, 11, 20, 23, 30, tzinfo=UTC)
KEY = sealing.new_key()
ODD = (0.0, -0.0, 1e-300, -1e300, float("nan"), float("inf"), None)
_SIGNS = """
    SELECT sum(signbit(open)::INT), sum(signbit(low)::INT), (SELECT sum(signbit(value)::INT) FROM
    fact_rows) FROM bars_daily
"""
TEXTS = ("", "NULL", "a\x00b", "'; DROP TABLE x --", "é\u202e", "x" * 5000, None)


@pytest.fixture(params=[KEY, None], ids=["encrypted", "plain"])
def key(request: pytest.FixtureRequest) -> str | None:
    """Of encrypted backups, which go the longer way, and of those that are open."""
    return request.param  # type: ignore[no-any-return]


def made_set(desk: Desk, key: str | None = None, after: int = 0) -> manifests.Backup:
    """A set, `after` so many days."""
    where = backups_of(desk.settings.data_dir)
    now = NOW + timedelta(days=after)
    made = backups.make_set(desk.warehouse, desk.settings.queue_path, where, now, key=key)
    return backups.seal(made, key) if key else made


def pieces_in(desk: Desk) -> set[str]:
    there = backups_of(desk.settings.data_dir) / FOLDER
    return {path.name for path in there.iterdir() if path.suffix != ".lock" and path.name[0] != "."}


def contents(read: duckdb.DuckDBPyConnection) -> dict[str, object]:
    """Digest of every table and of facts, and how many numbers of some are below zero by sign."""
    told: dict[str, object] = {name: digest(read, name) for name in [*tables_of(read), "facts"]}
    told["signs"] = read.execute(_SIGNS).fetchall()
    return told


def contents_of(made: manifests.Backup, key: str | None) -> dict[str, object]:
    with backups.opened(made, key) as whole:
        path = whole.path_of(manifests.STORE)
        assert path is not None
        with reading(path) as connection:
            return contents(connection)


def contents_now(desk: Desk) -> dict[str, object]:
    with desk.warehouse.cursor() as cursor:
        return contents(cursor)


def change(desk: Desk, chance: random.Random) -> None:
    """Rows of any kind come, change and go."""
    with desk.warehouse.transaction() as tx:
        for _ in range(chance.randint(1, 6)):
            day = NOW.date() - timedelta(days=chance.randint(0, 900))
            row = [chance.choice("ABC"), day, *chance.choices(ODD, k=5), chance.choice(TEXTS) or ""]
            tx.execute("INSERT INTO bars_daily VALUES (?, ?, ?, ?, ?, ?, ?, ?)", row)
        texts = chance.choices(TEXTS, k=3)
        tx.execute(
            "INSERT INTO rejected_rows VALUES ('p', ?, 1, ?, 'r', ?)", [texts[0] or "", *texts[1:]]
        )
        tx.execute(
            "UPDATE bars_daily SET open = -open WHERE month(session) = ?", [chance.randint(1, 12)]
        )
        tx.execute("DELETE FROM bars_daily WHERE day(session) = ?", [chance.randint(1, 28)])
        if chance.random() < 0.3:
            tx.execute("UPDATE fact_rows SET value = -value WHERE cik = 1001")
        if chance.random() < 0.3:
            tx.execute(
                "INSERT INTO filing_risks VALUES (1, 'a', 0.5, ?, 'm', now())", [["NULL", None]]
            )
    desk.queue.publish("pull", {"n": chance.randint(1, 9)})


@pytest.mark.few(1)
@pytest.mark.parametrize("seed", range(4))
def test_each_of_many_sets_is_the_store_as_it_was(desk: Desk, seed: int, key: str | None) -> None:
    """Random stores after random changes: every set that is kept comes back equal to its moment."""
    chance = random.Random(seed)
    fill(desk)
    told = []
    for day in range(2):
        change(desk, chance)
        told.append((made_set(desk, key, day), contents_now(desk)))
    for made, wanted in told:
        assert contents_of(backups.check(made.folder, key), key) == wanted


@pytest.mark.few(1)
def test_what_is_unchanged_is_not_written_again(desk: Desk, key: str | None) -> None:
    """Nothing but the queue's copy where nothing changed; of changed bars the one month."""
    fill(desk)
    first = made_set(desk, key)
    assert first.written is not None
    assert first.written.reused_files == 0
    before = pieces_in(desk)
    again = made_set(desk, key, 1)
    assert again.written is not None
    assert (pieces_in(desk), again.written.reused_files) == (before, len(before))
    with desk.warehouse.scratch(1) as tx:
        assert tx is not None
        tx.execute(
            "UPDATE bars_daily SET close = close + 1 "
            "WHERE session = (SELECT max(session) FROM bars_daily)"
        )
    third = made_set(desk, key, 2)
    new = pieces_in(desk) - before
    assert len(new) == 1
    assert third.written is not None
    assert third.written.bytes < first.written.bytes


def test_columns_are_asked_for_once_however_many_tables_there_are(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The engine looks through the columns of all tables for those of one: 4 ms, 76 times."""
    asked: list[str] = []
    for module in (piece_sets, pieces):
        ask = module.columns_of

        def counted(*given: Any, ask: Any = ask, name: str = module.__name__) -> Any:
            asked.append(name)
            return ask(*given)

        monkeypatch.setattr(module, "columns_of", counted)
    assert contents_of(made_set(desk), None) == contents_now(desk)
    assert sorted(asked) == [piece_sets.__name__, pieces.__name__]


def test_a_sign_alone_makes_a_new_piece(desk: Desk) -> None:
    """The engine's hash takes 0.0 and -0.0 for one; a backup does not."""
    fill(desk)
    with desk.warehouse.transaction() as tx:
        tx.execute("UPDATE bars_daily SET open = 0.0")
    made_set(desk)
    with desk.warehouse.transaction() as tx:
        tx.execute("UPDATE bars_daily SET open = -0.0")
    made = made_set(desk, after=1)
    assert contents_of(made, None) == contents_now(desk)


def test_a_set_is_of_the_moment_when_writers_were_still(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is committed while pieces are written is of the next one; nobody waits for that."""
    fill(desk)
    wanted = contents_now(desk)
    write = pieces.write

    def meanwhile(*args: object) -> None:
        with desk.warehouse.transaction() as tx:
            tx.execute("INSERT INTO watchlist VALUES (7, 'Z', now())")
            tx.execute(
                "DELETE FROM bars_daily WHERE session = (SELECT max(session) FROM bars_daily)"
            )
        write(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(pieces, "write", meanwhile)
    made = made_set(desk)
    assert contents_of(made, None) == wanted


@pytest.mark.few(2)
@pytest.mark.parametrize("harm", ["flip", "cut", "gone"])
def test_a_damaged_piece_is_named_and_an_older_set_used(
    desk: Desk, harm: str, key: str | None
) -> None:
    """Whatever the harm to a piece that the newest alone names; the older one comes back."""
    fill(desk)
    older = made_set(desk, key)
    before = pieces_in(desk)
    with desk.warehouse.transaction() as tx:
        tx.execute("DELETE FROM watchlist")
        tx.execute("UPDATE companies SET name = 'Other'")
    newest = made_set(desk, key, 1)
    harmed = sorted(pieces_in(desk) - before)[0]
    damage(backups_of(desk.settings.data_dir) / FOLDER / harmed, harm)
    with pytest.raises(IntegrityError, match=harmed):
        backups.check(newest.folder, key)
    good, passed = backups.latest_good(backups_of(desk.settings.data_dir), key)
    assert good.folder == older.folder
    assert [harmed in error.message for error in passed] == [True]


def test_every_flip_in_any_piece_is_told(desk: Desk) -> None:
    """One bit in each of them, at a place of its own."""
    fill(desk)
    made = made_set(desk)
    for number, name in enumerate(sorted(pieces_in(desk))):
        path = backups_of(desk.settings.data_dir) / FOLDER / name
        clean = path.read_bytes()
        body = bytearray(clean)
        body[number * 97 % len(body)] ^= 1 << number % 8
        path.write_bytes(body)
        with pytest.raises(IntegrityError, match=name):
            backups.check(made.folder)
        path.write_bytes(clean)
    backups.check(made.folder)


@pytest.mark.few(1)
def test_a_damaged_piece_is_written_anew_by_the_next_set(desk: Desk, key: str | None) -> None:
    """Its rows are still here; the older set that names it is whole again where they are equal."""
    fill(desk)
    made_set(desk, key)
    for name in list(pieces_in(desk))[::3]:
        damage(backups_of(desk.settings.data_dir) / FOLDER / name, "flip")
    again = made_set(desk, key, 1)
    assert contents_of(backups.check(again.folder, key), key) == contents_now(desk)


def test_pieces_that_nothing_names_are_swept(desk: Desk, key: str | None) -> None:
    """After a set was removed, not before; none while one cannot be read, or one is being made."""
    fill(desk)
    where = backups_of(desk.settings.data_dir)
    first = made_set(desk, key)
    with desk.warehouse.transaction() as tx:
        tx.execute("UPDATE companies SET name = 'Other'")
    second = made_set(desk, key, 1)
    assert sweeping.sweep(where, key) == []
    shutil.rmtree(first.folder) if first.folder.is_dir() else first.folder.unlink()
    unreadable = where / f"20260101T000000{backups.SET}"
    unreadable.mkdir()
    assert sweeping.sweep(where, key) == []
    unreadable.rmdir()
    renamed = second.folder.rename(where / "kept")
    assert sweeping.sweep(where, key) == []
    renamed.rename(second.folder)
    with backups._objects(second.folder, key).in_use():
        assert sweeping.sweep(where, key) == []
    if key:
        assert sweeping.sweep(where, None) == []
    assert sweeping.sweep(where, key) != []
    backups.check(second.folder, key)
    assert pieces_in(desk) == {piece.file for piece in second.pieces.pieces}  # type: ignore[union-attr]


def test_a_key_that_is_new_encrypts_all_anew(desk: Desk) -> None:
    """Open pieces are none of an encrypted set, nor the other way round."""
    fill(desk)
    made_set(desk)
    sealed = made_set(desk, KEY, 1)
    assert sealed.pieces is not None
    assert all(piece.file.endswith(".age") for piece in sealed.pieces.pieces)
    for piece in sealed.pieces.pieces:
        body = (backups_of(desk.settings.data_dir) / FOLDER / piece.file).read_bytes()
        assert body.startswith(b"age-encryption.org/v1\n")
    other = f"{sealing.new_key()}\n{KEY}"
    assert made_set(desk, other, 2).written.reused_files > 0  # type: ignore[union-attr]


def test_a_full_disk_is_a_sentence_and_leaves_nothing(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While a piece is written, as the engine tells it."""
    fill(desk)

    def full(*_: object) -> None:
        with pieces.told(Path("piece.parquet")):
            raise duckdb.IOException('Could not write file "x": No space left on device')

    monkeypatch.setattr(pieces, "write", full)
    with pytest.raises(StoreError, match="No space left") as told:
        made_set(desk)
    assert told.value.hint and "make room" in told.value.hint
    where = backups_of(desk.settings.data_dir)
    assert backups.found(where) == []
    assert [path for path in where.iterdir() if path.name != FOLDER] == []
    assert pieces_in(desk) == set()


@pytest.mark.few(1)
def test_a_set_is_restored_as_a_copy_is(make_desk: Callable[..., Desk], key: str | None) -> None:
    """Store and queue, with books that agree with their marks."""
    desk = fill(make_desk(backup_key=key))
    journal.deposit(desk, Decimal(100), NOW.date())
    desk.queue.publish("pull", {"n": 1})
    made_set(desk, key)
    wanted = contents_now(desk)
    with desk.warehouse.transaction() as tx:
        tx.execute("DELETE FROM watchlist")
    desk.close()
    done = bring_back(desk.settings, None, NOW)
    assert done.passed == ()
    with Desk.open(desk.settings) as again:
        assert len(again.queue.find()) == 1
        assert contents_now(again)["watchlist"] == wanted["watchlist"]
        assert contents_now(again)["facts"] == wanted["facts"]
        assert contents_now(again)["journal_entries"] == wanted["journal_entries"]


def test_a_store_with_less_migrations_comes_back_with_less(desk: Desk) -> None:
    """Tables are made by the migrations that the store had, those of own datasets from the set."""
    fill(desk)
    with desk.warehouse.transaction() as tx:
        tx.execute("DROP TABLE engine_acts")
        tx.execute("DELETE FROM migrations WHERE number = 103")
        tx.execute(
            'CREATE TABLE "own rows" (n BIGINT, "at" TIMESTAMPTZ, x DECIMAL(18, 3), ok BOOLEAN[])'
        )
        tx.execute('INSERT INTO "own rows" VALUES (1, now(), 1.5, [true, NULL])')
        tx.execute("ALTER TABLE watchlist ADD COLUMN more INTEGER DEFAULT 3")
    wanted = contents_now(desk)
    assert contents_of(made_set(desk), None) == wanted


def test_a_column_that_pieces_cannot_hold_is_refused(desk: Desk) -> None:
    """With the way on."""
    with desk.warehouse.transaction() as tx:
        tx.execute("CREATE TABLE own_rows (s STRUCT(a INTEGER))")
    with pytest.raises(StoreError, match=r"own_rows\.s is of type") as told:
        made_set(desk)
    assert told.value.hint == "make whole copies: OPENBELL_BACKUP_KIND=whole"
