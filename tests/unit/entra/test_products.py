"""The bundled table of SKUs, and the products that a connection offers."""

from __future__ import annotations

import re

from syncd_entra.products import Catalogue, table

from tests.builders_entra import PREMIUM, config


def test_the_table_is_keyed_by_guid_and_every_row_has_a_name():
    assert len(table()) > 600
    for guid, known in table().items():
        assert re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", guid)
        assert known.part.strip()
        assert known.name.strip()
        assert known.hint in {"", "free", "trial"}


def test_part_numbers_mislead_and_guids_do_not():
    assert table()[PREMIUM] == ("SPB", "Microsoft 365 Business Premium", "")
    assert table()["f245ecc8-75af-4f8e-b61f-27d8114de5f3"][:2] == (
        "O365_BUSINESS_PREMIUM",
        "Microsoft 365 Business Standard",
    )


def test_a_sku_that_is_met_declares_its_five_products_once():
    catalogue = Catalogue(config())
    assert catalogue.all() == []
    for part in ("SPB", None):
        assert catalogue.sku(PREMIUM, part).part == "SPB"
    assert {one.key: one.name for one in catalogue.all()} == {
        f"sku:{PREMIUM}:assigned": "Microsoft 365 Business Premium: assigned seats",
        f"sku:{PREMIUM}:bought": "Microsoft 365 Business Premium: bought seats",
        f"sku:{PREMIUM}:warning": "Microsoft 365 Business Premium: bought seats in grace",
        f"sku:{PREMIUM}:free": "Microsoft 365 Business Premium: free seats",
        f"sku:{PREMIUM}:committed": (
            "Microsoft 365 Business Premium: assigned or bought seats, whichever are more"
        ),
    }


def test_a_sku_that_nobody_knows_passes_under_its_part_number_or_guid():
    guid = "abcdef00-0000-4000-8000-000000000001"
    assert Catalogue(config()).sku(guid, "NEXT").name == "NEXT"
    assert Catalogue(config()).sku(guid, None).name == f"SKU {guid}"
