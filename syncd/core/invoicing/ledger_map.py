"""What people said a thing of the PSA is in one book, with the catalogues that it points into.

A client's contact is also its route: the book that maps the client gets its invoices.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from syncd.sdk.ledger_records import LedgerReference, ReferenceKind, TaxMeaning

DEFAULT = "*"
"""Source key of the entry that stands for everything not named; items and accounts only."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerMap:
    """The mappings of one PSA to one book.

    Attributes:
        contacts: PSA client -> (currency, key of the contact); an empty currency is any.
        items: PSA item -> key of the item.
        accounts: nominal code -> key of the account.
        taxes: PSA tax code -> (key of the tax, what it means).
        tracking: PSA name -> key of the option or class.
        terms: PSA terms -> key of the terms.
        currencies: ISO code of the PSA -> that of the book, where they are not the same.
        references: the catalogues as last read, by kind and key.
    """

    contacts: Mapping[str, Sequence[tuple[str, str]]] = field(default_factory=dict)
    items: Mapping[str, str] = field(default_factory=dict)
    accounts: Mapping[str, str] = field(default_factory=dict)
    taxes: Mapping[str, tuple[str, TaxMeaning]] = field(default_factory=dict)
    tracking: Mapping[str, str] = field(default_factory=dict)
    terms: Mapping[str, str] = field(default_factory=dict)
    currencies: Mapping[str, str] = field(default_factory=dict)
    references: Mapping[tuple[ReferenceKind, str], LedgerReference] = field(default_factory=dict)

    def taxes_by_key(self) -> dict[str, LedgerReference]:
        """The book's tax codes by key, as predictions need them."""
        return {
            key: one for (kind, key), one in self.references.items() if kind is ReferenceKind.TAX
        }

    def contact_of(self, client: str, currency: str) -> tuple[str, ...]:
        """Contacts that stand for a client in a currency; more than one is ambiguous."""
        known = self.contacts.get(client, ())
        exact = tuple(dict.fromkeys(key for said, key in known if said == currency))
        return exact or tuple(dict.fromkeys(key for said, key in known if not said))
