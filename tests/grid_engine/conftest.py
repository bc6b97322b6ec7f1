"""Narrow leaves, so that a few records make a tree of many."""

from collections.abc import Iterator

import pytest

from grid_engine import timeline


@pytest.fixture
def wide_leaves(monkeypatch: pytest.MonkeyPatch) -> None:
    """The width that the product uses."""
    monkeypatch.setattr(timeline, "LOAD", PRODUCT_LOAD)


PRODUCT_LOAD = timeline.LOAD


@pytest.fixture(autouse=True, scope="package")
def narrow_leaves() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(timeline, "LOAD", 4)
        yield
