"""Registries of use cases: each says the role it needs, and is validated by its annotations."""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, TypeVar, get_args, get_type_hints

from pydantic import BaseModel, ConfigDict, create_model
from pydantic import ValidationError as PydanticError

from core.domain.access.principals import ENGINE, LOCAL, Principal, Role
from core.errors import NotFoundError, UsageError
from core.service import bounds
from core.service.kernel import access, given_files
from core.service.kernel.port import DeskPort

UseCase = Callable[..., Any]
F = TypeVar("F", bound=UseCase)


@dataclass(frozen=True, slots=True)
class UseCaseEntry:
    """One registered function, its first docstring line, the role it needs."""

    name: str
    function: UseCase
    summary: str
    role: Role

    @property
    def arguments(self) -> type[BaseModel]:
        """The model of its arguments, made when it is asked for first.

        To make those of all use cases takes an eighth of a second of every start.
        """
        return _model(self.name, self.function)


class Registry:
    """Named functions `(desk, *, …)`; `what` is the word used in messages."""

    def __init__(self, what: str) -> None:
        self.what = what
        self.entries: dict[str, UseCaseEntry] = {}

    def __call__(self, name: str, *, needs: Role) -> Callable[[F], F]:
        """Register a function under a name, for those who have that role or a higher one."""

        def register(function: F) -> F:
            summary = (inspect.getdoc(function) or "").partition("\n")[0]
            self.entries[name] = UseCaseEntry(name, function, summary, needs)
            return function

        return register

    def run(self, desk: DeskPort, name: str, arguments: Mapping[str, Any]) -> Any:
        """Call the function for whoever acts, when they may, with arguments that are allowed.

        UsageError for wrong arguments; for the rest see `allowed`.
        """
        entry, who = self.allowed(desk, name)
        try:
            given = entry.arguments.model_validate(dict(arguments))
        except PydanticError as error:
            told = _faults(error, list(entry.arguments.model_fields))
            sentence = ": ".join(told[0])
            raise UsageError(f"{self.what} {name}: {sentence}", fields=told) from None
        values = {field: getattr(given, field) for field in entry.arguments.model_fields}
        for field, value in values.items():
            if fault := bounds.fault(value, bounds.longest(field)):
                told = [(field, fault)]
                raise UsageError(f"{self.what} {name}: {field}: {fault}", fields=told)
            if isinstance(value, Path) and who not in (LOCAL, ENGINE):
                values[field] = given_files.incoming(desk.settings.data_dir, value)
        with access.told_as(who):
            return entry.function(desk, **values)

    def allowed(self, desk: DeskPort, name: str) -> tuple[UseCaseEntry, Principal]:
        """What a name stands for, and who acts, when they may.

        NotFoundError for an unknown name, SignInError or RoleError for who may not.
        """
        entry = self.entries.get(name)
        if entry is None:
            raise NotFoundError(f"there is no {self.what} {name!r}", hint=self._hint(name))
        return entry, access.require(desk, entry.role, f"{self.what} {name}")

    def _hint(self, name: str) -> str:
        near = difflib.get_close_matches(name, self.entries, n=1)
        return f"did you mean {near[0]}?" if near else f"there are: {', '.join(self.entries)}"


@cache
def _model(name: str, function: UseCase) -> type[BaseModel]:
    hints = get_type_hints(function, localns={"Desk": object})
    fields: dict[str, Any] = {}
    for p in list(inspect.signature(function).parameters.values())[1:]:
        if p.kind is inspect.Parameter.VAR_KEYWORD:  # arguments that several functions take
            (several,) = get_args(hints[p.name])
            fields |= {key: (hint, None) for key, hint in get_type_hints(several).items()}
        else:
            default = ... if p.default is inspect.Parameter.empty else p.default
            fields[p.name] = (hints[p.name], default)
    return create_model(f"{name}_arguments", __config__=ConfigDict(extra="forbid"), **fields)


def _faults(error: PydanticError, known: Sequence[str]) -> list[tuple[str, str]]:
    """Which argument, and what is wrong with it; of one that is not known, which there are."""
    names = f"there are: {', '.join(known)}" if known else "there are none"
    return [
        (
            ".".join(str(part) for part in item["loc"]),
            f"is not known; {names}" if item["type"] == "extra_forbidden" else item["msg"],
        )
        for item in error.errors(include_url=False, include_input=False)
    ]
