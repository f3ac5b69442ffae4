"""What can be set on the simulator, mostly where HaloPSA's own behaviour is not documented."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal

from syncd_halopsa.sandbox import CLIENT_ID, SECRET, TENANT

EVERYTHING = (
    "read:customers",
    "read:assets",
    "edit:assets",
    "read:suppliers",
    "read:invoices",
    "edit:invoices",
    "read:softwarelicensing",
    "edit:softwarelicensing",
    "read:items",
    "read:contracts",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The switches of one simulator.

    Attributes:
        client_id: of the one API application.
        client_secret: its secret.
        tenant: name that the token request must carry, if it carries one.
        tenant_required: refuse a token request without a tenant.
        permissions: scopes that the application may ask for.
        agent_rights: scopes that the agent it logs in as has; a token has what both allow.
        login_type: `Agent`, or `None` for an application that may do nothing at all.
        token_seconds: life of a token.
        page_cap: most rows of a page, whatever was asked for.
        default_page: rows of an answer without `pageinate=true`.
        quota_calls: API calls per window before 429; 0 means no quota.
        quota_seconds: length of the window.
        retry_after: say in the 429 when to come back.
        multi_answer: what a POST of an array answers: its last record, all of them, or nothing.
        partial_failure: what a bad element does: `stop` saves those before it, `atomic` saves
            none, `skip` saves all others and answers as if nothing had been wrong.
        truncate: cut too long texts in silence instead of refusing them.
        key_width: characters that product_sku and its like hold.
        search_fields: fields of a subscription that `search` looks into.
        ids_as_floats: show ids as 12.0.
        list_lines: what a list of recurring invoices shows with includelines: `full`, `bare` lines
            without the sources of their quantities, or `none`.
        instance_info: whether the version may be read.
        extras: add what people made by hand: see `seed.py`.
        recurring_lines: what `lines` of a posted recurring invoice are: `replace`, the full set,
            each line as it was sent; or `merge`, those that are to change.
        linked_by: how a line finds the subscriptions it counts: `id`, or `name` within its client.
        lines_follow_subscription: leave out a line whose linked subscriptions are all inactive.
        allow_negative_prorata: prorate a count that falls as well.
        proration_lines: a change before the invoiced period is charged for the rest of the old
            period and for the whole new one: `one` line has both, or `two` have one each. A line's
            own `createproratanormallines = 1` means two.
        invoiced_period: an invoice is for the period that begins on its next creation date
            (`ahead`), or for the one that ends there (`behind`).
        period_months: code of a period → its months. No source gives HaloPSA's codes.
        due_days: days from the date of an invoice until it is due.
        default_tax: tax code of an invoiced line that names none, as its client's own tax would be.
        line_decimals: decimals to which amounts of an invoice's lines are rounded.
        sent_on_processing: an invoice made from a recurring one is sent to the client at once.
        delegated_tax: lines leave their tax to QuickBooks and show none of their own.
        posted_locked: a posted invoice takes no other change than its first posting.
        change_seq: whether a save must name the last change that it knows (`checked`), need not
            (`shown`), or the instance is too old to count them (`absent`).
        changes_filter: what `datesearch=last_modified` does: it works, it is `ignored`, or it looks
            at the `invoice_date` all the same.
        list_links: whether lists of invoices show their links to other systems.
        credit_type: `invoicetype` of a credit note.
        credit_sign: whether a credit note's amounts are `negative` or `positive`.
        alternate: an invoice to another client names it as its client (`moved`), or keeps the first
            one and points to the other (`pointed`).
        currency_shape: an invoice names its currency by `id` and symbol, or by `symbol` alone.
        xero_module: HaloPSA's own: never set up (`absent`), `off`, `on`, or not to be read.
        quickbooks_module: likewise.
        history: which clients have subscriptions and recurring lines that people made over the
            years, see `history.py`: ids of clients, or how many of the first ones.
        monotonic: seconds, for tokens and quota.
    """

    client_id: str = CLIENT_ID
    client_secret: str = SECRET
    tenant: str = TENANT
    tenant_required: bool = False
    permissions: tuple[str, ...] = EVERYTHING
    agent_rights: tuple[str, ...] = EVERYTHING
    login_type: Literal["Agent", "None"] = "Agent"
    token_seconds: float = 3600.0
    page_cap: int = 100
    default_page: int = 50
    quota_calls: int = 300
    quota_seconds: float = 300.0
    retry_after: bool = False
    multi_answer: Literal["object", "array", "empty"] = "object"
    partial_failure: Literal["stop", "atomic", "skip"] = "stop"
    truncate: bool = False
    key_width: int = 1000
    search_fields: tuple[str, ...] = ("name", "product_sku", "manufacturer")
    ids_as_floats: bool = False
    list_lines: Literal["full", "bare", "none"] = "full"
    instance_info: bool = True
    extras: bool = True
    recurring_lines: Literal["replace", "merge"] = "replace"
    linked_by: Literal["id", "name"] = "id"
    lines_follow_subscription: bool = False
    allow_negative_prorata: bool = False
    proration_lines: Literal["one", "two"] = "two"
    invoiced_period: Literal["ahead", "behind"] = "ahead"
    period_months: Mapping[int, int] = field(
        default_factory=lambda: MappingProxyType({3: 1, 4: 3, 5: 6, 6: 12})
    )
    due_days: int = 30
    default_tax: str = "1"
    line_decimals: int = 2
    sent_on_processing: bool = True
    delegated_tax: bool = False
    posted_locked: bool = False
    change_seq: Literal["checked", "shown", "absent"] = "checked"
    changes_filter: Literal["works", "ignored", "invoice_date"] = "works"
    list_links: bool = False
    credit_type: int = 1
    credit_sign: Literal["negative", "positive"] = "negative"
    alternate: Literal["moved", "pointed"] = "moved"
    currency_shape: Literal["id", "symbol"] = "id"
    xero_module: Literal["absent", "off", "on", "unreadable"] = "absent"
    quickbooks_module: Literal["absent", "off", "on", "unreadable"] = "absent"
    history: int | tuple[int, ...] = 0
    monotonic: Callable[[], float] = time.monotonic
