"""The API as the desk mounts it, behind its gate, for calls that schemathesis makes of its OpenAPI.

Without a socket: gate, bounds and routes are those of the served desk, pages are not there.
"""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from schemathesis import GenerationMode
from schemathesis.python import asgi
from schemathesis.specs.openapi.checks import ignored_auth

from app import address, gate, senders
from app.doors import limits
from core import settings as desk_settings
from core.service import current
from core.service.data_folder import backups_of
from core.service.desk import Desk
from tests import api_desk
from tests.filled import fill

RULES = Path(__file__).resolve().parent.parent / "schemathesis.toml"
ALIKE = 8  # requests without arguments: all the same
KNOCKS = 5  # examples that are also asked without the token and with a wrong one: two calls more


def application() -> gate.Gate:
    """The gate with the API behind it."""
    return gate.Gate(senders.Bounded(api_desk.mounted()), hosts=["testserver"])


def described() -> Any:
    """The schema that the API gives of itself, judged by the rules beside the project."""
    rules = schemathesis.Config.from_path(RULES)
    return schemathesis.openapi.from_asgi("/api/openapi.json", application(), config=rules)


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """The token of a filled desk without an engine; what is asked finds its own folder empty."""
    before = Path.cwd()
    chosen = desk_settings.load(data_dir=folder / "desk", retries=0)
    with pytest.MonkeyPatch.context() as patch, Desk.open(chosen) as desk:
        (folder / "here").mkdir()
        patch.chdir(folder / "here")
        patch.setattr(limits, "FIRST_PAUSE", 0.0)
        current.use(fill(desk))
        yield address.announce(chosen.data_dir, "127.0.0.1", 1).token
        current.use(None)
    assert Path.cwd() == before


def connected(token: str) -> AbstractContextManager[Any]:
    """A client that calls the application without a socket, with the desk's token."""
    client = asgi.get_client(application())
    client.headers["Authorization"] = f"Bearer {token}"
    client.trust_env = False  # proxies and passwords of this machine are looked up at each call
    return client


def operations() -> dict[str, tuple[str, str]]:
    """Operation id -> method and path, of every operation."""
    paths = api_desk.application().openapi()["paths"]
    return {
        operation["operationId"]: (method.upper(), path)
        for path, methods in paths.items()
        for method, operation in methods.items()
    }


def fuzz(client: Any, operation: Any, examples: int, chance: int = 0) -> None:
    """Ask with arguments that fit the schema, then with such that do not; every answer must do.

    The same chance asks the same; examples of several chances are so many pieces of one run.
    """
    if not has_arguments(operation):
        examples = min(examples, ALIKE)
    modes = [GenerationMode.POSITIVE]
    modes += [GenerationMode.NEGATIVE] if operation.body else []
    asked = itertools.count()
    for mode in modes:

        @seed(chance)
        @settings(
            max_examples=max(examples // len(modes), 1),
            deadline=None,
            derandomize=False,
            database=None,
            phases=[Phase.generate, Phase.shrink],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy(generation_mode=mode))
        def ask(case: Any) -> None:
            keep_inside(case)
            known = [ignored_auth] if next(asked) >= KNOCKS else []
            case.call_and_validate(session=client, excluded_checks=known)
            tidy()

        ask()


def keep_inside(case: Any) -> None:
    """Lead a folder that would be written to, wherever on the machine, into the present one."""
    if isinstance(case.body, dict) and isinstance(case.body.get("folder"), str):
        parts = [part for part in case.body["folder"].split("/") if part not in ("", ".", "..")]
        case.body["folder"] = "/".join(parts) or "."


def tidy() -> None:
    """Remove what a call has written: a thousand backups would fill the disk."""
    backups = backups_of(current.desk().settings.data_dir)
    for path in (*Path.cwd().iterdir(), *backups.glob("*")):
        shutil.rmtree(path)


def has_arguments(operation: Any) -> bool:
    """Whether one request can differ from another."""
    asked = [*operation.query, *operation.path_parameters]
    return bool(asked) or any(
        media.definition["schema"].get("properties") for media in operation.body
    )
