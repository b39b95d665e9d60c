"""Companies: the watch list, the registry of identifiers, filings and facts."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING, Any

import polars as pl

from core.domain.access.principals import ENGINE, Role
from core.domain.filings import edgar
from core.errors import NotFoundError, UsageError
from core.service.filings import filing_rows
from core.service.kernel import access
from core.service.kernel.access import needs
from core.service.kernel.commands import command
from core.service.kernel.exports import export
from core.service.pulls import refresh
from core.store import tickers, watchlist
from core.store.facts import facts_as_known_on
from core.store.tickers import MOVES, PERIODS, PRIMARY, normal

if TYPE_CHECKING:
    from core.service.desk import Desk

TICKERS_DATASET = "sec.companies"


def watch_list(desk: Desk) -> pl.DataFrame:
    """The companies followed: cik, symbol, name, added_at, filings, facts, latest_filed, note.

    A company followed under several classes of shares has a row for each. `note` names who bore
    the ticker before, or bears it now.
    """
    return desk.warehouse.read(
        "WITH f AS (SELECT cik, count(*) AS filings, max(filed) AS latest_filed FROM filings "
        "WHERE cik IN (SELECT cik FROM watchlist) GROUP BY cik), "
        "x AS (SELECT cik, count(*) AS facts FROM facts WHERE removed_at IS NULL "
        "AND cik IN (SELECT cik FROM watchlist) GROUP BY cik), "
        f"t AS ({PRIMARY}), m AS ({MOVES}), n AS (SELECT cik, string_agg(note, '; ') AS note FROM ("
        "SELECT new AS cik, symbol || ' until ' || ended_on || ': ' || old_name || ' (CIK ' || old "
        "|| ')' AS note FROM m UNION ALL SELECT old, symbol || ' since ' || moved_on || ': ' || "
        "new_name || ' (CIK ' || new || ')' FROM m) GROUP BY cik) "
        "SELECT w.cik, coalesce(w.symbol, t.symbol) AS symbol, c.name, w.added_at, "
        "coalesce(f.filings, 0) AS filings, "
        "coalesce(x.facts, 0) AS facts, f.latest_filed, c.sic_description, c.category, "
        "n.note "
        "FROM watchlist w LEFT JOIN companies c ON c.cik = w.cik LEFT JOIN f ON f.cik = w.cik "
        "LEFT JOIN x ON x.cik = w.cik LEFT JOIN t ON t.cik = w.cik "
        "LEFT JOIN n ON n.cik = w.cik ORDER BY coalesce(w.symbol, t.symbol, c.name), w.cik"
    )


def watched(desk: Desk) -> list[int]:
    """CIKs of the companies followed."""
    return watchlist.watched(desk.warehouse)


@needs(Role.ANALYST)
def watch(desk: Desk, names: Sequence[str]) -> list[int]:
    """Follow companies by ticker or CIK; the CIKs. NotFoundError names what is unknown.

    Asked for by a ticker, a company is shown under that class of its shares.
    """
    ciks = resolve(desk, names)
    asked = [None if edgar.cik_of(name) else name for name in names]
    symbols = _spelled(desk, [name for name in asked if name])
    frame = pl.DataFrame(
        {
            "cik": ciks,
            "symbol": [symbols.get(name.strip().upper()) if name else None for name in asked],
            "added_at": [desk.now()] * len(ciks),
        },
        schema={"cik": pl.Int64, "symbol": pl.String, "added_at": pl.Datetime("us", "UTC")},
    ).unique(["cik", "symbol"], maintain_order=True)
    named = frame.filter(pl.col("symbol").is_not_null())
    bare = frame.join(named, on="cik", how="anti")
    with desk.warehouse.transaction() as tx:
        tx.execute(  # followed by number before: now under the ticker asked for
            "DELETE FROM watchlist WHERE symbol IS NULL AND cik IN (SELECT unnest(?))",
            [named["cik"].to_list()],
        )
        known = tx.read("SELECT cik, symbol FROM watchlist")
        tx.insert("watchlist", named.join(known, on=["cik", "symbol"], how="anti"))
        tx.insert("watchlist", bare.join(known, on="cik", how="anti"))
    return ciks


@needs(Role.ANALYST)
def unwatch(desk: Desk, names: Sequence[str]) -> list[int]:
    """Stop following companies; what is stored stays. The CIKs."""
    ciks = resolve(desk, names)
    with desk.warehouse.transaction() as tx:
        tx.execute("DELETE FROM watchlist WHERE cik IN (SELECT unnest(?))", [ciks])
    return ciks


def resolve(desk: Desk, names: Sequence[str]) -> list[int]:
    """CIKs of tickers or CIKs, in order; the ticker map is pulled first when it is not there."""
    wanted = [name.strip().upper() for name in names]
    asked = [name for name in wanted if not edgar.cik_of(name)]
    for name in asked:
        if not name or (name.isascii() and name.isdigit()):
            raise UsageError(f"{name[:20]!r} is no ticker, and no CIK of 1 to 10 digits")
    known = by_ticker(desk, asked)
    if set(asked) - set(known) and not _has_tickers(desk) and desk.engine is not None:
        with access.acting(ENGINE):  # no matter who reads
            tickets = refresh.refresh_now(desk, [TICKERS_DATASET], force=False)
        refresh.wait(desk, tickets)
        known = by_ticker(desk, asked)
    unknown = [name for name in asked if name not in known]
    if unknown:
        raise _unknown(desk, unknown)
    return [edgar.cik_of(name) or known[name] for name in wanted]


def by_ticker(desk: Desk, asked: Sequence[str]) -> dict[str, int]:
    """Tickers as asked for (upper case) -> the CIKs that bear them today; of known ones."""
    rows = desk.warehouse.read(
        "SELECT t.ticker, arg_max(i.cik, (i.valid_to IS NULL, i.valid_from, -i.cik)) AS cik "
        "FROM (SELECT unnest(?) AS ticker) t JOIN company_identifiers i ON i.kind = 'ticker' "
        f"AND {normal('i.value')} = {normal('t.ticker')} GROUP BY t.ticker",
        [list(asked)],
    )
    return dict(rows.rows())


def _has_tickers(desk: Desk) -> bool:
    return bool(
        desk.warehouse.read("SELECT count(*) FROM company_identifiers WHERE kind = 'ticker'").item()
    )


def _unknown(desk: Desk, names: Sequence[str]) -> NotFoundError:
    known = desk.warehouse.read(
        "SELECT DISTINCT value FROM company_identifiers WHERE kind = 'ticker'"
    )["value"].to_list()
    if not known:
        return NotFoundError(
            f"no ticker is known yet, so not {', '.join(names)}",
            hint=f"pull the ticker map first (python -m app pull {TICKERS_DATASET}), or give CIKs",
        )
    roots = tickers.classes(desk.warehouse, names[0])
    if roots:
        hint = f"{names[0]} has several classes: name one of {', '.join(roots)}"
        return NotFoundError(f"there is no company with the ticker {', '.join(names)}", hint=hint)
    near = difflib.get_close_matches(names[0], known, n=3)
    hint = f"did you mean {', '.join(near)}?" if near else "give the CIK instead"
    return NotFoundError(f"there is no company with the ticker {', '.join(names)}", hint=hint)


def _spelled(desk: Desk, asked: Sequence[str]) -> dict[str, str]:
    """Tickers as asked for (upper case) -> as the ticker map spells them."""
    rows = desk.warehouse.read(
        "SELECT t.ticker, arg_max(i.value, (i.valid_to IS NULL, i.valid_from, -i.cik, i.value)) "
        "AS value "
        "FROM (SELECT unnest(?) AS ticker) t JOIN company_identifiers i ON i.kind = 'ticker' "
        f"AND {normal('i.value')} = {normal('t.ticker')} GROUP BY t.ticker",
        [[name.strip().upper() for name in asked]],
    )
    return dict(rows.rows())


def companies(desk: Desk, text: str | None = None, limit: int = 200) -> pl.DataFrame:
    """Companies that match a ticker, name or CIK (all when None): cik, symbol, name, watched.

    A ticker shows the class it names, a bare root (BRK) each of its classes.
    """
    return desk.warehouse.read(
        f"WITH t AS ({PRIMARY}), k AS (SELECT cik, value AS symbol, "
        f"{normal('value')} = {normal('$text')} AS exact FROM company_identifiers "
        f"WHERE kind = 'ticker' AND valid_to IS NULL AND ({normal('value')} = {normal('$text')} "
        f"OR starts_with({normal('value')}, {normal('$text')} || '-'))), "
        "r AS (SELECT cik, symbol, exact FROM k UNION ALL SELECT c.cik, t.symbol, false "
        "FROM companies c LEFT JOIN t ON t.cik = c.cik WHERE c.cik NOT IN (SELECT cik FROM k) "
        "AND ($text IS NULL OR contains(lower(c.name), lower($text)) "
        "OR upper(t.symbol) = upper($text) OR c.cik = $cik)) "
        "SELECT c.cik, r.symbol, c.name, c.sic_description, c.category, "
        "c.cik IN (SELECT cik FROM watchlist) AS watched "
        "FROM r JOIN companies c ON c.cik = r.cik "
        "ORDER BY r.exact DESC, watched DESC, c.name, r.symbol, c.cik LIMIT $limit",
        {"text": text or None, "cik": edgar.cik_of(text or ""), "limit": limit},
    )


def company(desk: Desk, cik: int) -> dict[str, Any]:
    """One company with its identifiers; NotFoundError when nothing is known of it."""
    rows = desk.warehouse.read("SELECT * FROM companies WHERE cik = ?", [cik]).to_dicts()
    if not rows:
        raise NotFoundError(
            f"nothing is known of CIK {cik}", hint=f"follow it: python -m app watch add {cik}"
        )
    identifiers = desk.warehouse.read(
        f"SELECT kind, value, exchange, valid_from, valid_to, source FROM {PERIODS} "
        "WHERE cik = ? ORDER BY kind, valid_from NULLS FIRST, value, exchange",
        [cik],
    )
    return {**rows[0], "identifiers": identifiers.to_dicts()}


_TIES = ("accession", "seq")  # what parts facts of one day: rows of a store have no order
_FILING = (
    "accession, form, filed, accepted_at, report_date, items, description, is_xbrl, file_number, "
    f"{edgar.filing_sql('filings')} AS url"
)


def filings(
    desk: Desk,
    cik: int,
    forms: Sequence[str] | None = None,
    limit: int = 500,
    as_known_on: date | None = None,
) -> pl.DataFrame:
    """Filings of a company, newest first, with a link to EDGAR in `url` and `title` in words."""
    found = desk.warehouse.read(
        f"SELECT cik, {_FILING} FROM filings WHERE cik = $cik "
        "AND ($forms IS NULL OR list_contains($forms, form)) "
        "AND ($on IS NULL OR filed <= $on) "
        "ORDER BY filed DESC, accepted_at DESC NULLS LAST, accession DESC LIMIT $limit",
        {
            "cik": cik,
            "forms": list(forms) if forms else None,
            "limit": limit,
            "on": as_known_on,
        },
    )
    return filing_rows.told(desk, found).drop("cik")


def listed(desk: Desk, *accessions: str) -> pl.DataFrame:
    """Filings as the SEC lists them, one row per filer, in one query however many they are.

    Columns: cik, name, those of `filings`, and `title`: the filing in words.
    """
    found = desk.warehouse.read(
        f"SELECT f.*, c.name FROM (SELECT cik, {_FILING} FROM filings "
        "WHERE accession IN (SELECT unnest(?::VARCHAR[]))) f "
        "LEFT JOIN companies c ON c.cik = f.cik ORDER BY f.accession, f.cik",
        [list(accessions)],
    )
    return filing_rows.told(desk, found)


def latest(desk: Desk, ciks: Sequence[int], since: date, limit: int) -> pl.DataFrame:
    """The filings of some companies filed since a day, newest first, with the columns of `listed`.

    One row a filing, that of its first filer among them.
    """
    found = desk.warehouse.read(
        f"SELECT f.*, c.name FROM (SELECT cik, {_FILING} FROM filings "
        "WHERE list_contains(?::BIGINT[], cik) AND filed >= ?) f "
        "LEFT JOIN companies c ON c.cik = f.cik "
        "QUALIFY row_number() OVER (PARTITION BY f.accession ORDER BY f.cik) = 1 "
        "ORDER BY f.filed DESC, f.accepted_at DESC NULLS LAST, f.accession DESC LIMIT ?",
        [list(ciks), since, limit],
    )
    return filing_rows.told(desk, found)


def concepts(desk: Desk, cik: int) -> pl.DataFrame:
    """Concepts a company has reported: taxonomy, concept, label, unit, facts, latest period."""
    return desk.warehouse.read(
        "SELECT f.taxonomy, f.concept, any_value(c.label) AS label, f.unit, count(*) AS facts, "
        "max(f.period_end) AS latest FROM facts f LEFT JOIN concepts c "
        "ON c.taxonomy = f.taxonomy AND c.concept = f.concept "
        "WHERE f.cik = ? AND f.removed_at IS NULL GROUP BY f.taxonomy, f.concept, f.unit "
        "ORDER BY facts DESC, f.concept, f.taxonomy, f.unit",
        [cik],
    )


def facts(
    desk: Desk, cik: int, concept: str | None = None, as_known_on: date | None = None
) -> pl.DataFrame:
    """Facts of a company (columns of FACTS), newest period first, as known on a day."""
    found = facts_as_known_on(desk.warehouse, as_known_on, [cik], [concept] if concept else None)
    return found.sort(
        ["concept", "taxonomy", "unit", "period_end", "period_start", "filed", *_TIES],
        descending=[False, False, False, True, True, True, True, False],
        nulls_last=True,
    )


@export("facts", needs=Role.VIEWER)
def export_facts(
    desk: Desk,
    *,
    ticker: str | None = None,
    cik: int | None = None,
    concept: str | None = None,
    as_known_on: date | None = None,
) -> pl.DataFrame:
    """Facts of one company, or of all, as known on a day (now by default)."""
    if ticker:
        cik = resolve(desk, [ticker])[0]
    return facts_as_known_on(
        desk.warehouse,
        as_known_on,
        [cik] if cik is not None else None,
        [concept] if concept else None,
    ).sort(["cik", "taxonomy", "concept", "unit", "period_end", "filed", "period_start", *_TIES])


@command("watch_add", needs=Role.ANALYST)
def watch_add(desk: Desk, *, companies: list[str]) -> dict[str, Any]:
    """Follow companies by ticker or CIK."""
    watch(desk, companies)
    return watch_list_command(desk)


@command("watch_remove", needs=Role.ANALYST)
def watch_remove(desk: Desk, *, companies: list[str]) -> dict[str, Any]:
    """Stop following companies."""
    unwatch(desk, companies)
    return watch_list_command(desk)


@command("watch_list", needs=Role.VIEWER)
def watch_list_command(desk: Desk) -> dict[str, Any]:
    """The companies followed."""
    return {"companies": watch_list(desk).to_dicts()}
