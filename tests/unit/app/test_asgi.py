"""The application of a desk: what it is handed, and when it is opened."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from app import asgi
from core.errors import OpenbellError, StoreError
from core.service import current
from core.service.desk import Desk


async def test_the_desk_it_is_handed_is_served_and_closed(
    make_desk: Callable[..., Desk], monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the settings it was made with, not with those of the environment."""
    desk = make_desk(scheduler=False)
    current.use(None)
    seen: list[Desk] = []
    closed: list[bool] = []
    app = asgi.create(desk.settings, [seen.append], desk=desk)
    with monkeypatch.context() as patched:
        patched.setattr(desk, "close", lambda: closed.append(True))
        async with app.lifespan(None):
            assert current.desk() is desk
            assert seen == [desk]
            assert (desk.settings.data_dir / "desk.json").exists()
    assert (current.desk_or_none(), closed) == (None, [True])


async def test_what_keeps_it_from_starting_is_kept(make_desk: Callable[..., Desk]) -> None:
    """The command that started the server tells of it in its own words."""
    desk = make_desk(scheduler=False)

    def refuse(_: Desk) -> None:
        raise StoreError("no room")

    app = asgi.create(desk.settings, [refuse], desk=desk)
    with pytest.raises(OpenbellError, match="no room"):
        async with app.lifespan(None):
            pass
    assert isinstance(app.error, StoreError)


def test_a_server_told_the_name_gets_an_application_of_its_own() -> None:
    """`uvicorn app.asgi:app` goes on to work; no other name is made up."""
    assert isinstance(asgi.app, asgi.DeskApp)
    with pytest.raises(AttributeError, match="nothing"):
        _ = asgi.nothing
