"""Every operation of the API shows a success, as it was recorded, that fits what is described."""

from __future__ import annotations

import getpass
import re
import socket
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import orjson
import pytest
from jsonschema import Draft202012Validator

from app.api import documentation, examples
from tests import api_desk, api_examples, shortened

MOST_BYTES = 150_000  # that examples may add to the document
ROOT = Path(__file__).resolve().parents[3]
OF_THIS_MACHINE = re.compile(
    "|".join(
        [
            r"obt_[\w-]{8}", "whsec_", r"127\.0\.0\.1", "localhost", "/tmp", "/dev/shm", "/home/",
            re.escape(str(ROOT)), rf"\b{re.escape(socket.gethostname())}\b",
            rf"/{re.escape(getpass.getuser())}/",
        ]
    )
)  # fmt: skip


@cache
def described() -> dict[str, Any]:
    """The document as it is served."""
    document: dict[str, Any] = orjson.loads(orjson.dumps(api_desk.application().openapi()))
    return document


def operations() -> Iterator[tuple[str, dict[str, Any]]]:
    """Every operation with what names it."""
    for path, methods in described()["paths"].items():
        for method, operation in methods.items():
            yield f"{method.upper()} {path}", operation


def shown(media: dict[str, Any]) -> list[Any]:
    """The examples of one kind of body, those that are shared, too."""
    found = [media["example"]] if "example" in media else []
    for one in media.get("examples", {}).values():
        name = one["$ref"].removeprefix("#/components/examples/")
        found.append(described()["components"]["examples"][name]["value"])
    return found


def faults(schema: dict[str, Any], value: Any) -> list[str]:
    """What does not fit."""
    whole = {**schema, "components": described()["components"]}
    return [error.message for error in Draft202012Validator(whole).iter_errors(value)]


def test_every_operation_shows_a_success() -> None:
    """Commands, exports, health and resources; there is no exception."""
    without = []
    for name, operation in operations():
        answers = [a for code, a in operation["responses"].items() if code.startswith("2")]
        if not any(shown(media) for a in answers for media in a.get("content", {}).values()):
            without.append(name)
    assert without == [], "record them: python -m tests.api_examples"


def test_what_is_shown_fits_its_schema() -> None:
    """Answers, bodies and parameters."""
    wrong = []
    for name, operation in operations():
        contents = [a.get("content", {}) for a in operation["responses"].values()]
        contents.append(operation.get("requestBody", {}).get("content", {}))
        for media in (media for content in contents for media in content.values()):
            wrong += [
                (name, fault) for value in shown(media) for fault in faults(media["schema"], value)
            ]
        for parameter in operation.get("parameters", ()):
            if "example" in parameter:
                found = faults(parameter["schema"], parameter["example"])
                wrong += [(name, parameter["name"], fault) for fault in found]
    assert wrong == []


def test_what_must_be_given_is_shown() -> None:
    """A body that is needed has an example, and so has each needed parameter of an export."""
    without = []
    for name, operation in operations():
        body = operation.get("requestBody", {})
        if body.get("required") and not shown(body["content"]["application/json"]):
            without.append(name)
        if operation["operationId"].startswith("get_export_"):
            needed = [p for p in operation["parameters"] if p["required"]]
            without += [f"{name} {p['name']}" for p in needed if "example" not in p]
    assert without == []


def test_what_is_kept_is_small_and_of_no_machine() -> None:
    """No token, folder, host or name of where it was recorded; nothing of what is no more there."""
    raw = examples.KEPT.read_bytes()
    assert len(raw) < MOST_BYTES
    assert OF_THIS_MACHINE.findall(raw.decode()) == []
    known = {operation["operationId"] for _, operation in operations()}
    assert set(examples.kept()) <= known
    for name, one in examples.kept().items():
        sizes = [len(orjson.dumps(answer)) for answer in one["answers"].values()]
        assert max(sizes) <= 2 * shortened.LARGEST, name


def test_the_page_of_documentation_shows_them() -> None:
    """Those that are shared by two operations, too."""
    page = documentation.written(described())
    assert page.count("<p>Answer</p>") >= len(list(operations())) - 1  # metrics are no JSON


@pytest.mark.thorough
def test_examples_are_as_the_desk_answers() -> None:
    """`python -m tests.api_examples` would change nothing."""
    assert api_examples.made() == examples.kept(), "record them: python -m tests.api_examples"
