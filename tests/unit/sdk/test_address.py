"""Base URLs: TLS, except to this machine."""

from __future__ import annotations

import pytest

from syncd.sdk.address import check_base_url, is_loopback


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("https://eu.example.com", "https://eu.example.com"),
        (" https://eu.example.com/api/ ", "https://eu.example.com/api"),
        ("https://example.com:8443", "https://example.com:8443"),
        ("HTTPS://example.com", "HTTPS://example.com"),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
        ("http://127.9.9.9", "http://127.9.9.9"),
        ("http://[::1]:80", "http://[::1]:80"),
        ("http://localhost:1234/", "http://localhost:1234"),
    ],
)
def test_a_usable_address_is_kept_without_its_last_slash(given, kept):
    assert check_base_url(given) == kept


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ("http://api.example.com", "write https"),
        ("http://127.0.0.1.example.com", "write https"),
        ("http://localhost.example.com", "write https"),
        ("http://0.0.0.0", "write https"),
        ("http://10.0.0.1", "write https"),
        ("ftp://example.com", "full address"),
        ("eu.example.com", "full address"),
        ("https://", "full address"),
        ("", "full address"),
        ("https://user:pass@example.com", "user name and password"),
        ("https://example.com?tenant=1", "from the \\? or #"),
        ("https://example.com#a", "from the \\? or #"),
        ("https://example.com:port", "host and port"),
        ("https://example.com:99999", "host and port"),
        ("https://[::1", "host and port"),
    ],
)
def test_an_unusable_address_is_refused_with_what_to_write(given, says):
    with pytest.raises(ValueError, match=says):
        check_base_url(given)


@pytest.mark.parametrize(
    ("url", "answer"),
    [("http://127.0.0.1:1", True), ("https://localhost", True), ("https://example.com", False)],
)
def test_loopback_is_this_machine_only(url, answer):
    assert is_loopback(url) is answer
