"""The settings of a connection: each mistake is one clear sentence, and secrets never appear."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from tests.builders_backup_console import config


def refused(**settings) -> str:
    with pytest.raises(ValidationError) as error:
        config(**settings)
    return str(error.value)


def test_the_vendors_address_is_the_default():
    assert config().base_url == "https://api.mspbackups.com"


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        (
            {"base_url": "https://api.mspbackups.com/api"},
            "write https://api.mspbackups.com, without",
        ),
        ({"base_url": "http://api.mspbackups.com"}, "https"),
        ({"user_name": " "}, "user_name"),
        ({"timezone": "Mars/Base"}, "'Mars/Base' is no time zone; write it like Europe/London"),
        ({"timezone": "../etc/passwd"}, "is no time zone"),
        ({"currency": "pounds"}, "'pounds' is no currency; write an ISO code like GBP"),
        ({"storage": "some"}, "'all', 'accounts' or 'off'"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_a_mistake_is_one_sentence(settings, sentence):
    text = refused(**settings)
    assert sentence in text
    assert text.startswith("1 validation error")


@pytest.mark.parametrize("password", ["", "ab", "x" * 101])
def test_a_password_has_the_length_that_the_vendor_makes(password):
    assert "3 to 100 characters" in refused(password=password)


def test_a_password_is_never_shown():
    secret = "canary-password" * 20
    assert "canary" not in refused(password=secret)
    assert "canary" not in repr(config(password="canary-password"))
