"""What a plan asks a person for: bills that stop, bills that wait, and lines the PSA disagrees on.

Every planning closes what it no longer finds for the accounts that it looked at.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection

from syncd.core.service.delivery_issues import subject as line_subject
from syncd.core.service.issue_book import IssueBook
from syncd.core.service.wiring_issues import WIRING, wiring_findings
from syncd.core.store.issue_subjects import open_subjects
from syncd.core.store.issues import Finding, IssueSeverity
from syncd.sdk.connector import EventLog
from syncd.sdk.records import Objection, Plan, PlannedBill, Severity

PLAN_HELD: Final = "PLAN_HELD"
PLAN_STALE: Final = "PLAN_STALE"

ERRORS: Final = {
    "SOURCE_INCOMPLETE": (
        "the source could not be read whole since its last proven pull",
        "Mend the source (`syncd issues` names the gap), pull again, then plan again.",
    ),
    "NO_SNAPSHOT": (
        "no proven pull stands for the month",
        "For storage run `syncd pull NAME --period MONTH`; what else stood then is billed by hand.",
    ),
    "SITE_NOT_MAPPED": (
        "the account has units and no client",
        "Link it: `syncd map propose`, then `syncd map links --import FILE`.",
    ),
    "SOURCE_INVALID": (
        "the source reports a count that cannot be billed",
        "Look at the units with `syncd explain`; report it to the source's vendor.",
    ),
    "SOURCE_UNAVAILABLE": (
        "the plugin of its source is broken",
        "Run `syncd plugins` and mend it, then plan again.",
    ),
    "POOL_INCOMPLETE": (
        "another account of the client shares a rule and could not be read whole",
        "Mend the other account's source, then plan again.",
    ),
    "MODE_NOT_ALLOWED": (
        "a configuration holds licences and storage in another mode than total",
        "Change its mode to total: `syncd map configurations --export FILE`.",
    ),
    "PRODUCT_IN_TWO_CONFIGURATIONS": (
        "a product would be billed twice",
        "Take it out of one configuration: `syncd map configurations --export FILE`.",
    ),
    "PRORATION_NEEDS_MONEY": (
        "a part of a month is to be billed by days or free, and the line sends no price of ours",
        "Give it a price of ours, or bill it full: `syncd map configurations --export FILE`.",
    ),
    "PRORATION_OWNED_BY_PSA": (
        "a part of a month is to be billed by days or free, and the PSA prorates this line itself",
        "Let one of the two prorate: `syncd map configurations --export FILE`.",
    ),
    "PRORATION_POOLED": (
        "a part of a month ends with nothing of a product whose rule other accounts share",
        "Share the rule no longer: `syncd map rules --export FILE`; or bill the month full.",
    ),
    "PRORATION_NEEDS_ARREARS": (
        "a part of a month is to be billed by days or free, and the line is billed in advance",
        "Bill it in arrears, or the month full: `syncd map configurations --export FILE`.",
    ),
    "ASSET_TYPE_MISSING": (
        "a product in use has no asset type",
        "Name one: `syncd map products --export FILE`.",
    ),
    "CONFIG_INVALID": (
        "a rate, rule or configuration cannot be computed with",
        "Mend the named field with `syncd map configurations|rates|rules --export FILE`.",
    ),
    "BLOCK_RULES_NEED_BILL_BLOCKS": (
        "a storage rule has blocks or bounds and bills exact GB",
        "Set bill_blocks, or take the bounds away: `syncd map rules --export FILE`.",
    ),
    "CURRENCY_MISMATCH": (
        "a product has rates in other currencies only",
        "Add a rate in the billing currency: `syncd map rates --export FILE`.",
    ),
    "DUPLICATE_IN_PSA": (
        "the PSA has two records with the key of one line",
        "Keep the record that a recurring line bills, take our key off the other, plan again.",
    ),
    "CLIENT_CHANGED": (
        "a record stands at another client than the account is linked to",
        "Link the account back, or move the record in the PSA to the linked client; plan again.",
    ),
    "FOREIGN_WRITER": (
        "another program writes the record",
        "Let only one of the two bill it: end the other's record, or leave the product out here.",
    ),
    "LINES_SHARE_RECORD": (
        "two of its lines would write one record",
        "Let one configuration bill it: `syncd map configurations --export FILE`.",
    ),
    "PERIOD_SUPERSEDED": (
        "a newer month already stands on the lasting record",
        "`syncd corrections list` proposes what facts changed; bill any other difference by hand.",
    ),
    "DELIVERY_UNSETTLED": (
        "an earlier write of it has no certain end yet",
        "Run `syncd apply latest` to look it up; if it needs a person, see `syncd issues`.",
    ),
    "BILL_FAILED": (
        "computing it failed with a defect of the program",
        "Report this with the error's name; the other bills are not affected.",
    ),
}
"""Code of a bill's error -> what it means, and what to do."""

