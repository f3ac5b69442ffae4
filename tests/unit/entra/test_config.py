"""Settings of the Entra connector: what is refused, in which words, and where secrets stand."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from syncd.config import ConfigErrors, load
from syncd.plugins import load as plugins
from tests.builders_entra import ONE, TWO, config
from tests.builders_host import written

TENANT = {"id": ONE, "name": "Client 1"}
PARTNER = "aaaaaaaa-0000-4000-8000-000000000000"
PEM = "-----BEGIN CERTIFICATE-----\n-----BEGIN PRIVATE KEY-----"


def refused(**settings):
    with pytest.raises(ValidationError) as caught:
        config(**settings)
    return "; ".join(detail["msg"] for detail in caught.value.errors())


def test_a_tenant_is_entered_by_the_shared_app_or_by_its_own():
    own = {**TENANT, "id": TWO, "client_id": "own", "client_secret": "own-secret"}
    settings = config(tenants=[TENANT, own])
    shared, alone = settings.tenants
    assert (shared.has_own_app, alone.has_own_app) == (False, True)
    assert not settings.by_gdap(shared)
    assert alone.client_secret.get_secret_value() == "own-secret"
    assert "own-secret" not in repr(settings)


def test_a_tenant_with_an_app_of_its_own_is_no_gdap_tenant():
    own = {**TENANT, "id": TWO, "client_id": "own", "client_secret": "own-secret"}
    settings = config(tenants=[TENANT, own], access="gdap", partner_tenant=PARTNER)
    assert [settings.by_gdap(tenant) for tenant in settings.tenants] == [True, False]


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"access": "gdap"}, "needs partner_tenant"),
        ({"access": "magic"}, "'app' or 'gdap'"),
        ({"certificate": "x"}, "holds no CERTIFICATE"),
        ({"certificate": "-----BEGIN CERTIFICATE-----"}, "holds no PRIVATE KEY"),
        ({"certificate": PEM}, "beside each other"),
        ({"certificate_password": "x"}, "belongs to a certificate"),
        ({"client_secret": None, "certificate": PEM, "certificate_password": " "}, "is empty"),
        ({"tenants_from": []}, "each once"),
        ({"tenants_from": ["config", "config"]}, "each once"),
        ({"tenants_from": ["gdap"], "partner_tenant": PARTNER}, 'add "config"'),
        ({"tenants_from": ["gdap"], "tenants": []}, "write partner_tenant"),
        ({"partner_tenant": "contoso.com"}, "pattern"),
        ({"graph_url": "https://graph.microsoft.com/v1.0"}, "without the version"),
        ({"login_url": "http://login.example.com"}, "https://"),
        ({"tenants": [TENANT, {**TENANT, "id": ONE.upper()}]}, "stands there twice"),
        ({"tenants": []}, "there is no tenant"),
        ({"tenants": [{"id": "contoso.com", "name": "x"}]}, "pattern"),
        ({"tenants": [{**TENANT, "client_id": "own"}]}, "half an app"),
        ({"client_id": None}, "has no app"),
        ({"client_secret": "  "}, "secret is empty"),
        ({"devices": ["toasters"]}, "'entra' or 'intune'"),
        ({"do_not_import": [{"reason": "x"}]}, "excludes nothing"),
        ({"do_not_import": [{"reason": "x", "sku": "a", "user": "b"}]}, "excludes one thing"),
        ({"do_not_import": [{"reason": "x", "tenant": TWO}]}, "name one of the tenants"),
        ({"do_not_import": [{"reason": "x", "user": "a@b"}]}, 'users = "listed"'),
        ({"do_not_import": [{"reason": "x", "group": "a"}]}, 'users = "listed"'),
        ({"user_counts": [{"key": "a", "name": "A", "group": "g"}]}, 'users = "listed"'),
        ({"user_counts": [{"key": "a", "name": "A", "silent_days": 9}]}, 'users = "listed"'),
        ({"user_counts": [{"key": "a", "name": "A"}, {"key": "a", "name": "B"}]}, "the key 'a'"),
        ({"user_counts": [{"key": "No Key", "name": "A"}]}, "pattern"),
        ({"colour": "x"}, "Extra inputs"),
    ],
)
def test_what_cannot_be_used_is_refused_with_what_to_write(settings, words):
    assert words in refused(**settings)


def test_secrets_of_tenants_are_references_in_the_file(tmp_path: Path, monkeypatch):
    monkeypatch.setenv("SHARED", "shared-secret")
    monkeypatch.setenv("OWN", "own-secret")
    text = (
        '[connections.m]\nplugin = "entra"\nclient_id = "a"\nclient_secret = { env = "SHARED" }\n'
        f'[[connections.m.tenants]]\nid = "{ONE}"\nname = "One"\n'
        f'[[connections.m.tenants]]\nid = "{TWO}"\nname = "Two"\nclient_id = "b"\n'
    )
    good = load(written(tmp_path, text + 'client_secret = { env = "OWN" }\n'), plugins())
    settings = good.connections["m"].config
    assert settings.client_secret.get_secret_value() == "shared-secret"
    assert settings.tenants[1].client_secret.get_secret_value() == "own-secret"
    with pytest.raises(ConfigErrors, match="plain text") as caught:
        load(written(tmp_path, text + 'client_secret = "own-secret"\n'), plugins())
    assert "own-secret" not in str(caught.value)
    with pytest.raises(ConfigErrors, match="MISSING"):
        load(written(tmp_path, text + 'client_secret = { env = "MISSING" }\n'), plugins())
