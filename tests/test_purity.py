"""grid_engine and rules import a short list of the standard library, each other, and nothing else.

The import contracts name what is forbidden; this names what is allowed, so that nothing need be thought of beforehand.
"""

import ast
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[1]

ALLOWED = {
    "abc", "bisect", "collections", "dataclasses", "datetime", "enum", "functools", "hashlib", "heapq", "itertools", "json", "math",
    "operator", "re", "types", "typing", "zoneinfo",
}  # fmt: skip

MODULES = [
    pytest.param(path, own, id=str(path.relative_to(PROJECT)))
    for package, own in {"grid_engine": {"grid_engine"}, "rules": {"grid_engine", "rules"}}.items()
    for path in sorted((PROJECT / package).rglob("*.py"))
]


@pytest.mark.parametrize(("path", "own"), MODULES)
def test_pure_module_imports_only_what_is_allowed(path: Path, own: set[str]) -> None:
    assert imported(path) - ALLOWED - own == set()


def imported(path: Path) -> set[str]:
    """The top-level names of all that a module imports."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        match node:
            case ast.Import(names=names):
                found |= {name.name.partition(".")[0] for name in names}
            case ast.ImportFrom(module=str(module), level=0):
                found.add(module.partition(".")[0])
            case _:
                pass
    return found
