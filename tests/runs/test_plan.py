"""Plans: what they expand to, and every mistake at once, with its line."""

from __future__ import annotations

import dataclasses

import pytest

from attributionlab.environments import ENVIRONMENTS
from attributionlab.errors import BadOption, BadPlan, MissingFile
from attributionlab.runs import Plan, read_plan
from attributionlab.runs.jobs import Job

SMALL = {"environments": ["multi-color-sum[size=16]"], "methods": ["truth", "random"]}


def test_every_environment_comes_with_every_seed_and_every_seed_of_the_network():
    plan = Plan.of(**SMALL, seeds=[0, 3], network_seeds=[0, 5])
    assert list(plan.expanded) == [
        "multi-color-sum[size=16]",
        "multi-color-sum[network_seed=5,size=16]",
        "multi-color-sum[data_seed=3,size=16]",
        "multi-color-sum[data_seed=3,network_seed=5,size=16]",
    ]
    assert set(plan.expanded.values()) == {"multi-color-sum[size=16]"}


def test_jobs_cover_every_image_once_for_every_method_and_measure():
    plan = Plan.of(**SMALL, metrics=["insertion"], n_samples=10, images_per_job=4, save_maps=5)
    jobs = [job for unit in plan.units() for job in unit.jobs]
    assert len(jobs) == plan.n_jobs == 3 * 2 * 2
    assert len({job.key for job in jobs}) == len(jobs)
    ranges = {(job.start, job.stop) for job in jobs}
    assert ranges == {(0, 4), (4, 8), (8, 10)}
    assert [unit.n_maps for unit in plan.units() if unit.jobs[0].method == "truth"] == [4, 1, 0]


def test_seeds_without_network_seeds_are_seeds_of_scenes_and_networks():
    expanded = list(Plan.of(**SMALL, seeds=[0, 3]).expanded)
    assert expanded == ["multi-color-sum[size=16]", "multi-color-sum[seed=3,size=16]"]


def test_the_key_of_a_job_is_the_same_in_every_version():
    """Golden: another one would do all jobs of all stored runs again."""
    job = Job("multi-color-sum[size=16]", "gradient", "agreement", 0, 4)
    assert job.key == "461a01b0a7c72df7b8a89e05cd1ba7af"
    others = [{"environment": "e"}, {"method": "m"}, {"measure": "x"}, {"start": 1}, {"stop": 5}, {"code": "c"}]
    assert len({job.key, *(dataclasses.replace(job, **other).key for other in others)}) == 7


def test_jobs_on_the_same_images_follow_one_another():
    plan = Plan.of(**SMALL, n_samples=8)
    assert [(unit.jobs[0].start, unit.jobs[0].method) for unit in plan.units()] == [
        (0, "truth"),
        (0, "random"),
        (4, "truth"),
        (4, "random"),
    ]


def test_defaults_are_those_of_the_documentation():
    plan = Plan.of(**SMALL)
    assert (plan.name, plan.n_samples, plan.images_per_job) == ("run", 16, 4)
    assert (plan.gamma, plan.truth, plan.save_maps) == (0.5, "auto", 0)
    assert (plan.metrics, plan.seeds, plan.network_seeds) == ((), (), ())


@pytest.mark.parametrize("gamma", [0, 0.0, 1, 0.25])
def test_gamma_may_be_any_part_of_one(gamma):
    assert Plan.of(**SMALL, gamma=gamma).gamma == gamma


def test_options_of_a_table_may_be_lists():
    methods = [{"name": "integrated-gradients", "baseline": [20, 20, 20]}]
    plan = Plan.of(environments=SMALL["environments"], methods=methods)
    assert plan.methods == ("integrated-gradients[baseline=20,20,20]",)


def test_a_plan_survives_storage():
    plan = Plan.of(**SMALL, seeds=[1], metrics=["deletion"], gamma=0.25)
    assert Plan.from_dict(plan.to_dict()) == plan


def test_another_version_of_a_file_is_another_job(tmp_path):
    file = tmp_path / "own.py"
    keys = []
    for scale in (1, 2):
        file.write_text(f"def mine(model, inputs, targets):\n    return inputs * {scale}\n", encoding="utf-8")
        plan = Plan.of(environments=["multi-color-sum[size=16]"], methods=[f"{file}:mine", "truth"])
        keys.append([unit.jobs[0].key for unit in plan.units()])
    assert keys[0][0] != keys[1][0]
    assert keys[0][1] == keys[1][1], "a registered method has no file"


MISTAKES = """\
name = "five mistakes and two"
environments = ["multi-color-sum[size=32]", "multi-colour-sum"]
metrics = [
  # "deletion[canvas=red]" is no canvas
  "insertion",
  "deletion[canvas=red]",
]
n_samples = 0
sedes = [1]
gamma = 1.5

[[methods]]
name = "gradient"

[[methods]]
name = "lime"
segmnts = "sam"

[[methods]]
name = "gradient"
"""


