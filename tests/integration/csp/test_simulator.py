"""The simulated seller has the oddities that clients of Microsoft's own trip over."""

from __future__ import annotations

import base64
import codecs
import gzip
import hashlib
import zlib
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from syncd_csp.sandbox import CLIENT_ID, PARTNER_TENANT, SECRET
from syncd_csp.sandbox.line_rows import made_up_total

from syncd.sdk.assertion import ASSERTION_TYPE, Certificate, client_assertion
from tests.builders_certificates import self_signed
from tests.builders_partner import FOUR, GRAPH, ONE, PARTNER, THREE, TWO, asked, market, plain
from tests.builders_tokens import NOW


async def test_a_refresh_token_brings_another_one_and_stays_good_unless_told_otherwise() -> None:
    async with asked() as seller:
        first = (await seller.user()).json()
        again = (await seller.user()).json()
        chained = (await seller.user(refresh=first["refresh_token"])).json()
        tokens = {one["refresh_token"] for one in (first, again, chained)}
        assert len(tokens) == 3
        assert "refresh_token" not in (await seller.token()).json()
    async with asked(refresh_dies=True) as seller:
        assert (await seller.user()).status_code == 200
        dead = await seller.user()
        assert (dead.status_code, dead.json()["error_codes"]) == (400, [70008])


async def test_a_person_consents_and_the_code_works_once() -> None:
    verifier = "v" * 50
    digest = hashlib.sha256(verifier.encode()).digest()
    challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
    async with asked() as seller:
        back = await seller.http.get(
            f"/{PARTNER_TENANT}/oauth2/v2.0/authorize",
            params={
                "client_id": CLIENT_ID,
                "redirect_uri": "http://127.0.0.1:9/back",
                "state": "s 1",
                "code_challenge": challenge,
            },
        )
        query = parse_qs(urlsplit(back.headers["location"]).query)
        assert query["state"] == ["s 1"]

        async def redeem(proof: str) -> int:
            form = {"grant_type": "authorization_code", "code": query["code"][0]}
            return (await seller.token(**form, code_verifier=proof)).status_code

        assert [await redeem("wrong"), await redeem(verifier), await redeem(verifier)] == [
            400, 200, 400,
        ]  # fmt: skip


async def test_the_first_version_of_the_token_endpoint_writes_numbers_as_text() -> None:
    form = {
        "grant_type": "client_credentials",
        "client_id": CLIENT_ID,
        "client_secret": SECRET,
        "resource": "https://api.partnercenter.microsoft.com",
    }
    async with asked() as seller:
        said = (await seller.http.post(f"/{PARTNER_TENANT}/oauth2/token", data=form)).json()
        assert said["expires_in"] == "3599"
        answer = await seller.get("/v1/customers", token=said["access_token"])
        assert answer.status_code == 200
        mixed = await seller.http.post(f"/{PARTNER_TENANT}/oauth2/v2.0/token", data=form)
        assert mixed.json()["error_codes"] == [901002]


async def test_an_assertion_is_taken_only_from_the_certificates_key() -> None:
    own, other = self_signed(), self_signed()
    where = f"http://127.0.0.1/{PARTNER_TENANT}/oauth2/v2.0/token"

    async def status(pem: str, audience: str = where) -> int:
        form = {
            "grant_type": "client_credentials",
            "client_id": CLIENT_ID,
            "scope": PARTNER,
            "client_assertion_type": ASSERTION_TYPE,
            "client_assertion": client_assertion(
                certificate=Certificate.load(pem), client_id=CLIENT_ID, audience=audience, now=NOW
            ),
        }
        return (await seller.http.post(where, data=form)).status_code

    async with asked(certificate=own) as seller:
        assert await status(own) == 200
        assert await status(other) == 401
        assert await status(own, "https://elsewhere.example/token") == 401


async def code_of(seller: Any, path: str = "/v1/customers", **more: Any) -> tuple[int, str]:
    answer = await seller.get(path, **more)
    return answer.status_code, plain(answer.content).get("code", "")


