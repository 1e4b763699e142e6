"""What holds of our Kubernetes manifests beyond their schema. Each rule says what breaks it."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from kustomize import Object, by_kind, containers, split_image, template
from service_settings import Variables

from service_kit.service import GRACE_SECONDS

NAME = "app.kubernetes.io/name"

PROBES = {"startupProbe": "/livez", "livenessProbe": "/livez", "readinessProbe": "/readyz"}


@dataclass(frozen=True)
class Manifests:
    """Everything that was rendered, and what it is held against.

    `documented` is the text that names the secrets; `services` are those of services/.
    """

    objects: list[Object]
    services: Mapping[str, Variables]
    documented: str

    def named(self, kind: str) -> dict[str, Object]:
        """The objects of one kind, by name."""
        return {each["metadata"]["name"]: each for each in by_kind(self.objects, kind)}

    def workloads(self) -> list[Object]:
        """Everything that runs pods."""
        return by_kind(self.objects, "Deployment", "Job")


Problems = Iterator[tuple[Object, str]]
Rule = Callable[[Manifests], Problems]


def every_service_is_deployed(all_: Manifests) -> Problems:
    """A service that is in the repository runs, as an image of its own."""
    deployments = all_.named("Deployment")
    for service in all_.services:
        if service not in deployments:
            yield _absent("Deployment", service), "the service is not deployed"
            continue
        images = [split_image(c["image"])[0] for c in containers(deployments[service])]
        if images != [f"rendezvous-{service}"]:
            yield deployments[service], f"runs {images} rather than its own image"


def images_have_a_version(all_: Manifests) -> Problems:
    """An image is named plainly, for an overlay to place, and never floats."""
    for each, container in _containers(all_):
        name, tag = split_image(container["image"])
        if tag in {"", ":latest"}:
            yield each, f"{container['image']} has no version"
        if "/" in name:
            yield each, f"{container['image']} names a registry"


def pods_are_restricted(all_: Manifests) -> Problems:
    """The restricted Pod Security Standard, and a root file system that cannot be written."""
    wanted_pod = {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}
    wanted = {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    for each in all_.workloads():
        spec = template(each)["spec"]
        yield from _lacking(each, "pod", spec.get("securityContext", {}), wanted_pod)
        for field in ("hostNetwork", "hostPID", "hostIPC"):
            if spec.get(field):
                yield each, f"asks for {field}"
        for volume in spec.get("volumes", ()):
            if "hostPath" in volume:
                yield each, f"mounts a path of the host: {volume['name']}"
    for each, container in _containers(all_):
        found = container.get("securityContext", {})
        yield from _lacking(each, container["name"], found, wanted)


def services_are_probed(all_: Manifests) -> Problems:
    """Liveness asks for the heartbeat alone: a broken dependency restarts nobody."""
    for each in by_kind(all_.objects, "Deployment"):
        for container in containers(each):
            ports = {port.get("name") for port in container.get("ports", ())}
            for probe, path in PROBES.items():
                asked = container.get(probe, {}).get("httpGet", {})
                if asked.get("path") != path:
                    yield each, f"{probe} does not ask {path}"
                elif asked.get("port") not in ports:
                    yield each, f"{probe} asks a port that the container does not name"


def resources_are_bounded(all_: Manifests) -> Problems:
    """Every container says what it needs and what it may have."""
    for each, container in _containers(all_):
        resources = container.get("resources", {})
        for bound in ("requests", "limits"):
            for resource in ("cpu", "memory"):
                if resource not in resources.get(bound, {}):
                    yield each, f"{container['name']} has no {bound}.{resource}"


def nobody_has_a_token(all_: Manifests) -> Problems:
    """No pod can speak to the cluster: each has an account of its own, without a token."""
    accounts = all_.named("ServiceAccount")
    for each in all_.workloads():
        spec = template(each)["spec"]
        if spec.get("automountServiceAccountToken") is not False:
            yield each, "mounts a service account's token"
        if spec.get("serviceAccountName") not in accounts:
            yield each, f"runs as {spec.get('serviceAccountName')}, which is not there"
    for account in accounts.values():
        if account.get("automountServiceAccountToken") is not False:
            yield account, "gives its token away"


def stopping_has_time(all_: Manifests) -> Problems:
    """A pod is not killed while it still finishes what it began."""
    for each in by_kind(all_.objects, "Deployment"):
        given = template(each)["spec"].get("terminationGracePeriodSeconds", 30)
        # The doors, the broker and the tasks are each given as long, one after the other.
        if given < 3 * GRACE_SECONDS:
            yield each, f"has {given} s to stop, and may need {3 * GRACE_SECONDS:g}"


def disruptions_leave_a_pod(all_: Manifests) -> Problems:
    """A drained node takes one pod of a service at a time, and two of them do not share it."""
    budgets = all_.named("PodDisruptionBudget")
    for name, each in all_.named("Deployment").items():
        spec = each["spec"]
        budget = budgets.get(name, {"spec": {}})["spec"]
        if budget.get("selector") != spec["selector"] or budget.get("maxUnavailable") != 1:
            yield each, "has no PodDisruptionBudget that lets one pod go at a time"
        if spec.get("replicas", 1) < 2:
            yield each, "runs once only"
        spread = template(each)["spec"].get("topologySpreadConstraints", ())
        keys = {s["topologyKey"] for s in spread if s["labelSelector"] == spec["selector"]}
        if keys != {"topology.kubernetes.io/zone", "kubernetes.io/hostname"}:
            yield each, "is not spread over zones and nodes"


def selectors_find_their_pods(all_: Manifests) -> Problems:
    """What selects pods by labels selects the pods that it means."""
    deployments = all_.named("Deployment")
    for each in deployments.values():
        labels = template(each)["metadata"]["labels"]
        if not each["spec"]["selector"]["matchLabels"].items() <= labels.items():
            yield each, "does not select its own pods"
    for each in by_kind(all_.objects, "Service"):
        found = deployments.get(each["spec"]["selector"].get(NAME))
        ports = {p["name"] for c in containers(found) for p in c["ports"]} if found else set[str]()
        for port in each["spec"]["ports"]:
            if port["targetPort"] not in ports:
                yield each, f"leads to port {port['targetPort']} of no pod"


def traffic_is_denied_by_default(all_: Manifests) -> Problems:
    """Nothing goes in or out but what a policy says; each policy is about pods of ours."""
    policies = all_.named("NetworkPolicy")
    deny = policies.get("default-deny", {}).get("spec")
    if deny != {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}:
        yield _absent("NetworkPolicy", "default-deny"), "does not deny everything"
    ours = {each["metadata"]["name"] for each in all_.workloads()}
    servers = {"nats"}
    for each in policies.values():
        name = each["spec"]["podSelector"].get("matchLabels", {}).get(NAME)
        if name is not None and name not in ours | servers:
            yield each, f"is about {name}, which is not there"


def secrets_are_only_named(all_: Manifests) -> Problems:
    """No secret is committed; each key that is asked for is told of in the README."""
    for each in by_kind(all_.objects, "Secret"):
        yield each, "is a secret"
    for each, variable in _variables(all_):
        asked = variable.get("valueFrom", {}).get("secretKeyRef")
        if asked and f"| `{asked['name']}` | `{asked['key']}` |" not in all_.documented:
            yield each, f"asks for {asked['key']} of secret {asked['name']}: not in the README"


def settings_are_there(all_: Manifests) -> Problems:
    """A value that is taken from a ConfigMap is in it."""
    maps = all_.named("ConfigMap")
    for each, variable in _variables(all_):
        asked = variable.get("valueFrom", {}).get("configMapKeyRef")
        if asked and asked["key"] not in maps.get(asked["name"], {}).get("data", {}):
            yield each, f"asks for {asked['key']} of ConfigMap {asked['name']}: not there"


def environments_match_the_code(all_: Manifests) -> Problems:
    """A service is given the variables that its settings.py reads, and no others."""
    deployments = all_.named("Deployment")
    for service, read in all_.services.items():
        each = deployments.get(service)
        if each is None:
            continue
        given = {v["name"] for c in containers(each) for v in c.get("env", ())}
        for name in sorted(read.required - given):
            yield each, f"is not given {name}"
        for name in sorted(given - read.known):
            yield each, f"is given {name}, which it does not read"


RULES: tuple[Rule, ...] = (
    every_service_is_deployed,
    images_have_a_version,
    pods_are_restricted,
    services_are_probed,
    resources_are_bounded,
    nobody_has_a_token,
    stopping_has_time,
    disruptions_leave_a_pod,
    selectors_find_their_pods,
    traffic_is_denied_by_default,
    secrets_are_only_named,
    settings_are_there,
    environments_match_the_code,
)


def problems(all_: Manifests) -> list[str]:
    """Everything that breaks a rule: which object, and how."""
    return [
        f"{each['kind']}/{each['metadata']['name']} {what}"
        for rule in RULES
        for each, what in rule(all_)
    ]


def _containers(all_: Manifests) -> Iterator[tuple[Object, Object]]:
    for each in all_.workloads():
        for container in containers(each):
            yield each, container


def _variables(all_: Manifests) -> Iterator[tuple[Object, Object]]:
    for each, container in _containers(all_):
        for variable in container.get("env", ()):
            yield each, variable


def _lacking(
    each: Object, whose: str, found: Mapping[str, Any], wanted: Mapping[str, Any]
) -> Problems:
    for field, value in wanted.items():
        if found.get(field) != value:
            yield each, f"{whose}: {field} is {found.get(field)} rather than {value}"


def _absent(kind: str, name: str) -> Object:
    return {"kind": kind, "metadata": {"name": name}}
