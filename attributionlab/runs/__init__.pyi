from .plan import Plan
from .plan_file import read_plan
from .records import Record
from .results import Records, load_records
from .runner import RunOutcome, run_plan
from .summaries import MethodSummary
from .task_runner import run_tasks
from .tasks import Task, TaskResult

__all__ = [
    "MethodSummary",
    "Plan",
    "Record",
    "Records",
    "RunOutcome",
    "Task",
    "TaskResult",
    "load_records",
    "read_plan",
    "run_plan",
    "run_tasks",
]
