"""What holds of our Dockerfiles, their locks and docker-compose.yml. Each rule says what breaks it.

Every rule takes the root of a checkout, and reads nothing but files.
"""

import re
import tomllib
from collections.abc import Callable, Iterator, Mapping
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import yaml
from kustomize import split_image
from service_settings import service_names, variables

Problems = Iterator[str]
Rule = Callable[[Path], Problems]

COMPOSE = "docker-compose.yml"
TOOLS = "deploy/docker/tools.Dockerfile"
EXAMPLE = "deploy/docker/env.example"
PROFILES = frozenset({"core", "observability", "jitsi"})

_VARIABLE = re.compile(r"\$\{(\w+)")
_PASSED_ON = re.compile(r"^      ([A-Z_]+):$", re.MULTILINE)


def dockerfiles(root: Path) -> dict[str, list[tuple[str, str]]]:
    """The instructions of every Dockerfile, by its path; none where it is absent."""
    paths = [*(f"services/{name}/Dockerfile" for name in service_names()), TOOLS]
    return {path: list(_instructions(root / path)) for path in paths}


def dockerfiles_exist(root: Path) -> Problems:
    """Each service has its own."""
    for path, instructions in dockerfiles(root).items():
        if not instructions:
            yield f"{path} is not there"


def what_is_copied_is_there(root: Path) -> Problems:
    """A path of COPY exists, and .dockerignore lets it through."""
    for path, instructions in dockerfiles(root).items():
        for keyword, rest in instructions:
            if keyword != "COPY" or rest.startswith("--from"):
                continue
            for source in rest.split()[:-1]:
                if not (root / source).exists():
                    yield f"{path} copies {source}, which is not there"
                elif not _reaches_docker(root, source):
                    yield f"{path} copies {source}, which .dockerignore keeps out"


def a_service_copies_its_own(root: Path) -> Problems:
    """An image holds one service with its locked requirements, and no other."""
    for name in service_names():
        path = f"services/{name}/Dockerfile"
        copied = " ".join(rest for keyword, rest in dockerfiles(root)[path] if keyword == "COPY")
        others = [f"services/{other}" for other in service_names() if other != name]
        if f"services/{name}/requirements.lock" not in copied:
            yield f"{path} does not install the requirements of {name}"
        for other in others:
            if re.search(rf"{other}(\s|/|$)", copied):
                yield f"{path} copies {other}"


def images_are_small_and_safe(root: Path) -> Problems:
    """Bases have versions, nobody is root, nothing is compiled, what is installed is locked."""
    for path, instructions in dockerfiles(root).items():
        text = "\n".join(f"{keyword} {rest}" for keyword, rest in instructions)
        for keyword, rest in instructions:
            if keyword == "FROM" and split_image(rest.split()[0])[1] in {"", ":latest"}:
                yield f"{path} builds on {rest}, which has no version"
        users = [rest for keyword, rest in instructions if keyword == "USER"]
        if not re.fullmatch(r"[1-9]\d*:[1-9]\d*", users[-1] if users else ""):
            yield f"{path} does not run as a numbered user other than root"
        if re.search(r"apt-get|apk add|gcc|build-essential", text):
            yield f"{path} installs packages of the system"
        for line in re.findall(r"pip install [^\n&]*(?:--requirement|-r) [^\n&]*", text):
            if "--require-hashes" not in line or "--no-deps" not in line:
                yield f"{path} installs what is not locked: {line.strip()}"


def services_are_asked_for_their_health(root: Path) -> Problems:
    """The container of a service is well while /livez answers, and runs the right package."""
    for name in service_names():
        path = f"services/{name}/Dockerfile"
        instructions = dict(dockerfiles(root)[path])
        if "/livez" not in instructions.get("HEALTHCHECK", ""):
            yield f"{path} has no HEALTHCHECK that asks /livez"
        command = f'["python", "-m", "{name.replace("-", "_")}"]'
        if instructions.get("CMD") != command:
            yield f"{path} does not run {command}"


def locks_agree(root: Path) -> Problems:
    """An image's lock has the same versions and hashes as requirements.lock, and all it needs."""
    everything = _locked(root / "requirements.lock")
    paths = [f"services/{name}/requirements.lock" for name in service_names()]
    for path in [*paths, "deploy/docker/tools.lock", "deploy/docker/build.lock"]:
        lock = _locked(root / path)
        if not lock:
            yield f"{path} is not there: run scripts/lock-images"
        for name, pinned in lock.items():
            if everything.get(name) != pinned:
                yield f"{path} has another {name} than requirements.lock: run scripts/lock-images"
    for name in service_names():
        path = f"services/{name}/requirements.lock"
        for wanted in sorted(_wanted(root, f"services/{name}") - _locked(root / path).keys()):
            yield f"{path} lacks {wanted}: run scripts/lock-images"


def compose_holds_together(root: Path) -> Problems:
    """What compose names is there: services, conditions, volumes, files, profiles, versions."""
    compose = _compose(root)
    services: Mapping[str, Any] = compose["services"]
    for name, service in services.items():
        where = f"{COMPOSE}: {name}"
        if split_image(service.get("image", ""))[1] in {"", ":latest"}:
            yield f"{where} has no image with a version"
        if not service.get("profiles") or not PROFILES.issuperset(service["profiles"]):
            yield f"{where} belongs to no profile"
        dockerfile = service.get("build", {}).get("dockerfile")
        if dockerfile and not (root / dockerfile).exists():
            yield f"{where} is built from {dockerfile}, which is not there"
        yield from (f"{where} {what}" for what in _dependencies(service, services))
        yield from (f"{where} {what}" for what in _mounts(root, service, compose["volumes"]))


