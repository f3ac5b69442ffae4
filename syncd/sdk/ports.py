"""What a connector can do, as typed Protocols.

A plugin implements the ports it provides; the core calls nothing else. Reads are bulk, so that a
plan and its read-back share one sweep; writes are keyed, so that a lost answer can be looked up.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from typing import Protocol, runtime_checkable

from syncd.sdk.period import Period
from syncd.sdk.records import (
    Account,
    Agreement,
    AssetChange,
    AssetType,
    BatchLimit,
    CheckResult,
    KeyedChange,
    LinkChange,
    Observation,
    Outcome,
    Product,
    PsaAsset,
    PsaClient,
    PsaSite,
    PurchaseLine,
    PurchaseProof,
    Receipt,
    RecurringLine,
    ScopeVerdict,
    Subscription,
    Supplier,
)


class Port(Protocol):
    """What every port offers."""

    async def check(self) -> CheckResult:
        """Try the credentials and each needed right, read-only and cheap.

        Never raises for refused credentials or missing rights: those are the result.
        """
        ...


class ObservationSink(Protocol):
    """Where a source puts what it sees; several chains may add at once."""

    async def accounts(self, accounts: Sequence[Account]) -> None:
        """Declare accounts of the roster, with their names; before units of them are added."""
        ...

    async def scope(self, scope: str, accounts: Sequence[str]) -> None:
        """Say that the verdict of `scope` speaks for these accounts.

        May be called again until `observe` returns; the last scope named for an account wins.
        """
        ...

    async def add(self, scope: str, batch: Sequence[Observation]) -> None:
        """Add units. Waits while the store is behind (back-pressure)."""
        ...


class UsageSource(Port, Protocol):
    """Counts devices, seats or backups."""

    def accounts(self) -> AsyncIterator[Sequence[Account]]:
        """All accounts, in batches."""
        ...

    def products(self) -> Sequence[Product]:
        """Everything this connection can count, including products with no unit today."""
        ...

    async def observe(self, sink: ObservationSink, period: Period | None) -> Sequence[ScopeVerdict]:
        """Read everything once and say how far each scope is proven.

        Args:
            sink: receives accounts, scopes and units.
            period: for sources that report a month; None means "as of now".

        Returns:
            one verdict per declared scope; a scope without a verdict counts as unknown.

        Raises:
            AuthError: credentials refused.
            TransientError: nothing at all could be read.
        """
        ...


class PurchaseSink(Protocol):
    """Where a source puts the lines of a vendor's bill; nothing holds them whole."""

    async def add(self, batch: Sequence[PurchaseLine]) -> None:
        """Add lines. Waits while the store is behind (back-pressure)."""
        ...


class PurchaseSource(Port, Protocol):
    """Tells what the MSP itself is charged for its customers, month by month."""

    async def purchases(self, sink: PurchaseSink, period: Period, *, billed: bool) -> PurchaseProof:
        """Read the lines of a month once, streamed, and say whether they are all there are.

        Args:
            sink: receives the lines.
            period: the vendor's billing month.
            billed: lines of the vendor's invoices; False for what it has not invoiced yet.

        Raises:
            AuthError: credentials or a right are refused.
            TransientError: the vendor cannot serve now.
            ProtocolError: what it served is not what it announced.
        """
        ...


class SourceHints(Protocol):
    """What the core remembers of earlier pulls for a source that asks."""

    async def unit_id_bounds(self, parts: int) -> Sequence[int]:
        """Ascending ids that split the last complete pull into `parts` ranges of equal size.

        Empty when there was no complete pull or the unit ids are not whole numbers.
        """
        ...

    async def unit_count(self) -> int:
        """How many units the last complete pull holds, excluded ones included; 0 without one."""
        ...


