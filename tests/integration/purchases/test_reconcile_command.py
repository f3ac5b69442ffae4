"""`syncd reconcile` as a person types it: what it reads, shows, writes, and how it ends."""

from __future__ import annotations

import contextlib
import csv
import io
import json
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from syncd.bootstrap import App
from syncd.cli.app import run
from syncd.core.service.runs import RunDuplicate
from syncd.daemon.duties import duties_of
from syncd.daemon.duty import last_due
from syncd.plugins import Plugins
from syncd.sdk.connector import Capability, Context, Ports
from syncd.sdk.errors import AuthError
from syncd.sdk.records import Account, AssetType, PsaClient, ScopeState
from tests.builders_data import ScriptedSource, SmallPsa
from tests.builders_host import connector
from tests.builders_market import PRODUCTS_SOLD, SUITE_PRODUCT, seat
from tests.builders_purchases import Vendor, line, proof

CONFIG = """
[syncd]
database = "sqlite:///syncd.db"
timezone = "Europe/London"

[billing]
currency = "GBP"
mode = "live"

[connections.seller]
plugin = "acme"
base_url = "http://127.0.0.1:9"
client_id = "x"
client_secret = { env = "SECRET" }

[connections.desk]
plugin = "desk"
base_url = "http://127.0.0.1:9"
client_id = "x"
client_secret = { env = "SECRET" }
"""
MONTH_END = datetime(2026, 10, 31, 20, 0, tzinfo=UTC)
LATER = datetime(2026, 11, 9, 9, 0, tzinfo=UTC)


@dataclass
class Shop:
    """A folder with a configuration, a seller and a PSA."""

    folder: Path
    vendor: Vendor
    source: ScriptedSource
    capture: pytest.CaptureFixture[str]
    patch: pytest.MonkeyPatch

    def __call__(self, *arguments: str) -> tuple[int, str, str]:
        self.capture.readouterr()
        code = 0
        try:
            run(["--config", str(self.folder / "syncd.toml"), *arguments])
        except SystemExit as ended:
            code = int(ended.code or 0)
        shown = self.capture.readouterr()
        return code, shown.out, shown.err

    def at(self, moment: datetime) -> None:
        self.patch.setenv("SYNCD_NOW", moment.isoformat())

    def json(self, *arguments: str) -> Any:
        code, out, err = self("--json", *arguments)
        assert code == 0, err
        return json.loads(out)


