"""The settings of one connection to Microsoft Graph, checked as a whole before anything runs.

Every message names the setting, says what is wrong and what to write; secrets never appear.
"""

from __future__ import annotations

import re
from typing import Literal, Self

from pydantic import Field, field_validator, model_validator

from syncd.sdk.address import check_base_url
from syncd_entra.keys import Key, Tenant
from syncd_entra.rules import Exclusion, Guid, UserCount, repeated

__all__ = ["EntraConfig", "Key", "Tenant"]


class EntraConfig(Key):
    """What `[connections.NAME]` may hold for `plugin = "entra"`; its key is the shared app's."""

    certificate_algorithm: Literal["PS256", "RS256"] = Field(
        default="PS256", description="How a certificate's key signs; `RS256` is the older way."
    )
    access: Literal["app", "gdap"] = Field(
        default="app",
        description="How tenants are entered: `app` by an app's own rights, `gdap` by those of the "
        "partner's account there.",
    )
    partner_tenant: Guid | None = Field(
        default=None, description="Your own tenant, for `gdap` and for lists of tenants."
    )
    redirect_url: str = Field(
        default="http://localhost:8400",
        description="Where the browser comes back to after `syncd login`, as it is registered.",
    )
    tenants_from: list[Literal["config", "gdap", "contracts"]] = Field(
        default=["config"],
        description="Where tenants come from: `tenants` below, the partner's GDAP relationships, "
        "its contracts.",
    )
    gdap_ends_days: int = Field(
        default=30, ge=0, le=365, description="Days before a relationship's end that are told."
    )
    login_url: str = Field(
        default="https://login.microsoftonline.com", description="Address that issues tokens."
    )
    graph_url: str = Field(
        default="https://graph.microsoft.com", description="Address of Graph, without version."
    )
    tenants: list[Tenant] = Field(
        default=[], description="Tenants that are read: `[[connections.NAME.tenants]]`."
    )
    subscriptions: bool = Field(
        default=False,
        description="Also read what was bought by subscription: ids, next change, trials.",
    )
    users: Literal["counted", "listed"] = Field(
        default="counted",
        description="`counted`: one unit per SKU with its number of seats; `listed`: every user is "
        "read and is evidence.",
    )
    user_counts: list[UserCount] = Field(
        default=[], description="Users by rule: `[[connections.NAME.user_counts]]`."
    )
    without_sign_in_data: Literal["refuse", "skip"] = Field(
        default="refuse",
        description="What a tenant without Entra ID P1 is to rules about sign-ins: not proven, or "
        "counted without those rules.",
    )
    devices: list[Literal["entra", "intune"]] = Field(
        default=[], description="Also count devices: registered in Entra, enrolled in Intune."
    )
    device_active_days: int = Field(
        default=0,
        ge=0,
        le=3650,
        description="Entra devices silent for longer are not counted; 0 counts all.",
    )
    count_free: bool = Field(
        default=False, description="Count SKUs that are free or trials by Microsoft's names, too."
    )
    do_not_import: list[Exclusion] = Field(
        default=[], description="What is kept uncounted: `[[connections.NAME.do_not_import]]`."
    )
    page_size: int = Field(default=999, ge=1, le=999, description="Users asked for per call.")
    sign_in_page_size: int = Field(
        default=120, ge=1, le=999, description="Users asked for per call with their sign-ins."
    )

    _addresses = field_validator("login_url", "graph_url", "redirect_url")(check_base_url)

    @field_validator("graph_url")
    @classmethod
    def _without_version(cls, url: str) -> str:
        if re.search(r"/(v1\.0|beta)$", url):
            message = f"write {url.rpartition('/')[0]}, without the version"
            raise ValueError(message)
        return url

    @field_validator("tenants")
    @classmethod
    def _tenants_once(cls, tenants: list[Tenant]) -> list[Tenant]:
        if twice := repeated(tenant.id for tenant in tenants):
            message = f"tenant {twice} stands there twice; remove one"
            raise ValueError(message)
        return tenants

    @field_validator("user_counts")
    @classmethod
    def _keys_once(cls, counts: list[UserCount]) -> list[UserCount]:
        if twice := repeated(count.key for count in counts):
            message = f"two rules have the key '{twice}'; give each its own"
            raise ValueError(message)
        return counts

    @model_validator(mode="after")
    def _everything_has_what_it_needs(self) -> Self:
        self._tenants_can_be_entered()
        self._tenants_can_be_listed()
        known = {tenant.id for tenant in self.tenants}
        for rule in self.do_not_import:
            if rule.tenant not in known and rule.tenant is not None and not self.lists:
                message = f"do_not_import names tenant {rule.tenant}; name one of the tenants"
                raise ValueError(message)
        if self.users == "counted" and (why := self._why_users_are_needed()):
            message = f'{why} needs every user; write users = "listed"'
            raise ValueError(message)
        return self

    def _why_users_are_needed(self) -> str:
        for count in self.user_counts:
            if count.needs_users:
                return f"the rule '{count.key}' of user_counts"
        people = any(rule.user or rule.group for rule in self.do_not_import)
        return "do_not_import of users or groups" if people else ""

    def _tenants_can_be_entered(self) -> None:
        for tenant in self.tenants:
            if tenant.has_own_app != tenant.has_proof:
                message = (
                    f"tenant {tenant.name} has half an app; write client_id, and client_secret or"
                    " certificate"
                )
                raise ValueError(message)
            if not tenant.has_own_app and not self.is_whole:
                message = (
                    f"tenant {tenant.name} has no app; write client_id, and client_secret or"
                    " certificate, of the connection for a shared app or of the tenant for its own"
                )
                raise ValueError(message)
        if self.access == "gdap" and (self.partner_tenant is None or not self.is_whole):
            message = (
                'access = "gdap" needs partner_tenant, client_id, and client_secret or certificate'
            )
            raise ValueError(message)

    def _tenants_can_be_listed(self) -> None:
        if not self.tenants_from or repeated(self.tenants_from):
            message = 'tenants_from names where tenants come from, each once, e.g. ["config"]'
            raise ValueError(message)
        if self.tenants and "config" not in self.tenants_from:
            message = 'tenants are written here; add "config" to tenants_from, or remove them'
            raise ValueError(message)
        if self.tenants_from == ["config"] and not self.tenants:
            message = "there is no tenant; write tenants, or let tenants_from name a list"
            raise ValueError(message)
        if self.lists and (self.partner_tenant is None or not self.is_whole):
            message = (
                "a list of tenants is read in your own tenant; write partner_tenant, client_id,"
                " and client_secret or certificate"
            )
            raise ValueError(message)

    @property
    def lists(self) -> list[str]:
        """Lists of the partner's that tenants come from."""
        return [name for name in self.tenants_from if name != "config"]

    def by_gdap(self, tenant: Tenant) -> bool:
        """Whether a tenant is entered with the partner's sign-in."""
        return self.access == "gdap" and not tenant.has_own_app

    @property
    def wants_sign_ins(self) -> bool:
        return any(count.about_sign_ins for count in self.user_counts)

    @property
    def groups(self) -> list[str]:
        """Every group that a rule names, once."""
        named = [count.group for count in self.user_counts]
        named += [rule.group for rule in self.do_not_import]
        return list(dict.fromkeys(group for group in named if group))
