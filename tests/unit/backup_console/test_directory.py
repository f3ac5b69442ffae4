"""Joining users to companies by name: exactly, in other letters, not at all, or to two at once."""

from __future__ import annotations

from syncd_backup_console.directory import UNASSIGNED, Directory, Place

from tests.builders_backup_console import company, config, user

ACME, BOLT = company("c1", "Acme"), company("c2", "Bolt")


def directory(companies, users, **settings):
    return Directory(companies, users, config(**settings))


def test_an_exact_name_joins_and_says_nothing():
    found = directory([ACME, BOLT], [user("u1", " Acme ")])
    assert found.user("U1") == Place("c1")
    assert (found.doubts(), found.notes(), found.doubtful) == ([], [], False)


def test_every_company_is_an_account_and_what_belongs_to_none_has_one():
    found = directory([ACME, company("c3", None)], [])
    assert {one.key: one.name for one in found.accounts()} == {
        "c1": "Acme", "c3": "company c3", UNASSIGNED: "(belongs to no company)",
    }  # fmt: skip


def test_other_letters_join_where_nothing_else_can_be_meant_and_warn():
    found = directory([ACME, BOLT], [user("u1", "ACME"), user("u2", "bolt")])
    assert (found.user("u1"), found.user("u2")) == (Place("c1"), Place("c2"))
    (note,) = found.notes()
    assert note.startswith("JOINED_BY_NAME: 2 users name their company in other letters")
    assert "'ACME', 'bolt'" in note
    assert found.doubts() == []


def test_companies_that_differ_in_letters_only_are_told_apart_by_exact_names():
    pair = [company("c1", "Acme"), company("c2", "ACME")]
    found = directory(pair, [user("u1", "Acme"), user("u2", "ACME")])
    assert (found.user("u1"), found.user("u2")) == (Place("c1"), Place("c2"))
    assert found.doubts() == []
    blurred = directory(pair, [user("u1", "acme")])
    assert blurred.user("u1") == Place(UNASSIGNED, "ambiguous_company")
    assert blurred.doubts()[0].accounts == ("c1", "c2")


def test_two_companies_of_one_name_are_both_unproven_in_one_sentence():
    twins = [company("c1", "Acme"), company("c3", "Acme"), BOLT]
    found = directory(twins, [user("u1", "Acme"), user("u2", "Acme"), user("u3", "Bolt")])
    assert found.user("u1") == Place(UNASSIGNED, "ambiguous_company")
    (doubt,) = found.doubts()
    assert doubt.scope == "companies named Acme"
    assert doubt.reason == (
        "AMBIGUOUS_ACCOUNT_NAME: 2 companies are called 'Acme' and 2 users name it: give each a"
        " name of its own"
    )


def test_two_companies_of_one_name_that_nobody_names_are_no_doubt():
    twins = [company("c1", "Acme"), company("c2", "Acme")]
    assert directory(twins, [user("u1", "")]).doubts() == []


def test_an_id_goes_before_a_name():
    twins = [company("c1", "Acme"), company("c2", "Acme")]
    found = directory(twins, [user("u1", "Acme", company_id="C2")])
    assert found.user("u1") == Place("c2")
    assert found.doubts() == []
    unknown_id = directory([ACME], [user("u1", "Acme", company_id="c9")])
    assert unknown_id.user("u1") == Place("c1")


def test_a_company_renamed_alone_is_unproven_and_so_is_every_other_it_may_be():
    after = company("c2", "After")
    found = directory([ACME, after], [user("u1", "Acme"), user("u2", "Before")])
    assert found.doubtful
    assert found.user("u2") == Place(UNASSIGNED, "unknown_company")
    (doubt,) = found.doubts()
    assert doubt.accounts == ("c2",)
    assert doubt.reason == (
        "UNKNOWN_ACCOUNT_NAME: 1 user names a company that is not in the list: 'Before'; it may be"
        " one of 1 companies without users"
    )


def test_a_list_without_the_company_that_users_name_is_doubted_as_a_whole():
    (doubt,) = directory([], [user("u1", "Acme")]).doubts()
    assert (doubt.scope, doubt.accounts) == ("unknown company names", ())


def test_a_name_of_a_user_who_is_gone_is_no_doubt():
    found = directory([ACME, BOLT], [user("u1", "Acme")])
    assert found.place("Closed Ltd", gone=True) == Place(UNASSIGNED, "unknown_company")
    assert found.doubts() == []


def test_many_names_are_listed_with_their_number():
    found = directory([], [user(f"u{n}", f"Name {n}") for n in range(5)])
    assert "'Name 0', 'Name 1', 'Name 2' and 2 more" in found.doubts()[0].reason


def test_own_companies_are_named_by_id_or_exact_name():
    found = directory(
        [ACME, BOLT], [user("u1", "Acme"), user("u2", "Bolt")], internal_companies=["C1", "bolt"]
    )
    assert found.user("u1") == Place("c1", "internal_company")
    assert found.user("u2") == Place("c2")
    assert found.unmatched(["C1", "bolt", "Bolt"]) == ["bolt"]
