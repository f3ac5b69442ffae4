"""What can be set on the simulator, with what it does by default.

What Microsoft's documentation leaves open is an option here, so that both readings can be tried.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, Literal

from syncd_csp.sandbox.names import CLIENT_ID, REFRESH_TOKEN, SECRET

MFA_REFUSED: Final = (401, "900421")
"""Status and code for a user's token without the claim; assumed, as no page states them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What can be set on the simulator.

    Attributes:
        client_id: of the application.
        secret: its secret.
        certificate: PEM of the certificate whose assertions are taken; None takes none.
        refresh_token: the one that stands for a consent given before.
        token_seconds: life of an access token.
        refresh_dies: a refresh token is worth nothing after its first use.
        refresh_refusal: AADSTS number that every refresh token is answered with, 0 for none.
        login_refusal: AADSTS number that every token request is answered with, 0 for none.
        audience: what every token opens, whatever it was asked for; empty for what was asked.
        mfa: users' tokens carry the claim of a second factor.
        mfa_refusal: status and code for one that does not.
        indirect: the partner is an indirect reseller; all of Partner Center is closed to it.
        missing_rights: names of rights that are not granted: `PartnerBilling.Read.All`, or
            `Admin agent` for Partner Center.
        advisors: ids of customers to whom the partner sells nothing.
        gdap_only: ids of customers that are not listed and answer 404.
        refused: customer's id → code of its 403 or 404, such as `900309`, `20002` or `60003`.
        throttled: customer's id, or `*` for all together → how many calls are answered 429.
        throttle_shape: `gateway` names a time, `business` has an error's shape and names none,
            `both` takes turns.
        retry_after: seconds that the gateway names.
        bom: Partner Center's answers begin with a byte order mark.
        links: how the next page is linked: `bare`, `versioned` (`/v1` in front), `malformed` (two
            question marks), or `none` (the token alone).
        page_cap: most customers on a page.
        subscription_pages: subscriptions on a page, 0 for all at once.
        repeat_page: the second page of customers comes again and again.
        numbers_as_text: numbers are written as text.
        dates: `mixed` forms as documented, `zoneless`, or `blanks` inside of the time.
        omitted: fields that no subscription shows.
        statuses: subscription's id → another status, known or not.
        org_ids: lines of the bill name customers as `org:GUID`.
        upper_ids: ids are written in capitals.
        currency: of every line.
        currencies: customer's id → another currency.
        running: how often an export is asked for before it has succeeded.
        poll_after: seconds that an export under way names; None leaves the header out.
        manifest: it comes `inline` or by `link`.
        keys: of lines: `camel` or `pascal`.
        blobs: files that a month is split into.
        member_lines: lines of one gzip member; 0 for one member in each file.
        chunk_bytes: largest piece of a file that is sent at once.
        generated: this many made-up lines instead of the month's own.
        sas_dies_after: files after which a signature is refused, 0 for never.
        sas_renews: asking for the operation again brings another signature.
        short_manifest: files that the manifest counts and does not list.
        cut_blob: number of the file that ends early, -1 for none.
        tagless: files have no tag by which a changed one could be told.
        graph_throttled: so many calls of Graph are answered 429.
        export_refusal: status with which an export is refused, 0 for none.
        export_fails: code of the failure in which each export ends, empty for none.
        blob_base: address of the store of files; None: the same as everything else's.
        monotonic: seconds, for tokens.
    """

    client_id: str = CLIENT_ID
    secret: str = SECRET
    certificate: str | None = None
    refresh_token: str = REFRESH_TOKEN
    token_seconds: int = 3599
    refresh_dies: bool = False
    refresh_refusal: int = 0
    login_refusal: int = 0
    audience: str = ""
    mfa: bool = True
    mfa_refusal: tuple[int, str] = MFA_REFUSED
    indirect: bool = False
    missing_rights: tuple[str, ...] = ()
    advisors: tuple[str, ...] = ()
    gdap_only: tuple[str, ...] = ()
    refused: dict[str, str] = field(default_factory=dict)
    throttled: dict[str, int] = field(default_factory=dict)
    throttle_shape: Literal["gateway", "business", "both"] = "gateway"
    retry_after: int = 57
    bom: bool = True
    links: Literal["bare", "versioned", "malformed", "none"] = "bare"
    page_cap: int = 500
    subscription_pages: int = 0
    repeat_page: bool = False
    numbers_as_text: bool = False
    dates: Literal["mixed", "zoneless", "blanks"] = "mixed"
    omitted: tuple[str, ...] = ()
    statuses: dict[str, str] = field(default_factory=dict)
    org_ids: bool = False
    upper_ids: bool = False
    currency: str = "EUR"
    currencies: dict[str, str] = field(default_factory=dict)
    running: int = 1
    poll_after: int | None = 1
    manifest: Literal["inline", "link"] = "inline"
    keys: Literal["camel", "pascal"] = "pascal"
    blobs: int = 2
    member_lines: int = 0
    chunk_bytes: int = 65536
    generated: int = 0
    sas_dies_after: int = 0
    sas_renews: bool = True
    short_manifest: int = 0
    cut_blob: int = -1
    tagless: bool = False
    graph_throttled: int = 0
    export_refusal: int = 0
    export_fails: str = ""
    blob_base: str | None = None
    monotonic: Callable[[], float] = time.monotonic
