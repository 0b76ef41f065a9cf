"""Make the lesson's slides (one HTML file), pictures and notebooks from their Markdown.

Usage: python scripts/lesson.py [--check]

Every notebook is made twice: as students get it, and with the answers, whose cells are run and keep their output. `--check` runs all cells and
writes nothing. Needs the extra `lesson`.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import re
from pathlib import Path
from typing import Any

import matplotlib as mpl
import nbformat
import torch
from markdown_it import MarkdownIt
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from nbclient import NotebookClient

import attributionlab as al
from attributionlab.environments import NetworkPath, explain_network
from attributionlab.reports.figures.saving import save_figure

LESSON = Path(__file__).parents[1] / "lesson"
PICTURES = LESSON / "pictures"
VOTE = ("guided-backprop", "edge", "gradient", "gradcam")
"""Methods of the vote, as A to D."""

RED, GRAY = "#b2182b", "#d9d9d9"
CIRCLE = {"boxstyle": "circle,pad=0.4", "facecolor": "#f4a582", "edgecolor": "#555555"}
"""Frame of a neuron's value."""

BLOCK = re.compile(r"^```python( answer)?\n(.*?)^```$|^> answer: ([^\n]*)$", re.MULTILINE | re.DOTALL)
QUESTION = "# your code\n"

STYLE = """
:root { color-scheme: light dark; font: 400 clamp(18px, 2.6vw, 34px)/1.4 system-ui, sans-serif; }
body { margin: 0; scroll-snap-type: y mandatory; background: Canvas; color: CanvasText; }
section { min-height: 100vh; box-sizing: border-box; padding: 5vh 8vw; scroll-snap-align: start; display: flex; flex-direction: column; justify-content: center; }
h1 { font-size: 2em; margin: 0 0 .4em; } h2 { font-size: 1.5em; margin: 0 0 .4em; } p, ol { margin: .3em 0; max-width: 38em; }
img { max-width: 100%; max-height: 46vh; object-fit: contain; object-position: left; background: #fff; border-radius: 8px; padding: 8px; box-sizing: border-box; }
footer { font-size: .5em; opacity: .8; margin-top: auto; }
@media (max-width: 45em) { img { max-width: none; height: 26vh; } p:has(> img) { overflow-x: auto; } }
@media print { section { page-break-after: always; min-height: auto; height: 95vh; } }
"""

KEYS = """
const slides = [...document.querySelectorAll("section")];
const rows = [...document.querySelectorAll("p:has(> img)")];
const scrolls = row => row.scrollWidth > row.clientWidth;
const reachable = () => rows.forEach(row => scrolls(row) ? row.setAttribute("tabindex", "0") : row.removeAttribute("tabindex"));
addEventListener("load", reachable);
addEventListener("resize", reachable);
addEventListener("keydown", event => {
  if (rows.includes(event.target) && scrolls(event.target) && ["ArrowLeft", "ArrowRight"].includes(event.key)) return;
  const step = {ArrowRight: 1, ArrowDown: 1, PageDown: 1, " ": 1, ArrowLeft: -1, ArrowUp: -1, PageUp: -1}[event.key];
  if (!step) return;
  event.preventDefault();
  const now = slides.findIndex(slide => slide.getBoundingClientRect().bottom > innerHeight / 2);
  slides[Math.min(Math.max(now + step, 0), slides.length - 1)].scrollIntoView();
});
"""


