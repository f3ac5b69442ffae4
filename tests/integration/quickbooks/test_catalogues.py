"""Catalogues, lists of documents and the check of a connection, against the simulated company."""

from __future__ import annotations

from datetime import date
from typing import Any

import httpx
import pytest

from syncd.sdk.errors import ConfigError, ProtocolError
from syncd.sdk.ledger_records import ReferenceKind
from tests.builders_quickbooks import all_of, document, once, opened
from tests.builders_quickbooks_company import customers


async def test_names_that_are_taken_are_told_with_who_has_them() -> None:
    async with opened() as books:
        rows = await all_of(books.ledger.references())
        contacts = [one for one in rows if one.kind is ReferenceKind.CONTACT]
        assert {one.namespace for one in contacts} == {"names"}
        assert any(one.blocked and one.key.startswith("vendor:") for one in contacts)
        assert any(not one.active and not one.blocked for one in contacts)
        assert not any("(deleted)" in one.name for one in rows)
        keys = [(one.kind, one.key) for one in rows]
        assert len(keys) == len(set(keys))


async def test_only_what_can_stand_on_a_line_is_offered() -> None:
    async with opened() as books:
        rows = await all_of(books.ledger.references())
        items = {one.name: one for one in rows if one.kind is ReferenceKind.ITEM}
        assert items["Services"].blocked
        assert not items["Antivirus"].active
        assert not items["Backup"].blocked
        accounts = {one.name: one for one in rows if one.kind is ReferenceKind.ACCOUNT}
        assert accounts["Current account"].blocked
        assert not accounts["Sales"].blocked


async def test_classes_are_read_where_they_are_written() -> None:
    async with opened(classes=True) as books:
        rows = await all_of(books.ledger.references())
        assert [one for one in rows if one.kind is ReferenceKind.TRACKING]
    async with opened() as books:
        rows = await all_of(books.ledger.references())
        assert not [one for one in rows if one.kind is ReferenceKind.TRACKING]


async def test_a_long_catalogue_is_read_in_pages_and_proven_whole() -> None:
    async with opened(world=customers(1200)) as books:
        rows = await all_of(books.ledger.references())
        here = [one for one in rows if one.kind is ReferenceKind.CONTACT and not one.blocked]
        assert len(here) >= 1200
        asked = [one.url.params.get("query", "") for one in books.sent]
        assert any("count(*) from Customer" in one for one in asked)
        assert not any("count(*) from Item" in one for one in asked)


async def test_rows_that_keep_moving_are_not_believed() -> None:
    async with opened(world=customers(1200)) as books:

        def more(request: httpx.Request) -> httpx.Response | None:
            if "count(*)" in request.url.params.get("query", ""):
                return httpx.Response(200, json={"QueryResponse": {"totalCount": 5000}})
            return None

        books.before.append(more)
        with pytest.raises(ProtocolError, match="faster than they can be read"):
            await all_of(books.ledger.references())


async def test_documents_of_a_span_are_listed_whoever_made_them() -> None:
    async with opened() as books:
        await books.ledger.post([document("1"), document("2", dated=date(2026, 10, 1))])
        pages = books.ledger.documents(first=date(2026, 11, 1), last=date(2026, 11, 30))
        assert [one.number for one in await all_of(pages)] == ["1"]


async def test_the_check_names_each_right_and_the_company() -> None:
    async with opened({"books_closed": date(2026, 3, 31), "auto_apply": True}) as books:
        result = await books.ledger.check()
        assert result.ok
        assert "Bluebird IT" in result.summary
        assert "closed up to 2026-03-31" in result.summary
        assert all(one.granted for one in result.permissions)
        assert any("applies credits" in one for one in result.warnings)
        assert books.simulator.company.tables["Invoice"] == {}


async def test_the_check_says_that_custom_numbers_are_off() -> None:
    async with opened({"own_numbers": False}) as books:
        result = await books.ledger.check()
        assert not result.ok
        assert "Custom transaction numbers" in (result.error or "")


@pytest.mark.parametrize("code", ["120", "3100"])
async def test_the_check_says_why_the_company_does_not_open(code: Any) -> None:
    async with opened({"lost_access": code}) as books:
        result = await books.ledger.check()
        assert not result.ok
        assert [one.granted for one in result.permissions] == [False]
        assert "syncd login books" in (result.error or "")


async def test_the_check_names_a_missing_right() -> None:
    def denied(request: httpx.Request) -> httpx.Response | None:
        if "from Employee" not in request.url.params.get("query", ""):
            return None
        error = {"Message": "Permission Denied Error", "Detail": "no right", "code": "5020"}
        body = {"Fault": {"Error": [error], "type": "ValidationFault"}}
        return httpx.Response(400, json=body)

    async with opened() as books:
        books.before.append(denied)
        result = await books.ledger.check()
        missing = [one.name for one in result.permissions if not one.granted]
        assert missing == ["QuickBooks: employees"]
        assert "5020" in (result.error or "")


async def test_a_tax_setting_against_the_country_stops_at_once() -> None:
    async with opened(tax="us_delegated") as books:
        with pytest.raises(ConfigError, match="does not fit"):
            await books.ledger.book()
        assert not (await books.ledger.check()).ok


async def test_a_fault_with_status_200_is_no_empty_answer() -> None:
    async with opened() as books:
        error = {"Message": "Error parsing query", "Detail": "bad", "code": "4000"}
        fault = {"Fault": {"Error": [error], "type": "ValidationFault"}}
        books.before.append(once(path="/query", response=httpx.Response(200, json=fault)))
        result = await books.ledger.check()
        assert not result.ok
