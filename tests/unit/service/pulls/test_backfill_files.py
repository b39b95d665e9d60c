"""Bulk files that hold bombs or nothing: a failed backfill, never one that is done with no rows."""

from __future__ import annotations

import json
import random
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest

from core.errors import OpenbellError, ParsingError, SizeLimitError
from core.service.desk import Desk
from core.service.pulls.backfill import backfill
from core.sources.sec import bulk
from tests.upstreams import CIK, facts, submissions

GOOD = f"CIK{CIK:010}.json"
OTHER = "CIK0000000009.json"
KINDS = {"facts": facts(), "submissions": submissions()}


def packed(tmp_path: Path, files: Mapping[str, bytes]) -> Path:
    path = tmp_path / "bulk.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, body in files.items():
            archive.writestr(name, body)
    return path


def padded(body: bytes, size: int) -> bytes:
    """The same document with white space up to a size: well over 100:1 when packed."""
    return body + b" " * (size - len(body))


def state(desk: Desk) -> tuple[str, int]:
    found = desk.warehouse.read("SELECT state, rows_read FROM pulls ORDER BY started_at DESC")
    row: tuple[str, int | None] = found.row(0)
    return row[0], row[1] or 0


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("size", [200_000, 30_000_000])
def test_a_bomb_fails_the_backfill_and_nothing_is_stored(
    desk: Desk, tmp_path: Path, kind: str, size: int
) -> None:
    """Wherever it lies in the file; the sentence names the member."""
    path = packed(tmp_path, {GOOD: KINDS[kind], OTHER: padded(KINDS[kind], size)})
    with pytest.raises(SizeLimitError, match=OTHER):
        backfill(desk, path=path)
    assert state(desk) == ("failed", 0)
    for table in ("facts_coded", "filings", "companies"):
        there = "SELECT count(*) FROM duckdb_tables() WHERE table_name = ?"
        if desk.warehouse.read(there, [table]).item():
            assert desk.warehouse.read(f"SELECT count(*) FROM {table}").item() == 0


@pytest.mark.few(3)
@pytest.mark.parametrize(
    "body",
    [
        *(b"", b"{}", b"[]", b"null", b"   ", b"\x00\xff", b"<html>login</html>"),
        *(b'{"facts": {}}', b'{"cik": 9900001}', b'{"cik": 9900001, "filings": {}}'),
        *(b'{"cik": 9900001, "facts": []}', b'{"cik": 9900001, "filings": {"recent": {}}}'),
    ],
)
def test_documents_without_meaning_fail_the_backfill(
    desk: Desk, tmp_path: Path, body: bytes
) -> None:
    """A file of which no document can be read is a failure with its reason."""
    with pytest.raises(ParsingError, match="nothing in the file could be read"):
        backfill(desk, path=packed(tmp_path, {GOOD: body, OTHER: body}))
    assert state(desk) == ("failed", 0)


@pytest.mark.parametrize("padding", [0, 5_000])
@pytest.mark.parametrize("first", [b"{}", b"{nonsense", b"", b"[" * 50_000])
@pytest.mark.parametrize("kind", KINDS)
def test_the_kind_is_told_by_the_first_document_that_can_be_read(
    desk: Desk, tmp_path: Path, kind: str, first: bytes, padding: int
) -> None:
    """However many before it cannot, and however late in it stands what tells."""
    others = {f"CIK{number:010}.json": first for number in range(1, 61)}
    good = KINDS[kind].replace(b"Made Up Co", b"Made Up Co" + b"x" * padding)
    path = packed(tmp_path, {**others, GOOD: good})
    (document,) = backfill(desk, path=path).document["pulls"]
    assert document["rows_read"] == {"facts": 2, "submissions": 2}[kind]
    assert document["state"] == "partial"
    assert "60 of 61 documents cannot be read" in document["partial_reason"]


@pytest.mark.parametrize(
    "key", [b'"facts": {"1": 2}', b'"note": "facts"', b'"former": {"facts": 1}']
)
def test_submissions_that_speak_of_facts_are_submissions(
    desk: Desk, tmp_path: Path, key: bytes
) -> None:
    """What a document is, its own keys say, not words in it."""
    path = packed(tmp_path, {GOOD: b"{" + key + b"," + submissions()[1:]})
    (document,) = backfill(desk, path=path).document["pulls"]
    assert (document["dataset"], document["state"]) == ("backfill.submissions", "done")
    assert document["rows_read"] == 2


@pytest.mark.parametrize("kind", KINDS)
def test_a_document_of_the_other_kind_is_rejected(desk: Desk, tmp_path: Path, kind: str) -> None:
    """It was read as one without rows; a page of submissions that holds nothing, too."""
    other = KINDS["submissions" if kind == "facts" else "facts"]
    number = int(OTHER[3:13])
    path = packed(tmp_path, {GOOD: KINDS[kind], OTHER: other.replace(b"9900001", b"%d" % number)})
    (document,) = backfill(desk, path=path).document["pulls"]
    assert document["state"] == "partial"
    assert f"[{OTHER}]" in document["partial_reason"]


