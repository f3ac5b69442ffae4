"""The agreements that accounts name, read from the PSA in one call for all of their clients.

Nothing is asked where no account names one, and a PSA that cannot tell leaves those bills to a
person without stopping any other.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from syncd.core.billing.agreement import NamedAgreement, billed_months
from syncd.core.service.draft import Draft
from syncd.sdk.errors import PermissionMissing
from syncd.sdk.period import Period
from syncd.sdk.ports import AgreementReader, Psa
from syncd.sdk.records import Agreement

NOT_OFFERED = "the plugin of the PSA does not read agreements"


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreements:
    """What the PSA showed.

    Attributes:
        found: by the PSA's id.
        carrier: field of a subscription that holds the agreement, empty for none.
        unread: why nothing could be read, empty when it was.
    """

    found: Mapping[str, Agreement] = field(default_factory=dict)
    carrier: str = ""
    unread: str = ""

    def named_by(self, draft: Draft, period: Period) -> NamedAgreement | None:
        """The agreement of a draft for the months that it bills, None where none is named."""
        if not draft.agreement:
            return None
        return NamedAgreement(
            key=draft.agreement,
            client=draft.client,
            months=billed_months(draft.bill, period),
            found=self.found.get(draft.agreement),
            unread=self.unread,
        )

    def written_for(self, draft: Draft) -> str | None:
        """The id that stands on the records of a draft; None where the PSA takes none."""
        return (draft.agreement or None) if self.carrier else None


async def read_agreements(psa: Psa, clients: Collection[str]) -> Agreements:
    """Read the agreements of these clients; none is no call at all.

    Raises:
        ConnectorError: the PSA could not be read whole, for another reason than a missing right.
    """
    if not clients:
        return Agreements()
    if not isinstance(psa, AgreementReader):
        return Agreements(unread=NOT_OFFERED)
    found: dict[str, Agreement] = {}
    try:
        async for batch in psa.agreements(clients=frozenset(clients)):
            found.update({one.key: one for one in batch})
    except PermissionMissing as error:
        return Agreements(carrier=psa.agreement_field, unread=f"{error} ({error.remedy})")
    return Agreements(found=found, carrier=psa.agreement_field)
