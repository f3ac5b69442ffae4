"""Rules over users: which are counted under which name, and what is kept without being counted.

A rule is one of the configuration; it is put to Graph as a filter where Graph can count by itself,
and to users one by one where they are listed.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime, timedelta
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from syncd_entra.models import User

Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
Guid = Annotated[
    str,
    StringConstraints(
        strip_whitespace=True,
        to_lower=True,
        pattern=r"^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$",
    ),
]


class UserCount(BaseModel):
    """Users that meet every condition of the rule, as the product `users:KEY`."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    key: str = Field(
        pattern=r"^[a-z][a-z0-9_-]{0,40}$", description="Stable part of the product's key."
    )
    name: Text = Field(description="Name of the product.")
    type: Literal["member", "guest"] | None = Field(
        default=None, description="Only members, or only guests."
    )
    enabled: bool | None = Field(
        default=None, description="Only accounts that may sign in, or only those that may not."
    )
    licensed: bool | None = Field(
        default=None, description="Only users with a licence, or only those without any."
    )
    domain: Text | None = Field(
        default=None, description="Only users whose sign-in name ends in this domain."
    )
    group: Text | None = Field(
        default=None, description="Only members of this group, nested ones included: name or id."
    )
    signed_in_days: int | None = Field(
        default=None, ge=1, le=3650, description="Only users who signed in within so many days."
    )
    silent_days: int | None = Field(
        default=None, ge=1, le=3650, description="Only users who did not, for so many days."
    )

    @property
    def about_sign_ins(self) -> bool:
        return self.signed_in_days is not None or self.silent_days is not None

    @property
    def needs_users(self) -> bool:
        """Whether Graph cannot count this by itself."""
        return self.about_sign_ins or self.group is not None

    @property
    def product(self) -> str:
        return f"users:{self.key}"

    def filter(self) -> str:
        """The rule in Graph's words; empty when it takes everybody."""
        parts = []
        if self.type is not None:
            parts.append(f"userType eq '{self.type.capitalize()}'")
        if self.enabled is not None:
            parts.append(f"accountEnabled eq {str(self.enabled).lower()}")
        if self.licensed is not None:
            parts.append(f"assignedLicenses/$count {'ne' if self.licensed else 'eq'} 0")
        if self.domain is not None:
            parts.append(f"endsWith(userPrincipalName,{quoted('@' + self.domain.lstrip('@'))})")
        return " and ".join(parts)

    def takes(self, user: User, groups: Collection[str], now: datetime) -> bool:
        """Whether a listed user meets the rule.

        Args:
            user: as Graph lists it.
            groups: names of the rules' groups that the user is in.
            now: UTC.
        """
        if self.type is not None and (user.kind or "").lower() != self.type:
            return False
        if self.enabled is not None and bool(user.enabled) is not self.enabled:
            return False
        if self.licensed is not None and bool(user.licences) is not self.licensed:
            return False
        if self.domain is not None:
            ending = "@" + self.domain.lstrip("@").casefold()
            if not user.sign_in_name.casefold().endswith(ending):
                return False
        if self.group is not None and self.group not in groups:
            return False
        return self._signed_in(user, now)

    def _signed_in(self, user: User, now: datetime) -> bool:
        last = user.sign_ins.last if user.sign_ins is not None else None
        if self.signed_in_days is not None:
            since = now - timedelta(days=self.signed_in_days)
            if last is None or last < since:
                return False
        if self.silent_days is not None:
            return last is None or last < now - timedelta(days=self.silent_days)
        return True


class Exclusion(BaseModel):
    """Something that is read, kept as evidence and not counted."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    reason: Text = Field(description="Why, for whoever asks later.")
    tenant: Guid | None = Field(
        default=None, description="In this tenant only; alone, everything of this tenant."
    )
    user: Text | None = Field(default=None, description="A user's id or sign-in name.")
    group: Text | None = Field(default=None, description="Members of a group: name or id.")
    sku: Text | None = Field(default=None, description="A SKU's GUID or part number.")

    @model_validator(mode="after")
    def _names_one_thing(self) -> Self:
        named = [self.user, self.group, self.sku]
        if sum(one is not None for one in named) > 1:
            message = "one entry excludes one thing; write user, group and sku in entries each"
            raise ValueError(message)
        if not any(named) and self.tenant is None:
            message = "an entry excludes nothing; write a user, group, sku or tenant"
            raise ValueError(message)
        return self

    def is_of(self, tenant: str) -> bool:
        return self.tenant in (None, tenant)

    @property
    def is_whole_tenant(self) -> bool:
        return self.user is None and self.group is None and self.sku is None


def quoted(text: str) -> str:
    """A text as OData writes it."""
    return "'" + text.replace("'", "''") + "'"


def repeated(values: Iterable[str]) -> str | None:
    """The first value that comes a second time."""
    seen: set[str] = set()
    for value in values:
        if value in seen:
            return value
        seen.add(value)
    return None
