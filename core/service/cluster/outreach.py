"""Whether an engine reaches what leading needs beside PostgreSQL: Redis, and S3 if it is used."""

from __future__ import annotations

import socket
from collections.abc import Callable
from urllib.parse import urlsplit

from core.addresses import LakeAddress
from core.errors import StoreError
from core.redis_place import RedisPlace
from core.settings import Settings

PATIENCE_SECONDS = 1.0


class Outreach:
    """Call it to look: StoreError when something is out of reach."""

    def __init__(self, settings: Settings) -> None:
        """Of the settings of an engine, which name a lake and a Redis."""
        assert settings.lake is not None
        self._queue = RedisPlace(settings.redis_url)
        self._looks: list[Callable[[], None]] = [self._redis]
        if settings.lake.storage is not None:
            host, port = s3_server(settings.lake)
            self._looks.append(lambda: _must_listen(host, port))

    def __call__(self) -> None:
        """Look at each; returns within seconds."""
        for look in self._looks:
            look()

    def close(self) -> None:
        """Let go of the connections."""
        self._queue.close()

    def _redis(self) -> None:
        with self._queue.using() as client:
            client.ping()


def s3_server(lake: LakeAddress) -> tuple[str, int]:
    """Host and port of the server that keeps the tables of a lake in S3."""
    assert lake.storage is not None
    given = urlsplit(lake.storage.endpoint)
    if given.hostname:
        return given.hostname, given.port or (80 if given.scheme == "http" else 443)
    bucket, region = urlsplit(lake.data).netloc, lake.storage.region or "us-east-1"
    return f"{bucket}.s3.{region}.amazonaws.com", 443


def _must_listen(host: str, port: int) -> None:
    try:
        socket.create_connection((host, port), PATIENCE_SECONDS).close()
    except OSError as error:
        raise StoreError(f"S3 does not answer: {error}", where=f"{host}:{port}") from error
