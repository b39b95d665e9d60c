"""SEC EDGAR as Openbell asks it: which path holds what, one coroutine per kind of document.

async with SecClient(...) as client:
    answer = await company_facts(client, 320193)
"""

from __future__ import annotations

from datetime import date, timedelta

from core.sources.sec.client import Answer, KnownDocument, SecClient

FEED_PAGE = 100

__all__ = [
    "FEED_PAGE",
    "Answer",
    "KnownDocument",
    "SecClient",
    "archive_document",
    "company_facts",
    "current_filings",
    "daily_index",
    "days_with_index",
    "facts_url",
    "filing_index",
    "submissions",
    "submissions_page",
    "submissions_url",
    "tickers",
]


def facts_url(client: SecClient, cik: int) -> str:
    """The address of a company's facts."""
    return f"{client.data_url}/api/xbrl/companyfacts/CIK{cik:010}.json"


def submissions_url(client: SecClient, cik: int) -> str:
    """The address of a company's submissions."""
    return f"{client.data_url}/submissions/CIK{cik:010}.json"


async def company_facts(
    client: SecClient, cik: int, known: KnownDocument | None = None, dataset: str = "sec.facts"
) -> Answer:
    """All facts of a company (JSON; `decode_facts`). NotFoundError: it has never filed XBRL."""
    return await client.fetch(facts_url(client, cik), dataset, "json", known)


async def submissions(
    client: SecClient,
    cik: int,
    known: KnownDocument | None = None,
    dataset: str = "sec.submissions",
) -> Answer:
    """A company and its latest filings (JSON; `decode_submissions`)."""
    return await client.fetch(submissions_url(client, cik), dataset, "json", known)


async def submissions_page(
    client: SecClient,
    name: str,
    known: KnownDocument | None = None,
    dataset: str = "sec.submissions",
) -> Answer:
    """An overflow page of older filings (JSON; `decode_page`), by the name in `filings.files`."""
    return await client.data(f"/submissions/{name.rpartition('/')[2]}", dataset, known)


async def tickers(
    client: SecClient,
    name: str = "company_tickers_exchange.json",
    known: KnownDocument | None = None,
    dataset: str = "sec.companies",
) -> Answer:
    """A ticker map (JSON; `decode_tickers`)."""
    return await client.www(f"/files/{name}", dataset, "json", known)


async def daily_index(
    client: SecClient, day: date, kind: str = "form", dataset: str = "sec.index"
) -> Answer:
    """What was filed on a day (text; `decode_index`). NotFoundError on days without filings."""
    folder = f"/Archives/edgar/daily-index/{day.year}/QTR{(day.month + 2) // 3}"
    return await client.www(f"{folder}/{kind}.{day:%Y%m%d}.idx", dataset, "text")


async def current_filings(client: SecClient, start: int = 0, dataset: str = "sec.feed") -> Answer:
    """A page of what was filed just now, newest first (Atom; `decode_feed`)."""
    query = f"action=getcurrent&output=atom&start={start}&count={FEED_PAGE}"
    return await client.www(f"/cgi-bin/browse-edgar?{query}", dataset, "xml")


async def filing_index(
    client: SecClient, cik: int, accession: str, dataset: str = "sec.texts"
) -> Answer:
    """The page that lists a filing's documents (HTML; `plain_text.listed`)."""
    folder = f"/Archives/edgar/data/{cik}/{accession.replace('-', '')}"
    return await client.www(f"{folder}/{accession}-index.htm", dataset, "page")


async def archive_document(client: SecClient, path: str, dataset: str = "sec.texts") -> Answer:
    """A document of a filing, by its path in the archive (`plain_text.plain_text`)."""
    return await client.www(path, dataset, "page")


def days_with_index(first: date, last: date) -> list[date]:
    """The weekdays from `first` to `last`: the days on which there may be an index."""
    days = (first + timedelta(days=n) for n in range((last - first).days + 1))
    return [day for day in days if day.weekday() < 5]