@pytest.fixture
def shop(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Shop:
    """Tenant t1 is Acme and bought 10 seats in October that nothing bills; t9 is nobody."""
    source = ScriptedSource(
        roster=(Account("t1", "Acme"), Account("t9", "Stranger")),
        units=(seat(), seat("t9", "s9", 2)),
        known=PRODUCTS_SOLD,
    )
    vendor = Vendor([line(product=SUITE_PRODUCT), line("t9", subscription="s9", cost="20")])
    psa = SmallPsa(
        client_list=(PsaClient("1", "Acme"),), site_list=(), type_list=(AssetType("10", "Seat"),)
    )

    @asynccontextmanager
    async def opened(_context: Context[Any]) -> AsyncIterator[Ports]:
        yield Ports(usage=source, purchases=vendor, psa=psa)  # type: ignore[arg-type]

    known = (
        replace(connector("acme", Capability.USAGE, Capability.PURCHASES), open=opened),
        replace(connector("desk", Capability.PSA), open=opened),
    )
    monkeypatch.setattr("syncd.plugins.load", lambda: Plugins({one.name: one for one in known}))
    monkeypatch.setenv("SECRET", "s3cret")
    monkeypatch.setenv("COLUMNS", "100")
    (tmp_path / "syncd.toml").write_text(CONFIG, encoding="utf-8")
    made = Shop(tmp_path, vendor, source, capsys, monkeypatch)
    made.at(MONTH_END)
    assert made("pull")[0] == 0
    assert made("map", "refresh")[0] == 0
    links = tmp_path / "links.csv"
    assert made("map", "links", "--export", str(links))[0] == 0
    rows = list(csv.DictReader(io.StringIO(links.read_text(encoding="utf-8-sig"))))
    for row in rows:
        if row["account"] == "t1":
            row["client"] = "1"
    with links.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    assert made("map", "links", "--import", str(links))[0] == 0
    made.at(LATER)
    return made


def test_the_last_finished_month_is_read_once_and_shown(shop: Shop) -> None:
    code, out, err = shop("reconcile")
    assert (code, err) == (0, "")
    assert "Bought, used and billed in 2026-10, by the vendors' invoices; money in GBP" in out
    assert "not billed" in out
    assert "not linked" in out
    assert "2 of 2 differ, 0 agree" in out
    assert max(len(one) for one in out.splitlines()) <= 100
    assert shop.vendor.asked == [("2026-10", True)]
    shop("reconcile", "2026-10")
    assert shop.vendor.asked == [("2026-10", True)]
    shop("reconcile", "--fresh")
    assert shop.vendor.asked == [("2026-10", True)] * 2


def test_numbers_are_told_to_programs_and_unknown_is_null(shop: Shop) -> None:
    found = shop.json("reconcile")
    assert found["period"] == "2026-10"
    acme = next(row for row in found["rows"] if row["client"] == "1")
    assert (acme["bought"], acme["used"], acme["billed"]) == (10, None, 0)
    assert (acme["cost"], acme["money_difference"]) == ({"GBP": "100.00"}, "-100.00")
    assert acme["status"] == "not billed"
    stranger = next(row for row in found["rows"] if row["client"] == "")
    assert (stranger["client_name"], stranger["billed"], stranger["money_difference"]) == (
        "Stranger",
        None,
        None,
    )
    assert found["totals"][0]["cost"] == "120.00"
    assert found["sources"][0]["documents"] == ["G1"]


def test_rows_are_written_as_csv(shop: Shop) -> None:
    file = shop.folder / "rows.csv"
    code, _, err = shop("reconcile", "--csv", str(file))
    assert (code, err) == (0, f"2 rows in {file}\n")
    rows = list(csv.DictReader(io.StringIO(file.read_text(encoding="utf-8-sig"))))
    assert [row["status"] for row in rows] == ["not billed", "not linked"]
    assert (rows[0]["bought"], rows[0]["used"], rows[0]["billed"]) == ("10", "", "0")
    assert (rows[1]["billed"], rows[1]["cost"], rows[1]["money"]) == ("", "20.00", "")


def test_a_row_is_shown_down_to_its_lines(shop: Shop) -> None:
    code, out, _ = shop("reconcile", "--client", "acme", "--product", "OFFER:0001", "--lines")
    assert code == 0
    assert "Charged by the vendor" in out
    assert "cyclefee" in out
    assert "2027-03-01" in out
    (row,) = shop.json("reconcile", "--client", "1", "--lines")["rows"]
    assert row["charges"][0]["subscription"] == "s1"
    assert row["seats"][0]["quantity"] == 10


def test_lines_that_are_not_proven_end_the_command_with_6_and_say_so(shop: Shop) -> None:
    shop.vendor.proof = proof(ScopeState.PARTIAL, 2, "PAGE_CUT_SHORT: x")
    code, out, err = shop("reconcile")
    assert code == 6
    assert "not all lines were proven (PAGE_CUT_SHORT)" in err
    assert "never read whole" in out
    assert "PURCHASES_INCOMPLETE" in shop("issues")[1]
    shop.vendor.proof = None
    assert shop("reconcile")[0] == 0
    assert "PURCHASES_INCOMPLETE" not in shop("issues")[1]


def test_a_vendor_that_refuses_ends_the_command_with_its_code_after_the_table(shop: Shop) -> None:
    shop.vendor.error = AuthError("the seller refused the credentials")
    code, out, err = shop("reconcile")
    assert code == AuthError.exit_code
    assert "the seller refused the credentials" in err
    assert "not billed" in out


def test_what_is_not_invoiced_yet_is_of_this_month_and_read_daily(shop: Shop) -> None:
    found = shop.json("reconcile", "--unbilled")
    assert (found["period"], found["billed"]) == ("2026-11", False)
    assert shop.vendor.asked == [("2026-11", False)]
    shop.json("reconcile", "--unbilled")
    assert len(shop.vendor.asked) == 1
    shop.at(LATER.replace(day=11))
    shop.json("reconcile", "--unbilled")
    assert len(shop.vendor.asked) == 2


def test_a_read_before_the_invoice_is_repeated(shop: Shop) -> None:
    shop.vendor.lines, shop.vendor.documents = [], ()
    shop.vendor.notes = ("NO_INVOICE_YET",)
    assert "NO_INVOICE_YET" in shop("reconcile")[1]
    shop("reconcile")
    assert len(shop.vendor.asked) == 2


def test_purchases_that_nothing_bills_are_an_issue(shop: Shop) -> None:
    shop("reconcile", "--client", "1")
    assert "PURCHASE_NOT_BILLED" not in shop("issues")[1]
    shop("reconcile")
    found = [one for one in shop.json("issues") if one["code"] == "PURCHASE_NOT_BILLED"]
    assert [one["subject"] for one in found] == ["1"]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--lines"], "write `syncd reconcile --client X --lines`"),
        (["2027-05"], "2027-05 has not begun"),
        (["Maybe"], "is not a month"),
        (["--product", "nothing"], "nothing of 2026-10 is called 'nothing'"),
        (["--client", "nobody"], "no client has the id or the name 'nobody'"),
    ],
)
def test_what_does_not_fit_is_refused_with_words(shop: Shop, words: list[str], says: str) -> None:
    code, _, err = shop("reconcile", *words)
    assert code in {2, 6}
    assert says in err


