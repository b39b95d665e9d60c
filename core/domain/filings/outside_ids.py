"""Identifiers of somebody else against ours: CIKs and tickers, mismatch by mismatch."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

LONGEST_CIK = 10
_DIGITS = re.compile(r"[0-9]{1,10}")
KINDS = (
    "malformed", "doubled", "unknown cik", "unknown ticker", "other company", "former ticker",
    "missing outside",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Borne:
    """A ticker that a company bears, or bore until `until`."""

    ticker: str
    cik: int
    until: date | None = None


@dataclass(frozen=True, slots=True)
class KnownIds:
    """What we know: tickers by their one spelling, companies, and those that are followed."""

    tickers: Mapping[str, tuple[Borne, ...]]
    ciks: frozenset[int]
    followed: Mapping[int, str | None]


@dataclass(frozen=True, slots=True)
class Mismatch:
    """Where a row of theirs and our registry differ; row 1 is the first under the header."""

    kind: str
    row: int | None
    cik: int | None
    ticker: str | None
    message: str


def spelling(ticker: str) -> str:
    """A ticker in one spelling: `brk.b`, `BRK/B` and `BRK-B` are the same."""
    return re.sub(r"[./ ]", "-", ticker.strip().upper())


def registry(
    borne: Iterable[Borne], ciks: Iterable[int], followed: Mapping[int, str | None]
) -> KnownIds:
    """Ours, from tickers as they stand in the store."""
    tickers: dict[str, tuple[Borne, ...]] = {}
    for item in borne:
        name = spelling(item.ticker)
        tickers[name] = (*tickers.get(name, ()), item)
    return KnownIds(tickers, frozenset(ciks), followed)


def compare(rows: Iterable[tuple[str | None, str | None]], ours: KnownIds) -> list[Mismatch]:
    """Every mismatch of rows of (cik, ticker), in their order; then followed ones they lack."""
    found: list[Mismatch] = []
    seen: dict[str, tuple[int, int | None]] = {}
    named: set[int] = set()
    for number, (cik_text, ticker_text) in enumerate(rows, 1):
        cik, ticker = _cik(cik_text), spelling(ticker_text) if ticker_text else ""
        if (cik is None and (cik_text or "").strip()) or (cik is None and not ticker):
            told = f"neither a CIK nor a ticker: {(cik_text or '')[:30]!r}"
            found.append(Mismatch("malformed", number, None, ticker or None, told))
            continue
        if ticker:
            found += _doubled(seen, number, cik, ticker)
        found += _row(number, cik, ticker, ours)
        named |= {cik} if cik is not None else set()
        named |= {item.cik for item in ours.tickers.get(ticker, ())} if cik is None else set()
    found += [
        Mismatch("missing outside", None, cik, ticker, "followed here, and not in the file")
        for cik, ticker in sorted(ours.followed.items())
        if cik not in named
    ]
    return found


def _cik(text: str | None) -> int | None:
    word = (text or "").strip().upper().removeprefix("CIK")
    return int(word) if _DIGITS.fullmatch(word) and word.isascii() and int(word) > 0 else None


def _doubled(
    seen: dict[str, tuple[int, int | None]], number: int, cik: int | None, ticker: str
) -> Iterator[Mismatch]:
    before = seen.setdefault(ticker, (number, cik))
    if before[0] != number:
        words = "of another company there" if before[1] != cik else "the same there"
        yield Mismatch("doubled", number, cik, ticker, f"row {before[0]} has it too, {words}")


def _row(number: int, cik: int | None, ticker: str, ours: KnownIds) -> Iterator[Mismatch]:
    if cik is not None and cik not in ours.ciks:
        yield Mismatch("unknown cik", number, cik, ticker or None, "no company of ours")
    if not ticker:
        return
    borne = ours.tickers.get(ticker, ())
    now = [item for item in borne if item.until is None]
    if not borne:
        yield Mismatch("unknown ticker", number, cik, ticker, "no company of ours bears it")
    elif cik is None:
        if not now:
            yield _former(number, cik, ticker, borne)
    elif any(item.cik == cik for item in now):
        return
    elif any(item.cik == cik for item in borne):
        yield _former(number, cik, ticker, [item for item in borne if item.cik == cik])
    else:
        others = ", ".join(str(item.cik) for item in now or borne)
        yield Mismatch("other company", number, cik, ticker, f"with us it is of CIK {others}")


def _former(number: int, cik: int | None, ticker: str, borne: Iterable[Borne]) -> Mismatch:
    last = max(item.until or date.max for item in borne)
    return Mismatch("former ticker", number, cik, ticker, f"borne until {last:%Y-%m-%d}")


def summary(found: Iterable[Mismatch]) -> dict[str, Any]:
    """How many mismatches there are of each kind that there is."""
    counts = dict.fromkeys(KINDS, 0)
    for item in found:
        counts[item.kind] += 1
    return {kind: count for kind, count in counts.items() if count}
