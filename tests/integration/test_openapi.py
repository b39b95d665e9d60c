"""What the OpenAPI says of commands and exports holds, whatever is asked."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from app.api import following
from core.service.kernel import commands, exports
from tests import api_desk, depth, fuzzing

EXAMPLES = depth.pick(4, 100, 2000)
OPERATIONS = fuzzing.operations()


@pytest.fixture(scope="module")
def token(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Of a filled desk that is served without an engine."""
    with fuzzing.served(tmp_path_factory.mktemp("fuzzed")) as made:
        yield made


@pytest.fixture(scope="module")
def schema(token: str) -> Any:
    """The API's own description."""
    return fuzzing.described()


@pytest.fixture(scope="module")
def client(token: str) -> Iterator[Any]:
    """A client with the token."""
    with fuzzing.connected(token) as connected:
        yield connected


@pytest.mark.deep
@pytest.mark.parametrize("operation", OPERATIONS)
def test_every_answer_is_described(schema: Any, client: Any, operation: str) -> None:
    """No failure of the desk's own, no undescribed status, type or body, nothing wrong accepted."""
    method, path = OPERATIONS[operation]
    fuzzing.fuzz(client, schema[path][method], EXAMPLES)


def test_what_answers_lead_to_is_there() -> None:
    """Each link names an operation, and an argument that stands in its path."""
    for operation, leads in following.LEADS.items():
        assert operation in OPERATIONS
        for name, (argument, _) in leads.items():
            assert f"{{{argument}}}" in OPERATIONS[name][1]


def test_no_parameter_of_a_query_is_said_to_be_null() -> None:
    """What is not given is left out of it; lists are lists, whatever else an argument may be."""
    paths = api_desk.application().openapi()["paths"]
    every = {
        (path, item["name"]): item["schema"]
        for path, methods in paths.items()
        for operation in methods.values()
        for item in operation.get("parameters", ())
        if item["in"] == "query"
    }
    nulls = [name for name, schema in every.items() if {"type": "null"} in schema.get("anyOf", ())]
    assert nulls == []
    assert every["/v1/companies/{cik}/filings", "form"]["type"] == "array"


def test_every_command_and_export_is_described() -> None:
    """With its own arguments, which of them must be given, and how calls are refused."""
    paths = api_desk.application().openapi()["paths"]
    for kind, registry in (
        ("commands", commands.command),
        ("exports", exports.export),
    ):
        for entry in registry.entries.values():
            operation = paths[f"/v1/{kind}/{entry.name}"]["post"]
            body = operation["requestBody"]["content"]["application/json"]["schema"]
            arguments = body if kind == "commands" else body["properties"]["filters"]
            fields = entry.arguments.model_fields
            assert set(arguments.get("properties", ())) == set(fields)
            needed = [name for name, field in fields.items() if field.is_required()]
            assert arguments.get("required", []) == needed
            assert {"200", "401", "404", "413", "422", "503"} <= set(operation["responses"])
