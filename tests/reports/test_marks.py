"""Files of other origin are never overwritten unasked."""

from __future__ import annotations

import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from attributionlab.errors import BadOption
from attributionlab.reports.figures.saving import save_figure
from attributionlab.reports.marks import check_replaceable, is_marked
from attributionlab.reports.page.report import write_report


def figure():
    drawn = Figure(figsize=(1, 1))
    FigureCanvasAgg(drawn)
    return drawn


@pytest.mark.parametrize("ending", ["png", "svg", "pdf", "PNG"])
def test_figures_that_we_wrote_are_replaced(tmp_path, ending):
    path = tmp_path / f"figure.{ending}"
    save_figure(figure(), path)
    assert is_marked(path)
    save_figure(figure(), path)


@pytest.mark.parametrize("ending", ["png", "svg", "pdf"])
def test_figures_of_other_origin_are_replaced_by_force_only(tmp_path, ending):
    path = tmp_path / f"figure.{ending}"
    figure().savefig(path)
    before = path.read_bytes()
    with pytest.raises(
        BadOption, match=r"^`output` must be a new file, got '.*'; attributionlab did not write this file"
    ):
        save_figure(figure(), path)
    assert path.read_bytes() == before
    save_figure(figure(), path, force=True)
    assert is_marked(path)


def test_reports_of_other_origin_are_replaced_by_force_only(tmp_path, small_run):
    path = tmp_path / "report.html"
    path.write_text("<html>mine</html>", encoding="utf-8")
    with pytest.raises(BadOption, match=r"^`output` must be a new file"):
        write_report(small_run.records, path, n_images=1)
    assert path.read_text(encoding="utf-8") == "<html>mine</html>"
    write_report(small_run.records, path, n_images=1, force=True)
    write_report(small_run.records, path, n_images=1)


def test_an_empty_file_is_replaced(tmp_path):
    (tmp_path / "x.png").touch()
    check_replaceable(tmp_path / "x.png")


@pytest.mark.parametrize("force", [True, False])
def test_what_is_not_a_file_is_never_replaced(tmp_path, force):
    (tmp_path / "folder.png").mkdir()
    (tmp_path / "link.png").symlink_to("nowhere")
    for name in ("folder.png", "link.png"):
        with pytest.raises(BadOption, match=r"^`output` must be a file, or nothing yet"):
            check_replaceable(tmp_path / name, force=force)