async def test_a_token_opens_one_service() -> None:
    async with asked() as seller:
        assert await code_of(seller, scope="https://graph.windows.net/.default") == (401, "900420")
        assert await code_of(seller, scope=GRAPH) == (401, "900420")
        assert await code_of(seller, token="made-up") == (401, "400")
        assert await code_of(seller) == (200, "")
        refused = await seller.get("/v1.0/reports/partners/billing/operations/x", scope=PARTNER)
        assert refused.status_code == 401


async def test_a_person_without_a_second_factor_is_refused_and_the_application_is_not() -> None:
    async with asked(mfa=False, mfa_refusal=(403, "9")) as seller:
        token = (await seller.user()).json()["access_token"]
        assert await code_of(seller, token=token) == (403, "9")
        assert await code_of(seller) == (200, "")


async def test_licences_are_told_to_persons_only() -> None:
    path = f"/v1/customers/{ONE}/subscribedskus"
    async with asked() as seller:
        assert await code_of(seller, path) == (403, "900329")
        token = (await seller.user()).json()["access_token"]
        rows = plain((await seller.get(path, token=token)).content)["items"]
        assert all(row["totalUnits"] == row["activeUnits"] + row["warningUnits"] for row in rows)
        assert any(row["consumedUnits"] for row in rows)


async def test_an_indirect_reseller_reads_nothing() -> None:
    async with asked(indirect=True) as seller:
        for path in ("/v1/customers", f"/v1/customers/{ONE}/subscriptions", "/v1/invoices"):
            assert (await code_of(seller, path))[0] == 403


async def test_customers_refuse_for_themselves() -> None:
    refused = {ONE: "900309", TWO: "20002"}
    async with asked(refused=refused, gdap_only=(THREE,)) as seller:
        path = "/v1/customers/{}/subscriptions"
        assert await code_of(seller, path.format(ONE)) == (403, "900309")
        assert await code_of(seller, path.format(TWO)) == (403, "20002")
        assert await code_of(seller, path.format(THREE)) == (404, "60003")
        assert await code_of(seller, path.format(FOUR)) == (200, "")
        listed = plain((await seller.get("/v1/customers")).content)["items"]
        assert {row["id"] for row in listed} == {ONE, TWO, FOUR}


@pytest.mark.parametrize("links", ["bare", "versioned", "malformed", "none"])
async def test_the_token_in_the_header_leads_through_all_pages(links: str) -> None:
    async with asked(links=links) as seller:
        first = plain((await seller.get("/v1/customers?size=3")).content)
        token = first["continuationToken"]
        again = plain((await seller.get("/v1/customers?size=3&seekOperation=Next")).content)
        assert again["items"] == first["items"], "whoever loses the token begins anew"
        rest = plain(
            (
                await seller.get(
                    "/v1/customers?size=3&seekoperation=next", **{"MS-ContinuationToken": token}
                )
            ).content
        )
        assert [len(page["items"]) for page in (first, rest)] == [3, 1]
        assert "next" not in rest["links"]
        assert "continuationToken" not in rest
        if links == "none":
            assert "links" not in first
            return
        uri = first["links"]["next"]["uri"]
        assert uri.startswith("/v1/") is (links == "versioned")
        assert uri.count("?") == (2 if links == "malformed" else 1)
        followed = await seller.get(
            f"/v1{uri.removeprefix('/v1')}", **{"MS-ContinuationToken": token}
        )
        assert followed.status_code == (400 if links == "malformed" else 200)


async def test_answers_begin_with_a_mark_unless_told_otherwise() -> None:
    for bom in (True, False):
        async with asked(bom=bom) as seller:
            answer = await seller.get("/v1/customers")
            assert answer.content.startswith(codecs.BOM_UTF8) is bom
            assert answer.headers["ms-requestid"]


async def test_a_429_comes_in_two_shapes() -> None:
    async with asked(throttled={ONE: 2}, throttle_shape="both") as seller:
        path = f"/v1/customers/{ONE}/subscriptions"
        gateway, business, served = [await seller.get(path) for _ in range(3)]
        assert [one.status_code for one in (gateway, business, served)] == [429, 429, 200]
        assert plain(gateway.content)["statusCode"] == 429
        assert gateway.headers["retry-after"] == "57"
        assert plain(business.content)["code"] == "429"
        assert "retry-after" not in business.headers


