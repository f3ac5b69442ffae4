"""Whatever was billed before, a plan of an applied plan has nothing left to write."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from syncd.core.billing.plan_input import Style
from tests.builders_billing import bill_input, configuration
from tests.builders_plan import OCTOBER, Desk

STYLES = list(Style)

histories = st.lists(
    st.tuples(
        st.integers(0, 6), st.integers(0, 6), st.sampled_from(["average", "total", "quantity"])
    ),
    min_size=1,
    max_size=4,
)


@given(histories, st.sampled_from(STYLES), st.sampled_from(["report", "adjust"]))
def test_a_plan_of_an_applied_plan_has_no_changes(
    history: list[tuple[int, int, str]], style: Style, policy: str
):
    desk = Desk(style)
    period = OCTOBER
    for desktop, server, mode in history:
        data = bill_input(
            configuration(mode=mode, products=("desktop", "server")),
            usage={"desktop": desktop, "server": server},
            rates={"desktop": {"cost": "1", "price": "5"}, "server": {"cost": "1", "price": "6"}},
            types={"desktop": "10", "server": "10" if desktop % 2 else "11"},
            settings={"unit_scale": 2, "rounding_policy": policy},
        )
        desk.bill(data, period)
        again = desk.plan(data, period)
        assert again.bill.changes == ()
        assert (again.bill.total_before or 0) == (again.bill.total_after or 0)
        period = period.following()
