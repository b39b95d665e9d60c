"""Addresses: of store and queue, a file's or that of a lake or a Redis; and of this machine."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qs, urlsplit, urlunsplit

from core.errors import SettingsError
from core.setting_files import PREFIX

LAKE = "ducklake:"


def web_address(value: str) -> str:
    """An address that begins with http:// or https:// and ends with its path, without the last /.

    ValueError when it is none, or names no host or no port that there is.
    """
    if not value.startswith(("http://", "https://")):
        raise ValueError("must begin with http:// or https://")
    if not value.isprintable() or " " in value:
        raise ValueError("must not hold spaces or control characters")
    parts = urlsplit(value)
    if not parts.hostname or parts.port == 0:  # asking for a port above 65535 is a ValueError
        raise ValueError("must name a host, and a port from 1 to 65535 if any")
    if parts.query or parts.fragment:
        raise ValueError("must end with its path: no ? and no #")
    return value.rstrip("/")


def file_of(url: str, scheme: str, default: Path, name: str = "") -> Path:
    """The file of `SCHEME:///PATH`, `default` when there is no address; else SettingsError.

    `name` is what the address was given as, where that is not the setting.
    """
    if not url:
        return default
    prefix = f"{scheme}:///"
    name = name or f"{PREFIX}{'STORE' if scheme == 'duckdb' else 'QUEUE'}_URL"
    if not url.startswith(prefix):
        raise SettingsError(f"{name} must begin with {prefix}")
    path = url.removeprefix(prefix)
    if not path.strip("/") or not path.isprintable() or path.startswith(":"):
        raise SettingsError(f"{name} must name a file after {prefix}")
    return Path(path).expanduser().absolute()


def redis_of(url: str) -> str:
    """An address of Redis as it is, empty when it is none; SettingsError when it is malformed."""
    if not url.startswith(("redis:", "rediss:")):
        return ""
    try:
        parts = urlsplit(url)
        good = bool(parts.hostname) and not parts.fragment and parts.port != 0
        good = good and re.fullmatch(r"(/\d*)?", parts.path) is not None
    except ValueError:
        good = False
    if not good:
        raise SettingsError(f"{PREFIX}QUEUE_URL must be redis://HOST:PORT/DB?prefix=NAME")
    return url


@dataclass(frozen=True, slots=True)
class Storage:
    """How S3 is reached: an endpoint of one's own (http:// or https://), region, and keys."""

    endpoint: str = ""
    region: str = ""
    key_id: str = ""
    secret: str = field(default="", repr=False)


class LakeAddress:
    """`ducklake:postgresql://USER:PASSWORD@HOST:PORT/DATABASE?data=FOLDER`, or `data=s3://…`.

    With `&snapshot=N` the lake as it was after that commit, to be read alone.
    """

    def __init__(self, url: str, storage: Storage | None = None, name: str = "") -> None:
        """SettingsError when the address is none of a DuckLake; `name` as in `file_of`."""
        try:
            parts = urlsplit(url.removeprefix(LAKE))
            asked = parse_qs(parts.query)
            data = asked.pop("data", [""])[-1].rstrip("/")
            named = parts.scheme in ("postgresql", "postgres") and bool(parts.path.strip("/"))
            snapshot = asked.pop("snapshot", [""])[-1]
            in_bucket = urlsplit(data).scheme == "s3" and bool(urlsplit(data).netloc)
            placed = in_bucket or Path(data).is_absolute()
            named = named and re.fullmatch(r"\d{0,18}", snapshot) is not None
            good = url.startswith(LAKE) and named and not asked and placed and parts.port != 0
        except ValueError:  # brackets without end, a port above 65535
            good = False
        if not good:
            raise SettingsError(
                f"{name or f'{PREFIX}STORE_URL'} must be, for a store in DuckLake, "
                "ducklake:postgresql://HOST:PORT/DATABASE?data=FOLDER (or data=s3://BUCKET/PREFIX)"
            )
        self.catalogue = urlunsplit(parts._replace(query=""))
        self.data = data
        self.snapshot = int(snapshot) if snapshot else None
        self.storage = (storage or Storage()) if in_bucket else None
        self.where = f"{LAKE}postgresql://{parts.hostname}:{parts.port or 5432}{parts.path}"


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach what listens on that host."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"
