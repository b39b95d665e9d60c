"""Fixtures shared by all tests: temporary stores and desks, and the captured real files."""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable, Generator, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import structlog
from streamlit.components.v2 import manifest_scanner

import core.service.everything  # noqa: F401 - registers what can be asked for
from core import settings
from core.addresses import LakeAddress
from core.service import current
from core.service.desk import Desk
from core.store.lake import LakeEngine
from core.store.warehouse import Warehouse
from tests import begun, depth, hostile, left_running, scratch
from tests.on_lakes import OPTION, Lakes

ROOT = Path(__file__).resolve().parent.parent
MAIN = sys.modules["__main__"]
NO_CAPTURES = "the captured files (../shared/data) are not on this machine"

depth.load()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A skip for want of real files says what the test would have shown."""
    report = yield
    if report.skipped and isinstance(report.longrepr, tuple):
        path, line, reason = report.longrepr
        shows = (getattr(getattr(item, "function", None), "__doc__", None) or "").split("\n")[0]
        if shows and not hasattr(report, "wasxfail"):
            report.longrepr = (path, line, f"{reason}; it would have shown: {shows.strip()}")
    return report


def pytest_configure() -> None:
    """Folders of tests are made in memory where there is room; tracebacks in logs are plain.

    Drawn with the values of all frames, as structlog does by itself, each costs 0.2 seconds.
    """
    scratch.use_memory()
    depth.one_thread()
    plain = structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
    structlog.configure(processors=[*structlog.get_config()["processors"][:-1], plain])


@pytest.hookimpl(tryfirst=True)  # before what is not asked for is left out
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Say which tests are left to a thorough run, and which are asked again there."""
    depth.leave_for_later(items)
    moving = [item.nodeid for item in items if " at 0x" in item.nodeid]
    if moving:  # workers of one run would not agree on what there is to do
        raise pytest.UsageError(f"tests named by where a parameter lies in memory: {moving[:3]}")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """A long run says how many hostile rows of each kind went through."""
    for line in hostile.told() if depth.profile() == depth.LONG else []:
        terminalreporter.write_line(line)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """What is promised of stores in files is not asked of lakes."""
    if item.config.getoption(OPTION) and item.get_closest_marker("in_file"):
        pytest.skip("a lake is not replaced in place, and keeps snapshots instead")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> Generator[None]:
    """A page that ran called itself `__main__`: processes that are spawned later would run it.

    A file that leaves the engine of a desk running fails: it would work on in what is gone.
    """
    sys.modules["__main__"] = MAIN
    yield
    if nextitem is None or nextitem.path != item.path:
        left_running.judge()


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--lake`: see tests.on_lakes."""
    parser.addoption(OPTION, action="store_true", help="desks and stores of fixtures are in lakes")


@pytest.fixture(scope="session")
def in_lakes(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Lakes | None]:
    """The lakes of this process; None where stores are files."""
    if not request.config.getoption(OPTION):
        yield None
        return
    found = Lakes(tmp_path_factory.mktemp("lakes"))
    yield found
    found.close()


@pytest.fixture(scope="session")
def captures_or_none() -> Path | None:
    """The folder of captured real files beside the project; without it `stand_ins` simulates."""
    folder = ROOT.parent / "shared" / "data"
    return folder if folder.is_dir() else None


@pytest.fixture(scope="session")
def shared_data(captures_or_none: Path | None) -> Path:
    """The folder of captured real files beside the project; the test is skipped without it."""
    if captures_or_none is None:
        pytest.skip(NO_CAPTURES)
    return captures_or_none


@pytest.fixture
def cases(shared_data: Path) -> Path:
    """The small SEC cases beside the captures; the test is skipped where they are not there."""
    folder = shared_data.parent / "cases" / "sec"
    if not folder.is_dir():
        pytest.skip("the cases are not beside this checkout")
    return folder


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test sees the settings of the machine it runs on."""
    begun.forget_settings(monkeypatch)


@pytest.fixture(scope="session", autouse=True)
def _components_looked_up_once() -> Iterator[None]:
    """Streamlit reads the metadata of all that is installed for each page that a test opens."""
    with pytest.MonkeyPatch.context() as patch:
        look = cache(manifest_scanner.scan_component_manifests)
        patch.setattr(manifest_scanner, "scan_component_manifests", look)
        yield


def pytest_collection_finish() -> None:
    """What the collected tests are made of stays: nobody looks through it for garbage again."""
    gc.collect()
    gc.freeze()


@pytest.fixture
def warehouse(tmp_path: Path, in_lakes: Lakes | None) -> Iterator[Warehouse]:
    """An empty, migrated store in a temporary folder."""
    file = tmp_path / "desk.duckdb"
    begun.put_store(file)
    place = LakeEngine(LakeAddress(in_lakes.url_of(file)), file) if in_lakes else file
    with Warehouse.open(place) as opened:
        yield opened


@pytest.fixture
def make_desk(tmp_path: Path, in_lakes: Lakes | None) -> Iterator[Callable[..., Desk]]:
    """A function that opens a desk in a temporary folder; keyword arguments are settings.

    The folder is as after a first start; `begin` puts something else there, or leaves it empty.
    """
    opened: list[Desk] = []

    def make(begin: Callable[[Path], None] = begun.put_empty, **chosen: Any) -> Desk:
        folder: Path = chosen.pop("data_dir", tmp_path / "desk")
        values = {"data_dir": folder, "retries": 0, "retry_base_seconds": 0.0} | chosen
        if not folder.exists():
            begin(folder)
        if in_lakes:
            values.setdefault("store_url", in_lakes.url_of(folder / "desk.duckdb"))
        desk = Desk.open(settings.load(**values))
        opened.append(desk)
        current.use(desk)
        return desk

    yield make
    current.use(None)
    for desk in reversed(opened):
        desk.close()


@pytest.fixture
def desk(make_desk: Callable[..., Desk]) -> Desk:
    """A desk with an empty store and no engine; it is the current one."""
    return make_desk()
