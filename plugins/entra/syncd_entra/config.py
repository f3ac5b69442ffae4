"""The settings of one connection to Microsoft Graph, checked as a whole before anything runs.

Every message names the setting, says what is wrong and what to write; secrets never appear.
"""

from __future__ import annotations

import re
from typing import Annotated, Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    StringConstraints,
    field_validator,
    model_validator,
)

from syncd.sdk.address import check_base_url
from syncd_entra.rules import Exclusion, Guid, UserCount, repeated

Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
STRICT = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


def _filled(secret: SecretStr | None) -> SecretStr | None:
    if secret is not None and not secret.get_secret_value().strip():
        message = "the client secret is empty"
        raise ValueError(message)
    return secret


class Tenant(BaseModel):
    """One customer's tenant."""

    model_config = STRICT

    id: Guid = Field(description="Tenant ID, as Entra shows it under Overview.")
    name: Text = Field(description="The customer's name, for people and for link proposals.")
    client_id: Text | None = Field(
        default=None, description="Application ID where this tenant has an app of its own."
    )
    client_secret: SecretStr | None = Field(
        default=None, description="Secret of the tenant's own app, by reference only."
    )

    _secret = field_validator("client_secret")(_filled)


class EntraConfig(BaseModel):
    """What `[connections.NAME]` may hold for `plugin = "entra"`."""

    model_config = STRICT

    access: str = Field(
        default="app", description="How tenants are entered; `app`: by an app's own rights."
    )
    login_url: str = Field(
        default="https://login.microsoftonline.com", description="Address that issues tokens."
    )
    graph_url: str = Field(
        default="https://graph.microsoft.com", description="Address of Graph, without version."
    )
    client_id: Text | None = Field(
        default=None, description="Application ID of the one app that all tenants share."
    )
    client_secret: SecretStr | None = Field(
        default=None, description="Its secret, by reference only."
    )
    tenants: list[Tenant] = Field(
        min_length=1, description="Tenants that are read: `[[connections.NAME.tenants]]`."
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

    _secret = field_validator("client_secret")(_filled)
    _addresses = field_validator("login_url", "graph_url")(check_base_url)

    @field_validator("access")
    @classmethod
    def _known_access(cls, access: str) -> str:
        if access == "gdap":
            message = (
                'access over GDAP is not built in this version; write "app", and let each tenant'
                " consent to one multi-tenant app or register an app there"
            )
            raise ValueError(message)
        if access != "app":
            message = f"'{access}' is no way to enter a tenant; write \"app\""
            raise ValueError(message)
        return access

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
        for tenant in self.tenants:
            own = (tenant.client_id, tenant.client_secret)
            if (own[0] is None) != (own[1] is None):
                message = f"tenant {tenant.name} has half an app; write client_id and client_secret"
                raise ValueError(message)
            if own[0] is None and (self.client_id is None or self.client_secret is None):
                message = (
                    f"tenant {tenant.name} has no app; write client_id and client_secret, of the"
                    " connection for a shared app or of the tenant for its own"
                )
                raise ValueError(message)
        known = {tenant.id for tenant in self.tenants}
        for rule in self.do_not_import:
            if rule.tenant is not None and rule.tenant not in known:
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

    def credentials(self, tenant: Tenant) -> tuple[str, SecretStr]:
        """Application and secret by which a tenant is entered."""
        client_id = tenant.client_id or self.client_id
        secret = tenant.client_secret or self.client_secret
        assert client_id is not None
        assert secret is not None
        return client_id, secret

    @property
    def wants_sign_ins(self) -> bool:
        return any(count.about_sign_ins for count in self.user_counts)

    @property
    def groups(self) -> list[str]:
        """Every group that a rule names, once."""
        named = [count.group for count in self.user_counts]
        named += [rule.group for rule in self.do_not_import]
        return list(dict.fromkeys(group for group in named if group))
