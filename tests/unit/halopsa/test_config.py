"""Settings of a HaloPSA connection: what they accept, derive and refuse."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError
from syncd_halopsa.config import HaloPsaConfig

from tests.builders_halopsa import config


@pytest.mark.parametrize(
    "written",
    [
        "https://acme.halopsa.com",
        "https://acme.halopsa.com/",
        "https://acme.halopsa.com/api",
        "https://acme.halopsa.com/API/",
    ],
)
def test_the_resource_server_is_accepted_with_and_without_api(written: str) -> None:
    settings = config(base_url=written)
    assert settings.base_url == "https://acme.halopsa.com"
    assert settings.token_url == "https://acme.halopsa.com/auth/token"


@pytest.mark.parametrize(
    "written",
    [
        "https://login.acme.test/auth",
        "https://login.acme.test/auth/",
        "https://login.acme.test/auth/token",
    ],
)
def test_the_authorisation_server_is_accepted_however_it_ends(written: str) -> None:
    assert config(auth_url=written).token_url == "https://login.acme.test/auth/token"


def test_a_server_under_a_path_keeps_the_path() -> None:
    settings = config(base_url="https://desk.acme.test/halo/api")
    assert settings.base_url == "https://desk.acme.test/halo"
    assert settings.token_url == "https://desk.acme.test/halo/auth/token"


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"base_url": "http://acme.halopsa.com"}, "https"),
        ({"auth_url": "http://acme.halopsa.com/auth"}, "https"),
        ({"client_secret": " "}, "secret is empty"),
        ({"key_field": "notes"}, "product_sku"),
        ({"key_length": 20}, "38"),
        ({"asset_type_field": "colour"}, "third_party_product"),
        (
            {"asset_type_field": "vendor_product_sku", "key_field": "vendor_product_sku"},
            "carries the key already",
        ),
        ({"page_size": 0}, "1"),
        ({"write_batch": 0}, "1"),
        ({"nonsense": 1}, "nonsense"),
    ],
)
def test_a_bad_setting_is_named_with_what_to_write(change: dict[str, Any], says: str) -> None:
    with pytest.raises(ValidationError) as caught:
        config(**change)
    assert says in str(caught.value)
    assert next(iter(change)) in str(caught.value)


def test_mistakes_are_all_told_at_once() -> None:
    with pytest.raises(ValidationError) as caught:
        HaloPsaConfig(base_url="nonsense", client_id="", page_size=0)  # type: ignore[call-arg]
    places = {one["loc"][0] for one in caught.value.errors()}
    assert places == {"base_url", "client_id", "client_secret", "page_size"}


def test_the_secret_is_in_no_representation() -> None:
    settings = config(client_secret="hush-hush-0815")
    assert "0815" not in repr(settings)
    with pytest.raises(ValidationError) as caught:
        config(client_secret={"env": "hush-hush-0815"})
    assert "0815" not in str(caught.value)


def test_a_custom_field_may_carry_the_asset_type() -> None:
    assert config(asset_type_field="CFassettype").asset_type_field == "CFassettype"