def test_an_installation_that_buys_nothing_is_told_so(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = (connector("acme"), connector("desk", Capability.PSA))
    monkeypatch.setattr("syncd.plugins.load", lambda: Plugins({one.name: one for one in known}))
    code, _, err = shop("reconcile")
    assert code == 2
    assert "no connection of syncd.toml tells what is bought" in err


# -- the daemon


async def by_schedule(shop: Shop, moment: datetime) -> None:
    """The daemon's duty of the seller, due at a moment."""
    shop.at(moment)
    async with App.start(shop.folder / "syncd.toml") as app:
        (duty,) = [one for one in duties_of(app) if one.kind == "purchases"]
        assert duty.subject == "seller"
        due = last_due(duty.schedule, app.clock())
        with contextlib.suppress(RunDuplicate):
            await duty.do(due)


async def test_the_daemon_reads_a_month_from_the_8th_on_until_it_is_there(shop: Shop) -> None:
    await by_schedule(shop, datetime(2026, 11, 7, 12, tzinfo=UTC))
    assert shop.vendor.asked == []
    shop.vendor.notes, shop.vendor.documents = ("NO_INVOICE_YET",), ()
    await by_schedule(shop, datetime(2026, 11, 8, 12, tzinfo=UTC))
    await by_schedule(shop, datetime(2026, 11, 8, 18, tzinfo=UTC))
    assert shop.vendor.asked == [("2026-10", True)], "once a day, however often it starts"
    shop.vendor.notes, shop.vendor.documents = (), ("G1",)
    await by_schedule(shop, datetime(2026, 11, 9, 12, tzinfo=UTC))
    await by_schedule(shop, datetime(2026, 11, 10, 12, tzinfo=UTC))
    assert shop.vendor.asked == [("2026-10", True)] * 2, "and never again once it is there"


async def test_the_daemon_opens_issues_of_what_nothing_bills(shop: Shop) -> None:
    await by_schedule(shop, datetime(2026, 11, 9, 12, tzinfo=UTC))
    with sqlite3.connect(shop.folder / "syncd.db") as database:
        found = database.execute("SELECT code, subject FROM issue WHERE code LIKE 'PURCHASE%'")
        assert found.fetchall() == [("PURCHASE_NOT_BILLED", "1")]
