"""The day on which a ticker passed to another company, as filings tell it.

The map of tickers says who bears one now; a desk sees a change when it next pulls the map, which
the SEC itself brings up to date days or weeks late. A successor announces itself: Form 8-K12B or
8-K12G3 says of what event it is the issuer. Without one, its own change of name counts where the
company before it was renamed or delisted then, and its first registration or report where that one
was delisted (Form 25), but no day before that: until then the ticker was the other's. A day after
the change was seen, or more than a year before, is none of it.
"""

from __future__ import annotations

from core.domain.tables.frames import COMPANY_IDENTIFIERS
from core.store.filings import correct_identifiers
from core.store.transaction import MergeCounts, Transaction

SUCCESSOR = ("8-K12B", "8-K12G3", "8-K12B/A", "8-K12G3/A")
FIRST = (
    "8-A12B",
    "8-A12G",
    "8-K",
    "6-K",
    "10-Q",
    "10-K",
    "20-F",
    "40-F",
)  # of a company that began
ENDS = ("25", "25-NSE", "15-12B", "15-12G", "15F-12B", "15F-12G")  # of one that ended
YEAR, NEAR, EVENT = 366, 30, 10  # days

MOVED = """
SELECT n.cik AS new, o.cik AS old, n.value, n.valid_from AS seen,
    greatest(n.valid_from - $year, coalesce(o.valid_from, n.valid_from - $year)) AS least
FROM company_identifiers o JOIN company_identifiers n ON n.kind = 'ticker' AND o.kind = 'ticker'
    AND upper(n.value) = upper(o.value) AND n.cik <> o.cik
    AND n.valid_to IS NULL AND n.valid_from = o.valid_to
"""
DAYS = f"""
WITH moved AS ({MOVED}),
ended AS (  -- when the company before was renamed or delisted
    SELECT m.old, i.valid_to AS day, false AS delisted, false AS listed_before FROM moved m
    JOIN company_identifiers i ON i.cik = m.old AND i.kind = 'former_name' AND i.valid_to NOT NULL
    UNION ALL
    SELECT m.old, f.filed, true, starts_with(f.form, '25') FROM moved m
    JOIN filings f ON f.cik = m.old AND list_contains($ends, f.form)
),
began AS (
    SELECT m.new, min(f.filed) AS day FROM moved m
    JOIN filings f ON f.cik = m.new AND list_contains($first, f.form) GROUP BY m.new
),
told AS (
    SELECT m.*, CASE WHEN f.report_date BETWEEN f.filed - $event AND f.filed
        THEN f.report_date ELSE f.filed END AS day,
        (ends_with(f.form, '/A'))::INTEGER AS rank, f.form || ' ' || f.accession AS source
    FROM moved m JOIN filings f ON f.cik = m.new AND list_contains($successor, f.form)
    UNION ALL
    SELECT m.*, i.valid_to, 2, 'its change of name'
    FROM moved m JOIN company_identifiers i ON i.cik = m.new AND i.kind = 'former_name'
        AND i.valid_to NOT NULL
    JOIN ended e ON e.old = m.old AND abs(e.day - i.valid_to) <= $near
    UNION ALL
    SELECT m.*, greatest(b.day, min(e.day) FILTER (e.listed_before)), 3,
        CASE WHEN min(e.day) FILTER (e.listed_before) > b.day
        THEN 'the delisting of the company before' ELSE 'its first report' END
    FROM moved m JOIN began b ON b.new = m.new
    JOIN ended e ON e.old = m.old AND e.delisted AND abs(e.day - b.day) <= $near
    GROUP BY m.new, m.old, m.value, m.seen, m.least, b.day
)
SELECT new, old, value, seen, day, source FROM (  -- the best tells it, also where it stands already
    SELECT * FROM told WHERE day BETWEEN least + 1 AND seen
    QUALIFY row_number() OVER (PARTITION BY new, old, value ORDER BY rank, day DESC, source) = 1
) WHERE day < seen ORDER BY value, day, old
"""


def date_moves(tx: Transaction, pull_id: str) -> tuple[MergeCounts, list[str]]:
    """Let tickers pass on the day that filings tell, where that was before the one seen.

    Returns what was changed, and a sentence for each.
    """
    given = {
        "year": YEAR, "near": NEAR, "event": EVENT,
        "successor": list(SUCCESSOR), "first": list(FIRST), "ends": list(ENDS),
    }  # fmt: skip
    if tx.read(f"SELECT 1 FROM ({MOVED}) LIMIT 1", {"year": YEAR}).is_empty():
        return MergeCounts(), []
    found = tx.read(DAYS, given)
    names = ", ".join(COMPANY_IDENTIFIERS.columns)
    counts = MergeCounts()
    for side, column in (("new", "valid_from"), ("old", "valid_to")):
        rows = tx.read(
            f"SELECT {names} FROM company_identifiers WHERE kind = 'ticker' "
            "AND list_contains($ciks, cik)", {"ciks": found[side].unique().to_list()}
        )  # fmt: skip
        days = found.select("value", "seen", "day", cik=side)
        days = days.unique(["value", "cik"], keep="last", maintain_order=True)
        dated = rows.rename({column: "seen"}).join(days, on=["cik", "value", "seen"])
        changed = dated.rename({"day": column}).select(list(COMPANY_IDENTIFIERS.columns))
        counts += correct_identifiers(tx, changed, pull_id)
    return counts, [
        f"{row['value']} passed to CIK {row['new']} on {row['day']} ({row['source']}), "
        f"seen on {row['seen']}"
        for row in found.iter_rows(named=True)
    ]
