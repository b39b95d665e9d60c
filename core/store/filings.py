"""Companies, their identifiers over time, and filings in the store."""

from __future__ import annotations

from datetime import date

import polars as pl

from core.domain.tables.frames import COMPANY_IDENTIFIERS, FILINGS, check
from core.store.transaction import MergeCounts, Transaction

_KEY = ["cik", "kind", "value"]


def write_filings(tx: Transaction, filings: pl.DataFrame, pull_id: str) -> MergeCounts:
    """Merge filings (FILINGS) as submissions state them."""
    return tx.merge("filings", check(filings, FILINGS), FILINGS.key, pull_id)


def add_filings(tx: Transaction, filings: pl.DataFrame, pull_id: str) -> MergeCounts:
    """Add filings (FILINGS) that the store lacks; an index or feed knows less than submissions."""
    known = tx.read(
        "SELECT cik, accession FROM filings WHERE accession IN (SELECT unnest(?))",
        [filings["accession"].unique().to_list()],
    )
    new = check(filings, FILINGS).join(known, on=list(FILINGS.key), how="anti")
    tx.insert("filings", new.with_columns(pull_id=pl.lit(pull_id)))
    return MergeCounts(new.height, 0, filings.height - new.height)


def write_companies(tx: Transaction, companies: pl.DataFrame, pull_id: str) -> MergeCounts:
    """Merge companies (COMPANIES) as submissions state them."""
    return tx.merge("companies", companies, ("cik",), pull_id)


def add_companies(tx: Transaction, companies: pl.DataFrame, pull_id: str) -> MergeCounts:
    """Add companies (cik, name) that the store lacks; others keep what submissions said."""
    known = tx.read(
        "SELECT cik FROM companies WHERE cik IN (SELECT unnest(?))", [companies["cik"].to_list()]
    )
    new = companies.join(known, on="cik", how="anti")
    tx.insert("companies", new.with_columns(pull_id=pl.lit(pull_id)))
    return MergeCounts(new.height, 0, companies.height - new.height)


def write_identifiers(
    tx: Transaction,
    stated: pl.DataFrame,
    pull_id: str,
    on: date,
    *,
    whole_market: bool = False,
    ends: bool = True,
) -> MergeCounts:
    """Merge identifiers (COMPANY_IDENTIFIERS) as they are stated on a day.

    A ticker that a company of `stated` (with `whole_market`: any company) no longer has ends on
    that day (not with `ends=False`: the source has no tickers); one it has anew, where others were
    known before or another company had it, begins on it, and so does one it had and lost, whose
    earlier time goes to `former_tickers`. Nothing is deleted. Once a map of the
    whole market is stored it alone says who bears a ticker: the submissions of a predecessor name
    its old one for good, those of a successor none for weeks.
    """
    stated = check(stated, COMPANY_IDENTIFIERS).unique(_KEY, keep="first", maintain_order=True)
    every = tx.read(f"SELECT {', '.join(COMPANY_IDENTIFIERS.columns)} FROM company_identifiers")
    known = every
    if not whole_market:
        known = every.join(stated.select("cik").unique(), on="cik", how="semi")
        if _has_map(tx):
            ends = False
            stated = stated.join(_borne_by_others(stated, every), on=_KEY, how="anti")
    ended = _ended(stated, known, on) if ends else COMPANY_IDENTIFIERS.empty()
    if ends and not whole_market:
        ended = pl.concat([ended, _taken(stated, every, on)]).unique(_KEY)
    back = _back(stated, known, on)
    tx.insert("former_tickers", back.with_columns(pull_id=pl.lit(pull_id)))
    current = _continued(stated, known.join(back, on=_KEY, how="anti"), every, on)
    rows = pl.concat([current, ended])
    return tx.merge("company_identifiers", rows, COMPANY_IDENTIFIERS.key, pull_id)


def correct_identifiers(tx: Transaction, rows: pl.DataFrame, pull_id: str) -> MergeCounts:
    """Put rows of COMPANY_IDENTIFIERS in the place of those of their key; the others stay."""
    checked = check(rows, COMPANY_IDENTIFIERS)
    return tx.merge("company_identifiers", checked, COMPANY_IDENTIFIERS.key, pull_id)


def _ended(stated: pl.DataFrame, known: pl.DataFrame, on: date) -> pl.DataFrame:
    open_tickers = known.filter((pl.col("kind") == "ticker") & pl.col("valid_to").is_null())
    gone = open_tickers.join(stated, on=_KEY, how="anti")
    return gone.with_columns(valid_to=pl.lit(on))


def _back(stated: pl.DataFrame, known: pl.DataFrame, on: date) -> pl.DataFrame:
    """Tickers that their company lost before that day and bears again: as they were."""
    lost = (pl.col("kind") == "ticker") & (pl.col("valid_to") < on)
    return known.filter(lost).join(_open(stated), on=_KEY, how="semi")


def _has_map(tx: Transaction) -> bool:
    query = "SELECT count(*) FROM source_documents WHERE contains(url, '/company_tickers')"
    return bool(tx.read(query).item())


def _open(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.filter((pl.col("kind") == "ticker") & pl.col("valid_to").is_null())


def _borne_by_others(stated: pl.DataFrame, every: pl.DataFrame) -> pl.DataFrame:
    """Stated tickers that another company bears."""
    held = _open(every).select("value", holder="cik")
    both = _open(stated).select(_KEY).join(held, on="value")
    return both.filter(pl.col("holder") != pl.col("cik")).select(_KEY)


def _taken(stated: pl.DataFrame, every: pl.DataFrame, on: date) -> pl.DataFrame:
    """Open tickers that another company states now, and their own does not: ended that day."""
    claimed = _open(stated).select("value", claimant="cik")
    lost = _open(every).join(claimed, on="value").filter(pl.col("claimant") != pl.col("cik"))
    lost = lost.join(stated, on=_KEY, how="anti").with_columns(valid_to=pl.lit(on))
    return lost.select(list(COMPANY_IDENTIFIERS.columns)).unique(_KEY)


def _continued(
    stated: pl.DataFrame, known: pl.DataFrame, every: pl.DataFrame, on: date
) -> pl.DataFrame:
    before = known.select(
        *_KEY, *(pl.col(c).alias(f"{c}_known") for c in _KEPT), known=pl.lit(True)
    )
    had = known.filter(pl.col("kind") == "ticker").select("cik").unique()
    joined = stated.join(before, on=_KEY, how="left", maintain_order="left")
    joined = joined.join(had.with_columns(had=pl.lit(True)), on="cik", how="left")
    borne = every.filter(pl.col("kind") == "ticker")["value"].unique()
    had_or_borne = pl.col("had").fill_null(value=False) | pl.col("value").is_in(borne.implode())
    anew = pl.col("known").is_null() & had_or_borne & (pl.col("kind") == "ticker")
    begins = pl.when(anew).then(pl.lit(on))
    return joined.with_columns(
        exchange=pl.coalesce("exchange", "exchange_known"),
        source=pl.coalesce("source_known", "source"),
        valid_from=pl.coalesce("valid_from", "valid_from_known", begins),
    ).select(list(COMPANY_IDENTIFIERS.columns))


_KEPT = ("exchange", "valid_from", "source")
