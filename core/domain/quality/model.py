"""Rules, items and styles as data: what the TOML files of this folder say, checked and frozen."""

from __future__ import annotations

import hashlib
import re
import tomllib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from importlib import resources
from typing import Any

from core.domain import code
from core.errors import SchemaError

WEIGHTS: Mapping[str, int] = {"critical": 10, "major": 5, "minor": 2, "info": 0}
TERM = re.compile(r"([+-]?)\s*(\[?)([A-Za-z]+)(\]?)")


@dataclass(frozen=True, slots=True)
class Term:
    """One operand of an equation: its item, its sign, and whether it may be missing."""

    item: str
    sign: int
    optional: bool


@dataclass(frozen=True, slots=True)
class Equation:
    """`whole = terms`; evaluable where the whole and every term that is not optional is there."""

    whole: str
    terms: tuple[Term, ...]
    text: str
    items: tuple[str, ...] = field(init=False, compare=False)  # all operands, the whole first
    needed: frozenset[str] = field(init=False, compare=False)  # those that may not be missing

    def __post_init__(self) -> None:
        object.__setattr__(self, "items", (self.whole, *(term.item for term in self.terms)))
        needed = frozenset((self.whole, *(t.item for t in self.terms if not t.optional)))
        object.__setattr__(self, "needed", needed)


