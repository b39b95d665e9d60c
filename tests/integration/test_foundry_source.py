"""Catalogue datasets pulled from the stand-in container: typed rows, versions, isolation."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from core.catalogue import Catalogue
from core.domain.tables.datasets import Window
from core.errors import IntegrityError, ServerError
from core.sandbox.foundry.server import FoundrySandbox, StaticProvider
from core.sources.foundry.client import FoundryClient
from core.sources.foundry.source import FoundrySource, VersionCount

ROOT = Path(__file__).resolve().parents[2]
UNIVERSE = b"symbol,name,sector,industry,exchange,cik\nA,Alpha,,,NYSE,1\nB,Beta,,,NYSE,2\n"


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    """The project's own catalogue."""
    return Catalogue.load(ROOT / "data" / "catalogue.toml")


def source(url: str, **more: Any) -> FoundrySource:
    """A source without retries."""
    return FoundrySource(
        lambda: FoundryClient(url, idle_seconds=60, total_seconds=120, retries=0, **more),
        today=lambda: date(2026, 11, 21),
    )


def now_window(name: str) -> Window:
    """*Refresh now*."""
    now = datetime.now(UTC)
    return Window(name, now, now)


async def test_a_known_version_is_unchanged_and_not_downloaded(catalogue: Catalogue) -> None:
    """The pointer alone tells; the file is not asked for."""
    dataset = catalogue.get("universe")
    async with FoundrySandbox(StaticProvider({"Universe": UNIVERSE})) as container:
        first = await source(container.url).pull(dataset, now_window(dataset.name))
        assert first.tables[0].rows["cik"].to_list() == [1, 2]
        assert (first.tables[0].table, first.tables[0].key) == ("universe", ("symbol",))
        again = await source(container.url).pull(
            dataset, now_window(dataset.name), known_version=first.version
        )
        assert (again.unchanged, again.tables, again.version) == (True, (), first.version)
        assert container.requests[-1].endswith("/dataset/get")


async def test_other_row_order_is_another_version_of_the_same_rows(catalogue: Catalogue) -> None:
    """Equal data may come with another sha256: the rows are the same all the same."""
    dataset = catalogue.get("universe")
    provider = StaticProvider({"Universe": UNIVERSE})
    async with FoundrySandbox(provider, faults=["shuffled-rows"]) as container:
        one = await source(container.url).pull(dataset, now_window(dataset.name))
        two = await source(container.url).pull(dataset, now_window(dataset.name))
    assert one.version != two.version
    assert one.tables[0].rows.sort("symbol").equals(two.tables[0].rows.sort("symbol"))


async def test_a_broken_dataset_does_not_touch_the_next(catalogue: Catalogue) -> None:
    """A wrong hash ends one pull; the other comes in as ever."""
    bad, good = catalogue.get("universe"), catalogue.get("index.vix")
    datasets = {
        "Universe": UNIVERSE,
        "VIX Daily": b"DATE,OPEN,HIGH,LOW,CLOSE\n2024-01-02,1,1,1,1\n",
    }
    async with FoundrySandbox(StaticProvider(datasets), faults=["sha-mismatch"]) as container:
        with pytest.raises(IntegrityError, match=r"Universe: .*127\.0\.0\.1.*/csv/"):
            await source(container.url).pull(bad, now_window(bad.name))
        container.faults = set()
        assert (await source(container.url).pull(good, now_window(good.name))).rows_read == 1


async def test_lost_rows_make_the_pull_partial(catalogue: Catalogue) -> None:
    """Fewer rows than announced are said aloud, with both numbers."""
    dataset = catalogue.get("universe")
    body = UNIVERSE + b"".join(b"C%d,,,,,\n" % number for number in range(98))
    provider = StaticProvider({"Universe": body})
    async with FoundrySandbox(provider, faults=["rows-lost"]) as container:
        pulled = await source(container.url).pull(dataset, now_window(dataset.name))
    assert pulled.partial == ("the container announced 100 rows but the file has 79: 21 missing")


