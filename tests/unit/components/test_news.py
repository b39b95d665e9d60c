"""Toasts of an open page: each thing once, nothing old, and nothing read while nothing happened."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest

from components.kit import news
from core.observe.events import Event
from core.service.activity import news as service
from core.service.desk import Desk
from core.store import events


def watching() -> None:
    from components.kit import shell

    shell.page("Scan", purpose="p")


def happened(desk: Desk, dataset: str) -> None:
    told = Event.of("pull.partial", dataset, f"{dataset} is partial", after={"trigger": "schedule"})
    with desk.warehouse.transaction() as tx:
        events.add(tx, [told], desk.now())


def test_what_happens_is_told_once(desk: Desk) -> None:
    """Not what was before the page was opened; then each at the next look, and never again."""
    happened(desk, "old")
    at = AppTest.from_function(watching, default_timeout=60).run()
    assert not at.exception
    assert not at.toast
    happened(desk, "prices.daily")
    (toast,) = at.run().toast
    assert toast.value == "prices.daily is partial"
    assert toast.icon in (news.GOOD, news.BAD)
    assert not at.run().toast
    for number in range(5):
        happened(desk, f"prices.{number}")
    assert [toast.value for toast in at.run().toast] == ["5 things happened, 0 need a look"]


def test_nothing_is_read_while_nothing_happened(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A look between two commits does not ask for events; the next commit does."""
    at = AppTest.from_function(watching, default_timeout=60).run()
    asked: list[str | None] = []
    real = service.news

    def asking(desk: Desk, after: str | None) -> tuple[list[service.News], str]:
        asked.append(after)
        return real(desk, after)

    monkeypatch.setattr(service, "news", asking)
    at.run()
    at.run()
    assert asked == []
    happened(desk, "prices.daily")
    at.run()
    assert len(asked) == 1
