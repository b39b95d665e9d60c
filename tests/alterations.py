"""Changes of one filing, and whether they move grades that they are not said to reach."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

import numpy as np
import polars as pl
from polars.testing import assert_frame_equal

from core.domain.quality.facts.affected import CHANGED
from core.domain.quality.grading import Graded, grade

Frames = tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]
Key = tuple[int, str]
TABLES = ("scores", "findings", "judged", "items")
NEW = "9999999999-99-000001"


def of(accession: str) -> pl.Expr:
    """The rows of a filing."""
    return pl.col("accession") == accession


def states(frames: Frames, accessions: list[str]) -> pl.DataFrame:
    """Some filings as they are there: cik, accession, filed, report_date."""
    facts, filings, _ = frames
    keys = ["cik", "accession"]
    chosen = pl.col("accession").is_in(accessions)
    stated = facts.filter(chosen).group_by(keys).agg(day=pl.col("filed").min())
    listed = filings.filter(chosen).select(*keys, "filed", "report_date")
    both = listed.join(stated, on=keys, how="full", coalesce=True)
    return both.select(*keys, pl.coalesce("filed", "day").alias("filed"), "report_date")


def changed_from(before: Frames, after: Frames, accessions: list[str]) -> pl.DataFrame:
    """The changed filings as they were; new ones without days."""
    were, are = states(before, accessions), states(after, accessions)
    new = are.join(were, on=["cik", "accession"], how="anti").select("cik", "accession")
    found = pl.concat([were, new], how="diagonal")
    return found.select(pl.col(name).cast(kind) for name, kind in CHANGED.items())


def rows_of(graded: Graded) -> dict[Key, list[str]]:
    """All that is said of each filing."""
    found: dict[Key, list[str]] = defaultdict(list)
    for name in TABLES:
        frame = getattr(graded, name)
        keys = frame.select("cik", "accession").rows()
        for key, row in zip(keys, frame.rows(), strict=True):
            found[key].append(f"{name} {row!r}")
    return {key: sorted(rows) for key, rows in found.items()}


def strays(before: Graded, after: Graded, limited: Graded) -> set[Key]:
    """Filings whose grade a change moved, though it is not said to reach them.

    `limited` grades only what the change can reach. What it neither grades nor keeps has no grade.
    """
    was, now = rows_of(before), rows_of(after)
    moved = {key for key in was | now if was.get(key) != now.get(key)}
    return moved & set(limited.kept.rows())


def same_within_reach(after: Graded, limited: Graded) -> None:
    """What is graded of the filings that a change reaches is what a full run says of them."""
    keys = ["cik", "accession"]
    for name in TABLES:
        every = getattr(after, name).join(limited.kept, on=keys, how="anti", maintain_order="left")
        assert_frame_equal(every, getattr(limited, name), check_exact=True, check_row_order=False)
    assert limited.scores.height + limited.kept.height == after.scores.height


def check(before: Frames, after: Frames, accessions: list[str]) -> tuple[int, int]:
    """Assert both of one change; (filings reached, filings kept)."""
    changed = changed_from(before, after, accessions)
    whole, limited = grade(*after), grade(*after, changed=changed)
    same_within_reach(whole, limited)
    assert strays(grade(*before), whole, limited) == set(), accessions
    return limited.scores.height, limited.kept.height


Change = Callable[[Frames, str, np.random.Generator], tuple[Frames, list[str]]]


def values(frames: Frames, accession: str, rng: np.random.Generator) -> tuple[Frames, list[str]]:
    """All values of the filing are others."""
    factor = float(rng.choice([1e3, -1.0, 1.07, 1e-6]))
    value = pl.when(of(accession)).then(pl.col("value") * factor).otherwise("value")
    return (frames[0].with_columns(value.alias("value")), *frames[1:]), [accession]


def some_values(
    frames: Frames, accession: str, rng: np.random.Generator
) -> tuple[Frames, list[str]]:
    """A third of the values of the filing are others."""
    some = pl.Series(rng.random(frames[0].height) < 0.34)
    factor = float(rng.choice([1e3, -1.0, 1.3]))
    value = pl.when(of(accession) & some).then(pl.col("value") * factor).otherwise("value")
    return (frames[0].with_columns(value.alias("value")), *frames[1:]), [accession]


def no_facts(frames: Frames, accession: str, _: np.random.Generator) -> tuple[Frames, list[str]]:
    """The facts of the filing are gone."""
    return (frames[0].filter(~of(accession)), *frames[1:]), [accession]


def gone(frames: Frames, accession: str, _: np.random.Generator) -> tuple[Frames, list[str]]:
    """The filing is gone from both."""
    facts, filings, companies = frames
    return (facts.filter(~of(accession)), filings.filter(~of(accession)), companies), [accession]


def unlisted(frames: Frames, accession: str, _: np.random.Generator) -> tuple[Frames, list[str]]:
    """The filing is gone from the list."""
    return (frames[0], frames[1].filter(~of(accession)), frames[2]), [accession]


def _row(frames: Frames, accession: str, **given: Any) -> Frames:
    """The list with the row of a filing given anew, if it is listed."""
    facts, filings, companies = frames
    row = [
        pl.when(of(accession)).then(pl.lit(value, filings.schema[name])).otherwise(name).alias(name)
        for name, value in given.items()
    ]
    return facts, filings.with_columns(row), companies


def moved(frames: Frames, accession: str, rng: np.random.Generator) -> tuple[Frames, list[str]]:
    """The filing was filed on another day."""
    day = states(frames, [accession])["filed"][0]
    other = day + timedelta(days=int(rng.choice([-900, -400, -30, -1, 1, 30, 400, 900])))
    facts, filings, companies = _row(frames, accession, filed=other)
    filed = pl.when(of(accession)).then(pl.lit(other)).otherwise("filed")
    return (facts.with_columns(filed.alias("filed")), filings, companies), [accession]


def dated(frames: Frames, accession: str, rng: np.random.Generator) -> tuple[Frames, list[str]]:
    """The filing is for another period, one of the company's or none."""
    days = [*frames[1]["report_date"].drop_nulls().unique().sort().to_list(), None]
    return _row(frames, accession, report_date=days[rng.integers(len(days))]), [accession]


