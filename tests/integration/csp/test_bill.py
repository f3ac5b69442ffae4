"""The bill, over the wire: exports that are made, waited for, and read as streams."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

import httpx
import pytest
import respx
from httpx import Request, Response

from syncd.sdk.errors import (
    ConnectorError,
    PermissionMissing,
    ProtocolError,
    RequestRejected,
    VendorUnavailable,
)
from syncd.sdk.period import Period
from syncd.sdk.records import PurchaseProof, ScopeState
from tests.builders_csp import (
    BOM,
    GRAPH,
    KEY,
    PARTNER,
    STORE,
    Lines,
    Opened,
    bill_line,
    listing,
    opened,
    packed,
    row,
    serve_customers,
    serve_subscriptions,
    serve_tokens,
)
from tests.builders_csp import ONE as CUSTOMER

pytestmark = pytest.mark.respx(assert_all_called=False)

OCTOBER, NOVEMBER = Period(2026, 10), Period(2026, 11)
OPERATIONS = f"{GRAPH}/v1.0/reports/partners/billing/operations"
ROOT = f"{STORE}/exports/2026 10"


def invoice(number: str, month: int = 10, **more: Any) -> dict[str, Any]:
    return {
        "id": number,
        "invoiceDate": f"2026-{month + 1:02d}-08T01:22:47.6Z",
        "billingPeriodStartDate": f"2026-{month:02d}-01T00:00:00",
        "totalCharges": 412.5,
        "currencyCode": "EUR",
        "documentType": "invoice",
        "invoiceType": "OneTime",
        **more,
    }


def manifest(*names: str, **more: Any) -> dict[str, Any]:
    return {
        "id": "m-1",
        "dataFormat": "compressedJSONLines",
        "eTag": "tag-1",
        "rootDirectory": ROOT,
        "sasToken": KEY,
        "blobCount": len(names),
        "blobs": [{"name": name, "partitionValue": "default"} for name in names],
        **more,
    }


def succeeded(*names: str, **more: Any) -> Response:
    told = {
        "@odata.type": "#microsoft.graph.partners.billing.exportSuccessOperation",
        "status": "succeeded",
        "resourceLocation": manifest(*names, **more),
    }
    return Response(200, content=BOM + json.dumps(told).encode())


def running(**headers: str) -> Response:
    return Response(200, json={"status": "running"}, headers=headers)


class Bill:
    """Routes of one month's bill, as the test wants them."""

    def __init__(self, web: respx.MockRouter) -> None:
        self.web = web
        serve_tokens(web)
        self.invoices(invoice("G1"))
        self.exported(f"{OPERATIONS}/op-1")
        self.operation = web.get(f"{OPERATIONS}/op-1").mock(
            return_value=succeeded("part-0.json.gz")
        )
        self.file("part-0.json.gz", packed(bill_line()))

    def invoices(self, *rows: dict[str, Any]) -> None:
        self.heads = self.web.get(f"{PARTNER}/v1/invoices").mock(
            return_value=Response(200, json=listing(rows))
        )

    def exported(self, location: str, status: int = 202) -> None:
        self.export = self.web.post(
            url__regex=f"^{GRAPH}/v1.0/reports/partners/billing/reconciliation/(un)?billed/export$"
        ).mock(return_value=Response(status, headers={"Location": location}))

    def file(self, name: str, *contents: bytes | Response) -> respx.Route:
        answers = [one if isinstance(one, Response) else Response(200, content=one)
                   for one in contents]  # fmt: skip
        route = self.web.get(url__startswith=f"{STORE}/exports/2026%2010/{name}")
        self.blob = route
        if len(answers) == 1:
            return route.mock(return_value=answers[0])
        return route.mock(side_effect=answers)


@pytest.fixture
def bill(respx_mock: respx.MockRouter) -> Bill:
    return Bill(respx_mock)


@pytest.fixture
async def pc() -> AsyncIterator[Opened]:
    async with opened() as connection:
        yield connection


async def read(
    pc: Opened, period: Period = OCTOBER, *, billed: bool = True
) -> tuple[Lines, PurchaseProof]:
    sink = Lines()
    return sink, await pc.bill.purchases(sink, period, billed=billed)


async def test_the_lines_of_a_month_come_from_its_invoices(bill: Bill, pc: Opened) -> None:
    bill.invoices(invoice("G0", 9), invoice("G1"), invoice("G2", 11))
    sink, proof = await read(pc)
    assert [line.cost for line in sink.lines] == [Decimal("412.5")]
    assert (proof.state, proof.lines, proof.documents) == (ScopeState.COMPLETE, 1, ("G1",))
    assert proof.reasons == proof.notes == ()
    assert json.loads(bill.export.calls[0].request.content) == {
        "invoiceId": "G1", "attributeSet": "full",
    }  # fmt: skip


