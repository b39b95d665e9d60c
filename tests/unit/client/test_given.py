"""What is given to the client: it means something, or is refused before anything is asked."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

import httpx
import polars as pl
import pytest

from core.client import OpenbellClient, Patience
from core.client.calls import ClientCall
from core.domain.access.principals import Role
from core.errors import OpenbellError, TransportError, UsageError
from core.service.desk import Desk
from tests import api_desk
from tests.unit.client.test_client import answering, client_of

NAIVE = datetime(2026, 6, 30, 9)  # noqa: DTZ001 - what is refused
SENSELESS = (math.nan, math.inf, Decimal("NaN"), Decimal("Infinity"), NAIVE, {1, 2}, b"AAA",
             object, timedelta(1), [], [None], [[1]], {"a": 1}, "\ud800", ["\ud800"])  # fmt: skip


@pytest.fixture
def desk(make_desk: Callable[..., Desk]) -> OpenbellClient:
    """A client of a filled desk."""
    return client_of(api_desk.open_desk(make_desk), Role.TRADER)


def silent() -> tuple[OpenbellClient, list[Any]]:
    """A client of a desk that is never to be asked, and what it was asked."""
    transport, asked = answering()
    return OpenbellClient("http://desk", "t", transport=transport), asked


def test_no_rows_are_none_of_them_and_each_number_up_to_all(desk: OpenbellClient) -> None:
    """With the columns, whatever the number is."""
    whole = desk.dataset("prices.daily")
    for most in (0, 1, 2, whole.height, 10**30):
        assert desk.dataset("prices.daily", most=most).equals(
            whole.head(min(most, whole.height))
        ), most
    assert desk.grades(most=0).columns == desk.grades().columns


@pytest.mark.parametrize("most", [-1, -(10**30), True, False, 1.0, 2.5, math.nan, "5", Decimal(3)])
def test_what_is_no_number_of_rows_is_refused(most: Any) -> None:
    """Before a desk is asked: -1 was once taken for all but the last row."""
    client, asked = silent()
    for wanted in (client.grades, lambda most: client.rows("/plans", most=most)):
        with pytest.raises(UsageError, match="most is a whole number from 0 on"):
            wanted(most=most)
    with pytest.raises(UsageError, match="limit is the size of a page"):
        client.plans(limit=5)
    assert not asked


@pytest.mark.parametrize("value", SENSELESS, ids=repr)
def test_a_value_without_meaning_is_refused_wherever_it_is_given(value: Any) -> None:
    """In filters, in names and in what acts; an empty list was once no filter at all."""
    client, asked = silent()
    for name, method in inspect.getmembers(client, inspect.ismethod):
        if name.startswith("_") or name in ("close", "send", "beside"):
            continue
        for given in inspect.signature(method).parameters.values():
            if given.name in ("most", "method", "path", "body", "ask"):
                continue
            held = given.name if given.kind is not given.VAR_KEYWORD else "colour"
            needed = {p.name: "x" for p in inspect.signature(method).parameters.values()
                      if p.default is p.empty and p.kind is p.POSITIONAL_OR_KEYWORD}  # fmt: skip
            needed |= {"path": "/x"} if "path" in needed else {}
            acts = name in ("propose", "decide") and given.name in ("symbol", "reason")
            if acts and isinstance(value, list | dict) and value != ["\ud800"]:
                continue  # a body may hold lists; what is in them is judged by the desk
            with pytest.raises(UsageError):
                method(**needed | {held: value})
    assert not asked


@pytest.mark.parametrize("name", ["", " ", None, True, []])
def test_an_empty_name_is_refused(name: Any) -> None:
    """It was once the list of all."""
    client, asked = silent()
    for ask in (client.filing, client.symbol, client.refresh, client.facts, client.scan):
        with pytest.raises(UsageError, match="a name is missing"):
            ask(name)
    assert not asked


def test_what_has_a_meaning_is_sent_as_that() -> None:
    """Days, instants, amounts, numbers of other libraries, series, and what is within."""
    done = httpx.Response(200, json={"data": {}})
    transport, asked = answering(done, done)
    client = OpenbellClient("http://desk", "t", transport=transport)
    at = datetime(2026, 6, 30, 9, tzinfo=UTC)
    client.get("/x", a=date(2026, 6, 30), b=at, c=Decimal("1E-7"), d=pl.Series(["A", "B"]),
               e=Fraction(1, 4), f=True, g=None, h=Role.ADMIN, i=0)  # fmt: skip
    assert list(asked[0].url.params.multi_items()) == [
        ("a", "2026-06-30"), ("b", "2026-06-30T09:00:00+00:00"), ("c", "0.0000001"), ("d", "A"),
        ("d", "B"), ("e", "0.25"), ("f", "true"), ("h", "admin"), ("i", "0"),
    ]  # fmt: skip
    client.act("POST", "/x", lines=[{"amount": Decimal("1.10"), "day": date(2026, 6, 30)}])
    assert asked[1].content == b'{"lines":[{"amount":"1.10","day":"2026-06-30"}]}'


@pytest.mark.parametrize("path", ["x", "", "//evil.example/x", "http://evil.example/x", "/x?a=1",
                                  "/x#y"])  # fmt: skip
def test_a_path_leads_to_the_desk_and_holds_no_filters(path: str) -> None:
    """A token goes nowhere else; a filter within a path was once lost beside the others."""
    client, asked = silent()
    for ask in (client.rows, client.get, lambda path: client.act("POST", path)):
        with pytest.raises(UsageError, match="a path begins with one /"):
            ask(path)
    with pytest.raises(UsageError):
        ClientCall("GET", path)
    assert not asked


@pytest.mark.parametrize("url", ["", "desk", "http://", "https:///x", "http://desk?x=1",
                                 "http://a:b@desk", "http://desk#x", "http://desk:port",
                                 "http://de\x00sk"])  # fmt: skip
def test_an_address_that_is_none_is_refused(url: str) -> None:
    """When the client is made; a password in it was once sent in the token's place."""
    with pytest.raises(UsageError, match="address"):
        OpenbellClient(url, "t")


@pytest.mark.parametrize("wait", [-1, math.nan, math.inf, True, "5", None])
def test_a_wait_is_a_number_of_seconds(wait: Any) -> None:
    """Of the client and of its patience."""
    for make in (lambda: OpenbellClient("http://desk", "t", timeout_seconds=wait),
                 lambda: Patience(base_seconds=wait)):  # fmt: skip
        with pytest.raises(UsageError, match="is a number of seconds from"):
            make()
    with pytest.raises(UsageError, match="timeout_seconds"):
        OpenbellClient("http://desk", "t", timeout_seconds=0)


@pytest.mark.parametrize("retries", [-1, 1.5, True, None, math.nan])
def test_patience_is_a_whole_number_of_tries(retries: Any) -> None:
    """With -1 nothing was asked, and what was told was a fault of Python's."""
    with pytest.raises(UsageError, match="retries is a whole number from 0 on"):
        Patience(retries=retries)
    assert 0 <= Patience(retries=10_000).seconds(9_999, None) <= 30


@pytest.mark.parametrize("cik", [-1, 0, 1.5, 10**30, "x", "../1001", "%2e", "\x00"])
def test_what_a_desk_does_not_hold_is_its_own_refusal(desk: OpenbellClient, cik: Any) -> None:
    """One error of the tree, with a sentence."""
    for ask in (desk.facts, desk.filings, desk.filing, desk.symbol):
        with pytest.raises(OpenbellError) as told:
            ask(cik)
        assert told.value.message
        assert not isinstance(told.value, TransportError)
