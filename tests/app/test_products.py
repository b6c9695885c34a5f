"""Products as the image finds them: a folder each, whose parts are named and imported when they are needed."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from pkgutil import resolve_name

import pytest
from conftest import Fleet, run_app

import app
from app import products
from app.history import History
from app.process_settings import ConfigurationError, ProcessSettings
from app.product import Process, Product
from app.service_settings import ServiceSettings

BASKET = """
from app.product import Process, Product

PRODUCT = Product(
    settings="app.settings:Settings",
    task_settings="app.settings:Settings",
    history="app.content_history:CONTENT",
    chores="app.maintenance:CHORES",
    aftercare="app.restore:complete_nothing",
    processes={"ROLE": Process("baskets", "app.frontend:from_environment", "app.process_settings:ProcessSettings")},
)
"""
ALL = [pytest.param(product, id=name) for name, product in products.products().items()]
PROCESSES = [
    pytest.param(process, id=f"{name}-{role}")
    for name, product in products.products().items()
    for role, process in {**product.processes, **product.workers}.items()
]


def forget() -> None:
    products.products.cache_clear()
    products.processes.cache_clear()


@pytest.fixture
def beside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder in the place of app/, whose modules are found beside those of app/."""
    monkeypatch.setattr(products, "HERE", tmp_path)
    monkeypatch.setattr(app, "__path__", [*app.__path__, str(tmp_path)])
    forget()
    yield tmp_path
    monkeypatch.undo()
    forget()
    for name in [name for name in sys.modules if name.startswith(("app.a_library", "app.basket", "app.customer"))]:
        del sys.modules[name]


def folder(beside: Path, name: str, role: str | None) -> None:
    (beside / name).mkdir()
    (beside / name / "__init__.py").touch()
    if role is not None:
        (beside / name / "product.py").write_text(BASKET.replace("ROLE", role))


def test_a_package_with_a_module_product_is_a_product_by_its_name(beside: Path) -> None:
    folder(beside, "customer_portal", "portal")
    folder(beside, "a_library", None)
    folder(beside, "basket", "basket")
    assert list(products.products()) == ["basket", "customer-portal"]
    assert list(products.processes()) == ["basket", "portal"]


def test_two_products_with_one_role_are_refused_by_their_names(beside: Path) -> None:
    folder(beside, "basket", "web")
    folder(beside, "customer_portal", "web")
    with pytest.raises(ConfigurationError, match="role 'web' is of basket and of customer-portal; give one of them"):
        products.products()


def test_the_documents_five_products_are_served() -> None:
    assert list(products.products()) == [
        "content-generation",
        "blog-ai",
        "recipe-app",
        "video-gateway",
        "workflow-dashboard",
    ]


@pytest.mark.parametrize("product", ALL)
def test_every_part_that_a_product_names_is_there(product: Product) -> None:
    for kind in (product.settings, product.task_settings):
        assert issubclass(resolve_name(kind), ServiceSettings)
    assert isinstance(resolve_name(product.history), History)
    assert resolve_name(product.chores)
    assert callable(resolve_name(product.aftercare))


@pytest.mark.parametrize("process", PROCESSES)
def test_every_part_that_a_process_names_is_there(process: Process) -> None:
    settings = resolve_name(process.settings)
    assert callable(settings)
    assert not isinstance(settings, type) or issubclass(settings, ProcessSettings)
    assert callable(resolve_name(process.application))


def test_the_list_of_products_imports_no_part_of_any() -> None:
    heavy = "{'sqlalchemy', 'fastapi', 'boto3'}"
    code = f"import sys, app.products; app.products.processes(); print(sorted({heavy} & {{*sys.modules}}))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_an_unknown_product_is_refused_with_those_that_there_are(fleet: Fleet) -> None:
    done = run_app(fleet, "migrate", "--product", "nothing", COLUMNS="300")
    assert done.returncode == 2
    assert "'nothing' is no product; products are content-generation, blog-ai" in done.stderr


def test_an_unknown_role_is_refused_with_those_that_there_are(fleet: Fleet) -> None:
    done = run_app(fleet, "serve", "--role", "nobody", COLUMNS="300")
    assert done.returncode == 2
    assert "'nobody' is no role; roles are cpm, im, frontend, blog-ai, recipes" in done.stderr
