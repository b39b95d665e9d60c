"""Backups at a second place: a folder, and S3 as a server on loopback plays it."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from core.domain.access.principals import LOCAL, Role
from core.errors import IntegrityError, NotFoundError, TransportError, UsageError
from core.service.activity import feed
from core.service.care import backing_up, drill, second_place
from core.service.data_folder import backups_of, bring_back
from core.service.desk import Desk
from core.service.kernel import access, commands
from core.sources.outward.second_place import SecondPlace
from core.store import sealing
from tests import s3_server
from tests.filled import fill

EVENING = datetime(2026, 11, 20, 23, 30, tzinfo=UTC)
KEY = sealing.new_key()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """SeaweedFS, with S3 on loopback; left out where its wheel is not made for the system."""
    if not s3_server.PROGRAM.exists():
        pytest.skip(s3_server.MISSING)
    with s3_server.running(tmp_path_factory.mktemp("weed")) as url:
        yield url


@pytest.fixture(params=["folder", "s3"])
def url(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A second place, empty."""
    if request.param == "folder":
        return str(tmp_path / "elsewhere")
    endpoint = request.getfixturevalue("server")
    known = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
    for name, value in {**known, "AWS_REGION": "us-east-1", "AWS_ENDPOINT_URL": endpoint}.items():
        monkeypatch.setenv(name, value)
    return f"s3://{s3_server.BUCKET}/{secrets.token_hex(6)}"


def told(desk: Desk) -> list[str]:
    return [event["kind"] for event in feed.following(desk, feed.chosen(["backup"]), "")]


@pytest.mark.parametrize("key", [KEY, None], ids=["encrypted", "plain"])
def test_a_lost_desk_comes_back_from_there(
    make_desk: Callable[..., Desk], tmp_path: Path, url: str, key: str | None
) -> None:
    """Drilled first, digests equal; then restored into a folder that has nothing."""
    desk = fill(make_desk(backup_url=url, backup_key=key))
    made = commands.run(desk, "backup", {}).document
    assert made["encrypted"] is (key is not None)
    name = made["second_place"]
    assert name.endswith(sealing.SEALED if key else sealing.PLAIN)
    assert SecondPlace(url).names() == [name]
    found = commands.run(desk, "drill", {"from_second_place": True})
    assert (found.exit_code, found.document["equal"]) == (0, True)
    assert found.document["digests"]["bars_daily"]["equal"]
    assert told(desk) == ["backup.made", "backup.copied"]
    rows = desk.warehouse.read("SELECT count(*) FROM bars_daily").item()
    desk.close()
    lost = desk.settings.model_copy(update={"data_dir": tmp_path / "new"})
    with second_place.fetched(lost, None) as (path, passed):
        done = bring_back(lost, path, EVENING)
    assert (done.kept, passed) == ((), [])
    with Desk.open(lost) as again:
        assert again.warehouse.read("SELECT count(*) FROM bars_daily").item() == rows
    assert not list(lost.data_dir.glob(".openbell-*"))


def test_a_damaged_one_there_is_passed_over_and_a_drill_says_so(
    make_desk: Callable[..., Desk], url: str, tmp_path: Path
) -> None:
    """The newest that is whole is taken; of none that is, each is named."""
    desk = fill(make_desk(backup_url=url, backup_key=KEY))
    names = []
    for hour in range(2):
        desk.now = lambda hour=hour: EVENING + timedelta(hours=hour)  # type: ignore[misc]
        names.append(backing_up.make(desk)["second_place"])
    spoil(url, names[1], tmp_path)
    with second_place.fetched(desk.settings, None) as (path, passed):
        assert path.name == names[0]
    assert [names[1] in error.message for error in passed] == [True]
    with pytest.raises(IntegrityError, match="newer backups"):
        drill.drill(desk, from_second_place=True)
    spoil(url, names[0], tmp_path)
    with pytest.raises(IntegrityError, match="no whole backup"):
        drill.drill(desk, from_second_place=True)


