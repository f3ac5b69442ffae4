"""What can be set on the simulator, with what it does by default.

What Intuit's documentation leaves open is an option here, so that both readings can be tried.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Literal

from syncd_quickbooks.sandbox import CLIENT_ID, REALM, REFRESH_TOKEN, SECRET, VERIFIER


@dataclass(slots=True, kw_only=True)
class Options:
    """What can be set on the simulator, also while it runs.

    Attributes:
        client_id: of the app.
        secret: its secret.
        verifier: key of the webhooks' signature.
        realms: companies; a token opens the one that was consented to.
        consents_to: realm that a person picks at the sign-in; empty for the first.
        refresh_token: stands for a consent to `consents_to` given before; empty for none.
        token_seconds: life of an access token.
        refresh_days: life of a refresh token that is not used.
        hard_expiry_seconds: told as `x_refresh_token_hard_expires_in` to who asks for it.
        rotation: what an exchange does to the refresh token: `at_once` gives another one and kills
            the old one, `overlap` gives another one and the old one lives 24 hours more, `daily`
            repeats the same one for 24 hours.
        us: an American company: USD, automated sales tax, pseudo codes TAX and NON.
        multicurrency: customers have currencies of their own; never in `us`.
        currencies: client's id → currency of its customer.
        extras: names that confuse, inactive entries, a tax of several rates.
        own_numbers: the preference for custom transaction numbers is on.
        duplicates: a number that is taken is refused or allowed.
        duplicate_code: fault of a number that is taken.
        search_lag: seconds until a query or the feed of changes shows what was written.
        note_filterable: `PrivateNote` may stand in a query.
        deleted_suffix: inactive names end in `(deleted)`.
        inactive_code: fault for a reference to what is inactive: 610, 2500 or 6250.
        inactive_words: its words name the kind, or are the vendor's usual `vague` ones.
        void_code: fault for voiding what is paid: 6480 or 6000.
        void_note: `prepend` keeps the note behind "Voided - ", `replace` loses it.
        books_closed: last day of the closed period.
        close_password: the closed period asks for a password, which an app cannot give.
        auto_apply: credits and unapplied payments go to new invoices by themselves.
        total_tax_honoured: an American TotalTax that is sent is kept.
        inclusive_amounts: what `Amount` of a line is under TaxInclusive where `TaxInclusiveAmt` is
            not sent: `gross`, or `net`.
        sales_tax: state → percent of the American engine.
        home_state: of the company, where a document names no address.
        offset_hours: zone in which moments are told.
        quantity_decimals: quantities are silently cut to so many decimals; None keeps them.
        replay: a request id is answered again, or `off`.
        replay_seconds: how long a request id is remembered; None for ever.
        replay_other: a known id with another body gets the `same` answer, or fault 600.
        replay_faults: faults are answered again, too; else they are forgotten.
        batch_replay: a batch is repeated as a `whole` or item by item.
        batch_order: of the items in an answer: as they were sent, or `reversed`.
        busy_seconds: how long a write runs, in which its request id is answered with 600.
        realm_minute: most calls of a minute, of all apps; 0 for no limit.
        app_second: most calls of a second.
        app_minute: most calls of a minute over all of Intuit's interfaces.
        batch_minute: most batches of a minute.
        batch_realm_minute: the same of all apps.
        month_reads: reads before the month's quota is used up; 0 for no limit.
        throttle_shape: a 429's body: `gateway` casing, `entity` casing, or `text`.
        throttled_items: so many items of batches are answered with fault 3001 inside a 200.
        refused_items: number of a document → fault code that its creation gets, once.
        fault_in_200: refusals of single writes come with status 200.
        casing: of faults of entities: `upper`, or `both` in turns.
        cdc_cap: most objects in an answer of the feed.
        cdc_order: which objects the cap leaves: `newest` or `oldest`.
        consent_revoked: no refresh token is accepted.
        lost_access: every call is answered with this code, 120, 3100 or 6190; empty for none.
        monotonic: seconds, for tokens, limits and memory.
        sleep: waits on the same clock.
    """

    client_id: str = CLIENT_ID
    secret: str = SECRET
    verifier: str = VERIFIER
    realms: tuple[str, ...] = (REALM,)
    consents_to: str = ""
    refresh_token: str = REFRESH_TOKEN
    token_seconds: int = 3600
    refresh_days: int = 100
    hard_expiry_seconds: int = 157_680_000
    rotation: Literal["at_once", "overlap", "daily"] = "at_once"
    us: bool = False
    multicurrency: bool = True
    currencies: dict[int, str] = field(default_factory=dict)
    extras: bool = True
    own_numbers: bool = True
    duplicates: Literal["refused", "allowed"] = "refused"
    duplicate_code: str = "6140"
    search_lag: float = 0.0
    note_filterable: bool = False
    deleted_suffix: bool = True
    inactive_code: Literal["610", "2500", "6250"] = "610"
    inactive_words: Literal["named", "vague"] = "named"
    void_code: Literal["6480", "6000"] = "6480"
    void_note: Literal["prepend", "replace"] = "prepend"
    books_closed: date | None = None
    close_password: bool = False
    auto_apply: bool = False
    total_tax_honoured: bool = True
    inclusive_amounts: Literal["gross", "net"] = "gross"
    sales_tax: dict[str, Decimal] = field(
        default_factory=lambda: {"AZ": Decimal("8.25"), "CA": Decimal("7.75"), "OR": Decimal(0)}
    )
    home_state: str = "AZ"
    offset_hours: int = -7
    quantity_decimals: int | None = None
    replay: Literal["on", "off"] = "on"
    replay_seconds: float | None = None
    replay_other: Literal["same", "refuse"] = "refuse"
    replay_faults: bool = True
    batch_replay: Literal["whole", "items"] = "whole"
    batch_order: Literal["kept", "reversed"] = "reversed"
    busy_seconds: float = 0.0
    realm_minute: int = 500
    app_second: int = 10
    app_minute: int = 800
    batch_minute: int = 40
    batch_realm_minute: int = 120
    month_reads: int = 0
    throttle_shape: Literal["gateway", "entity", "text"] = "gateway"
    throttled_items: int = 0
    refused_items: dict[str, str] = field(default_factory=dict)
    fault_in_200: bool = False
    casing: Literal["upper", "both"] = "upper"
    cdc_cap: int = 1000
    cdc_order: Literal["newest", "oldest"] = "newest"
    consent_revoked: bool = False
    lost_access: Literal["", "120", "3100", "6190"] = ""
    monotonic: Callable[[], float] = time.monotonic
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
