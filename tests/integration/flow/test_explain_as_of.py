"""A closed month explains itself the same for ever, as text, as JSON and as the client's files."""

from __future__ import annotations

import zipfile
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest
from sqlalchemy import insert, select, update
from sqlmodel import col

from syncd.cli.evidence_files import write_pack
from syncd.cli.explain import _show
from syncd.cli.output import Output
from syncd.core.service.evidence_pack import EvidencePack
from syncd.core.service.explain import explain
from syncd.core.service.explanation import Explanation, Origin
from syncd.core.service.reckoning import Sources
from syncd.core.service.refusals import NothingToExplain
from syncd.core.service.sources import Reckoner
from syncd.core.store.database import Database
from syncd.core.store.references import ReferenceEntry, ReferenceKind, store_references
from syncd.core.store.tables import (
    AccountRow,
    Bill,
    BillReopening,
    ProductRow,
    PullRow,
    PullVoid,
    UnitExclusion,
)
from syncd.sdk.period import Period
from tests.builders_month import (
    DECEMBER,
    DESKTOP,
    DISK,
    LONDON,
    NOVEMBER,
    OCTOBER,
    SERVER,
    Office,
    recurring,
)
from tests.integration.flow.test_storage import GB, RESTORED, S3, Shop

CLOSED = datetime(2026, 12, 2, tzinfo=UTC)


@pytest.fixture
async def office(database: Database) -> Office:
    """October and November are billed; in November d3 left and d4 joined."""
    made = await Office.open(database)
    await made.usual(
        counts={"5": {DESKTOP.key: ["d1", "d2", "d3"], SERVER.key: ["s1"]}},  # type: ignore[dict-item]
    )
    await made.rule(DESKTOP.key, count_method="average", included=Decimal(1), reason="loyal")
    await made.bill()
    made.psa.recurring = [recurring("9001")]
    await made.pull(
        {"5": {DESKTOP.key: ["d1", "d2", "d4", "spare"], SERVER.key: ["s1"]}},
        at=made.month_end(NOVEMBER),
        excluded={"spare": "tag:spare"},
    )
    made.clock.moment = NOVEMBER.end(LONDON) + timedelta(hours=9)
    await made.bill()
    return made


def read(folder: Path, *, content: bool = True) -> dict[str, str]:
    """Files of a folder by name."""
    return {
        one.name: one.read_bytes().decode("utf-8") if content else "" for one in folder.iterdir()
    }


async def ask(office: Office, *words: str, **given: Any) -> Explanation:
    return await explain(
        office.database,
        "1001",
        words[0] if words else None,
        psa_name="psa",
        timezone=LONDON,
        reckoner=Reckoner(
            rules=office.settings,
            sources=Sources(active=office.active),
            now=office.clock(),
        ),
        **given,
    )


def printed(found: Explanation, capture: pytest.CaptureFixture[str], folder: Path) -> list[bytes]:
    """Everything that a person can be given: text, JSON, and the files."""
    capture.readouterr()
    _show(Output(), found, LONDON)
    target = folder / "pack.zip"
    write_pack(EvidencePack(found=found, zone=LONDON, internal=True), target)
    return [
        capture.readouterr().out.encode(),
        msgspec.json.encode(found, enc_hook=str),
        target.read_bytes(),
    ]