class Psa(Port, Protocol):
    """The system that holds clients, subscriptions and recurring invoices."""

    write_batch: BatchLimit

    def marker(self, key: str) -> str:
        """What stands in the searchable field for our key: a hash where the field is short."""
        ...

    def clients(self) -> AsyncIterator[Sequence[PsaClient]]: ...
    def sites(self) -> AsyncIterator[Sequence[PsaSite]]: ...
    def asset_types(self) -> AsyncIterator[Sequence[AssetType]]: ...
    def suppliers(self) -> AsyncIterator[Sequence[Supplier]]: ...

    def subscriptions(
        self, *, clients: Collection[str] | None, period: Period | None
    ) -> AsyncIterator[Sequence[Subscription]]:
        """Subscriptions of these clients (None: all), inactive ones included, proven whole.

        Raises:
            ProtocolError: the vendor's total and the rows read differ.
        """
        ...

    def recurring_lines(
        self, *, clients: Collection[str] | None
    ) -> AsyncIterator[Sequence[RecurringLine]]:
        """Lines of all recurring invoices of these clients (None: all)."""
        ...

    async def find_many(self, keys: Collection[str]) -> Mapping[str, Sequence[Receipt]]:
        """Records that carry these keys; a key without record maps to an empty sequence.

        An empty answer must be proof of absence. Two receipts for a key are a duplicate.
        """
        ...

    async def read_many(self, remotes: Collection[str]) -> Mapping[str, Subscription]:
        """Records by the PSA's id; ids that no longer exist are absent from the answer."""
        ...

    async def apply(self, changes: Sequence[KeyedChange]) -> Sequence[Outcome]:
        """Write a batch of at most `write_batch.size`; one outcome per key, in any order.

        Never raises for one bad item; never retries a write whose answer was not seen. A change
        of kind `adopt` writes the marker of its key on the record `remote` and nothing else; one
        that is gone is rejected with `gone`.

        Raises:
            AuthError: credentials or a right are refused, and nothing of the batch was written.
        """
        ...

    @property
    def asset_type_field(self) -> str:
        """Name of the PSA field that will carry the asset type, for the plan's print-out."""
        ...


@runtime_checkable
class AgreementReader(Protocol):
    """What a `Psa` offers beside its own methods if it knows agreements; none has to.

    The core looks for it with `isinstance`. Without it a bill that names an agreement is held,
    and every other bill is planned as ever.
    """

    @property
    def agreement_field(self) -> str:
        """Name of the field of a subscription that carries the agreement; empty for none.

        Only where a field is named does `SubscriptionFields.agreement` hold an id.
        """
        ...

    def agreements(self, *, clients: Collection[str]) -> AsyncIterator[Sequence[Agreement]]:
        """Agreements of these clients, proven whole, expired and closed ones included.

        Asked for in one call for all clients of which an account names an agreement.

        Raises:
            PermissionMissing: the right is missing; bills that name an agreement are then held.
            ProtocolError: the vendor's total and the rows read differ.
        """
        ...


@runtime_checkable
class RecurringWriter(Protocol):
    """What a `Psa` offers beside its own methods if links of recurring lines can be written."""

    async def invoice_digests(self, invoices: Collection[str]) -> Mapping[str, str]:
        """Digest of each recurring invoice as it stands now; an id that is gone is absent.

        Two reads of an invoice that nobody touched give the same digest; the change of anything
        that a person can set gives another.
        """
        ...

    async def link(self, changes: Sequence[LinkChange]) -> Sequence[Outcome]:
        """Let recurring lines count subscriptions: read whole, change one thing, send all, re-read.

        One outcome per key. `Delivered` only after the invoice was read again and shows the link
        and everything else as before; `Unknown` where the answer was not seen; `Rejected` with
        code `INVOICE_MOVED` where the invoice is not the one that was planned for. Never raises
        for one bad item.

        Raises:
            AuthError: credentials or a right are refused, and nothing was written.
        """
        ...


@runtime_checkable
class AssetKeeper(Protocol):
    """What a `Psa` offers beside its own methods if it keeps assets (devices)."""

    asset_batch: BatchLimit

    async def check_assets(self) -> CheckResult:
        """Try what keeping assets needs, read-only; asked for only where a source exports them.

        Never raises for refused credentials or missing rights: those are the result.
        """
        ...

    def assets(self, *, clients: Collection[str] | None) -> AsyncIterator[Sequence[PsaAsset]]:
        """Assets of these clients (None: all), deactivated ones included, proven whole."""
        ...

    async def find_assets(self, keys: Collection[str]) -> Mapping[str, Sequence[PsaAsset]]:
        """Assets that carry these keys; an empty answer must be proof of absence."""
        ...

    async def apply_assets(self, changes: Sequence[AssetChange]) -> Sequence[Outcome]:
        """Write at most `asset_batch.size` assets; outcomes as those of `Psa.apply`."""
        ...
