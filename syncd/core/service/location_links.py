"""Proposals for locations of an account that is split: the client of the whole, and a site by name.

A location may belong to another client than the rest, or nobody would have split the account; so
not even an id of the whole is a proof for a part of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from syncd.core.billing.matching import Origin, Proposal
from syncd.core.service.sheets.row import SheetContext
from syncd.core.store.decisions import SourceAccount
from syncd.core.store.references import ReferenceKind
from syncd.sdk.records import Account, PsaClient

LINKED = 90
"""Score of the client that the whole account is linked to: likely, and no proof."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Location:
    """A part of an account beside the whole.

    Attributes:
        part: the location.
        whole: the account that it is a part of, None where that is not known.
    """

    part: SourceAccount
    whole: SourceAccount | None

    @property
    def name(self) -> str:
        """Of the location alone."""
        if self.whole is None:
            return self.part.name
        return self.part.name.removeprefix(f"{self.whole.name} / ")


def location_proposal(
    location: Location,
    clients: Mapping[str, PsaClient],
    *,
    linked_client: str | None,
    of_whole: Proposal | None,
    own: Proposal | None,
) -> Proposal | None:
    """What a location may be linked to.

    Args:
        location: the part beside its whole.
        clients: of the PSA, by id.
        linked_client: the client that the whole is linked to.
        of_whole: what is proposed for the whole where it has no link.
        own: what the location's own name suggests.
    """
    whole = location.whole
    if whole is not None and linked_client is not None and linked_client in clients:
        client = clients[linked_client]
        said = f"location of {whole.key} ({whole.name}), which is linked to {client.key}"
        return _named(location, client, LINKED, said)
    if whole is not None and of_whole is not None:
        said = f"location of {whole.key} ({whole.name}): {of_whole.evidence}"
        return _named(location, of_whole.client, min(of_whole.score, LINKED), said, of_whole.rivals)
    return own


def site_of(context: SheetContext, client: str, location: Location) -> tuple[str, str]:
    """Id and name of the client's one site of the location's name; empty where it has none."""
    found = context.named(ReferenceKind.SITE, location.name, client)
    return (found[0].key, found[0].name) if len(found) == 1 else ("", "")


def _named(
    location: Location,
    client: PsaClient,
    score: int,
    evidence: str,
    rivals: tuple[PsaClient, ...] = (),
) -> Proposal:
    return Proposal(
        account=Account(key=location.part.key, name=location.part.name),
        client=client,
        origin=Origin.NAME,
        score=score,
        evidence=evidence,
        rivals=rivals,
    )
