"""Checks the Dockerfiles, their locks, docker-compose.yml and every YAML file of deploy.

Needs no Docker engine and no network. Says every problem, and exits with 1 if there is one.
"""

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import cast

from container_rules import COMPOSE, problems
from service_settings import ROOT
from yamllint import linter
from yamllint.config import YamlLintConfig
from yamllint.linter import LintProblem

LINT = "deploy/yamllint.yaml"


def yaml_problems(root: Path) -> Iterator[str]:
    """What yamllint finds, by file and line."""
    config = YamlLintConfig(file=str(root / LINT))
    for path in [root / COMPOSE, *sorted((root / "deploy").rglob("*.y*ml"))]:
        found_here = cast("Iterable[LintProblem]", linter.run(path.read_text(), config, str(path)))
        for found in found_here:
            yield f"{path.relative_to(root)}:{found.line}: {found.message}"


def main() -> int:
    """Checks this checkout; the exit code."""
    found = [*yaml_problems(ROOT), *problems(ROOT)]
    for problem in found:
        print(problem)
    if not found:
        print("The Dockerfiles, their locks and docker-compose.yml are well.")
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main())
