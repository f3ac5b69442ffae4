"""One line of an invoice as the books shall hold it: words, quantity, price, tax, account, item.

The books keep four decimals of a quantity and of a price. A finer line is written as one piece at
its amount, with the arithmetic in its words, so that the amount stays what the client was shown.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal

from syncd.core.invoicing.adding_up import cents
from syncd.core.invoicing.ledger_map import DEFAULT, LedgerMap
from syncd.core.invoicing.problems import Problem, unmapped
from syncd.sdk.invoice_records import InvoiceLine
from syncd.sdk.ledger_records import AmountBasis, LedgerReference, ReferenceKind, TaxMeaning
from syncd.sdk.ledger_writes import LedgerLine

DECIMALS = 4
_HUNDRED = Decimal(100)
_NOTHING = Decimal(0)


@dataclass(slots=True)
class DraftedLine:
    """A line, or why there is none.

    Attributes:
        line: as it would be written; None where something is missing.
        problems: what is missing.
        notes: what was changed in form, for people.
    """

    line: LedgerLine | None = None
    problems: list[Problem] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class LineRules:
    """What a line needs to know of its document.

    Attributes:
        mapping: of the book.
        basis: of the amounts.
        needs_item: each line must name an item of the book.
        sign: -1 where a negative invoice becomes a credit note.
        about: PSA client -> name, for lines about somebody else than the invoiced client.
        client: the invoiced one.
        subject: whom the whole invoice is about, if not the invoiced client.
    """

    mapping: LedgerMap
    basis: AmountBasis
    needs_item: bool
    sign: int
    about: Mapping[str, str]
    client: str
    subject: str = ""


def draft_line(n: int, line: InvoiceLine, rules: LineRules) -> DraftedLine:
    """The n-th printed line as it would be written."""
    drafted = DraftedLine()
    words = described(line, rules)
    if line.text_only:
        drafted.line = LedgerLine(
            description=words,
            quantity=_NOTHING,
            unit_price=_NOTHING,
            net=_NOTHING,
            tax_code="",
            meaning=TaxMeaning.OUT_OF_SCOPE,
            text_only=True,
        )
        return drafted
    tax_code, meaning = _tax(n, line, rules.mapping, drafted)
    account = _target(n, line, ReferenceKind.ACCOUNT, rules, drafted)
    item = _target(n, line, ReferenceKind.ITEM, rules, drafted)
    tracking = _tracking(line, rules.mapping, drafted)
    if drafted.problems:
        return drafted
    rate = _rate(rules.mapping, tax_code) if rules.basis is AmountBasis.INCLUSIVE else _NOTHING
    quantity, price, discount, words = _amounts(n, line, words, rate, drafted)
    drafted.line = LedgerLine(
        description=words,
        quantity=rules.sign * quantity,
        unit_price=price,
        discount_percent=discount,
        net=rules.sign * cents(quantity * price * (_HUNDRED - discount) / _HUNDRED),
        tax_code=tax_code,
        meaning=meaning,
        account=account,
        item=item,
        tracking=tracking,
    )
    return drafted


def described(line: InvoiceLine, rules: LineRules) -> str:
    """The printed words, with the client that the line is about where another one is invoiced."""
    subject = line.original_client or rules.subject
    words = line.description.strip() or line.item_name.strip()
    if not subject or subject == rules.client:
        return words
    name = rules.about.get(subject, subject)
    if name.casefold() in words.casefold():
        return words
    return f"{words} (for {name})".strip()


def _amounts(
    n: int, line: InvoiceLine, words: str, rate: Decimal, drafted: DraftedLine
) -> tuple[Decimal, Decimal, Decimal, str]:
    """Quantity, price, discount and words; prices with their tax where amounts include it."""
    gross = 1 + rate / _HUNDRED
    shown = cents(line.net * gross)
    quantity, price = line.quantity, line.unit_price * gross
    discount = line.discount_percent
    if all(places(one) <= DECIMALS for one in (quantity, price, discount)):
        return quantity, price, discount, words
    finest = Decimal(1).scaleb(-DECIMALS)
    rounded = [one.quantize(finest, ROUND_HALF_UP) for one in (quantity, price, discount)]
    if places(quantity) <= DECIMALS and shown == cents(
        quantity * rounded[1] * (_HUNDRED - rounded[2]) / _HUNDRED
    ):
        drafted.notes.append(f"line {n}: its price {price} is written as {rounded[1]}")
        return quantity, rounded[1], rounded[2], words
    arithmetic = f"{plain(quantity)} x {plain(line.unit_price)}"
    if discount:
        arithmetic += f" less {plain(discount)} %"
    drafted.notes.append(f"line {n}: {arithmetic} is written as one piece at {shown}")
    return Decimal(1), shown, _NOTHING, f"{words} ({arithmetic})".strip()


def _tax(
    n: int, line: InvoiceLine, mapping: LedgerMap, drafted: DraftedLine
) -> tuple[str, TaxMeaning]:
    target, meaning = mapping.taxes.get(line.tax_code, ("", TaxMeaning.STANDARD))
    what = f"line {n} ('{line.description[:40]}')"
    if not target:
        named = f"tax {line.tax_code}" if line.tax_code else "no tax code"
        drafted.problems.append(unmapped("tax", f"{what} has {named}, which is mapped to none"))
        return "", TaxMeaning.STANDARD
    meaning = TaxMeaning(meaning) if meaning else TaxMeaning.STANDARD
    reference = mapping.references.get((ReferenceKind.TAX, target))
    if not usable(reference):
        drafted.problems.append(_unusable("TAX", f"{what}: tax {target} cannot be used any more"))
        return target, meaning
    rate = _rate(mapping, target)
    if meaning is not TaxMeaning.STANDARD and (rate or line.tax):
        message = f"{what}: tax {target} means {meaning.value}, and there are {rate} % of tax"
        drafted.problems.append(Problem(code="TAX_MEANING_DIFFERS", message=message))
    elif line.tax_rate is not None and reference and reference.rates and line.tax_rate != rate:
        message = f"{what} has {line.tax_rate} % of tax, and {target} of the books has {rate} %"
        remedy = "Mend the mapping of taxes: `syncd map books NAME --export FILE`."
        drafted.problems.append(Problem(code="TAX_RATE_DIFFERS", message=message, remedy=remedy))
    return target, meaning


def _target(
    n: int, line: InvoiceLine, kind: ReferenceKind, rules: LineRules, drafted: DraftedLine
) -> str:
    """Key of the account or the item of a line; empty where the book can do without."""
    account = kind is ReferenceKind.ACCOUNT
    known = rules.mapping.accounts if account else rules.mapping.items
    source = line.account if account else line.item
    target = known.get(source, "") if source else ""
    target = target or known.get(DEFAULT, "")
    what = f"line {n} ('{line.description[:40]}')"
    if not target:
        named = source or line.item_name or "nothing"
        if rules.needs_item != account:
            noun = "account" if account else "item"
            message = f"{what} has {noun} {named} in the PSA, which is mapped to none"
            drafted.problems.append(unmapped(noun, message))
        return ""
    if not usable(rules.mapping.references.get((kind, target))):
        message = f"{what}: {kind.value} {target} of the books cannot be used any more"
        drafted.problems.append(_unusable(kind.name, message))
    return target


def _tracking(line: InvoiceLine, mapping: LedgerMap, drafted: DraftedLine) -> tuple[str, ...]:
    found = []
    for name in line.tracking:
        target = mapping.tracking.get(name, "")
        if target and usable(mapping.references.get((ReferenceKind.TRACKING, target))):
            found.append(target)
        else:
            drafted.notes.append(f"'{name}' is written without: it is mapped to no tracking")
    return tuple(dict.fromkeys(found))


def usable(reference: LedgerReference | None) -> bool:
    """Whether documents may name it; one that was never read cannot be trusted."""
    return reference is not None and reference.active and not reference.blocked


def _rate(mapping: LedgerMap, tax: str) -> Decimal:
    reference = mapping.references.get((ReferenceKind.TAX, tax))
    return sum(reference.rates, _NOTHING) if reference is not None else _NOTHING


def _unusable(kind: str, message: str) -> Problem:
    remedy = "Make it active in the books, or map to another one; then plan again."
    return Problem(code=f"{kind}_UNUSABLE", message=message, remedy=remedy)


def places(number: Decimal) -> int:
    """Decimals that say something."""
    exponent = number.normalize().as_tuple().exponent
    return max(-exponent, 0) if isinstance(exponent, int) else 0


def plain(number: Decimal) -> str:
    """A number without trailing zeros and without an exponent."""
    return f"{number.normalize():f}"
