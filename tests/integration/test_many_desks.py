"""Several processes on one store: an engine that leads, desks that read and ask."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.domain.access.principals import LOCAL, Principal, Role
from core.errors import NotFoundError, ReadOnlyError, SettingsError, SignInError
from core.jobs.queue.port import JobStatus
from core.service import everything  # noqa: F401 - registers what can be asked for
from core.service.desk import Desk
from core.service.filings import companies
from core.service.kernel import access
from core.service.kernel.asking import ACT
from core.service.lists import notes
from core.settings import Settings, load
from tests.cluster_rig import until
from tests.filled import fill


def _settings(tmp_path: Path, urls: dict[str, str], name: str, **more: object) -> Settings:
    return load(data_dir=tmp_path / name, role=name.partition("-")[0], **urls, **more)


def _notes(desk: Desk) -> list[str]:
    found: list[str] = notes.notes(desk, "AAA")["text"].to_list()
    return found


def test_a_desk_reads_and_the_engine_acts(tmp_path: Path, urls: dict[str, str]) -> None:
    """What a reader changes is done by the engine, as that reader, and seen at once."""
    with Desk.open(_settings(tmp_path, urls, "engine-1")) as engine:
        fill(engine)
        engine.start(scheduler=False)
        with Desk.open(_settings(tmp_path, urls, "desk-1")) as desk:
            assert desk.warehouse.read("SELECT count(*) FROM bars_daily").item() > 0
            before = desk.state
            notes.write(desk, "AAA", "said at the desk")
            assert desk.state != before
            assert _notes(desk) == ["said at the desk"]
            with pytest.raises(NotFoundError, match="NOSUCH"):
                companies.watch(desk, ["NOSUCH"])
            stranger = Principal("token", "gone", "gone", Role.ADMIN)
            with access.acting(stranger), pytest.raises(SignInError):
                notes.write(desk, "AAA", "by nobody who is known")
            with pytest.raises(ReadOnlyError, match="only reads"), desk.warehouse.transaction():
                pass
        done = engine.queue.find([JobStatus.DONE], event_name=ACT)
        assert {job.payload["actor"] for job in done} == {LOCAL.name}


@pytest.mark.thorough
def test_without_an_engine_a_desk_reads_on_and_says_so(
    tmp_path: Path, urls: dict[str, str]
) -> None:
    """What was asked meanwhile is not done later behind the reader's back."""
    with Desk.open(_settings(tmp_path, urls, "engine-1")) as engine:
        fill(engine)
    with Desk.open(_settings(tmp_path, urls, "desk-1", answer_seconds=0.3)) as desk:
        assert desk.read_only_seconds is not None
        with pytest.raises(ReadOnlyError, match=r"not done: read-only for \d+ s"):
            notes.write(desk, "AAA", "too early")
        with Desk.open(_settings(tmp_path, urls, "engine-2")) as engine:
            engine.start(scheduler=False)
            desk.warehouse.catch_up()  # type: ignore[attr-defined]
            assert desk.read_only_seconds is None
            notes.write(desk, "AAA", "in time")
        assert _notes(desk) == ["in time"]


@pytest.mark.thorough
def test_who_signs_in_at_a_desk_is_known_there_at_once_and_gone_when_revoked(
    tmp_path: Path, urls: dict[str, str]
) -> None:
    """Sessions and roles are kept by the engine; a desk hears of each change."""
    with Desk.open(_settings(tmp_path, urls, "engine-1")) as engine:
        engine.start(scheduler=False)
        with Desk.open(_settings(tmp_path, urls, "desk-1")) as desk:
            heard: list[object] = []
            desk.roster.listeners.append(heard.append)
            who = desk.roster.signed_in("idp", "7", "Ada", Role.ANALYST)
            secret = desk.roster.begin(who)
            assert desk.roster.of_session(secret) == who
            assert engine.roster.of_session(secret) == who
            engine.roster.set_role("idp", "7", "Ada", None, LOCAL)
            until(lambda: heard == [who.key], 5, "the desk to hear of it, unasked")
            assert desk.roster.of_session(secret) is None


@pytest.mark.parametrize("role", ["engine", "desk"])
def test_a_role_needs_what_is_shared(role: str, tmp_path: Path) -> None:
    """One sentence names both addresses."""
    with pytest.raises(SettingsError, match="needs a store in a lake and a queue in Redis"):
        load(data_dir=tmp_path, role=role)
