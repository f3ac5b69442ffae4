"""What a connection may say about carrying its invoices into books.

HaloPSA documents few of the numbers and fields involved, so what is inferred is a setting here.
"""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, Field, field_validator, model_validator

from syncd_halopsa.finality import CHECKS, checks_of

ForeignField = Literal["xeroid", "qboid", "accountsid"]


class InvoiceSettings(BaseModel):
    """Settings of invoices; part of `HaloPsaConfig`."""

    finalised: str = Field(
        default="sent",
        description="When an invoice is no draft any more: `sent`, `approved`, `posted`, `dated`, "
        "`numbered`, or several joined by `and`.",
    )
    approved_codes: list[int] = Field(
        default=[],
        description="Numbers of `approval_status` that mean approved; HaloPSA documents none.",
    )
    credit_types: list[int] = Field(
        default=[],
        description="Numbers of `invoicetype` that mean a credit note; one that is linked to an "
        "invoice is known without.",
    )
    currency_codes: dict[str, str] = Field(
        default={},
        description="ISO code by HaloPSA's number or symbol of a currency, where `/Currency` does "
        'not tell: `{ "£" = "GBP" }`.',
    )
    foreign_amounts: Literal["hold", "as_shown", "converted"] = Field(
        default="hold",
        description="Amounts of an invoice whose converted ones differ: hold it, take those that "
        "are shown, or the converted ones.",
    )
    line_text: Literal["short", "long", "both"] = Field(
        default="short", description="Description of a line; the other one where it is empty."
    )
    reference_field: Literal["reference", "cust_order_number", "order_number", "payment_ref"] = (
        Field(default="reference", description="Field of the invoice with the client's reference.")
    )
    dont_sync: Literal["leave", "carry"] = Field(
        default="leave",
        description="What `dont_sync_to_3rd_party` means: nobody carries the invoice, or HaloPSA's "
        "own module does not, and syncd may.",
    )
    changes_overlap_hours: int = Field(
        default=14,
        ge=0,
        le=72,
        description="How far changes are read back beyond the last read; covers that dates come "
        "without their time zone.",
    )
    foreign_id_fields: dict[str, ForeignField] = Field(
        default={},
        description="Field of the invoice that takes a document's id, by name of the ledger "
        'connection: `{ xero = "xeroid" }`; only while HaloPSA\'s own modules are off.',
    )
    invoice_page: str = Field(
        default="/invoices?mainview=invoices&selid=-1&sellevel=1&invoiceid={id}",
        description="Address of an invoice for people, shown in the books; `{id}` is its id, and "
        "one that begins with `/` is on the host of `base_url`. Empty shows none.",
    )
    link_module: int = Field(
        default=0, ge=0, description="`module_id` of the link to a document; 0 sends none."
    )
    write_tax: bool = Field(
        default=False,
        description="Write the tax that the books computed back to an invoice that left it to "
        "them; sends all of its lines again.",
    )
    payment_key_field: Literal["thirdpartyid", "reference"] = Field(
        default="thirdpartyid", description="Field of a payment that carries our marker."
    )
    payment_fields: dict[str, int] = Field(
        default={},
        description="Further numbers sent with a payment, e.g. `{ method = 3, status = 1 }`.",
    )

    @field_validator("finalised")
    @classmethod
    def _predicate(cls, text: str) -> str:
        names = checks_of(text)
        unknown = [name for name in names if name not in CHECKS]
        if unknown or not names:
            message = f"'{text}' is not understood; write one of {', '.join(CHECKS)}, or several"
            raise ValueError(message + " joined by 'and'")
        return " and ".join(names)

    @field_validator("currency_codes")
    @classmethod
    def _iso(cls, codes: dict[str, str]) -> dict[str, str]:
        wrong = [code for code in codes.values() if not is_iso(code.strip().upper())]
        if wrong:
            message = f"{', '.join(wrong)} is no ISO code of a currency such as GBP"
            raise ValueError(message)
        return {key.strip(): code.strip().upper() for key, code in codes.items()}

    @model_validator(mode="after")
    def _approval_is_told(self) -> InvoiceSettings:
        if "approved" in checks_of(self.finalised) and not self.approved_codes:
            message = (
                "finalised = 'approved' needs approved_codes: the numbers of approval_status that "
                "mean approved in your HaloPSA, e.g. approved_codes = [1]"
            )
            raise ValueError(message)
        return self


def is_iso(code: str) -> bool:
    """Whether a text has the form of an ISO 4217 code."""
    return len(code) == 3 and code.isascii() and code.isalpha() and code.isupper()
