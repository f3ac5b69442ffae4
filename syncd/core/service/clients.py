"""Finding a client by what a person types: its id, or a name that exactly one client has."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING

from syncd.core.service.refusals import ClientUnknown
from syncd.core.store.reference_entries import ReferenceEntry, ReferenceKind

if TYPE_CHECKING:
    from syncd.core.store.billing_data import BillingData


def find_client(data: BillingData, psa_id: int, wanted: str) -> ReferenceEntry:
    """The client with this id, or with this name if only one has it.

    Raises:
        ClientUnknown: there is none, or several share the name; the remedy lists them.
    """
    linked = {link.client_key for link in data.links.values() if link.psa_connection_id == psa_id}
    return choose_client(data.references.of(psa_id, ReferenceKind.CLIENT), linked, wanted)


def choose_client(
    known: Mapping[str, ReferenceEntry], linked: Collection[str], wanted: str
) -> ReferenceEntry:
    """The client with this id, or with this name if only one has it, or only one is linked.

    Raises:
        ClientUnknown: there is none, or several share the name; the remedy lists them.
    """
    if wanted in known:
        return known[wanted]
    plain = wanted.strip().casefold()
    named = [entry for entry in known.values() if entry.name.strip().casefold() == plain]
    if not named:
        named = [entry for entry in known.values() if plain and plain in entry.name.casefold()]
    if len(named) > 1:
        billed = [entry for entry in named if entry.key in linked]
        named = billed if len(billed) == 1 else named
    if len(named) == 1:
        return named[0]
    if not named:
        message = f"no client has the id or the name '{wanted}'"
        raise ClientUnknown(message, remedy="`syncd map links --export FILE` lists the clients")
    shown = ", ".join(f"{entry.key} ({entry.name})" for entry in named[:10])
    message = f"'{wanted}' is not one client but {len(named)}: {shown}"
    raise ClientUnknown(message, remedy="name it by its id")


def choose_clients(data: BillingData, psa_id: int, wanted: Collection[str]) -> list[int]:
    """Row ids of the accounts to look at, ascending: of these clients, or all.

    Raises:
        ClientUnknown: a client was named that is not exactly one, or that no account is linked to.
    """
    if not wanted:
        return sorted(data.accounts)
    named = {entry.key: entry for entry in (find_client(data, psa_id, one) for one in wanted)}
    chosen: list[int] = []
    for key, entry in sorted(named.items()):
        accounts = data.accounts_of_client(psa_id, key)
        if not accounts:
            message = f"no account is linked to {entry.name} ({key}), so nothing of it is counted"
            raise ClientUnknown(message, remedy="`syncd map propose` shows which account it may be")
        chosen += accounts
    return chosen
