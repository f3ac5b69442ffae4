"""How the story of an invoice reads: what the PSA shows, what was sent, what the books hold."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from syncd.cli.moments import moment, moment_to_the_second
from syncd.core.invoicing.wording import shown
from syncd.sdk.ledger_records import ReferenceKind

if TYPE_CHECKING:
    from decimal import Decimal
    from zoneinfo import ZoneInfo

    from syncd.cli.output import Output
    from syncd.core.invoicing.ledger_map import LedgerMap
    from syncd.core.service.invoice_story import DocumentStory, InvoiceStory
    from syncd.sdk.invoice_records import PsaInvoice


def tell(output: Output, story: InvoiceStory, zone: ZoneInfo) -> None:
    """The story for people."""
    one = story.stored.invoice
    output.say(f"{one.kind.value} {one.number} of {one.client_name} ({one.client}), {one.dated}")
    output.say(
        f"  the PSA shows {_sums(one.net, one.tax, one.total)} {one.currency}; "
        f"due {one.due or '-'}; read {moment(story.stored.read_at, zone)}"
    )
    detail = f" ({one.owner_detail})" if one.owner_detail else ""
    output.say(f"  finalised: {one.predicate}; owner: {one.owner.value}{detail}")
    if one.voided:
        output.say("  the PSA voided it")
    for book, mapping in story.maps.items():
        if contacts := mapping.contact_of(one.client, one.currency):
            named = ", ".join(_contact(mapping, key) for key in contacts)
            output.say(f"  at '{book}': contact {named}; tax {_taxes(mapping, one) or '-'}")
    for book, row in story.planned:
        output.say(f"\n  planned for '{book}': {row.step.step.value}, {row.state.value}")
        if row.step.totals is not None:
            totals = row.step.totals
            output.say(f"    predicted {_sums(totals.net, totals.tax, totals.total)}")
        for objection in row.step.objections:
            output.say(f"    {objection.code}: {objection.message}")
        for note in row.step.notes:
            output.say(f"    note: {note}")
    for document in story.documents:
        _tell_document(output, document, zone)


def story_data(story: InvoiceStory) -> dict[str, Any]:
    """The story for machines."""
    return {
        "invoice": story.stored.invoice,
        "digest": story.stored.digest,
        "read_at": story.stored.read_at,
        "planned": [
            {"ledger": book, "plan": row.plan_id, "state": row.state.value, "step": row.step}
            for book, row in story.planned
        ],
        "documents": [_document_data(one) for one in story.documents],
    }


def _tell_document(output: Output, story: DocumentStory, zone: ZoneInfo) -> None:
    item = story.item
    state = item.state.value.replace("_", " ")
    output.say(f"\n  at '{story.ledger}': {item.number} is {state} {item.code or ''}".rstrip())
    output.say(f"    sent {_sums(item.net, item.tax, item.total)} {item.currency}")
    if item.seen is not None:
        seen = item.seen
        output.say(
            f"    the books show {_sums(seen.net, seen.tax, seen.total)}, {seen.status.value}, "
            f"balance {shown(seen.balance)}"
        )
        output.say(f"    id {seen.remote}")
        if seen.url:
            output.say(f"    {seen.url}")
    for difference in story.differences:
        output.say(f"    differs: {difference}")
    for one in story.tries:
        when = moment_to_the_second(one.finished_at, zone)
        output.say(f"    {when} {one.what} {one.n}: {one.outcome} {one.detail}".rstrip())
    for action in story.actions:
        kind = action.kind.replace("_", " ")
        output.say(f"    {kind}: {action.state.value} {action.detail}".rstrip())
    if not story.tries:
        output.say("    it was there before us: nothing was sent")


def _document_data(one: DocumentStory) -> dict[str, Any]:
    return {
        "ledger": one.ledger,
        "key": one.item.key,
        "number": one.item.number,
        "state": one.item.state.value,
        "code": one.item.code,
        "detail": one.item.detail,
        "sent": one.item.payload,
        "books": one.item.seen,
        "differences": one.differences,
        "tries": one.tries,
        "actions": [
            {"kind": action.kind, "state": action.state.value, "detail": action.detail}
            for action in one.actions
        ],
    }


def _sums(net: Decimal, tax: Decimal, total: Decimal) -> str:
    return f"net {shown(net)}, tax {shown(tax)}, total {shown(total)}"


def _contact(mapping: LedgerMap, key: str) -> str:
    known = mapping.references.get((ReferenceKind.CONTACT, key))
    return key if known is None else f"{known.name} ({key})"


def _taxes(mapping: LedgerMap, invoice: PsaInvoice) -> str:
    """What each tax code of its lines is in the book; a question mark where nobody said it."""
    codes = sorted({line.tax_code for line in invoice.lines if not line.text_only})
    return ", ".join(f"{one or 'none'} -> {mapping.taxes.get(one, ('?', ''))[0]}" for one in codes)
