"""A door for users of the published client: its names and arguments over Openbell's own client.

    from core.sources.foundry.compat import FoundryDevToolsContainerClient, Refresh, Schedule

What fails is logged and told by the second value of the answer, not raised. The typed client is
`core.sources.foundry`; docs/foundry-client.md shows both side by side.
"""

from __future__ import annotations

import asyncio
import inspect
import sys
import tempfile
from collections.abc import Awaitable, Callable, Generator, Iterable, Mapping
from datetime import UTC, date, datetime, time
from pathlib import Path
from types import EllipsisType
from typing import Any

import polars as pl

from core import settings
from core.domain.tables.datasets import ColumnType
from core.domain.timetable.zones import settled
from core.errors import OpenbellError, ParsingError, UsageError
from core.sources.foundry.by_settings import client_by
from core.sources.foundry.client import FoundryClient
from core.sources.foundry.compat_schedule import Refresh, Schedule
from core.sources.foundry.results import shortfall

__all__ = ["FoundryDevToolsContainerClient", "Refresh", "Schedule"]
DEFAULT_HOST = "project-fdt-container"
PORT = 8888
PUBLISHED_PORTS = (PORT, 8000)  # the published default is 8000, where nothing listens

Hook = Callable[..., Any]
Schema = Mapping[str, Any] | EllipsisType | None
Moment = datetime | date | str | None


class FoundryDevToolsContainerClient:
    """Pulls datasets of a container; each call opens and closes its own connections.

    The default host stands for the container of the settings (`OPENBELL_FOUNDRY_URL`, with its
    headers and token); another host and port are asked over plain HTTP. `log_func(client, message)`
    and `response_func(client, outer_ws, frame)` may be plain or async functions, or None; what
    they raise reaches the caller.
    """

    def __init__(
        self,
        host: str = DEFAULT_HOST,
        port: int = PORT,
        log: bool = False,
        log_func: Hook | EllipsisType | None = ...,
    ) -> None:
        self.host, self.port, self.log = host, port, log
        self.log_func = _either(self.default_logger if log_func is ... else log_func)
        self._settings = settings.load()

    async def get(
        self,
        outer_ws: Any,
        names: str | Iterable[str],
        response_func: Hook | EllipsisType | None = ...,
    ) -> dict[str, str]:
        """Has datasets pulled anew, one connection a name: CSV texts by name.

        Each frame of the container goes to `response_func`. A name that fails is logged and left
        out of the answer.
        """
        found: dict[str, str] = {}
        async with self._client() as client:
            for name in dict.fromkeys([names] if isinstance(names, str) else names):
                try:
                    async with client.fetch(
                        name, on_frame=self._to(outer_ws, response_func)
                    ) as got:
                        assert got.path is not None
                        found[name] = await asyncio.to_thread(_text, got.path)
                except OpenbellError as error:
                    await self.log_func(self, f"{name} failed: {error}")
        return found

    async def get_single(
        self,
        outer_ws: Any,
        name: str,
        from_dt: Moment,
        to_dt: Moment,
        response_func: Hook | EllipsisType | None = ...,
        schema_overwrite: Schema = ...,
        use_zip: bool = False,
    ) -> tuple[pl.DataFrame, bool]:
        """One dataset, the newest version stored in the window, and whether it is there and whole.

        Instants are datetimes, dates or ISO texts; without a zone they are UTC. Columns of
        `schema_overwrite` get its Polars types (or words of the catalogue), the others what all
        their cells fit. A frame that lacks rows comes with False, a failure as an empty frame.
        UsageError for an instant or a type that is none.
        """
        start, end, schema = _instant(from_dt), _instant(to_dt), _schema(schema_overwrite)
        hook = self._to(outer_ws, response_func)
        try:
            async with (
                self._client() as client,
                client.fetch(name, start, end, use_zip=use_zip, on_frame=hook) as got,
            ):
                assert got.path is not None
                frame = await asyncio.to_thread(_frame, got.path, schema)
        except OpenbellError as error:
            await self.log_func(self, f"{name} failed: {error}")
            return pl.DataFrame(), False
        missing = shortfall(got.announced_rows, frame.height)
        await self.log_func(self, f"{name}: {missing or f'{frame.height} rows'}")
        return frame, missing is None

    async def download(
        self, sha256: str, schema_overwrite: Schema = ..., use_zip: bool = False
    ) -> tuple[pl.DataFrame | str, bool]:
        """The verified file of a sha256 as a frame and True; "Failed" and False otherwise."""
        schema = _schema(schema_overwrite)
        try:
            with tempfile.TemporaryDirectory() as folder:
                async with self._client() as client:
                    path = await client.download(sha256, Path(folder), use_zip=use_zip)
                frame = await asyncio.to_thread(_frame, path, schema)
        except OpenbellError as error:
            await self.log_func(self, f"the download failed: {error}")
            return "Failed", False
        return frame, True

    @staticmethod
    async def default_send_message(
        client: FoundryDevToolsContainerClient, outer_ws: Any, message: dict[str, Any]
    ) -> None:
        """Sends a frame on as `{"message": frame}`. A browser that has left stops no pull."""
        if outer_ws is None:
            return
        try:
            await _awaited(outer_ws.send_json({"message": message}))
        except Exception as error:  # noqa: BLE001 - of whatever kind the caller's socket has
            await client.log_func(client, f"the outer socket takes no messages: {error!r}")

    @staticmethod
    def default_logger(client: FoundryDevToolsContainerClient, message: str) -> Awaitable[None]:
        """Writes to standard output when `log` is on; may be awaited, as the published one must."""
        if client.log:
            sys.stdout.write(f"{message}\n")
        return _Done()

    def _to(
        self, outer_ws: Any, hook: Hook | EllipsisType | None
    ) -> Callable[..., Awaitable[None]]:
        chosen = _either(self.default_send_message if hook is ... else hook)

        async def forward(frame: dict[str, Any]) -> None:
            await chosen(self, outer_ws, frame)

        return forward

    def _client(self) -> FoundryClient:
        ours = self.host == DEFAULT_HOST and self.port in PUBLISHED_PORTS
        elsewhere = None if ours else f"http://{self.host}:{self.port}/fdtc-api"
        return client_by(self._settings, elsewhere=elsewhere)


