"""What an invoice is told once its document stands in the books, and whether it shows it.

Written are number, day, the posted flag and a link of ours; the id columns of HaloPSA's own modules
only where a setting names them and these modules are surely off.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import msgspec

from syncd.sdk.http import Answer
from syncd.sdk.invoice_records import PostedMark
from syncd_halopsa.config import HaloPsaConfig
from syncd_halopsa.invoice_models import WireInvoice, WireLink
from syncd_halopsa.invoice_translation import is_delegated
from syncd_halopsa.ownership import LINK_TYPE, foreign_ids, our_links
from syncd_halopsa.translation import amount_of, text_of
from syncd_halopsa.wire import broken

Links = Mapping[int, Sequence[WireLink]]
LINES = msgspec.json.Decoder(dict[str, Any], float_hook=Decimal)


@dataclass(frozen=True, slots=True)
class MarkShape:
    """How marks are written by one connection.

    Attributes:
        config: its settings.
        modules_off: HaloPSA's own modules are surely off.
    """

    config: HaloPsaConfig
    modules_off: bool

    def obstacle(self, mark: PostedMark, wire: WireInvoice, links: Links | None) -> str:
        """What of somebody else stands in the way, empty if nothing does."""
        if our_links(wire, links or {}):
            return ""
        number = (wire.thirdpartyinvoicenumber or "").strip()
        if number and number not in {mark.number, (wire.invoicenumber or "").strip()}:
            return f"its number in the books is {number} already, which is not ours"
        for name, value in foreign_ids(wire).items():
            if value != mark.remote:
                return f"{name} is {value} already, which is not ours"
        return ""

    def shows(self, mark: PostedMark, wire: WireInvoice) -> bool:
        """Whether the invoice shows everything that is written, but for the link."""
        field = self._foreign_field(mark)
        return (
            wire.posted is True
            and (wire.thirdpartyinvoicenumber or "").strip() == mark.number
            and (not field or text_of(getattr(wire, field)) == mark.remote)
            and (not self.writes_tax(mark, wire) or amount_of(wire.tax_total) == mark.tax)
        )

    def writes_tax(self, mark: PostedMark, wire: WireInvoice) -> bool:
        """Whether the tax of the books is to be written to the invoice's lines."""
        return self.config.write_tax and mark.tax is not None and is_delegated(wire)

    def links(self, mark: PostedMark, wire: WireInvoice, links: Links | None) -> bool | None:
        """Whether a link of ours leads to the document; None where that is not told.

        A document that was reissued has the number and the posted state of the one before, so that
        its link alone tells them apart. An invoice may show a list of links that is not filled.

        Args:
            mark: as it is written.
            wire: the invoice, perhaps with its links.
            links: those of all invoices, or of some with this one; None where they are not known.
        """
        ours = [text_of(link.third_party_id) for link in our_links(wire, links or {})]
        if mark.remote in ours:
            return True
        return None if links is None and not wire.external_links else False

    def element(
        self, mark: PostedMark, wire: WireInvoice, links: Links | None
    ) -> dict[str, object]:
        """The array element of a save, without lines."""
        element: dict[str, object] = {
            "id": wire.id,
            "thirdpartyinvoicenumber": mark.number,
            "posted": True,
        }
        if not wire.posted:
            element["dateposted"] = mark.posted_on.strftime("%Y-%m-%dT%H:%M:%SZ")
        if wire.change_seq is not None:
            element["last_change_seq"] = element["change_seq"] = wire.change_seq
        if field := self._foreign_field(mark):
            element[field] = int(mark.remote) if field == "qboid" else mark.remote
        if not self.links(mark, wire, links):
            element["new_external_link"] = self._link(mark, wire)
        return element

    def _link(self, mark: PostedMark, wire: WireInvoice) -> dict[str, object]:
        link: dict[str, object] = {
            "halo_id": wire.id,
            "table_id": 995,
            "third_party_id": mark.remote,
            "third_party_secondary_id": mark.key,
            "third_party_type": LINK_TYPE,
            "third_party_desc": f"{mark.system}: {mark.number}",
            "third_party_url": mark.url,
        }
        if self.config.link_module:
            link["module_id"] = self.config.link_module
        return link

    def _foreign_field(self, mark: PostedMark) -> str:
        field = self.config.foreign_id_fields.get(mark.system, "") if self.modules_off else ""
        return "" if field == "qboid" and not mark.remote.isdecimal() else field


def lines_with_tax(answer: Answer, tax: Decimal) -> list[dict[str, Any]]:
    """Every line of an invoice as it was read, the first delegated one with the tax of all.

    Raises:
        ProtocolError: the answer shows no lines.
    """
    try:
        lines = LINES.decode(answer.body)["lines"]
        found = [dict(line) for line in lines]
    except (msgspec.MsgspecError, KeyError, TypeError, ValueError) as error:
        raise broken(answer, "no invoice with its lines") from error
    first = True
    for line in found:
        if line.get("use_qbo_ast"):
            line["override_ast_total"] = tax if first else Decimal(0)
            first = False
    return found
