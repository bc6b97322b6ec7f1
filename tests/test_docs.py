"""The documents hold together: relative links lead somewhere, and the files that they name exist."""

import re
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[1]
DOCUMENTS = sorted([*PROJECT.glob("*.md"), *(PROJECT / "docs").rglob("*.md")])

_FENCE = re.compile(r"^```.*?^```", flags=re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#+ (.*)$", flags=re.MULTILINE)
_NAMED = re.compile(r"`((?:\.ci|bench|docs|grid_engine|rules|server|tests|web)/[\w./-]*)`")


def anchors(document: Path) -> set[str]:
    """The anchors that renderers make of a document's headings."""
    return {
        re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-")
        for heading in _HEADING.findall(_FENCE.sub("", document.read_text()))
    }


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(PROJECT)))
def test_relative_links_resolve(document: Path) -> None:
    broken = []
    for link in _LINK.findall(_FENCE.sub("", document.read_text())):
        if re.match(r"[a-z]+:", link):
            continue
        name, _, anchor = link.partition("#")
        target = (document.parent / name).resolve() if name else document
        if not target.exists() or (anchor and anchor not in anchors(target)):
            broken.append(link)
    assert broken == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(PROJECT)))
def test_named_files_exist(document: Path) -> None:
    named = set(_NAMED.findall(document.read_text()))
    built = {name for name in named if name.startswith(("web/dist", "web/node_modules"))}
    assert sorted(name for name in named - built if not (PROJECT / name).exists()) == []


def test_the_readme_begins_with_the_two_commands() -> None:
    code = [
        line.strip() for line in (PROJECT / "README.md").read_text().splitlines() if line.startswith("    ")
    ]
    assert [line.partition("#")[0].strip() for line in code[:2]] == ["make run", "make test"]


def test_decisions_are_numbered_without_a_gap() -> None:
    numbers = [path.name[:4] for path in sorted((PROJECT / "docs" / "decisions").glob("*.md"))]
    assert numbers == [f"{number:04}" for number in range(1, len(numbers) + 1)]