class _Done:
    """What a plain hook gives back: nothing is left to wait for, and waiting is allowed."""

    def __await__(self) -> Generator[None, None, None]:
        return
        yield  # which makes this a generator


def _either(hook: Hook | None) -> Callable[..., Awaitable[Any]]:
    """A hook, plain, async or none, that may be awaited and need not be."""

    def call(*arguments: Any) -> Awaitable[Any]:
        outcome = hook(*arguments) if hook is not None else None
        return asyncio.ensure_future(outcome) if inspect.isawaitable(outcome) else _Done()

    return call


async def _awaited(outcome: Any) -> None:
    if inspect.isawaitable(outcome):
        await outcome


def _instant(given: Moment) -> datetime | None:
    """As the container reads it: without a zone it is UTC, a bare date is its midnight."""
    if isinstance(given, str):
        try:
            given = datetime.fromisoformat(given)
        except ValueError:
            raise UsageError(f"{given!r} is not an ISO text of an instant") from None
    if given is None:
        return None
    if isinstance(given, datetime):
        return settled(given) if given.tzinfo else given.replace(tzinfo=UTC)
    if isinstance(given, date):
        return datetime.combine(given, time(), UTC)
    raise UsageError(f"{given!r} is neither an instant nor an ISO text")


def _schema(given: Schema) -> dict[str, Any]:
    """Polars types by column; words such as `float` and `date` are those of the catalogue."""
    if given is None or isinstance(given, EllipsisType):
        return {}
    return {name: _type(kind) for name, kind in given.items()}


def _type(kind: Any) -> Any:
    if isinstance(kind, str):
        kind = ColumnType.parse(kind)
    return kind.polars if isinstance(kind, ColumnType) else kind


def _frame(path: Path, schema: Mapping[str, Any]) -> pl.DataFrame:
    """All rows decide the types that are not given, not the first ones."""
    try:
        return pl.read_csv(path, schema_overrides=schema, infer_schema_length=None)
    except (pl.exceptions.PolarsError, TypeError) as error:
        said = str(error).partition("\n")[0]
        raise ParsingError(f"the file does not fit: {said}", where=path.name) from None


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="backslashreplace")