def formed(frames: Frames, accession: str, rng: np.random.Generator) -> tuple[Frames, list[str]]:
    """The filing is of another form."""
    form = str(rng.choice(["10-K", "10-K/A", "10-Q", "10-Q/A", "NT 10-K", "8-K", "10-KT"]))
    return _row(frames, accession, form=form), [accession]


def marked(frames: Frames, accession: str, _: np.random.Generator) -> tuple[Frames, list[str]]:
    """The filing has no facts, but is listed as XBRL."""
    facts, filings, companies = _row(frames, accession, is_xbrl=True)
    return (facts.filter(~of(accession)), filings, companies), [accession]


def _later(frames: Frames, accession: str, rng: np.random.Generator) -> Mapping[str, Any]:
    """The row of a filing of the same period, some days later."""
    known = states(frames, [accession]).row(0, named=True)
    listed = frames[1].filter(of(accession))
    form = listed["form"][0] if listed.height else frames[0].filter(of(accession))["form"][0]
    filed = known["filed"] + timedelta(days=int(rng.choice([-20, 0, 0, 3, 60, 800])))
    return known | {"accession": NEW, "filed": filed, "form": form.removesuffix("/A")}


def _listed(frames: Frames, row: Mapping[str, Any]) -> Frames:
    facts, filings, companies = frames
    full = dict.fromkeys(filings.columns) | dict(row)
    return facts, pl.concat([filings, pl.DataFrame([full], schema=filings.schema)]), companies


def amended(frames: Frames, accession: str, rng: np.random.Generator) -> tuple[Frames, list[str]]:
    """An amendment without facts comes."""
    row = dict(_later(frames, accession, rng))
    return _listed(frames, row | {"form": row["form"] + "/A"}), [NEW]


def noticed(frames: Frames, accession: str, rng: np.random.Generator) -> tuple[Frames, list[str]]:
    """A notice of late filing comes."""
    return _listed(frames, dict(_later(frames, accession, rng)) | {"form": "NT 10-K"}), [NEW]


def empty(frames: Frames, accession: str, rng: np.random.Generator) -> tuple[Frames, list[str]]:
    """A report comes that is marked XBRL, but without facts."""
    return _listed(frames, dict(_later(frames, accession, rng)) | {"is_xbrl": True}), [NEW]


def again(frames: Frames, accession: str, rng: np.random.Generator) -> tuple[Frames, list[str]]:
    """An amendment comes with the same facts, some of them other."""
    row = dict(_later(frames, accession, rng))
    form = row["form"] + str(rng.choice(["", "/A"]))
    factor = np.where(rng.random(frames[0].height) < 0.2, 1.4, 1.0)
    copied = frames[0].with_columns(
        value=pl.col("value") * pl.Series(factor), accession=pl.lit(NEW), filed=row["filed"],
        form=pl.lit(form),
    ).filter(frames[0]["accession"] == accession)  # fmt: skip
    listed = _listed(frames, row | {"form": form}) if rng.random() < 0.7 else frames
    return (pl.concat([frames[0], copied]), *listed[1:]), [NEW]


def selling(frames: Frames, accession: str, rng: np.random.Generator) -> tuple[Frames, list[str]]:
    """The filing tells of operations held for sale."""
    concept = pl.when(of(accession) & pl.Series(np.arange(frames[0].height) % 40 == 0))
    told = concept.then(pl.lit("AssetsHeldForSale")).otherwise("concept")
    return (frames[0].with_columns(told.alias("concept")), *frames[1:]), [accession]


CHANGES: tuple[Change, ...] = (
    values, some_values, no_facts, gone, unlisted, moved, dated, formed, marked, amended, noticed,
    empty, again, selling,
)  # fmt: skip


def drawn(frames: Frames, change: Change, rng: np.random.Generator) -> tuple[int, int]:
    """One change of a random filing of a random company, checked."""
    cik = int(rng.choice(frames[0]["cik"].unique().sort().to_numpy()))
    facts, filings, companies = (frame.filter(pl.col("cik") == cik) for frame in frames)
    own = (facts, filings, companies)
    full = facts["accession"].unique().sort()
    after, accessions = change(own, str(full[int(rng.integers(len(full)))]), rng)
    if rng.random() < 0.3:  # the other way round: what was altered comes right
        return check(after, own, accessions)
    return check(own, after, accessions)


def reports(frames: Frames) -> pl.DataFrame:
    """accession, filed: the annual and quarterly reports, oldest first."""
    full = frames[0].filter(pl.col("form").is_in(["10-K", "10-Q"]))
    return full.select("accession", "filed").unique("accession").sort("filed", "accession")
