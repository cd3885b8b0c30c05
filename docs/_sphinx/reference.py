"""Write the pages of the API reference: each name in an ``__all__`` of a public module, each drop-in of the table.

No name is listed by hand, so none can be forgotten. The pages are written to ``docs/api/`` before Sphinx reads them,
and are no part of the repository.
"""

from __future__ import annotations

import argparse
import inspect
import os
import pkgutil
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from textwrap import indent
from types import ModuleType
from typing import Any

import sklearn

import sklearn_normlock
from sklearn_normlock.cli import make_parser
from sklearn_normlock.drop_ins import MODULES as DROP_IN_MODULES
from sklearn_normlock.drop_ins import drop_ins
from sklearn_normlock.seals.mixin import Locked

PACKAGE = "sklearn_normlock"
#: Public modules that are neither attributes of the package nor integrations.
OTHERS = ("events", "serving")
LINK = "https://scikit-learn.org/{}/modules/generated/{}.{}.html"


def public_modules() -> Iterator[ModuleType]:
    """Yield the modules, other than those of drop-ins, whose ``__all__`` is the public interface."""
    yield sklearn_normlock
    names = {*sklearn_normlock._MODULES, *OTHERS} - {name.partition(".")[0] for name in DROP_IN_MODULES}
    integrations = import_module(f"{PACKAGE}.integrations")
    names |= {f"integrations.{found.name}" for found in pkgutil.iter_modules(integrations.__path__)}
    for name in sorted(names):
        try:
            module = import_module(f"{PACKAGE}.{name}")
        except ImportError:  # an integration whose framework isn't installed
            continue
        if hasattr(module, "__all__"):
            yield module


def own_names() -> Iterator[tuple[str, Any]]:
    """Yield each public name that is documented here, and its object."""
    for module in public_modules():
        for name in sorted(module.__all__):
            yield f"{module.__name__}.{name}", getattr(module, name)


def heading(title: str, underline: str = "=") -> str:
    return f"{title}\n{underline * len(title)}\n"


def summary(value: Any) -> str:
    """Return the first sentence of a docstring."""
    text = inspect.getdoc(value) or ""
    # A formula would make the page load MathJax from elsewhere.
    return " ".join(text.partition("\n\n")[0].split()).replace("*", r"\*").replace(":math:`", "`")


def is_own(value: Any) -> bool:
    """Return whether an object has a docstring of this package, and not of what it stands for."""
    if inspect.isclass(value):
        return value is Locked or not issubclass(value, Locked)
    return not inspect.isroutine(value) or value.__module__.startswith(PACKAGE)


def directive(value: Any) -> str:
    if inspect.isclass(value):
        return "autoexception" if issubclass(value, BaseException) else "autoclass"
    return "autofunction" if callable(value) else "autodata"


def page_of(name: str, value: Any) -> str:
    """Return the page of one name: its docstring, then its own public methods."""
    text = f"{heading(name.removeprefix(PACKAGE + '.'))}\n.. currentmodule:: {name.rpartition('.')[0]}\n\n"
    if not is_own(value):
        kind = "class" if inspect.isclass(value) else "function"
        text += f".. py:{kind}:: {name.rpartition('.')[2]}{inspect.signature(value)}\n\n   {summary(value)}\n"
        return text
    text += f".. {directive(value)}:: {name.rpartition('.')[2]}\n"
    if inspect.isclass(value) and not issubclass(value, BaseException):
        text += "   :members:\n"
        # scikit-learn makes these, with a text that leads into its own documentation.
        made = [at for at in dir(value) if at.startswith("set_") and at.endswith("_request")]
        if made:
            text += f"   :exclude-members: {', '.join(made)}\n"
    return text


def page_of_errors(module: ModuleType) -> str:
    """Return one page with every error and warning, as they are read together."""
    text = f"{heading(module.__name__)}\n.. currentmodule:: {module.__name__}\n\n"
    text += (
        "Every error is a ``NormLockError``, which is a ``ValueError``. :doc:`/errors` says what to do about each.\n\n"
    )
    for name in module.__all__:
        text += f".. autoexception:: {name}\n   :show-inheritance:\n\n"
    return text


