"""What `deploy/` gives to others: valid by their schemas, with settings that there are."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from core.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
CLUSTER = ROOT / "deploy" / "cluster"
COMPOSE = (ROOT / "docker-compose.yml", CLUSTER / "compose.yml")
KUSTOMIZATION = yaml.safe_load((CLUSTER / "kustomization.yaml").read_text())
KUBERNETES = "1.37"
SECRETS = ("openbell_store_url", "openbell_lake_secret", "openbell_sec_user_agent")


def _documents() -> Iterator[dict[str, Any]]:
    for name in KUSTOMIZATION["resources"]:
        yield from yaml.safe_load_all((CLUSTER / name).read_text())


DOCUMENTS = {f"{one['kind']} {one['metadata']['name']}": one for one in _documents()}
WORKLOADS = {
    name: one["spec"] for name, one in DOCUMENTS.items() if "template" in one.get("spec", {})
}


@pytest.mark.parametrize("name", DOCUMENTS)
def test_a_manifest_is_valid(name: str) -> None:
    """By Kubernetes' own schemas, without fields that they do not know."""
    kubernetes_validate.validate(DOCUMENTS[name], KUBERNETES, strict=True)


def test_a_field_that_there_is_not_is_told() -> None:
    """The schemas are asked in earnest."""
    wrong = yaml.safe_load(yaml.safe_dump(DOCUMENTS["StatefulSet engine"]))
    wrong["spec"]["template"]["spec"]["containers"][0]["enviroment"] = []
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(wrong, KUBERNETES, strict=True)


@pytest.mark.parametrize("file", COMPOSE, ids=lambda file: file.parent.name)
def test_compose_takes_its_file(file: Path) -> None:
    """By the schema of the Compose specification."""
    words = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec"]
    done = subprocess.run([*words, str(file)], check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_all_manifests_are_listed() -> None:
    """A file that nobody applies is none."""
    assert set(KUSTOMIZATION["resources"]) == {
        f"kubernetes/{file.name}" for file in (CLUSTER / "kubernetes").iterdir()
    }
    for made in KUSTOMIZATION["configMapGenerator"]:
        assert all((CLUSTER / name).is_file() for name in made["files"])


def test_each_setting_of_a_manifest_exists() -> None:
    """Of containers, of the map that they share, and of the secrets that they are told to have."""
    named = set(DOCUMENTS["ConfigMap openbell"]["data"])
    for spec in WORKLOADS.values():
        for container in spec["template"]["spec"]["containers"]:
            named |= {one["name"] for one in container.get("env", [])}
    ours = {name for name in named if name.startswith("OPENBELL_")}
    assert len(ours) > 5
    told = {name.upper() for name in SECRETS}
    assert {n.removeprefix("OPENBELL_").lower() for n in ours | told} <= set(Settings.model_fields)
    text = (CLUSTER / "kubernetes" / "settings.yaml").read_text()
    assert set(re.findall(r"\bopenbell_\w+", text)) == set(SECRETS)


def test_both_ways_tell_the_cluster_the_same() -> None:
    """Compose and Kubernetes: addresses of queue and S3, its keys, and what the servers run."""
    compose = yaml.safe_load(COMPOSE[1].read_text())["services"]
    shared = DOCUMENTS["ConfigMap openbell"]["data"]
    for name in ("engine", "desk"):
        assert compose[name]["environment"] == {**shared, "OPENBELL_ROLE": name}
    for name in ("postgres", "redis", "s3"):
        (container,) = WORKLOADS[f"StatefulSet {name}"]["template"]["spec"]["containers"]
        assert container["image"] == compose[name]["image"]
        assert container.get("args") == compose[name].get("command")
    (proxy,) = WORKLOADS["Deployment proxy"]["template"]["spec"]["containers"]
    assert proxy["image"] == compose["proxy"]["image"]


def test_a_proxy_is_believed_where_nobody_else_asks() -> None:
    """Limits count callers by what the proxy says of them, not the proxy; no port leads past it."""
    told = DOCUMENTS["ConfigMap openbell"]["data"]["OPENBELL_TRUSTED_PROXIES"]
    assert len(Settings.model_validate({"trusted_proxies": told}).trusted_proxies) == 3
    policy = DOCUMENTS["NetworkPolicy desk"]["spec"]
    assert policy["podSelector"]["matchLabels"] == {"app": "desk"}
    (only,) = policy["ingress"]
    assert only["from"] == [{"podSelector": {"matchLabels": {"app": "proxy"}}}]
    services = yaml.safe_load(COMPOSE[1].read_text())["services"]
    assert [name for name, one in services.items() if "ports" in one] == ["proxy"]


def test_what_is_named_is_there() -> None:
    """Services have pods, pods have their maps, and the proxy has a place for each desk."""
    labels = {spec["template"]["metadata"]["labels"]["app"] for spec in WORKLOADS.values()}
    services = {name.split()[1] for name in DOCUMENTS if name.startswith("Service ")}
    assert services == labels
    # Kubernetes tells every pod of service X as X_PORT: one named openbell would be our setting
    assert not any(name.startswith("openbell") for name in services)
    config = (CLUSTER / "haproxy.cfg").read_text()
    places = re.search(r"server-template desk (\d+)", config)
    assert places
    assert int(places[1]) == WORKLOADS["Deployment desk"]["replicas"]


@pytest.mark.parametrize("name", ["StatefulSet engine", "Deployment desk", "Deployment proxy"])
def test_pods_have_no_rights_that_they_do_not_need(name: str) -> None:
    """As in compose: no root, a file system that is read alone, no capabilities."""
    pod = WORKLOADS[name]["template"]["spec"]
    assert pod["securityContext"]["runAsNonRoot"] is True
    for container in pod["containers"]:
        rights = container["securityContext"]
        assert rights["readOnlyRootFilesystem"] is True
        assert rights["allowPrivilegeEscalation"] is False
        assert rights["capabilities"] == {"drop": ["ALL"]}
        assert {"requests", "limits"} <= set(container["resources"])