async def test_a_file_that_repeats_keys_in_numbers_is_refused_and_a_few_are_rejected(
    catalogue: Catalogue,
) -> None:
    """A mix of two writers has an honest sha256 and the announced number of rows."""
    dataset = catalogue.get("universe")
    body = UNIVERSE + b"".join(b"C%d,,,,,\n" % number for number in range(98))
    async with FoundrySandbox(StaticProvider({"Universe": body})) as container:
        container.faults = {"mixed-file"}
        with pytest.raises(IntegrityError, match=r"50 of 100 rows repeat.*Refresh now") as refused:
            await source(container.url).pull(dataset, now_window(dataset.name))
        assert not refused.value.transient
        allowed = replace(dataset, options={**dataset.options, "most_repeated_pct": 50})
        pulled = await source(container.url).pull(allowed, now_window(dataset.name))
        assert (pulled.rejects.height, pulled.rows_read) == (50, 100)
        container.faults = set()
        container.provider = StaticProvider({"Universe": UNIVERSE + 4 * b"A,Alpha,,,NYSE,1\n"})
        few = await source(container.url).pull(dataset, now_window(dataset.name))
        assert few.rejects.height == 4


async def test_the_count_of_a_version_is_remembered_by_its_sha256(catalogue: Catalogue) -> None:
    """Found again it comes without one: known lost rows stay known, unknown ones are told."""
    dataset = catalogue.get("universe")
    since = datetime.now(UTC) - timedelta(hours=1)
    body = UNIVERSE + b"".join(b"C%d,,,,,\n" % number for number in range(98))
    async with FoundrySandbox(
        StaticProvider({"Universe": body}), faults=["rows-lost"]
    ) as container:
        first = await source(container.url).pull(dataset, now_window(dataset.name))
        again = Window(dataset.name, since, datetime.now(UTC))
        stranger = await source(container.url).pull(dataset, again)
        assert (stranger.partial, stranger.announced_rows) == (None, None)
        assert "announced no row count" in str(stranger.remark())
        kept = replace(
            source(container.url),
            remembered=lambda sha: (
                VersionCount(100, 79) if sha == first.version else VersionCount()
            ),
        )
        for known in (None, first.version):
            pulled = await kept.pull(dataset, again, known_version=known)
            assert pulled.unchanged is (known is not None)
            assert pulled.partial == first.partial
            assert pulled.announced_rows == 100
        assert container.queries == 1


async def test_a_refresh_that_is_delivered_again_finds_what_its_first_try_had_made(
    catalogue: Catalogue,
) -> None:
    """The window of *Refresh now* begins when it was pressed and ends when it is asked for."""
    dataset = catalogue.get("universe")
    provider = StaticProvider({"Universe": UNIVERSE})
    async with FoundrySandbox(provider, faults=["download-503"]) as container:
        pressed = now_window(dataset.name)
        with pytest.raises(ServerError):
            await source(container.url).pull(dataset, pressed)
        container.faults = set()
        assert (await source(container.url).pull(dataset, pressed)).rows_read == 2
        assert container.queries == 1
        await source(container.url).pull(dataset, now_window(dataset.name))
        assert container.queries == 2


@pytest.mark.thorough
async def test_the_real_five_year_file_comes_whole_by_csv_and_by_zip(
    shared_data: Path, catalogue: Catalogue
) -> None:
    """619,040 bars over the real wire, twice the same version."""
    dataset = catalogue.get("prices.daily")
    path = shared_data / "prices" / "daily" / "all_stocks_5yr.csv.gz"
    async with FoundrySandbox(StaticProvider({"Prices Daily": path})) as container:
        first = await source(container.url).pull(dataset, now_window(dataset.name))
        assert (first.rows_read, first.announced_rows, first.partial) == (619_040, 619_040, None)
        assert (len(first.tables[0].rows), first.rejects.height) == (619_040, 0)
        now = datetime.now(UTC)
        scheduled = Window(dataset.name, now - timedelta(hours=1), now)
        zipped = await source(container.url, use_zip=True).pull(dataset, scheduled)
        assert zipped.version == first.version
        assert zipped.tables[0].rows.equals(first.tables[0].rows)