def test_all_mistakes_are_told_at_once_each_with_its_line(tmp_path):
    file = tmp_path / "plan.toml"
    file.write_text(MISTAKES, encoding="utf-8")
    with pytest.raises(BadPlan) as caught:
        read_plan(file)
    said = caught.value.problems
    wanted = {2: "multi-colour-sum", 6: "red", 8: "n_samples", 9: "sedes", 10: "gamma", 17: "segmnts", 19: "once"}
    assert [int(problem.split(":")[1]) for problem in said] == list(wanted)
    for problem, word in zip(said, wanted.values(), strict=True):
        assert word in problem


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        ({"methods": []}, "`methods` must be a list of specs, at least one"),
        ({"methods": [3]}, "`methods` must hold specs, or tables with a name"),
        ({"seeds": 3}, "`seeds` must be a list of integers"),
        ({"seeds": [1, 1]}, "`seeds` must name each one once"),
        ({"seeds": [-1]}, "`seeds` must be at least 0"),
        ({"environments": ["multi-color-sum[seed=2]"], "seeds": [0]}, "be left out where an environment has its own"),
        ({"truth": "posit"}, "`truth` must be auto, overall"),
        (
            {"environments": ["single-color-sum"], "truth": "negative"},
            "`truth` must apply in single-color-sum, got .negative.; truth cannot be judged",
        ),
        ({"name": 3}, "`name` must be a text"),
        ({"gamma": True}, "`gamma` must be in"),
        ({"gamma": float("nan")}, "`gamma` must be in"),
        ({"code": {}}, "`entry` must be a known name, got 'code'"),
        ({"save_maps": -1}, "`save_maps` must be at least 0"),
        ({"metrics": ["f1"]}, "`metric` must be a known name, got 'f1'; .* always measured, so leave it out"),
        ({"metrics": ["insertion", "insertion"]}, "`metrics` must name each one once"),
        ({"environments": ["multi-color-sum[data_seed=2]"], "seeds": [0]}, "sets data_seed itself"),
        ({"environments": ["multi-color-sum[network_seed=2]"], "network_seeds": [0]}, "sets network_seed itself"),
        ({"seeds": [0], "methods": ["none.py:mine"]}, "`method` must name a file that exists, got 'none.py'"),
        ({"images_per_job": 0}, "`images_per_job` must be at least 1"),
        ({"save_maps": "all"}, "`save_maps` must be an integer"),
    ],
)
def test_each_mistake_is_named(entries, message):
    with pytest.raises(BadPlan, match=message):
        Plan.of(**{**SMALL, **entries})


def test_all_maps_are_kept_where_the_plan_says_true():
    assert Plan.of(**SMALL, n_samples=7, save_maps=True).save_maps == 7


def test_a_plan_may_be_a_function_in_a_python_file(tmp_path):
    file = tmp_path / "study.py"
    file.write_text(
        "import attributionlab as al\n\n\ndef plan():\n"
        "    return al.Plan.of(environments=['multi-color-sum[size=16]'], methods=['truth'])\n\n\ndef other():\n    return 3\n",
        encoding="utf-8",
    )
    assert read_plan(f"{file}:plan").methods == ("truth",)
    with pytest.raises(BadOption, match="be a function that returns a Plan"):
        read_plan(f"{file}:other")


def test_a_file_that_is_not_there_or_no_toml_gets_one_line(tmp_path):
    with pytest.raises(MissingFile, match="`plan` must be a file that exists"):
        read_plan(tmp_path / "none.toml")
    file = tmp_path / "broken.toml"
    file.write_text("methods = [3 4]", encoding="utf-8")
    with pytest.raises(BadOption, match=r"`plan` must be a TOML file.*line 1"):
        read_plan(file)


def test_a_plan_that_cannot_be_made_gets_one_line(tmp_path):
    file = tmp_path / "study.py"
    file.write_text(
        "import sys\n\nimport attributionlab as al\n\n\ndef raises():\n    raise KeyError('no\\nidea')\n\n\n"
        "def leaves():\n    sys.exit(0)\n\n\ndef asks(what):\n    return what\n\n\n"
        "def mistaken():\n    return al.Plan.of(environments=[], methods=['truth'])\n",
        encoding="utf-8",
    )
    for name, said in (("raises", "KeyError: 'no"), ("leaves", "SystemExit: 0"), ("asks", "TypeError: ")):
        with pytest.raises(
            BadOption, match=f"`plan` must be a function that can be called without.*; {said}"
        ) as caught:
            read_plan(f"{file}:{name}")
        assert "\n" not in str(caught.value)
    with pytest.raises(BadPlan, match="`environments` must be a list of specs"):
        read_plan(f"{file}:mistaken")


WRONG_TYPES = """\
methods = [
  3,
  {name = "gradient", spec = "lime"},
  "gradiant",
]
n_samples = "many"
save_maps = true
seeds = [9223372036854775808]

[environments]
name = "multi-color-sum"
"""


