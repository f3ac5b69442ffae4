"""A part of a payment is recorded, known or held, and never more than an invoice is worth."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from itertools import product

import pytest

from syncd.core.invoicing.receipts import Held, Known, Owed, Receipt, Record, judge
from syncd.sdk.invoice_records import DocumentKind, PsaPayment

DAY = date(2026, 11, 20)
MARK = "syncd-abcdefghijklmnop"


def receipt(amount: str = "10", **more: object) -> Receipt:
    values = {"amount": Decimal(amount), "currency": "GBP", "dated": DAY, **more}
    return Receipt(**values)  # type: ignore[arg-type]


def owed(*payments: PsaPayment, **more: object) -> Owed:
    values = {
        "kind": DocumentKind.INVOICE,
        "number": "INV-1",
        "currency": "GBP",
        "total": Decimal(24),
        "stands": True,
        "payments": payments,
        **more,
    }
    return Owed(**values)  # type: ignore[arg-type]


def paid(amount: str, day: date = DAY, remote: str = "p", reference: str = "") -> PsaPayment:
    return PsaPayment(
        remote=remote, invoice="1", amount=Decimal(amount), dated=day, reference=reference
    )


@pytest.mark.parametrize(
    ("part", "against", "verdict"),
    [
        (receipt(), owed(), Record(Decimal(10))),
        (receipt(), owed(paid("10")), Known("p", ours=False)),
        (receipt(), owed(paid("10"), claimed={"p"}), Record(Decimal(10), alike=1)),
        (receipt(), owed(paid("10", reference="syncd-other")), Record(Decimal(10))),
        (
            receipt(marks=frozenset({MARK})),
            owed(paid("10", date(2025, 1, 1), reference=f"bank {MARK}")),
            Known("p", ours=True),
        ),
        (receipt(is_new=True), owed(paid("10", date(2026, 11, 18))), Record(Decimal(10))),
        (receipt(is_new=True), owed(paid("10")), Record(Decimal(10), alike=1)),
        (receipt(already=Decimal(10)), owed(), Known("", ours=True)),
        (receipt("15", already=Decimal(10)), owed(paid("10")), Record(Decimal(5))),
        (
            receipt(deleted=True, already=Decimal(10), marks=frozenset({MARK})),
            owed(paid("10", reference=MARK)),
            Record(Decimal(-10)),
        ),
        (
            receipt(deleted=True, already=Decimal(10), marks=frozenset({MARK})),
            owed(),
            Known("", ours=True),
        ),
        (receipt(deleted=True), owed(paid("10")), Known("", ours=True)),
        (receipt("15", left=Decimal(10)), owed(paid("15")), Known("p", ours=False)),
        (receipt("15", left=Decimal(10), is_new=True), owed(), Record(Decimal(15))),
        (
            receipt(deleted=True, already=Decimal(10), echoed=True, is_new=True),
            owed(paid("10")),
            Record(Decimal(-10)),
        ),
        (
            receipt(
                deleted=True,
                already=Decimal(10),
                still=True,
                is_new=True,
                marks=frozenset({MARK}),
            ),
            owed(paid("10", reference=MARK)),
            Record(Decimal(-10)),
        ),
        (receipt(deleted=True, already=Decimal(10), still=True), owed(), Known("", ours=True)),
    ],
    ids=[
        "new",
        "echo",
        "echo of another part",
        "ours of another part",
        "ours by its mark",
        "a person said so",
        "a person said so of one of that day",
        "recorded before",
        "grew",
        "taken back",
        "taken back on both sides",
        "never recorded",
        "left before, and entered by hand as it is now",
        "left before, and a person said that it is not there",
        "a person takes back what others entered",
        "a person says that it is taken back",
        "not named any more, and not in the PSA either",
    ],
)
def test_what_a_part_is(part: Receipt, against: Owed, verdict: object) -> None:
    assert judge(part, against) == verdict


@pytest.mark.parametrize(
    ("part", "against", "code"),
    [
        (receipt(currency="EUR"), owed(), "PAYMENT_CURRENCY"),
        (receipt(), owed(kind=DocumentKind.CREDIT), "PAYMENT_OF_CREDIT"),
        (receipt(), owed(stands=False), "PAYMENT_OF_VOIDED"),
        (receipt(), owed(paid("15")), "PAYMENT_EXCEEDS"),
        (receipt(), owed(under_way=Decimal(20)), "PAYMENT_EXCEEDS"),
        (receipt(), owed(paid("10", date(2026, 11, 18))), "PAYMENT_UNCLEAR"),
        (
            receipt(deleted=True, already=Decimal(10), echoed=True),
            owed(paid("10")),
            "PAYMENT_TAKEN_BACK",
        ),
        (receipt("15", left=Decimal(10)), owed(), "PAYMENT_UNCLEAR"),
        (receipt("15", left=Decimal(10)), owed(paid("10")), "PAYMENT_UNCLEAR"),
        (receipt("15", already=Decimal(8), left=Decimal(10)), owed(paid("15")), "PAYMENT_UNCLEAR"),
        (
            receipt("15", already=Decimal(20), left=Decimal(25), marks=frozenset({MARK})),
            owed(paid("20", reference=MARK)),
            "PAYMENT_UNCLEAR",
        ),
        (
            receipt(deleted=True, already=Decimal(10), still=True, marks=frozenset({MARK})),
            owed(paid("10", reference=MARK)),
            "PAYMENT_UNCLEAR",
        ),
    ],
    ids=[
        "currency",
        "credit",
        "voided",
        "exceeds",
        "under way",
        "unclear",
        "taken back",
        "left before",
        "left before, and entered then",
        "left since it was recorded",
        "smaller, and left since it was recorded",
        "not named any more, and settled all the same",
    ],
)
def test_what_a_person_must_look_at(part: Receipt, against: Owed, code: str) -> None:
    verdict = judge(part, against)
    assert isinstance(verdict, Held)
    assert verdict.code == code


def test_the_psa_never_knows_of_more_than_the_invoice_is_worth() -> None:
    amounts = ("1", "10", "14", "24", "25")
    for amount, known, under_way in product(amounts, amounts, ("0", "10")):
        against = owed(paid(known, date(2020, 1, 1)), under_way=Decimal(under_way))
        verdict = judge(receipt(amount), against)
        if isinstance(verdict, Record):
            assert Decimal(known) + Decimal(under_way) + verdict.amount <= against.total
