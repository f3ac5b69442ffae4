"""Who carries an invoice into the books: nobody else, we, HaloPSA's own module, or nobody knows.

Two carriers make two documents, so every trace of another one counts, and doubt is told as doubt.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from syncd.sdk.invoice_records import Ownership
from syncd_halopsa.invoice_models import WireInvoice, WireLink
from syncd_halopsa.translation import day_of, text_of

LINK_TYPE = "syncd"
"""`third_party_type` of the links that we write."""

FOREIGN = (
    "xeroid",
    "qboid",
    "kashflowid",
    "sage_business_cloud_id",
    "intacct_recordno",
    "exact_id",
    "dbc_id",
    "snelstart_id",
)
"""Columns in which HaloPSA's own modules keep the id of their document."""


@dataclass(frozen=True, slots=True)
class Traces:
    """What is known beside the invoice itself.

    Attributes:
        modules: titles of HaloPSA's own modules that are on, None if unknown.
        links: links of invoices to documents, by id of the invoice.
        checks: of the setting `finalised`.
        dont_sync: setting of that name.
    """

    modules: tuple[str, ...] | None
    links: Mapping[int, Sequence[WireLink]]
    checks: Collection[str]
    dont_sync: str


def our_links(wire: WireInvoice, links: Mapping[int, Sequence[WireLink]]) -> list[WireLink]:
    """The links that we wrote, the newest first; a document that was reissued has a new one."""
    shown: list[WireLink] = []
    if isinstance(wire.external_links, list):
        shown = wire.external_links
    ours = {
        link.id: link
        for link in (*shown, *links.get(wire.id, ()))
        if (link.third_party_type or "").strip().lower() == LINK_TYPE
    }
    return [ours[number] for number in sorted(ours, reverse=True)]


def foreign_ids(wire: WireInvoice) -> dict[str, str]:
    """Ids of documents that the invoice shows, by column."""
    found = {name: text_of(getattr(wire, name)) for name in FOREIGN}
    return {name: value for name, value in found.items() if value}


def owner_of(wire: WireInvoice, traces: Traces) -> tuple[Ownership, str]:
    """Who carries the invoice, and the evidence in few words."""
    if our_links(wire, traces.links):
        return Ownership.OURS, "it links to a document of ours"
    for name, value in foreign_ids(wire).items():
        return Ownership.OTHER, f"{name} is {value}"
    number = (wire.thirdpartyinvoicenumber or "").strip()
    synced = day_of(wire.last_synced) is not None
    if number and (number != (wire.invoicenumber or "").strip() or wire.posted or synced):
        return Ownership.OTHER, f"thirdpartyinvoicenumber is {number}"
    if synced:
        return Ownership.OTHER, f"synced on {day_of(wire.last_synced)}"
    if wire.posted and "posted" not in traces.checks:
        return Ownership.OTHER, "somebody else posted it"
    if wire.dont_sync_to_3rd_party:
        if traces.dont_sync == "leave":
            return Ownership.OTHER, "it is marked not to be synced"
        return Ownership.FREE, "it is marked not to be synced by HaloPSA"
    if traces.modules is None:
        return Ownership.UNSURE, "whether HaloPSA's own modules are on cannot be read"
    if traces.modules:
        return Ownership.OTHER, f"HaloPSA's own {' and '.join(traces.modules)} module is on"
    return Ownership.FREE, "HaloPSA's own modules are off"