LINES: Final = {
    "PSA_DRIFT": "Decide which value is right: set it in the PSA and plan again, or release the "
    "bill to overwrite it.",
    "PSA_RECORD_GONE": "Restore the record in the PSA and plan again; or release the bill, which "
    "makes a new record that a recurring line must be pointed at.",
    "PSA_RECORD_INACTIVE": "Make the record active again in the PSA, or take the product out of "
    "the configuration.",
    "POSSIBLE_TWIN": "Let the older record carry the line: `syncd adopt CLIENT`; or end it in the "
    "PSA. Two would bill the same thing.",
    "FOREIGN_WRITER": "Let only one program write the record.",
}
"""Objections about one line that are issues of their own -> what to do."""

_COUNTS: Final = "`syncd explain CLIENT --period MONTH` shows which units joined and left."
HINTS: Final = {
    "PRICE_UNSET": "Set the price with `syncd map rates --export FILE` and plan again; or release "
    "it to bill 0.",
    "AGREEMENT_NOT_ACTIVE": "Renew the agreement in the PSA, or name another one with "
    "`syncd map billing --export FILE`, and plan again.",
    "LOCKED_BY_INVOICE": "Mend the invoice in the PSA, or bill the difference there as a "
    "correction; a release only changes what the next invoice counts.",
    "CLIENT_INACTIVE": "Make the client active again in the PSA, or end the link of the account.",
    "SOURCE_STALE": "Compare the counts with the source's console: nothing newer was proven.",
    "REMOVED_BY_CONFIGURATION": "If nobody meant to end the line, put the product back: "
    "`syncd map configurations --export FILE`.",
    "FELL_TO_ZERO": _COUNTS,
    "UNITS_CHANGED": _COUNTS,
    "MONEY_CHANGED": _COUNTS,
    "CLIENT_TOTAL_CHANGED": _COUNTS,
}
"""Rules that hold -> where to look, or what mends it without a release."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanFindings:
    """What one planning found.

    Attributes:
        plan_id: of the stored plan.
        plan: its content.
        objections: of planning, guards and plugins.
        held: keys of the bills that wait.
        psa: name of the PSA connection.
        accounts: subjects (`<connection>/<account>`) that were looked at, by connection name.
        lines: external keys that were looked at.
        resting: keys of bills that say nothing of their lines, since they stay or stop.
    """

    plan_id: str
    plan: Plan
    objections: Sequence[Objection]
    held: Collection[str]
    psa: str
    accounts: Mapping[str, Collection[str]] = field(default_factory=dict)
    lines: Collection[str] = ()
    resting: Collection[str] = ()


async def write_plan_issues(
    conn: AsyncConnection, found: PlanFindings, *, now: datetime
) -> list[IssueBook]:
    """Open and close issues inside of the plan's transaction; the books speak after its commit."""
    wanted = {name: _bill_findings(found, name) for name in found.accounts}
    wanted[found.psa] = {**wanted.get(found.psa, {}), **_line_findings(found)}
    books = []
    for connection, findings in wanted.items():
        book = IssueBook(conn, connection, now)
        looked_at = {*found.accounts.get(connection, ())}
        codes: set[str] = {PLAN_HELD, PLAN_STALE, *ERRORS, *WIRING}
        if connection == found.psa:
            looked_at |= {line_subject(found.psa, key) for key in found.lines}
            codes |= {*LINES}
        open_now = await open_subjects(conn, connection, codes)
        rest = {
            account_subject(bill.connection, bill.account)
            for bill in found.plan.bills
            if bill.key in found.resting
        }
        by_code: dict[str, dict[str, Finding]] = {}
        for (code, about), finding in findings.items():
            by_code.setdefault(code, {})[about] = finding
        for code in sorted(open_now.keys() | by_code.keys()):
            seen = looked_at - rest if code in WIRING else looked_at
            await book.replace(code, by_code.get(code, {}), keep=open_now.get(code, set()) - seen)
        books.append(book)
    books.append(await _whole_plan(conn, found, now))
    return books


def speak(books: Iterable[IssueBook], log: EventLog) -> None:
    """Tell the log what was opened and closed; after the commit."""
    for book in books:
        book.speak(log)


def money_of(bill: PlannedBill) -> Decimal | None:
    """What the changes of a bill do in money, None when nothing of it is known."""
    known = [change.money_effect for change in bill.changes if change.money_effect is not None]
    return sum(known[1:], known[0]) if known else None


