"""The servers on which the adapters are shown to work."""

from typing import Final

from tests.engines.artefacts import Recipe

_OPENSEARCH: Final = "2.19.6"
_ELASTICSEARCH: Final = "7.10.2"

OPENSEARCH: Final = Recipe(
    name="opensearch",
    version=_OPENSEARCH,
    package="org.opensearch",
    artefacts=(
        ("org.opensearch", "opensearch", _OPENSEARCH),
        ("org.opensearch.plugin", "transport-netty4-client", _OPENSEARCH),
        ("org.opensearch.plugin", "analysis-common", _OPENSEARCH),
        ("org.opensearch.plugin", "lang-painless", _OPENSEARCH),
        ("org.opensearch.plugin", "opensearch-scripting-painless-spi", _OPENSEARCH),
        ("org.opensearch.plugin", "reindex-client", _OPENSEARCH),
        ("org.apache.logging.log4j", "log4j-api", "2.25.4"),
        ("org.apache.logging.log4j", "log4j-core", "2.25.4"),
        # Optional to the server, needed for places.
        ("org.locationtech.spatial4j", "spatial4j", "0.7"),
        ("org.locationtech.jts", "jts-core", "1.15.0"),
    ),
    plugins=(
        "org.opensearch.transport.Netty4Plugin",
        "org.opensearch.analysis.common.CommonAnalysisPlugin",
        "org.opensearch.painless.PainlessPlugin",
        "org.opensearch.index.reindex.ReindexPlugin",
    ),
    options=("-Dopensearch.set.netty.runtime.available.processors=false",),
)

# The builds under the Apache licence, whose modules another publisher puts into the repository.
_MODULES: Final = "org.codelibs.elasticsearch.module"
ELASTICSEARCH: Final = Recipe(
    name="elasticsearch",
    version=_ELASTICSEARCH,
    package="org.elasticsearch",
    artefacts=(
        ("org.elasticsearch", "elasticsearch", _ELASTICSEARCH),
        ("org.codelibs.elasticsearch.lib", "plugin-classloader", _ELASTICSEARCH),
        (_MODULES, "transport-netty4", _ELASTICSEARCH),
        (_MODULES, "analysis-common", _ELASTICSEARCH),
        (_MODULES, "lang-painless", _ELASTICSEARCH),
        (_MODULES, "reindex", _ELASTICSEARCH),
        ("org.apache.logging.log4j", "log4j-api", "2.11.1"),
        ("org.apache.logging.log4j", "log4j-core", "2.11.1"),
        ("org.locationtech.spatial4j", "spatial4j", "0.7"),
        ("org.locationtech.jts", "jts-core", "1.15.0"),
    ),
    plugins=(
        "org.elasticsearch.transport.Netty4Plugin",
        "org.elasticsearch.analysis.common.CommonAnalysisPlugin",
        "org.elasticsearch.painless.PainlessPlugin",
        "org.elasticsearch.index.reindex.ReindexPlugin",
    ),
    options=("-Des.distribution.flavor=oss", "-Des.set.netty.runtime.available.processors=false"),
)

SEARCH_ENGINES: Final = {recipe.name: recipe for recipe in (OPENSEARCH, ELASTICSEARCH)}
