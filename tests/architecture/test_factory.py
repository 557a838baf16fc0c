"""The container: every provider builds, with the arguments its maker takes, and is used."""

from __future__ import annotations

import ast
import asyncio
import inspect
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from dependency_injector import containers, providers

from services.configuration import load_settings
from tests.architecture.source_tree import ROOT, parsed, product_files


def unfitting(reached: Iterable[providers.Provider[Any]]) -> Iterator[str]:
    """Yield what is wrong with the arguments that providers pass on."""
    for provider in reached:
        if not isinstance(provider, providers.BaseSingleton | providers.Factory):
            continue
        maker = provider.provides
        assert maker is not None
        try:
            inspect.signature(maker).bind(*provider.args, **provider.kwargs)
        except TypeError as error:
            yield f"{maker}: {error}"


def unused(all_providers: Mapping[str, providers.Provider[Any]], used: set[str]) -> list[str]:
    """Return the providers neither passed to another one nor in ``used``."""
    passed_on = {id(inner) for provider in all_providers.values() for inner in _inner(provider)}
    return [
        name
        for name, provider in all_providers.items()
        if id(provider) not in passed_on and name not in used
    ]


def _inner(provider: providers.Provider[Any]) -> list[providers.Provider[Any]]:
    reached: list[providers.Provider[Any]] = list(provider.traverse())
    return [inner for inner in reached if inner is not provider]


def _attributes_of_askers() -> set[str]:
    asking = (path for path in product_files() if not path.is_relative_to(ROOT / "services"))
    return {
        node.attr
        for path in (*asking, ROOT / "services" / "factory.py")  # which opens the lifespan
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.Attribute)
    }


@pytest.fixture
def factory(tmp_path: Path) -> containers.Container:
    from services.factory import ServiceFactory

    settings = load_settings(
        overrides={"storage.data": tmp_path / "data"}, environ={}, cwd=tmp_path
    )
    return ServiceFactory(settings=providers.Object(settings))


def test_every_provider_passes_what_its_maker_takes(factory):
    assert not list(unfitting(factory.traverse()))


async def test_every_provider_builds_without_awaiting(factory):
    factory.check_dependencies()
    for name, provider in factory.providers.items():
        if isinstance(provider, providers.Resource):
            continue  # the lifespan: opened by a surface, and nothing depends on it
        built = provider()
        assert not asyncio.isfuture(built), f"{name} hands out a future"
        assert not inspect.isawaitable(built), f"{name} hands out something to await"


def test_nothing_depends_on_a_resource(factory):
    for name, provider in factory.providers.items():
        assert not any(isinstance(inner, providers.Resource) for inner in _inner(provider)), name


def test_every_provider_is_used(factory):
    assert not unused(factory.providers, _attributes_of_askers())


class _Engine:
    def __init__(self, *, power: int) -> None:
        self.power = power


class _Car:
    def __init__(self, engine: _Engine | None) -> None:
        self.engine = engine


class _Planted(containers.DeclarativeContainer):
    engine = providers.Singleton(_Engine, powr=1)
    spare = providers.Singleton(_Car, None)
    car = providers.Singleton(_Car, engine)


def test_a_misspelt_argument_and_an_unused_provider_are_found():
    planted = _Planted()
    (line,) = unfitting(planted.traverse())
    assert "powr" in line or "power" in line
    assert unused(planted.providers, {"car"}) == ["spare"]
