"""Settings are refused as a whole, with what to write; secrets are never shown."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from tests.builders_csp import SECRET, TENANT, config


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"client_secret": None}, "client_secret or certificate, one of them"),
        ({"certificate": "PEM"}, "client_secret or certificate, one of them"),
        ({"certificate_password": "p"}, "without certificate"),
        ({"client_secret": "  "}, "empty"),
        ({"licence_usage": True}, 'access = "user"'),
        ({"access": "gdap"}, "'app' or 'user'"),
        ({"partner_tenant": "common"}, "no tenant"),
        ({"partner_tenant": "our partner"}, "Tenant ID"),
        ({"partner_tenant": "a/b.example"}, "Tenant ID"),
        ({"base_url": "https://api.partnercenter.microsoft.com/v1"}, "without the version"),
        ({"graph_url": "https://graph.microsoft.com/v1.0/"}, "without the version"),
        ({"base_url": "http://api.partnercenter.microsoft.com"}, "write https"),
        ({"login_url": "ftp://x"}, "full address"),
        ({"page_size": 0}, "greater than or equal"),
        ({"currency": "euro"}, "match"),
        ({"do_not_import": [{"reason": "x"}]}, "excludes nothing"),
        (
            {"do_not_import": [{"reason": "x", "product": "p", "subscription": "s"}]},
            "excludes one thing",
        ),
        ({"do_not_import": [{"customer": "c"}]}, "reason"),
        ({"tenants": []}, "Extra inputs"),
    ],
)
def test_a_setting_that_cannot_be_is_refused(settings: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError) as refused:
        config(**settings)
    assert words in str(refused.value)
    assert SECRET not in str(refused.value)


def test_a_domain_is_a_tenant_too() -> None:
    assert config(partner_tenant="Contoso.OnMicrosoft.com").partner_tenant == (
        "contoso.onmicrosoft.com"
    )
    assert config(partner_tenant=TENANT.upper()).partner_tenant == TENANT


def test_licences_are_read_with_a_sign_in() -> None:
    assert config(access="user", licence_usage=True).licence_usage


def test_settings_show_no_secret() -> None:
    assert SECRET not in repr(config())
    assert SECRET not in config().model_dump_json()
