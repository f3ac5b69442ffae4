"""Every table of the database; persistence only, validated elsewhere.

SQLModel's table classes do not validate, so nothing outside of `core/store` builds one from
untrusted input. Importing this package costs a third of a second: the pull path uses SQL text and
never does.
"""

from __future__ import annotations

from sqlmodel import SQLModel

NAMING = {
    "ix": "ix_%(column_0_label)s",
    "uq": "uq_%(table_name)s_%(column_0_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}
SQLModel.metadata.naming_convention = NAMING

from syncd.core.store.tables.billing import (  # noqa: E402
    Bill,
    BillingLine,
    BillLine,
    BillReopening,
    LateChange,
    LateCheck,
    ObjectionRow,
    PlanBill,
    PlanRow,
    PsaRecord,
)
from syncd.core.store.tables.books import (  # noqa: E402
    Attestation,
    InvoiceRow,
    LedgerGoLive,
    LedgerMapping,
    LedgerReferenceRow,
    Watermark,
    WebhookRow,
)
from syncd.core.store.tables.census import (  # noqa: E402
    AccountRow,
    ProductRow,
    PullGap,
    PullRow,
    PullVoid,
    UnitInterval,
)
from syncd.core.store.tables.delivery import DeliveryAttempt, OutboxRow  # noqa: E402
from syncd.core.store.tables.golive import (  # noqa: E402
    Adoption,
    AssetRecord,
    ClientGoLive,
    Correction,
    MonthClose,
    Notice,
    WireChange,
)
from syncd.core.store.tables.ledger import (  # noqa: E402
    InvoicePlan,
    InvoicePlanRow,
    LedgerActionRow,
    LedgerAttempt,
    LedgerDocumentRow,
    LedgerPaymentRow,
)
from syncd.core.store.tables.mapping import (  # noqa: E402
    AccountBilling,
    BillingConfiguration,
    BillingTemplate,
    ClientLink,
    ProductMapping,
    QuantityRuleRow,
    RateRow,
    Reference,
    TemplateClient,
    UnitExclusion,
)
from syncd.core.store.tables.operation import (  # noqa: E402
    ConnectionRow,
    Installation,
    IssueRow,
    RunRow,
)
from syncd.core.store.tables.purchasing import (  # noqa: E402
    PurchaseRead,
    PurchaseSum,
    StoredTokenRow,
)

metadata = SQLModel.metadata

__all__ = [
    "AccountBilling",
    "AccountRow",
    "Adoption",
    "AssetRecord",
    "Attestation",
    "Bill",
    "BillLine",
    "BillReopening",
    "BillingConfiguration",
    "BillingLine",
    "BillingTemplate",
    "ClientGoLive",
    "ClientLink",
    "ConnectionRow",
    "Correction",
    "DeliveryAttempt",
    "Installation",
    "InvoicePlan",
    "InvoicePlanRow",
    "InvoiceRow",
    "IssueRow",
    "LateChange",
    "LateCheck",
    "LedgerActionRow",
    "LedgerAttempt",
    "LedgerDocumentRow",
    "LedgerGoLive",
    "LedgerMapping",
    "LedgerPaymentRow",
    "LedgerReferenceRow",
    "MonthClose",
    "Notice",
    "ObjectionRow",
    "OutboxRow",
    "PlanBill",
    "PlanRow",
    "ProductMapping",
    "ProductRow",
    "PsaRecord",
    "PullGap",
    "PullRow",
    "PullVoid",
    "PurchaseRead",
    "PurchaseSum",
    "QuantityRuleRow",
    "RateRow",
    "Reference",
    "RunRow",
    "StoredTokenRow",
    "TemplateClient",
    "UnitExclusion",
    "UnitInterval",
    "Watermark",
    "WebhookRow",
    "WireChange",
    "metadata",
]
