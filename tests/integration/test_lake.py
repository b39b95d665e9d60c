"""The store in DuckLake, its catalogue in a real PostgreSQL: moved there and back, one writer."""

from __future__ import annotations

import importlib.util
import threading
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any, LiteralString

import httpx
import orjson
import psycopg
import pytest
from typer.testing import CliRunner

from app.command_line import register_all
from core.addresses import LakeAddress
from core.errors import LostLeaseError, OwnershipError, SettingsError, StoreError, UsageError
from core.service.data_folder import bring_back
from core.service.desk import Desk
from core.settings import load
from core.store import backup
from core.store.digests import digests
from core.store.lake import LakeEngine
from core.store.lease import SILENCE_SECONDS, Lease, name_of
from core.store.warehouse import Warehouse
from tests import postgres_server, s3_server
from tests.filled import fill
from tests.queues import Clock


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    if not postgres_server.programs() or not importlib.util.find_spec("duckdb_extension_ducklake"):
        pytest.skip(postgres_server.MISSING)
    with postgres_server.running() as address:
        yield address


@pytest.fixture
def lake(server: str, tmp_path: Path) -> str:
    """The URL of an empty lake."""
    catalogue = postgres_server.make(server, f"t{uuid.uuid4().hex}")
    return f"ducklake:{catalogue}?data={tmp_path / 'lake'}"


def _migrated(monkeypatch: pytest.MonkeyPatch, folder: Path, source: str, target: str) -> object:
    monkeypatch.setenv("OPENBELL_DATA_DIR", str(folder))
    done = CliRunner().invoke(register_all(), ["migrate-store", source, target, "--json"])
    assert done.exit_code == 0, done.output
    return orjson.loads(done.stdout)


