"""What can be set on the simulator, with what it does by default.

What Xero's documentation leaves open is an option here, so that both readings can be tried.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final, Literal

from syncd_xero.sandbox import CLIENT_ID, CUSTOM_CLIENT_ID, REFRESH_TOKEN, SECRET, WEBHOOK_KEY

SCOPES: Final = (
    "openid",
    "profile",
    "email",
    "offline_access",
    "accounting.invoices",
    "accounting.invoices.read",
    "accounting.payments",
    "accounting.payments.read",
    "accounting.contacts",
    "accounting.contacts.read",
    "accounting.settings",
    "accounting.settings.read",
    "accounting.attachments",
    "accounting.attachments.read",
)
"""What an app of 2026 may ask for; the broad scopes of before fail the whole consent."""


@dataclass(slots=True, kw_only=True)
class Options:
    """What can be set on the simulator, also while it runs.

    Attributes:
        client_id: of the app that people consent to.
        custom_client_id: of the custom connection to the first organisation.
        secret: of both.
        webhook_key: key of the webhooks' signature.
        scopes: what may be asked for.
        custom_scopes: what the custom connection was given.
        refresh_token: stands for a consent given before, to all organisations; empty for none.
        token_seconds: life of an access token.
        refresh_seconds: life of a refresh token that is not used.
        grace_seconds: how long the refresh token before the last one is still taken.
        reuse_revokes: a dead refresh token that is used again ends the whole consent.
        code_seconds: life of a sign-in's code.
        organisations: how many the consent opens.
        extras: archived, foreign and confusable contacts, archived accounts, odd taxes.
        roster: ids of the world's clients that have a contact; None for all.
        minute_calls: per app and organisation in 60 s, rolling; 0 for no limit.
        day_calls: per app and organisation in a day that is reset at a fixed time; 0 for no limit.
        day_reset: seconds after the start of the stopwatch's day at which it is reset.
        app_minute_calls: of all organisations together; 0 for no limit.
        concurrency: calls of an organisation in flight; 0 for no limit.
        answer_seconds: that every call takes; needed to have calls in flight.
        idempotency_seconds: how long a key is remembered from its first call.
        idempotency_keeps: what is stored under a key: `all`, also refusals and internal errors, or
            `good` ones only. A 429 is never stored.
        running_key: answer to a key whose first call still runs: `conflict` (409) or `execute`.
        search_lag: seconds until a list shows what was written; the id finds it at once.
        missing_accept: `xml`, as the vendor answers without `Accept: application/json`, or
            `refuse` with 406.
        decimals: quantities keep so many.
        unique_credit_numbers: numbers of credit notes are unique as well.
        void_frees_number: a voided document gives its number back, as a deleted one does.
        due_needed: an approved invoice needs a due date.
        lock_drafts: a locked period refuses drafts as well.
        date_strings: answers carry `DateString` and `UpdatedDateUTCString` beside the dates.
        payment_moves_invoice: a payment changes the invoice's UpdatedDateUTC and fires its webhook.
        omit_summary_fields: summaries in lists leave out what they may: the currency rate, the
            reference where it is empty.
        hide_allocations: over- and prepayments do not say what they were put to.
        write_ceiling: most elements in a write; more are refused.
        page_ceiling: most rows of a page, whatever was asked for.
        monotonic: seconds, for tokens, limits, memory and lag.
        sleep: waits on the same clock.
    """

    client_id: str = CLIENT_ID
    custom_client_id: str = CUSTOM_CLIENT_ID
    secret: str = SECRET
    webhook_key: str = WEBHOOK_KEY
    scopes: tuple[str, ...] = SCOPES
    custom_scopes: tuple[str, ...] = SCOPES
    refresh_token: str = REFRESH_TOKEN
    token_seconds: int = 1800
    refresh_seconds: float = 60 * 86_400.0
    grace_seconds: float = 1800.0
    reuse_revokes: bool = False
    code_seconds: float = 300.0
    organisations: int = 1
    extras: bool = True
    roster: tuple[int, ...] | None = None
    minute_calls: int = 60
    day_calls: int = 5000
    day_reset: float = 0.0
    app_minute_calls: int = 10_000
    concurrency: int = 5
    answer_seconds: float = 0.0
    idempotency_seconds: float = 360.0
    idempotency_keeps: Literal["all", "good"] = "all"
    running_key: Literal["conflict", "execute"] = "conflict"
    search_lag: float = 0.0
    missing_accept: Literal["xml", "refuse"] = "xml"
    decimals: int = 4
    unique_credit_numbers: bool = True
    void_frees_number: bool = False
    due_needed: bool = True
    lock_drafts: bool = True
    date_strings: bool = True
    payment_moves_invoice: bool = True
    omit_summary_fields: bool = False
    hide_allocations: bool = False
    write_ceiling: int = 500
    page_ceiling: int = 1000
    monotonic: Callable[[], float] = time.monotonic
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