@pytest.mark.parametrize("kind", KINDS)
def test_most_documents_tell_the_kind(desk: Desk, tmp_path: Path, kind: str) -> None:
    """One of the other kind in the first place is the odd one, and is rejected."""
    odd = KINDS["submissions" if kind == "facts" else "facts"]
    files = {
        name: body.replace(b"9900001", b"%d" % int(name[3:13]))
        for name, body in ((GOOD, odd), (OTHER, KINDS[kind]), ("CIK0009900003.json", KINDS[kind]))
    }
    path = packed(tmp_path, files)
    (document,) = backfill(desk, path=path).document["pulls"]
    assert document["dataset"] == f"backfill.{'companyfacts' if kind == 'facts' else kind}"
    assert (document["state"], document["rows_read"]) == ("partial", 4)


def test_a_page_without_columns_is_rejected(desk: Desk, tmp_path: Path) -> None:
    """An error sentence in the place of a page is no page of nothing."""
    page = f"CIK{CIK:010}-submissions-001.json"
    path = packed(tmp_path, {GOOD: submissions(), page: b'{"message": {}}'})
    (document,) = backfill(desk, path=path).document["pulls"]
    assert "1 of 2 documents cannot be read" in document["partial_reason"]


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize("twice", [GOOD, "num.txt", "README.txt"])
def test_a_file_that_holds_a_name_twice_is_refused(desk: Desk, tmp_path: Path, twice: str) -> None:
    """Which of the two is meant, nobody can say."""
    path = packed(tmp_path, {GOOD: facts()})
    with zipfile.ZipFile(path, "a") as archive:
        for _ in range(1 if twice == GOOD else 2):
            archive.writestr(twice, facts(5))
    with pytest.raises(ParsingError, match=f"'{twice}' 2 times"):
        backfill(desk, path=path)


@pytest.mark.parametrize("kind", KINDS)
def test_some_documents_without_meaning_make_it_partial(
    desk: Desk, tmp_path: Path, kind: str
) -> None:
    """What can be read is stored, whatever stands first; how many could not be is said."""
    path = packed(tmp_path, {OTHER: b"{}", GOOD: KINDS[kind]})
    (document,) = backfill(desk, path=path).document["pulls"]
    assert (document["state"], document["rows_read"] > 0) == ("partial", True)
    assert "1 of 2 documents cannot be read" in document["partial_reason"]


def test_a_quarter_without_rows_fails(desk: Desk, tmp_path: Path) -> None:
    """Tables with heads and nothing below, or with nothing at all."""
    for body in (b"", b"adsh\tcik\n"):
        names = ("sub.txt", "num.txt", "tag.txt", "pre.txt")
        with pytest.raises(OpenbellError):
            backfill(desk, path=packed(tmp_path, dict.fromkeys(names, body)))
        assert state(desk)[0] == "failed"


def test_a_company_without_facts_is_no_failure(desk: Desk, tmp_path: Path) -> None:
    """It has been read, and there is nothing to store."""
    body = json.dumps({"cik": CIK, "entityName": "Made Up Co", "facts": {}}).encode()
    (document,) = backfill(desk, path=packed(tmp_path, {GOOD: body})).document["pulls"]
    assert document["state"] == "done"


@pytest.mark.few(3)
@pytest.mark.parametrize("harm", ["packed bytes", "checksum", "encrypted", "method"])
@pytest.mark.parametrize("kind", KINDS)
def test_a_damaged_member_is_rejected_and_the_rest_goes_on(
    desk: Desk, tmp_path: Path, kind: str, harm: str
) -> None:
    """It is told like one without meaning; alone it fails the backfill with a sentence."""
    whole = packed(tmp_path, {GOOD: KINDS[kind]}).read_bytes()
    alone = tmp_path / "bulk.zip"
    alone.write_bytes(harmed(whole, harm))
    with pytest.raises(ParsingError):
        backfill(desk, path=alone)
    assert state(desk) == ("failed", 0)
    both = packed(tmp_path, {OTHER: KINDS[kind], GOOD: KINDS[kind]}).read_bytes()
    alone.write_bytes(harmed(both, harm))
    backfill(desk, path=alone)
    assert state(desk)[0] == "partial"


def harmed(body: bytes, harm: str) -> bytes:
    """An archive with its first member damaged."""
    damaged = bytearray(body)
    listed = body.index(b"PK\1\2")
    if harm == "packed bytes":
        at = 30 + len(GOOD)
        damaged[at : at + 8] = b"\xff" * 8
    elif harm == "checksum":
        damaged[listed + 16] ^= 1
    elif harm == "encrypted":
        damaged[listed + 8] |= 1
    else:
        damaged[listed + 10] = 9
    return bytes(damaged)


def test_no_damage_of_an_archive_is_an_error_of_another_kind(tmp_path: Path) -> None:
    """Bytes changed and cut anywhere: it is read, or it is one sentence."""
    chance = random.Random(11)
    path = packed(tmp_path, {GOOD: KINDS["facts"], OTHER: KINDS["submissions"]})
    whole = path.read_bytes()
    refused = 0
    for turn in range(600):
        damaged = bytearray(whole)
        for _ in range(1 + turn % 3):
            damaged[chance.randrange(len(damaged))] ^= 1 << chance.randrange(8)
        path.write_bytes(damaged[: chance.randrange(len(damaged)) if turn % 9 == 0 else None])
        try:
            bulk.bulk_kind(path)
            with bulk.opened(path) as archive:
                for info in bulk.members(archive):
                    bulk.read_member(archive, info)
        except OpenbellError:
            refused += 1
    assert refused > 300
