"""Frames of the Foundry container, read without trust."""

from __future__ import annotations

import json
from contextlib import suppress
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import NotFoundError, OpenbellError, ProtocolError, ServerError, UsageError
from core.sources.foundry import wire

SHA = "0123456789abcdef" * 4


def frame(**body: Any) -> wire.Frame:
    """A frame as parsed from its JSON."""
    return wire.parse(json.dumps(body), where="host/path", dataset="d")


def test_a_request_carries_utc_without_offset() -> None:
    """Offsets would be dropped by the container, so the instant is converted first."""
    paris = timezone(timedelta(hours=2))
    text = wire.request(
        "P", datetime(2025, 6, 1, 2, tzinfo=paris), datetime(2025, 6, 2, tzinfo=UTC)
    )
    assert json.loads(text) == {
        "names": ["P"],
        "from_dt": "2025-06-01T00:00:00",
        "to_dt": "2025-06-02T00:00:00",
    }


def test_a_naive_instant_is_refused() -> None:
    """Nobody knows which hour it means."""
    with pytest.raises(UsageError):
        wire.request("P", datetime(2025, 6, 1), datetime(2025, 6, 2))  # noqa: DTZ001


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "3", "{}", '{"type": 7}'])
def test_what_is_no_frame_is_a_protocol_error(text: str) -> None:
    """Broken JSON, arrays and frames without a type are named, with host and dataset."""
    with pytest.raises(ProtocolError, match=r"d: .*host/path"):
        wire.parse(text, where="host/path", dataset="d")


def test_an_unknown_type_is_a_frame_that_says_nothing_but_what_it_was() -> None:
    """Its pointer does not count, however good it looks; its type is told."""
    new = frame(type="bye\n", success=True, message="new", datasets=SHA)
    assert (new.kind, new.datasets) == ("unknown", None)
    assert new.message == "passed over a frame of unknown type 'bye': new"
    with pytest.raises(OpenbellError):
        wire.pointer(new, where="h", dataset="d")


def test_a_known_version_whose_file_is_gone_is_named_in_the_sentence() -> None:
    """Both sentences of the container hold its sha256; other sentences with one do not count."""
    for sentence in (
        f"Dataset a-b with SHA256 {SHA} not found.",
        f"Unzipped file for a-b with SHA256 {SHA} not found or could not be unzipped.",
    ):
        gone = frame(type="final", success=True, message="DONE", datasets=sentence)
        assert wire.pointer(gone, where="h", dataset="d") == SHA
    for sentence in (f"Query {SHA} not found", f"SHA256 {SHA}", f"SHA256 {SHA}0 not found"):
        other = frame(type="final", success=True, message="DONE", datasets=sentence)
        with pytest.raises(OpenbellError):
            wire.pointer(other, where="h", dataset="d")


def test_only_an_update_without_success_is_a_failure_on_the_way() -> None:
    """`neutral` has no success either, and is no failure."""
    assert wire.failure(frame(type="update", success=False, message="QUOTA")) == "QUOTA"
    for kind, success in (("neutral", False), ("update", True), ("final", False)):
        assert wire.failure(frame(type=kind, success=success, message="no")) is None


def test_only_a_lower_case_sha256_is_success() -> None:
    """`success` says nothing: the pointer alone does."""
    for success in (True, False):
        good = frame(type="final", success=success, message="DONE", datasets=SHA)
        assert wire.pointer(good, where="h", dataset="d") == SHA


@pytest.mark.parametrize(
    "bad", ["../" + SHA[3:], SHA.upper(), SHA[:63], SHA + "\n", SHA + "0", "", "é" * 64]
)
def test_other_pointers_are_refused(bad: str) -> None:
    """Climbing paths, upper case, a digit short, a trailing newline."""
    with pytest.raises(OpenbellError):
        wire.pointer(
            frame(type="final", success=True, message="DONE", datasets=bad), where="h", dataset="d"
        )


def test_bad_ends_have_their_own_errors() -> None:
    """Unknown names and empty datasets do not exist; a failed query may be asked again."""
    ends = {
        NotFoundError: [
            frame(type="error", success=False, message="unknown"),
            frame(type="final", success=False, message="No rows found for d"),
        ],
        ServerError: [
            frame(type="final", success=True, message="DONE", datasets="query failed: 502"),
            frame(type="final", success=False, message="Malformed"),
        ],
    }
    for error, frames in ends.items():
        for one in frames:
            with pytest.raises(error):
                wire.pointer(one, where="h", dataset="d")


def test_announced_rows_are_found_in_messages() -> None:
    """Both wordings, with and without separators; other messages announce nothing."""
    assert wire.announced_rows("Found 1234 rows") == 1234
    assert wire.announced_rows("Downloading all 1,234,567 rows now") == 1_234_567
    assert wire.announced_rows("Found some rows") is None


def test_messages_are_bounded_and_printable() -> None:
    """Control characters and megabytes of text do not reach a log or a screen."""
    told = frame(type="update", success=True, message="a\x1b[31m" + "b" * 10_000)
    assert len(told.message) <= wire.MAX_MESSAGE_CHARS
    assert told.message.isprintable()


@given(st.text())
def test_any_text_is_a_frame_or_a_protocol_error(text: str) -> None:
    """No text whatsoever raises anything else."""
    with suppress(ProtocolError):
        assert isinstance(wire.parse(text, where="h", dataset="d"), wire.Frame)
