"""What the SEC sent, before anybody reads it: unpacked within bounds, and of the kind asked for."""

from __future__ import annotations

from typing import Literal

from isal.igzip_lib import IsalError
from isal.isal_zlib import decompressobj as inflater_of

from core.errors import ForeignAnswerError, IntegrityError, ParsingError, ProtocolError
from core.sources.http import permanent, too_large

Kind = Literal["json", "xml", "text", "zip", "page"]
MIB = 1024**2
_REFUSAL = (b"Undeclared Automated Tool", b"Request Rate Threshold")
_ENDS = {b"{": b"}", b"[": b"]"}
_RATIO = 100  # unpacked to packed; companyfacts is about 16


def unpacked(packed: bytes, encoding: str, limit: int, where: str, dataset: str) -> bytes:
    """The body behind a Content-Encoding; never more than `limit` bytes or 100 times its size."""
    if encoding in ("identity", ""):
        return packed
    if encoding not in ("gzip", "deflate"):
        raise permanent(
            ProtocolError(f"{dataset}: unknown encoding {encoding[:40]!r}", where=where)
        )
    limit = min(limit, max(MIB, len(packed) * _RATIO))
    inflater = inflater_of(47)
    try:
        body = inflater.decompress(packed, limit)
    except IsalError as error:  # type: ignore[misc]  # its stub takes the class for a value
        raise IntegrityError(f"{dataset}: broken compression ({error})", where=where) from None
    if inflater.unconsumed_tail or (not inflater.eof and len(body) >= limit):
        raise too_large(dataset, where, limit)
    if not inflater.eof or inflater.unused_data:
        raise IntegrityError(f"{dataset}: the answer was cut off or has a tail", where=where)
    return body


def must_be_kind(body: bytes, kind: Kind, where: str, dataset: str) -> None:
    """An error when the first bytes are not those of the kind.

    ForeignAnswerError for a page or nothing where data was asked, as during maintenance, which
    passes; IntegrityError for JSON without its end, ParsingError for anything else.
    """
    start = body[:512].lstrip(b"\xef\xbb\xbf \t\r\n")
    lowered = start[:64].lower()
    html = lowered.startswith((b"<!doctype html", b"<html"))
    good = {
        "json": start.startswith((b"{", b"[")),
        "xml": start.startswith(b"<") and not html,
        "text": not html,
        "zip": start.startswith(b"PK"),
        "page": bool(start) and not any(words in body[:4096] for words in _REFUSAL),
    }[kind]
    if not good:
        what = "an HTML page" if html else "an empty answer" if not start else "something else"
        passing = kind in ("json", "xml", "zip") and (html or not start)
        raise (ForeignAnswerError if passing else ParsingError)(
            f"{dataset}: {what} came where {kind} was expected",
            where=where,
            hint="open the address in a browser to see what the SEC says",
        )
    if kind == "json" and not body[-64:].rstrip().endswith(_ENDS[start[:1]]):
        raise IntegrityError(f"{dataset}: the answer was cut off", where=where)
