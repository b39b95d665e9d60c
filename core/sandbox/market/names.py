"""The invented names of the simulated market: symbols, companies, sectors.

Every name is made up from syllables and begins with Z or Q; nothing here is a real company. The
list is the same for every seed, so that one test can hold it against the real tickers.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

SIMULATED = True
LABEL = "Simulated data: invented companies and prices"

SLOTS = 640  # symbols there can ever be; newer slots list over the years
COVERED = 60  # slots 1..60 are companies with XBRL filings
INDEX = 0  # the slot of the market fund
FIRST_CIK = 9_900_000

_HEADS = [
    "Zal",
    "Zan",
    "Zar",
    "Zel",
    "Zem",
    "Zer",
    "Zev",
    "Zim",
    "Zin",
    "Zor",
    "Zul",
    "Zyr",
    "Zof",
    "Zab",
    "Zep",
    "Zid",
    "Qua",
    "Quel",
    "Quin",
    "Quor",
    "Quil",
    "Quen",
    "Qual",
    "Quor",
    "Quem",
    "Quis",
]
_TAILS = [
    "dora",
    "mira",
    "vex",
    "lune",
    "trix",
    "nex",
    "bria",
    "theon",
    "phix",
    "lumen",
    "gard",
    "rane",
    "stone",
    "dale",
    "mont",
    "field",
    "crest",
    "vale",
    "port",
    "wyn",
    "holm",
    "ford",
    "lynx",
    "orbit",
    "arc",
    "nova",
    "plex",
    "shire",
    "wick",
    "tide",
]

# sector -> (annual volatility, industries with their SIC code and the end of the name)
SECTORS: dict[str, tuple[float, tuple[tuple[str, str, str], ...]]] = {
    "Technology": (
        0.38,
        (
            ("Semiconductors", "3674", "Semiconductor Corp"),
            ("Software", "7372", "Software Inc"),
            ("Computer Hardware", "3571", "Systems Inc"),
        ),
    ),
    "Health Care": (
        0.48,
        (
            ("Biotechnology", "2836", "Therapeutics Inc"),
            ("Pharmaceuticals", "2834", "Pharma Inc"),
            ("Medical Devices", "3841", "Medical Corp"),
        ),
    ),
    "Consumer Discretionary": (
        0.34,
        (
            ("Apparel", "2300", "Apparel Group Inc"),
            ("Restaurants", "5812", "Restaurants Inc"),
            ("Specialty Retail", "5600", "Retail Corp"),
        ),
    ),
    "Industrials": (
        0.28,
        (
            ("Machinery", "3560", "Machinery Co"),
            ("Aerospace", "3720", "Aerospace Corp"),
            ("Trucking", "4213", "Freight Lines Inc"),
        ),
    ),
    "Consumer Staples": (
        0.20,
        (
            ("Packaged Foods", "2000", "Foods Inc"),
            ("Household Products", "2840", "Home Brands Co"),
        ),
    ),
    "Energy": (
        0.40,
        (("Oil and Gas", "1311", "Energy Corp"), ("Drilling Services", "1381", "Drilling Inc")),
    ),
    "Materials": (0.30, (("Chemicals", "2860", "Chemical Co"), ("Metals", "3310", "Metals Corp"))),
    "Communication": (
        0.32,
        (("Broadcasting", "4833", "Media Inc"), ("Telecom", "4813", "Networks Inc")),
    ),
    "Utilities": (0.18, (("Electric Utilities", "4911", "Power Co"),)),
    "Financials": (
        0.26,
        (("Banks", "6022", "Bancorp"), ("Property Insurance", "6331", "Insurance Group Inc")),
    ),
    "Real Estate": (0.24, (("REIT", "6798", "Realty Trust"),)),
}
EXCHANGES = ("Nasdaq", "NYSE")


@dataclass(frozen=True, slots=True)
class Listing:
    """One slot of the market."""

    slot: int
    symbol: str
    name: str
    sector: str
    industry: str
    sic: str
    exchange: str
    cik: int | None


def cik_of(slot: int) -> int:
    """The CIK of a slot: a range far above those the SEC has given out."""
    return FIRST_CIK + slot


@lru_cache(maxsize=1)
def listings() -> tuple[Listing, ...]:
    """All slots in order; slot 0 is the market fund, slots 1..60 file XBRL."""
    stems = _stems()
    kinds = [(s, *industry) for s, (_, all_of) in SECTORS.items() for industry in all_of]
    rng = np.random.default_rng(20_200_102)
    order = rng.integers(0, len(kinds), SLOTS)
    order[1 : len(kinds) + 1] = rng.permutation(len(kinds))  # each industry files XBRL
    places = rng.integers(0, len(EXCHANGES), SLOTS)
    taken: set[str] = set()
    rows = [
        Listing(INDEX, "ZMKT", "Zenith Whole Market Fund", "Fund", "Fund", "6726", "NYSE", None)
    ]
    for slot in range(1, SLOTS):
        sector, industry, sic, ending = kinds[order[slot]]
        stem = stems[slot]
        symbol = _symbol(stem, taken)
        exchange = EXCHANGES[places[slot]]
        name = f"{stem} {ending}"
        rows.append(Listing(slot, symbol, name, sector, industry, sic, exchange, cik_of(slot)))
    return tuple(rows)


def _stems() -> list[str]:
    heads = list(dict.fromkeys(_HEADS))
    every = [stem for head in heads for tail in _TAILS if (stem := head + tail) not in _REAL_NAMES]
    return [every[i] for i in np.random.default_rng(7).permutation(len(every))[:SLOTS]]


def _symbol(stem: str, taken: set[str]) -> str:
    """Four letters out of the name that no other slot has, five when four do not do."""
    letters = stem.upper()
    four = [letters[0] + letters[i] + letters[j] + letters[k] for i, j, k in _picks(len(letters))]
    symbol = next((s for s in four if s not in taken and s not in _REAL), None)
    symbol = symbol or next(s for n in range(26) if (s := letters[:4] + chr(65 + n)) not in taken)
    taken.add(symbol)
    return symbol


def _picks(n: int) -> list[tuple[int, int, int]]:
    return [(i, j, k) for i in range(1, n) for j in range(i + 1, n) for k in range(j + 1, n)]


# Real symbols that the syllables would otherwise hit.
_REAL = frozenset(
    ["QIND", "QUAD", "QUAL", "QUIK", "QULL", "QUMS", "QURE", "QURT", "ZARE", "ZEPP", "ZIMV", "ZION"]
)
_REAL_NAMES = frozenset({"Quanex"})
