"""The Kubernetes manifests are well, and each rule about them notices when they are not."""

import shutil
import subprocess
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml

from .conftest import ROOT

BASE = ROOT / "deploy/k8s/base"

Script = Callable[[str], ModuleType]
Objects = dict[str, Any]
Break = Callable[[Objects], None]


@pytest.fixture
def rules(script: Script) -> ModuleType:
    return script("k8s_rules")


@pytest.fixture
def manifests(script: Script) -> Any:
    return script("check_k8s").manifests(BASE)


def pod(objects: Objects, kind: str = "Deployment", name: str = "booking") -> Any:
    return objects[f"{kind}/{name}"]["spec"]["template"]["spec"]


def container(objects: Objects, kind: str = "Deployment", name: str = "booking") -> Any:
    return pod(objects, kind, name)["containers"][0]


def variable(objects: Objects, service: str, name: str) -> Any:
    return next(v for v in container(objects, name=service)["env"] if v["name"] == name)


def change(objects: Any, *path: Any, to: Any) -> None:
    for key in path[:-1]:
        objects = objects[key]
    objects[path[-1]] = to


def without(objects: Any, *path: Any) -> None:
    for key in path[:-1]:
        objects = objects[key]
    del objects[path[-1]]


BROKEN: list[tuple[str, Break, str]] = [
    (
        "every_service_is_deployed",
        lambda o: without(o, "Deployment/video"),
        "Deployment/video the service is not deployed",
    ),
    (
        "every_service_is_deployed",
        lambda o: change(container(o), "image", to="rendezvous-video:0.1.0"),
        "rather than its own image",
    ),
    (
        "images_have_a_version",
        lambda o: change(container(o), "image", to="rendezvous-booking:latest"),
        "has no version",
    ),
    (
        "images_have_a_version",
        lambda o: change(container(o, "Job", "migrate"), "image", to="rendezvous-tools"),
        "Job/migrate rendezvous-tools has no version",
    ),
    (
        "images_have_a_version",
        lambda o: change(container(o), "image", to="registry.example/rendezvous-booking:1"),
        "names a registry",
    ),
    (
        "pods_are_restricted",
        lambda o: change(pod(o), "securityContext", "runAsNonRoot", to=False),
        "runAsNonRoot is False",
    ),
    (
        "pods_are_restricted",
        lambda o: without(pod(o), "securityContext", "seccompProfile"),
        "seccompProfile is None",
    ),
    (
        "pods_are_restricted",
        lambda o: without(container(o), "securityContext", "readOnlyRootFilesystem"),
        "readOnlyRootFilesystem is None",
    ),
    (
        "pods_are_restricted",
        lambda o: change(container(o), "securityContext", "capabilities", to={}),
        "capabilities is {}",
    ),
    (
        "pods_are_restricted",
        lambda o: without(container(o, "Job", "migrate"), "securityContext"),
        "Job/migrate migrate: allowPrivilegeEscalation is None",
    ),
    ("pods_are_restricted", lambda o: change(pod(o), "hostNetwork", to=True), "hostNetwork"),
    (
        "pods_are_restricted",
        lambda o: pod(o)["volumes"].append({"name": "x", "hostPath": {"path": "/"}}),
        "a path of the host: x",
    ),
    ("services_are_probed", lambda o: without(container(o), "livenessProbe"), "livenessProbe"),
    (
        "services_are_probed",
        lambda o: change(container(o), "livenessProbe", "httpGet", "path", to="/readyz"),
        "livenessProbe does not ask /livez",
    ),
    (
        "services_are_probed",
        lambda o: change(container(o), "readinessProbe", "httpGet", "port", to="metrics"),
        "a port that the container does not name",
    ),
    (
        "resources_are_bounded",
        lambda o: without(container(o), "resources", "limits", "memory"),
        "booking has no limits.memory",
    ),
    (
        "nobody_has_a_token",
        lambda o: without(pod(o), "automountServiceAccountToken"),
        "mounts a service account's token",
    ),
    (
        "nobody_has_a_token",
        lambda o: without(o, "ServiceAccount/booking"),
        "runs as booking, which is not there",
    ),
    (
        "nobody_has_a_token",
        lambda o: change(o, "ServiceAccount/booking", "automountServiceAccountToken", to=True),
        "gives its token away",
    ),
    (
        "stopping_has_time",
        lambda o: change(pod(o), "terminationGracePeriodSeconds", to=10),
        "has 10 s to stop",
    ),
    (
        "disruptions_leave_a_pod",
        lambda o: without(o, "PodDisruptionBudget/booking"),
        "no PodDisruptionBudget",
    ),
    (
        "disruptions_leave_a_pod",
        lambda o: change(o, "Deployment/booking", "spec", "replicas", to=1),
        "runs once only",
    ),
    (
        "disruptions_leave_a_pod",
        lambda o: without(pod(o), "topologySpreadConstraints", 0),
        "is not spread",
    ),
    (
        "selectors_find_their_pods",
        lambda o: change(
            o, "Deployment/booking", "spec", "selector", "matchLabels", to={"app": "booking"}
        ),
        "does not select its own pods",
    ),
    (
        "selectors_find_their_pods",
        lambda o: change(o, "Service/gateway", "spec", "ports", 0, "targetPort", to="https"),
        "leads to port https of no pod",
    ),
    (
        "traffic_is_denied_by_default",
        lambda o: without(o, "NetworkPolicy/default-deny"),
        "does not deny everything",
    ),
    (
        "traffic_is_denied_by_default",
        lambda o: change(o, "NetworkPolicy/default-deny", "spec", "policyTypes", to=["Ingress"]),
        "does not deny everything",
    ),
    (
        "traffic_is_denied_by_default",
        lambda o: change(
            o,
            "NetworkPolicy/notify-sends-mail",
            "spec",
            "podSelector",
            to={"matchLabels": {"app.kubernetes.io/name": "mailer"}},
        ),
        "is about mailer, which is not there",
    ),
    (
        "secrets_are_only_named",
        lambda o: change(
            o, "Secret/booking", to={"kind": "Secret", "metadata": {"name": "booking"}}
        ),
        "Secret/booking is a secret",
    ),
    (
        "secrets_are_only_named",
        lambda o: change(
            variable(o, "booking", "LINK_KEYS"), "valueFrom", "secretKeyRef", "key", to="OTHER"
        ),
        "asks for OTHER of secret booking: not in the README",
    ),
    (
        "settings_are_there",
        lambda o: without(o, "ConfigMap/settings", "data", "PUBLIC_URL"),
        "asks for PUBLIC_URL of ConfigMap settings: not there",
    ),
    (
        "environments_match_the_code",
        lambda o: container(o)["env"].remove(variable(o, "booking", "LINK_KEYS")),
        "is not given LINK_KEYS",
    ),
    (
        "environments_match_the_code",
        lambda o: container(o)["env"].append({"name": "LINK_KEY", "value": "x"}),
        "is given LINK_KEY, which it does not read",
    ),
]