async def test_values_are_typed_loosely() -> None:
    async with asked(numbers_as_text=True, dates="zoneless", upper_ids=True) as seller:
        rows = (await seller.rows(ONE)).values()
        assert all(isinstance(row["quantity"], str) for row in rows)
        assert all(row["effectiveStartDate"].endswith("00:00:00") for row in rows)
        assert all(row["id"].isupper() for row in rows)
        assert not any(value is None for row in rows for value in row.values())
    async with asked(omitted=("termDuration",)) as seller:
        assert not any("termDuration" in row for row in (await seller.rows(ONE)).values())
    async with asked(subscription_pages=2) as seller:
        page = plain((await seller.get(f"/v1/customers/{ONE}/subscriptions")).content)
        assert len(page["items"]) == 2 < page["totalCount"]
    async with asked() as seller:
        one = next(iter(await seller.rows(ONE)))
    async with asked(statuses={one: "on_hold"}) as seller:
        assert (await seller.rows(ONE))[one]["status"] == "on_hold"


async def test_an_add_on_is_found_under_its_parent() -> None:
    async with asked() as seller:
        rows = await seller.rows(ONE)
        (add_on,) = [row for row in rows.values() if "parentSubscriptionId" in row]
        path = f"/v1/customers/{ONE}/subscriptions/{add_on['parentSubscriptionId']}"
        assert plain((await seller.get(f"{path}/addons")).content)["items"] == [add_on]
        assert await code_of(seller, f"/v1/customers/{ONE}/subscriptions/x") == (404, "20003")


async def bill(seller: Any) -> dict[str, Any]:
    newest = plain((await seller.get("/v1/invoices")).content)["items"][0]
    assert isinstance(newest, dict)
    return newest


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"blobs": 1},
        {"blobs": 7, "member_lines": 2, "chunk_bytes": 11},
        {"keys": "camel", "manifest": "link", "numbers_as_text": True, "blobs": 40},
    ],
)
async def test_the_lines_of_an_invoice_add_up_to_it(options: dict[str, Any]) -> None:
    async with asked(market(7), **options) as seller:
        invoice = await bill(seller)
        done = (await seller.export("billed", invoiceId=invoice["id"])).json()
        manifest = done.get("resourceLocation")
        if options.get("manifest") == "link":
            where = done["resourceLocation@odata.navigationLink"]
            manifest = (await seller.get(where, scope=GRAPH)).json()
        lines = await seller.lines(manifest)
        assert manifest["blobCount"] == len(manifest["blobs"])
        name = (lambda key: key) if options.get("keys") == "camel" else str.title
        totals = [Decimal(line[name("total")]) for line in lines]
        assert sum(totals) == Decimal(str(invoice["totalCharges"]))
        assert len(lines) > 20


async def test_an_export_is_under_way_for_a_while() -> None:
    async with asked(running=3, poll_after=7) as seller:
        invoice = await bill(seller)
        token = (await seller.token(GRAPH)).json()["access_token"]
        signed = {"authorization": f"Bearer {token}"}
        path = "/v1.0/reports/partners/billing/reconciliation/billed/export"
        begun = await seller.http.post(path, json={"invoiceId": invoice["id"]}, headers=signed)
        assert (begun.status_code, begun.content) == (202, b"")
        answers = [
            await seller.http.get(begun.headers["location"], headers=signed) for _ in range(4)
        ]
        assert [one.json()["status"] for one in answers] == [
            "notStarted", "running", "running", "succeeded",
        ]  # fmt: skip
        assert answers[0].headers["retry-after"] == "7"


