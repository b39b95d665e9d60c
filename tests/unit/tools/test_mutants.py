"""The sampler of small changes: what it plants, what it leaves alone, and what it tells."""

from __future__ import annotations

import ast
import textwrap
from pathlib import Path

import pytest
from coverage import CoverageData

from tools import mutants
from tools.mutants import Coverage, Result
from tools.mutations import Mutation, mutations


def planted(source: str) -> set[tuple[str, str]]:
    """Kind and whole text of each change of a module."""
    text = textwrap.dedent(source)
    return {(m.kind, ast.unparse(ast.parse(m.planted(text)))) for m in mutations(text, "m.py")}


@pytest.mark.parametrize(
    ("source", "kind", "became"),
    [
        ("x = a < b", "compare", "x = a <= b"),
        ("x = a in b", "compare", "x = a not in b"),
        ("x = a is None", "compare", "x = a is not None"),
        ("x = a and b", "logic", "x = a or b"),
        ("x = not a", "logic", "x = a"),
        ("x = f(3)", "number", "x = f(4)"),
        ("x = f(flag=True)", "number", "x = f(flag=False)"),
        ("x = a - b", "sum", "x = a + b"),
        ("x = 2 * (a + b)", "sum", "x = 2 * (a - b)"),
        ("f(x)", "statement", "pass"),
        ("a.b = c", "statement", "pass"),
        ("n += k", "statement", "pass"),
        ("if a:\n    raise E", "statement", "if a:\n    pass"),
        ("with self._lock:\n    x = y", "guard", "if True:\n    x = y"),
        ("with lock, open(p) as f:\n    x = y", "guard", "with open(p) as f:\n    x = y"),
        ("try:\n    x = y\nfinally:\n    z()", "guard", "if True:\n    x = y"),
        ("os.fsync(f)", "guard", "pass"),
        ("async def f():\n    await rollback(c)", "guard", "async def f():\n    pass"),
    ],
)
def test_each_kind_of_mistake_is_planted(source: str, kind: str, became: str) -> None:
    """As somebody might make it, and the rest of the module as it was."""
    assert (kind, became) in planted(source)


@pytest.mark.parametrize(
    "source",
    [
        '"""Words 1 < 2."""',
        "def f(a: Literal[1]) -> Annotated[int, 2]: ...",
        "@cache(maxsize=1)\ndef f(): ...",
        "log.warning('x', n=1 + k)",
        "assert a < b",
        "if TYPE_CHECKING:\n    x = 1",
        "x = 'a' + b",
        "x: Final[1]",
        "x = f'{a + 1}'",
        "with self.transaction() as tx:\n    x = y",
        "x = f(height=40 * rows, line={'width': 2})",
    ],
)
def test_what_is_no_code_is_left_alone(source: str) -> None:
    """Types, decorators, log lines, documentation; and what would only be a name too few."""
    assert planted(source) == set()


def test_a_change_stands_where_its_bytes_are() -> None:
    """Letters of more than one byte before it do not move it."""
    source = "é = 'ü' ; x = a < b\n"
    (change,) = [m for m in mutations(source, "m.py") if m.kind == "compare"]
    assert change.planted(source) == "é = 'ü' ; x = (a <= b)\n"


def test_a_change_runs_where_its_statement_begins() -> None:
    """A later line of a statement, and the default of an argument, are run by other lines."""
    source = 'def f(a=1):\n    """Doc."""\n    return g(\n        a,\n        2 < 3,\n    )\n'
    found = {(m.was, m.line, m.ran) for m in mutations(source, "m.py")}
    assert found == {("1", 1, 3), ("2", 5, 3), ("3", 5, 3), ("2 < 3", 5, 3)}


def test_all_changes_of_this_project_can_be_parsed() -> None:
    """A sample of each kind; the same for the same seed, another for another."""
    every = mutants.all_mutations(mutants.ROOT, ["core/store", "core/jobs"])
    drawn = mutants.draw(every, 120, 1)
    assert drawn == mutants.draw(every, 120, 1) != mutants.draw(every, 120, 2)
    kinds = [m.kind for m in drawn]
    assert {kinds.count(kind) for kind in set(kinds)} == {20}
    for change in drawn:
        ast.parse(change.planted((mutants.ROOT / change.path).read_text("utf-8")))


