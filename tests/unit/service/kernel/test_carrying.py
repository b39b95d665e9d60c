"""A desk hands files to the engine that asks for them: whole, unchanged, or not at all."""

from __future__ import annotations

import queue
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from core.errors import ProtocolError, StoreError, UsageError
from core.service.kernel import carrying, given_files, wire
from core.service.kernel.asking import Seal

SEAL = Seal(lambda: b"secret")


class Box:
    """Pieces in memory; `most` is how many of them waited at a time."""

    def __init__(self) -> None:
        self.lists: dict[str, queue.Queue[bytes]] = defaultdict(queue.Queue)
        self.most = 0

    def want(self, carriage: str, body: bytes) -> None:
        self.lists[carriage].put(body)
        self.most = max(self.most, self.lists[carriage].qsize())

    def hand(self, turn: str, body: bytes) -> None:
        self.lists[turn].put(body)
        self.most = max(self.most, self.lists[turn].qsize())

    def wanted(self, name: str, seconds: float) -> bytes | None:
        try:
            return self.lists[name].get(timeout=seconds)
        except queue.Empty:
            return None

    handed = wanted


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Small pieces, little patience."""
    monkeypatch.setattr(carrying, "PIECE_BYTES", 10)
    monkeypatch.setattr(carrying, "LOOK_SECONDS", 0.01)


@pytest.fixture
def box() -> Iterator[Box]:
    yield Box()


def engine(tmp_path: Path, box: Box, seal: Seal = SEAL) -> Any:
    """What of an engine's desk is needed."""
    downloads = tmp_path / "downloads"
    downloads.mkdir(exist_ok=True)
    return SimpleNamespace(post=(box, seal), downloads=downloads)


def read(path: Path) -> dict[str, bytes]:
    """What lies there, by name."""
    if path.is_file():
        return {path.name: path.read_bytes()}
    return {f.relative_to(path).as_posix(): f.read_bytes() for f in path.rglob("*") if f.is_file()}


@pytest.mark.parametrize("size", [0, 1, 9, 10, 11, 1234])
def test_a_file_comes_as_it_is_under_its_name(tmp_path: Path, box: Box, size: int) -> None:
    """A few pieces at a time, whatever its size; nothing of it is left behind."""
    file = tmp_path / "prices.csv"
    file.write_bytes(bytes(n % 251 for n in range(size)))
    desk = engine(tmp_path, box)
    with carrying.handing(box, SEAL, file) as carried:
        there = wire.loads(wire.dumps(carried))
        for _ in range(2):  # another engine begins anew
            with carrying.at_hand(desk, there) as path:
                assert read(path) == {"prices.csv": file.read_bytes()}
    assert box.most <= carrying.AT_ONCE
    assert list(desk.downloads.iterdir()) == []


def test_a_folder_comes_with_what_is_below_it(tmp_path: Path, box: Box) -> None:
    """Files of folders in it, and empty ones."""
    top = tmp_path / "many"
    (top / "deep").mkdir(parents=True)
    (top / "a.csv").write_bytes(b"a" * 25)
    (top / "deep" / "b.csv").write_bytes(b"")
    with (
        carrying.handing(box, SEAL, top) as carried,
        carrying.at_hand(engine(tmp_path, box), carried) as path,
    ):
        assert path.name == "many"
        assert read(path) == read(top)


def test_a_file_that_changes_meanwhile_is_not_loaded(tmp_path: Path, box: Box) -> None:
    """What came is not what was told."""
    file = tmp_path / "prices.csv"
    file.write_bytes(b"x" * 30)
    with carrying.handing(box, SEAL, file) as carried:
        file.write_bytes(b"y" * 30)
        with (
            pytest.raises(StoreError, match="changed while it was handed"),
            carrying.at_hand(engine(tmp_path, box), carried),
        ):
            pass


def test_a_desk_that_is_gone_is_told_so(
    tmp_path: Path, box: Box, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The engine does not wait for ever."""
    monkeypatch.setattr(carrying, "PATIENCE_SECONDS", 0.01)
    file = tmp_path / "prices.csv"
    file.write_bytes(b"x" * 30)
    with carrying.handing(box, SEAL, file) as carried:
        pass
    with (
        pytest.raises(StoreError, match="was not handed over to its end"),
        carrying.at_hand(engine(tmp_path, box), carried),
    ):
        pass


def test_a_wrong_signature_counts_for_nothing(tmp_path: Path, box: Box) -> None:
    """Whoever can write to Redis alone reads no file of a desk."""
    file = tmp_path / "secret.csv"
    file.write_bytes(b"x" * 30)
    with carrying.handing(box, SEAL, file) as carried:
        turn = "0" * 32
        ask = wire.dumps({"turn": turn, "part": 0, "offset": 0})
        box.want(carried.id, Seal(lambda: b"another").on(ask))
        box.want(carried.id, SEAL.on(ask))
        assert box.handed(turn, 5.0) is not None  # of the second ask
        assert box.handed(turn, 0.05) is None


def test_another_piece_than_the_one_asked_for_is_refused(tmp_path: Path, box: Box) -> None:
    """A piece of before, put back into the list."""
    file = tmp_path / "prices.csv"
    file.write_bytes(b"x" * 5)

    class Lying(Box):
        def handed(self, name: str, seconds: float) -> bytes | None:
            return SEAL.on(b"0" * 32 + b"xxxxx")

    with carrying.handing(box, SEAL, file) as carried:
        lying = Lying()
        with (
            pytest.raises(ProtocolError, match="not what was asked for"),
            carrying.at_hand(engine(tmp_path, lying), carried),
        ):
            pass


@pytest.mark.parametrize("name", ["../x", "/etc/x", "", "a/../../x"])
def test_no_name_leads_out_of_the_folder(tmp_path: Path, box: Box, name: str) -> None:
    """Of the file, nor of one in a folder."""
    part = given_files.Part(name, 0, "")
    whole = given_files.Carried("0" * 32, "many", (part,), folder=True)
    for carried in (whole, replace(whole, name=name, parts=(), folder=True)):
        with (
            pytest.raises(ProtocolError, match="no name of a file"),
            carrying.at_hand(engine(tmp_path, box), carried),
        ):
            pass


def test_what_has_no_room_is_not_begun(
    tmp_path: Path, box: Box, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It says how much it would take."""
    monkeypatch.setattr(carrying, "LEFT_FREE_BYTES", 10**18)
    carried = given_files.Carried("0" * 32, "big.zip", (given_files.Part("big.zip", 1234, ""),))
    with (
        pytest.raises(StoreError, match=r"no room for big.zip \(1,234 bytes\)"),
        carrying.at_hand(engine(tmp_path, box), carried),
    ):
        pass


def test_where_the_store_is_written_a_path_stays_a_path(tmp_path: Path) -> None:
    """A file that is not there is told before anything is carried."""
    file = tmp_path / "prices.csv"
    file.write_bytes(b"x")
    desk = SimpleNamespace(relay=None)
    with carrying.handed_over(desk, file) as given, carrying.at_hand(desk, given) as path:
        assert path == given == file
    with (
        pytest.raises(UsageError, match="there is no file"),
        carrying.handed_over(desk, tmp_path / "no"),
    ):
        pass