@dataclass(frozen=True, slots=True)
class Item:
    """A standard item: the tags that may carry it, in order, and how it behaves."""

    name: str
    tags: tuple[str, ...]
    ifrs: tuple[str, ...]
    dei: tuple[str, ...]
    kind: str
    unit: str
    flags: frozenset[str]
    agrees: tuple[Equation, ...] = ()  # what the right one of several tags adds up with
    covers: tuple[str, ...] = ()  # items that it cannot be less than
    figure: str = ""  # the headline figure that it stands for, if any
    instead: tuple[str, ...] = ()  # items that a filer may give in its place
    stands: tuple[str, ...] = ()  # those whose value is taken for it where it is not told
    otherwise: tuple[str, ...] = ()  # and where a filing tells none of these either
    unless: tuple[str, ...] = ()  # and no amount of any of those
    proved: tuple[str, ...] = ()  # those of `otherwise` taken only where `agrees` gives them
    parts: tuple[str, ...] = ()  # tags not taken where what it must cover and its cost are more


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule; where it is evaluated is said by `kind`, how by equations, orders or a function."""

    id: str
    title: str
    severity: str
    tolerance: str
    group: str
    kind: str
    formula: str
    style: str
    related: tuple[str, ...]
    equations: tuple[Equation, ...]
    also: tuple[Equation, ...]
    orders: tuple[tuple[str, str], ...]
    unseen_pct: float
    held_for_sale_pct: float
    between: str  # of which names one other line of the period may make up for a departure
    several: str  # of which names several lines together may
    consolidated_pct: float  # what entities consolidated may hold of it, where the filing tells any
    habit: bool  # whether filers that break it again and again are let off
    own_lines: bool  # whether a line under a name of the filer's own may make it hold
    no_quarterly_data: bool  # whether quarters in annual reports are not judged
    cap: float  # the highest score of a filing that fails it
    note: str  # true examples, of a rule that fires often

    @property
    def operands(self) -> frozenset[str]:
        """The items of the main equations."""
        return frozenset(name for form in self.equations for name in form.items)

    @property
    def weight(self) -> int:
        """Points of the score."""
        return WEIGHTS[self.severity]


@dataclass(frozen=True, slots=True)
class Style:
    """A kind of filer: its SIC ranges, what it must report, which rules it is expected to allow."""

    name: str
    sic: tuple[tuple[int, int], ...]
    require: tuple[tuple[str, ...], ...]
    expect: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Ruleset:
    """Everything that decides a grade, with the hash that names it.

    One is equal to itself alone, so that what is made of it can be kept for the next time.
    """

    version: str
    digest: str
    rules: Mapping[str, Rule]
    items: Mapping[str, Item]
    styles: tuple[Style, ...]
    deadlines: Mapping[str, Any]
    retired: Mapping[str, int]
    caps: Mapping[str, tuple[float, ...]]  # severity -> highest score with 1, 2 … failures
    doubtful: tuple[float, ...]  # highest score with a headline figure that 1, 2 … rules doubt
    missing: float  # highest score without a headline figure
    imputations: tuple[tuple[str, Equation], ...] = field(default=())

    @property
    def id(self) -> str:
        """`version+hash`: two rule sets that differ anywhere have different ids."""
        return f"{self.version}+{self.digest[:8]}"

    def flagged(self, flag: str) -> list[str]:
        """Names of the items that carry a flag."""
        return [name for name, item in self.items.items() if flag in item.flags]

    def limited(self, names: Collection[str], also: Collection[str] = ()) -> Ruleset:
        """Some of the rules with the items that their equations and orders name, and `also`."""
        rules = {name: rule for name, rule in self.rules.items() if name in names}
        forms = [form for rule in rules.values() for form in (*rule.equations, *rule.also)]
        forms += [form for _, form in self.imputations]
        named = {item for form in forms for item in form.items} | set(also) | set(ALWAYS)
        named |= {item for rule in rules.values() for pair in rule.orders for item in pair}
        items = {name: item for name, item in self.items.items() if name in named}
        return replace(self, rules=rules, items=items)


# these stand at both ends of a flow's period too
CASH = (
    "Cash", "CashRestricted", "CashWithSold", "CashHeldForSale",
    "CashWithFunds", "DepositsInBanks", "FundsSold",
)  # fmt: skip
ALWAYS = (*CASH, "EquityAll", "EquityParent")  # what a book derives others from


def parse_equation(text: str) -> Equation:
    """`A = B + [C] - D` as data; SchemaError where it cannot be read."""
    whole, _, right = text.partition("=")
    terms = tuple(
        Term(name, -1 if sign == "-" else 1, bool(bracket))
        for sign, bracket, name, _ in TERM.findall(right)
    )
    if not whole.strip() or not terms:
        raise SchemaError(f"not an equation: {text}", where="rules.toml")
    return Equation(whole.strip(), terms, text)


@cache
def default_ruleset() -> Ruleset:
    """The rule set shipped with Openbell."""
    folder = resources.files(PACKAGE)
    texts = [folder.joinpath(f"{name}.toml").read_text("utf-8") for name in FILES]
    concepts, rules, styles = texts
    found = read_ruleset(concepts, rules, styles, _EXTRA)
    # what judges is part of what decides: a rule mended in its code alone judges anew, too
    whole = hashlib.sha256(f"{found.digest}\0{code.digest(PACKAGE)}".encode()).hexdigest()
    return replace(found, digest=whole)


PACKAGE = "core.domain.quality"
FILES = ("concepts", "rules", "styles")
OWN = "X"  # how the ids of rules begin that others bring
_EXTRA: list[str] = []


def extend(texts: Sequence[str]) -> None:
    """Let the rule set have rules of others, too, from now on; each text passes `check_extra`."""
    _EXTRA.extend(texts)
    default_ruleset.cache_clear()


def check_extra(text: str) -> None:
    """SchemaError (or what TOML and tables raise) when rules of others cannot be used."""
    known = default_ruleset()
    for name, body in tomllib.loads(text)["rules"].items():
        rule = _rule(name, body)
        if not name.startswith(OWN) or name in known.rules:
            raise SchemaError(f"{name}: ids of rules of others begin with {OWN} and are new")
        forms = [*rule.equations, *rule.also]
        named = {item for form in forms for item in form.items}
        named |= {item for pair in rule.orders for item in pair}
        if not named or named - set(known.items):
            unknown = ", ".join(sorted(named - set(known.items))) or "nothing"
            raise SchemaError(f"{name}: needs equations or orders of known items, not {unknown}")
        for word in ("tolerance", "group", "kind", "style"):
            words = {getattr(other, word) for other in known.rules.values()}
            if getattr(rule, word) not in words:
                raise SchemaError(f"{name}: {word} must be one of {', '.join(sorted(words))}")


def read_ruleset(concepts: str, rules: str, styles: str, extra: Sequence[str] = ()) -> Ruleset:
    """A rule set from the texts of its three files, and of rules of others."""
    items, book, kinds = (tomllib.loads(text) for text in (concepts, rules, styles))
    digest = hashlib.sha256("\0".join((concepts, rules, styles, *extra)).encode()).hexdigest()
    others = [pair for text in extra for pair in tomllib.loads(text)["rules"].items()]
    return Ruleset(
        version=book["version"],
        digest=digest,
        rules={name: _rule(name, body) for name, body in (*book["rules"].items(), *others)},
        items={name: _item(name, body) for name, body in items["items"].items()},
        styles=tuple(_style(name, body) for name, body in kinds["styles"].items()),
        deadlines=kinds["deadlines"],
        retired=kinds["retired"],
        caps={name: tuple(float(n) for n in caps) for name, caps in book["caps"].items()},
        doubtful=tuple(float(n) for n in book["doubtful"]["caps"]),
        missing=float(book["doubtful"]["missing"]),
        imputations=tuple(
            (entry["rule"], parse_equation(entry["formula"])) for entry in book.get("impute", ())
        ),
    )


def _rule(name: str, body: Mapping[str, Any]) -> Rule:
    equations, also = (
        tuple(parse_equation(text) for text in body.get(key, ())) for key in ("equations", "also")
    )
    pairs = [text.split("<=") for text in body.get("orders", ())]
    orders = tuple((part.strip(), whole.strip()) for part, whole in pairs)
    spoken = " or ".join(body.get("equations", ())) or "; ".join(body.get("orders", ()))
    if body["severity"] not in WEIGHTS:
        raise SchemaError(f"{name}: unknown severity {body['severity']}", where="rules.toml")
    return Rule(
        id=name, title=body["title"], severity=body["severity"], tolerance=body["tolerance"],
        group=body["group"], kind=body["kind"], formula=body.get("formula", spoken),
        style=body.get("style", ""), related=tuple(body.get("related", ())),
        equations=equations, also=also, orders=orders,
        unseen_pct=float(body.get("unseen_pct", 0)),
        held_for_sale_pct=float(body.get("held_for_sale_pct", 0)),
        between=body.get("between", ""), several=body.get("several", ""),
        consolidated_pct=float(body.get("consolidated_pct", 0)),
        habit=bool(body.get("habit", False)),
        own_lines=bool(body.get("own_lines", False)),
        no_quarterly_data=bool(body.get("no_quarterly_data", False)),
        cap=float(body.get("cap", 100)), note=body.get("note", ""),
    )  # fmt: skip


def _item(name: str, body: Mapping[str, Any]) -> Item:
    return Item(
        name=name, tags=tuple(body.get("tags", ())), ifrs=tuple(body.get("ifrs", ())),
        dei=tuple(body.get("dei", ())), kind=body["kind"], unit=body.get("unit", "money"),
        flags=frozenset(body.get("flags", ())),
        agrees=tuple(parse_equation(f"{name} = {text}") for text in body.get("agrees", ())),
        covers=tuple(body.get("covers", ())), figure=body.get("figure", ""),
        instead=tuple(body.get("instead", ())), stands=tuple(body.get("stands", ())),
        otherwise=tuple(body.get("otherwise", ())), unless=tuple(body.get("unless", ())),
        proved=tuple(body.get("proved", ())), parts=tuple(body.get("parts", ())),
    )  # fmt: skip


def _style(name: str, body: Mapping[str, Any]) -> Style:
    return Style(
        name=name,
        sic=tuple((low, high) for low, high in body["sic"]),
        require=tuple(tuple(text.split("|")) for text in body["require"]),
        expect=tuple(body["expect"]),
    )
