"""Daily index files and the Atom feed of current filings as frames of FILINGS.

Index columns move from file to file and names are cut, so a row is read from its right end, where
CIK, date and file name stand; only form and name need the header's widths.
"""

from __future__ import annotations

import re
from xml.etree.ElementTree import ParseError

import defusedxml.ElementTree as DefusedTree
import polars as pl
from defusedxml import DefusedXmlException

from core.domain.filings.forms import KNOWN, completed
from core.domain.tables.frames import FILINGS
from core.errors import ParsingError
from core.sources.pulled import REJECTS

_RULE = re.compile(r"^-{20,}\s*$", re.MULTILINE)
_RIGHT = (
    r"^(?P<left>.+?)\s+(?P<cik>\d{1,10})\s+(?P<filed>\d{8}|\d{4}-\d{2}-\d{2})"
    r"\s+edgar/data/\S*?(?P<accession>\d{10}-\d{2}-\d{6})\S*\s*$"
)
_PIPED = (
    r"^(?P<cik>\d{1,10})\|(?P<name>[^|]*)\|(?P<form>[^|]+)\|(?P<filed>\d{8}|\d{4}-\d{2}-\d{2})"
    r"\|edgar/data/\S*?(?P<accession>\d{10}-\d{2}-\d{6})\S*\s*$"
)
_ATOM = {"a": "http://www.w3.org/2005/Atom"}
_TITLE = r"^(?P<form>.+?) - .*\((?P<cik>\d{1,10})\) \((?P<role>[^)]*)\)\s*$"
# longer than a usual column: told by the words themselves, whatever the widths say
LONG_FORM = rf"^((?:{'|'.join(re.escape(form) for form in KNOWN if len(form) > 10)})(?:/A)?)"
_UNITS = {"KB": 1024, "MB": 1024**2, "GB": 1024**3}


def decode_index(body: bytes, where: str | None = None) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Filings (FILINGS; dates only, no instants) and rejected lines of an `.idx` file.

    Knows form, company and master indexes, daily and quarterly. ParsingError without a header.
    """
    text = body.decode("latin-1")
    rule = _RULE.search(text)
    if rule is None:
        raise ParsingError("not an index of EDGAR: it has no header", where=where)
    header = text[: rule.start()].rstrip("\n")
    first = text[: rule.start()].count("\n") + 2
    lines = pl.DataFrame({"raw": text[rule.end() :].lstrip("\n").split("\n")})
    lines = lines.with_row_index("row_number", first).filter(pl.col("raw").str.strip_chars() != "")
    if "|" in header.rsplit("\n", 1)[-1]:
        rows = lines.with_columns(pl.col("raw").str.extract_groups(_PIPED)).unnest("raw")
    else:
        rows = lines.with_columns(pl.col("raw").str.extract_groups(_RIGHT)).unnest("raw")
        rows = _with_forms(rows, header, where)
    return _indexed(rows, lines)


def _with_forms(rows: pl.DataFrame, header: str, where: str | None) -> pl.DataFrame:
    """The form in what stands left of the CIK, by the header's order and widths.

    A form that fills its column may have been cut there, or run over into the next one.
    """
    titles = next((h for h in header.split("\n") if "Form Type" in h and "Company Name" in h), "")
    if not titles:
        raise ParsingError("not an index of EDGAR: unknown header", where=where)
    form, name = titles.index("Form Type"), titles.index("Company Name")
    left = pl.col("left")
    if form < name:
        text = pl.when(left.str.contains(LONG_FORM)).then(left.str.extract(LONG_FORM))
        cell = text.otherwise(left.str.slice(0, name))
        return _completed(rows.with_columns(form=cell), name)
    # a cut name may end where the form begins: without the gap, take what follows the last one
    by_width = left.str.slice(form)
    gap = left.str.slice(form - 1, 1) == " "
    cell = pl.when(gap).then(by_width).otherwise(left.str.extract(r"\s{2,}(\S.*)$"))
    after = titles[form + len("Form Type") :]
    width = len("Form Type") + len(after) - len(after.lstrip())
    return _completed(rows.with_columns(form=cell), width)


def _completed(rows: pl.DataFrame, width: int) -> pl.DataFrame:
    """Forms without their padding; those that end at the edge of a column `width` wide made whole.

    EDGAR leaves up to two blanks between columns, and a cut may end in one more.
    """
    cell = pl.col("form").str.strip_chars()
    rows = rows.with_columns(form=cell, edge=cell.str.len_chars() >= width - 3)
    cut = rows.filter("edge")["form"].unique().drop_nulls().to_list()
    whole = {form: completed(form, cut=True) for form in cut}
    made = pl.when("edge").then(pl.col("form").replace(whole)).otherwise("form")
    return rows.with_columns(form=made)


def _indexed(rows: pl.DataFrame, lines: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    day = pl.col("filed").str.replace_all("-", "", literal=True).str.to_date("%Y%m%d", strict=False)
    rows = rows.with_columns(
        pl.col("cik").cast(pl.Int64), filed=day, form=pl.col("form").replace("", None)
    )
    good = pl.all_horizontal(pl.col("cik", "filed", "form", "accession").is_not_null())
    rejects = lines.join(rows.filter(~good), on="row_number", how="semi").select(
        pl.col("row_number").cast(pl.Int64),
        pl.lit(None, pl.String).alias("column_name"),
        pl.lit("not a row of an index").alias("reason"),
        "raw",
    )
    return _as_filings(rows.filter(good)), rejects


def decode_feed(body: bytes, where: str | None = None) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Filings (FILINGS, with the instant of acceptance) and rejected entries of a feed page.

    The feed repeats an accession once per filer, subject and reporting owner; each company keeps
    one. ParsingError when it is not an Atom feed or its XML is hostile.
    """
    try:
        feed = DefusedTree.fromstring(body)
    except (ParseError, DefusedXmlException, LookupError, ValueError) as error:
        raise ParsingError(f"not an Atom feed: {error}", where=where) from None
    if feed.tag != f"{{{_ATOM['a']}}}feed":
        raise ParsingError("not an Atom feed", where=where)
    entries = feed.findall("a:entry", _ATOM)
    texts = {
        name: [entry.findtext(f"a:{tag}", "", _ATOM) for entry in entries]
        for name, tag in (("title", "title"), ("summary", "summary"), ("updated", "updated"))
    }
    texts["id"] = [entry.findtext("a:id", "", _ATOM) for entry in entries]
    return _fed(pl.DataFrame(texts, schema=dict.fromkeys(texts, pl.String)))