def test_the_manifests_are_well(script: Script, capsys: pytest.CaptureFixture[str]):
    code = script("check_k8s").main()

    assert (code, "are well" in capsys.readouterr().out) == (0, True)


@pytest.mark.parametrize(
    ("rule", "breaking", "said"), BROKEN, ids=[f"{n}-{b[0]}" for n, b in enumerate(BROKEN)]
)
def test_a_broken_rule_is_noticed(
    rules: ModuleType, manifests: Any, rule: str, breaking: Break, said: str
):
    objects = {
        f"{each['kind']}/{each['metadata']['name']}": each for each in deepcopy(manifests.objects)
    }
    breaking(objects)
    broken = rules.Manifests(list(objects.values()), manifests.services, manifests.documented)

    noticed = [
        f"{e['kind']}/{e['metadata']['name']} {what}" for e, what in getattr(rules, rule)(broken)
    ]

    assert any(said in problem for problem in noticed), noticed
    assert set(noticed) <= set(rules.problems(broken))


def test_each_rule_is_broken_once(rules: ModuleType):
    assert {rule for rule, _, _ in BROKEN} == {rule.__name__ for rule in rules.RULES}


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        (("spec", "replicas"), "two", "'two' is not of type"),
        (("spec", "replica"), 2, "'replica' was unexpected"),
        (("apiVersion",), "apps/v0", "schema"),
    ],
)
def test_what_kubernetes_would_not_understand_is_noticed(
    script: Script, manifests: Any, path: tuple[str, ...], value: object, said: str
):
    deployment = next(o for o in deepcopy(manifests.objects) if o["kind"] == "Deployment")
    change(deployment, *path, to=value)

    (problem,) = script("check_k8s").schema_problems([deployment])

    assert said in problem


@pytest.mark.skipif(shutil.which("kubectl") is None, reason="kubectl is not installed")
def test_the_rendering_is_that_of_kubectl(script: Script):
    answer = subprocess.run(["kubectl", "kustomize", str(BASE)], capture_output=True, check=True)
    theirs = list(yaml.safe_load_all(answer.stdout))
    ours = script("kustomize").render(BASE)

    def name(each: Any) -> tuple[str, str]:
        return each["kind"], each["metadata"]["name"]

    assert sorted(ours, key=name) == sorted(theirs, key=name)


@pytest.mark.parametrize(
    "added",
    ["patches: []", "namePrefix: x-", "labels: [{pairs: {a: b}, includeSelectors: true}]"],
)
def test_what_the_renderer_does_not_know_it_refuses(script: Script, tmp_path: Path, added: str):
    kustomize = script("kustomize")
    (tmp_path / "a.yaml").write_text("{apiVersion: v1, kind: ConfigMap, metadata: {name: a}}")
    (tmp_path / "kustomization.yaml").write_text(f"resources: [a.yaml]\n{added}\n")

    with pytest.raises(kustomize.KustomizationError, match="is not known here"):
        kustomize.render(tmp_path)


def test_a_kind_that_the_rules_know_nothing_of_is_refused(script: Script, tmp_path: Path):
    kustomize = script("kustomize")
    (tmp_path / "a.yaml").write_text("{apiVersion: v1, kind: Pod, metadata: {name: a}}")
    (tmp_path / "kustomization.yaml").write_text("resources: [a.yaml]\n")

    with pytest.raises(kustomize.KustomizationError, match="Pod"):
        kustomize.render(tmp_path)


def test_an_absent_resource_is_told_by_its_name(script: Script, tmp_path: Path):
    kustomize = script("kustomize")
    (tmp_path / "kustomization.yaml").write_text("resources: [absent.yaml]\n")

    with pytest.raises(kustomize.KustomizationError, match=r"absent\.yaml cannot be read"):
        kustomize.render(tmp_path)
