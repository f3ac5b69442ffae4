"""Settings of a Xero connection: each mistake says what to write."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError
from syncd_xero.client import POLICY

from tests.builders_xero_books import config


@pytest.mark.parametrize(
    ("given", "advice"),
    [
        ({"organisation": "Acme Ltd"}, "Tenant ID"),
        ({"reference": "{reference}"}, "{marker} once"),
        ({"reference": "{marker} {marker}"}, "{marker} once"),
        ({"reference": "{marker} {client}"}, "{marker} once"),
        ({"access": "custom", "client_secret": None}, "needs client_secret"),
        ({"pkce": False, "client_secret": None}, "needs client_secret"),
        ({"client_secret": " "}, "it is empty"),
        ({"webhook_key": ""}, "it is empty"),
        ({"base_url": "http://api.example.com"}, "write https://"),
        ({"connections_url": "https://elsewhere.example.com/c"}, "on the host of base_url"),
        ({"batch": 51}, "less than or equal to 50"),
        ({"webhook_days": 46}, "less than or equal to 45"),
        ({"page_size": 0}, "greater than or equal to 1"),
        ({"colour": "red"}, "Extra inputs"),
    ],
    ids=str,
)  # fmt: skip
def test_a_mistake_is_told(given: dict[str, Any], advice: str) -> None:
    with pytest.raises(ValidationError) as refused:
        config(**given)
    assert advice in str(refused.value)
    assert "a-secret" not in str(refused.value)


def test_an_organisation_is_compared_without_regard_to_case() -> None:
    upper = "AAAAAAAA-2222-3333-4444-555555555555"
    assert config(organisation=f" {upper} ").organisation == upper.lower()


def test_scopes_can_be_replaced_whole() -> None:
    assert config(scopes=["offline_access", "accounting.transactions"]).wanted_scopes == (
        "offline_access", "accounting.transactions",
    )  # fmt: skip


def test_nothing_is_proven_absent_while_a_call_may_still_be_at_work() -> None:
    # Xero documents unique numbers of invoices, and none of credit notes: time alone guards those.
    assert config().settle_seconds >= POLICY.read_seconds
