"""Reads what a vendor charges for a month, as a run: sums in, and only a proven whole replaces.

Lines are never stored. Until the last one is read the sums lie beside the database, so that
whatever ends the process leaves the former read standing.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final

import msgspec

from syncd.core.service.connection_health import connection_worked, failures_recorded, one_error
from syncd.core.service.issue_book import IssueBook
from syncd.core.service.purchase_sums import MOST_GROUPS, PurchaseSums
from syncd.core.service.runs import RunHandle, run
from syncd.core.store.issues import Finding, IssueSeverity
from syncd.core.store.purchases import (
    SpilledRow,
    add_up,
    gather,
    open_gathering,
    replace_read,
    standing_reads,
)
from syncd.core.store.runs import RunStatus
from syncd.sdk.connector import EventLog
from syncd.sdk.errors import SyncdError
from syncd.sdk.period import Period
from syncd.sdk.ports import PurchaseSource
from syncd.sdk.records import PurchaseProof, RunReport, ScopeState

if TYPE_CHECKING:
    from syncd.core.store.connections import ConnectionRef
    from syncd.core.store.database import Database

KIND: Final = "purchases"
"""Kind of the run rows, with the month behind it: `purchases 2026-10`."""

PURCHASES_INCOMPLETE: Final = "PURCHASES_INCOMPLETE"
NO_INVOICE_YET: Final = "NO_INVOICE_YET"
"""Note of a source that the vendor has not invoiced the month so far."""

PARTIAL_EXIT = 6

OpenPurchases = Callable[[EventLog], AbstractAsyncContextManager[PurchaseSource]]
"""Opens a connection's port of purchases."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PurchasesOutcome:
    """How the read of one connection ended, as a value: one failing never stops the others.

    Attributes:
        connection: name.
        period: the vendor's billing month.
        billed: lines of invoices, rather than of what is not invoiced yet.
        run_id: of its run.
        proof: what was proven, None where nothing came to an end.
        error: why it failed, None otherwise.
        seconds: wall time.
    """

    connection: str
    period: str
    billed: bool
    run_id: str
    proof: PurchaseProof | None
    error: SyncdError | None
    seconds: float

    @property
    def exit_code(self) -> int:
        """0, 6 for what was not proven whole, or the code of the error."""
        if self.error is not None:
            return self.error.exit_code
        proven = self.proof is not None and self.proof.state is ScopeState.COMPLETE
        return 0 if proven else PARTIAL_EXIT


async def run_purchases(
    database: Database,
    connection: ConnectionRef,
    open_source: OpenPurchases,
    *,
    period: Period,
    billed: bool,
    scheduled_for: datetime | None,
    clock: Callable[[], datetime],
    log: EventLog,
    node: str,
    report: Callable[[RunReport], None] | None = None,
    progress: Callable[[int], None] | None = None,
) -> PurchasesOutcome:
    """Read what a connection's vendor charges for a month as a run; failures come back as values.

    Args:
        database: where reads are kept.
        connection: which.
        open_source: opens the vendor's connection.
        period: the vendor's billing month.
        billed: lines of its invoices; False for what it has not invoiced yet.
        scheduled_for: the moment it was due, None for a manual one.
        clock: current time in UTC.
        log: gets the events.
        node: who runs it.
        report: told of the finished run.
        progress: told the number of lines read so far.

    Raises:
        RunDuplicate: this due read was already taken.
        StoreError: the run could not be claimed.
    """
    began = time.perf_counter()
    handle: RunHandle | None = None
    proof: PurchaseProof | None = None
    failed: SyncdError | None = None
    try:
        async with (
            run(
                database,
                subject=connection.name,
                kind=f"{KIND} {period}" if billed else f"{KIND} {period} unbilled",
                scheduled_for=scheduled_for,
                clock=clock,
                log=log,
                node=node,
                report=report,
            ) as handle,
            AsyncExitStack() as stack,
        ):
            async with failures_recorded(database, connection, clock, log):
                source = await stack.enter_async_context(open_source(log))
            proof = await read_purchases(
                database,
                connection,
                source,
                period=period,
                billed=billed,
                clock=clock,
                log=log,
                run=handle,
                progress=progress,
            )
    except SyncdError as error:
        if handle is None:
            raise
        failed = error
    return PurchasesOutcome(
        connection=connection.name,
        period=str(period),
        billed=billed,
        run_id=handle.id,
        proof=proof,
        error=failed,
        seconds=time.perf_counter() - began,
    )


