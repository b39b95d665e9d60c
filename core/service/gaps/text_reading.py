"""The job that reads filings: those behind the first candidates of a scan, or one asked for.

A request or two a filing, within the SEC's limits. Where the SEC does not answer nothing is lost:
the next scan asks again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from core.domain.filings import edgar
from core.domain.filings.exhibits import UNREAD, first_lines, in_order
from core.errors import NotFoundError, OpenbellError, ParsingError
from core.jobs.queue.port import Job, Message
from core.jobs.worker import Context
from core.service.filings.texts import EVENT, texts
from core.service.gaps import scans
from core.service.kernel.handlers import handler
from core.service.sources import sec_client
from core.sources.sec import plain_text
from core.sources.sec.body import MIB
from core.sources.sec.documents import SecClient, archive_document, filing_index
from core.store import filing_texts as store
from core.store.filing_texts import FilingText

if TYPE_CHECKING:
    from core.service.desk import Desk

LARGEST = 12 * MIB  # bytes of a document that is read
DOCUMENTS = 3  # of a filing that are tried until one says something
TRIES = 3  # of a filing that the archive did not have yet, or that could not be read
AGAIN_AFTER = timedelta(minutes=10)
TOO_LARGE = "it is too large to be read here"
Filing = tuple[int, str, str]  # CIK, accession number and form


def behind(scan: scans.Scan, names: int) -> list[Filing]:
    """CIK, accession and form of the filings behind the first candidates that can be read."""
    rows = scan.candidates.head(names).select("cik", "catalysts").iter_rows(named=True)
    found = [
        (int(row["cik"]), str(item["accession"]), str(item["form"]))
        for row in rows
        if row["cik"] is not None
        for item in row["catalysts"] or []
        if str(item["form"]).removesuffix("/A") not in UNREAD
    ]
    return list(dict.fromkeys(found))


def owed(desk: Desk, filings: Iterable[Filing]) -> list[Filing]:
    """Those of the filings that were not read yet, or are to be tried once more."""
    asked = list(filings)
    known = texts(desk, [(cik, accession) for cik, accession, _ in asked])
    late = desk.now() - AGAIN_AFTER
    return [
        item
        for item in asked
        if (row := known.get(item[:2])) is None
        or (row["text"] is None and row["tries"] < TRIES and row["read_at"] <= late)
    ]


def follow(desk: Desk, scan: scans.Scan) -> bool:
    """Queue the reading of what stands behind a scan's candidates; whether there is any."""
    if not owed(desk, behind(scan, desk.settings.sec_texts)):
        return False
    lane = {"lane": EVENT, "trigger": "scan"}
    desk.queue.publish_many([Message(EVENT, lane, f"after:{EVENT}", behind_running=True)])
    desk.wake()
    return True


@handler(EVENT)
async def texts_job(desk: Desk, job: Job, context: Context) -> Mapping[str, Any]:
    """Read the filing that was asked for, or those behind the candidates of the latest scan."""
    asked = job.payload.get("filing")
    if asked:
        wanted = [(int(asked[0]), str(asked[1]), str(asked[2]))]
    else:
        wanted = await asyncio.to_thread(_behind_latest, desk)
    done = 0
    async with sec_client(desk, LARGEST) as client:
        for number, (cik, accession, form) in enumerate(wanted):
            context.report(
                f"{number} of {len(wanted)} filings read", percent=100 * number / len(wanted)
            )
            try:
                found = await _read(client, cik, accession, form)
            except OpenbellError as error:
                if asked:
                    raise
                context.report(f"{done} of {len(wanted)} filings read, then: {error.message}")
                return {"read": done, "left": len(wanted) - done, "why": error.message}
            await asyncio.to_thread(_keep, desk, found)
            done += 1
    return {"read": done}


def _behind_latest(desk: Desk) -> list[Filing]:
    with suppress(NotFoundError):  # its prices are gone since: there is nothing to explain
        return owed(desk, behind(scans.run(desk), desk.settings.sec_texts))
    return []


async def _read(client: SecClient, cik: int, accession: str, form: str) -> FilingText:
    """The first lines of the document that says most; what cannot be read leaves its reason."""
    nothing = FilingText(cik, accession)
    try:
        index = await filing_index(client, cik, accession)
        documents = plain_text.listed(index.body, index.url)
    except (NotFoundError, ParsingError) as error:
        return replace(nothing, reason=_reason(error))
    reasons = []
    for item in in_order(documents, form)[:DOCUMENTS]:
        try:
            answer = await archive_document(client, item.path)
            text = await asyncio.to_thread(plain_text.plain_text, answer.body, answer.url)
        except (NotFoundError, ParsingError) as error:
            reasons.append(_reason(error))
            continue
        lines = first_lines(text, item.kind)
        if lines:
            whole = edgar.SEC + item.path
            return replace(nothing, kind=item.kind, url=whole, text=lines, letters=len(text))
        reasons.append("its document has no words")
    return replace(nothing, reason=next(iter(reasons), "its index lists no document of text"))


def _reason(error: OpenbellError) -> str:
    if isinstance(error, NotFoundError):
        return "the archive does not have it yet"
    return TOO_LARGE if "larger" in error.message else error.message


def _keep(desk: Desk, found: FilingText) -> None:
    before = texts(desk, [(found.cik, found.accession)]).get((found.cik, found.accession))
    tries = 1 if before is None else before["tries"] + 1
    with desk.warehouse.transaction() as tx:
        store.keep(tx, replace(found, tries=tries), desk.now())
