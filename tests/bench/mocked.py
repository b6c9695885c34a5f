"""The whole program of a stack under the recording engine, imports included: ``python -m tests.bench.mocked prod``."""

import gc
import sys

from infra import lean_imports

lean_imports.install()

from infra.call_stacks import shorten
from infra.providers import aws_provider, kubernetes_providers
from infra.tags import tags
from infra.target import EmbeddedCloud
from localcloud.aws.network import network_of
from ops.checkout import CHECKOUT
from ops.stack_files import read
from stacks.deploy import Providers, deploy
from stacks.plan import plan
from tests.unit.engine import run


def main(stack: str) -> None:
    settings = read(CHECKOUT, stack)
    networks = {region: vars(network_of(region)) for region in settings.regions}
    cloud = EmbeddedCloud("http://127.0.0.1:1", dict.fromkeys(settings.regions, "/kubeconfig"), {}, networks)
    settings = cloud.joined(settings)

    def program() -> None:
        aws = aws_provider(settings, tags(settings, stack), cloud)
        providers = Providers(aws, kubernetes_providers(stack, settings, cloud))
        deploy(plan(stack, settings), providers, embedded=True)

    print(len(run(program, stack).resources), "resources")


if __name__ == "__main__":
    # As the program itself does.
    gc.disable()
    shorten()
    main(sys.argv[1])
