"""``contentgen new product``: the folders and stack files of a product that works at once, from the templates.

A template is a file as it will be, with ``TEMPLATE_name`` and the like where the product's own words come, in its path
too; so it is checked by the same tools as all other code. The files are written beside the checkout's and then moved,
whole folders at a time, so that a product is there or not.
"""

from __future__ import annotations

import keyword
import re
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from string import Template
from typing import Final

from infra.catalog.names import LONGEST_STACK_NAME
from infra.settings.environment import Environment
from ops.console import Report
from stacks.products.registry import PRODUCTS

TEMPLATES: Final = Path(__file__).resolve().parent / "templates" / "product"
LABEL: Final = re.compile(r"[a-z]([a-z0-9-]*[a-z0-9])?")
"""A DNS label that begins with a letter, because a Python package is named after it (RFC 1035)."""
LONGEST_NAME: Final = 40
"""Characters: a login of the database is named by the product and ``_owner_a``, and a login has 63."""
LONGEST_SHORT: Final = LONGEST_STACK_NAME - max(len(f"-{one}") for one in Environment)
"""Characters of the word that begins names in AWS, so that every environment's fit behind it."""
RESERVED: Final = re.compile(r"(default|kube-.*|contentgen|app|template|all|none|postgres|pgbouncer|redis)")
"""Namespaces of the cluster, and names that mean something else here."""
CONTROLLERS: Final = ("cert-manager", "envoy-gateway-system", "external-dns", "keda", "monitoring")
"""Usual namespaces of what a real cluster brings (docs/clusters.md)."""


class NewProductError(Exception):
    """The product cannot be made; the message has one line for each reason, and nothing was written."""


class Words(Template):
    """Text with the words of one product in place of ``TEMPLATE_...``, which is a name in Python too."""

    delimiter = "TEMPLATE_"
    idpattern = "(?:name|package|short|title)"
    flags = re.NOFLAG


@dataclass(frozen=True)
class NewProduct:
    """A product that is about to be made.

    name: name of the product and of its namespace.
    short: begin of the names of its resources in AWS.
    """

    name: str
    short: str

    @property
    def package(self) -> str:
        """Name of its folders, which are Python packages."""
        return self.name.replace("-", "_")

    @property
    def words(self) -> dict[str, str]:
        """Values of the placeholders."""
        title = self.name.replace("-", " ").capitalize()
        return {"name": self.name, "short": self.short, "package": self.package, "title": title}


def make_product(root: Path, name: str, short: str, report: Report) -> None:
    """Writes the product's files below ``root``. Raises NewProductError with everything that speaks against it."""
    product = NewProduct(name, short or name)
    places = _places(product)
    wrong = [*problems(product), *(f"{place}: is there already; choose another name" for place in _there(root, places))]
    if wrong:
        raise NewProductError("\n".join(wrong))
    with tempfile.TemporaryDirectory(prefix=".new-product-", dir=root) as scratch:
        _render(Path(scratch), product)
        _move(Path(scratch), root, places)
    for place in places:
        report.line(f"{place}: written")
    report.line(f"next: make generated; make up STACK={name}-{Environment.LOCAL}; docs/bring-your-own.md goes on")


def problems(product: NewProduct) -> Iterator[str]:
    """Everything in which the words of a product are wrong: the field, the value, what is allowed."""
    for field, value, longest in (("name", product.name, LONGEST_NAME), ("short", product.short, LONGEST_SHORT)):
        if not LABEL.fullmatch(value) or "--" in value:
            yield f"{field} {value!r}: must be small letters, digits and single dashes, from a letter to no dash"
        if len(value) > longest:
            hint = "; give a shorter word by --short" if field == "short" else ""
            yield f"{field} {value!r}: has {len(value)} characters; names in AWS and Postgres allow {longest}{hint}"
        environment = next((one for one in Environment if f"-{value}".endswith(f"-{one}")), None)
        if environment is not None:
            yield f"{field} {value!r}: must not end in {environment}, as names of stacks do"
        if RESERVED.fullmatch(value) or value in CONTROLLERS:
            yield f"{field} {value!r}: is reserved for a namespace or a program of the cluster; choose another"
    if keyword.iskeyword(product.package) or keyword.issoftkeyword(product.package):
        yield f"name {product.name!r}: is a keyword of Python, and packages have the name; choose another"
    for one in PRODUCTS.values():
        taken = {"name": one.name, "short": one.short, "namespace": one.namespace}
        for field, value in (("name", product.name), ("short", product.short)):
            for other, held in taken.items():
                if value == held:
                    yield f"{field} {value!r}: is the {other} of {one.name}; choose another"


def _places(product: NewProduct) -> list[Path]:
    """Folders and files that are the product's own, relative to the checkout."""
    found = [path.relative_to(TEMPLATES) for path in TEMPLATES.rglob(f"*{Words.delimiter}*")]
    return sorted(Path(_filled(str(path), product)) for path in found)


def _there(root: Path, places: list[Path]) -> Iterator[Path]:
    """Those that exist, and modules that a package of the name would hide."""
    for place in places:
        yield from (one for one in (place, place.with_name(f"{place.name}.py")) if (root / one).exists())


def _render(folder: Path, product: NewProduct) -> None:
    for template in sorted(TEMPLATES.rglob("*")):
        if template.is_file() and "__pycache__" not in template.parts:
            target = folder / _filled(str(template.relative_to(TEMPLATES)), product)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(_filled(template.read_text(), product))


def _filled(text: str, product: NewProduct) -> str:
    return Words(text).substitute(product.words)


def _move(scratch: Path, root: Path, places: list[Path]) -> None:
    """All or nothing: what was moved before one that cannot be goes again."""
    moved: list[Path] = []
    try:
        for place in places:
            (root / place).parent.mkdir(parents=True, exist_ok=True)
            (scratch / place).rename(root / place)
            moved.append(root / place)
    except OSError as error:
        for path in moved:
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        raise NewProductError(f"{error}; nothing was written") from None
