"""What is committed and ends soon: read from the census, told as issues, as days pass."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import text

from syncd.core.service.issue_inbox import about_client, client_names
from syncd.core.service.refusals import ClientUnknown
from syncd.core.service.renewal_issues import EXTENDED_TERM, RENEWAL_DUE, review_terms
from syncd.core.service.renewal_list import Asked, RenewalReport
from syncd.core.service.renewals import read_renewals
from syncd.core.store.billing_data import load_billing_data
from syncd.core.store.census.selection import STATES_A_TERM
from syncd.core.store.issues import Issue
from syncd.sdk.records import Observation
from tests.builders_census import pull
from tests.builders_data import Office, connection, device
from tests.builders_terms import MONTHLY, PREPAID, SOLD, YEARLY, seats, utc

LONDON = ZoneInfo("Europe/London")
NOW = utc("2026-11-20T09:00")


async def sell(office: Office, *units: Observation, at: datetime | None = None) -> None:
    await pull(office.database, office.source, units, products=SOLD, at=at)


async def listed(
    office: Office,
    *,
    within: int = 90,
    client: str | None = None,
    rolling: bool = False,
    connections: Sequence[str] = ("rmm",),
) -> RenewalReport:
    return await read_renewals(
        office.database,
        Asked(within=within, client=client, rolling=rolling),
        connections=connections,
        psa_name="desk",
        timezone=LONDON,
        currency="GBP",
        now=NOW,
    )


async def reviewed(
    office: Office,
    now: datetime = NOW,
    *,
    pulled: Sequence[str] = ("rmm",),
    active: Sequence[str] = ("rmm",),
) -> dict[str, Issue]:
    """Open issues of commitments by code and subject, after a look."""
    await review_terms(
        office.database, pulled=pulled, active=active, timezone=LONDON, now=now, log=office.log
    )
    found = [*await office.issues(RENEWAL_DUE), *await office.issues(EXTENDED_TERM)]
    return {f"{one.code} {one.subject}": one for one in found}


async def link(office: Office) -> None:
    """Account a is Acme; b stays without a client."""
    await office.take("links", "connection,account,client,site\nrmm,a,1,\n")


async def test_each_window_has_what_ends_in_it(office: Office) -> None:
    await sell(
        office,
        seats("a", "s0", date(2026, 11, 20)),
        seats("a", "s7", date(2026, 11, 27)),
        seats("a", "s8", date(2026, 11, 28)),
        seats("b", "s30", date(2026, 12, 20)),
        seats("b", "s31", date(2026, 12, 21)),
        seats("b", "s90", date(2027, 2, 18)),
        seats("b", "s91", date(2027, 2, 19)),
        seats("b", "gone", date(2026, 11, 19)),
        seats("b", "over", date(2026, 11, 19), then="ends", excluded="status_expired"),
        seats("b", "when", None),
    )
    found = await listed(office)
    assert {one.days: [row.unit for row in one.rows] for one in found.windows} == {
        7: ["s0", "s7"],
        30: ["s8", "s30"],
        90: ["s31", "s90"],
    }
    assert [one.unit for one in found.past] == ["gone"], "what ended as foretold asks nothing"
    assert (found.undated, found.today) == (1, date(2026, 11, 20))
    shorter = await listed(office, within=10)
    assert [[row.unit for row in one.rows] for one in shorter.windows] == [["s0", "s7"], ["s8"]]


async def test_units_without_a_term_and_units_that_are_gone_are_not_listed(office: Office) -> None:
    note = b'{"note":"\\"term\\":{\\"ends\\":\\"2026-11-21\\"}"}'
    fake = Observation("a", YEARLY.key, "srv", 1, "srv", note, None)
    await sell(office, seats("a", "old", date(2026, 11, 25)), fake)
    assert [row.unit for row in (await listed(office)).windows[0].rows] == ["old"]
    await sell(office, fake)
    assert not any(one.rows for one in (await listed(office)).windows)


async def test_only_a_linked_account_has_the_name_of_a_client(office: Office) -> None:
    await link(office)
    await sell(office, seats("a", "s1", date(2026, 11, 25)), seats("b", "s2", date(2026, 11, 25)))
    rows = (await listed(office)).windows[0].rows
    assert [(one.account_name, one.client, one.client_name) for one in rows] == [
        ("Client a", "1", "Acme Ltd"),
        ("Client b", "", ""),
    ]
    assert [one.unit for one in (await listed(office, client="acme")).windows[0].rows] == ["s1"]
    assert not (await listed(office, client="Globex")).windows[0].rows
    with pytest.raises(ClientUnknown):
        await listed(office, client="nobody")


async def test_money_is_that_of_the_clients_rate_and_unknown_without_one(office: Office) -> None:
    await sell(
        office,
        seats("a", "s1", date(2026, 11, 25)),
        seats("b", "s2", date(2026, 11, 25)),
        seats("b", "s3", date(2026, 11, 26), product=PREPAID, quantity=2, billed="annual"),
        seats("b", "s4", date(2026, 11, 27), product=MONTHLY),
    )
    await link(office)
    await office.take(
        "rates",
        "connection,product,client,cost,price,currency,valid_from,cycle,restore_cost,restore_price\n"
        f"rmm,{YEARLY.key},,16,20,GBP,2026-01-01,monthly,,\n"
        f"rmm,{YEARLY.key},1,16,18,GBP,2026-01-01,monthly,,\n"
        f"rmm,{YEARLY.key},,17,99,GBP,2027-01-01,monthly,,\n"
        f"rmm,{PREPAID.key},,100,,GBP,2026-01-01,annual,,\n",
    )
    rows = {one.unit: one for one in (await listed(office)).windows[0].rows}
    assert (rows["s1"].price, rows["s1"].cost) == (Decimal(180), Decimal(160))
    assert (rows["s1"].term_price, rows["s1"].currency) == (Decimal(2160), "GBP")
    assert (rows["s2"].price, rows["s2"].cycle) == (Decimal(200), "monthly")
    assert (rows["s3"].price, rows["s3"].cost, rows["s3"].term_cost) == (None, 200, 200)
    assert (rows["s4"].price, rows["s4"].cost, rows["s4"].cycle) == (None, None, "")


async def test_what_is_not_billed_monthly_is_listed_however_far_away_and_though_excluded(
    office: Office,
) -> None:
    await sell(
        office,
        seats("a", "far", date(2027, 9, 30), product=PREPAID, billed="annual",
              excluded="not_monthly"),
        seats("a", "near", date(2026, 11, 25), product=PREPAID, billed="triennial"),
        seats("a", "open", None, product=PREPAID, billed="once"),
        seats("a", "usual", date(2026, 11, 25)),
    )  # fmt: skip
    found = await listed(office)
    assert [(one.unit, one.renewal_month, one.excluded) for one in found.not_monthly] == [
        ("near", "2026-11", None),
        ("far", "2027-10", "not_monthly"),
        ("open", "", None),
    ]
    assert [one.unit for one in found.windows[0].rows] == ["usual", "near"]


async def test_months_that_renew_by_themselves_are_counted_and_shown_when_asked(
    office: Office,
) -> None:
    await sell(
        office,
        seats("a", "rolls", date(2026, 11, 25), product=MONTHLY, length="P1M"),
        seats("a", "ends", date(2026, 11, 26), product=MONTHLY, length="P1M", then="ends"),
    )
    found = await listed(office)
    assert ([one.unit for one in found.windows[0].rows], found.rolling) == (["ends"], 1)
    found = await listed(office, rolling=True)
    assert [one.unit for one in found.windows[0].rows] == ["rolls", "ends"]
    assert found.rolling == 0
    assert list(await reviewed(office)) == ["RENEWAL_DUE rmm/a"]
    assert "Office E1 on 2026-11-26 (ends)" in (await office.issues(RENEWAL_DUE))[0].message


async def test_an_issue_grows_graver_as_days_pass_and_closes_when_the_term_is_renewed(
    office: Office,
) -> None:
    await link(office)
    await sell(office, seats("a", "s1", date(2027, 1, 31), falls_until=date(2026, 12, 3)))
    assert await reviewed(office, utc("2026-10-20T09:00")) == {}
    for moment, severity, window in (
        ("2026-11-20T09:00", "warning", 90),
        ("2027-01-02T09:00", "warning", 30),
        ("2027-01-24T09:00", "error", 7),
        ("2027-01-31T23:59", "error", 7),
    ):
        issue = (await reviewed(office, utc(moment), pulled=()))["RENEWAL_DUE rmm/a"]
        assert (issue.severity, issue.evidence["window"]) == (severity, window)
        assert f"end within {window} days: 10 x Business Premium on 2027-01-31" in issue.message
    assert issue.message.startswith("Commitments of Acme Ltd end")
    assert "`syncd renewals --client 1`" in issue.remedy
    assert issue.evidence["units"][0]["term"]["ends"] == "2027-01-31"
    await sell(office, seats("a", "s1", date(2028, 1, 31)))
    assert await reviewed(office, utc("2027-01-31T23:59")) == {}
    assert [one["subject"] for one in office.log.of("issue.closed")] == ["rmm/a"]


async def test_an_issue_tells_until_when_seats_may_fall_and_what_is_unknown(
    office: Office,
) -> None:
    await sell(
        office,
        seats("b", "s1", date(2027, 1, 31), falls_until=date(2026, 11, 25), next_quantity=4),
        seats("b", "s2", date(2027, 1, 30), then="unknown", length="", excluded="trial"),
    )
    issue = (await reviewed(office))["RENEWAL_DUE rmm/b"]
    assert issue.message == (
        "Commitments of account b (Client b, linked to no client) of rmm end within 90 days: "
        "10 x Business Premium on 2027-01-30 (unknown what then, not counted: trial); "
        "10 x Business Premium on 2027-01-31 (renews with 4, seats may fall until 2026-11-25)."
    )
    assert "`syncd renewals --connection rmm`" in issue.remedy
    later = (await reviewed(office, utc("2026-11-26T09:00")))["RENEWAL_DUE rmm/b"]
    assert "(renews with 4)" in later.message


async def test_seats_of_one_product_and_day_are_told_together_and_many_are_cut(
    office: Office,
) -> None:
    units = [seats("a", f"x{n}", date(2026, 12, 1 + n)) for n in range(7)]
    await sell(office, *units, seats("a", "more", date(2026, 12, 1), quantity=5))
    issue = (await reviewed(office))["RENEWAL_DUE rmm/a"]
    assert "15 x Business Premium on 2026-12-01 (renews); 10 x" in issue.message
    assert issue.message.endswith("; and 2 more.")
    assert len(issue.evidence["units"]) == 8


async def test_what_is_extended_is_another_issue_and_in_no_window(office: Office) -> None:
    await sell(
        office,
        seats("a", "s1", date(2026, 12, 9), extended=True, then="extended"),
        seats("b", "s2", date(2026, 12, 9)),
    )
    found = await reviewed(office)
    assert list(found) == ["RENEWAL_DUE rmm/b", "EXTENDED_TERM rmm/a"]
    assert (
        "10 x Business Premium (term of 1 year, now to 2026-12-09)"
        in found["EXTENDED_TERM rmm/a"].message
    )
    report = await listed(office)
    assert [one.unit for one in report.extended] == ["s1"]
    assert [row.unit for one in report.windows for row in one.rows] == ["s2"]
    await sell(office, seats("a", "s1", date(2027, 12, 9)))
    assert await reviewed(office) == {}


async def test_what_two_sources_know_of_is_told_once_as_what_was_bought(office: Office) -> None:
    users = await connection(office.database, "users", "acme")
    await sell(office, seats("a", "sub-1", date(2026, 12, 1)))
    await pull(
        office.database,
        users,
        [
            seats("a", "premium", date(2026, 12, 1), purchases=("sub-1",), then="unknown"),
            seats("b", "both", date(2026, 12, 1), purchases=("sub-1", "sub-9"), then="unknown"),
        ],
        products=SOLD,
    )
    both = ("rmm", "users")
    assert sorted(await reviewed(office, pulled=both, active=both)) == [
        "RENEWAL_DUE rmm/a",
        "RENEWAL_DUE users/b",
    ]
    found = await listed(office, connections=both)
    assert [row.unit for one in found.windows for row in one.rows] == ["sub-1", "both"]
    assert found.told_elsewhere == 1
    alone = await listed(office, connections=("users",))
    assert [row.unit for one in alone.windows for row in one.rows] == ["premium", "both"]
    resting = await reviewed(office, pulled=both, active=("users",))
    assert sorted(resting) == ["RENEWAL_DUE users/a", "RENEWAL_DUE users/b"]


async def test_facts_that_nobody_read_again_are_looked_at_once_a_day(office: Office) -> None:
    await sell(office, seats("a", "s1", date(2026, 12, 1)))
    await reviewed(office)
    await sell(office, seats("a", "s1", date(2026, 12, 2)))
    same_day = await reviewed(office, NOW + timedelta(hours=1), pulled=["other"])
    assert "2026-12-01" in same_day["RENEWAL_DUE rmm/a"].message
    next_day = await reviewed(office, NOW + timedelta(days=1), pulled=["other"])
    assert "2026-12-02" in next_day["RENEWAL_DUE rmm/a"].message


async def test_a_connection_that_rests_needs_no_decision(office: Office) -> None:
    await sell(office, seats("a", "s1", date(2026, 12, 1)))
    assert len(await reviewed(office)) == 1
    assert await reviewed(office, active=(), pulled=()) == {}


async def test_the_issues_of_a_client_have_those_of_its_commitments(office: Office) -> None:
    await link(office)
    await sell(office, seats("a", "s1", date(2026, 12, 1)), seats("b", "s2", date(2026, 12, 1)))
    await reviewed(office)
    async with office.database.reader() as conn:
        data = await load_billing_data(conn, period_first_day="2026-11-01")
    acme = client_names(data, office.psa.id, "1")
    issues = await office.issues(RENEWAL_DUE)
    assert [one.subject for one in issues if about_client(one, acme)] == ["rmm/a"]


async def test_units_with_a_term_are_found_by_their_index(office: Office) -> None:
    """Others cost nothing; the planner takes the index or it does not."""
    others = [device("a", str(n), YEARLY) for n in range(2_000)]
    await sell(office, seats("a", "s1", date(2026, 12, 1)), *others)
    async with office.database.writer() as conn:
        await conn.execute(text("ANALYZE"))
    async with office.database.reader() as conn:
        dialect = conn.dialect.name
        how = "EXPLAIN QUERY PLAN " if dialect == "sqlite" else "EXPLAIN "
        plan = await conn.execute(
            text(
                f"{how}SELECT account_id FROM unit_interval WHERE connection_id = 1 "
                f"AND closed_pull IS NULL AND {STATES_A_TERM[dialect]} AND period = ''"
            )
        )
        assert "ix_term" in " ".join(str(row) for row in plan)