def compose_runs_every_service(root: Path) -> Problems:
    """Every service runs from its own Dockerfile, with the variables that its code reads."""
    services = _compose(root)["services"]
    migrate = services["migrate"]["environment"]
    for name in service_names():
        if name not in services:
            yield f"{COMPOSE}: {name} is missing"
            continue
        service, read = services[name], variables(name)
        if service["build"]["dockerfile"] != f"services/{name}/Dockerfile":
            yield f"{COMPOSE}: {name} is not built from its own Dockerfile"
        given: Mapping[str, Any] = service["environment"]
        for missing in sorted(read.required - given.keys()):
            yield f"{COMPOSE}: {name} is not given {missing}"
        for strange in sorted(given.keys() - read.known):
            yield f"{COMPOSE}: {name} is given {strange}, which it does not read"
        migrated = migrate.get(f"{name.replace('-', '_').upper()}_DATABASE_URL", "")
        if _plain(migrated) != _plain(given.get("DATABASE_URL", "")):
            yield f"{COMPOSE}: {name} uses another database than the one that is migrated"


def variables_are_explained(root: Path) -> Problems:
    """Whatever compose takes from .env is in the example, and the example has nothing else."""
    text = (root / COMPOSE).read_text()
    asked = {*_VARIABLE.findall(text), *_PASSED_ON.findall(text)}
    example = (root / EXAMPLE).read_text()
    told = set(re.findall(r"^#?([A-Z][A-Z_]+)=", example, re.MULTILINE)) - {"COMPOSE_PROFILES"}
    rarely_set = {"LOG_LEVEL", "ALLOW_PRIVATE_CALENDAR_HOSTS"}
    for name in sorted(asked - told - rarely_set):
        yield f"{EXAMPLE} does not tell of {name}"
    for name in sorted(told - asked):
        yield f"{EXAMPLE} tells of {name}, for which nobody asks"
    for name, value in re.findall(
        r"^([A-Z_]*(?:PASSWORD|KEYS?|SECRET))=(.*)$", example, re.MULTILINE
    ):
        if value:
            yield f"{EXAMPLE} gives {name} away"


RULES: tuple[Rule, ...] = (
    dockerfiles_exist,
    what_is_copied_is_there,
    a_service_copies_its_own,
    images_are_small_and_safe,
    services_are_asked_for_their_health,
    locks_agree,
    compose_holds_together,
    compose_runs_every_service,
    variables_are_explained,
)


def problems(root: Path) -> list[str]:
    """Everything that breaks a rule."""
    return [problem for rule in RULES for problem in rule(root)]


def _instructions(path: Path) -> Iterator[tuple[str, str]]:
    if not path.exists():
        return
    lines = [line for line in path.read_text().splitlines() if not line.startswith("#")]
    for instruction in "\n".join(lines).replace("\\\n", " ").splitlines():
        keyword, _, rest = instruction.strip().partition(" ")
        if keyword:
            yield keyword, re.sub(r"\s+", " ", rest)


def _reaches_docker(root: Path, source: str) -> bool:
    """Whether the last line of .dockerignore that is about a path lets it through."""
    let_through = True
    parents = [source, *(str(parent) for parent in Path(source).parents)]
    for line in (root / ".dockerignore").read_text().splitlines():
        pattern = line.strip().removeprefix("!")
        if not pattern or pattern.startswith("#"):
            continue
        inner = pattern.removeprefix("**/")
        about = any(fnmatch(p, pattern) for p in parents) or (
            inner != pattern and any(fnmatch(part, inner) for part in Path(source).parts)
        )
        if about:
            let_through = line.startswith("!")
    return let_through


def _locked(path: Path) -> dict[str, str]:
    """What a lock pins, by name, with its hashes."""
    if not path.exists():
        return {}
    entries = re.split(r"\n(?=\S)", path.read_text().strip())
    return {entry.partition("==")[0]: entry.strip() for entry in entries}


def _wanted(root: Path, member: str) -> set[str]:
    """What a member asks for, by its own pyproject.toml and those of our libraries."""
    found: set[str] = set()
    for each in (member, "libs/service-kit", "libs/contracts"):
        project = tomllib.loads((root / each / "pyproject.toml").read_text())["project"]
        found |= {re.split(r"[^\w.-]", need)[0].lower() for need in project["dependencies"]}
    return found - {"contracts", "service-kit"}


def _compose(root: Path) -> dict[str, Any]:
    return yaml.safe_load((root / COMPOSE).read_text())


def _dependencies(service: Mapping[str, Any], services: Mapping[str, Any]) -> Problems:
    depends: list[str] | dict[str, Any] = service.get("depends_on", {})
    conditions = depends if isinstance(depends, dict) else dict.fromkeys(depends)
    for other, said in conditions.items():
        healthy = bool(said) and said["condition"] == "service_healthy"
        if other not in services:
            yield f"waits for {other}, which is not there"
        elif healthy and "healthcheck" not in services[other]:
            yield f"waits for the health of {other}, which has no check"
    shared: str = service.get("network_mode", "")
    if shared.startswith("service:") and shared.removeprefix("service:") not in services:
        yield f"lives on the network of {shared}, which is not there"


def _mounts(root: Path, service: Mapping[str, Any], volumes: Mapping[str, Any]) -> Problems:
    for mount in service.get("volumes", ()):
        source = mount.split(":")[0]
        if source.startswith("."):
            if not (root / source).exists():
                yield f"mounts {source}, which is not there"
        elif source not in volumes:
            yield f"mounts the volume {source}, which is not declared"


def _plain(text: str) -> str:
    """A text without what its variables say where they are not set."""
    return re.sub(r"\$\{(\w+)[^}]*\}", r"$\1", text)