@pytest.mark.thorough
def test_a_desk_moves_to_a_lake_and_back(
    lake: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Counts and digests are equal on all; the desk reads, writes and backs up on the lake."""
    plain = load(data_dir=tmp_path / "desk")
    with Desk.open(plain) as desk:
        fill(desk)
        before = digests(desk.warehouse.read_anew)
    told = _migrated(monkeypatch, plain.data_dir, f"duckdb:///{plain.store_path}", lake)
    assert isinstance(told, dict)
    assert (told["equal"], told["tables"]["bars_daily"]["rows"] > 100) == (True, True)
    in_lake = load(data_dir=tmp_path / "desk", store_url=lake, sql_seconds=120)
    with Desk.open(in_lake) as desk:
        assert digests(desk.warehouse.read_anew) == before
        with desk.warehouse.transaction() as tx:
            tx.execute("INSERT INTO watchlist VALUES (7, 'NEW', now())")
        desk.warehouse.compare_with_mark()
        after = digests(desk.warehouse.read_anew)
        assert desk.queries.run("SELECT count(*) AS n FROM facts")[0]["n"] > 0
        made = backup.make(desk.warehouse, in_lake.queue_path, tmp_path / "backups", desk.now())
    with pytest.raises(UsageError, match="not replaced in place"):
        bring_back(in_lake, made.folder, Clock()())
    other = load(data_dir=tmp_path / "other")
    bring_back(other, made.folder, Clock()())
    with Desk.open(other) as desk:
        assert digests(desk.warehouse.read_anew) == after
    _migrated(monkeypatch, tmp_path / "third", lake, f"duckdb:///{tmp_path}/back.duckdb")
    with Warehouse.open(tmp_path / "back.duckdb") as back:
        assert digests(back.read_anew) == after


@pytest.mark.thorough
def test_a_lake_is_backed_up_in_pieces(lake: str, tmp_path: Path) -> None:
    """As of one moment; what is unchanged is not written again; it comes back as a file."""
    there = tmp_path / "backups"
    with Desk.open(load(data_dir=tmp_path / "desk", store_url=lake)) as desk:
        fill(desk)
        places = desk.warehouse, desk.settings.queue_path, there
        backup.make_set(*places, desk.now())
        with desk.warehouse.transaction() as tx:
            tx.execute("UPDATE companies SET name = 'Other'")
        wanted = digests(desk.warehouse.read_anew)
        made = backup.make_set(*places, desk.now())
    assert made.written is not None
    assert made.written.reused_files > made.written.files
    other = load(data_dir=tmp_path / "other")
    bring_back(other, made.folder, Clock()())
    with Desk.open(other) as desk:
        assert digests(desk.warehouse.read_anew) == wanted


def _engine(lake: str, path: Path) -> LakeEngine:
    return LakeEngine(LakeAddress(lake), path.with_suffix(".duckdb"))


def _sql(lake: str, sql: LiteralString) -> list[Any]:
    with psycopg.connect(LakeAddress(lake).catalogue, autocommit=True) as session:
        done = session.execute(sql)
        return done.fetchall() if done.description else []


def _cut(lake: str) -> None:
    """End the session that holds the lease, as a server does that restarts."""
    _sql(
        lake,
        "SELECT pg_terminate_backend(l.pid) FROM pg_locks l JOIN pg_database d "
        "ON d.oid = l.database WHERE locktype = 'advisory' AND datname = current_database()",
    )


def test_one_desk_writes_to_a_lake(lake: str, tmp_path: Path) -> None:
    """A second one is refused; whoever lost the lease to another writes nothing more."""
    with Warehouse.open(_engine(lake, tmp_path / "a")) as first:
        with pytest.raises(OwnershipError, match="another desk writes"):
            Warehouse.open(_engine(lake, tmp_path / "b"))
        _cut(lake)
        with Warehouse.open(_engine(lake, tmp_path / "b")) as second:
            with (
                pytest.raises(LostLeaseError, match="right to write to the lake was lost"),
                first.transaction() as tx,
            ):
                tx.execute("INSERT INTO watchlist VALUES (1, 'A', now())")
            assert second.read("SELECT count(*) FROM watchlist").item() == 0


def test_a_lease_that_was_lost_for_a_moment_is_taken_again(lake: str, tmp_path: Path) -> None:
    """The session was ended and nobody else came: writing goes on under the next epoch."""
    with Warehouse.open(_engine(lake, tmp_path / "a")) as desk:
        _cut(lake)
        with desk.transaction() as tx:
            tx.execute("INSERT INTO watchlist VALUES (1, 'A', now())")
        assert desk.read("SELECT count(*) FROM watchlist").item() == 1
        assert _sql(lake, "SELECT epoch FROM openbell_lease") == [(2,)]


def test_a_lease_that_is_taken_again_is_lost_by_silence_as_before(
    lake: str, tmp_path: Path
) -> None:
    """An engine that was cut off once must not keep the others out when it is cut off again."""
    taken = Lease.contend(LakeAddress(lake), threading.Event())
    assert taken
    engine = LakeEngine(LakeAddress(lake), tmp_path / "a.duckdb", taken)
    with Warehouse.open(engine) as desk:
        _cut(lake)
        assert desk.has_lost()
        desk.keep_owning()
        assert engine.silence_seconds == SILENCE_SECONDS


def test_a_lease_that_is_given_up_is_not_taken_back(lake: str, tmp_path: Path) -> None:
    """Also where it was lost and taken again before: another engine shall lead."""
    taken = Lease.contend(LakeAddress(lake), threading.Event())
    assert taken
    engine = LakeEngine(LakeAddress(lake), tmp_path / "a.duckdb", taken)
    with Warehouse.open(engine) as desk:
        _cut(lake)
        desk.keep_owning()
        taken.give_up()
        with (
            Warehouse.open(_contending(lake, tmp_path / "b")),
            pytest.raises(LostLeaseError),
            desk.transaction(),
        ):
            pass
        with pytest.raises(LostLeaseError), desk.transaction():
            pass


def _contending(lake: str, folder: Path) -> LakeEngine:
    """The lake of an engine that waits until the lease is free."""
    lease = Lease.contend(LakeAddress(lake), threading.Event())
    return LakeEngine(LakeAddress(lake), folder / "desk.duckdb", lease)


def test_a_lake_has_one_name_however_it_is_reached(lake: str, tmp_path: Path) -> None:
    """Engines and desks on several machines share a queue that belongs to the lake."""
    Warehouse.open(_engine(lake, tmp_path / "a")).close()
    by_name = lake.replace("127.0.0.1", "localhost")
    assert by_name != lake
    assert name_of(LakeAddress(by_name)) == name_of(LakeAddress(lake))


def test_a_commit_of_an_older_epoch_is_refused_in_its_transaction(
    lake: str, tmp_path: Path
) -> None:
    """Its lease went while the transaction was under way: another has taken over, and it fails."""
    with Warehouse.open(_engine(lake, tmp_path / "a")) as first:
        with (
            pytest.raises(LostLeaseError, match="it is of epoch 1, and 2 writes"),
            first.transaction() as tx,
        ):
            tx.execute("INSERT INTO watchlist VALUES (1, 'A', now())")
            _sql(lake, "UPDATE openbell_lease SET epoch = epoch + 1")
        assert first.read_anew("SELECT count(*) FROM watchlist").item() == 0


def test_an_empty_lake_is_not_begun_where_there_is_a_store(lake: str, tmp_path: Path) -> None:
    """It would hide what the desk had; the error says how the store comes along."""
    with Desk.open(load(data_dir=tmp_path / "desk")):
        pass
    with pytest.raises(StoreError, match="the lake is empty") as told:
        Desk.open(load(data_dir=tmp_path / "desk", store_url=lake))
    assert "migrate-store" in str(told.value.hint)


def test_a_bulk_insert_leaves_the_threads_of_a_lake_alone(lake: str, tmp_path: Path) -> None:
    """To change their number while something reads a lake would hang reader and writer for ever."""
    chosen = load(data_dir=tmp_path / "a", store_url=lake)
    assert chosen.lake is not None
    setting = "SELECT current_setting('threads')"
    with Warehouse.open(LakeEngine(chosen.lake, tmp_path / "a.duckdb")) as warehouse:
        with warehouse.cursor() as cursor:
            cursor.execute("SET GLOBAL threads = 3")
        with warehouse.transaction(bulk=True):
            assert warehouse.read_anew(setting).item() == 3


def test_a_lake_keeps_its_files_to_itself(lake: str, tmp_path: Path) -> None:
    """Queries of the desk reach the folder of the lake, and no other file."""
    (tmp_path / "secret.csv").write_text("a\n1\n")
    with (
        Warehouse.open(_engine(lake, tmp_path / "a")) as warehouse,
        pytest.raises(StoreError, match="disabled"),
    ):
        warehouse.read(f"SELECT * FROM read_csv('{tmp_path / 'secret.csv'}')")


def test_a_lake_in_s3_is_written_and_read_with_its_own_keys_alone(
    server: str, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Small rows and large ones come back; a query reaches nothing beside the prefix."""
    if not s3_server.PROGRAM.exists() or not importlib.util.find_spec("duckdb_extension_httpfs"):
        pytest.skip(s3_server.MISSING)
    catalogue = postgres_server.make(server, f"t{uuid.uuid4().hex}")
    with s3_server.running(tmp_path_factory.mktemp("weed")) as endpoint:
        chosen = load(
            data_dir=tmp_path / "desk",
            store_url=f"ducklake:{catalogue}?data=s3://{s3_server.BUCKET}/lake/",
            lake_endpoint=endpoint,
            lake_region="us-east-1",
            lake_key_id="test",
            lake_secret="hidden-key",
        )
        assert chosen.lake
        assert "hidden-key" not in repr(chosen.lake) + repr(chosen.lake.storage)
        with Warehouse.open(LakeEngine(chosen.lake, tmp_path / "a.duckdb")) as warehouse:
            with warehouse.transaction() as tx:
                tx.execute("CREATE TABLE many AS SELECT range AS n FROM range(50_000)")
                tx.execute("INSERT INTO watchlist VALUES (7, 'NEW', now())")
            assert warehouse.read("SELECT count(*), max(n) FROM many").row(0) == (50_000, 49_999)
            assert warehouse.read("SELECT symbol FROM watchlist").item() == "NEW"
            listed = httpx.get(f"{endpoint}/{s3_server.BUCKET}?list-type=2&prefix=lake/").text
            assert ".parquet" in listed
            with pytest.raises(StoreError, match="disabled"):
                warehouse.read(f"SELECT * FROM read_csv('s3://{s3_server.BUCKET}/other.csv')")


def test_a_database_that_is_away_is_named_without_its_password(tmp_path: Path) -> None:
    """One sentence with host, port and database."""
    if not importlib.util.find_spec("duckdb_extension_ducklake"):
        pytest.skip(postgres_server.MISSING)
    url = f"ducklake:postgresql://me:secret@127.0.0.1:1/desk?data={tmp_path}"
    with pytest.raises(StoreError, match="the lake cannot be opened") as told:
        Warehouse.open(LakeEngine(LakeAddress(url), tmp_path / "a.duckdb"))
    assert told.value.where == "ducklake:postgresql://127.0.0.1:1/desk"
    assert "secret" not in repr((str(told.value), told.value.hint))


@pytest.mark.parametrize(
    "url",
    [
        "ducklake:postgresql://h/desk",
        "ducklake:postgresql://h/desk?data=relative",
        "ducklake:postgresql://h?data=/x",
        "ducklake:sqlite:///a?data=/x",
        "ducklake:postgresql://h/desk?data=/x&more=1",
    ],
)
def test_an_address_that_is_no_lake_is_refused(url: str) -> None:
    """With how it should be."""
    with pytest.raises(SettingsError, match="ducklake:postgresql://HOST"):
        load(store_url=url)