async def test_files_are_asked_for_without_any_token(bill: Bill, pc: Opened) -> None:
    await read(pc)
    (call,) = bill.blob.calls
    assert "authorization" not in call.request.headers
    assert str(call.request.url).endswith(f"/exports/2026%2010/part-0.json.gz?{KEY}")


async def test_products_are_those_of_the_census_read_before(bill: Bill, pc: Opened) -> None:
    serve_customers(bill.web, CUSTOMER)
    serve_subscriptions(bill.web, CUSTOMER, row())
    assert (await read(pc))[0].lines[0].product == ""
    await pc.pull()
    assert (await read(pc))[0].lines[0].product == "seat:CFQ7TTC0LCHC:0002:P1Y:monthly"


async def test_every_document_of_a_month_is_read(bill: Bill, pc: Opened) -> None:
    undated: dict[str, Any] = {
        "billingPeriodStartDate": None,
        "documentType": "adjustment_note",
        "amendsOf": "G1",
    }
    late: dict[str, Any] = {
        "billingPeriodStartDate": "0001-01-01T00:00:00",
        "documentType": "VoidNote",
    }
    bill.invoices(invoice("G1"), invoice("G2", **undated), invoice("G3", **late), invoice("G4", 8))
    _, proof = await read(pc)
    assert (proof.lines, proof.documents) == (3, ("G1", "G2", "G3"))


async def test_invoices_are_read_to_the_end(bill: Bill, pc: Opened) -> None:
    first = [invoice(f"G{n:03d}", 3) for n in range(200)]
    bill.heads.mock(
        side_effect=[
            Response(200, json=listing(first, total=201)),
            Response(200, json=listing([invoice("G999")], total=201)),
        ]
    )
    _, proof = await read(pc)
    assert proof.documents == ("G999",)


async def test_shorter_pages_than_asked_for_are_not_the_end(bill: Bill, pc: Opened) -> None:
    first = [invoice(f"G{n:03d}", 3) for n in range(50)]
    bill.heads.mock(
        side_effect=[
            Response(200, json=listing(first, total=51)),
            Response(200, json=listing([invoice("G999")], total=51)),
        ]
    )
    _, proof = await read(pc)
    assert proof.documents == ("G999",)


async def test_fewer_invoices_than_declared_prove_nothing(bill: Bill, pc: Opened) -> None:
    bill.heads.mock(
        side_effect=[
            Response(200, json=listing([invoice("G001", 3)], total=2)),
            Response(200, json=listing([], total=2)),
        ]
    )
    with pytest.raises(ProtocolError, match="TOTAL_MISSED"):
        await read(pc)


async def test_a_list_that_ignores_the_offset_is_whole(bill: Bill, pc: Opened) -> None:
    bill.invoices(*(invoice(f"G{n:03d}", 3) for n in range(250)), invoice("G999"))
    _, proof = await read(pc)
    assert proof.documents == ("G999",)
    assert bill.heads.call_count == 2


async def test_invoices_that_come_in_part_again_prove_nothing(bill: Bill, pc: Opened) -> None:
    first = [invoice(f"G{n:03d}", 3) for n in range(200)]
    again = [first[0], invoice("G999")]
    bill.heads.mock(
        side_effect=[Response(200, json=listing(rows, total=None)) for rows in (first, again)]
    )
    with pytest.raises(ProtocolError, match="PAGE_REPEATED"):
        await read(pc)


async def test_a_month_without_an_invoice_is_empty_and_says_so(bill: Bill, pc: Opened) -> None:
    _, proof = await read(pc, NOVEMBER)
    assert (proof.state, proof.lines) == (ScopeState.COMPLETE, 0)
    assert [note.partition(":")[0] for note in proof.notes] == ["NO_INVOICE_YET"]


@pytest.mark.parametrize(
    ("head", "state"),
    [
        ({}, ScopeState.PARTIAL),
        ({"totalCharges": 0}, ScopeState.COMPLETE),
        ({"totalCharges": "0.00"}, ScopeState.COMPLETE),
    ],
)
async def test_an_invoice_of_the_former_commerce_leaves_the_month_unproven(
    bill: Bill, pc: Opened, head: dict[str, Any], state: ScopeState
) -> None:
    bill.invoices(invoice("G1"), invoice("D030001", invoiceType="Recurring", **head))
    _, proof = await read(pc)
    assert (proof.state, proof.lines) == (state, 1)
    assert (*proof.reasons, *proof.notes)[0].startswith("LEGACY_INVOICE: D030001 ")