def spoil(url: str, name: str, tmp_path: Path) -> None:
    """Flip one byte in the middle of what is there."""
    place = SecondPlace(url)
    path = place.fetch(name, tmp_path)
    body = bytearray(path.read_bytes())
    body[len(body) // 2] ^= 1
    path.write_bytes(body)
    place.put(path)


def test_it_is_thinned_out_there_too(make_desk: Callable[..., Desk], url: str) -> None:
    """By the same rotation, timed ones alone."""
    desk = make_desk(backup_url=url, backup_keep="2d")
    backing_up.make(desk)
    for day in range(4):
        desk.now = lambda day=day: EVENING + timedelta(days=day)  # type: ignore[misc]
        backing_up.make(desk, timed=True)
    timed = [name for name in SecondPlace(url).names() if "-timed" in name]
    assert timed == ["20261123T233000-timed.tar", "20261122T233000-timed.tar"]
    assert len(SecondPlace(url).names()) == 3


def test_a_place_that_is_gone_loses_no_backup(
    make_desk: Callable[..., Desk], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The one at home is made and verified; that it is at home only is told, and its end, too."""
    blocked = tmp_path / "blocked"
    blocked.write_text("a file where the folder should be")
    desk = make_desk(backup_url=str(blocked))
    made = backing_up.make(desk)
    assert made["second_place"] is None
    assert told(desk) == ["backup.made", "backup.not_copied"]
    assert len(list(backups_of(desk.settings.data_dir).iterdir())) == 1
    blocked.unlink()
    assert backing_up.make(desk)["second_place"]
    assert told(desk)[-1] == "backup.copied"

    def half(self: SecondPlace, path: Path) -> str:
        return "0" * 64

    monkeypatch.setattr(SecondPlace, "_sha256", half)
    assert backing_up.make(desk)["second_place"] is None
    assert told(desk)[-1] == "backup.not_copied"


def test_what_cannot_be_asked_for_is_told(make_desk: Callable[..., Desk], url: str) -> None:
    """No second place, a name that is none, one that is not there."""
    desk = make_desk()
    with pytest.raises(NotFoundError, match="no second place"):
        commands.run(desk, "drill", {"from_second_place": True})
    chosen: Any = desk.settings.model_copy(update={"backup_url": url})
    with pytest.raises(UsageError, match="no backup"), second_place.fetched(chosen, "../x"):
        pass
    with pytest.raises(TransportError, match="read"), second_place.fetched(chosen, "x.tar"):
        pass
    with pytest.raises(IntegrityError, match="no whole"), second_place.fetched(chosen, None):
        pass


@pytest.mark.parametrize("url", ["s3"], indirect=True)
def test_what_is_published_reaches_a_bucket(make_desk: Callable[..., Desk], url: str) -> None:
    """The archive and its SHA-256; the desk's own command line alone may name where."""
    desk = fill(make_desk(access="token"))
    who = desk.roster.add_token("t", Role.ADMIN, None, LOCAL)[0].principal
    with access.acting(who), pytest.raises(UsageError, match="own command line"):
        commands.run(desk, "publish", {"bucket": url, "apply": True})
    with access.acting(LOCAL):
        for odd in ("https://x/y", "s3://", "s3://a/b?c=d", str(desk.settings.data_dir)):
            with pytest.raises(UsageError):
                commands.run(desk, "publish", {"bucket": odd})
        dry = commands.run(desk, "publish", {"bucket": url}).document
        assert SecondPlace(url).names() == []
        done = commands.run(desk, "publish", {"bucket": url, "apply": True}).document
    assert done == {**dry, "applied": True}
    name = done["file"].rpartition("/")[2]
    assert SecondPlace(url).names() == [f"{name}.sha256", name]
    file = SecondPlace(url).fetch(name, desk.settings.data_dir)
    assert hashlib.sha256(file.read_bytes()).hexdigest() == done["sha256"]
