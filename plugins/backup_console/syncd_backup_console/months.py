"""The console's figures of a month: bytes stored and restored by user, and the price of limits.

They can be read for months that are over, and may still be corrected then; each belongs to the
month that was asked for.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Final

from syncd.sdk.errors import ProtocolError
from syncd.sdk.money import to_scaled
from syncd.sdk.records import Observation
from syncd_backup_console.config import BackupConsoleConfig
from syncd_backup_console.directory import INTERNAL, Directory, Place
from syncd_backup_console.evidence import Facts, encode
from syncd_backup_console.models import Bill, UserDetails, UserMonth, normal_id
from syncd_backup_console.products import LIMIT_ALL, RESTORE_ALL, STORAGE_ALL, Catalogue

BY_BILL: Final = "bill"


class Month:
    """The units of one month."""

    def __init__(
        self,
        directory: Directory,
        catalogue: Catalogue,
        config: BackupConsoleConfig,
        *,
        connection: str,
    ) -> None:
        self._directory = directory
        self._catalogue = catalogue
        self._currency = config.currency
        self._volumes = config.storage != "off"
        self._in_one = config.storage == "all"
        self._connection = connection
        self._by_name: set[str] = set()
        self._unassigned: dict[str, str] = {}
        self._apart: list[str] = []

    def users(self, bill: Bill) -> list[Observation]:
        """Storage, restores and limits of every user who has some.

        Raises:
            ProtocolError: an amount that is no money, or totals without any user behind them.
        """
        self._compare(bill)
        units: list[Observation] = []
        for row in bill.users:
            figures = self._figures(row)
            if not figures:
                continue
            place, joined = self._place(row)
            facts = Facts(joined=joined)
            priced = Facts(currency=self._currency, joined=joined)
            unit = normal_id(row.user_id) or (row.login or "").casefold()
            units += [
                Observation(
                    place.account,
                    product,
                    unit,
                    quantity,
                    row.login or unit,
                    encode(priced if product == LIMIT_ALL else facts),
                    place.reason,
                )
                for product, quantity in figures.items()
            ]
        return units

    def computers(
        self, bill: Bill, details: Iterable[UserDetails], names: Mapping[str, str | None]
    ) -> list[Observation]:
        """Storage by account: one unit per user and computer.

        Args:
            bill: of the same month.
            details: of its users with storage.
            names: of storage accounts, by id.

        Raises:
            ProtocolError: the computers of a user are not all of the user's storage.
        """
        rows = {normal_id(row.user_id): row for row in bill.users}
        units: list[Observation] = []
        for detail in details:
            user_id = normal_id(detail.user_id)
            row = rows.get(user_id)
            if row is None:
                raise self._broken("answered the details of another user than was asked for")
            if sum(one.stored for one in detail.computers) != detail.stored:
                raise self._broken("names computers whose storage is not the user's total")
            stored: Counter[tuple[str, str]] = Counter()
            for one in detail.computers:
                stored[normal_id(one.account), one.computer or ""] += one.stored
            place, joined = self._place(row)
            facts = encode(Facts(joined=joined, user=row.login))
            units += [
                Observation(
                    place.account,
                    self._catalogue.storage(account, names.get(account)),
                    f"{user_id}/{computer.casefold()}",
                    quantity,
                    computer or row.login or user_id,
                    facts,
                    place.reason,
                )
                for (account, computer), quantity in stored.items()
                if quantity
            ]
        return units

    def notes(self) -> list[str]:
        """What belongs to nobody, what was joined by a name, and totals that differ."""
        notes = list(self._apart)
        if self._by_name:
            notes.append(
                f"JOINED_BY_NAME: {_rows(len(self._by_name))} joined by the company named in the"
                " console's bill, since the user is gone or belongs to another company now"
            )
        if self._unassigned:
            reasons = Counter(self._unassigned.values())
            why = ", ".join(f"{n} {reason}" for reason, n in sorted(reasons.items()))
            notes.append(f"UNASSIGNED_USAGE: counted for nobody, since without a company: {why}")
        return notes

    def _figures(self, row: UserMonth) -> dict[str, int]:
        """Quantity by product, without what is nothing."""
        figures = {}
        if self._in_one:
            figures[STORAGE_ALL] = row.average
        if self._volumes:
            figures[RESTORE_ALL] = row.restored
        if self._currency is not None:
            try:
                figures[LIMIT_ALL] = to_scaled(row.limit)
            except ValueError as error:
                raise self._broken("answered a limit's price that is no money") from error
        return {product: quantity for product, quantity in figures.items() if quantity}

    def _place(self, row: UserMonth) -> tuple[Place, str | None]:
        """Where the month belongs, and how that was found out where not by the user's id.

        The name in the bill is who was billed then, so it goes before where the user is now.
        """
        who = normal_id(row.user_id) or (row.login or "")
        billed = self._directory.exactly(row.company)
        user = self._directory.user(row.user_id)
        if billed is not None and (user is None or user.account != billed.account):
            self._by_name.add(who)
            return billed, BY_BILL
        place = user or self._directory.place(row.company, gone=True)
        if place.reason is not None and place.reason != INTERNAL:
            self._unassigned[who] = place.reason
        return place, None if user else BY_BILL

    def _compare(self, bill: Bill) -> None:
        """Hold the rows against the totals; each row may be off by what rounding takes."""
        for what, total, found in (
            ("bytes stored", bill.average, sum(row.average for row in bill.users)),
            ("bytes restored", bill.restored, sum(row.restored for row in bill.users)),
        ):
            if abs(total - found) <= len(bill.users):
                continue
            if not found:
                raise self._broken(f"states {total} {what} in total and none of any user")
            self._apart.append(
                f"TOTAL_MISSED: {total} {what} in total, {found} by user; the latter count"
            )

    def _broken(self, what: str) -> ProtocolError:
        return ProtocolError(
            f"{self._connection}: the console's billing {what}",
            remedy="nothing was changed; the next run reads again",
            connection=self._connection,
        )


def _rows(count: int) -> str:
    return "1 user's month is" if count == 1 else f"{count} users' months are"