def failed(code: str | int, message: str) -> Response:
    told = {
        "@odata.type": "#microsoft.graph.partners.billing.failedOperation",
        "error": {"code": code, "message": message},
    }
    return Response(200, json=told)


@pytest.mark.parametrize("code", ["5000", 5000])
async def test_no_data_is_an_empty_document(bill: Bill, pc: Opened, code: str | int) -> None:
    bill.invoices(invoice("G1", totalCharges=0), invoice("G2", documentType="void_note"))
    bill.operation.mock(return_value=failed(code, "No data available"))
    _, proof = await read(pc)
    assert (proof.state, proof.lines, len(proof.notes)) == (ScopeState.COMPLETE, 0, 2)
    assert all(note.startswith("EXPORT_EMPTY: ") for note in proof.notes)


async def test_no_data_for_an_invoice_that_charges_something_proves_nothing(
    bill: Bill, pc: Opened
) -> None:
    bill.operation.mock(return_value=failed("5000", "No data available"))
    _, proof = await read(pc)
    assert (proof.state, proof.reasons) == (
        ScopeState.PARTIAL, ("EXPORT_EMPTY: G1 has no lines",),
    )  # fmt: skip
    bill.invoices(invoice("G1"), invoice("G2", documentType="void_note", amendsOf="G1"))
    assert (await read(pc))[1].state is ScopeState.COMPLETE


@pytest.mark.parametrize(("code", "message"), [("5000", "Internal error"), ("5001", "No data")])
async def test_any_other_failure_is_an_outage(
    bill: Bill, pc: Opened, code: str, message: str
) -> None:
    bill.operation.mock(return_value=failed(code, message))
    with pytest.raises(VendorUnavailable, match=f"EXPORT_FAILED: pc: .*{code}"):
        await read(pc)


@pytest.mark.parametrize(
    "location",
    [
        f"{OPERATIONS}/op-1",
        "/v1.0/reports/partners/billing/operations/op-1",
        "/reports/partners/billing/operations/op-1",
        "reports/partners/billing/operations/op-1",
    ],
)
async def test_the_address_to_ask_at_may_be_relative(bill: Bill, pc: Opened, location: str) -> None:
    bill.exported(location)
    assert (await read(pc))[1].lines == 1


async def test_the_address_to_ask_at_is_never_another_host(bill: Bill, pc: Opened) -> None:
    bill.exported("https://graph.microsoft.com.evil.example/v1.0/operations/1")
    with pytest.raises(ProtocolError, match="outside of"):
        await read(pc)


async def test_an_export_that_is_not_accepted_is_none(bill: Bill, pc: Opened) -> None:
    bill.exported("", status=202)
    with pytest.raises(ProtocolError, match="EXPORT_UNEXPECTED"):
        await read(pc)


async def test_an_export_is_waited_for_as_it_asks(bill: Bill, pc: Opened) -> None:
    bill.operation.mock(
        side_effect=[
            Response(200, json={"status": "notStarted"}),
            running(**{"Retry-After": "42"}),
            running(),
            succeeded("part-0.json.gz"),
        ]
    )
    began = pc.stopwatch.monotonic()
    assert (await read(pc))[1].lines == 1
    assert pc.stopwatch.monotonic() - began >= 5 + 42 + 5


async def test_an_export_is_not_waited_for_without_bound(bill: Bill) -> None:
    bill.operation.mock(return_value=running(**{"Retry-After": "50"}))
    async with opened(export_minutes=2) as pc:
        with pytest.raises(VendorUnavailable, match="EXPORT_TOO_SLOW"):
            await read(pc)
        assert pc.stopwatch.monotonic() < 1_000_000
    assert bill.operation.call_count == 3


async def test_a_state_without_a_name_is_refused(bill: Bill, pc: Opened) -> None:
    bill.operation.mock(return_value=Response(200, json={"status": "skipped"}))
    with pytest.raises(ProtocolError, match="EXPORT_UNEXPECTED"):
        await read(pc)


async def test_the_files_may_be_named_behind_a_link(bill: Bill, pc: Opened) -> None:
    link = {
        "status": "succeeded",
        "resourceLocation@odata.navigationLink": "/v1.0/reports/partners/billing/manifests/m-1",
    }
    bill.operation.mock(return_value=Response(200, json=link))
    bill.web.get(f"{GRAPH}/v1.0/reports/partners/billing/manifests/m-1").mock(
        return_value=Response(200, json=manifest("part-0.json.gz"))
    )
    assert (await read(pc))[1].lines == 1