async def change_everything(office: Office) -> None:
    """Three weeks later: other prices, rules, names, links; a voided pull; a corrected bill."""
    office.clock.moment = datetime(2026, 12, 20, 9, tzinfo=UTC)
    await office.rate(DESKTOP.key, "9.00", "99.00")
    await office.rule(DESKTOP.key, included=Decimal(2))
    await office.configure("c1", "Renamed", "total", [DESKTOP.key, SERVER.key])
    await office.rename_account("5", "Somebody else")
    async with office.database.writer() as conn:
        await store_references(
            conn,
            office.psa_connection.id,
            ReferenceKind.CLIENT,
            [ReferenceEntry(key="1001", name="New name"), ReferenceEntry(key="1002", name="X")],
            now=office.clock(),
        )
        account = await conn.scalar(select(col(AccountRow.id)))
        await conn.execute(
            insert(UnitExclusion).values(
                account_id=account,
                product_key="",
                unit="d1",
                reason="broken",
                confirmed_by="ann",
                recorded_at=office.clock(),
            )
        )
        bill = await conn.scalar(select(col(Bill.id)).where(col(Bill.period) == str(NOVEMBER)))
        await conn.execute(
            insert(BillReopening).values(
                bill_id=bill, reopened_by="bob", reason="wrong", reopened_at=office.clock()
            )
        )
        await conn.execute(update(ProductRow).values(name="Other words"))
    await office.bill(NOVEMBER)
    async with office.database.writer() as conn:
        pull = await conn.scalar(select(col(PullRow.id)).where(col(PullRow.seq) == 2))
        await conn.execute(
            insert(PullVoid).values(
                pull_id=pull, voided_at=office.clock(), voided_by="ann", reason="a bad day"
            )
        )
    await office.month(DECEMBER, {"5": {DESKTOP.key: 40, SERVER.key: 9}})
    await office.bill()
    await office.link("5", "1002")


