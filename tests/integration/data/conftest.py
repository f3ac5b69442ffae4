"""An office in a fresh database of either kind."""

from __future__ import annotations

import pytest

from syncd.core.store.database import Database
from tests.builders_data import Office, furnished


@pytest.fixture
async def office(database: Database) -> Office:
    return await furnished(database)


@pytest.fixture
async def sqlite_office(sqlite_database: Database) -> Office:
    return await furnished(sqlite_database)
