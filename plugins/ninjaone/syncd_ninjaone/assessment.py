"""Turns a page of devices into observations: the hot loop of a pull.

Everything that can be looked up is looked up in a table; last contact decides an exclusion but
never becomes part of a unit's facts, or every pull would rewrite the fleet.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime, timedelta

from syncd.sdk.records import Observation
from syncd_ninjaone.classes import UNKNOWN_CLASS
from syncd_ninjaone.config import NinjaOneConfig
from syncd_ninjaone.evidence import Facts, encode
from syncd_ninjaone.exclusions import (
    DUPLICATE,
    INTERNAL_ORG,
    NEVER_SEEN,
    STALE,
    UNKNOWN_STATE,
    Kinds,
    Serials,
    Strangers,
    Tags,
)
from syncd_ninjaone.models import Device

NO_ORGANISATION = "unassigned"
"""Account key of a device that names no organisation; never in the roster, so never counted."""


class Assessment:
    """The rules of one pull over its roster at one moment.

    Attributes:
        strangers: unknown classes and states met so far.
        seen: devices assessed so far.
    """

    def __init__(
        self,
        config: NinjaOneConfig,
        *,
        roster: Mapping[int | None, str],
        internal: Collection[int],
        now: datetime,
        split: Mapping[int | None, Mapping[int | None, str]] | None = None,
    ) -> None:
        self._roster = roster
        self._split = split or {}
        self._internal = frozenset(internal)
        self._kinds = Kinds(config)
        self._tags = Tags(config)
        self._serials = Serials(config)
        self._never_seen = NEVER_SEEN if config.exclude_never_seen else None
        # Without a limit nothing is older than the beginning of time.
        silent_limit = timedelta(days=config.stale_days)
        self._stale_before = (now - silent_limit).timestamp() if config.stale_days else 0.0
        silent_before = (now - timedelta(days=config.silence_days)).timestamp()
        self._silent_before = max(silent_before, self._stale_before)
        self.strangers = Strangers()
        self.seen = 0

    def observations(self, devices: Sequence[Device]) -> list[Observation]:
        """One observation per device, in order."""
        kinds, roster, internal = self._kinds, self._roster, self._internal
        split = self._split
        stale_before, silent_before = self._stale_before, self._silent_before
        repeats = self._serials.repeats if self._serials.enabled else None
        batch: list[Observation] = []
        add = batch.append
        for device in devices:
            node_class, state, role = device.node_class, device.approval_status, device.node_role_id
            product, reason, reports, facts = kinds[node_class, state, role]
            organisation = device.organization_id
            if reason is None:
                if organisation in internal:
                    reason = INTERNAL_ORG
            elif reason == UNKNOWN_CLASS:
                self.strangers.classes[node_class or ""] += 1
            elif reason == UNKNOWN_STATE:
                self.strangers.states[state or ""] += 1
            if device.tags:
                product, reason = self._tags.apply(device.tags, product, reason)
            system = device.system
            serial = (system.serial_number or system.bios_serial_number) if system else None
            attributes = facts.before + encode(serial) + facts.after if serial else facts.plain
            if reason is None:
                contact = device.last_contact
                if not contact or contact < 0:
                    if reports:
                        reason = self._never_seen
                elif contact < silent_before:
                    attributes = _silent(device, serial)
                    if contact < stale_before:
                        reason = STALE
                if reason is None and serial and repeats and repeats(organisation, serial):
                    reason = DUPLICATE
            unit = str(device.id)
            account = roster.get(organisation) or _undeclared(organisation)
            if split and (parts := split.get(organisation)) is not None:
                # A device of no location, or of one made since, stays with its organisation.
                account = parts.get(device.location_id, account)
            add(
                Observation(
                    account,
                    product,
                    unit,
                    1,
                    device.display_name or device.system_name or f"device {unit}",
                    attributes,
                    reason,
                )
            )
        self.seen += len(batch)
        return batch


def _undeclared(organisation: int | None) -> str:
    return NO_ORGANISATION if organisation is None else str(organisation)


def _silent(device: Device, serial: str | None) -> bytes:
    """Evidence of a silent device: its last contact stands still."""
    state, since = device.approval_status, datetime.fromtimestamp(device.last_contact or 0, UTC)
    return encode(
        Facts(
            node_class=device.node_class,
            role=device.node_role_id,
            serial=serial,
            silent_since=since.date().isoformat(),
            state=None if state == "APPROVED" else state,
        )
    )
