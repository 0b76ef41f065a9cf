from .plan import Plan
from .plan_file import read_plan
from .records import Record
from .results import Records, load_records
from .runner import RunOutcome, run_plan
from .summaries import MethodSummary

__all__ = [
    "MethodSummary",
    "Plan",
    "Record",
    "Records",
    "RunOutcome",
    "load_records",
    "read_plan",
    "run_plan",
]