@pytest.mark.parametrize(
    ("told", "words"),
    [
        ({"blobCount": 2}, "EXPORT_INCOMPLETE: pc: 2 files declared, 1 named"),
        ({"dataFormat": "parquet"}, "format that is not known"),
        ({"rootDirectory": "http://exports.blob.core.windows.net/x"}, "write https"),
        ({"rootDirectory": "https://user:pass@exports.example/x"}, "user name and password"),
        ({"blobs": [{"name": "../other.gz"}]}, "out of its folder"),
        ({"blobs": [{"name": "/part.gz"}]}, "out of its folder"),
        ({"blobs": [{"name": "a\\b.gz"}]}, "out of its folder"),
    ],
)
async def test_files_that_are_not_as_announced_are_refused(
    bill: Bill, pc: Opened, told: dict[str, Any], words: str
) -> None:
    bill.operation.mock(return_value=succeeded("part-0.json.gz", **told))
    with pytest.raises(ProtocolError, match=words) as raised:
        await read(pc)
    assert "canary" not in str(raised.value)


async def test_a_file_that_is_named_twice_is_refused(bill: Bill, pc: Opened) -> None:
    bill.operation.mock(return_value=succeeded("a.gz", "a.gz"))
    with pytest.raises(ProtocolError, match="named twice"):
        await read(pc)


async def test_a_key_that_has_ended_is_renewed_once(bill: Bill, pc: Opened) -> None:
    bill.file("part-0.json.gz", Response(403), packed(bill_line()))
    bill.operation.mock(
        side_effect=[
            succeeded("part-0.json.gz"),
            succeeded("part-0.json.gz", sasToken="?sig=canary-newer"),
        ]
    )
    assert (await read(pc))[1].lines == 1
    assert str(bill.blob.calls[1].request.url).endswith("part-0.json.gz?sig=canary-newer")


async def test_a_file_that_stays_closed_is_told_without_its_key(bill: Bill, pc: Opened) -> None:
    bill.file("part-0.json.gz", Response(403, text="<Error>AuthenticationFailed</Error>"))
    with pytest.raises(ProtocolError, match=r"EXPORT_CLOSED: pc: .*403") as raised:
        await read(pc)
    assert bill.blob.call_count == 2
    assert "canary" not in str(raised.value)
    assert "canary" not in str(pc.log.events)


async def test_data_that_changed_meanwhile_is_not_mixed(bill: Bill, pc: Opened) -> None:
    bill.file("part-0.json.gz", Response(403), packed(bill_line()))
    bill.operation.mock(
        side_effect=[succeeded("part-0.json.gz"), succeeded("part-0.json.gz", eTag="tag-2")]
    )
    with pytest.raises(ProtocolError, match="EXPORT_CHANGED"):
        await read(pc)


async def test_a_version_changes_when_the_data_does(bill: Bill, pc: Opened) -> None:
    first = (await read(pc))[1].version
    assert first == (await read(pc))[1].version != ""
    bill.operation.mock(return_value=succeeded("part-0.json.gz", eTag="tag-2"))
    assert (await read(pc))[1].version not in ("", first)


