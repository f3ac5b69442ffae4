"""From records that people made by hand to the first invoice that is right to the cent."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from syncd.sandbox.demo.cast import (
    BACKUP,
    FIRST_OF_DECEMBER,
    HELD,
    PIONEERS,
    PSA_CONNECTOR,
)
from syncd.sandbox.demo.files import read, write
from syncd.sandbox.demo.stage import Stage

NOVEMBER = "2026-11"
OWN_PRICE = 3.0
"""What HaloPSA charges per unit of a record whose price is its own."""


def play(stage: Stage) -> None:
    """The acts in order.

    Raises:
        ClaimFailed: something the demonstration says is not true.
    """
    _shadow(stage)
    _golive(stage)
    _adopt(stage)
    _wire(stage)
    _first_bills(stage)
    _invoice(stage)
    _everyone(stage)


def _shadow(stage: Stage) -> None:
    stage.step(
        "Shadow",
        "November is over. HaloPSA bills two clients by records that people typed over the years.\n"
        "What would we bill instead, and why is it not the same? Nothing can be written yet.",
    )
    stage.move_to(FIRST_OF_DECEMBER)
    stage.run("pull", BACKUP, quiet=True)
    stage.run("shadow", NOVEMBER, *_only_pioneers())
    stage.claim(_writes(stage) == 0, "nothing was written to the PSA")


def _golive(stage: Stage) -> None:
    stage.step("Go live", "Two clients are taken live, from November on. The others wait.")
    stage.run(
        "golive", *PIONEERS.values(), "--from", NOVEMBER, "--yes", "--reason", "compared in shadow"
    )


def _adopt(stage: Stage) -> None:
    stage.step(
        "Adopt",
        "The records that exist go on, with their ids, prices and links: no second one is made\n"
        "beside them. A name is only a proposal, so a person confirms it in a file (adopt.csv).",
    )
    before = _billed_records(stage)
    stage.run("adopt", *PIONEERS.values())
    sheet = stage.folder / "adopt.csv"
    stage.run("adopt", *PIONEERS.values(), "--export", sheet.name, quiet=True)
    stage.say("the proposals are looked at in a spreadsheet; all of them are right")
    stage.run("adopt", "--import", sheet.name, "--apply")
    adopted = [one for one in _subscriptions(stage) if _is_ours(one)]
    unchanged = all(
        before[one["id"]] == (one["count"], Decimal(str(one["price"]))) for one in adopted
    )
    stage.claim(
        bool(adopted) and unchanged,
        f"{len(adopted)} records carry our key; count and price of each are as they were",
    )


def _wire(stage: Stage) -> None:
    stage.step(
        "Wire",
        "A record that no recurring line counts is never invoiced. Links are proposed as a plan;\n"
        "the invoice is read whole, one thing is changed, and it is read again.",
    )
    stage.run("wire", *PIONEERS.values())
    stage.run("apply", stage.read("plans")["plans"][0]["id"])


def _first_bills(stage: Stage) -> None:
    stage.step(
        "Plan, release, apply",
        "What would be written, and what does it change in money? First bills are always held:\n"
        "a person looks at them once, and the reason is kept.",
    )
    stage.run("plan", "billing", *_only_pioneers(), expect=HELD)
    stage.run("apply", "latest", expect=HELD)
    stage.run("plans", "release", "latest", "--reason", "compared with what was invoiced so far")
    stage.run("apply", "latest")
    stage.claim_no_duplicates(PSA_CONNECTOR)


def _invoice(stage: Stage) -> None:
    key, name = next(iter(PIONEERS.items()))
    stage.step(
        "Invoice",
        f"HaloPSA makes the invoice of {name}: every recurring line takes the count and price of\n"
        "the record that it counts. Is each amount what our books say, to the cent?",
    )
    explained = stage.read("explain", name, "--period", NOVEMBER)["lines"]
    billed = {
        _line_number(one["line"]["billed_by"]): one["line"]
        for one in explained
        if one["line"]["billed_by"]
    }
    (invoice,) = stage.ask(PSA_CONNECTOR, "/__hand__/invoices", {"client": int(key)})
    for line in invoice["lines"]:
        ours = billed.get(line["recurring_invoice_line_id"])
        words = f"{line['qty_order']:g} x {line['unit_price']:,.4f}"
        mine = "" if ours is None else f"   ours: {Decimal(ours['total_price']):,.2f}"
        stage.show(
            f"  {line['item_shortdescription']:<24}{words:>18} = {line['net_amount']:>9,.2f}{mine}"
        )
    stage.show(f"  {invoice['invoicenumber']}: {invoice['revenue']:,.2f} net")
    amounts = {
        line["recurring_invoice_line_id"]: Decimal(str(line["net_amount"]))
        for line in invoice["lines"]
    }
    right = all(
        amounts.get(number) == Decimal(line["total_price"]) for number, line in billed.items()
    )
    stage.claim(
        bool(billed) and right,
        f"{len(billed)} lines of the invoice bill our records, each right to the cent",
    )


def _line_number(billed_by: str) -> int:
    """The id of a recurring line, which stands at the end of its title in brackets."""
    return int(billed_by.rpartition("(")[2].rstrip(")"))


def _everyone(stage: Stage) -> None:
    stage.step(
        "Everybody else",
        "The rest goes live by a list (clients.csv), is planned, looked at, released and sent.",
    )
    rest = sorted({row["client"] for row in read(stage.folder / "links.csv")} - {"", *PIONEERS})
    write(stage.folder / "clients.csv", [{"client": key} for key in rest])
    stage.run(
        "golive", "--file", "clients.csv", "--from", NOVEMBER, "--yes", "--reason", "second wave"
    )
    stage.run("plan", "billing", expect=HELD, quiet=True)
    stage.run("plans", "release", "latest", "--reason", "compared in shadow")
    stage.run("apply", "latest")
    stage.claim_no_duplicates(PSA_CONNECTOR)
    added = _lines_by_hand(stage)
    stage.say(f"somebody adds {added} recurring lines in HaloPSA; invoices are made on the 5th")


def _lines_by_hand(stage: Stage) -> int:
    """A recurring line for each record of ours that none counts; how many were made.

    A record without a price of ours is billed at the line's own.
    """
    headers = stage.ask(PSA_CONNECTOR, "/__hand__/recurring")
    counted = {
        source["licence_id"]
        for header in headers
        for line in header["lines"]
        for source in line["quantity_subscriptions"]
    }
    bare = [one for one in _subscriptions(stage) if _is_ours(one) and one["id"] not in counted]
    for one in bare:
        asked = {"licence": one["id"], "linked_price": bool(one["price"])}
        line = stage.ask(PSA_CONNECTOR, "/__hand__/lines", asked)["id"]
        if not one["price"]:
            price = {"unit_price": OWN_PRICE}
            stage.ask(PSA_CONNECTOR, f"/__hand__/lines/{line}", price, method="PATCH")
    for header in headers:
        day = {"nextcreationdate": "2026-12-05T00:00:00"}
        stage.ask(PSA_CONNECTOR, f"/__hand__/recurring/{header['id']}", day, method="PATCH")
    return len(bare)


def _only_pioneers() -> list[str]:
    return [word for name in PIONEERS.values() for word in ("--client", name)]


def _writes(stage: Stage) -> int:
    found: int = stage.statistics(PSA_CONNECTOR)["writes"]
    return found


def _subscriptions(stage: Stage) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = stage.ask(PSA_CONNECTOR, "/__hand__/subscriptions")
    return found


def _billed_records(stage: Stage) -> dict[int, tuple[int, Decimal]]:
    return {one["id"]: (one["count"], Decimal(str(one["price"]))) for one in _subscriptions(stage)}


def _is_ours(record: dict[str, Any]) -> bool:
    return str(record.get("product_sku") or "").startswith("syncd")
