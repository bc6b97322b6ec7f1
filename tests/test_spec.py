"""docs/spec.md is true of the tests: what it calls done is proved where it says, and no test cites an id that it lacks."""

import re
from pathlib import Path

PROJECT = Path(__file__).parents[1]
SPEC = (PROJECT / "docs" / "spec.md").read_text()

_ENTRY = re.compile(
    r"^- \*\*([A-Z]\d+)\*\* \((done|part|not yet)\)(.*?)(?=^- \*\*|^#|\Z)", flags=re.MULTILINE | re.DOTALL
)
_FILE = re.compile(r"`((?:tests|web/src)/[^`]+)`")
_PYTHON_TEST = re.compile(r"^ *(?:async )?def (test_\w+)", flags=re.MULTILINE)
_WEB_TEST = re.compile(r"^ *(?:test|it)\((['\"`])(.*?)\1", flags=re.MULTILINE)
_CITED = re.compile(r"(?<![A-Za-z0-9])([tgrbapnhcxykw][1-9]\d?)(?![A-Za-z0-9])", flags=re.IGNORECASE)

EXPECTED = {
    "T": 7, "G": 11, "R": 23, "B": 6, "A": 8, "P": 4, "N": 6, "H": 3, "C": 3, "X": 1, "Y": 2, "K": 3, "W": 4,
}  # fmt: skip
"""How many ids each chapter has; none is skipped."""


def entries() -> list[tuple[str, str, str]]:
    """(id, state, text) of each id, in the order of the page."""
    return [(match[1], match[2], match[3]) for match in _ENTRY.finditer(SPEC)]


def cited_in(path: Path) -> set[str]:
    """The ids that names of tests in the file begin or go on with."""
    text = path.read_text()
    if path.suffix == ".py":
        names = [name.replace("_", " ") for name in _PYTHON_TEST.findall(text)]
    else:
        # A title cites before its colon; after it a letter with a number is only that.
        names = [title.partition(":")[0] for _, title in _WEB_TEST.findall(text) if ":" in title]
    return {found.upper() for name in names for found in _CITED.findall(name)}


def test_every_id_stands_once_and_in_its_chapter() -> None:
    found = [id_ for id_, _, _ in entries()]
    assert sorted(found) == sorted(
        f"{chapter}{number}" for chapter, count in EXPECTED.items() for number in range(1, count + 1)
    )


def test_what_is_done_is_proved_by_tests_that_name_it() -> None:
    wrong = []
    for id_, state, text in entries():
        files = _FILE.findall(text)
        if state == "done" and not files:
            wrong.append(f"{id_} is done, and nothing is named that proves it")
        for name in files:
            path = PROJECT / name
            if not path.is_file():
                wrong.append(f"{id_}: there is no {name}")
            elif id_ not in cited_in(path):
                wrong.append(f"{id_}: no test in {name} names it")
    assert wrong == []


def test_what_is_not_done_says_what_is_missing() -> None:
    wrong = [
        id_
        for id_, state, text in entries()
        if (state == "part") != ("Missing: " in text) or (state == "not yet" and "Proved in" in text)
    ]
    assert wrong == []


def test_no_test_cites_an_id_that_the_page_lacks() -> None:
    known = {id_ for id_, _, _ in entries()}
    files = [*(PROJECT / "tests").rglob("test_*.py"), *(PROJECT / "web" / "src").rglob("*.test.ts")]
    unknown = {
        f"{path.relative_to(PROJECT)}: {id_}"
        for path in files
        if path != Path(__file__)
        for id_ in cited_in(path) - known
    }
    assert unknown == set()
