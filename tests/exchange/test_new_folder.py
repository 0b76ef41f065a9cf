"""A folder of results appears whole, or not at all, and takes nothing of others away."""

import pytest

from attributionlab.errors import BadOption
from attributionlab.exchange.new_folder import new_folder


def fill(folder, write):
    with new_folder(folder) as draft:
        write(draft)


@pytest.mark.parametrize("exists", [False, True])
def test_a_folder_appears_when_everything_is_written(tmp_path, exists):
    folder = tmp_path / "results"
    if exists:
        folder.mkdir()
    with new_folder(folder) as draft:
        (draft / "a.txt").write_text("a")
        assert not (folder / "a.txt").exists()
    assert [path.name for path in folder.iterdir()] == ["a.txt"]


@pytest.mark.parametrize("exists", [False, True])
def test_what_somebody_writes_there_meanwhile_is_kept(tmp_path, exists):
    folder = tmp_path / "results"
    if exists:
        folder.mkdir()

    def write(draft):
        (draft / "a.txt").write_text("a")
        folder.mkdir(exist_ok=True)
        (folder / "theirs.txt").write_text("theirs")

    with pytest.raises(BadOption, match="`output` must be a new or an empty folder"):
        fill(folder, write)
    assert [path.name for path in folder.iterdir()] == ["theirs.txt"]


def test_nothing_is_left_of_what_fails(tmp_path):
    def write(draft):
        (draft / "a.txt").write_text("a")
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fill(tmp_path / "results", write)
    assert list(tmp_path.iterdir()) == []