def page_of_drop_ins(name: str) -> str:
    """Return the page of a module of drop-ins: what each stands for, its signature, and where it is documented."""
    module = import_module(f"{PACKAGE}.{name}")
    stands_for = {drop_in: stock for stock, drop_in in drop_ins().items()}
    release = ".".join(sklearn.__version__.split(".")[:2])
    text = f"{heading(module.__name__)}\n.. py:module:: {module.__name__}\n\n"
    text += f"Import from here instead of from ``sklearn.{name}``. Names, signatures and results are the same.\n\n"
    functions = []
    for public in sorted(module.__all__):
        value = getattr(module, public)
        stock = stands_for.get(value) if inspect.isclass(value) else None
        if stock is None:
            functions.append(public)
            continue
        where = f"sklearn.{name}"
        text += f".. py:class:: {public}{inspect.signature(value)}\n\n"
        text += (
            f"   Locked drop-in for `{where}.{public} <{LINK.format(release, where, public)}>`__: {summary(stock)}\n\n"
        )
    if functions:
        text += heading("Functions", "-") + "\n"
        for public in functions:
            value = getattr(module, public)
            if not callable(value):
                text += f".. py:data:: {public}\n\n   The same object as scikit-learn's.\n\n"
                continue
            text += f".. py:function:: {public}{inspect.signature(value)}\n\n   {summary(value)}\n\n"
    return text


def page_of_command() -> str:
    """Return the page of the command ``normlock``: what it prints for ``--help``, for each of its commands."""
    parser = make_parser()
    (subparsers,) = (action for action in parser._actions if isinstance(action, argparse._SubParsersAction))
    os.environ["COLUMNS"] = "100"  # how wide argparse writes
    text = heading("normlock, the command") + "\n.. code-block:: text\n\n" + indent(parser.format_help(), "   ") + "\n"
    for name, subparser in subparsers.choices.items():
        text += (
            f"{heading(f'normlock {name}', '-')}\n.. code-block:: text\n\n{indent(subparser.format_help(), '   ')}\n"
        )
    return text


def pages() -> dict[str, str]:
    """Return the text of every page by its name, the table of contents included."""
    found, contents = {"command": page_of_command()}, heading("API reference")
    contents += "\nEverything that the package promises to keep. Names that are not here may change without notice.\n"
    for module in public_modules():
        short = module.__name__.removeprefix(f"{PACKAGE}.")
        contents += f"\n{heading(module.__name__, '-')}\n{summary(module)}\n\n"
        if short == "errors":
            found["errors"] = page_of_errors(module)
            contents += ":doc:`All of them on one page <errors>`.\n"
            continue
        rows, toctree = "", ""
        for name in sorted(module.__all__):
            page, value = f"{module.__name__}.{name}", getattr(module, name)
            # `sklearn_normlock.lock` and `sklearn_normlock.Lock` are one file where case does not count.
            file = f"{page}-class" if inspect.isclass(value) else page
            found[file] = page_of(page, value)
            rows += f"   * - :doc:`{name} <{file}>`\n     - {summary(value)}\n"
            toctree += f"   {file}\n"
        contents += f".. list-table::\n   :widths: 30 70\n\n{rows}\n.. toctree::\n   :hidden:\n\n{toctree}"
    contents += (
        f"\n{heading('Drop-ins', '-')}\nOne module for each of scikit-learn's.\n\n.. toctree::\n   :maxdepth: 1\n\n"
    )
    for name in DROP_IN_MODULES:
        found[f"drop-ins-{name}"] = page_of_drop_ins(name)
        contents += f"   drop-ins-{name}\n"
    return found | {"index": contents}


def write(app: Any) -> None:
    """Write the pages that changed, and remove those of names that are gone."""
    folder = Path(app.srcdir) / "api"
    folder.mkdir(exist_ok=True)
    wanted = {f"{name}.rst": text for name, text in pages().items()}
    for path in folder.glob("*.rst"):
        if path.name not in wanted:
            path.unlink()
    for name, text in wanted.items():
        path = folder / name
        if not path.exists() or path.read_text("utf-8") != text:
            path.write_text(text, "utf-8")


def setup(app: Any) -> dict[str, Any]:
    """Connect with Sphinx."""
    app.connect("builder-inited", write)
    return {"parallel_read_safe": True}
