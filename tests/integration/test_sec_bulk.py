"""Bulk files of the SEC into a store: companies' documents in a zip, a quarter of data sets."""

from __future__ import annotations

import zipfile
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from core.domain.tables.datasets import Dataset, Window
from core.errors import ParsingError
from core.jobs.pulling.sec_backfill import BackfillSource
from core.store.warehouse import Warehouse
from tests import stand_ins

NOW = datetime(2026, 8, 3, 12, tzinfo=UTC)


async def test_a_quarter_of_data_sets_is_loaded_from_its_zip(
    warehouse: Warehouse, shared_data: Path
) -> None:
    """495 filings; co-registrants are left out and counted, faulty rows kept with reasons."""
    path = shared_data / "sec" / "fsds" / "2010q1.zip"
    source = BackfillSource(path, warehouse, lambda: NOW)
    said: list[str] = []
    arguments = Dataset("b", "sec", "facts", (), {}), Window("b", NOW, NOW)
    first = await source.pull_into(
        *arguments, pull_id="q1", on_progress=lambda p: said.append(p.message)
    )
    facts: int = warehouse.read("SELECT count(*) FROM facts").item()
    assert (first.pulled.rows_read, first.pulled.rejects.height) == (151_692, 27)
    assert facts == 151_692 - 6_871 - 27
    assert warehouse.read("SELECT count(*) FROM filings").item() == 495
    assert any(
        "0 of its segments and other parts, 6,871 of co-registrants" in text for text in said
    )
    year = warehouse.read(
        "SELECT DISTINCT period_start FROM facts WHERE period_end = '2009-12-31' "
        "AND concept = 'NetIncomeLoss' ORDER BY 1 NULLS LAST LIMIT 9"
    )
    assert date(2009, 1, 1) in year["period_start"]
    again = await source.pull_into(*arguments, pull_id="q2", on_progress=lambda p: None)
    assert again.counts.inserted == 0


@pytest.mark.parametrize(("kind", "holds"), [("companyfacts", "facts"), ("submissions", "filings")])
async def test_bulk_documents_are_read_from_the_zip(
    warehouse: Warehouse, tmp_path: Path, captures_or_none: Path | None, kind: str, holds: str
) -> None:
    """A broken member is rejected and the rest loaded; again, nothing is inserted."""
    path = tmp_path / f"{kind}.zip"
    provider = stand_ins.served(captures_or_none)
    place = "/api/xbrl/companyfacts" if kind == "companyfacts" else "/submissions"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for cik in stand_ins.ciks_with_filings(captures_or_none)[:6]:
            document = provider.document(f"{place}/CIK{cik:010}.json", {})
            assert document is not None
            archive.writestr(f"CIK{cik:010}.json", document.body)
        archive.writestr("CIK0000000009.json", f'{{"cik": 9, "{holds}": nonsense')
    source = BackfillSource(path, warehouse, lambda: NOW)
    arguments = Dataset("b", "sec", "x", (), {}), Window("b", NOW, NOW)
    first = await source.pull_into(*arguments, pull_id="z1", on_progress=lambda p: None)
    again = await source.pull_into(*arguments, pull_id="z2", on_progress=lambda p: None)
    assert first.pulled.rejects["raw"].to_list() == ["CIK0000000009.json"]
    assert first.counts.inserted > 500
    assert (again.counts.inserted, again.counts.updated) == (0, 0)


async def test_what_is_no_bulk_file_is_refused(warehouse: Warehouse, tmp_path: Path) -> None:
    """Neither a text nor a zip of something else."""
    for name, content in (("a.zip", b"text"), ("b.zip", None)):
        if content is None:
            with zipfile.ZipFile(tmp_path / name, "w") as archive:
                archive.writestr("../evil.txt", "x")
        else:
            (tmp_path / name).write_bytes(content)
        source = BackfillSource(tmp_path / name, warehouse, lambda: NOW)
        with pytest.raises(ParsingError):
            await source.pull_into(
                Dataset("b", "sec", "x", (), {}),
                Window("b", NOW, NOW),
                pull_id="z",
                on_progress=lambda p: None,
            )
