"""The settings of alerts: where they go outside, how many at a time, and who may call in."""

from __future__ import annotations

import base64
import binascii
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import BaseModel, Field, SecretStr, field_validator

_NAMED = re.compile(r"(?:([a-z0-9][a-z0-9._-]{0,39})=)?([a-z0-9+]+://\S+)")
SECRET = "whsec_"  # noqa: S105 - how secrets of webhooks begin
LEAST_BYTES, MOST_BYTES = 24, 64


@dataclass(frozen=True, slots=True)
class NotifyAddress:
    """One place outside, by an own name or none, and the secrets that sign what is sent there."""

    name: str
    url: str
    secrets: tuple[bytes, ...] = ()


class AlertSettings(BaseModel):
    """Alerts, calls from outside, plugins."""

    notify: SecretStr | None = Field(
        None,
        description="where alerts go outside: addresses as apprise writes them (mailtos://…, "
        "slack://…), one a line, each with a name in front if you like (`ann=mailtos://…`)",
    )
    notify_webhooks: SecretStr | None = Field(
        None,
        description="webhooks that alerts go to, one a line: `[NAME=]URL SECRET [SECRET]`, each "
        "secret `whsec_` and base64; with two both sign, so that they can be changed in turn",
    )
    alert_budget: int = Field(
        12, ge=0, le=1000, description="alerts that a place outside is told one by one until noon "
        "in New York, and again after it; the rest comes in digests",
    )  # fmt: skip
    alert_digest_minutes: int = Field(
        30, ge=1, le=720, description="how often a digest comes when there is something in it"
    )
    brief_time: Annotated[str, Field(pattern=r"^(([01]\d|2[0-3]):[0-5]\d)?$")] = Field(
        "08:30",
        description="New York clock time on trading days of the brief that goes out by itself; "
        "empty for none",
    )
    webhook_secrets: SecretStr | None = Field(
        None,
        description="secrets of those who may call POST /api/v1/hooks/DATASET, one a line: "
        "`[DATASET=]whsec_…`; several count at a time, so that they can be changed in turn",
    )
    inbox: bool = Field(
        True, description="take files that are put into the folder `inbox` of the data folder"
    )
    plugins: bool = Field(True, description="use installed plugins (entry points `openbell`)")
    webhook_max_bytes: int = Field(
        65_536, ge=1024, le=2**20, description="largest body of a call from outside"
    )

    @field_validator("notify")
    @classmethod
    def _addresses(cls, value: SecretStr | None) -> SecretStr | None:
        for word in _words(value):
            if not _NAMED.fullmatch(word):
                raise ValueError("must be addresses like mailtos://…, each with NAME= in front")
        _once_each(addresses(value))
        return value

    @field_validator("notify_webhooks")
    @classmethod
    def _endpoints(cls, value: SecretStr | None) -> SecretStr | None:
        for address in endpoints(value):
            if not address.url.startswith(("http://", "https://")) or not address.secrets:
                raise ValueError("must be `URL whsec_…` in each line, with http(s) addresses")
            of_web(address.url)
        _once_each(endpoints(value))
        return value

    @field_validator("webhook_secrets")
    @classmethod
    def _secrets(cls, value: SecretStr | None) -> SecretStr | None:
        list(callers(value))
        return value


def addresses(value: SecretStr | None) -> list[NotifyAddress]:
    """The addresses of OPENBELL_NOTIFY."""
    found = (_NAMED.fullmatch(word) for word in _words(value))
    return [NotifyAddress(match[1] or "", match[2]) for match in found if match]


def endpoints(value: SecretStr | None) -> list[NotifyAddress]:
    """The webhooks of OPENBELL_NOTIFY_WEBHOOKS; ValueError for what is none."""
    made: list[NotifyAddress] = []
    for word in _words(value):
        match = _NAMED.fullmatch(word)
        if match:
            made.append(NotifyAddress(match[1] or "", match[2]))
        elif made:
            last = made.pop()
            made.append(NotifyAddress(last.name, last.url, (*last.secrets, key_of(word))))
        else:
            raise ValueError("must begin with the address of a webhook")
    return made


def callers(value: SecretStr | None) -> Iterator[tuple[str, bytes]]:
    """Dataset (empty: any) and key of each caller; ValueError for what is no secret."""
    for word in _words(value):
        dataset, _, secret = word.rpartition(f"={SECRET}")
        yield (dataset, key_of(SECRET + secret)) if dataset else ("", key_of(word))


def key_of(secret: str) -> bytes:
    """The key of a secret `whsec_` and base64 of 24 to 64 bytes; ValueError for anything else."""
    try:
        key = base64.b64decode(secret.removeprefix(SECRET), validate=True)
    except binascii.Error:
        key = b""
    if not secret.startswith(SECRET) or not LEAST_BYTES <= len(key) <= MOST_BYTES:
        raise ValueError(
            f"a secret is {SECRET} and the base64 of {LEAST_BYTES} to {MOST_BYTES} bytes"
        )
    return key


def of_web(url: str) -> None:
    """ValueError for an address whose host or port there is none of."""
    parts = urlsplit(url)
    if not parts.hostname or parts.port == 0:  # asking for a port above 65535 is a ValueError
        raise ValueError("must name a host, and a port from 1 to 65535 if any")


def _once_each(given: list[NotifyAddress]) -> None:
    """ValueError for a name that would stand for two places: only one of them would be told."""
    counts = Counter(address.name for address in given if address.name)
    twice = [name for name, count in counts.items() if count > 1]
    if twice:
        raise ValueError(f"has two places of the name {twice[0]!r}")


def _words(value: SecretStr | None) -> list[str]:
    return value.get_secret_value().split() if value else []
