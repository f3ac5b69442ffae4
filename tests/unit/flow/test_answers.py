"""What a connector answers to writes, and how a run says what became of them."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from syncd.core.service.answers import WriteReport, answer_of, carried_out
from syncd.core.store.runs import RunStatus
from syncd.sdk.errors import AuthError, ProtocolError, VendorUnavailable
from syncd.sdk.records import NotSent, Outcome, Rejected


class Run:
    """A run that remembers what it was told."""

    def __init__(self) -> None:
        self.counts: dict[str, int] = {}
        self.end: tuple[RunStatus, str, str] | None = None

    def count(self, name: str, n: int) -> None:
        self.counts[name] = n

    def ends(self, status: RunStatus, *, code: str, error: str) -> None:
        self.end = (status, code, error)


async def gives(*outcomes: Outcome) -> Sequence[Outcome]:
    return outcomes


async def fails(error: Exception) -> Sequence[Outcome]:
    raise error


async def test_each_write_has_its_outcome_and_nothing_stops_the_next_call() -> None:
    refused = Rejected("a", "NO", "no")
    answer = await carried_out(gives(refused), ["a", "b"])
    assert (answer.outcomes, answer.stopped_by) == ({"a": refused}, None)


async def test_refused_credentials_mean_that_nothing_was_written() -> None:
    error = AuthError("refused")
    answer = await carried_out(fails(error), ["a", "b"])
    assert answer.outcomes == {"a": NotSent("a", "refused"), "b": NotSent("b", "refused")}
    assert answer.stopped_by is error


async def test_any_other_failure_leaves_every_write_unknown() -> None:
    error = VendorUnavailable("503")
    answer = await carried_out(fails(error), ["a"])
    assert (answer.outcomes, answer.stopped_by) == ({}, error)


async def test_what_could_not_be_sent_now_stops_further_calls_with_the_pause() -> None:
    answer = await carried_out(gives(NotSent("a", "quota", retry_after=9.0)), ["a"])
    assert isinstance(answer.stopped_by, VendorUnavailable)
    assert answer.stopped_by.retry_after == 9.0


async def test_a_defect_of_a_connector_is_named_by_type_and_tells_no_data() -> None:
    with pytest.raises(ProtocolError) as caught:
        await answer_of(fails(KeyError("client Acme")), connection="psa", work="the delivery")
    assert str(caught.value) == "KeyError at the connector of 'psa' ended the delivery"
    assert caught.value.connection == "psa"
    with pytest.raises(VendorUnavailable):
        await answer_of(fails(VendorUnavailable("503")), connection="psa", work="the delivery")


@pytest.mark.parametrize(
    ("report", "unwritten", "end"),
    [
        (WriteReport(delivered=2, calls=1), False, None),
        (
            WriteReport(rejected=1),
            True,
            (RunStatus.PARTIAL, "DATA_UNUSABLE", "some links were not written"),
        ),
        (
            WriteReport(waiting=1, rejected=1),
            True,
            (RunStatus.PARTIAL, "OUTCOME_UNKNOWN", "some links are not settled"),
        ),
        (
            WriteReport(waiting=1, stopped_by=AuthError("refused")),
            True,
            (RunStatus.FAILED, AuthError.code, "refused"),
        ),
    ],
)
def test_a_run_says_the_gravest_of_what_happened(
    report: WriteReport, unwritten: bool, end: tuple[RunStatus, str, str] | None
) -> None:
    run = Run()
    report.conclude(run, "links", unwritten=unwritten)  # type: ignore[arg-type]
    assert run.end == end
    assert run.counts == {
        "delivered": report.delivered,
        "rejected": report.rejected,
        "write_calls": report.calls,
    }
