"""Sites that end with the test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from syncd.sandbox.presets import small
from tests.builders_site import Site


@pytest.fixture
def make_site(tmp_path: Path) -> Iterator[Callable[..., Site]]:
    """Build sites in folders of their own; the small world unless another is given."""
    made: list[Site] = []

    def build(world: Any = None, **settings: Any) -> Site:
        folder = tmp_path / f"site{len(made)}"
        folder.mkdir()
        made.append(Site(folder, small() if world is None else world, **settings))
        return made[-1]

    yield build
    for site in made:
        site.close()


@pytest.fixture
def site(make_site: Callable[..., Site]) -> Site:
    """Three clients, one source, one PSA."""
    return make_site()