def main() -> None:
    """Make everything, or check it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="run the notebooks, write nothing")
    is_check = parser.parse_args().check
    for source in sorted((LESSON / "notebooks").glob("*.md")):
        answered = executed(notebook(source, answers=True))
        if not is_check:
            nbformat.write(notebook(source, answers=False), source.with_suffix(".ipynb"))
            nbformat.write(answered, source.with_name(f"{source.stem}-answers.ipynb"))
        print(f"ran {source.name}")
    if not is_check:
        draw_pictures()
        (LESSON / "slides.html").write_text(
            slides((LESSON / "slides.md").read_text(encoding="utf-8")), encoding="utf-8"
        )
        print("wrote slides.html")


def notebook(source: Path, *, answers: bool) -> Any:
    """The notebook of a Markdown file, with or without its answers."""
    text, cells, end = source.read_text(encoding="utf-8"), [], 0
    for block in BLOCK.finditer(text):
        if before := text[end : block.start()].strip():
            cells.append(nbformat.v4.new_markdown_cell(before))
        is_answer, code, said = block.groups()
        if code is not None:
            cells.append(nbformat.v4.new_code_cell((QUESTION if is_answer and not answers else code).strip()))
        else:
            cells.append(nbformat.v4.new_markdown_cell(f"*{said}*" if answers else "*Your answer:*"))
        end = block.end()
    for index, cell in enumerate(cells):  # the same bytes in every run
        cell["id"] = hashlib.sha256(f"{source.stem} {index}".encode()).hexdigest()[:8]
    return nbformat.v4.new_notebook(cells=cells, metadata={"language_info": {"name": "python"}})


def executed(book: Any) -> Any:
    """The notebook with the output of its cells."""
    NotebookClient(book, timeout=300, kernel_name="python3", record_timing=False).execute()
    book.metadata = {"language_info": {"name": "python"}}
    return book


def draw_pictures() -> None:
    """The pictures of the slides."""
    environment = al.make_environment("multi-color-sum", size=32, seed=0)
    batch = environment.sample(1)
    image = batch.inputs[0].permute(1, 2, 0) / 255
    maps = {name: al.make_method(name, environment)(environment.model, batch.inputs, batch.targets) for name in VOTE}
    scores = {name: float(al.score(values, batch.ground_truth).overall.f1[0]) for name, values in maps.items()}
    letters = dict(zip("ABCD", maps.values(), strict=True))
    named = {f"{name}\nF1 {scores[name]:.2f}": values for name, values in maps.items()}
    counting = al.make_environment("multi-color-sum", size=32, seed=0, output="logit")
    baselines = {
        f"becomes {name}": al.make_method(f"occlusion[window=1,stride=1{value}]", counting)(
            counting.model, batch.inputs, batch.targets
        )
        for name, value in (("black", ""), ("background", ",baseline=true"))
    }
    figures = {
        "image": panels({"": image}),
        "vote": panels({"the image": image, **letters}),
        "truth": panels({"the image": image, "the truth": batch.ground_truth.signed.float()}),
        "names": panels(named),
        "baselines": panels(baselines),
        "detector": detector(explain_network(environment)),
    }
    for name, figure in figures.items():
        save_figure(figure, PICTURES / f"{name}.png", force=True)


def detector(path: NetworkPath) -> Figure:
    """The detector's last two steps on one pixel, in letters that can be read from the last row of a class."""
    layers = {layer.name: layer.neurons for layer in path.layers}
    checks, (color,) = layers["detector, layer 3"], layers["detector, layer 4"]
    figure = Figure(figsize=(11, 4.2), layout="constrained")
    axis = figure.subplots()
    axis.set(xlim=(0, 11), ylim=(0, 4.2))
    axis.set_axis_off()
    axis.add_patch(Rectangle((0.1, 1.1), 2, 2, facecolor=[value / 255 for value in path.color or ()]))
    axis.text(1.1, 0.6, "one pixel", fontsize=20, ha="center", va="center")
    for row, channel in enumerate(("red", "green", "blue")):
        (check,) = (neuron for neuron in checks if neuron.name.startswith(f"[{channel} "))
        middle = 3.5 - 1.4 * row
        axis.plot([2.2, 3.1], [2.1, middle], color="#888888")
        axis.text(3.2, middle, f"{check.name.strip('[]')} ?", fontsize=20, va="center")
        axis.plot([6.3, 8.3], [middle, 2.1], color=RED if check.value else GRAY, linewidth=3)
        axis.text(6.3, middle, f"{check.value:g}", fontsize=22, ha="center", va="center", bbox=CIRCLE)
    added = " + ".join(f"{check.value:g}" for check in checks)
    axis.text(8.3, 2.1, f"{color.value:g}", fontsize=22, ha="center", va="center", bbox=CIRCLE)
    axis.text(8.9, 2.1, f"{color.name}", fontsize=24, va="center", weight="bold")
    axis.text(8.1, 1.0, f"{added} - 2 = {color.value:g}", fontsize=20, va="center")
    return figure


def panels(pictures: dict[str, torch.Tensor]) -> Figure:
    """Pictures side by side: images (h, w, 3), and maps (1, h, w) in red and blue."""
    n_lines = max(name.count("\n") + 1 for name in pictures)
    figure = Figure(figsize=(3.2 * len(pictures), 3.3 + 0.5 * n_lines), layout="compressed")
    for axis, (name, values) in zip(figure.subplots(1, len(pictures), squeeze=False)[0], pictures.items(), strict=True):
        if values.shape[-1] == 3:
            axis.imshow(values)
        else:
            largest = float(values.abs().max())
            axis.imshow(values[0], cmap="RdBu_r", vmin=-largest, vmax=largest)
        axis.set_title(name, fontsize=14 + 2.2 * len(pictures))  # the more panels, the smaller the figure on a slide
        axis.set_xticks([])
        axis.set_yticks([])
    return figure


def slides(markdown: str) -> str:
    """The slides as one HTML file, with their pictures in it."""
    environment = al.make_environment("multi-color-sum", size=32, seed=0)
    winner = environment.output_name(int(environment.sample(1).targets[0]))
    parts = MarkdownIt().render(markdown.replace("{winner}", winner)).split("<hr />")
    numbered = [
        f"<section>{part}<footer>{number} / {len(parts)}</footer></section>" for number, part in enumerate(parts, 1)
    ]
    body = re.sub(r'src="([^"]+)"', lambda link: f'src="{embedded(LESSON / link[1])}"', "\n".join(numbered))
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>Which picture is right?</title><style>{STYLE}</style></head>\n<body><main>{body}</main><script>{KEYS}</script></body></html>\n"
    )


def embedded(picture: Path) -> str:
    """A PNG as a data URL."""
    return f"data:image/png;base64,{base64.b64encode(picture.read_bytes()).decode()}"


if __name__ == "__main__":
    mpl.use("agg")
    main()
