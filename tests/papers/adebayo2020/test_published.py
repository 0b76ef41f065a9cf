"""The printed numbers, and what follows from them alone."""

import pytest

from attributionlab.papers.adebayo2020.paper import PACKAGE
from attributionlab.papers.adebayo2020.users import p_value, users
from attributionlab.papers.claims import Status
from attributionlab.papers.published import load_published


def test_rows_have_a_number_for_each_method():
    published = load_published(PACKAGE)
    rows = [row for kind in ("GT-1", "GT-2") for row in published["table2"][kind].values()]
    rows += [row for table in published["table3"].values() if isinstance(table, dict) for row in table.values()]
    assert sorted({len(row) for row in rows}) == [14, 15]
    assert sum(len(row) == 14 for row in rows) == 1


def test_the_range_of_the_text_is_that_of_the_table():
    table = load_published(PACKAGE)["table2"]
    assert table["gt2_range"] == [min(table["GT-2"]["mean"]), max(table["GT-2"]["mean"])]


def test_p_values_are_tails_of_the_f_distribution():
    # with two degrees of freedom in the numerator the tail is (1 + 2 F / d)^(-d / 2)
    for statistic, freedom in ((7.66, 54), (14.35, 159)):
        assert p_value(statistic, freedom) == pytest.approx((1 + 2 * statistic / freedom) ** (-freedom / 2))


def test_one_printed_p_does_not_follow_from_the_printed_degrees_of_freedom():
    claims = {claim.claim.key: claim.findings for claim in users().claims}
    statuses = [finding.status for finding in claims["adebayo-users.anova-out-of-distribution"]]
    assert statuses == [Status.not_reproduced, Status.reproduced]
    assert claims["adebayo-users.labels"][0].status is Status.unchecked
