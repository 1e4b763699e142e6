"""Renders deploy/k8s, and checks it against the Kubernetes schema and against our own rules.

Needs no cluster, no kubectl and no network. Says every problem, and exits with 1 if there is one.
"""

import sys
from pathlib import Path

import kubernetes_validate
from k8s_rules import Manifests, problems
from kustomize import KustomizationError, Object, render
from service_settings import ROOT, service_names, variables

KUBERNETES = "1.34"
KUSTOMIZATIONS = (ROOT / "deploy/k8s/base",)
README = ROOT / "deploy/k8s/README.md"


def manifests(directory: Path) -> Manifests:
    """What is rendered from `directory`. Raises KustomizationError."""
    services = {name: variables(name) for name in service_names()}
    return Manifests(render(directory), services, README.read_text())


def schema_problems(objects: list[Object]) -> list[str]:
    """What the API server of Kubernetes would not understand, unknown fields included."""
    found: list[str] = []
    for each in objects:
        name = f"{each['kind']}/{each['metadata']['name']}"
        try:
            kubernetes_validate.validate(each, KUBERNETES, strict=True)
        except kubernetes_validate.ValidationError as error:
            place = ".".join(str(part) for part in error.path)
            found.append(f"{name} {place}: {error.message}")
        except kubernetes_validate.SchemaNotFoundError as error:
            found.append(f"{name} {error.message}")
    return found


def main() -> int:
    """Checks every kustomization; the exit code."""
    failed = False
    for directory in KUSTOMIZATIONS:
        place = directory.relative_to(ROOT)
        try:
            rendered = manifests(directory)
        except KustomizationError as error:
            print(f"{place}: {error}")
            failed = True
            continue
        found = schema_problems(rendered.objects) + problems(rendered)
        for problem in found:
            print(f"{place}: {problem}")
        if not found:
            print(f"{place}: {len(rendered.objects)} objects are well (Kubernetes {KUBERNETES}).")
        failed = failed or bool(found)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
