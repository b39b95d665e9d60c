"""The answers of companyfacts as frames: facts, concepts and the hashes that spot a change."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from itertools import chain

import msgspec
import numpy as np
import polars as pl
from xxhash import xxh3_128

from core.domain.filings.facts import MEASURE, ROWS, FactTable, shared
from core.errors import ParsingError
from core.sources.pulled import REJECTS
from core.sources.sec.columns import START_UNREAD, Columns, columns_of

CONCEPT_HASHES = {
    "cik": pl.Int64,
    "taxonomy": pl.String,
    "concept": pl.String,
    "hash": pl.String,  # of the concept's `units` as delivered
    "facts": pl.Int64,
}
ConceptKey = tuple[str, str]
_LABELS = {
    "taxonomy": pl.String,
    "concept": pl.String,
    "label": pl.String,
    "description": pl.String,
}
_REQUIRED = ("period_end", "value", "accession", "filed")
_SPACED = (b"{\n", b"{\r", b"{ ")
_IDENTITY = ("measure", "period_start", "period_end")


class _Concept(msgspec.Struct, gc=False):
    units: dict[str, msgspec.Raw] = {}
    label: str | None = None
    description: str | None = None


class _Document(msgspec.Struct):
    cik: int | str
    facts: dict[str, dict[str, _Concept]]
    name: str | None = msgspec.field(name="entityName", default=None)


_DOCUMENT = msgspec.json.Decoder(_Document)
_ROWS = msgspec.json.Decoder(list[msgspec.Raw])


@dataclass(frozen=True, slots=True)
class CompanyFacts:
    """One companyfacts answer as frames.

    `table` holds only concepts that differ from the hashes given to `decode_facts`; `skipped`
    counts the facts of the others. `read` is every fact of the answer. `hashes` covers every
    concept of the answer, `labels` those in `table`.
    """

    cik: int
    name: str | None
    table: FactTable
    labels: pl.DataFrame
    hashes: pl.DataFrame
    rejects: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=REJECTS))
    read: int = 0
    skipped: int = 0

    @property
    def facts(self) -> pl.DataFrame:
        """The facts of the table written out, columns of FACTS."""
        return self.table.plain()


def decode_facts(
    body: bytes,
    cik: int | None = None,
    known: Mapping[ConceptKey, tuple[str, int]] | None = None,
    where: str | None = None,
) -> CompanyFacts:
    """The frames of a companyfacts body (JSON).

    `cik`, where given, must be the one in the body. `known` maps (taxonomy, concept) to the hash
    and the number of facts stored. Facts without an end, a finite value, an accession or a filing
    date, or with a start that is no date, are rejected with their reason. ParsingError when the
    body is not companyfacts.
    """
    document, number = _document(body, where)
    if cik is not None and number != cik:
        raise ParsingError(f"facts of CIK {number} came instead of those of {cik}", where=where)
    picked = _Picked(number)
    for taxonomy, concepts in document.facts.items():
        for name, concept in concepts.items():
            picked.take(taxonomy, name, concept, known or {})
    columns = columns_of(picked.arrays)
    table, rejects = _table(picked, columns)
    return CompanyFacts(
        cik=number,
        name=document.name or None,
        table=table,
        labels=_labels(picked),
        hashes=_hashes(picked, columns),
        rejects=rejects,
        read=len(columns.frame) + picked.skipped,
        skipped=picked.skipped,
    )


def _document(body: bytes, where: str | None) -> tuple[_Document, int]:
    try:
        if body[:2] in _SPACED:
            body = msgspec.json.format(body, indent=-1)
        document = _DOCUMENT.decode(body)
        return document, int(document.cik)
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        raise ParsingError(f"not an answer of companyfacts: {error}", where=where) from None


class _Picked:
    """What is taken from one document: the arrays to read and whose they are."""

    def __init__(self, cik: int) -> None:
        self.cik = cik
        self.arrays: list[memoryview] = []
        self.units: list[str] = []
        self.owners: list[int] = []  # index into `concepts`, one for each array
        self.concepts: list[tuple[str, str, str, int]] = []  # taxonomy, name, hash, facts known
        self.labels: list[tuple[str, str, str | None, str | None]] = []
        self.skipped = 0

    def take(
        self,
        taxonomy: str,
        name: str,
        concept: _Concept,
        known: Mapping[ConceptKey, tuple[str, int]],
    ) -> None:
        """Note a concept; its arrays are read only when its hash is not the known one."""
        digest = _digest(concept.units)
        stored, count = known.get((taxonomy, name), ("", 0))
        if stored == digest:
            self.concepts.append((taxonomy, name, digest, count))
            self.skipped += count
            return
        self.labels.append((taxonomy, name, concept.label, concept.description))
        for unit, raw in concept.units.items():
            view = memoryview(raw)
            if len(view) > 2:
                self.arrays.append(view)
                self.units.append(unit)
                self.owners.append(len(self.concepts))
        self.concepts.append((taxonomy, name, digest, 0))


def _digest(units: Mapping[str, msgspec.Raw]) -> str:
    """128 bits that tell a changed concept from the one stored; nobody has a reason to forge it."""
    hashed = xxh3_128()
    for unit, raw in units.items():
        hashed.update(unit.encode())
        hashed.update(raw)
    return hashed.hexdigest()


def _table(picked: _Picked, columns: Columns) -> tuple[FactTable, pl.DataFrame]:
    array = np.repeat(np.arange(len(columns.counts), dtype=np.uint32), columns.counts)
    frame = columns.frame.with_columns(
        pl.lit(picked.cik, pl.Int64).alias("cik"),
        pl.Series("measure", array),
        pl.lit(0, pl.Int32).alias("seq"),
    )
    table = FactTable(frame, _measures(picked), columns.sources, columns.calendars)
    rejects = pl.DataFrame(schema=REJECTS)
    if not _all_good(columns):
        faulty = _faulty(table)
        rejects = _rejects(picked, table, faulty)
        frame = frame.filter(~faulty)
    if columns.duplicates:
        accession = columns.sources["accession"].gather(frame["source"]).alias("accession")
        seq = pl.int_range(pl.len(), dtype=pl.Int32).over(*_IDENTITY, accession)
        frame = frame.with_columns(seq=seq)
    return replace(table, rows=frame.select(list(ROWS))), rejects


def _measures(picked: _Picked) -> pl.DataFrame:
    owners = [picked.concepts[owner] for owner in picked.owners]
    return pl.DataFrame(
        {"taxonomy": [o[0] for o in owners], "concept": [o[1] for o in owners]}
        | {"unit": picked.units},
        schema=shared(MEASURE),
    )


def _all_good(columns: Columns) -> bool:
    """Whether no fact lacks anything, seen at a glance."""
    frame, sources = columns.frame, columns.sources
    empty = [frame["period_end"], frame["value"], sources["accession"], sources["filed"]]
    return (
        not any(cells.null_count() for cells in empty)
        and not frame[START_UNREAD].any()
        and bool(np.isfinite(frame["value"].to_numpy()).all())
    )


def _faulty(table: FactTable) -> pl.Series:
    """Which rows lack what a fact must have."""
    needs = pl.col("accession", "filed").is_not_null()
    complete = (
        table.sources.select(pl.all_horizontal(needs)).to_series().gather(table.rows["source"])
    )
    good = pl.col("period_end").is_not_null() & pl.col("value").is_finite() & ~pl.col(START_UNREAD)
    return ~table.rows.select(good.fill_null(False) & complete).to_series()


def _labels(picked: _Picked) -> pl.DataFrame:
    cells = zip(*picked.labels, strict=True) if picked.labels else [[]] * len(_LABELS)
    return pl.DataFrame(dict(zip(_LABELS, cells, strict=True)), schema=_LABELS)


def _hashes(picked: _Picked, columns: Columns) -> pl.DataFrame:
    owners = np.array(picked.owners, np.int64)
    counts = np.bincount(owners, weights=columns.counts, minlength=len(picked.concepts))
    known = np.array([c[3] for c in picked.concepts], np.int64)
    return pl.DataFrame(
        {
            "cik": pl.repeat(picked.cik, len(known), dtype=pl.Int64, eager=True),
            "taxonomy": [c[0] for c in picked.concepts],
            "concept": [c[1] for c in picked.concepts],
            "hash": [c[2] for c in picked.concepts],
            "facts": counts.astype(np.int64) + known,
        },
        schema=CONCEPT_HASHES,
    )


def _rejects(picked: _Picked, table: FactTable, faulty: pl.Series) -> pl.DataFrame:
    """The faulty rows with the column at fault and the row as delivered."""
    reasons = pl.coalesce(
        pl.when(START_UNREAD).then(pl.lit("period_start")),
        *[pl.when(pl.col(name).is_null()).then(pl.lit(name)) for name in _REQUIRED],
        pl.lit("value"),
    ).alias("column_name")
    numbers = faulty.arg_true()
    raw = list(chain.from_iterable(_ROWS.decode(array) for array in picked.arrays))
    return (
        table.written()
        .select(reasons, "taxonomy", "concept")
        .filter(faulty)
        .with_columns(
            row_number=numbers.cast(pl.Int64) + 1,
            reason=pl.format(
                "{}:{} of CIK {}: {} is missing or cannot be read",
                "taxonomy",
                "concept",
                pl.lit(picked.cik),
                "column_name",
            ),
            raw=pl.Series(
                [bytes(raw[i]).decode("utf-8", "replace") for i in numbers], dtype=pl.String
            ),
        )
        .select(list(REJECTS))
    )
