"""Services and their autoscalers in every region of the embedded cloud, by our components. SCALED_SERVICES says how
many in each; the image is one that is simulated.
"""

import gc
import json
import os
import sys
from pathlib import Path

gc.disable()
sys.path.insert(0, str(Path(__file__).resolve().parent.parent.parent.parent))

import pulumi
import pulumi_kubernetes as kubernetes

from components.autoscaler import Autoscaler, AutoscalerArgs
from components.generation_service import GenerationService, GenerationServiceArgs
from components.namespace import Namespace
from stacks.specs.network import HTTP, NamedPort, Traffic
from stacks.specs.resources import Resources

PRODUCT = "scaled"
PORT = 8000
IMAGE = "example.com/simulated:1"
CLOUD = json.loads(Path(os.environ["CONTENTGEN_CLOUD"]).read_text())


def service(region: str, number: int, inside: pulumi.ResourceOptions) -> None:
    name = f"service-{number}"
    made = GenerationService(
        f"{region}-{name}",
        GenerationServiceArgs(
            namespace=PRODUCT,
            product=PRODUCT,
            component=name,
            image=IMAGE,
            arguments=("serve",),
            ports=(NamedPort(HTTP, PORT),),
            resources=Resources("250m", "1000m", "256Mi", "1Gi"),
            pre_stop_seconds=5,
            grace_seconds=60,
            traffic=Traffic(),
            environment={f"SETTING_{key}": str(number) for key in range(20)},
        ),
        inside,
    )
    scaling = AutoscalerArgs(PRODUCT, PRODUCT, name, 2, 5, 70, 80)
    Autoscaler(f"{region}-{name}-autoscaler", scaling, pulumi.ResourceOptions(parent=made))


for region, kubeconfig in CLOUD["kubeconfigs"].items():
    cluster = kubernetes.Provider(f"kubernetes-{region}", cluster_identifier=f"scaled-{region}", kubeconfig=kubeconfig)
    at = pulumi.ResourceOptions(providers={"kubernetes": cluster})
    namespace = Namespace(f"{region}-namespace", PRODUCT, PRODUCT, PRODUCT, at)
    inside = pulumi.ResourceOptions(providers={"kubernetes": cluster}, depends_on=[namespace])
    for number in range(int(os.environ["SCALED_SERVICES"])):
        service(region, number, inside)
