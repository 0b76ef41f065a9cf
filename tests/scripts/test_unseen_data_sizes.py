"""The experiment over sizes: records that resume, and correlations from them."""

import importlib.util
import json
import sys
from pathlib import Path

import numpy as np
import pytest

from attributionlab.judging import paired_difference

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def sizes():
    spec = importlib.util.spec_from_file_location("unseen_data_sizes", ROOT / "scripts" / "unseen_data_sizes.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules["unseen_data_sizes"] = module
    spec.loader.exec_module(module)
    return module


def scores_of(sizes, name, *key):
    """Scores that depend on everything."""
    random = np.random.default_rng(abs(hash((name, *map(str, key)))) % 2**32)
    return dict(zip((*sizes.TRUTHS, *sizes.METRICS, "zero"), random.random(6).tolist(), strict=True))


@pytest.fixture
def records(sizes, tmp_path, monkeypatch):
    """A file of records of two factors, and the calls that measured them."""
    calls = []

    def measured(factor, size, effect, network, image):
        key = (factor, size, effect, network, image)
        calls.append(key)
        names = sizes.method_specs(sizes.FACTORS[factor], size)
        return {
            **sizes.key_of(*key),
            "scores": {name: scores_of(sizes, name, *key) for name in names},
            "cpu_seconds": 0,
        }

    monkeypatch.setattr(sizes, "measured", measured)
    monkeypatch.setattr(sizes, "register_scaled_priors", lambda: None)  # a name can be registered once
    path = tmp_path / "records.jsonl"
    arguments = (
        "x",
        str(path),
        "--sizes",
        "32",
        "--factors",
        "reproduced,converged",
        "--networks",
        "2",
        "--images",
        "3",
    )
    monkeypatch.setattr(sys, "argv", list(arguments))
    sizes.main()
    return path, calls


def test_a_second_run_measures_only_what_is_missing_or_was_cut_off(sizes, records):
    path, calls = records
    assert len(calls) == len(set(calls)) == 2 * 2 * 2 * 3
    lines = path.read_text().splitlines()
    path.write_text("\n".join([*lines[:-1], lines[-1][:20]]) + "\n")
    sizes.main()
    assert calls[24:] == [
        tuple(json.loads(lines[-1])[name] for name in ("factor", "size", "effect", "network", "image"))
    ]


def test_a_factor_takes_the_scores_of_what_it_leaves_alone(sizes, records):
    read = sizes.read_records(records[0])
    key = ("converged", 32, "with", 1, 2)
    assert sizes.score_of(read, key, "IG", "Deletion") == read[key]["scores"]["IG"]["Deletion"]
    assert "IBA" not in read[key]["scores"]
    of_reproduced = read["reproduced", *key[1:]]["scores"]["IBA"]["Deletion"]
    assert sizes.score_of(read, key, "IBA", "Deletion") == of_reproduced


def test_differences_are_those_of_the_bootstrap_over_methods_and_images(sizes, records):
    read = sizes.read_records(records[0])
    setting = sizes.Setting("reproduced", 32, sizes.PLAIN)

    def column(effect, network, name, sign=1):
        rows = [
            [sign * read["reproduced", 32, effect, network, image]["scores"][method][name] for image in range(3)]
            for method in sizes.PLAIN
        ]
        return np.array(rows)

    pairs = [
        tuple(
            (column(effect, network, "positive"), column(effect, network, "Deletion", -1)) for effect in sizes.EFFECTS
        )
        for network in range(2)
    ]
    assert sizes.difference(read, setting, "Deletion", "positive") == paired_difference(pairs)


@pytest.mark.wide
def test_tables_have_a_row_for_each_size_that_was_measured(sizes, records):
    text = "\n".join(sizes.tables(sizes.read_records(records[0])))
    assert text.count("| 32 | ") == len(sizes.TRUTHS) * len(sizes.BASELINES) * 2
    assert "| 48 | " not in text


@pytest.mark.wide
def test_every_table_of_the_page_is_filled_from_records(sizes, monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "scripts"))
    page = importlib.import_module("unseen_data_page")
    keys = [
        (factor, size, effect, 0, image)
        for factor in sizes.FACTORS
        for size in sizes.SIZES
        for effect in sizes.EFFECTS
        for image in range(2)
    ]
    records = {
        key: {
            "scores": {name: scores_of(sizes, name, *key) for name in sizes.method_specs(sizes.FACTORS[key[0]], key[1])}
        }
        for key in keys
    }
    for key in keys[:2]:
        records[key[0], 224, "without", *key[3:]]["scores"]["IG"]["positive"] = 0.0
    cheap = {name: rows for name, rows in page.TABLES.items() if name not in ("nodes", "recall")}
    tables = {name: "\n".join(rows(records)) for name, rows in cheap.items()}
    assert "| reproduced, IG | 0 % of 2 |" in tables["zero"]
    assert tables["zero"].endswith("100 % of 2 |")
    text = (ROOT / "docs" / "unseen_data_sizes.md").read_text()
    assert {match["name"] for match in page.REGION.finditer(text)} == set(page.TABLES)
    monkeypatch.setattr(page, "TABLES", dict.fromkeys(page.TABLES, lambda _: iter(["| table |"])))
    assert page.filled(text, records).count("| table |") == len(page.TABLES)
    (left,) = [row for row in tables["left-out"].splitlines() if row.startswith("| IBA |")]
    assert left.endswith("| 2 x 1 |")
