"""Links are proposed from ids that prove them and from names that never do."""

from __future__ import annotations

from itertools import permutations

import pytest

from syncd.core.billing.matching import Origin, Proposal, comparable, propose
from syncd.sdk.records import Account, PsaClient


def account(name: str, key: str = "17", **psa_ids: str) -> Account:
    return Account(key=key, name=name, psa_ids=psa_ids)


def client(name: str, key: str = "482", *, active: bool = True, **foreign: str) -> PsaClient:
    return PsaClient(key=key, name=name, active=active, foreign_ids=foreign)


def one(proposals: list[Proposal]) -> Proposal:
    (proposal,) = proposals
    return proposal


def test_the_psas_own_id_at_the_source_is_a_proof():
    found = one(
        propose([account("Old name", psa_client="482")], [client("Acme"), client("B", "5")])
    )
    assert (found.client.key, found.origin, found.score, found.certain) == (
        "482",
        Origin.ID,
        100,
        True,
    )
    assert found.evidence == "psa_client 482 is client 482 'Acme'"


def test_the_sources_id_at_the_psa_is_a_proof_where_the_names_are_akin():
    clients = [client("Acme Ltd", rmm="17"), client("Beta", "5", rmm="18")]
    found = one(propose([account("Acme")], clients, system="rmm"))
    assert (found.client.key, found.certain) == ("482", True)


def test_a_bare_number_between_strangers_proves_nothing():
    clients = [client("Zeta GmbH", rmm="17")]
    found = one(propose([account("Acme")], clients, system="rmm"))
    assert (found.origin, found.certain) == (Origin.CONFLICT, False)
    assert "two connections of one vendor may share numbers" in found.evidence


def test_without_the_name_of_the_system_a_bare_number_is_not_even_looked_at():
    assert propose([account("Acme")], [client("Zeta GmbH", rmm="17")]) == []


def test_an_id_of_a_third_system_on_both_sides_is_a_proof():
    clients = [client("Contoso", tenant="9f-1"), client("Acme", "5")]
    found = one(propose([account("Acme", tenant="9f-1")], clients))
    assert (found.client.key, found.certain) == ("482", True)


def test_empty_ids_prove_nothing():
    assert propose([account("Acme", tenant="")], [client("Zeta", tenant="")]) == []


def test_ids_that_name_two_clients_prove_neither():
    clients = [client("Acme", tenant="9f-1"), client("Acme North", "5", tenant="9f-1")]
    found = one(propose([account("Acme", tenant="9f-1")], clients))
    assert (found.origin, found.score) == (Origin.CONFLICT, 0)
    assert [rival.key for rival in found.rivals] == ["5"]
    clients = [client("Acme"), client("Acme", "5", rmm="17")]
    found = one(propose([account("Acme", psa_client="482")], clients, system="rmm"))
    assert not found.certain


def test_two_ids_that_agree_are_one_proof():
    clients = [client("Zeta", rmm="17")]
    found = one(propose([account("Acme", psa_client="482")], clients, system="rmm"))
    assert found.certain


def test_a_client_that_is_not_active_is_never_certain():
    clients = [client("Acme", active=False)]
    found = one(propose([account("Acme", psa_client="482")], clients))
    assert (found.origin, found.certain) == (Origin.CONFLICT, False)
    assert found.evidence.endswith("client 482 is not active")
    assert propose([account("Acme")], clients) == []


def test_an_id_that_the_psa_does_not_have_falls_back_to_names():
    found = one(propose([account("Acme", psa_client="999")], [client("Acme")]))
    assert found.origin is Origin.NAME


def test_a_client_cannot_pose_as_another_through_its_foreign_ids():
    clients = [client("Acme"), client("Evil", "666", psa_client="482")]
    found = one(propose([account("Acme", psa_client="482")], clients))
    assert (found.client.key, found.certain) == ("482", True)


def test_many_accounts_may_belong_to_one_client():
    accounts = [account("Acme", "1", psa_client="482"), account("Acme", "2", psa_client="482")]
    found = propose(accounts, [client("Acme")])
    assert [(p.account.key, p.client.key, p.certain) for p in found] == [
        ("1", "482", True),
        ("2", "482", True),
    ]


