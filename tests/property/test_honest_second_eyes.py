"""The honest other may approve: two people are two, also where both are called alike."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st

from core.domain.access.principals import Role
from core.service import current
from core.service.kernel import access
from core.service.trading import proposals
from core.service.trading.plans import Ask
from core.store import plans as plan_store
from tests import depth
from tests.property.test_four_eyes_walks import PROVIDER, walking

HONEST = (  # who proposes, who approves: two people, whatever they are called
    ("Jo the first", "Jo the second"), ("Jo the second", "laptop"), ("laptop", "Jo the second"),
    ("Jo the first", "desktop"), ("desktop", "Jo the first"), ("laptop", "desktop"),
    ("desktop", "laptop"), ("Ada", "Ben"), ("ada at the provider", "laptop"),
    ("Ada", "desktop"), ("Ben", "ada at the provider"),
)  # fmt: skip


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Where the desks are."""
    yield tmp_path_factory.mktemp("others")
    current.use(None)


@depth.cases(8, suppress_health_check=list(HealthCheck))
@given(
    pair=st.sampled_from(HONEST),
    name=st.sampled_from(["Jo Poe", "JO  POE", "laptop", "j2", "desktop", "Jo"]),
    renamed=st.booleans(),
)
def test_the_honest_other_approves(
    place: Path, pair: tuple[str, str], name: str, renamed: bool
) -> None:
    """Over the size, too, and when both are called alike, before or after."""
    with walking(place) as walk:
        if renamed:
            for way, subject in (("Jo the first", "j1"), ("Jo the second", "j2")):
                walk.known(way, walk.people[way].whose.pop(), PROVIDER, subject, name, Role.ADMIN)
        first, second = pair
        with access.acting(walk.acting[first]):
            plan_id = proposals.propose(walk.desk, Ask("AAA")).plan_id
        with access.acting(walk.acting[second]):
            assert proposals.approve(walk.desk, plan_id, "seen").state == plan_store.WAITING
