"""Renders a kustomization as `kubectl kustomize` does, for the part of it that we use.

resources (files and directories), namespace, labels, images. Anything else is refused, so that
nothing is ever rendered differently without being noticed.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

Object = dict[str, Any]

CLUSTER_WIDE = frozenset({"Namespace"})
WITH_TEMPLATE = frozenset({"Deployment", "Job"})
WITHOUT = frozenset({"ConfigMap", "NetworkPolicy", "PodDisruptionBudget", "Service"})
KINDS = CLUSTER_WIDE | WITH_TEMPLATE | WITHOUT | {"ServiceAccount"}

_FIELDS = frozenset({"apiVersion", "kind", "namespace", "resources", "labels", "images"})
_LABEL_FIELDS = frozenset({"pairs", "includeTemplates"})
_IMAGE_FIELDS = frozenset({"name", "newName", "newTag", "digest"})


class KustomizationError(Exception):
    """A kustomization, or an object in it, that this renderer does not understand."""


def render(directory: Path) -> list[Object]:
    """Every object of the kustomization in `directory`. Raises KustomizationError."""
    said = _one(directory / "kustomization.yaml")
    _known("kustomization.yaml", said, _FIELDS)
    objects = [found for name in said.get("resources", ()) for found in _resource(directory / name)]
    for each in objects:
        if namespace := said.get("namespace"):
            _set_namespace(each, namespace)
        for labels in said.get("labels", ()):
            _set_labels(each, labels)
        for image in said.get("images", ()):
            _set_image(each, image)
    return objects


def template(workload: Object) -> Object:
    """The pod template of a Deployment or a Job."""
    return workload["spec"]["template"]


def containers(workload: Object) -> list[Object]:
    """Every container of a Deployment or a Job, those that run first included."""
    spec = template(workload)["spec"]
    return [*spec.get("initContainers", ()), *spec["containers"]]


def _resource(path: Path) -> Iterator[Object]:
    if path.is_dir():
        yield from render(path)
        return
    for found in yaml.safe_load_all(_text(path)):
        if found["kind"] not in KINDS:
            raise KustomizationError(f"{path.name}: {found['kind']} is not known here")
        yield found


def _set_namespace(each: Object, namespace: str) -> None:
    if each["kind"] not in CLUSTER_WIDE:
        each["metadata"]["namespace"] = namespace


def _set_labels(each: Object, labels: Object) -> None:
    _known("labels", labels, _LABEL_FIELDS)
    _metadata_labels(each).update(labels["pairs"])
    if labels.get("includeTemplates") and each["kind"] in WITH_TEMPLATE:
        _metadata_labels(template(each)).update(labels["pairs"])


def _metadata_labels(each: Object) -> Object:
    return each.setdefault("metadata", {}).setdefault("labels", {})


def _set_image(each: Object, image: Object) -> None:
    _known("images", image, _IMAGE_FIELDS)
    if each["kind"] not in WITH_TEMPLATE:
        return
    for container in containers(each):
        name, tag = split_image(container["image"])
        if name == image["name"]:
            name = image.get("newName", name)
            tag = f"@{image['digest']}" if "digest" in image else tag
            tag = f":{image['newTag']}" if "newTag" in image else tag
            container["image"] = name + tag


def split_image(image: str) -> tuple[str, str]:
    """An image's name, and its tag or digest with the mark before it, or nothing."""
    name, mark, digest = image.partition("@")
    if mark:
        return name, mark + digest
    host, slash, last = image.rpartition("/")
    name, mark, tag = last.partition(":")
    return host + slash + name, mark + tag


def _known(where: str, said: Mapping[str, Any], fields: frozenset[str]) -> None:
    if strange := sorted(said.keys() - fields):
        raise KustomizationError(f"{where}: {', '.join(strange)} is not known here")


def _one(path: Path) -> Object:
    said = yaml.safe_load(_text(path))
    if not isinstance(said, dict):
        raise KustomizationError(f"{path} holds no kustomization")
    return said  # pyright: ignore[reportUnknownVariableType]


def _text(path: Path) -> str:
    try:
        return path.read_text()
    except OSError as error:
        raise KustomizationError(f"{path} cannot be read: {error.strerror}") from error


def by_kind(objects: Sequence[Object], *kinds: str) -> list[Object]:
    """The objects of some kinds."""
    return [each for each in objects if each["kind"] in kinds]
