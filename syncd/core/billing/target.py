"""Which record of the PSA carries a line: known to our ledger, found by its key, gone, or not made.

A key that is found twice, or a record that belongs to another client or another writer, is an error
of the bill: nothing is guessed.
"""

from __future__ import annotations

from dataclasses import dataclass

from syncd.core.billing.identity import CURRENT, external_key
from syncd.core.billing.model import Line
from syncd.core.billing.plan_input import PlanInput, RecordState, Style
from syncd.core.billing.regroup import configuration_of
from syncd.sdk.records import Subscription


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A line with the record it goes to.

    Attributes:
        line: the bill's line.
        key: external key.
        record: our ledger's row, None where there is none.
        seen: the PSA's record, None where the PSA shows none.
        lost: id of the record that our ledger names and the PSA does not show any more.
        errors: codes that stop the bill.
    """

    line: Line
    key: str
    record: RecordState | None
    seen: Subscription | None
    lost: str | None = None
    errors: tuple[str, ...] = ()

    @property
    def bills_nothing(self) -> bool:
        return not (self.line.units or self.line.total_price or self.line.total_cost)


def locate(line: Line, record: RecordState | None, inputs: PlanInput) -> Target:
    """Find the record of a line.

    Raises:
        KeyError: the line is new and `PlanInput.uids` has no uid for it.
    """
    key = record.key if record is not None else _new_key(line, inputs)
    candidates = _candidates(key, record, inputs)
    known = record.remote if record is not None else None
    lost = known if known is not None and known not in candidates else None
    elsewhere = _named_elsewhere(key, candidates, inputs)
    if elsewhere is not None:
        return _refused(line, key, record, f"CLIENT_CHANGED:{line.key}:{elsewhere}")
    if len(candidates) > 1:
        ids = ",".join(sorted(candidates))
        return _refused(line, key, record, f"DUPLICATE_IN_PSA:{line.key}:{ids}")
    seen = next(iter(candidates.values()), None)
    sent_to = record.sent.client if record is not None and record.sent is not None else None
    # A person may move the record after the link: what the PSA shows counts before what was sent.
    holder = seen.client if seen is not None else sent_to
    if holder not in {None, inputs.client}:
        record_id = seen.key if seen is not None else known
        return _refused(line, key, record, f"CLIENT_CHANGED:{line.key}:{record_id}")
    if record is None and seen is not None and seen.foreign_writer is not None:
        return _refused(line, key, record, f"FOREIGN_WRITER:{line.key}:{seen.key}")
    return Target(line=line, key=key, record=record, seen=seen, lost=lost)


def _new_key(line: Line, inputs: PlanInput) -> str:
    return external_key(
        inputs.connection_uid,
        inputs.account,
        configuration_of(line.key),
        inputs.uids[line.key],
        period=str(inputs.period) if inputs.style is Style.PER_PERIOD else None,
        suffix=CURRENT if inputs.beside else None,
    )


def _candidates(key: str, record: RecordState | None, inputs: PlanInput) -> dict[str, Subscription]:
    """Every record of the PSA that the ledger names or that carries the key, by id."""
    marker = inputs.marker(key)
    known = record.remote if record is not None else None
    found = {
        seen.key: seen
        for seen in inputs.subscriptions
        if seen.key == known or seen.marker == marker
    }
    for receipt in inputs.found.get(key, ()):
        if receipt.remote not in found and receipt.record is not None:
            found[receipt.remote] = receipt.record
    return found


def _named_elsewhere(
    key: str, candidates: dict[str, Subscription], inputs: PlanInput
) -> str | None:
    """A record that carries the key and that nobody can show: not among this client's."""
    return next(
        (
            receipt.remote
            for receipt in inputs.found.get(key, ())
            if receipt.remote not in candidates
        ),
        None,
    )


def _refused(line: Line, key: str, record: RecordState | None, error: str) -> Target:
    return Target(line=line, key=key, record=record, seen=None, errors=(error,))
