"""The world's limits, for all that work together: in Redis where their jobs are, else in files."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from core.settings import Settings
from core.sources.breaker_file import BreakerFile
from core.sources.sec.limit import BLOCK_FILE, Block, Limiter, host_of, shared_limiter
from core.sources.turns import OwnTurns, Turns
from core.sources.upstreams import Breakers


@dataclass(frozen=True, slots=True)
class SharedLimits:
    """The world's limits, which count for all who share a queue: of this process, or in Redis."""

    breakers: Breakers
    block: Block
    limiter: Limiter
    turns: Turns
    close: Callable[[], None] = lambda: None


def build_limits(settings: Settings) -> SharedLimits:
    """In Redis where the jobs are there, else in the data folder and this process."""
    block_file = settings.data_dir / BLOCK_FILE
    per_second = settings.sec_requests_per_second
    own = shared_limiter(per_second, host_of(settings.sec_data_url))
    if not settings.redis_url:
        breakers = BreakerFile(settings.data_dir / "upstreams.json")
        return SharedLimits(breakers, Block(block_file), own, OwnTurns())
    from core.redis_place import RedisPlace  # a second of imports that few need
    from core.sources.redis_breakers import RedisBlock, RedisBreakers
    from core.sources.redis_turns import RedisTurns, SharedLimiter

    place = RedisPlace(settings.redis_url)
    return SharedLimits(
        RedisBreakers(place),
        RedisBlock(place, block_file),
        SharedLimiter(own, place),
        RedisTurns(place),
        place.close,
    )
