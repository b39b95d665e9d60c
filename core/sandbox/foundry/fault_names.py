"""The faults that the stand-in Foundry container can be told to have, by name.

Names that end in `-once` fail the first time only. All others last until they are taken away.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from core.errors import UsageError

HANDSHAKE: Mapping[str, str] = {
    "ws-401": "the WebSocket handshake answers 401",
    "ws-403": "the WebSocket handshake answers 403",
    "ws-404": "the WebSocket handshake answers 404",
    "ws-503": "the WebSocket handshake answers 503",
    "ws-429-once": "the WebSocket handshake answers 429 with Retry-After, then works",
    "ws-html": "the WebSocket handshake answers 200 with a login page",
    "ws-redirect": "the WebSocket handshake redirects to another host",
    "ws-garbage": "the WebSocket handshake answers bytes that are not HTTP",
    "ws-hang": "the WebSocket handshake is never answered",
}
EXCHANGE: Mapping[str, str] = {
    "error-frame": "an `error` frame; nothing follows and the socket stays open",
    "drop-before-pointer": "the socket drops before the final frame",
    "drop-once": "the socket drops before the final frame the first time",
    "drop-after-pointer": "the socket drops right after the final frame",
    "close-1000": "the socket closes normally without a final frame",
    "refused-1008": "a bare final frame, then close 1008",
    "broken-json": "a frame that is not JSON",
    "array-frame": "a frame that is a JSON array",
    "null-frame": "a frame that is JSON null",
    "unknown-type": "a frame of an unknown type with a pointer; then the job goes on",
    "binary-frame": "a binary frame",
    "bad-utf8-frame": "a text frame that is not UTF-8",
    "huge-frame": "a frame of 100 MB",
    "deflated-frame": "a compressed frame that nobody asked for",
    "frame-flood": "update frames without end, as fast as they go",
    "silence": "nothing at all after the first update",
    "endless-keepalive": "keepalive frames for ever",
    "query-failed": "an update says why Foundry refused; the good-looking final says little",
    "query-failed-bare": "a good-looking final whose pointer is an error sentence",
    "drop-after-store-once": "the socket drops once, when the new version is stored",
    "silent-write": "no frame, not even a heartbeat, while the CSV is written, however long",
    "file-gone": "the final says that the CSV of the version is gone; its ZIP is there",
    "files-gone": "the final says that the CSV of the version is gone, and so is its ZIP",
    "versions-forgotten": "the stored versions are forgotten: each exchange queries Foundry",
    "batches": "rows come by ranges of ids, announced as batches, and none is lost",
    "no-rows": "a final without success, then a second one with an error sentence",
    "pointer-traversal": "a pointer that climbs out of its folder",
    "pointer-upper": "a pointer in upper case",
    "pointer-short": "a pointer of 63 digits",
    "pointer-newline": "a pointer with a newline at its end",
    "pointer-list": "a pointer that is a list",
    "pointer-number": "a pointer that is a number",
}
DOWNLOAD: Mapping[str, str] = {
    "sha-mismatch": "the file's bytes are not those of the sha256",
    "cut-mid-row": "the body ends in the middle of a row",
    "cut-at-row": "the body ends at the end of a row, too early",
    "short-length": "the body is shorter than its Content-Length",
    "empty-body": "the body is empty",
    "html-page": "a login page with status 200",
    "html-as-csv": "a login page with status 200 that calls itself text/csv",
    "redirect": "the download redirects to another host",
    "gzip-bomb": "a compressed body that unpacks to a gigabyte",
    "gzip-body": "an honest compressed body that nobody asked for",
    "endless-body": "a body without an end",
    "stalled-body": "the body stops half-way and the connection stays open",
    "slow-body": "the body comes a byte at a time",
    "slow-headers": "the download is never answered",
    "drop-mid-body": "the connection drops half-way",
    "drop-mid-body-once": "the connection drops half-way the first time",
    "download-401": "the download answers 401",
    "download-403": "the download answers 403",
    "download-500": "the download answers 500",
    "download-503": "the download answers 503",
    "download-503-once": "the download answers 503 the first time",
    "download-429-once": "the download answers 429 with Retry-After the first time",
    "download-429": "the download answers 429 and asks for a wait of a day",
    "csv-404": "the CSV is gone, the ZIP is there",
    "both-404": "CSV and ZIP are gone",
}
ARCHIVE: Mapping[str, str] = {
    "zip-bomb": "the ZIP unpacks to a thousand times its size",
    "zip-lying-bomb": "the same, with a false size in its directory",
    "zip-foreign": "the ZIP holds a file of another name",
    "zip-traversal": "the ZIP holds a path that climbs out of its folder",
    "zip-two": "the ZIP holds a second file",
    "zip-many": "the ZIP holds 300 files",
    "zip-link": "the ZIP holds a symbolic link",
    "zip-garbage": "the ZIP is not a ZIP",
    "zip-wrong-bytes": "the ZIP holds other bytes than announced",
    "zip-encrypted": "the ZIP is marked as encrypted",
}
DATA: Mapping[str, str] = {
    "extra-cell": "one row has a cell too many",
    "missing-cell": "one row has a cell too few",
    "truncated-file": "the stored file ends in the middle of a row",
    "open-quote": "a quote that never closes",
    "missing-column": "a column is gone",
    "new-column": "a column that nobody knows",
    "header-only": "a header without rows",
    "nul-byte": "a NUL in a cell",
    "bad-utf8": "a cell that is not UTF-8",
    "formula-cell": "a cell that a spreadsheet would run",
    "rtl-cell": "a cell with right-to-left marks",
    "nan-cell": "a number that is NaN",
    "inf-cell": "a number that is infinite",
    "text-in-number": "a number that is a word",
    "zero-price": "a price of zero",
    "negative-price": "a price below zero",
    "high-below-low": "a high below the low",
    "doubled-row": "a row that comes twice",
    "conflicting-row": "a row that comes again with other values",
    "future-date": "a date ten years ahead",
    "rows-lost": "fewer rows than announced, without a word",
    "id-ranges": "rows come by ranges of ids: those beyond the ranges are lost without a word",
    "mixed-file": "several clients asked in one second: the stored file mixes what each wrote",
    "shuffled-rows": "the same rows in another order, with another sha256",
}
FOUNDRY: Mapping[str, str] = {**HANDSHAKE, **EXCHANGE, **DOWNLOAD, **ARCHIVE, **DATA}


def known(names: Iterable[str]) -> set[str]:
    """The names as a set; UsageError for one that is not a fault."""
    chosen = set(names)
    unknown = sorted(chosen - set(FOUNDRY))
    if unknown:
        raise UsageError(
            f"{unknown[0]!r} is not a fault", hint=f"there are: {', '.join(sorted(FOUNDRY))}"
        )
    return chosen
