"""Agreements and two owners of a price against the simulated PSA, as whole processes."""

from __future__ import annotations

import csv
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal

from syncd_halopsa.config import SCOPE

from tests.builders_site import Site

DECEMBER = datetime(2026, 12, 1, 9, 0, tzinfo=UTC)
CLIENT = 1001


def name_agreements(site: Site, key: str) -> None:
    """Every account of the first client names the agreement."""
    linked = site.folder / "links.csv"
    site.run("map", "links", "--export", str(linked))
    rows = list(csv.DictReader(linked.read_text().splitlines()))
    own = {row["account"] for row in rows if row["client"] == str(CLIENT)}
    file = site.folder / "billing.csv"
    site.run("map", "billing", "--export", str(file))
    rows = list(csv.DictReader(file.read_text().splitlines()))
    with file.open("w", newline="") as out:
        writer = csv.DictWriter(out, rows[0].keys())
        writer.writeheader()
        writer.writerows({**row, "agreement": key if row["account"] in own else ""} for row in rows)
    site.run("map", "billing", "--import", str(file))


def counted(make_site: Callable[..., Site], scope: str) -> Site:
    site = make_site(extra={"halopsa": {"scope": scope}})
    site.run("pull")
    site.decide()
    site.move(DECEMBER)
    return site


def test_a_check_names_the_missing_right_once_an_account_names_an_agreement(
    make_site: Callable[..., Site],
) -> None:
    site = counted(make_site, SCOPE)
    assert "agreements" not in site.run("check").said
    name_agreements(site, str(site.hand.agree(CLIENT, "Care", start="2026-01-01")))
    done = site.run("check", expect=4)
    assert "missing right: halo agreements" in done.said
    assert "add read:contracts to `scope`" in " ".join(done.said.split())


def test_an_agreement_holds_until_it_is_renewed_and_two_owners_of_a_price_are_told(
    make_site: Callable[..., Site],
) -> None:
    site = counted(make_site, f"{SCOPE} read:contracts")
    number = site.hand.agree(CLIENT, "Care", start="2026-01-01", end="2026-11-15")
    name_agreements(site, str(number))
    assert "names an agreement" in " ".join(site.run("check").said.split())
    shown = site.run("plan", "billing", expect=3).out
    assert f"Care ({number}, 2026-01-01 to 2026-11-15)" in shown
    assert "AGREEMENT_NOT_ACTIVE" in shown
    site.hand.change_agreement(number, end_date="2027-11-15T00:00:00")
    assert "AGREEMENT_NOT_ACTIVE" not in site.run("plan", "billing", expect=3).out
    site.first_bills()
    record = next(one for one in site.ours().values() if Decimal(one["price"]))
    line = site.hand.link(int(record["id"]))
    site.hand.raise_price(line, Decimal("3.5"))
    site.run("plan", "billing", expect=None)
    assert "PRICE_TWO_OWNERS" in site.issue_codes()
