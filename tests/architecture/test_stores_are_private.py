"""A noun's store is read by that noun alone; the others ask its service.

One import contract cannot say "any noun but its own", so this walks the import graph.
"""

import grimp

STORES = "soundstage.resources.*.store"


def strangers(graph: grimp.ImportGraph) -> list[str]:
    """Name each import of a store from outside its noun."""
    found = []
    for store in sorted(graph.find_matching_modules(STORES)):
        noun = store.removesuffix(".store")
        found += [
            f"{importer} imports {store}"
            for importer in sorted(graph.find_modules_that_directly_import(store))
            if not importer.startswith(f"{noun}.")
        ]
    return found


def test_no_store_is_imported_from_outside_its_noun() -> None:
    graph = grimp.build_graph("soundstage", cache_dir=None)
    assert graph.find_matching_modules(STORES), "no store was found: the pattern is wrong"
    assert strangers(graph) == []


def test_a_stranger_is_seen() -> None:
    graph = grimp.ImportGraph()
    importer, imported = "soundstage.resources.streams.service", "soundstage.resources.tags.store"
    graph.add_module(importer)
    graph.add_module(imported)
    graph.add_import(importer=importer, imported=imported)
    assert strangers(graph) == [f"{importer} imports {imported}"]
