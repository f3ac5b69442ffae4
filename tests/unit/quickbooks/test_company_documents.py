"""The simulated QuickBooks keeps documents as the real one is known to keep them."""

from __future__ import annotations

from tests.builders_quickbooks_company import asked, invoice, line, plain


async def test_an_invoice_is_in_the_books_with_computed_totals_and_a_sum_line() -> None:
    async with asked() as app:
        answer = await app.post("/invoice", invoice(lines=[line(3, "3.33"), line(1, "3.33", "3")]))
        made = plain(answer)["Invoice"]
        print(made)
        assert (made["SyncToken"], made["Id"]) == ("0", "145")
        assert [one["DetailType"] for one in made["Line"]][-1] == "SubTotalLineDetail"
