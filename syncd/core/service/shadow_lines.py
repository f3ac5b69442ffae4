"""Our lines of a month as a comparison with the PSA needs them, before anything is matched."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal

from syncd.core.billing.adoption import OpenLine
from syncd.core.billing.drift import plain_name
from syncd.core.billing.model import Line, Mode
from syncd.core.service.draft import Draft, Drafting
from syncd.core.service.shadow_match import Known
from syncd.core.service.shadow_rows import OurSide
from syncd.core.store.billing_data import BillingData


@dataclass(frozen=True, slots=True, kw_only=True)
class OurLine:
    """A line of ours, or a bill that cannot be computed.

    Attributes:
        key: unique over all bills.
        draft: the bill it is of.
        line: None for a bill that cannot be computed.
        side: its figures.
    """

    key: str
    draft: Draft
    line: Line | None
    side: OurSide


@dataclass(frozen=True, slots=True)
class ShadowLines:
    """Makes them from drafts.

    Attributes:
        drafting: what the drafts were made from.
        marker: what the PSA's field holds for a key.
    """

    drafting: Drafting
    marker: Callable[[str], str]
    _names: dict[tuple[int, str], str] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        products = self.drafting.data.products.values()
        self._names.update({(one.connection_id, one.key): one.name for one in products})

    def of(self, draft: Draft) -> Iterator[OurLine]:
        """The lines of a bill, or one stand-in where it cannot be computed."""
        common = OurSide(
            client=draft.client,
            client_name=draft.client_name,
            account=draft.account.key,
            connection=draft.connection.name,
            name=draft.account.name,
            stopped=draft.bill.errors or (draft.bill.warnings if draft.frozen else ()),
        )
        if common.stopped:
            yield OurLine(key=draft.key, draft=draft, line=None, side=common)
            return
        for line in draft.bill.lines:
            side = replace(
                common,
                line=line.key,
                name=line.name or line.key,
                products=self._products(draft, line),
                units=Decimal(line.units),
                money=line.total_price,
                total_mode=line.mode is Mode.TOTAL,
            )
            yield OurLine(key=f"{draft.key}|{line.key}", draft=draft, line=line, side=side)

    def opened(self, one: OurLine) -> OpenLine:
        """The line as adoption looks at it."""
        assert one.line is not None
        state = self.drafting.states(one.draft.books).get(one.line.key)
        return OpenLine(
            key=one.key,
            marker=self.marker(state.key if state is not None else one.key),
            client=one.draft.client,
            site=one.draft.site,
            name=one.side.name,
            names=one.side.products,
            codes=tuple(item.product for item in one.line.products),
            asset_type=one.line.asset_type,
            units=one.line.units,
            unit_price=one.line.unit_price,
        )

    def remotes(self, held: Sequence[OurLine]) -> dict[str, str]:
        """The records of ours that stand for a line; of a bill that stops, all its records."""
        found: dict[str, str] = {}
        for one in held:
            states = one.draft.books.states(self.drafting.style, self.drafting.period)
            for key, state in states.items():
                if state.remote and (one.line is None or one.line.key == key):
                    found[state.remote] = one.key
        return found

    def _products(self, draft: Draft, line: Line) -> tuple[str, ...]:
        place = draft.connection.id
        return tuple(self._names.get((place, one.product), one.product) for one in line.products)


def known_kinds(data: BillingData, ours: Mapping[str, Sequence[OurLine]]) -> Known:
    """What we count anywhere: asset types, and names of products and lines."""
    held = (*data.shared_configurations.values(), *data.own_configurations.values())
    types = {one.asset_type_key for one in data.asset_types.values()}
    types |= {one.asset_type_key for own in held for one in own if one.asset_type_key}
    names = {plain_name(one.name) for one in data.products.values()}
    names |= {plain_name(one.side.name) for lines in ours.values() for one in lines if one.line}
    return Known(asset_types=types, names=names - {""})
