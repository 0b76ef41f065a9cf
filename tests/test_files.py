"""Files and folders: completely or not at all; drafts of dead processes are removed; the umask decides on modes."""

from __future__ import annotations

import errno
import os
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from attributionlab.errors import MachineError
from attributionlab.files import (
    disk,
    draft_name,
    is_draft,
    process_runs,
    remove_drafts,
    whole_file,
    whole_folder,
    write_whole,
)
from attributionlab.files.drafts import ASIDE


@pytest.fixture
def dead():
    """The id of a process that has ended."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def named_by(process, name):
    return name.replace(f"-{os.getpid()}-", f"-{process}-")


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.parametrize(("mask", "of_files", "of_folders"), [(0o077, 0o600, 0o700), (0o022, 0o644, 0o755)])
def test_the_umask_decides_on_modes(tmp_path, mask, of_files, of_folders):
    before = os.umask(mask)
    try:
        write_whole(tmp_path / "made" / "file", b"content")
        with whole_folder(tmp_path / "folder") as draft:
            (draft / "inside").write_text("x")
    finally:
        os.umask(before)
    assert mode(tmp_path / "made" / "file") == mode(tmp_path / "folder" / "inside") == of_files
    assert mode(tmp_path / "made") == mode(tmp_path / "folder") == of_folders


def test_a_file_that_could_not_be_finished_leaves_the_old_one_and_no_draft(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"old")
    with pytest.raises(ZeroDivisionError), whole_file(path) as file:
        file.write(b"new"[1 // 0 :])
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_disk_that_refuses_is_named_with_the_hint_only_where_something_is_stored(tmp_path):
    def refused():
        with pytest.raises(MachineError) as caught, whole_file(tmp_path / "file", "go on"):
            raise OSError(errno.ENOSPC, "No space left on device")
        return str(caught.value)

    message = f"`output` must be writable, got {str(tmp_path / 'file')!r}; No space left on device"
    (tmp_path / ".lock").touch()
    assert refused() == message
    (tmp_path / "records").write_bytes(b"one")
    assert refused() == f"{message}: go on"


def test_files_and_their_folders_are_synced(tmp_path, monkeypatch):
    synced, fsync = [], os.fsync

    def watched(handle):
        synced.append(str(Path(f"/proc/self/fd/{handle}").readlink()))
        fsync(handle)

    if not Path("/proc/self/fd").is_dir():
        pytest.skip("this system does not say which files are open")
    monkeypatch.setattr(os, "fsync", watched)
    write_whole(tmp_path / "new" / "file", b"content")
    assert str(tmp_path) in synced, "the name of the new folder"
    assert str(tmp_path / "new") in synced, "the name of the file"
    assert any("new/.attributionlab-draft-" in path for path in synced), "the content"
    synced.clear()
    with whole_folder(tmp_path / "folder") as draft:
        (draft / "below").mkdir()
        (draft / "below" / "file").write_text("x")
    assert {path.rpartition("draft")[0] and os.path.relpath(path, draft) for path in synced} >= {
        ".",
        "below",
        "below/file",
    }
    assert synced[-1] == str(tmp_path)


def test_a_folder_takes_the_place_of_the_old_one_or_leaves_it(tmp_path):
    path = tmp_path / "folder"
    for content in ("first", "second"):
        with whole_folder(path) as draft:
            (draft / content).write_text("x")
        assert [file.name for file in path.iterdir()] == [content]
    with pytest.raises(ZeroDivisionError), whole_folder(path):
        raise ZeroDivisionError
    assert [file.name for file in path.iterdir()] == ["second"]
    assert list(tmp_path.iterdir()) == [path], "nothing is left behind"


def test_where_names_cannot_change_places_the_old_folder_is_moved_aside(tmp_path, monkeypatch):
    monkeypatch.setattr(disk, "_exchange", lambda *_: False)
    test_a_folder_takes_the_place_of_the_old_one_or_leaves_it(tmp_path)


def test_where_the_new_folder_cannot_be_moved_in_the_old_one_goes_back(tmp_path, monkeypatch):
    path, rename = tmp_path / "folder", Path.rename
    path.mkdir()
    (path / "old").write_text("x")

    def refuse(source, target):
        if target == path and is_draft(source.name):
            raise OSError(errno.EIO, "Input/output error")
        return rename(source, target)

    monkeypatch.setattr(disk, "_exchange", lambda *_: False)
    monkeypatch.setattr(Path, "rename", refuse)
    with pytest.raises(MachineError, match="Input/output error"), whole_folder(path) as draft:
        (draft / "new").write_text("x")
    assert [file.name for file in path.iterdir()] == ["old"]
    assert list(tmp_path.iterdir()) == [path]


def test_drafts_of_dead_processes_are_removed_and_those_of_living_ones_stay(tmp_path, dead):
    mine = tmp_path / draft_name(".png")
    gone = tmp_path / named_by(dead, draft_name(".npz"))
    folder = tmp_path / named_by(dead, draft_name())
    mine.write_text("x")
    gone.write_text("x")
    folder.mkdir()
    (folder / "content").write_text("x")
    (tmp_path / ".attributionlab-draft-of-a-user").write_text("x")
    remove_drafts(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {mine.name, ".attributionlab-draft-of-a-user"}


def test_writing_removes_what_a_killed_process_left_in_the_folder(tmp_path, dead):
    (tmp_path / named_by(dead, draft_name())).write_text("x")
    write_whole(tmp_path / "file", b"content")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize("replaced", [False, True])
def test_a_folder_that_a_killed_process_moved_aside_goes_back_unless_it_was_replaced(tmp_path, dead, replaced):
    aside = tmp_path / named_by(dead, draft_name(kind=ASIDE))
    (aside / "folder").mkdir(parents=True)
    (aside / "folder" / "old").write_text("x")
    if replaced:
        (tmp_path / "folder").mkdir()
        (tmp_path / "folder" / "new").write_text("x")
    remove_drafts(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]
    assert [path.name for path in (tmp_path / "folder").iterdir()] == ["new" if replaced else "old"]


def test_drafts_of_other_machines_are_removed_after_a_day(tmp_path, monkeypatch):
    with monkeypatch.context() as elsewhere:
        elsewhere.setattr("socket.gethostname", lambda: "elsewhere")
        old, new = (tmp_path / draft_name() for _ in range(2))
    for path, age in ((old, 25), (new, 23)):
        path.write_text("x")
        os.utime(path, (time.time() - age * 3600,) * 2)
    remove_drafts(tmp_path)
    assert list(tmp_path.iterdir()) == [new]


def test_whether_a_process_runs(dead):
    assert process_runs(os.getpid())
    assert process_runs(1), "also one of another user"
    assert not process_runs(dead)
    assert not process_runs(10**30)
