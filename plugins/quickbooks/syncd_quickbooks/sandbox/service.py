"""What the interface of one company does: reads, writes, batches of them, queries, changes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from syncd_quickbooks.sandbox import catalogue, feed, payments, query, sales
from syncd_quickbooks.sandbox.company import LISTS, NAMES, TRANSACTIONS, Company, Row
from syncd_quickbooks.sandbox.refusals import Refusal
from syncd_quickbooks.sandbox.replays import LONGEST_ITEM, Replays

PATHS: Final = {kind.casefold(): kind for kind in (*LISTS, *TRANSACTIONS)}
MOST_ITEMS: Final = 30
_WRITABLE: Final = (*NAMES, "Item", *TRANSACTIONS)
ALLOW_DUPLICATES: Final = "allowduplicatedocnum"

encode: Final = msgspec.json.Encoder(decimal_format="number").encode


class Service:
    """One company's side of the interface.

    Attributes:
        company: what it works on.
        replays: request ids.
        mails: ids of invoices that were sent by e-mail; syncd must never make one.
        batches: sizes of the batches that came.
    """

    def __init__(self, company: Company) -> None:
        self.company = company
        self.replays = Replays(company.options)
        self.mails: list[str] = []
        self.batches: list[int] = []

    def single(self, kind: str) -> Row:
        """What there is one of: `CompanyInfo` or `Preferences`."""
        company, options = self.company, self.company.options
        if kind == "CompanyInfo":
            country = "US" if options.us else "GB"
            return {
                "Id": "1",
                "SyncToken": "4",
                "domain": "QBO",
                "sparse": False,
                "CompanyName": "Bluebird IT",
                "LegalName": "Bluebird IT",
                "Country": country,
                "CompanyAddr": {"Country": country, "CountrySubDivisionCode": options.home_state},
                "FiscalYearStartMonth": "January",
                "SupportedLanguages": "en",
                "NameValue": [{"Name": "OfferingSku", "Value": "QuickBooks Online Plus"}],
                "MetaData": {"CreateTime": company.now(), "LastUpdatedTime": company.now()},
            }
        accounting: Row = {"TrackDepartments": False, "ClassTrackingPerTxnLine": True}
        if options.books_closed is not None:
            accounting["BookCloseDate"] = options.books_closed.isoformat()
        return {
            "Id": "1",
            "SyncToken": "6",
            "domain": "QBO",
            "sparse": False,
            "AccountingInfoPrefs": accounting,
            "SalesFormsPrefs": {
                "CustomTxnNumbers": options.own_numbers,
                "AutoApplyCredit": options.auto_apply,
                "AllowDiscount": False,
                "DefaultTerms": {"value": "3"},
            },
            "TaxPrefs": {"UsingSalesTax": True, "PartnerTaxEnabled": options.us},
            "CurrencyPrefs": {
                "MultiCurrencyEnabled": company.multicurrency,
                "HomeCurrency": {"value": company.currency},
            },
            "MetaData": {"CreateTime": company.now(), "LastUpdatedTime": company.now()},
        }

    def read(self, path: str, number: str) -> Row:
        """One object under its kind.

        Raises:
            Refusal: 610, there is none.
        """
        if path in {"companyinfo", "preferences"}:
            kind = {"companyinfo": "CompanyInfo", "preferences": "Preferences"}[path]
            return {kind: self.single(kind)}
        kind = _kind(path)
        return {kind: self.company.row(kind, number)}

    def search(self, text: str) -> Row:
        """The body of an answer to a query."""
        return {"QueryResponse": query.asked(self.company, text, self.single)}

    def changed(self, entities: str, since: str) -> Row:
        """The body of an answer of the feed."""
        return feed.changes(self.company, entities, since)

    def write(self, path: str, payload: Any, asked: Mapping[str, str]) -> Row:
        """Create, change, void or delete one object.

        Args:
            path: of the kind, lower-case.
            payload: decoded body.
            asked: `operation` and `include` of the address.

        Raises:
            Refusal: as each kind refuses.
        """
        kind = _kind(path)
        operation = asked.get("operation") or asked.get("include", "")
        if operation not in {"delete", "void"}:
            operation = "update" if isinstance(payload, dict) and payload.get("Id") else "create"
        duplicates = asked.get("include") == ALLOW_DUPLICATES
        return {kind: self._do(kind, operation, payload, duplicates=duplicates)}

    def send(self, number: str) -> Row:
        """E-mail an invoice to the customer."""
        found = self.company.row("Invoice", number)
        found["EmailStatus"] = "EmailSent"
        self.company.touch("Invoice", found)
        self.mails.append(number)
        return {"Invoice": found}

    def batch(self, body: Any, request_id: str) -> Row:
        """Do items one by one; each has an answer or a fault of its own.

        Raises:
            Refusal: 2010, 2130, 1040: the batch as a whole cannot be taken.
        """
        items = body.get("BatchItemRequest") if isinstance(body, dict) else None
        if not isinstance(items, list) or not items:
            raise Refusal("2010", "BatchItemRequest is missing", element="BatchItemRequest")
        if len(items) > MOST_ITEMS:
            raise Refusal("1040", f"{len(items)} items, at most {MOST_ITEMS}")
        names = [str(item.get("bId") or "") for item in items]
        if not all(names) or len(set(names)) != len(names):
            raise Refusal("2010", "each item needs a bId of its own", element="bId")
        if request_id and any(len(name) > LONGEST_ITEM for name in names):
            raise Refusal("2130", f"bId is longer than {LONGEST_ITEM} characters", element="bId")
        self.batches.append(len(items))
        answers = [self._item(item, request_id) for item in items]
        if self.company.options.batch_order == "reversed":
            answers.reverse()
        return {"BatchItemResponse": answers}

    def _item(self, item: Row, request_id: str) -> Row:
        by_item = request_id and self.company.options.batch_replay == "items"
        key = f"{request_id}-{item['bId']}" if by_item else ""
        try:
            known: Row | None = self.replays.find(key, encode(item))
            if known is None:
                # Written at once, since later items may change the object.
                known = {name: msgspec.Raw(encode(one)) for name, one in self._tried(item).items()}
                self.replays.keep(key, known, fault="Fault" in known)
        except Refusal as refusal:
            known = {"Fault": refusal.fault()}
        return {"bId": item["bId"], **known}

    def _tried(self, item: Row) -> Row:
        try:
            return self._done(item)
        except Refusal as refusal:
            return {"Fault": refusal.fault()}

    def _done(self, item: Row) -> Row:
        options = self.company.options
        if options.throttled_items > 0:
            options.throttled_items -= 1
            raise Refusal("3001", "errorCode=003001; the app made too many requests")
        if "Query" in item:
            return self.search(str(item["Query"]))
        kinds = [kind for kind in _WRITABLE if kind in item]
        if len(kinds) != 1 or item.get("operation") not in {"create", "update", "delete"}:
            raise Refusal("2010", "an item needs an operation and one object")
        operation, extra = item["operation"], str(item.get("optionsData") or "")
        if operation == "update" and extra == "void":
            operation = "void"
        duplicates = extra == ALLOW_DUPLICATES
        return {kinds[0]: self._do(kinds[0], operation, item[kinds[0]], duplicates=duplicates)}

    def _do(self, kind: str, operation: str, payload: Any, *, duplicates: bool) -> Row:
        if kind not in _WRITABLE or not isinstance(payload, dict):
            raise Refusal("5030", f"{kind} cannot be written")
        company = self.company
        if operation == "create":
            return self._created(kind, payload, duplicates=duplicates)
        if kind in sales.NUMBERED:
            if operation == "update":
                return sales.update(company, kind, payload, duplicates=duplicates)
            if operation == "delete":
                return sales.delete(company, kind, payload)
            if kind == "Invoice":
                return sales.void(company, payload)
        elif kind == "Payment":
            if operation == "update":
                return payments.update(company, payload)
            return payments.delete(company, payload, void=operation == "void")
        elif operation == "update":
            return catalogue.update(company, kind, payload)
        raise Refusal("5030", f"{kind} cannot be {operation}ed")

    def _created(self, kind: str, payload: Row, *, duplicates: bool) -> Row:
        company = self.company
        if kind in sales.NUMBERED:
            code = company.options.refused_items.pop(str(payload.get("DocNumber")), "")
            if code:
                raise Refusal(code, "refused by the simulator's options")
            made = sales.create(company, kind, payload, duplicates=duplicates)
            if kind == "Invoice" and company.options.auto_apply:
                payments.apply_credits(company, made)
            return made
        if kind == "Payment":
            return payments.create(company, payload)
        return catalogue.create(company, kind, payload)


def _kind(path: str) -> str:
    kind = PATHS.get(path)
    if kind is None:
        raise Refusal("5030", f"there is nothing at {path}")
    return kind
