"""A run that is measured at once and kept in memory: what reports are made of, without files and workers."""

from dataclasses import dataclass, field

from attributionlab.environments import make_environment
from attributionlab.errors import MethodError
from attributionlab.judging.outcome import Outcome, outcome_of, states_of
from attributionlab.judging.statistics import Summary, summarize
from attributionlab.machine import versions
from attributionlab.measuring.applicable import applicable_truths, deciding_truth, judged_truth
from attributionlab.measuring.failure import Failure
from attributionlab.measuring.guard import run_guarded
from attributionlab.methods import make_method
from attributionlab.metrics import make_metric, score
from attributionlab.runs.jobs import AGREEMENT, Job
from attributionlab.runs.records import Record
from attributionlab.truth import TRUTHS


@dataclass(frozen=True)
class Done:
    """What a method did in an environment."""

    environment: str
    method: str
    deciding_truth: str
    truths: dict[str, Summary | None] = field(default_factory=lambda: dict.fromkeys(TRUTHS))
    metrics: dict[str, float | None] = field(default_factory=dict)
    outcome: Outcome = "failed"
    n_images: int = 0
    error: Failure | None = None
    seconds_per_image: float | None = None
    n_seeds: int = 1
    n_held: int = 0
    diagnosis: tuple[str, ...] = ()
    advice: str = ""
    answers: tuple[str, ...] | None = None


class MemoryRun:
    """A run that is measured here and now, and kept in memory."""

    def __init__(self, plan):
        self.plan, self.records, self.done = plan, [], []
        self.found, self.drawn, self.kept = {}, {}, {}
        for environment in plan.expanded:
            for method in plan.methods:
                self.done.append(self.measure(environment, method))

    def __iter__(self):
        return iter(self.records)

    def heads(self):
        return iter(self.records)

    def all_scores(self, environment, method, measure=AGREEMENT, n_images=None):
        wanted = (environment, method, measure)
        return {at[-1]: values[:n_images] for at, values in self.found.items() if at[:-1] == wanted}

    def curves(self, environment, method, metric):
        return self.drawn.get((environment, method, metric))

    def maps(self, environment, method):
        return self.kept.get((environment, method))

    @property
    def quantities(self):
        return {metric: make_metric(metric).quantity for metric in self.plan.metrics}

    @property
    def directions(self):
        return {metric: make_metric(metric).higher_is_better for metric in self.plan.metrics}

    def summaries(self):
        return self.done

    def record(self, environment, method, measure, error=None):
        job = Job(environment, method, measure, 0, self.plan.n_samples)
        self.records.append(Record(job, error=error, seconds=0.25, peak_memory=2**28, versions=versions()))

    def measure(self, spec, name):
        environment, n, at = make_environment(spec), self.plan.n_samples, (spec, name)
        batch, method = environment.sample(n), make_method(name, environment)
        deciding = deciding_truth(method.declaration, environment)
        try:
            maps = run_guarded(method, environment.model, batch.inputs, batch.targets)
        except MethodError as failure:
            error = Failure(type(failure).__name__, str(failure))
            self.record(*at, AGREEMENT, error)
            return Done(*at, deciding, error=error)
        agreement = score(maps, judged_truth(method.declaration, environment, batch))
        applicable = applicable_truths(method.declaration, environment)
        for truth in TRUTHS:  # as workers do: also those that do not apply
            for part in ("precision", "recall", "f1"):
                self.found[*at, AGREEMENT, f"{truth}.{part}"] = getattr(agreement.against(truth), part).numpy()
        self.record(*at, AGREEMENT)
        means = {}
        for metric in self.plan.metrics:
            (measured,) = make_metric(metric).evaluate(environment, batch, [maps])
            thin = measured.thinned()
            self.found[*at, metric, "score"] = measured.scores.double().numpy()
            self.drawn[*at, metric] = thin.at.numpy(), thin.curves.numpy()
            means[metric] = float(measured.scores.double().nanmean())
            self.record(*at, metric)
        if self.plan.save_maps:
            self.kept[at] = maps[: self.plan.save_maps].float().numpy()
        truths = {truth: self.summary(agreement.against(truth)) if truth in applicable else None for truth in TRUTHS}
        held = truths[deciding] is not None and truths[deciding].f1 >= self.plan.gamma
        outcome = outcome_of(states_of(truths), deciding)
        return Done(
            *at,
            deciding,
            truths,
            means,
            outcome,
            n,
            None,
            0.125,
            n_held=int(held),
            diagnosis=("a note",),
            advice="do it",
            answers=("shapley@true", "removal@true") if "gradient" in name else (),
        )

    def summary(self, scores):
        precision, recall, f1 = (part.numpy() for part in (scores.precision, scores.recall, scores.f1))
        return summarize(precision, recall, f1, self.plan.gamma, "interval")
