"""Settings are checked as a whole before anything runs, and secrets are shown nowhere."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError
from syncd_quickbooks.sandbox import SANDBOX, SECRET

from tests.builders_quickbooks import config


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"realm": ""}, "realm"),
        ({"realm": "abc"}, "realm"),
        ({"realm": None}, "realm"),
        ({"batch": 31}, "batch"),
        ({"batch": 0}, "batch"),
        ({"minor_version": 74}, "minor_version"),
        ({"tax": "vat"}, "tax"),
        ({"base_url": "http://quickbooks.api.intuit.com"}, "base_url"),
        ({"base_url": "https://quickbooks.api.intuit.com/v3"}, "without the version"),
        ({"client_secret": " "}, "client_secret"),
        ({"webhook_verifier": ""}, "webhook_verifier"),
        ({"price_decimals": 8}, "price_decimals"),
        ({"company": "x"}, "company"),
    ],
    ids=lambda value: str(value),
)
def test_a_wrong_setting_is_named(more: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError) as refused:
        config(**more)
    assert words in str(refused.value)
    assert SECRET not in str(refused.value)


def test_secrets_are_in_no_representation() -> None:
    shown = repr(config(webhook_verifier="canary-verifier"))
    assert SECRET not in shown
    assert "canary" not in shown


def test_there_is_no_default_company() -> None:
    from syncd_quickbooks.config import QuickBooksConfig

    assert QuickBooksConfig.model_fields["realm"].is_required()


def test_the_simulators_settings_are_settings() -> None:
    told = dict(SANDBOX.settings("http://127.0.0.1:9"))
    told |= {"client_secret": SECRET, "webhook_verifier": "v"}
    from syncd_quickbooks.config import QuickBooksConfig

    assert QuickBooksConfig.model_validate(told).base_url == "http://127.0.0.1:9"
