"""The printed numbers hold together, or we say where they do not."""

import pytest

from attributionlab.papers.zhang2024.published import gamma_claims, published, published_ranks, published_table


@pytest.mark.parametrize(
    ("table", "expected"),
    [("table3", (0.94, 0.98, 1.00)), ("table5", (-0.36, -0.19, 0.02)), ("table6", (0.76, 0.67, 0.43))],
)
def test_spearman_of_printed_ranks(table, expected):
    assert published_ranks(table).recomputed() == pytest.approx(expected, abs=0.005)


def test_only_table_3_prints_the_correlations_of_its_ranks():
    follows = {
        name: published_ranks(name).recomputed() == pytest.approx(published_ranks(name).correlations, abs=0.005)
        for name in ("table3", "table5", "table6")
    }
    assert follows == {"table3": True, "table5": False, "table6": False}


@pytest.mark.parametrize("table", ["table3", "table5", "table6"])
def test_every_column_of_ranks_is_a_permutation(table):
    printed = published_table(table)
    first = 0 if table == "table3" else 1
    for column in printed.columns:
        assert sorted(printed.column(column).values()) == list(range(first, first + len(printed.rows)))


def test_table_2_repeats_the_correlations_of_tables_5_and_6():
    rows = published_table("table2").rows
    assert rows["with"] == published_ranks("table5").correlations
    assert rows["without"] == published_ranks("table6").correlations


def test_the_printed_optimum_is_the_closed_form_of_the_white_part():
    optimum, white = published()["table4"]["optimum"], 0.0492
    areas = published_table("table4")
    assert optimum == pytest.approx(1 - white / 2, abs=5e-5)
    assert {areas.rows[name] for name in ("LRP", "DeepSHAP", "IG", "IG*")} == {(optimum, round(1 - optimum, 4))}


def test_verdicts_of_section_4_are_named_once():
    keys = [claim.key for claim in gamma_claims()]
    assert len(keys) == len(set(keys)) == 15


@pytest.mark.parametrize("name", ["table1", "table2", "table3", "table4", "table5", "table6", "figure3", "appendix-k"])
def test_every_number_has_its_source(name):
    assert published()[name]["source"]