async def test_files_want_a_signature_and_no_token() -> None:
    async with asked(blobs=3, sas_dies_after=1) as seller:
        invoice = await bill(seller)
        done = await seller.export("billed", invoiceId=invoice["id"])
        manifest = done.json()["resourceLocation"]
        where = [
            f"{manifest['rootDirectory']}/{blob['name']}?{manifest['sasToken']}"
            for blob in manifest["blobs"]
        ]
        token = {"authorization": "Bearer made-up"}
        statuses = [
            (await seller.http.get(where[0], headers=token)).status_code,
            (await seller.http.get(where[0].partition("?")[0])).status_code,
            (await seller.http.get(where[0])).status_code,
            (await seller.http.get(where[1])).status_code,
        ]
        assert statuses == [400, 403, 200, 403]
        again = (await seller.get(str(done.url), scope=GRAPH)).json()["resourceLocation"]
        renewed = f"{again['rootDirectory']}/{again['blobs'][1]['name']}?{again['sasToken']}"
        assert (await seller.http.get(renewed)).status_code == 200


async def test_what_is_not_invoiced_moves_to_the_invoice_when_it_comes() -> None:
    world = market(7)

    async def failed(seller: Any, period: str) -> str:
        asked_for = {"currencyCode": "EUR", "billingPeriod": period}
        done = (await seller.export("unbilled", **asked_for)).json()
        return str(done.get("error", {}).get("code", ""))

    async with asked(world) as seller:
        assert [await failed(seller, period) for period in ("current", "last")] == ["", "5000"]
        world.clock.set(datetime(2026, 12, 3, tzinfo=UTC))
        assert await failed(seller, "last") == ""
        refused = await seller.export("unbilled", currencyCode="USD", billingPeriod="current")
        assert refused.status_code == 400
        assert (await seller.export("billed", invoiceId="G1")).status_code == 400


async def test_a_revision_has_another_tag_and_other_lines() -> None:
    async with asked(market(7)) as seller:
        invoice = await bill(seller)

        async def read() -> tuple[str, int]:
            done = (await seller.export("billed", invoiceId=invoice["id"])).json()
            manifest = done["resourceLocation"]
            return manifest["eTag"], len(await seller.lines(manifest))

        first, same = await read(), await read()
        seller.simulator.export.revision += 1
        changed = await read()
        assert first == same
        assert changed[0] != first[0]
        assert changed[1] == first[1] + 1


async def test_made_up_lines_are_as_many_and_as_dear_as_announced() -> None:
    wanted = 23_457
    async with asked(generated=wanted, blobs=2) as seller:
        invoice = await bill(seller)
        done = (await seller.export("billed", invoiceId=invoice["id"])).json()
        lines = await seller.lines(done["resourceLocation"])
        assert len(lines) == wanted
        assert sum(line["Subtotal"] for line in lines) == made_up_total(wanted)


async def test_a_file_that_was_not_written_to_its_end_cannot_be_unpacked() -> None:
    async with asked(blobs=2, cut_blob=1) as seller:
        invoice = await bill(seller)
        done = (await seller.export("billed", invoiceId=invoice["id"])).json()
        manifest = done["resourceLocation"]
        whole, cut = [
            (
                await seller.http.get(
                    f"{manifest['rootDirectory']}/{blob['name']}?{manifest['sasToken']}"
                )
            ).content
            for blob in manifest["blobs"]
        ]
        assert gzip.decompress(whole)
        unpacker = zlib.decompressobj(16 + zlib.MAX_WBITS)
        assert unpacker.decompress(cut)
        assert not unpacker.eof


async def test_a_missing_right_and_a_busy_service_are_graphs_own_errors() -> None:
    async with asked(missing_rights=("PartnerBilling.Read.All",)) as seller:
        assert (await seller.export("billed", invoiceId="G1")).status_code == 403
    async with asked(graph_throttled=1) as seller:
        slow = await seller.export("billed", invoiceId="G1")
        assert (slow.status_code, slow.headers["retry-after"]) == (429, "57")


async def test_nothing_is_ever_written_at_the_seller() -> None:
    async with asked() as seller:
        token = (await seller.token()).json()["access_token"]
        signed = {"authorization": f"Bearer {token}"}
        await seller.http.delete(f"/v1/customers/{ONE}", headers=signed)
        assert seller.simulator.writes == ["DELETE"]
