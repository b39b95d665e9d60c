"""What filings say: their first lines as they are kept, and the wish to have one read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import polars as pl

from core.domain.access.principals import Role
from core.errors import NotFoundError
from core.jobs.queue.port import FRONT, Message
from core.service.kernel.access import needs
from core.service.kernel.commands import command
from core.service.kernel.exports import export
from core.store import filing_texts as store

if TYPE_CHECKING:
    from core.service.desk import Desk

EVENT = "texts"
SHOWN = ("kind", "url", "text", "letters", "reason", "read_at")
Key = tuple[int, str]  # CIK and accession number


def texts(desk: Desk, keys: Sequence[Key]) -> dict[Key, dict[str, Any]]:
    """What is kept of filings by (cik, accession), as of the desk's clock; see `FilingText`."""
    if not keys:
        return {}
    found = store.texts(desk.warehouse, keys, desk.now())
    by_key = {(row["cik"], row["accession"]): row for row in found.iter_rows(named=True)}
    return {key: by_key[key] for key in keys if key in by_key}


@needs(Role.ANALYST)
def read(desk: Desk, accession: str, cik: int | None = None) -> str:
    """Queue the reading of one filing, in front; the job's id. NotFoundError when it is unknown."""
    row = _filing(desk, accession, cik)
    asked = [row["cik"], row["accession"], row["form"]]
    message = Message(
        EVENT, {"lane": EVENT, "filing": asked, "trigger": "manual"}, f"{EVENT}:{accession}", FRONT
    )
    (found,) = desk.queue.publish_many([message])
    desk.wake()
    return found.job_id


def _filing(desk: Desk, accession: str, cik: int | None) -> dict[str, Any]:
    found = desk.warehouse.read(
        "SELECT cik, accession, form FROM filings WHERE accession = $accession "
        "AND ($cik IS NULL OR cik = $cik) ORDER BY cik LIMIT 1",
        {"accession": accession, "cik": cik},
    )
    if found.is_empty():
        raise NotFoundError(
            f"filing {accession} is not stored", hint="follow its company, then pull"
        )
    return found.row(0, named=True)


@command("filing_text", needs=Role.VIEWER)
def text_command(desk: Desk, *, accession: str, cik: int | None = None) -> dict[str, Any]:
    """The first lines of a filing as they are kept, or why there are none."""
    row = _filing(desk, accession, cik)
    kept = texts(desk, [(row["cik"], row["accession"])])
    found = next(iter(kept.values()), None)
    return {**row, "found": found is not None, **{name: (found or {}).get(name) for name in SHOWN}}


@command("filing_text_read", needs=Role.ANALYST)
def read_command(desk: Desk, *, accession: str, cik: int | None = None) -> dict[str, Any]:
    """Have a filing read from the SEC's archive, before other work."""
    return {"queued": read(desk, accession, cik)}


@export("filing_texts", needs=Role.VIEWER)
def export_texts(desk: Desk, *, cik: int | None = None) -> pl.DataFrame:
    """The first lines of the filings that were read, what was read last first."""
    return store.every(desk.warehouse, cik)
