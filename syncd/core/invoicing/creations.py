"""Contacts and items that invoices need and a book does not have: linked if a name is there.

Making one is allowed by setting, shown as a row of the plan, and held for a person; a name that an
inactive entry, a supplier or an employee holds is never made a second time.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from syncd.core.invoicing.book_facts import BookFacts
from syncd.core.invoicing.ledger_map import DEFAULT, LedgerMap
from syncd.core.invoicing.plan_rows import PlannedStep, RowState, Step
from syncd.core.invoicing.problems import LINK_ONLY, Problem, Weight
from syncd.sdk.invoice_records import InvoiceLine, PsaInvoice
from syncd.sdk.ledger_records import LedgerReference, ReferenceKind
from syncd.sdk.ledger_writes import ActionKind, LedgerAction


def plan_creations(
    invoices: Iterable[PsaInvoice], facts: BookFacts, rows: Sequence[PlannedStep]
) -> list[PlannedStep]:
    """Rows for contacts and items that these invoices really use and nobody has mapped.

    Args:
        invoices: those that are planned.
        facts: of the book.
        rows: their rows; only invoices whose sole lack is such an entry ask for it.
    """
    lacking: dict[str, set[str]] = {}
    for row in rows:
        if row.state is RowState.SKIPPED:
            continue
        codes = {one.code for one in row.objections if one.weight is Weight.REFUSE}
        if LINK_ONLY not in codes and codes <= {"UNMAPPED_CONTACT", "UNMAPPED_ITEM"}:
            lacking[row.invoice] = codes
    made: dict[str, PlannedStep] = {}
    for invoice in invoices:
        codes = lacking.get(invoice.key, set())
        if facts.rules.create_contacts and "UNMAPPED_CONTACT" in codes:
            step = _contact(invoice, facts)
            made.setdefault(step.key, step)
        if facts.rules.create_items and "UNMAPPED_ITEM" in codes:
            for line in invoice.lines:
                if line.item and not line.text_only and line.item not in facts.mapping.items:
                    step = _item(line, facts)
                    made.setdefault(step.key, step)
    return list(made.values())


def holders(mapping: LedgerMap, kind: ReferenceKind, name: str) -> list[LedgerReference]:
    """Entries that hold a name, inactive and blocked ones and the whole namespace included."""
    spaces = {
        one.namespace for (of, _), one in mapping.references.items() if of is kind and one.namespace
    }
    folded = " ".join(name.casefold().split())
    return [
        one
        for (of, _), one in mapping.references.items()
        if (of is kind or one.namespace in spaces)
        and " ".join(one.name.casefold().split()) == folded
    ]


def _contact(invoice: PsaInvoice, facts: BookFacts) -> PlannedStep:
    foreign = invoice.currency not in {"", facts.book.currency}
    return _step(
        Step.CONTACT,
        ActionKind.CREATE_CONTACT,
        ReferenceKind.CONTACT,
        facts,
        source=invoice.client,
        name=invoice.client_name,
        currency=invoice.currency if foreign else "",
    )


def _item(line: InvoiceLine, facts: BookFacts) -> PlannedStep:
    mapping = facts.mapping
    account = mapping.accounts.get(line.account) or mapping.accounts.get(DEFAULT, "")
    return _step(
        Step.ITEM,
        ActionKind.CREATE_ITEM,
        ReferenceKind.ITEM,
        facts,
        source=line.item,
        name=line.item_name or line.description,
        account=account,
        tax_code=mapping.taxes.get(line.tax_code, ("", ""))[0],
    )


def _step(
    step: Step,
    kind: ActionKind,
    reference: ReferenceKind,
    facts: BookFacts,
    *,
    source: str,
    name: str,
    currency: str = "",
    account: str = "",
    tax_code: str = "",
) -> PlannedStep:
    held = holders(facts.mapping, reference, name)
    action = LedgerAction(
        key=f"{facts.ledger_uid}:{facts.book.key}:{facts.psa_uid}:{step.value}:{source}",
        attempt="",
        kind=kind,
        name=name,
        foreign_key=source,
        currency=currency,
        account=account,
        tax_code=tax_code,
    )
    return PlannedStep(
        step=step,
        reference=source,
        number=name,
        client=source if step is Step.CONTACT else "",
        client_name=name if step is Step.CONTACT else "",
        action=action,
        objections=(_objection(step, name, held),),
    )


def _objection(step: Step, name: str, held: Sequence[LedgerReference]) -> Problem:
    if not held:
        return Problem(
            code="APPROVAL_NEEDED",
            message=f"the {step.value} '{name}' would be made in the books",
            weight=Weight.HOLD,
            remedy="Release it, or map it to an entry that is there: "
            "`syncd map books NAME --export FILE`.",
        )
    one = held[0]
    if one.blocked:
        what = f"held by a {one.detail.get('type', 'supplier or employee')}"
    else:
        what = "there" if one.active else "there, and inactive"
    return Problem(
        code="NAME_TAKEN",
        message=f"the name '{name}' is {what} ({one.key}): it is linked, never made twice",
        remedy="Map it: `syncd map books NAME --export FILE`; restore an inactive entry first.",
    )
