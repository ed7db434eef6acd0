"""A source is a leaf: it can be added, read and removed without looking at another one."""

import grimp

from clew.ingest.sources import registry

FOLDER = "clew.ingest.sources"


def source_modules() -> set[str]:
    return {(item if isinstance(item, type) else type(item)).__module__ for item in registry.SOURCES}


def test_sources_know_no_other_source() -> None:
    graph = grimp.build_graph("clew", cache_dir=None)
    modules = source_modules()
    assert len(modules) > 1
    crossings = {
        f"{module} → {imported}"
        for module in modules
        for imported in graph.find_upstream_modules(module)
        if imported in modules
    }
    assert crossings == set()


def test_the_registry_lists_every_module_that_defines_a_source() -> None:
    names = [item.name for item in registry.SOURCES]
    assert len(names) == len(set(names))
    assert all(module.startswith(FOLDER) for module in source_modules())