def test_the_tests_of_a_line_are_those_that_ran_it(tmp_path: Path) -> None:
    """The narrowest too; of a line that an import ran, those of its module."""
    data = CoverageData(str(tmp_path / "map"))
    for context, lines in {"": [1], "t.py::wide|run": [2, 3], "t.py::narrow|run": [2]}.items():
        data.set_context(context)
        data.add_lines({"core/a.py": lines})
    data.write()
    known = mutants.read_coverage(tmp_path / "map", tmp_path)
    assert known.tests_of("core/a.py", 2) == ["t.py::narrow", "t.py::wide"]
    assert known.tests_of("core/a.py", 3) == ["t.py::wide"]
    assert known.tests_of("core/a.py", 1) == ["t.py::narrow", "t.py::wide"]
    known.reach["t.py::narrow"] = 10  # most of what it runs is elsewhere
    assert known.tests_of("core/a.py", 1) == ["t.py::wide", "t.py::narrow"]
    assert known.tests_of("core/a.py", 9, 3) == ["t.py::wide"]
    assert known.tests_of("core/store/query_process.py", 1) == ["tests/unit/store/test_queries.py"]
    assert known.tests_of("core/b.py", 1) == []


def change(kind: str, line: int = 1) -> Mutation:
    return Mutation("core/a.py", line, kind, "a", "b", 0, 1, "b")


def test_the_score_is_told_in_all_and_by_kind() -> None:
    """Survivors with what they are; lines that no test runs count as survivors."""
    results = [
        Result(change("logic"), "noticed", 3, "FAILED t"),
        Result(change("logic", 2), "survived", 4),
        Result(change("guard"), "too slow", 1),
        Result(change("guard", 7), "not covered"),
    ]
    told = mutants.summary(results, 5)
    assert (told["planted"], told["noticed"], told["percent"]) == (4, 2, 50.0)
    assert told["kinds"]["logic"] == {"planted": 2, "noticed": 1, "percent": 50.0}
    assert [(row["line"], row["fate"]) for row in told["survivors"]] == [
        (2, "survived"), (7, "not covered"),
    ]  # fmt: skip
    text = mutants.table(told)
    assert "all           2 of    4 noticed, 50.0 %" in text
    assert "survived    core/a.py:2 logic: a -> b" in text


def test_the_tests_left_out_of_the_measure_are_there() -> None:
    """A renamed file is not measured unawares."""
    for name in mutants.ELSEWHERE:
        assert (mutants.ROOT / f"tests/integration/test_{name}.py").is_file(), name


def test_what_was_judged_to_be_no_change_is_read_from_its_list() -> None:
    """Rows of four cells that begin with a module; prose and the head of the table are none."""
    text = (
        "Words | of | prose | here\n| `core/a.py` | `x < 1` | `x <= 1` | x is never 1 |\n|-|-|-|-|"
    )
    assert mutants.judged(text) == {("core/a.py", "x < 1", "x <= 1")}


def test_tests_are_few_narrow_and_about_the_file() -> None:
    """Forty: in turn of those that run mostly this file, and of those that run least."""
    reach = {f"t::{n:03}": 1 + n for n in range(100)} | {"t::of the file": 400}
    lines: dict[int, list[str]] = {1: list(reach), **{n: ["t::of the file"] for n in range(2, 402)}}
    found = Coverage({"core/a.py": lines}, reach).tests_of("core/a.py", 1)
    assert found[:3] == ["t::of the file", "t::000", "t::001"]
    assert len(set(found)) == 40


def test_what_is_slow_without_a_change_tells_nothing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A run that comes to no end counts only where it ends on the code as it is."""
    (tmp_path / "core").mkdir()
    (tmp_path / "core" / "a.py").write_text("a")
    for again, fate in ((None, "survived"), ((0, ""), "too slow")):
        runs = iter([None, again])
        monkeypatch.setattr(mutants, "_run", lambda *_, told=runs: next(told))
        assert mutants.try_one(tmp_path, change("logic"), ["t"], 1.0).fate == fate
        assert (tmp_path / "core" / "a.py").read_text() == "a"
