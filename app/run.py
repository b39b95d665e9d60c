"""Run a command: through the running desk's API, or on the store itself when no desk is up.

Either way the same function of `core.service` makes the same document.
"""

from __future__ import annotations

import io
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NoReturn, Protocol

import typer
from rich.console import Console

from app import file_errors, interrupts, progress_bar, slim
from core.errors import (
    OpenbellError,
    OwnershipError,
    TransportError,
    document,
    rebuilt,
)
from core.service.kernel.results import FAILED, CommandResult

if TYPE_CHECKING:
    import httpx

    from app import address as addresses
    from core.domain.access.principals import Principal
    from core.service.desk import Desk
    from core.settings import Settings

CALLED_OFF = "called off; what was finished before is stored, and nothing is stored by halves"
PATIENCE_SECONDS = 5.0
QUICK = ("refresh", "progress", "cancel", "pulled")  # answered at once by a desk that is well
QUICK_SECONDS, LONG_SECONDS = 60.0, 3600.0
Render = Callable[[Any, Console], None]
for stream in (sys.stdout, sys.stderr):  # a locale without dashes and arrows gets question marks
    if isinstance(stream, io.TextIOWrapper):
        stream.reconfigure(errors="replace")
out = Console(highlight=False, soft_wrap=True, width=None if sys.stdout.isatty() else 200)
err = Console(stderr=True, highlight=False, soft_wrap=True)


class Caller(Protocol):
    """What runs commands and fetches exports, here or in the running desk."""

    def call(self, command: str, /, **arguments: Any) -> CommandResult:
        """Run one command."""
        ...

    def export(self, what: str, fmt: str, filters: Mapping[str, Any]) -> bytes:
        """The bytes of an export."""
        ...


class Local:
    """Commands on a desk opened by this process."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk

    def call(self, command: str, /, **arguments: Any) -> CommandResult:
        """Run one command on the open desk."""
        import orjson

        from core.service.kernel import commands

        with interrupts.as_such():
            result = commands.run(self.desk, command, arguments)
        return CommandResult(orjson.loads(dumps(result.document)), result.exit_code)

    def export(self, what: str, fmt: str, filters: Mapping[str, Any]) -> bytes:
        """The bytes of an export, made here."""
        from core.service.kernel import exports

        with interrupts.as_such():
            return exports.encode(exports.frame_of(self.desk, what, **filters), fmt)


class Remote:
    """Commands through the API of a running desk."""

    def __init__(
        self,
        address: addresses.Address,
        token: str = "",
        *,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        """`token` is whose word it acts on; without one that of the data folder, which is admin.

        `transport` stands for the network.
        """
        import httpx

        self._client = httpx.Client(
            base_url=f"{address.url}/api/v1",
            headers={"Authorization": f"Bearer {token or address.token}"},
            transport=transport,
        )

    def call(self, command: str, /, **arguments: Any) -> CommandResult:
        """Run one command in the running desk."""
        seconds = QUICK_SECONDS if command in QUICK else LONG_SECONDS
        answer = self._post(f"/commands/{command}", arguments, seconds)
        body = answer.json()
        return CommandResult(body["document"], body["exit_code"])

    def export(self, what: str, fmt: str, filters: Mapping[str, Any]) -> bytes:
        """The bytes of an export, made by the running desk."""
        return self._post(f"/exports/{what}", {"format": fmt, "filters": dict(filters)}).content

    def _post(
        self, path: str, body: dict[str, Any], seconds: float = LONG_SECONDS
    ) -> httpx.Response:
        import httpx

        from core.observe import logs, traces

        headers = {"X-Correlation-Id": logs.correlation_id() or ""}
        if carried := traces.carrier():
            headers[traces.FIELD] = carried
        try:
            answer = self._client.post(
                path,
                content=dumps(body),
                headers={**headers, "Content-Type": "application/json"},
                timeout=httpx.Timeout(10.0, read=seconds),
            )
        except httpx.HTTPError as error:
            raise TransportError(
                f"the running desk did not answer: {error}",
                where=str(self._client.base_url),
                hint="see whether it still runs; what was asked of it stays queued",
            ) from error
        if answer.is_error:
            raise _error_of(answer)
        return answer


def _error_of(answer: httpx.Response) -> OpenbellError:
    try:
        body = answer.json()["error"]
    except (ValueError, KeyError, TypeError):
        return TransportError(f"the running desk answered {answer.status_code}")
    where, hint = body.get("where"), body.get("hint")
    return rebuilt(body.get("type", ""), body["message"], where=where, hint=hint)


@contextmanager
def caller(*, engine: bool = False, **overrides: Any) -> Iterator[Caller]:
    """A caller for the desk of the settings; `engine` also runs queued jobs here when local."""
    from core import settings
    from core.observe import logs, traces

    chosen = settings.load(**overrides)
    logs.configure(chosen.log_format, "WARNING" if sys.stderr.isatty() else chosen.log_level)
    stop = traces.start(chosen.otlp_url, chosen.trace_file)
    try:
        yield from _callers(chosen, engine=engine)
    finally:
        stop()


def _callers(chosen: Settings, *, engine: bool) -> Iterator[Caller]:
    from app import address as addresses

    slim.without_pandas()
    found = _desk_or_address(chosen)
    if isinstance(found, addresses.Address):
        yield Remote(found, chosen.command_token.get_secret_value())
        return
    import core.service.everything  # noqa: F401 - registers what can be called, and run as a job
    from core.service.kernel import access

    with found as desk, access.acting(_acts(desk, chosen)):
        if engine:
            desk.start(scheduler=False)
        yield Local(desk)


def _acts(desk: Desk, chosen: Settings) -> Principal:
    """Whose word a command line acts on: of the token that is set, else whoever has the folder."""
    from core.domain.access.principals import LOCAL
    from core.errors import SignInError

    token = chosen.command_token.get_secret_value()
    who = desk.roster.of_token(token) if token else LOCAL
    if who is None:
        raise SignInError("the token in OPENBELL_COMMAND_TOKEN does not count here")
    return who


def _desk_or_address(chosen: Settings) -> Desk | addresses.Address:
    """The running desk's address, or the desk opened here; another's start or end is waited for."""
    from app import address as addresses

    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        address = addresses.running(chosen.data_dir)
        if address:
            return address
        from core.service.desk import Desk

        try:
            return Desk.open(chosen)
        except OwnershipError:
            if time.monotonic() > deadline:
                raise
        time.sleep(0.2)


def open_patiently(chosen: Settings) -> Desk:
    """The desk, after waiting for a command that holds it just now."""
    from app import address as addresses
    from core.service.desk import Desk

    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            return Desk.open(chosen)
        except OwnershipError:
            if time.monotonic() > deadline or addresses.running(chosen.data_dir):
                raise
        time.sleep(0.2)


@contextmanager
def asked(*, engine: bool = False) -> Iterator[Caller]:
    """A caller for one command line: errors are told, and its log lines share an id."""
    from core.observe import logs, traces

    called = caller(engine=engine)
    with reported(), logs.correlated(), called as call, traces.span("command line"):
        interrupts.check()
        yield call


def run(
    command: str, /, *, json: bool, render: Render, engine: bool = False, **arguments: Any
) -> CommandResult:
    """Run one command, print its document, leave with its exit code; the result when it is 0."""
    with asked(engine=engine) as call:
        try:
            with progress_bar.drawn(err, command):
                result = call.call(command, **arguments)
        except KeyboardInterrupt:
            interrupts.heard()
            err.print(_interrupted(call))
            raise typer.Exit(FAILED) from None
        show(result, json=json, render=render)
    leave(result)
    return result


def _interrupted(call: Caller) -> str:
    """What Ctrl-C has called off: the work is done here, or in the desk that was asked for it."""
    if isinstance(call, Remote):
        return "called off here; what the running desk has begun it may finish (see: jobs list)"
    return CALLED_OFF


def show(result: CommandResult, *, json: bool, render: Render) -> None:
    """One JSON document on stdout, or the readable form."""
    if json:
        sys.stdout.write(dumps(result.document).decode() + "\n")
    else:
        render(result.document, out)


def leave(result: CommandResult) -> None:
    """End the process with the result's exit code unless it is 0."""
    if result.exit_code:
        raise typer.Exit(result.exit_code)