def _fed(entries: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    rows = entries.with_row_index("row_number", 1).with_columns(
        pl.col("title").str.extract_groups(_TITLE).struct.unnest(), **_summary()
    )
    rows = rows.with_columns(pl.col("cik").cast(pl.Int64))
    good = pl.all_horizontal(pl.col("cik", "form", "accession", "filed").is_not_null())
    rejects = rows.filter(~good).select(
        pl.col("row_number").cast(pl.Int64),
        pl.lit(None, pl.String).alias("column_name"),
        pl.lit("not an entry of the feed").alias("reason"),
        pl.struct("title", "summary", "updated", "id").struct.json_encode().alias("raw"),
    )
    return _as_filings(rows.filter(good)), rejects


def _summary() -> dict[str, pl.Expr]:
    summary = pl.col("summary")
    size = summary.str.extract(r"Size:</b>\s*(\d+)").cast(pl.Int64)
    unit = summary.str.extract(r"Size:</b>\s*\d+\s*([KMG]B)").replace_strict(_UNITS, default=None)
    filed = summary.str.extract(r"Filed:</b>\s*(\d{4}-\d{2}-\d{2})")
    items = summary.str.extract_all(r"Item \d+\.\d{2}:").list.eval(
        pl.element().str.extract(r"(\d+\.\d{2})")
    )
    instant = pl.col("updated").str.to_datetime("%Y-%m-%dT%H:%M:%S%:z", strict=False)
    return {
        "accession": pl.col("id").str.extract(r"(\d{10}-\d{2}-\d{6})"),
        "filed": filed.str.to_date("%Y-%m-%d", strict=False),
        "accepted_at": instant.dt.cast_time_unit("us"),
        "items": items.list.join(",").replace("", None),
        "size_bytes": size * unit.cast(pl.Int64),
    }


def _as_filings(rows: pl.DataFrame) -> pl.DataFrame:
    missing = {n: t for n, t in FILINGS.columns.items() if n not in rows.columns}
    filled = rows.with_columns([pl.lit(None, dtype).alias(n) for n, dtype in missing.items()])
    unique = filled.unique(list(FILINGS.key), keep="first", maintain_order=True)
    return unique.select([pl.col(n).cast(t) for n, t in FILINGS.columns.items()])


def no_rejects() -> pl.DataFrame:
    """A frame of rejects without rows."""
    return pl.DataFrame(schema=REJECTS)
