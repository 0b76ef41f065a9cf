"""Sums of invented records against plain means: few images, many images, and scores that are undefined for some."""

import numpy as np
import pytest

from attributionlab.judging.statistics import bootstrap_interval
from attributionlab.runs import Plan
from attributionlab.runs.summaries import N_BOOTSTRAP, summarize_records
from attributionlab.seeding import generator
from attributionlab.truth import TRUTHS

ENVIRONMENT = "multi-color-sum[size=16]"
NAMES = [f"{truth}.{name}" for truth in TRUTHS for name in ("precision", "recall", "f1")]
IMAGES_PER_JOB = 4


def summarized(scores):
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
                    for name, row in zip(NAMES, part.tolist(), strict=True)
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


def known(scores, name):
    """Of one score, those that there are."""
    row = scores[NAMES.index(name)]
    return row[~np.isnan(row)]


def drawn(n_images):
    """Scores of which every third is undefined."""
    scores = generator(0, "invented scores").uniform(size=(len(NAMES), n_images))
    scores[:, ::3] = np.nan
    return scores


def test_few_images_have_the_mean_and_the_bootstrap_interval_of_those_that_have_a_score():
    scores = drawn(10)
    found = summarized(scores).truths["positive"]
    f1 = known(scores, "positive.f1")
    assert (found.f1, found.f1_low, found.f1_high) == (f1.mean(), *bootstrap_interval(f1, seed=0))
    assert found.precision == known(scores, "positive.precision").mean()


def test_many_images_have_the_normal_interval_of_those_that_have_a_score():
    n_images = 2 * N_BOOTSTRAP + 2  # more than once what is summed up at a time, and a last job of fewer images
    scores = drawn(n_images)
    summary = summarized(scores)
    f1 = known(scores, "overall.f1")
    reach = 1.96 * f1.std() / len(f1) ** 0.5
    found = summary.truths["overall"]
    # float64 sums in another order than numpy's
    assert (found.f1, found.f1_low, found.f1_high) == pytest.approx(
        (f1.mean(), f1.mean() - reach, f1.mean() + reach), rel=1e-12
    )
    assert (summary.n_images, summary.peak_memory) == (n_images, n_images - 2)
    assert summary.seconds_per_image == 0.5 * -(-n_images // IMAGES_PER_JOB) / n_images
