"""What past months would have cost under another policy, beside what was billed for them.

Every month is reckoned twice from its own counts, with the decisions that hold for it now and with
the policy laid over them. Nothing is written, and the PSA is not asked.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from syncd.core.service.billing_effect import money_of
from syncd.core.service.clients import choose_clients
from syncd.core.service.draft import Draft
from syncd.core.service.policy import Policy
from syncd.core.service.whatif import NO_COUNTS, Terms, both, concerned
from syncd.core.store.billed_totals import BilledTotal, billed_totals
from syncd.core.store.billing_data import load_billing_data
from syncd.core.store.references import ReferenceKind
from syncd.sdk.period import Period, last_finished

if TYPE_CHECKING:
    from syncd.core.store.database import Database

NO_COUNTS_NOTE = "no counts"


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientMonth:
    """A client's month.

    Attributes:
        client: PSA client id.
        client_name: for people.
        period: `YYYY-MM`.
        billed: what its final bills say, None where there is none or their money is not known.
        present: what the decisions that hold now make of it, None where its bill would stop.
        other: what the other policy makes of it, likewise.
        difference: other minus present, None where one of them is not known.
        present_cost: as `present`, of the cost.
        other_cost: likewise.
        note: why figures are missing, or empty.
    """

    client: str
    client_name: str
    period: str
    billed: Decimal | None
    present: Decimal | None
    other: Decimal | None
    difference: Decimal | None
    present_cost: Decimal | None
    other_cost: Decimal | None
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientYear:
    """The months of a client together; sums of what is known.

    Attributes:
        client: PSA client id, empty for the sum of all.
        client_name: for people.
        billed: sum over the months.
        present: likewise.
        other: likewise.
        difference: likewise.
    """

    client: str
    client_name: str
    billed: Decimal
    present: Decimal
    other: Decimal
    difference: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Simulation:
    """What a policy would have made of past months.

    Attributes:
        currency: of all money.
        periods: the months, the oldest first.
        months: clients that the policy concerns, the largest difference first, each with its
            months in order.
        clients: their sums, in the same order.
        total: of them all.
        unconcerned: how many clients are billed the same whatever the policy says.
    """

    currency: str
    periods: tuple[str, ...]
    months: tuple[ClientMonth, ...]
    clients: tuple[ClientYear, ...]
    total: ClientYear
    unconcerned: int


async def simulate(
    database: Database, policy: Policy, terms: Terms, *, last: int, clients: Collection[str] = ()
) -> Simulation:
    """Reckon the last finished months with another policy.

    Args:
        database: it is only read.
        policy: what is tried.
        terms: by what to reckon.
        last: how many months, 1 or more.
        clients: only these, by id or by a name that one client has.

    Raises:
        ClientUnknown: a client was named that is not exactly one.
        StoreError: the database cannot serve.
    """
    periods = _months(last_finished(terms.now, terms.timezone), last)
    months: list[ClientMonth] = []
    looked_at: set[str] = set()
    async with database.reader() as conn:
        billed = await billed_totals(conn, [str(one) for one in periods])
        for period in periods:
            data = await load_billing_data(conn, period_first_day=period.first_day.isoformat())
            other = policy.over(data, terms.now)
            wanted = choose_clients(data, terms.psa_id, clients)
            looked_at |= {data.links[one].client_key for one in wanted if one in data.links}
            moved = concerned(data, other, terms.psa_id)
            accounts = [one for one in wanted if one in moved]
            if not accounts:
                continue
            one, two = await both(conn, data, other, accounts, terms, period)
            names = data.references.of(terms.psa_id, ReferenceKind.CLIENT)
            months += client_months(
                str(period),
                list(one.drafts(accounts)),
                list(two.drafts(accounts)),
                [total for total in billed if total.period == str(period)],
                {key: entry.name for key, entry in names.items()},
            )
    return summed(
        months,
        periods=[str(one) for one in periods],
        currency=terms.rules.currency,
        looked_at=looked_at,
    )


def client_months(
    period: str,
    present: Sequence[Draft],
    other: Sequence[Draft],
    billed: Iterable[BilledTotal],
    names: Mapping[str, str],
) -> list[ClientMonth]:
    """One month of every client that has a draft; accounts without a client are left out."""
    one, two = _by_client(present), _by_client(other)
    sent: dict[str, list[Decimal | None]] = {}
    for total in billed:
        sent.setdefault(total.client_key, []).append(total.total_price)
    found = []
    for client in sorted(one.keys() | two.keys()):
        before, after = _money(one.get(client, [])), _money(two.get(client, []))
        found.append(
            ClientMonth(
                client=client,
                client_name=names.get(client, client),
                period=period,
                billed=_sum_known(sent.get(client, [None])),
                present=before[0],
                other=after[0],
                difference=None if before[0] is None or after[0] is None else after[0] - before[0],
                present_cost=before[1],
                other_cost=after[1],
                note=_note([*one.get(client, ()), *two.get(client, ())]),
            )
        )
    return found


def summed(
    months: Sequence[ClientMonth],
    *,
    periods: Sequence[str],
    currency: str,
    looked_at: Collection[str],
) -> Simulation:
    """Months with their sums, the client with the largest difference first."""
    by_client: dict[str, list[ClientMonth]] = {}
    for month in months:
        by_client.setdefault(month.client, []).append(month)
    years = sorted(
        (_year(client, found[0].client_name, found) for client, found in by_client.items()),
        key=lambda year: (-abs(year.difference), year.client_name.casefold(), year.client),
    )
    return Simulation(
        currency=currency,
        periods=tuple(periods),
        months=tuple(month for year in years for month in by_client[year.client]),
        clients=tuple(years),
        total=_year("", "", months),
        unconcerned=len(set(looked_at) - by_client.keys()),
    )


def _months(newest: Period, count: int) -> list[Period]:
    found = [newest]
    while len(found) < count:
        found.append(found[-1].previous())
    return found[::-1]


def _by_client(drafts: Iterable[Draft]) -> dict[str, list[Draft]]:
    found: dict[str, list[Draft]] = {}
    for draft in drafts:
        if draft.client:
            found.setdefault(draft.client, []).append(draft)
    return found


def _money(drafts: Sequence[Draft]) -> tuple[Decimal | None, Decimal | None]:
    """Price and cost of a client's bills; None where one of them would stop."""
    if any(draft.bill.errors for draft in drafts):
        return None, None
    sums = [money_of(draft.bill.lines) for draft in drafts]
    return sum((one[0] for one in sums), Decimal(0)), sum((one[1] for one in sums), Decimal(0))


def _note(drafts: Sequence[Draft]) -> str:
    codes = dict.fromkeys(code for draft in drafts for code in draft.bill.errors)
    return ", ".join(
        NO_COUNTS_NOTE if code == NO_COUNTS else f"would stop: {code}" for code in codes
    )


def _sum_known(amounts: Sequence[Decimal | None]) -> Decimal | None:
    known = [amount for amount in amounts if amount is not None]
    return sum(known, Decimal(0)) if len(known) == len(amounts) else None


def _year(client: str, name: str, months: Iterable[ClientMonth]) -> ClientYear:
    sums = {
        "billed": Decimal(0),
        "present": Decimal(0),
        "other": Decimal(0),
        "difference": Decimal(0),
    }
    for month in months:
        for part in sums:
            sums[part] += getattr(month, part) or Decimal(0)
    return ClientYear(client=client, client_name=name, **sums)
