"""The chain of who did what: every change of it is found, at its place."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from core.domain.access.audit import Act, AuditEntry, AuditHead, first_fault, following
from core.domain.access.principals import LOCAL

MUTATIONS = 10_000
AT = datetime(2026, 3, 2, 14, 30, tzinfo=UTC)
Mutation = Callable[[random.Random, list[AuditEntry], AuditHead], tuple[AuditHead, int]]


def chain(length: int, start: AuditHead = AuditHead(), word: str = "did") -> list[AuditEntry]:  # noqa: B008 - frozen
    """A whole chain."""
    made: list[AuditEntry] = []
    end = start
    for number in range(length):
        act = Act.of(AT + timedelta(seconds=number), LOCAL, word, "done", f"n={number}", "c1")
        made.append(following(act, end))
        end = end_of(made)
    return made


def end_of(entries: list[AuditEntry]) -> AuditHead:
    return AuditHead(entries[-1].number, entries[-1].hash)


def other(value: Any, rng: random.Random) -> Any:
    """Another value of the same kind."""
    if isinstance(value, datetime):
        return value + timedelta(microseconds=rng.choice((-1, 1, 10**6)))
    if isinstance(value, int):
        return value + rng.choice((-1, 1, 7))
    if value is None:
        return rng.choice(("", "x"))
    text = str(value)
    at = rng.randrange(len(text) + 1)
    return rng.choice((f"{text[:at]}~{text[at:]}", None if value else "y"))


def change_act(rng: random.Random, made: list[AuditEntry], head: AuditHead) -> tuple[Any, int]:
    """One value of one act."""
    place = rng.randrange(len(made))
    name = rng.choice([f.name for f in fields(Act) if f.name not in ("at",)])
    act = made[place].act
    made[place] = replace(made[place], act=replace(act, **{name: other(getattr(act, name), rng)}))
    return head, place + 1


def change_link(rng: random.Random, made: list[AuditEntry], head: AuditHead) -> tuple[Any, int]:
    """A number, an instant, a hash."""
    place = rng.randrange(len(made))
    name = rng.choice(("number", "previous_hash", "hash", "at"))
    if name == "at":
        act = made[place].act
        made[place] = replace(made[place], act=replace(act, at=other(act.at, rng)))
    else:
        value = getattr(made[place], name)
        made[place] = replace(made[place], **{name: other(value, rng)})
    return head, place + 1


def cut(rng: random.Random, made: list[AuditEntry], head: AuditHead) -> tuple[Any, int]:
    """Some entries in a row are gone: at the front, in between, at the end."""
    first = rng.randrange(len(made))
    del made[first : first + rng.randint(1, len(made) - first)]
    return head, first + 1


def swap(rng: random.Random, made: list[AuditEntry], head: AuditHead) -> tuple[Any, int]:
    """Two acts change places and keep their numbers."""
    one, two = sorted(rng.sample(range(len(made)), 2))
    made[one], made[two] = (
        replace(made[one], act=made[two].act),
        replace(made[two], act=made[one].act),
    )
    return head, one + 1


def reorder(rng: random.Random, made: list[AuditEntry], head: AuditHead) -> tuple[Any, int]:
    """Two whole entries change places."""
    one, two = sorted(rng.sample(range(len(made)), 2))
    made[one], made[two] = made[two], made[one]
    return head, one + 1


def insert(rng: random.Random, made: list[AuditEntry], head: AuditHead) -> tuple[Any, int]:
    """One that nobody did stands between."""
    place = rng.randrange(len(made) + 1)
    before = made[place - 1] if place else None
    end = AuditHead(before.number, before.hash) if before else AuditHead()
    made.insert(place, chain(1, end, "never")[0])
    return head, place + 1 if place == len(made) - 1 else place + 2


def change_head(rng: random.Random, made: list[AuditEntry], head: AuditHead) -> tuple[Any, int]:
    """What says where it ends says another place."""
    name = rng.choice(("number", "hash"))
    wrong = replace(head, **{name: other(getattr(head, name), rng)})
    return wrong, min(len(made), wrong.number) + (name == "number")


def rewrite(rng: random.Random, made: list[AuditEntry], head: AuditHead) -> tuple[Any, int]:
    """All from some place on is written anew, with sound hashes, and the end with it."""
    place = rng.randrange(len(made))
    start = end_of(made[:place]) if place else AuditHead()
    made[place:] = chain(len(made) - place, start, "never did")
    return end_of(made), len(made)


MUTATED: tuple[Mutation, ...] = (
    change_act, change_link, cut, swap, reorder, insert, change_head, rewrite,
)  # fmt: skip


def test_every_mutation_is_found_at_its_place() -> None:
    """10,000 of 10,000: changes, cuts, re-orders, insertions, and a chain written anew."""
    rng = random.Random(18)
    whole = {length: chain(length) for length in range(2, 9)}
    missed = []
    for number in range(MUTATIONS):
        made = list(whole[rng.randint(2, 8)])
        head = end_of(made)
        mutate = rng.choice(MUTATED)
        marks = [head] if mutate is rewrite else []
        mutated, place = mutate(rng, made, head)
        found = first_fault(made, mutated, marks)
        if found is None or found.entry != place:
            missed.append((number, mutate.__name__, place, found))
    assert missed == []


def test_a_whole_chain_has_no_fault() -> None:
    """Also the empty one, and one that goes on after its checkpoints."""
    made = chain(5)
    marks = [AuditHead(n, made[n - 1].hash) for n in (1, 3, 5)]
    assert first_fault(made, end_of(made), marks) is None
    assert first_fault([], AuditHead()) is None


def test_a_chain_that_ends_before_its_checkpoint_was_cut() -> None:
    """Even when its own word of the end was set back with it."""
    made = chain(5)
    found = first_fault(made[:3], end_of(made[:3]), [end_of(made)])
    assert found is not None
    assert (found.entry, found.fault) == (4, "entry 4 is missing: the chain ends at 3")
