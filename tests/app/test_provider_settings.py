"""Providers as a process begins: their SDKs, their keys, and which of them production may have."""

from __future__ import annotations

import subprocess
import sys

import pytest
from conftest import Fleet, run_app
from recorded import NAMES

from localcloud.servers import free_port

pytestmark = pytest.mark.requirement("E07")


@pytest.mark.parametrize("name", NAMES)
def test_only_the_sdk_of_a_provider_in_use_is_imported(name: str) -> None:
    modules = ("openai", "anthropic", "google.genai")
    program = (
        "import sys; from app.api import application; from app.providers import Provider;"
        f" from app.settings import Settings; assert not set({modules}) & set(sys.modules);"
        " from app.writers.clients import client_of;"
        f" client_of(Provider('{name}'), Settings(database_url='postgresql://u:p@h/d', database_url_direct='postgresql://u:p@h/d',"
        f" {name}_api_key='k', llm_providers='{name}')); print([m for m in {modules} if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.stdout.strip() == str([{"gemini": "google.genai"}.get(name, name)]), done.stderr


def test_a_missing_sdk_is_a_configuration_error_that_names_the_extra(fleet: Fleet, tmp_path: object) -> None:
    hidden = fleet.folder / "hidden"
    hidden.mkdir()
    (hidden / "openai.py").write_text("raise ModuleNotFoundError('no', name='openai')")
    path = f"{hidden}:{fleet.environment['PYTHONPATH']}"
    variables = {"LLM_PROVIDERS": "openai", "OPENAI_API_KEY": "k" * 20, "PYTHONPATH": path, "PORT": str(free_port())}
    refused = run_app(fleet, "serve", "--role", "im", **variables)
    assert refused.returncode != 0
    assert (
        "LLM_PROVIDERS: names 'openai', whose SDK (openai) is missing; install contentgen[llm]"
        in refused.stderr + refused.stdout
    )


def test_in_production_im_does_not_start_with_made_up_texts_unless_told(fleet: Fleet) -> None:
    refused = run_app(fleet, "serve", "--role", "im", ENVIRONMENT="prod")
    assert refused.returncode == 2
    assert "configuration: LLM_PROVIDERS: " in refused.stderr and "ALLOW_EMBEDDED_WRITER=true" in refused.stderr
    with fleet.process("im", "serve", "--role", "im", ENVIRONMENT="prod", ALLOW_EMBEDDED_WRITER="true"):
        pass
    key = {"LLM_PROVIDERS": "openai,embedded", "OPENAI_API_KEY": "k" * 20}
    with fleet.process("im-with-key", "serve", "--role", "im", ENVIRONMENT="prod", **key):
        pass


def test_a_provider_without_its_key_is_a_configuration_error(fleet: Fleet) -> None:
    refused = run_app(fleet, "serve", "--role", "im", LLM_PROVIDERS="openai,gemini", OPENAI_API_KEY="k" * 20)
    assert refused.returncode == 2
    assert "names 'gemini' but GEMINI_API_KEY is not set" in refused.stderr