def account_subject(connection: str, account: str) -> str:
    """The subject of an issue about the bill of an account."""
    return f"{connection}/{account}"


def _bill_findings(found: PlanFindings, connection: str) -> dict[tuple[str, str], Finding]:
    findings: dict[tuple[str, str], Finding] = {}
    for bill in found.plan.bills:
        if bill.connection != connection:
            continue
        about = account_subject(bill.connection, bill.account)
        by_code: dict[str, list[str]] = {}
        for error in bill.errors:
            code, _, detail = error.partition(":")
            by_code.setdefault(code, []).append(detail)
        for code, one in wiring_findings(bill, found.plan_id):
            findings[code, about] = one
        for code, details in by_code.items():
            findings[code, about] = _stopped(found, bill, code, [one for one in details if one])
        own = [one for one in found.objections if one.bill == bill.key]
        holding = [one for one in own if one.severity is Severity.HOLD]
        if bill.key in found.held and holding:
            findings[PLAN_HELD, about] = held_finding(found, bill, holding)
    return findings


def _stopped(found: PlanFindings, bill: PlannedBill, code: str, details: Sequence[str]) -> Finding:
    meaning, remedy = ERRORS.get(code, ("it cannot be billed", "See `syncd plans show`."))
    named = f" ({', '.join(details)})" if details else ""
    return Finding(
        message=f"The bill of {bill.client_name} for {found.plan.period} stops: {meaning}{named}."
        " What was sent before stays as it is.",
        remedy=remedy,
        severity=IssueSeverity.ERROR,
        evidence={
            "client": bill.client_name,
            "plan": found.plan_id,
            "details": list(details),
            "at_stake": None if bill.total_before is None else str(bill.total_before),
            "currency": found.plan.currency,
        },
    )


def held_finding(found: PlanFindings, bill: PlannedBill, holding: Sequence[Objection]) -> Finding:
    money = money_of(bill)
    worth = "" if money is None else f" ({money:+,} {found.plan.currency})"
    more = f"; and {len(holding) - 3} more" if len(holding) > 3 else ""
    said = "; ".join(one.message for one in holding[:3])
    rules = sorted({one.rule for one in holding})
    known = dict.fromkeys(HINTS[rule] for rule in rules if rule in HINTS)
    hints = "".join(
        f"{hint.replace('CLIENT', bill.client).replace('MONTH', found.plan.period)} "
        for hint in known
    )
    return Finding(
        message=f"The bill of {bill.client_name} for {found.plan.period}{worth} waits for a "
        f"person: {said}{more}.",
        remedy=f"{hints}See `syncd plans show {found.plan_id}`, then `syncd plans release "
        f"{found.plan_id} --client {bill.client} --reason TEXT`.",
        severity=IssueSeverity.WARNING,
        evidence={
            "client": bill.client_name,
            "plan": found.plan_id,
            "money": None if money is None else str(money),
            "currency": found.plan.currency,
            "rules": rules,
            "objections": [one.message for one in holding],
        },
    )


def _line_findings(found: PlanFindings) -> dict[tuple[str, str], Finding]:
    bills = {bill.key: bill for bill in found.plan.bills}
    findings: dict[tuple[str, str], Finding] = {}
    for one in found.objections:
        if one.rule not in LINES or one.line is None or one.bill is None:
            continue
        bill = bills[one.bill]
        findings[one.rule, line_subject(found.psa, one.line)] = Finding(
            message=f"{bill.client_name}, {found.plan.period}: {one.message}.",
            remedy=LINES[one.rule],
            severity=IssueSeverity.ERROR,
            evidence={"client": bill.client_name, "plan": found.plan_id, "key": one.line},
        )
    return findings


async def _whole_plan(conn: AsyncConnection, found: PlanFindings, now: datetime) -> IssueBook:
    """One issue for what holds the plan as a whole, instead of one for each bill."""
    book = IssueBook(conn, "", now)
    about = f"billing/{found.plan.period}"
    holding = [
        one for one in found.objections if one.bill is None and one.severity is Severity.HOLD
    ]
    if not holding or not found.held:
        await book.close(PLAN_HELD, about)
        return book
    finding = Finding(
        message=f"Plan {found.plan_id} waits for a person: "
        f"{'; '.join(one.message for one in holding)}.",
        remedy=f"See `syncd plans show {found.plan_id}`, then "
        f"`syncd plans release {found.plan_id} --reason TEXT`.",
        severity=IssueSeverity.WARNING,
        evidence={"plan": found.plan_id, "rules": sorted({one.rule for one in holding})},
    )
    await book.open(PLAN_HELD, about, finding)
    return book
