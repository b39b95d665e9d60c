"""What was filed: the current-filings feed and the daily indexes of the simulated companies."""

from __future__ import annotations

from datetime import date, datetime

import polars as pl

from core.sandbox.companies.filings import known_filings
from core.sandbox.market.names import listings

ITEM_TITLES = {
    "1.01": "Entry into a Material Definitive Agreement",
    "2.02": "Results of Operations and Financial Condition",
    "4.02": "Non-Reliance on Previously Issued Financial Statements",
    "5.02": "Departure of Directors or Certain Officers; Election of Directors",
    "8.01": "Other Events",
    "9.01": "Financial Statements and Exhibits",
}
_HEADER = {
    "form": ("by Form Type", "Form Type   Company Name{}CIK         Date Filed  File Name"),
    "company": ("by Company Name", "Company Name{}Form Type   CIK         Date Filed  File Name"),
    "master": ("", "CIK|Company Name|Form Type|Date Filed|File Name"),
}
_FOLDER = "https://www.sec.gov/Archives/edgar/data/"


def _named(rows: pl.DataFrame) -> pl.DataFrame:
    names = pl.Series([x.name for x in listings()])
    return rows.with_columns(names.gather(rows["slot"]).alias("name"))


def daily_index(
    seed: int, as_of: date, kind: str, day: date, known_at: datetime | None = None
) -> bytes | None:
    """form, master or company index of a day; None when nothing was filed."""
    rows = _named(known_filings(seed, as_of, known_at).filter(pl.col("filed") == day))
    if not rows.height or kind not in _HEADER:
        return None
    title, columns = _HEADER[kind]
    filed = pl.col("filed").dt.strftime("%Y%m%d")
    path = pl.format("edgar/data/{}/{}.txt", "cik", "accession")
    wide = [pl.col("form").str.pad_end(12), pl.col("name").str.pad_end(62)]
    tail = [pl.col("cik").cast(pl.String).str.pad_end(12), filed.str.pad_end(12), path]
    line = {
        "form": pl.concat_str([*wide, *tail]),
        "company": pl.concat_str([*reversed(wide), *tail]),
        "master": pl.format("{}|{}|{}|{}|{}", "cik", "name", "form", filed, path),
    }[kind]
    order = {"form": ["form", "name"], "company": ["name", "form"], "master": ["cik", "form"]}[kind]
    body = rows.sort(order, maintain_order=True).select(line.alias("line"))["line"]
    head = [
        f"Description:           Daily Index of EDGAR Dissemination Feed {title}".rstrip(),
        f"Last Data Received:    {day:%b %d, %Y}",
        "Comments:              simulated",
        "Anonymous FTP:         ",
        "",
        columns.format(" " * 50),
        "-" * 141,
    ]
    return ("\n".join([*head, *body]) + "\n").encode("latin-1")


def feed(seed: int, as_of: date, start: int, count: int, known_at: datetime | None = None) -> bytes:
    """A page of the current-filings Atom feed (ISO-8859-1), newest first.

    Forms 4 appear twice, for the issuer and for the reporting owner.
    """
    known = known_filings(seed, as_of, known_at)
    newest = _named(known.sort("accepted", descending=True).head(4000))
    both = pl.concat([newest.with_columns(pl.lit(r).alias("role")) for r in ("Filer", "Reporting")])
    insider = pl.col("form") == "4"
    entries = (
        both.filter((pl.col("role") == "Filer") | insider)
        .with_columns(pl.when(insider & (pl.col("role") == "Filer")).then(pl.lit("Issuer"))
                      .otherwise("role").alias("role"))
        .sort("accepted", "accession", descending=True, maintain_order=True)
        .slice(start, count)
    )  # fmt: skip
    text = "\n".join(entries.select(_entry().alias("entry"))["entry"])
    latest = newest["accepted"].dt.convert_time_zone("America/New_York")[0]
    head = (
        '<?xml version="1.0" encoding="ISO-8859-1" ?>\n'
        '<feed xmlns="http://www.w3.org/2005/Atom">\n'
        "<title>Latest Filings (simulated)</title>\n"
        '<link rel="self" href="/cgi-bin/browse-edgar?action=getcurrent"/>\n'
        "<id>https://www.sec.gov/cgi-bin/browse-edgar?action=getcurrent</id>\n"
        f"<author><name>Simulated</name></author>\n<updated>{latest.isoformat()}</updated>\n"
    )
    return (head + text + "\n</feed>\n").encode("latin-1")


def _entry() -> pl.Expr:
    plain = pl.col("accession").str.replace_all("-", "")
    at = pl.col("accepted").dt.convert_time_zone("America/New_York")
    stamp = at.dt.strftime("%Y-%m-%dT%H:%M:%S%:z")
    owner = pl.col("role") == "Reporting"
    cik = pl.when(owner).then(pl.col("cik") + 50_000).otherwise("cik")
    name = pl.when(owner).then(pl.format("{} Insider", "name")).otherwise("name")
    title = pl.format("{} - {} ({}) ({})", "form", name, cik.cast(pl.String).str.zfill(10), "role")
    link = pl.format("{}{}/{}/{}-index.htm", pl.lit(_FOLDER), cik, plain, "accession")
    items = pl.col("items").str.replace_many(
        [f"{item}" for item in ITEM_TITLES],
        [f"\n&lt;br&gt;Item {item}: {words}" for item, words in ITEM_TITLES.items()],
    ).str.replace_all(",\n", "\n")  # fmt: skip
    return pl.format(
        "<entry>\n<title>{}</title>\n"
        '<link rel="alternate" type="text/html" href="{}"/>\n'
        '<summary type="html">\n &lt;b&gt;Filed:&lt;/b&gt; {} &lt;b&gt;AccNo:&lt;/b&gt; {} '
        "&lt;b&gt;Size:&lt;/b&gt; {} KB{}\n</summary>\n<updated>{}</updated>\n"
        '<category scheme="https://www.sec.gov/" label="form type" term="{}"/>\n'
        "<id>urn:tag:sec.gov,2008:accession-number={}</id>\n</entry>",
        title, link, "filed", "accession", pl.col("size") // 1000, items, stamp, "form",
        "accession",
    )  # fmt: skip