async def test_a_closed_month_gives_the_same_bytes_for_ever(
    office: Office, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    before = printed(await ask(office, period=NOVEMBER, as_of=CLOSED), capsys, tmp_path)
    await change_everything(office)
    after = printed(await ask(office, period=NOVEMBER, as_of=CLOSED), capsys, tmp_path)
    assert after == before
    assert b"99.00" not in before[0]
    corrected = await ask(office, period=NOVEMBER)
    assert corrected.lines[0].revision == 2
    assert [one.reason for one in corrected.lines[0].reopened] == ["wrong"]


async def test_without_a_month_the_one_billed_last_by_then_is_taken(office: Office) -> None:
    found = await ask(office, as_of=datetime(2026, 11, 20, tzinfo=UTC))
    assert (found.period, set(found.origins)) == ("2026-10", {Origin.BILL})
    assert (await ask(office)).period == "2026-11"


async def test_what_was_only_planned_then_is_the_plan(office: Office) -> None:
    planned_at = office.clock()
    before = planned_at - timedelta(minutes=1)
    found = await ask(office, period=NOVEMBER, as_of=before)
    assert found.origins == {Origin.COMPUTED}
    assert found.lines[0].status == "computed, nothing was billed"
    await office.month(DECEMBER, {"5": {DESKTOP.key: 9}})  # servers fall to zero: held
    stored = await office.plan(DECEMBER)
    office.clock.moment += timedelta(days=1)
    await office.release(stored.id)
    early = await ask(office, period=DECEMBER, as_of=office.clock() - timedelta(hours=1))
    late = await ask(office, period=DECEMBER, as_of=office.clock())
    assert {one.status for one in early.lines} == {"planned, held"}
    assert {one.status for one in late.lines} == {"planned, released"}
    assert late.lines[0].released is not None
    assert (late.lines[0].released.by, late.lines[0].released.reason) == ("ann", "looked at it")


async def test_a_computed_month_knows_only_the_counts_and_prices_of_then(office: Office) -> None:
    moment = NOVEMBER.end(LONDON) + timedelta(hours=1)
    office.clock.moment = moment
    before = await ask(office, SERVER.key, period=NOVEMBER, as_of=moment)
    assert before.lines[0].line.total_price == Decimal("15.00")
    office.clock.moment = datetime(2027, 1, 5, tzinfo=UTC)
    await office.rate(SERVER.key, "9.00", "99.00")
    await office.rule(SERVER.key, included=Decimal(1))
    await office.pull(
        {"5": {SERVER.key: ["s1", "s2", "s3"]}}, at=NOVEMBER.end(LONDON) + timedelta(hours=2)
    )
    await office.link("5", "1002")
    assert await ask(office, SERVER.key, period=NOVEMBER, as_of=moment) == before


async def test_a_month_that_has_not_begun_is_not_computed(office: Office) -> None:
    with pytest.raises(NothingToExplain, match="had not begun"):
        await ask(office, period=Period(2027, 5), as_of=CLOSED)


async def test_storage_is_gb_with_all_digits_and_the_difference_to_the_bill_before(
    database: Database,
) -> None:
    office = await Office.open(database)
    await office.usual(counts={"5": {DISK.key: ["vault"]}})  # type: ignore[dict-item]
    await office.asset_type(DISK.key, "20")
    await office.configure("c2", "Backup", "average", [DISK.key])
    await office.rate(DISK.key, "0.023", "0.03")
    await office.bill()
    await office.pull({"5": {DISK.key: ["vault", "attic"]}}, at=office.month_end(NOVEMBER))
    office.clock.moment = NOVEMBER.end(LONDON)
    await office.bill()
    found = await ask(office, DISK.key)
    (product,) = found.lines[0].products
    assert product.since is not None
    assert product.since.quantity == Decimal(1) / Decimal(2**30)
    assert product.steps[0].endswith("bytes): mean of the month")


async def test_the_clients_files_hold_no_cost_no_reason_and_no_formula(
    office: Office, tmp_path: Path
) -> None:
    await office.month(DECEMBER, {"5": {DESKTOP.key: 3, SERVER.key: 1}})
    await office.rename_account("5", "=HYPERLINK(1)")
    await office.bill()
    found = await ask(office, period=DECEMBER)
    rows = write_pack(EvidencePack(found=found, zone=LONDON), tmp_path / "pack")
    files = read(tmp_path / "pack")
    assert set(files) == set(rows) == {
        "README.txt", "bill.csv", "lines.csv", "units.csv", "changes.csv", "days.csv",
    }  # fmt: skip
    whole = "".join(files.values())
    assert "loyal" not in whole
    assert "cost" not in whole
    assert "syncd:" not in whole
    assert "'=HYPERLINK(1)" in files["bill.csv"]
    assert files["bill.csv"].startswith("\ufeffclient,month,")
    assert files["units.csv"].count("\r\n") == rows["units.csv"] + 1
    inside = write_pack(EvidencePack(found=found, zone=LONDON, internal=True), tmp_path / "a.zip")
    with zipfile.ZipFile(tmp_path / "a.zip") as archive:
        assert archive.testzip() is None
        assert "loyal" in archive.read("lines.csv").decode()
        assert "line_cost" in archive.read("lines.csv").decode()
    assert inside["units.csv"] == rows["units.csv"]
    left = {one for one in read(tmp_path, content=False) if one.startswith(".")}
    assert not left, "nothing half-written"


async def test_a_month_of_storage_shows_its_own_pull_its_parts_and_the_month_before(
    database: Database,
) -> None:
    office = await Office.open(database)
    shop = Shop(office)
    await shop.stands()
    amounts = {OCTOBER: (2 * GB, GB), NOVEMBER: (5 * GB + GB // 2, 3 * GB)}
    for period, (stored, restored) in amounts.items():
        await shop.facts({"5": {S3.key: stored, RESTORED.key: restored}}, period=period)
        if period == OCTOBER:
            await office.link("5", "1001")
            await office.asset_type(S3.key, "20")
            await office.configure("c1", "Backup", "total", [S3.key])
            await office.rate(S3.key, "0.01", "0.03")
            await shop.restore_rate(S3.key, "0.02", "0.05")
        office.clock.moment = period.end(LONDON) + timedelta(hours=9)
        await office.bill(period)
        await shop.stands()
    found = await ask(office, S3.key)
    (product,) = found.lines[0].products
    assert (found.period, product.basis.facts_of) == ("2026-11", "2026-11")
    assert product.snapshot is not None
    assert product.snapshot == product.basis.snapshot
    assert product.since is not None
    assert product.since.quantity == 2
    assert [(one.before, one.unit.quantity) for one in product.since.movements.resized] == [
        (2 * GB, 5 * GB + GB // 2)
    ]
    (part,) = product.parts
    assert [unit.quantity for unit in part.counted] == [3 * GB]
    pack = {one.name: list(one.rows()) for one in EvidencePack(found=found, zone=LONDON).files()}
    assert [row[5] for row in pack["units.csv"]] == ["5.5", "3"]
