"""The rules of a reader, or of the desk: read, changed, put back to the defaults."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from core.domain.access.principals import Role
from core.domain.alerts.rules import DESK, AlertRule, defaults, fault
from core.errors import NotFoundError, UsageError
from core.observe.events import KINDS
from core.service.care import preferences
from core.service.kernel import access
from core.service.kernel.access import needs
from core.service.kernel.commands import command
from core.store import alerts as store

if TYPE_CHECKING:
    from core.service.desk import Desk

GROUPS = tuple(dict.fromkeys(kind.group for kind in KINDS.values()))
MOST = 50


def of(desk: Desk, *, of_desk: bool = False) -> tuple[AlertRule, ...]:
    """The rules of whoever reads, or of the desk; the defaults where none were changed."""
    who = _whose(desk, of_desk)
    return store.rules(desk.warehouse).get(who) or defaults(who)


def are_changed(desk: Desk, *, of_desk: bool = False) -> bool:
    """Whether somebody has changed them."""
    return _whose(desk, of_desk) in store.rules(desk.warehouse)


def _whose(desk: Desk, of_desk: bool) -> str:
    return DESK if of_desk else preferences.reader_now(desk)


@needs(Role.VIEWER)
def keep(desk: Desk, rules: Sequence[AlertRule], *, of_desk: bool = False) -> None:
    """Keep all rules of a reader; those of the desk are an admin's. UsageError says what is wrong.

    Without any the defaults count again.
    """
    if of_desk:
        access.require(desk, Role.ADMIN, "the alerts of the desk")
    for rule in rules:
        if wrong := fault(rule, (*KINDS, *GROUPS)):
            raise UsageError(f"{rule.name or 'a rule'}: {wrong}")
    if len(rules) > MOST:
        raise UsageError(f"there may be {MOST} rules at most")
    with desk.warehouse.transaction() as tx:
        store.put_rules(tx, _whose(desk, of_desk), rules, desk.now())


@command("alert_rules", needs=Role.VIEWER)
def alert_rules(desk: Desk, *, of_desk: bool = False) -> dict[str, Any]:
    """The rules by which a reader, or the desk, is told."""
    return {
        "of": DESK if of_desk else "me",
        "changed": are_changed(desk, of_desk=of_desk),
        "rules": [_document(rule) for rule in of(desk, of_desk=of_desk)],
    }


def _document(rule: AlertRule) -> dict[str, Any]:
    return {"id": rule.rule_id, **{k: v for k, v in asdict(rule).items() if k != "rule_id"}}


@command("alert_rule_set", needs=Role.VIEWER)
def alert_rule_set(
    desk: Desk,
    *,
    name: str,
    rule: str | None = None,
    kinds: list[str] | None = None,
    subject: str = "",
    severity: str = "info",
    quiet: str = "",
    sinks: list[str] | None = None,
    enabled: bool = True,
    of_desk: bool = False,
) -> dict[str, Any]:
    """Add a rule, or change the one of that id."""
    made = AlertRule(
        rule or secrets.token_hex(4),
        name.strip(),
        tuple(kinds or ()),
        subject,
        severity,
        quiet,
        tuple(sinks or ("bell",)),
        enabled,
    )
    kept = list(of(desk, of_desk=of_desk))
    places = [place for place, item in enumerate(kept) if item.rule_id == made.rule_id]
    if rule is not None and not places:
        raise NotFoundError(f"there is no rule {rule!r}", hint="see: notify rules")
    kept = [made if item.rule_id == made.rule_id else item for item in kept]
    keep(desk, kept if places else [*kept, made], of_desk=of_desk)
    return _document(made)


@command("alert_rule_remove", needs=Role.VIEWER)
def alert_rule_remove(
    desk: Desk, *, rule: str | None = None, of_desk: bool = False
) -> dict[str, Any]:
    """Take a rule away, or without one put the defaults back."""
    kept = of(desk, of_desk=of_desk)
    left = [item for item in kept if item.rule_id != rule] if rule else []
    if rule and len(left) == len(kept):
        raise NotFoundError(f"there is no rule {rule!r}", hint="see: notify rules")
    if rule and not left:
        raise UsageError("the last rule cannot go", hint="switch it off, or put the defaults back")
    keep(desk, left, of_desk=of_desk)
    return alert_rules(desk, of_desk=of_desk)
