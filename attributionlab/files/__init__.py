"""Writing files and folders: completely or not at all, and checks of their paths."""

from attributionlab.files.disk import make_folder, sync_folder
from attributionlab.files.drafts import draft_name, is_draft, process_runs, remove_drafts, remove_drafts_once
from attributionlab.files.paths import check_folder, check_parents, is_file, is_folder, machine_error, machine_errors
from attributionlab.files.whole import KEPT, filled_folder, whole_file, whole_folder, write_whole

__all__ = [
    "KEPT",
    "check_folder",
    "check_parents",
    "draft_name",
    "filled_folder",
    "is_draft",
    "is_file",
    "is_folder",
    "machine_error",
    "machine_errors",
    "make_folder",
    "process_runs",
    "remove_drafts",
    "remove_drafts_once",
    "sync_folder",
    "whole_file",
    "whole_folder",
    "write_whole",
]