class Cut(httpx.AsyncByteStream):
    """A body that breaks off."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield self._content
        raise httpx.RemoteProtocolError("peer closed connection")


async def test_a_file_that_breaks_off_is_taken_up_and_no_line_comes_twice(
    bill: Bill, pc: Opened
) -> None:
    lines = [
        bill_line(SubscriptionId=f"sub-{n}", PartnerId=f"{n * n * 7919}") for n in range(20_000)
    ]
    whole = packed(*lines)

    def parts(request: Request) -> Response:
        if bill.blob.call_count < 2:
            size = len(whole) * (bill.blob.call_count + 1) // 3
            return Response(200, stream=Cut(whole[:size]), headers={"etag": "e1"})
        return Response(200, content=whole, headers={"etag": "e1"})

    bill.blob.mock(side_effect=parts)
    sink, proof = await read(pc)
    assert proof.lines == len(sink.lines) == 20_000
    assert [line.subscription for line in sink.lines] == [f"sub-{n}" for n in range(20_000)]
    assert bill.blob.call_count == 3


async def test_a_file_that_became_another_one_is_not_taken_up(bill: Bill, pc: Opened) -> None:
    answers = [
        Response(200, stream=Cut(packed(bill_line())[:20]), headers={"etag": "e1"}),
        Response(200, content=packed(bill_line()), headers={"etag": "e2"}),
    ]
    bill.file("part-0.json.gz", *answers)
    with pytest.raises(ProtocolError, match="EXPORT_CHANGED"):
        await read(pc)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (packed(bill_line(), bill_line())[:-12], "cut short"),
        (b"<?xml version='1.0'?>", "no gzip"),
        (packed({"Subtotal": "x"}), "line 1 that is no line of a bill"),
    ],
    ids=["cut short", "no gzip", "no line"],
)
async def test_a_damaged_file_ends_the_read(
    bill: Bill, pc: Opened, content: bytes, words: str
) -> None:
    bill.file("part-0.json.gz", content)
    with pytest.raises(ProtocolError, match=f"EXPORT_DAMAGED: pc: .*{words}"):
        await read(pc)


async def test_a_redirect_of_a_file_leads_nowhere(bill: Bill, pc: Opened) -> None:
    bill.file("part-0.json.gz", Response(302, headers={"location": "https://evil.example/"}))
    with pytest.raises(ProtocolError, match="redirect"):
        await read(pc)


async def test_a_host_that_stumbles_is_asked_again(bill: Bill, pc: Opened) -> None:
    bill.file("part-0.json.gz", Response(503), packed(bill_line()))
    assert (await read(pc))[1].lines == 1


async def test_the_right_for_the_export_is_named(bill: Bill, pc: Opened) -> None:
    told = {"error": {"code": "Forbidden", "message": "Missing PartnerBilling"}}
    bill.export.mock(return_value=Response(403, json=told, headers={"request-id": "req-9"}))
    with pytest.raises(PermissionMissing, match=r"PERMISSION_MISSING: pc: .*request req-9") as no:
        await read(pc)
    assert "PartnerBilling.Read.All" in no.value.remedy


@pytest.mark.parametrize(("period", "name"), [(NOVEMBER, "current"), (OCTOBER, "last")])
async def test_what_is_not_invoiced_is_asked_for_by_its_currency(
    bill: Bill, pc: Opened, period: Period, name: str
) -> None:
    bill.invoices(invoice("G1", 8, currencyCode="USD"), invoice("G2", currencyCode="GBP"))
    _, proof = await read(pc, period, billed=False)
    assert (proof.lines, proof.documents) == (1, ())
    assert json.loads(bill.export.calls[0].request.content) == {
        "currencyCode": "GBP", "billingPeriod": name, "attributeSet": "full",
    }  # fmt: skip


async def test_the_currency_can_be_set(bill: Bill) -> None:
    async with opened(currency="CHF") as pc:
        await read(pc, NOVEMBER, billed=False)
    assert json.loads(bill.export.calls[0].request.content)["currencyCode"] == "CHF"
    assert bill.heads.call_count == 0


async def test_without_an_invoice_the_currency_must_be_set(bill: Bill, pc: Opened) -> None:
    bill.invoices()
    with pytest.raises(RequestRejected, match="currency") as raised:
        await read(pc, NOVEMBER, billed=False)
    assert "currency" in raised.value.remedy


async def test_older_months_are_not_offered_before_their_invoice(bill: Bill, pc: Opened) -> None:
    _, proof = await read(pc, Period(2026, 9), billed=False)
    assert proof.state is ScopeState.UNKNOWN
    assert proof.reasons[0].startswith("PERIOD_NOT_OFFERED: ")


async def test_nothing_waits_for_an_invoice(bill: Bill, pc: Opened) -> None:
    bill.operation.mock(return_value=failed("5000", "No data available"))
    _, proof = await read(pc, NOVEMBER, billed=False)
    assert (proof.state, proof.lines) == (ScopeState.COMPLETE, 0)
    assert proof.notes[0].startswith("EXPORT_EMPTY: ")


async def test_an_export_without_files_is_empty(bill: Bill, pc: Opened) -> None:
    bill.operation.mock(return_value=succeeded())
    _, proof = await read(pc)
    assert (proof.state, proof.lines) == (ScopeState.PARTIAL, 0)


async def test_no_secret_is_shown_whatever_happens(bill: Bill, pc: Opened) -> None:
    for answer in (Response(500), Response(404), Response(403), Response(429)):
        bill.blob.mock(return_value=answer)
        with pytest.raises(ConnectorError) as raised:
            await read(pc)
        assert "canary" not in str(raised.value)
    assert "canary" not in str(pc.log.events)
