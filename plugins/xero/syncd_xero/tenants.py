"""Which organisation a connection writes to: the one that is configured, or the only open one.

There is no first or default one: with several open and none configured nothing is done.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from syncd.sdk.errors import AuthError
from syncd_xero.config import XeroConfig
from syncd_xero.models import Tenant
from syncd_xero.values import identifier

ORGANISATION: Final = "ORGANISATION"


def named(tenant: Tenant) -> str:
    """Name and id, as people choose by them."""
    return f"{tenant.tenant_name or 'without a name'} ({identifier(tenant.tenant_id)})"


def chosen(tenants: Sequence[Tenant], config: XeroConfig, connection: str) -> Tenant:
    """The organisation that is meant.

    Raises:
        AuthError: it is not open, none is, or several are and none is configured.
    """
    books = [one for one in tenants if one.tenant_type.upper() in ("", ORGANISATION)]
    listed = "; ".join(named(one) for one in books)
    wanted = config.organisation
    if wanted:
        for one in books:
            if identifier(one.tenant_id) == wanted:
                return one
        opened = f"open is {listed}" if books else "no organisation is open"
        raise AuthError(
            f"{connection}: the sign-in does not open organisation {wanted}; {opened}",
            remedy=f"run `syncd login {connection}` and choose that organisation, or mend"
            " organisation",
            connection=connection,
        )
    if not books:
        raise AuthError(
            f"{connection}: the sign-in opens no organisation",
            remedy=f"run `syncd login {connection}` and choose one",
            connection=connection,
        )
    if len(books) > 1:
        raise AuthError(
            f"{connection}: the sign-in opens {len(books)} organisations and none is configured:"
            f" {listed}",
            remedy="write the id of one as organisation; there is no default",
            connection=connection,
        )
    return books[0]
