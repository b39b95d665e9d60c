"""The archive's folder of a simulated filing: its index page, the filing, and its press release.

What they tell fits the market: good news where the price opens higher, bad news where lower.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from html import escape
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl

from core.sandbox.companies.filings import known_filings
from core.sandbox.companies.index import ITEM_TITLES
from core.sandbox.market.model import model
from core.sandbox.market.names import LABEL, listings

NEW_YORK = ZoneInfo("America/New_York")
PRESS = "ex991.htm"
HOLDERS = ("Northgate Partners", "Alder Point Capital", "Harrow Lane Partners", "Westmere Funds")
_COVER = (
    "UNITED STATES", "SECURITIES AND EXCHANGE COMMISSION", "Washington, D.C. 20549",
)  # fmt: skip
# item or form -> headline and sentence where the price opens higher, and where lower
_NEWS: Mapping[str, tuple[tuple[str, str], tuple[str, str]]] = {
    "2.02": (
        ("{name} reports a strong quarter and raises its outlook",
         "{name} ({symbol}) today reported revenue {n} percent above that of a year ago and "
         "earnings above its own forecast. It raises its outlook for the year."),
        ("{name} reports a weak quarter and lowers its outlook",
         "{name} ({symbol}) today reported revenue {n} percent below that of a year ago and "
         "earnings short of its own forecast. It lowers its outlook for the year."),
    ),
    "1.01": (
        ("{name} signs a supply agreement worth ${m} million",
         "{name} ({symbol}) today signed an agreement over {n} months that it expects to bring "
         "${m} million of revenue, most of it from the second year on."),
        ("{name} agrees to new terms with its lenders",
         "{name} ({symbol}) today agreed with its lenders to new terms of a loan of ${m} million: "
         "interest rises by {n} basis points, and dividends rest until it is repaid."),
    ),
    "5.02": (
        ("{name} names a new chief executive",
         "The board of {name} ({symbol}) has named a new chief executive, who led a larger "
         "company of the trade for {n} years and begins on the first of the month."),
        ("Chief financial officer of {name} leaves",
         "The chief financial officer of {name} ({symbol}) leaves the company in {n} days. The "
         "board looks for a successor; the controller stands in."),
    ),
    "8.01": (
        ("{name} buys back shares for ${m} million",
         "The board of {name} ({symbol}) has authorized the purchase of own shares for up to "
         "${m} million within {n} months."),
        ("{name} recalls products",
         "{name} ({symbol}) recalls products sold in the last {n} months and expects costs of "
         "${m} million, which its insurance covers in part."),
    ),
    "4.02": (
        ("Earlier statements of {name} should not be relied upon",
         "The audit committee of {name} ({symbol}) has concluded that statements of the last "
         "year should no longer be relied upon. They will be told anew."),
    ) * 2,
    "SC 13D": (
        ("Purpose of Transaction",
         "{holder} holds {n}.4 percent of the shares of {name} and intends to engage with its "
         "board about its strategy, its costs and seats on the board."),
    ) * 2,
    "424B5": (
        ("{name} offers shares",
         "{name} ({symbol}) offers shares for ${m} million to the public. It will use what it "
         "receives to repay loans and for general purposes."),
    ) * 2,
    "": (
        ("{form} of {name}", "{name} ({symbol}) files this {form} with the Commission."),
    ) * 2,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Folder:
    """A filing with the words of what happened."""

    row: Mapping[str, Any]
    headline: str
    sentence: str

    @property
    def has_press(self) -> bool:
        """Whether a press release goes with it."""
        return str(self.row["form"]) == "8-K"


def document(
    seed: int, as_of: date, cik: int, plain: str, name: str, known_at: datetime | None
) -> bytes | None:
    """A document in the folder of a filing (its accession number without dashes), or None."""
    rows = known_filings(seed, as_of, known_at).filter(
        (pl.col("cik") == cik) & (pl.col("accession").str.replace_all("-", "") == plain)
    )
    if rows.is_empty():
        return None
    folder = _folder(seed, as_of, rows.row(0, named=True))
    if name == f"{folder.row['accession']}-index.htm":
        return _index(folder)
    if name == PRESS and folder.has_press:
        return _press(folder)
    return _filing(folder) if name == folder.row["document"] else None


def _folder(seed: int, as_of: date, row: Mapping[str, Any]) -> Folder:
    kind = str(row["items"]).split(",")[0] or str(row["form"])
    told = _NEWS.get(kind, _NEWS[""])[0 if _jump(seed, as_of, row) >= 0 else 1]
    draw = zlib.crc32(str(row["accession"]).encode())
    who = listings()[row["slot"]]
    words = {
        "name": who.name, "symbol": who.symbol, "form": row["form"],
        "n": 3 + draw % 21, "m": 20 + draw % 380, "holder": HOLDERS[draw % len(HOLDERS)],
    }  # fmt: skip
    return Folder(row, told[0].format(**words), told[1].format(**words))


def _jump(seed: int, as_of: date, row: Mapping[str, Any]) -> float:
    """How the price opens after the news of a filing; 0 where it moves nothing."""
    m = model(seed, as_of)
    day = np.datetime64(row["accepted"].astimezone(NEW_YORK).date())
    hit = (m.news.slot == row["slot"]) & (m.cal.sessions[m.news.filed_row] == day)
    kind = str(row["items"]).split(",")[0] or str(row["form"])
    hit &= m.news.kind.astype(str) == kind
    found = m.news.jump[hit]
    return float(found[0]) if len(found) else 0.0


def _index(folder: Folder) -> bytes:
    row = folder.row
    where = f"/Archives/edgar/data/{row['cik']}/{row['accession'].replace('-', '')}"
    listed = [(row["form"], row["document"], row["form"])]
    if folder.has_press:
        listed.append(("EX-99.1", PRESS, "PRESS RELEASE"))
    lines = [
        f'<tr><td>{n}</td><td>{escape(about)}</td><td><a href="{where}/{name}">{name}</a></td>'
        f"<td>{escape(kind)}</td><td>{row['size']}</td></tr>"
        for n, (kind, name, about) in enumerate(listed, 1)
    ]
    head = "<tr><th>Seq</th><th>Description</th><th>Document</th><th>Type</th><th>Size</th></tr>"
    table = f'<table class="tableFile" summary="Document Format Files">{head}{"".join(lines)}'
    return _page(f"{row['form']} {row['accession']}", [f"{table}</table>"])


def _press(folder: Folder) -> bytes:
    day = f"{folder.row['accepted'].astimezone(NEW_YORK):%d %B %Y}".lstrip("0")
    parts = ["Exhibit 99.1", "FOR IMMEDIATE RELEASE", folder.headline]
    return _page(folder.headline, _paragraphs([*parts, f"{day} – {folder.sentence}"]))


def _filing(folder: Folder) -> bytes:
    form, items = str(folder.row["form"]), str(folder.row["items"])
    parts = [*_COVER, f"FORM {form}"]
    for item in filter(None, items.split(",")):
        said = "Exhibit 99.1: press release." if item == "9.01" else folder.sentence
        parts += [f"Item {item} {ITEM_TITLES.get(item, '')}.", said]
    if form.startswith("SC 13D"):
        parts += ["Item 4. Purpose of Transaction", folder.sentence]
    elif not items:
        parts += ["Management's Discussion and Analysis", folder.headline, folder.sentence]
    return _page(form, _paragraphs(parts))


def _paragraphs(texts: Sequence[str]) -> list[str]:
    return [f"<p>{escape(text, quote=False)}</p>" for text in texts]


def _page(title: str, parts: Sequence[str]) -> bytes:
    head = f"<html><head><title>{escape(title)} ({LABEL})</title></head><body>"
    return f"{head}{''.join(parts)}</body></html>".encode()
