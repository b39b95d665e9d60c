"""Whose word is taken for where a request comes from."""

from __future__ import annotations

import pytest

from app.doors import credentials

FROM = {"x-forwarded-for": "1.2.3.4", "x-forwarded-proto": "https"}


@pytest.mark.parametrize(
    ("peer", "given", "expected"),
    [
        ("10.0.0.7", FROM, ("10.0.0.7", False)),
        ("127.0.0.1", FROM, ("1.2.3.4", True)),
        ("127.0.0.1", {"x-forwarded-for": "6.6.6.6, 1.2.3.4"}, ("1.2.3.4", False)),
        ("127.0.0.1", {"x-forwarded-for": "1.2.3.4, 192.168.0.9"}, ("1.2.3.4", False)),
        ("127.0.0.1", {"x-forwarded-for": "1.2.3.4, junk"}, ("127.0.0.1", False)),
        ("127.0.0.1", {}, ("127.0.0.1", False)),
    ],
)
def test_listed_proxies_alone_are_believed(
    peer: str, given: dict[str, str], expected: tuple[str, bool]
) -> None:
    """Of the addresses that they name, the last that is not one of theirs."""
    headers = [(k.encode(), v.encode()) for k, v in given.items()]
    scope = {"client": (peer, 1), "scheme": "http", "headers": headers}
    assert credentials.believed(scope, ("127.0.0.1", "192.168.0.0/24")) == expected


def test_a_line_that_a_proxy_adds_stands_after_those_of_the_caller() -> None:
    """haproxy adds one of its own: whoever sends one is not counted as the proxy."""
    lines = [(b"x-forwarded-for", b"6.6.6.6"), (b"x-forwarded-for", b"1.2.3.4")]
    scope = {"client": ("127.0.0.1", 1), "headers": lines}
    assert credentials.believed(scope, ("127.0.0.1",)) == ("1.2.3.4", False)
