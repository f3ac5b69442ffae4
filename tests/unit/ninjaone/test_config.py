"""The settings of a connection: each mistake is one clear sentence, and secrets never appear."""

from __future__ import annotations

import pytest
from pydantic import ValidationError
from syncd_ninjaone.config import REGIONS, NinjaOneConfig

from tests.builders_ninjaone import config


def refused(**settings) -> str:
    with pytest.raises(ValidationError) as error:
        config(**settings)
    return str(error.value)


@pytest.mark.parametrize(("region", "address"), REGIONS.items())
def test_a_region_stands_for_its_address(region, address):
    assert config(region=region).base_url == address
    assert config(region=region).token_url == f"{address}/ws/oauth/token"


def test_an_unknown_region_is_refused_with_the_list():
    text = refused(region="mars")
    assert "region 'mars' is not known; write one of us, us2, eu, oc, ca, fed" in text
    assert text.startswith("1 validation error")


def test_region_and_base_url_exclude_each_other_and_one_is_needed():
    assert "set region or base_url, not both" in refused(
        region="eu", base_url="https://eu.ninjarmm.com"
    )
    with pytest.raises(ValidationError, match="write region"):
        NinjaOneConfig.model_validate({"client_id": "a", "client_secret": "b"})


def test_a_base_url_needs_tls_unless_it_is_this_machine():
    assert config(base_url="http://127.0.0.1:8080/").base_url == "http://127.0.0.1:8080"
    assert "https" in refused(base_url="http://eu.ninjarmm.com")


@pytest.mark.parametrize("path", ["v2", "/v2/", "https://x/v2", "/v2?x=1", "", "/../v2 "])
def test_a_path_is_refused_unless_it_is_plain(path):
    assert "is not a path" in refused(api_prefix=path)


def test_several_chains_need_id_ranges_switched_on():
    assert 'several chains need id_ranges = "on"' in refused(chains=10)
    assert config(chains=10, id_ranges="on").chains == 10


@pytest.mark.parametrize(
    ("products", "sentence"),
    [
        ({"printers": "device:printer"}, "'printers' is not a device class"),
        ({"role:x": "device:printer"}, "'role:x' is not a device class"),
        ({"tag:": "device:printer"}, "'tag:' is not a device class"),
        ({"NMS_PRINTER": "printer"}, "'printer' is not a product key"),
    ],
)
def test_a_product_override_is_refused_with_the_reason(products, sentence):
    assert sentence in refused(products=products)


@pytest.mark.parametrize(
    ("pattern", "sentence"),
    [
        ("HPSA:(", "not a regular expression"),
        ("HPSA:", "one group"),
        ("(H)(P)", "one group"),
    ],
)
def test_a_psa_id_pattern_needs_one_group(pattern, sentence):
    assert sentence in refused(psa_id_pattern=pattern)


def test_unknown_settings_and_bounds_are_refused():
    text = refused(pagesize=5, page_size=0, chains=11, stale_days=-1, client_id=" ")
    for setting in ("pagesize", "page_size", "chains", "stale_days", "client_id"):
        assert setting in text


def test_no_message_or_representation_holds_the_secret():
    secret = "hunter2-hunter2"
    assert secret not in repr(config(client_secret=secret))
    assert secret not in refused(client_secret=secret, page_size=0)
    assert secret not in refused(client_id=[secret])
    assert "the client secret is empty" in refused(client_secret=" ")
