"""Small changes that could be planted in a module: each is one mistake somebody might make.

    compare    < and <=, > and >=, == and !=, is and is not, in and not in
    logic      and and or, a `not` too few
    number     a number one too large, a switch the other way round
    sum        + and -, * and /
    statement  a call, a raise or an assignment left out
    guard      a lock, a deadline, a transaction, a rollback, an fsync or a `finally` left out

A change keeps the module's other lines as they are. What a log line says, types and documentation
are left alone; so is what only looks, as heights and spacings: pictures are for people to judge.
"""

from __future__ import annotations

import ast
import re
import textwrap
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

_COMPARE: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
}
_SUM: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
}
_GUARDS = re.compile(r"lock|timeout\(|transaction\(|\bstill\(|shield|_mapped|guard|gate", re.I)
_GUARD_CALLS = re.compile(r"rollback|fsync|\bsync\(|flush|abort|release|cancel|ROLLBACK|COMMIT")
_LOGS = re.compile(r"^(log|logger|metrics|warnings)\.")
_INERT_KEYWORDS = {"frozen", "slots", "kw_only", "strict", "stacklevel", "daemon", "check"}
_LOOKS = {
    "height", "width", "size", "opacity", "margin", "vertical_spacing", "horizontal_spacing",
    "nticks", "tickangle", "textangle", "line_width", "bargap", "xgap", "ygap", "xshift", "yshift",
    "min_column_width", "borderpad", "dragmode", "row_heights", "column_widths",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Mutation:
    """One change: `start` to `end` (offsets in the module's text) become `text`.

    `ran` is the line that runs when it does: where its statement begins, or for the default of an
    argument the first line of the function.
    """

    path: str
    line: int
    kind: str
    was: str
    became: str
    start: int
    end: int
    text: str
    ran: int = 0

    def planted(self, source: str) -> str:
        """The module's text with the change in it."""
        return source[: self.start] + self.text + source[self.end :]

    def __str__(self) -> str:
        return f"{self.path}:{self.line} {self.kind}: {self.was} -> {self.became}"


def mutations(source: str, path: str) -> list[Mutation]:
    """Every change that can be planted in a module's text, in the order of its lines."""
    found = _Finder(source, path)
    found.visit(ast.parse(source))
    return sorted(found.mutations, key=lambda m: (m.start, m.kind, m.text))


class _Finder(ast.NodeVisitor):
    """Walks a module; what stands for types, logs and documentation is passed over."""

    def __init__(self, source: str, path: str) -> None:
        self.mutations: list[Mutation] = []
        self._source = source
        self._path = path
        self._ran = 0
        self._lines = [0]
        for line in source.splitlines(keepends=True):
            self._lines.append(self._lines[-1] + len(line))

    def visit(self, node: ast.AST) -> None:
        """Its changes, then those of its parts."""
        if isinstance(node, ast.Assert) or _is_typing(node):
            return
        if isinstance(node, ast.stmt):
            self._ran = node.lineno
            self._of_statement(node)
        elif isinstance(node, ast.expr):
            self._of_expression(node)
        ran = self._ran
        for part in _parts(node):
            self._ran = _first_line(node) if isinstance(part, ast.arguments) else ran
            self.visit(part)

    def _of_statement(self, node: ast.stmt) -> None:
        if isinstance(node, ast.With | ast.AsyncWith):
            for place, item in enumerate(node.items):
                if item.optional_vars is None and _GUARDS.search(ast.unparse(item)):
                    self._add(node, "guard", _without_item(node, place), ast.unparse(item), "")
        elif isinstance(node, ast.Try) and node.finalbody:
            self._add(node, "guard", _without_end(node), "finally", "")
        elif _may_go(node):
            text = ast.unparse(node)
            kind = "guard" if _GUARD_CALLS.search(text) else "statement"
            self._add(node, kind, ast.Pass(), _short(text), "pass")

    def _of_expression(self, node: ast.expr) -> None:
        for kind, fresh in _changed(node):
            was, became = _short(ast.unparse(node)), _short(ast.unparse(fresh))
            self._add(node, kind, fresh, was, became)

    def _add(
        self, node: ast.stmt | ast.expr, kind: str, fresh: ast.AST, was: str, became: str
    ) -> None:
        assert node.end_lineno is not None
        assert node.end_col_offset is not None
        start = self._offset(node.lineno, node.col_offset)
        end = self._offset(node.end_lineno, node.end_col_offset)
        text = ast.unparse(ast.fix_missing_locations(fresh))
        if isinstance(node, ast.stmt):
            text = textwrap.indent(text, " " * node.col_offset).lstrip()
        else:
            text = f"({text})" if isinstance(fresh, ast.BoolOp | ast.BinOp | ast.Compare) else text
        place = (self._path, node.lineno, kind, was, became or "left out")
        self.mutations.append(Mutation(*place, start, end, text, self._ran))

    def _offset(self, line: int, column: int) -> int:
        begin = self._lines[line - 1]
        text = self._source[begin : self._lines[line]]
        return begin + len(text.encode()[:column].decode())  # the tree counts bytes


def _changed(node: ast.expr) -> Iterator[tuple[str, ast.expr]]:
    """What an expression could be by mistake, with the kind of the mistake."""
    if isinstance(node, ast.Compare) and len(node.ops) == 1:
        fresh = _COMPARE[type(node.ops[0])]()
        yield "compare", ast.Compare(node.left, [fresh], node.comparators)
    elif isinstance(node, ast.BoolOp):
        other: ast.boolop = ast.Or() if isinstance(node.op, ast.And) else ast.And()
        yield "logic", ast.BoolOp(other, node.values)
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        yield "logic", node.operand
    elif isinstance(node, ast.BinOp) and type(node.op) in _SUM and not _of_text(node):
        yield "sum", ast.BinOp(node.left, _SUM[type(node.op)](), node.right)
    elif isinstance(node, ast.Constant) and isinstance(node.value, int | float):
        value = not node.value if isinstance(node.value, bool) else node.value + 1
        yield "number", ast.Constant(value)


def _of_text(node: ast.BinOp) -> bool:
    """Whether a sum is one of texts, lists or paths, where the other operator is no mistake."""
    parts = (node.left, node.right)
    return any(
        isinstance(part, ast.JoinedStr | ast.List | ast.Tuple | ast.ListComp)
        or (isinstance(part, ast.Constant) and isinstance(part.value, str | bytes))
        or (isinstance(part, ast.BinOp) and _of_text(part))
        for part in parts
    )


def _may_go(node: ast.stmt) -> bool:
    """Whether a statement can be left out and leave a module that can be run."""
    if isinstance(node, ast.Raise | ast.AugAssign | ast.Delete):
        return True
    if isinstance(node, ast.Assign):
        return all(isinstance(target, ast.Attribute | ast.Subscript) for target in node.targets)
    if not isinstance(node, ast.Expr):
        return False
    value = node.value.value if isinstance(node.value, ast.Await) else node.value
    return isinstance(value, ast.Call) and not _LOGS.match(ast.unparse(value))


def _without_item(node: ast.With | ast.AsyncWith, place: int) -> ast.stmt:
    left = [item for at, item in enumerate(node.items) if at != place]
    if left:
        return type(node)(items=left, body=node.body)
    return ast.If(test=ast.Constant(True), body=node.body, orelse=[])


def _without_end(node: ast.Try) -> ast.stmt:
    if node.handlers:
        return ast.Try(node.body, node.handlers, node.orelse, [])
    return ast.If(test=ast.Constant(True), body=node.body, orelse=[])


def _parts(node: ast.AST) -> Iterable[ast.AST]:
    """The parts of a node that are run: no types, decorators, log lines, pieces of an f-string."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        return [node.args, *node.body]
    if isinstance(node, ast.ClassDef):
        return node.body
    if isinstance(node, ast.AnnAssign):
        return [node.value] if node.value else []
    if isinstance(node, ast.Dict):
        pairs = zip(node.keys, node.values, strict=True)
        return [value for key, value in pairs if not _is_look(key)]
    return [] if _is_inert(node) else ast.iter_child_nodes(node)


def _first_line(function: ast.AST) -> int:
    """The first line of a function's body that does something."""
    assert isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
    if isinstance(function, ast.Lambda):
        return function.lineno
    body = function.body[1:] if ast.get_docstring(function) else function.body
    return (body or function.body)[0].lineno


def _is_inert(node: ast.AST) -> bool:
    if isinstance(node, ast.keyword):
        return node.arg in _INERT_KEYWORDS | _LOOKS
    if isinstance(node, ast.Call):
        return _LOGS.match(ast.unparse(node.func)) is not None
    return isinstance(node, ast.arg | ast.JoinedStr)


def _is_look(key: ast.expr | None) -> bool:
    return isinstance(key, ast.Constant) and key.value in _LOOKS


def _is_typing(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"


def _short(text: str) -> str:
    return textwrap.shorten(text, 90, placeholder=" …")
