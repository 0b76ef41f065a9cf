"""Sums of invented records against plain means: few images, many images, scores that are undefined for some, earlier versions."""

import numpy as np
import pytest
from scipy import stats

from attributionlab.judging.statistics import mean_interval
from attributionlab.runs import Plan
from attributionlab.runs.summaries import answers_of, summarize_records
from attributionlab.runs.totals import N_RAW
from attributionlab.seeding import generator
from attributionlab.truth import TRUTHS

ENVIRONMENT = "multi-color-sum[size=16]"
NAMES = [f"{truth}.{name}" for truth in TRUTHS for name in ("precision", "recall", "f1")]
IMAGES_PER_JOB = 4


def summarized(scores, names=NAMES):
    """The summary of records of these scores (names, images), NaN where there is none."""
    n_images = scores.shape[1]
    plan = Plan.of(environments=[ENVIRONMENT], methods=["gradient"], n_samples=n_images, images_per_job=IMAGES_PER_JOB)
    stored = []
    for job in (job for unit in plan.units() for job in unit.jobs):
        part = scores[:, job.start : job.stop]
        stored.append(
            {
                "environment": job.environment,
                "method": job.method,
                "measure": job.measure,
                "start": job.start,
                "stop": job.stop,
                "scores": {
                    name: [None if np.isnan(value) else value for value in row]
                    for name, row in zip(names, part.tolist(), strict=True)
                },
                "n_zero_maps": 0,
                "facts": {},
                "error": None,
                "seconds": 0.5,
                "peak_memory": job.start,
            }
        )
    (summary,) = summarize_records(plan, stored, "environment")
    return summary


def defined(scores, name):
    """The values of a score that are defined."""
    row = scores[NAMES.index(name)]
    return row[~np.isnan(row)]


def drawn(n_images):
    """Scores of which every third is undefined."""
    scores = generator(0, "invented scores").uniform(size=(len(NAMES), n_images))
    scores[:, ::3] = np.nan
    return scores


def interval_of(f1):
    """The interval of the mean, from its definition: one score 0 and one score 1 more, and Student's t."""
    more = np.array([*f1, 0.0, 1.0])
    reach = stats.t.ppf(0.975, len(more) - 1) * more.std(ddof=1) / len(more) ** 0.5
    return max(f1.mean() - reach, 0), min(f1.mean() + reach, 1)


def test_few_images_have_the_mean_and_the_interval_of_those_that_have_a_score():
    scores = drawn(10)
    summary = summarized(scores).truths["positive"]
    f1 = defined(scores, "positive.f1")
    assert (summary.f1, summary.f1_low, summary.f1_high) == (f1.mean(), *mean_interval(6, f1.sum(), (f1**2).sum()))
    # the definition takes sums in another order
    assert (summary.f1_low, summary.f1_high) == pytest.approx(interval_of(f1), rel=1e-12)
    assert summary.precision == defined(scores, "positive.precision").mean()


def test_many_images_have_the_same_interval_from_sums_alone():
    n_images = 2 * N_RAW + 2  # more than once what is summed up at a time, and a last job of fewer images
    scores = drawn(n_images)
    summary = summarized(scores)
    f1 = defined(scores, "overall.f1")
    overall = summary.truths["overall"]
    # float64 sums in another order than numpy's
    assert (overall.f1, overall.f1_low, overall.f1_high) == pytest.approx((f1.mean(), *interval_of(f1)), rel=1e-12)
    assert (summary.n_images, summary.peak_memory) == (n_images, n_images - 2)
    assert summary.seconds_per_image == 0.5 * -(-n_images // IMAGES_PER_JOB) / n_images


def test_a_game_is_answered_if_the_maps_are_near_its_values_in_every_environment():
    near = {"shapley@true": 0.01, "removal@true": 0.001, "alone@true": 0.04, "shapley@black": None}
    other = {"shapley@true": 0.02, "removal@true": 0.2, "alone@true": 0.01, "shapley@black": 0.0}
    assert answers_of([near, other]) == ("shapley@true", "alone@true")
    assert answers_of([]) is None, "as in records of earlier versions"
    assert answers_of([{"shapley@true": 0.05}]) == ()


def constant(**f1):
    """(names, 40 images): every image scores the same on each kind of truth; 0.9 unless it is given."""
    return np.repeat([[f1.get(name.split(".")[0].replace("-", "_"), 0.9)] for name in NAMES], 40, axis=1)


@pytest.mark.parametrize(
    ("scores", "outcome"),
    [
        (constant(), "passed"),
        (constant(signed=0.5), "undecided"),  # the interval contains gamma
        (constant(signed=0.1), "pixels-only"),
        (constant(signed=0.1, overall=0.1), "failed"),
        (constant(signed=0.1, overall=0.5), "undecided"),
        (constant(positive=0.1, negative=0.1), "passed"),  # they do not decide
    ],
)
def test_the_outcome_follows_from_the_intervals_on_signed_and_overall_truth(scores, outcome):
    summary = summarized(scores)
    assert (summary.deciding_truth, summary.outcome, summary.passed) == ("signed", outcome, outcome == "passed")


@pytest.mark.parametrize(("overall", "outcome"), [(0.9, "passed"), (0.1, "failed")])
def test_records_of_earlier_versions_without_signed_truth_are_decided_on_overall_truth(overall, outcome):
    names = [name for name in NAMES if not name.startswith("signed")]
    scores = np.array([row for name, row in zip(NAMES, constant(overall=overall), strict=True) if name in names])
    summary = summarized(scores, names)
    assert (summary.deciding_truth, summary.outcome, summary.n_held) == ("overall", outcome, int(outcome == "passed"))
    assert summary.truths["signed"] is None
