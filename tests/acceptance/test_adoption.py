"""`syncd adopt` with real processes: what fits is shown, a file is taken, the record stays."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from tests.builders_site import Site

DECEMBER = datetime(2026, 12, 1, 9, 0, tzinfo=UTC)


@pytest.fixture
def shadow(make_site: Callable[..., Site]) -> Site:
    """An installation in shadow, beside a record that somebody made by hand."""
    site = make_site(mode="shadow")
    site.run("pull")
    site.decide()
    site.move(DECEMBER)
    site.hand.add(1001, "Managed server", count=2, price=14, product_sku="SRV-9")
    return site


def _by_hand(site: Site) -> dict[str, object]:
    return next(row for row in site.hand.subscriptions() if row["name"] == "Managed server")


def test_a_record_is_shown_accepted_by_a_file_and_adopted_in_shadow(shadow: Site) -> None:
    before = _by_hand(shadow)
    shown = shadow.run("adopt", "Alpha Ltd")
    assert "Managed servers" in shown.out
    assert "our key replaces 'SRV-9'" in " ".join(shown.out.split())
    assert shadow.run("adopt", "--accept", expect=6).err.count("nothing was chosen") == 1
    assert shadow.run("adopt", "--accept-names", expect=3).out.count("a person has to say yes") == 1

    file = shadow.folder / "adopt.csv"
    shadow.run("adopt", "Alpha Ltd", "--export", str(file))
    rows = list(csv.DictReader(io.StringIO(file.read_text("utf-8"), newline="")))
    assert [row["record"] for row in rows if row["record"]] == [str(before["id"])]
    planned = shadow.read("adopt", "Alpha Ltd", "--import", str(file), "--by", "ann")
    assert [one["record"] for one in planned["adoptions"]] == [str(before["id"])]
    assert shadow.writes() == 0

    listed = shadow.run("plans", "show", planned["plan"])
    assert "only our key is written" in listed.out
    shadow.run("apply", planned["plan"])
    after = _by_hand(shadow)
    assert str(after["product_sku"]).startswith("syncd")
    assert {**after, "product_sku": "SRV-9"} == before
    again = shadow.run("apply", planned["plan"], expect=6)
    assert "is used up" in again.err

    month = shadow.run("plan", "billing", expect=None)
    assert "2 -> 1" in month.out
    assert "POSSIBLE_TWIN" not in month.said


def test_accepting_and_applying_at_once_prints_one_answer(shadow: Site) -> None:
    number = int(str(_by_hand(shadow)["id"]))
    shadow.hand.edit(number, product_sku="Managed servers")
    done = shadow.read("adopt", "1001", "--accept", "--apply")
    assert [bill["fate"] for bill in done["bills"]] == ["sent"]
    assert shadow.writes() == 1


def test_a_file_with_mistakes_is_refused_whole(shadow: Site) -> None:
    file = shadow.folder / "adopt.csv"
    file.write_text("connection,account,line,record\nninja,11,nothing/1,881\nninja,99,x,4711\n")
    done = shadow.run("adopt", "--import", str(file), expect=6)
    assert "line 2, column line" in done.err
    assert "line 3, column line" in done.err
    assert "Traceback" not in done.said
    assert "no plan was made yet" in shadow.run("plans").out


def test_what_cannot_be_done_is_one_sentence(shadow: Site) -> None:
    for words in (["--apply"], ["--period", "2026-12"], ["Nobody"]):
        done = shadow.run("adopt", *words, expect=6)
        assert done.err.startswith("error: ")
        assert "what to do: " in done.err
