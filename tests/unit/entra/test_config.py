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


def refused(**settings):
    with pytest.raises(ValidationError) as caught:
        config(**settings)
    return "; ".join(detail["msg"] for detail in caught.value.errors())


def test_a_tenant_is_entered_by_the_shared_app_or_by_its_own():
    own = {**TENANT, "id": TWO, "client_id": "own", "client_secret": "own-secret"}
    settings = config(tenants=[TENANT, own])
    shared, alone = settings.tenants
    assert settings.credentials(shared)[0] == settings.client_id
    client_id, secret = settings.credentials(alone)
    assert (client_id, secret.get_secret_value()) == ("own", "own-secret")
    assert "own-secret" not in repr(settings)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"access": "gdap"}, "not built in this version; write"),
        ({"access": "magic"}, "no way to enter a tenant"),
        ({"graph_url": "https://graph.microsoft.com/v1.0"}, "without the version"),
        ({"login_url": "http://login.example.com"}, "https://"),
        ({"tenants": [TENANT, {**TENANT, "id": ONE.upper()}]}, "stands there twice"),
        ({"tenants": []}, "at least 1 item"),
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
        ({"certificate": "x"}, "Extra inputs"),
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
    found = [settings.credentials(one)[1].get_secret_value() for one in settings.tenants]
    assert found == ["shared-secret", "own-secret"]
    with pytest.raises(ConfigErrors, match="plain text") as caught:
        load(written(tmp_path, text + 'client_secret = "own-secret"\n'), plugins())
    assert "own-secret" not in str(caught.value)
    with pytest.raises(ConfigErrors, match="MISSING"):
        load(written(tmp_path, text + 'client_secret = { env = "MISSING" }\n'), plugins())