@contextmanager
def reported() -> Iterator[None]:
    """Print an error of ours as sentences, and leave with 1 or, for wrong use, 2.

    So are those of the file system that reach this far: they name a file that is not as it should.
    Ctrl-C while a desk is opened or a backup put in place is told as well, and leaves with 1.
    """
    try:
        with interrupts.as_such():
            yield
    except KeyboardInterrupt:
        interrupts.heard()
        err.print(CALLED_OFF)
        raise typer.Exit(FAILED) from None
    except OpenbellError as error:
        fail(error)
    except OSError as error:
        fail(file_errors.of(error))


def fail(error: OpenbellError) -> NoReturn:
    """Print an error on stderr, with `--json` as the one document on stdout too, and leave."""
    tell(error)
    err.print(f"[bold red]{error.kind}[/]: ", end="")
    err.print(str(error), markup=False)
    raise typer.Exit(error.exit_code)


def tell(error: OpenbellError) -> None:
    """The error as the one JSON document on stdout, when the command line asks for JSON."""
    if "--json" in sys.argv[1:]:
        sys.stdout.write(dumps(document(error)).decode() + "\n")


def dumps(content: Any) -> bytes:
    """JSON of a document: instants as ISO with Z, money as numbers."""
    import orjson

    return orjson.dumps(
        content,
        default=plain,
        option=orjson.OPT_UTC_Z | orjson.OPT_NON_STR_KEYS | orjson.OPT_SERIALIZE_NUMPY,
    )


def plain(value: Any) -> Any:
    """What orjson does not know, as what it does: money as a number."""
    from decimal import Decimal
    from pathlib import Path

    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, frozenset | set):
        return sorted(value)
    raise TypeError(f"{type(value).__name__} cannot be shown as JSON")
