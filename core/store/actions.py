"""Corporate actions as the desk reads them: under the symbols of the bars, in its words for kinds.

Upstreams spell a class of shares in three ways (BRK.B, BRK-B, BRK/B) and a kind in many (Dividend,
special_dividend, Stock Split): whatever the spelling, an action belongs to the bars of its name. A
split that the bars show already is told apart, since nothing must be divided by it again.

Table names come from the catalogue and are quoted; values are parameters.
"""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from core.domain.gaps.bars import MOST_PRICE, WILDEST_SPLIT
from core.store.journal import Reader
from core.store.scans import closed_days
from core.store.tickers import normal
from core.store.transaction import quoted

ACTIONS, BARS = "corporate_actions", "bars_daily"
LEAST_TELLING_RATIO = 1.4
SPLIT_NEIGHBOUR_DAYS = 10
_DIVIDENDS = "'cash dividend', 'special dividend', 'special cash dividend', 'extra dividend'"
_SPLITS = (
    "'stock split', 'forward split', 'forward stock split', 'reverse split', 'reverse stock split'"
)
UNCLEAR_SPLIT = "split of unknown ratio"  # an action like any other that prices cannot follow
UNCLEAR_DIVIDEND = "dividend of unknown amount"
_IMPOSSIBLE = f"NOT amount BETWEEN 0 AND {MOST_PRICE}"
_CAN_BE = f"ratio BETWEEN {1 / WILDEST_SPLIT} AND {WILDEST_SPLIT}"
_KIND = f"""
CASE WHEN word IN ('dividend', {_DIVIDENDS}) AND {_IMPOSSIBLE} THEN '{UNCLEAR_DIVIDEND}'
    WHEN word IN ({_DIVIDENDS}) AND amount IS NOT NULL THEN 'dividend'
    WHEN word IN ('split', {_SPLITS}) AND {_CAN_BE} THEN 'split'
    WHEN word = 'stock dividend' AND ratio > 1 AND {_CAN_BE} THEN 'split'
    WHEN word = 'split' THEN '{UNCLEAR_SPLIT}'
    ELSE word END
"""
# What one pull tells of a day stands side by side. Of what several pulls tell, the last counts
# where it is the same cash, or a split, in other words: a note or kind that was rewritten upstream.
_SAME = f"""
CASE WHEN {_KIND} <> 'split' THEN amount END, CASE WHEN {_KIND} <> 'split' THEN currency END
"""
# Of several spellings that state an action of one name, day and kind, that of the bars counts.
_KNOWN = f"""
WITH named AS (
    SELECT symbol, {normal("symbol")} AS spelled FROM ({{names}})
), worded AS (
    SELECT *, {normal("symbol")} AS spelled,
        trim(regexp_replace(lower(kind), '[\\s_-]+', ' ', 'g')) AS word
    FROM {{actions}}
)
SELECT coalesce(n.symbol, a.symbol) AS symbol, a.ex_date, {_KIND} AS kind, a.ratio, a.amount,
    a.currency, a.note
FROM worded a {{join}} JOIN named n ON n.spelled = a.spelled
QUALIFY a.symbol = first_value(a.symbol) OVER (
    PARTITION BY coalesce(n.symbol, a.symbol), a.ex_date, {_KIND}
    ORDER BY a.symbol <> n.symbol, a.symbol)
    AND a.pull_id = max(a.pull_id) OVER (
        PARTITION BY coalesce(n.symbol, a.symbol), a.symbol, a.ex_date, {_KIND}, {_SAME})
"""
_SHOWN = """
WITH known AS ({known}), splits AS (
    SELECT DISTINCT symbol, ex_date, ln(ratio) AS step FROM known
    WHERE kind = 'split' AND ratio > 0 AND abs(ln(ratio)) >= ln($least)
), moves AS (
    SELECT s.symbol, s.ex_date, s.step,
        ln(arg_max(b.close, b.session) FILTER (b.session < s.ex_date)
            / arg_min(b.close, b.session) FILTER (b.session >= s.ex_date)) AS move
    FROM splits s JOIN {bars} b ON b.symbol = s.symbol AND b.close > 0
        AND b.session BETWEEN s.ex_date - $days::INTEGER AND s.ex_date + $days::INTEGER
        AND NOT list_contains($closed::DATE[], b.session)
    GROUP BY s.symbol, s.ex_date, s.step
)
SELECT symbol, ex_date FROM moves WHERE abs(move) < abs(move - step)
"""
_ALL = "SELECT DISTINCT symbol FROM {}"
_SOME = "SELECT unnest($symbols::VARCHAR[]) AS symbol"


def _known(
    table: str, bars: str | None, symbols: Sequence[str] | None
) -> tuple[str, dict[str, list[str]]]:
    """The query of `known`, and its parameters."""
    if symbols is not None:
        names, given = _SOME, {"symbols": list(symbols)}
    else:
        names, given = (
            "SELECT NULL::VARCHAR AS symbol" if bars is None else _ALL.format(quoted(bars)),
            {},
        )
    join = "LEFT" if symbols is None else "INNER"
    return _KNOWN.format(names=names, actions=quoted(table), join=join), given


def known(
    reader: Reader,
    table: str = ACTIONS,
    bars: str | None = BARS,
    symbols: Sequence[str] | None = None,
) -> pl.DataFrame:
    """Corporate actions (CORPORATE_ACTIONS) of all symbols or of some, by symbol and ex-date.

    Symbols as the table `bars` (or the caller) spells them; without it as delivered.
    """
    query, given = _known(table, bars, symbols)
    ordered = f"SELECT * FROM ({query}) ORDER BY symbol, ex_date, kind DESC, note NULLS FIRST"
    return reader.read(ordered, given)


def splits_in_the_bars(
    reader: Reader, table: str = ACTIONS, bars: str = BARS, symbols: Sequence[str] | None = None
) -> pl.DataFrame:
    """Symbol and ex_date of splits for which the bars are adjusted already.

    Raw bars change by about the ratio at the ex-date, adjusted ones do not. Ratios near one prove
    nothing and are left out, and so are splits without a bar on both sides.
    """
    query, given = _known(table, bars, symbols)
    return reader.read(
        _SHOWN.format(known=query, bars=quoted(bars)),
        {
            "least": LEAST_TELLING_RATIO,
            "days": SPLIT_NEIGHBOUR_DAYS,
            "closed": closed_days(reader, bars),
            **given,
        },
    )


def without(actions: pl.DataFrame, shown: pl.DataFrame) -> pl.DataFrame:
    """The actions less the splits that the bars show already."""
    marked = shown.with_columns(kind=pl.lit("split"))
    return actions.join(marked, on=["symbol", "ex_date", "kind"], how="anti", maintain_order="left")
