"""The Pulumi program. The engine puts only this file's own folder on sys.path, so the project's root is added."""

import gc
import os
import sys
from pathlib import Path

# The program lives for seconds and frees next to nothing: collecting was a quarter of its time, and saved 3 MB.
gc.disable()
ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from infra import lean_imports

lean_imports.install()

import pulumi
from pulumi.runtime.config import get_config_env

from infra.call_stacks import shorten
from infra.providers import aws_provider, kubernetes_providers
from infra.release import outputs, with_image
from infra.settings.errors import SettingsError
from infra.settings.stack import NAMESPACE
from infra.tags import tags
from infra.target import TargetError, embedded_cloud
from stacks.deploy import Providers, deploy
from stacks.namespace_claim import claims
from stacks.plan import plan
from stacks.stack_files import parse_config
from stacks.validation import require_valid


def main() -> None:
    shorten()
    stack = pulumi.get_stack()
    prefix = f"{NAMESPACE}:"
    config = {key.removeprefix(prefix): value for key, value in get_config_env().items() if key.startswith(prefix)}
    try:
        settings = parse_config(stack, with_image(config, os.environ))
        cloud = embedded_cloud()
        settings = cloud.joined(settings) if cloud else settings
        planned = plan(stack, settings)
        require_valid(planned, embedded=cloud is not None)
    except (SettingsError, TargetError) as error:
        raise pulumi.RunError(str(error)) from None
    aws = aws_provider(settings, tags(settings, stack), cloud)
    taken = claims(stack, settings, cloud.kubeconfigs if cloud else {})
    providers = Providers(aws, kubernetes_providers(stack, settings, cloud), taken)
    edges = cloud.edges if cloud else {}
    deployed = deploy(planned, providers, embedded=cloud is not None, edges=edges)
    for name, value in {**deployed, **outputs(ROOT, settings.image, planned.blueprint.migrations, os.environ)}.items():
        pulumi.export(name, value)


main()
