"""Issues around assets: one per client and cause, so that a thousand devices are one sentence."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from typing import TYPE_CHECKING, Final

from syncd.core.billing.asset_values import UNSETTLED
from syncd.core.service.issue_book import IssueBook
from syncd.core.store.asset_records import FAILED, UNKNOWN, asset_rows
from syncd.core.store.issue_subjects import open_subjects
from syncd.core.store.issues import Finding, IssueSeverity
from syncd.core.store.plans import PlanBillState

if TYPE_CHECKING:
    from syncd.core.store.plans import PlanRecord

ASSETS_HELD: Final = "ASSETS_HELD"
ASSET_REFUSED: Final = "ASSET_REFUSED"
ASSET_UNKNOWN: Final = "ASSET_UNKNOWN"


async def tell_held(book: IssueBook, psa: str, record: PlanRecord, looked: Collection[str]) -> None:
    """What of a plan waits for a person, by client; what was not looked at stays as it is."""
    content = record.plan.assets
    assert content is not None
    names = {one.client: one.client_name for one in content.planned}
    names |= {one.client: one.client_name for one in content.held}
    waits: dict[str, list[str]] = {}
    planned = {bill.key: bill.client for bill in record.plan.bills}
    for bill in record.bills:
        if bill.state is PlanBillState.HELD:
            waits.setdefault(planned[bill.bill_key], []).append(f"all of them ({bill.detail})")
    codes = Counter((one.client, one.code) for one in content.held if one.code != UNSETTLED)
    for (client, code), n in sorted(codes.items()):
        waits.setdefault(client, []).append(f"{n} ({code})")
    findings = {
        f"{psa}/{client}": Finding(
            message=f"assets of {names.get(client, client)} wait: {', '.join(reasons)}.",
            remedy=f"`syncd plans show {record.id}` names them and what each needs; "
            f"`syncd plans release {record.id}` lets what is held as a whole be written.",
            severity=IssueSeverity.WARNING,
            evidence={"client": names.get(client, client), "plan": record.id},
        )
        for client, reasons in waits.items()
    }
    known = (await open_subjects(book.conn, psa, {ASSETS_HELD})).get(ASSETS_HELD, set())
    keep = known - {f"{psa}/{client}" for client in looked}
    await book.replace(ASSETS_HELD, findings, keep=keep)


async def tell_ended(book: IssueBook, psa: str, psa_connection_id: int) -> None:
    """Which clients have assets that were refused, or whose write is not known."""
    rows = await asset_rows(book.conn, psa_connection_id, states=(FAILED, UNKNOWN))
    for code, state, message, remedy in (
        (
            ASSET_REFUSED,
            FAILED,
            "{n} assets of client {client} were not written as planned; the first: {why}.",
            "Mend what it names, then `syncd assets` plans them again.",
        ),
        (
            ASSET_UNKNOWN,
            UNKNOWN,
            "whether {n} assets of client {client} were written is not known; the first: {why}.",
            "`syncd assets --apply` looks for them and goes on.",
        ),
    ):
        found: dict[str, list[str]] = {}
        for row in rows:
            if row.state == state:
                found.setdefault(row.client, []).append(row.detail)
        await book.replace(
            code,
            {
                f"{psa}/{client}": Finding(
                    message=message.format(n=len(why), client=client, why=why[0]),
                    remedy=remedy,
                    severity=IssueSeverity.ERROR,
                    evidence={"client": client, "assets": len(why)},
                )
                for client, why in found.items()
            },
        )
