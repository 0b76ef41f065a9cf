"""Build wheel and sdist, check them, and try the wheel as a user would: in a fresh environment, from an empty folder, without the extras.

Usage: python scripts/release.py DIST [--python PYTHON] [--oldest | --newest]

`--python python3.13` tries another Python. `--oldest` installs the lowest version of every dependency that pyproject.toml allows,
except those that constraints.txt pins (torch); `--newest` leaves constraints.txt aside. Needs the extra `release`.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
CONSTRAINTS = ROOT / "constraints.txt"

USER_FILE = '''\
"""A user's file, checked by mypy under strict rules."""

import torch

import attributionlab as al
from attributionlab.testing import assert_batch_invariant


def my_method(model: torch.nn.Module, inputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    inputs = inputs.detach().clone().requires_grad_()
    (gradient,) = torch.autograd.grad(model(inputs).gather(1, targets[:, None]).sum(), inputs)
    return gradient.sum(dim=1)


environment = al.make_environment("multi-color-sum", size=16)
batch = environment.sample(2)
maps: torch.Tensor = my_method(environment.model, batch.inputs, batch.targets)
f1: torch.Tensor = al.score(maps, batch.ground_truth).overall.f1
assert f1.shape == (2,)
verdict = al.check(my_method, environment, n_samples=4)
outcome: str = verdict.outcome
sentence: str = verdict.report_as
print(outcome, sentence)
assert_batch_invariant(my_method, size=16)
'''


def main() -> None:
    """Build, check, install, try."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dist", type=Path, help="folder for wheel and sdist; must be empty or new")
    parser.add_argument("--python", default=sys.executable, help="the Python that tries the wheel")
    versions = parser.add_mutually_exclusive_group()
    versions.add_argument("--oldest", action="store_true", help="lowest version of each dependency")
    versions.add_argument("--newest", action="store_true", help="newest version of each dependency, torch too")
    options = parser.parse_args()
    if options.dist.exists() and any(options.dist.iterdir()):
        parser.error(f"dist: expected an empty or new folder, got {options.dist}, which has files")
    wheel = build(options.dist)
    with tempfile.TemporaryDirectory() as folder:
        constraints = Path(folder) / "constraints.txt"
        constraints.write_text("" if options.newest else CONSTRAINTS.read_text() + lowest() * options.oldest)
        try_wheel(wheel, Path(folder), options.python, constraints)


def build(dist: Path) -> Path:
    """Build sdist and wheel into `dist` and check their metadata; the path of the wheel."""
    run(sys.executable, "-m", "build", "--outdir", str(dist), str(ROOT))
    run(sys.executable, "-m", "twine", "check", "--strict", *map(str, sorted(dist.iterdir())))
    (wheel,) = dist.glob("*.whl")
    return wheel


def lowest() -> str:
    """Lines of constraints: the lowest version of every dependency, except of those in constraints.txt."""
    pinned = {canonicalize_name(Requirement(line).name) for line in CONSTRAINTS.read_text().split()}
    requirements = [Requirement(line) for line in dependencies()]
    free = [requirement for requirement in requirements if canonicalize_name(requirement.name) not in pinned]
    bounds = {requirement.name: [bound.version for bound in requirement.specifier] for requirement in free}
    return "".join(
        f"{name}~={version}\n" if version.count(".") > 1 else f"{name}=={version}.*\n"
        for name, (version,) in bounds.items()
    )


def try_wheel(wheel: Path, folder: Path, python: str, constraints: Path) -> None:
    """Install the wheel into a fresh environment and use it from an empty folder."""
    run(python, "-m", "venv", str(folder / "venv"))
    bin_folder, empty = folder / "venv" / "bin", folder / "empty"
    empty.mkdir()
    pip = (str(bin_folder / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check")
    run(*pip, "-c", str(constraints), str(wheel), "mypy")
    program = str(bin_folder / "attributionlab")
    (empty / "user.py").write_text(USER_FILE)
    run(program, "list", "methods", "gradient", cwd=empty)
    run(program, "check", "gradient", "--size", "16", cwd=empty)
    run(program, "show", "multi-color-sum", "--size", "16", "--methods", "gradient", "-o", "maps.png", cwd=empty)
    run(program, "generate", "single-color-sum", "-n", "2", "--size", "16", "-o", "images", cwd=empty)
    run(
        str(bin_folder / "python"), "-W", "error:::attributionlab", "user.py", cwd=empty
    )  # warnings of our own code alone
    run(str(bin_folder / "mypy"), "--strict", "user.py", cwd=empty)
    installed = subprocess.run(  # noqa: S603  # our own environment
        [*pip[:3], "list", "--format", "json"], check=True, capture_output=True, text=True, cwd=empty
    ).stdout
    names = {canonicalize_name(Requirement(line).name) for line in dependencies()}
    shown = [
        f"{package['name']} {package['version']}"
        for package in json.loads(installed)
        if canonicalize_name(package["name"]) in names
    ]
    print(f"the wheel works from an empty folder with {', '.join(shown)}")


def dependencies() -> list[str]:
    """The dependencies of the package itself, without extras."""
    return tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]


def run(*command: str, cwd: Path | None = None) -> None:
    """Run a command and end with it if it fails."""
    print("$", " ".join(command), flush=True)
    if code := subprocess.run(command, check=False, cwd=cwd).returncode:  # noqa: S603  # commands of this file
        sys.exit(f"the command above ended with exit code {code}")


if __name__ == "__main__":
    main()