SAME = [
    ("Acme Ltd", "ACME Limited"),
    ("Müller GmbH", "Mueller GmbH"),
    ("Müller GmbH", "Muller"),
    ("Bäckerei Groß", "Baeckerei Gross"),
    ("Tandarts Vos B.V.", "tandarts vos bv"),
    ("Smith & Sons", "Smith and Sons Inc."),
    ("Crème Brûlée SARL", "Creme Brulee"),
    ("The Widget Company", "Widget Co"),
    ("Ørsted A/S", "Orsted"),
    ("Łódź Logistics", "Lodz Logistics"),
]


@pytest.mark.parametrize(("ours", "theirs"), SAME)
def test_one_party_under_two_spellings_is_proposed_and_left_to_a_person(ours: str, theirs: str):
    found = one(propose([account(ours)], [client(theirs), client("Something Different", "5")]))
    assert (found.client.key, found.origin) == ("482", Origin.NAME)
    assert found.score >= 90
    assert not found.certain
    assert ours in found.evidence
    assert theirs in found.evidence


CONFUSABLE = [
    ("Acme Corp", "Acme Capital"),
    ("Tandarts Vos BV", "Vos Tandartsen"),
    ("Acme Ltd", "Acme GmbH"),
    ("Acme Ltd", "Acme Inc"),
    ("Acme North", "Acme South"),
    ("Müller", "Möller"),
    ("Schmidt AG", "Schmitt AG"),
    ("St Mary's School", "St Mark's School"),
    ("Blue Ridge Dental", "Blue Bridge Dental"),
    ("Green & Co", "Greene Co"),
    ("First National Bank", "First National Bancorp"),
    ("Bakkerij Jansen", "Bakkerij Janssen"),
    ("Contoso", "Contoso"),
]


@pytest.mark.parametrize(("ours", "theirs"), CONFUSABLE)
@pytest.mark.parametrize("turned", [False, True])
def test_confusable_names_are_never_certain(ours: str, theirs: str, turned: bool):
    if turned:
        ours, theirs = theirs, ours
    for proposal in propose([account(ours)], [client(theirs)]):
        assert proposal.origin is Origin.NAME
        assert not proposal.certain


def test_the_whole_corpus_against_itself_links_nothing_by_name():
    names = sorted({name for pair in (*SAME, *CONFUSABLE) for name in pair})
    accounts = [account(name, key=f"a{n}") for n, name in enumerate(names)]
    clients = [client(name, key=f"c{n}") for n, name in enumerate(names)]
    found = propose(accounts, clients)
    assert len(found) == len(names)
    assert [proposal for proposal in found if proposal.certain] == []


def test_a_better_name_wins_over_a_confusable_one():
    found = one(propose([account("Acme Corp")], [client("Acme Capital", "1"), client("Acme", "2")]))
    assert (found.client.key, found.rivals) == ("2", ())


def test_the_same_name_with_another_legal_form_scores_less():
    exact = one(propose([account("Acme Ltd")], [client("Acme Limited")]))
    other = one(propose([account("Acme Ltd")], [client("Acme GmbH")]))
    bare = one(propose([account("Acme Ltd")], [client("Acme")]))
    assert (exact.score, other.score, bare.score) == (100, 90, 100)


def test_two_clients_of_one_name_are_ambiguous():
    for order in permutations([client("Contoso", "1"), client("CONTOSO", "2")]):
        found = one(propose([account("Contoso")], order))
        assert (found.client.key, [rival.key for rival in found.rivals]) == ("1", ["2"])
        assert found.evidence.endswith("ambiguous, as alike are 2 'CONTOSO'")


def test_a_name_like_no_other_gets_no_proposal():
    assert propose([account("Acme")], [client("Zeta Logistics")]) == []


def test_a_name_without_letters_gets_no_proposal():
    assert propose([account("---"), account("", "2")], [client("***"), client("", "5")]) == []


def test_a_name_of_nothing_but_a_legal_form_keeps_it():
    assert comparable("Company Inc").forms == ("company inc",)


def test_proposals_come_in_the_order_of_the_accounts():
    accounts = [account("Zeta", "2"), account("Acme", "1")]
    found = propose(accounts, [client("Acme", "1"), client("Zeta", "2")])
    assert [proposal.account.key for proposal in found] == ["2", "1"]