def test_wrong_types_are_told_at_once_each_with_its_line(tmp_path):
    file = tmp_path / "plan.toml"
    file.write_text(WRONG_TYPES, encoding="utf-8")
    with pytest.raises(BadPlan) as caught:
        read_plan(file)
    lines = {int(problem.split(":")[1]): problem for problem in caught.value.problems}
    wanted = {
        1: "`methods` must hold specs",  # what is no text is found by its list
        3: "got 'spec'; gradient takes no options",
        4: "got 'gradiant'",
        6: "`n_samples` must be an integer, got 'many'",
        8: "`seeds` must be at most 9,223,372,036,854,775,807",
        10: "`environments` must be a list of specs",
    }
    assert list(lines) == list(wanted)
    assert all(said in lines[line] for line, said in wanted.items())


def test_maps_of_all_images_are_those_of_the_default_number_where_none_is_said():
    assert Plan.of(**SMALL, save_maps=True).save_maps == Plan.n_samples
    assert Plan.of(**SMALL, save_maps=False).save_maps == 0


def test_a_plan_with_too_many_jobs_is_refused_with_the_limit():
    message = "`n_samples` must make at most 10,000,000 jobs, got 250,000,000,000,000"
    with pytest.raises(BadPlan, match=message.replace(",", ",?")):
        Plan.of(environments=["multi-color-sum[size=16]"], methods=["truth"], n_samples=10**15)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x = " + "[" * 5_000 + "]" * 5_000, "`plan` must be nested less deep"),
        ("n_samples = " + "9" * 5_000, "`plan` must be a TOML file"),
    ],
    ids=["nested", "digits"],
)
def test_a_file_that_python_cannot_take_in_is_refused(tmp_path, text, message):
    (tmp_path / "plan.toml").write_text(text, encoding="utf-8")
    with pytest.raises(BadOption, match=message):
        read_plan(tmp_path / "plan.toml")


def test_a_file_that_is_too_large_is_refused_before_it_is_read(tmp_path, monkeypatch):
    monkeypatch.setattr("attributionlab.runs.plan_file.LARGEST_PLAN", 10)
    (tmp_path / "plan.toml").write_text("x = 1" + " " * 10, encoding="utf-8")
    with pytest.raises(BadOption, match="`plan` must have at most 10 bytes, got 15"):
        read_plan(tmp_path / "plan.toml")


@pytest.mark.parametrize(
    "name", ["name", "environments", "methods", "metrics", "seeds", "n_samples", "gamma", "truth", "code"]
)
@pytest.mark.parametrize("value", [None, 1j, object(), b"x"])
def test_a_plan_is_not_made_of_other_types(name, value):
    arguments = {"environments": ("multi-color-sum",), "methods": ("truth",), name: value}
    with pytest.raises(BadOption, match=f"^`{name}` must "):
        Plan(**arguments)


def test_a_plan_of_very_many_mistakes_stops_at_the_first_ones(monkeypatch):
    monkeypatch.setattr("attributionlab.runs.plan_entries.MOST_PROBLEMS", 3)
    with pytest.raises(BadPlan) as refused:
        Plan.of(**{f"unknown_{index}": 1 for index in range(10)})
    assert len(refused.value.problems) == 3


def test_jobs_of_other_targets_have_other_keys_and_the_winners_have_those_of_earlier_versions():
    job = Job("multi-color-sum[size=16]", "gradient", "agreement", 0, 4)
    keys = {dataclasses.replace(job, target=target).key for target in ("winner", "loser", 0, 1)}
    assert len(keys) == 4 and dataclasses.replace(job, target="winner").key == "461a01b0a7c72df7b8a89e05cd1ba7af"
    plan = Plan.of(**SMALL, target="loser")
    assert {job.target for unit in plan.units() for job in unit.jobs} == {"loser"}
    assert Plan.from_dict(plan.to_dict()) == plan != Plan.of(**SMALL)
    assert "target" not in Plan.of(**SMALL).to_dict(), "as in plans that were stored before there was a target"
    assert Plan.from_dict(Plan.of(**SMALL).to_dict()).target == "winner"


@pytest.mark.parametrize("target", ["looser", 4, -1, True, 1.0, None])
def test_a_target_without_truth_is_one_problem_of_the_plan(target):
    with pytest.raises(BadPlan, match=r"^`target` must be ") as caught:
        Plan.of(**SMALL, target=target)
    assert "\n" not in str(caught.value)
    with pytest.raises(
        BadPlan, match=r"^`target` must be winner, got 'loser'; single-color-sum has no truth for other"
    ):
        Plan.of(**SMALL | {"environments": ["single-color-sum[size=16]"]}, target="loser")


def test_an_environment_that_raises_is_a_problem_of_the_environments_not_of_the_target(tmp_path, monkeypatch):
    class Raising(ENVIRONMENTS.get("single-color-sum")):
        name = "raising"

        def scene(self, index):
            raise KeyError(index)

    monkeypatch.setitem(ENVIRONMENTS.entries, "raising", Raising)
    text = 'name = "x"\nenvironments = ["raising[size=16]"]\nmethods = ["truth"]\n'
    (tmp_path / "plan.toml").write_text(text, encoding="utf-8")
    with pytest.raises(BadPlan, match=r"^plan.toml:2: `scene` of raising raised KeyError: 0"):
        read_plan(tmp_path / "plan.toml")