async def read_purchases(
    database: Database,
    connection: ConnectionRef,
    source: PurchaseSource,
    *,
    period: Period,
    billed: bool,
    clock: Callable[[], datetime],
    log: EventLog,
    run: RunHandle | None = None,
    progress: Callable[[int], None] | None = None,
    most_groups: int = MOST_GROUPS,
) -> PurchaseProof:
    """Read the lines of a month once; a whole read replaces the one before it.

    Args:
        database: where reads are kept.
        connection: whose.
        source: its port of purchases.
        period: the vendor's billing month.
        billed: lines of its invoices; False for what it has not invoiced yet.
        clock: current time in UTC.
        log: gets `purchases.recorded` or `purchases.incomplete` and the changes of issues.
        run: gets counts and, where not everything was proven, the status partial.
        progress: told the number of lines read so far.
        most_groups: sums that are held in memory.

    Raises:
        ConnectorError: the lines could not be read; the connection has an issue that says why.
        PluginError: the connector failed in a way it should not; the same.
        StoreError: the database could not take it; nothing was half-written.
    """
    taken_at = clock()
    month = str(period)
    async with database.workbench() as bench:
        async with bench.scratch() as scratch:
            await open_gathering(scratch)

        async def spill(rows: Sequence[SpilledRow]) -> None:
            async with bench.scratch() as scratch:
                await gather(scratch, rows)

        sums = PurchaseSums(
            spill, connection=connection.name, most_groups=most_groups, progress=progress
        )
        async with failures_recorded(database, connection, clock, log):
            try:
                proof = await source.purchases(sums, period, billed=billed)
                await sums.hand_on()
            except Exception as error:
                told = one_error(error, connection)
                if told is error:
                    raise
                raise told from error
        async with bench.scratch() as scratch:
            await add_up(scratch)
        async with bench.writer() as conn:
            book = IssueBook(conn, connection.name, clock())
            await connection_worked(book, connection)
            former = (await standing_reads(conn, month, billed=billed)).get(connection.id)
            proof = _judged(proof, sums.lines, former.documents if former is not None else ())
            subject = "/".join((connection.name, month, *(() if billed else ("unbilled",))))
            if proof.state is ScopeState.COMPLETE:
                await replace_read(
                    conn,
                    connection.id,
                    month,
                    proof,
                    billed=billed,
                    run_id="" if run is None else run.id,
                    taken_at=taken_at,
                    now=book.now,
                )
                await book.close(PURCHASES_INCOMPLETE, subject)
            else:
                stands = former is not None
                finding = _incomplete(connection.name, month, proof, billed=billed, stands=stands)
                await book.open(PURCHASES_INCOMPLETE, subject, finding)
    _log(log, proof, month, billed=billed)
    book.speak(log)
    if run is not None:
        _count(run, proof, sums)
    return proof


def _judged(proof: PurchaseProof, lines: int, documents: Sequence[str]) -> PurchaseProof:
    """The proof, weakened by what contradicts it.

    A vendor that showed invoices before and shows none now has not taken back the month.
    """
    reasons = []
    if proof.lines != lines:
        reasons.append(f"TOTAL_MISSED: {proof.lines} lines were proven and {lines} came")
    if documents and not proof.documents:
        reasons.append(f"DOCUMENT_MISSING: {', '.join(documents[:5])} was there before")
    if not reasons:
        return proof
    return msgspec.structs.replace(
        proof, state=ScopeState.PARTIAL, lines=lines, reasons=(*proof.reasons, *reasons)
    )


def _incomplete(
    name: str, month: str, proof: PurchaseProof, *, billed: bool, stands: bool
) -> Finding:
    why = "; ".join(proof.reasons) or "NOT_COMPLETE"
    kept = "the former read stands" if stands else "what was bought stays unknown"
    option = "--fresh" if billed else "--unbilled"
    return Finding(
        message=f"What {name} charges for {month} was not read whole, so {kept}: {why}.",
        remedy=f"Run `syncd reconcile {month} {option}` again; if it repeats, compare with the "
        "vendor's invoice: the reasons are in `syncd issues --json`.",
        severity=IssueSeverity.WARNING,
        evidence={"period": month, "billed": billed, "reasons": list(proof.reasons)},
    )


def _log(log: EventLog, proof: PurchaseProof, month: str, *, billed: bool) -> None:
    if proof.state is ScopeState.COMPLETE:
        log(
            "purchases.recorded",
            period=month,
            billed=billed,
            lines=proof.lines,
            documents=len(proof.documents),
        )
    else:
        reasons = ", ".join(reason.partition(":")[0] for reason in proof.reasons)
        log("purchases.incomplete", period=month, billed=billed, reasons=reasons)


def _count(run: RunHandle, proof: PurchaseProof, sums: PurchaseSums) -> None:
    run.count("lines", sums.lines)
    run.count("documents", len(proof.documents))
    run.count("without_customer", sums.names_nobody)
    if proof.state is not ScopeState.COMPLETE:
        run.ends(
            RunStatus.PARTIAL,
            code=PURCHASES_INCOMPLETE,
            error="not all lines were proven: the former read stands",
        )
