"""The models by name, where they come from, and what is told of one that is nowhere."""

from pathlib import Path

import pytest

from clew.kernel.errors import ConfigurationError
from clew.kernel.settings import Settings
from clew.projections.vectors.embedding.local import LocalEmbedder
from clew.projections.vectors.embedding.opening import embedder_of
from clew.projections.vectors.models import NGRAMS, models_of
from clew.projections.vectors.port import Collection, Model


def test_without_settings_every_collection_has_the_promised_length() -> None:
    made = models_of({})
    assert {each.value: (model.name, model.dimension) for each, model in made.items()} == {
        "investigations_embeddings": (NGRAMS, 384),
        "social_profiles_embeddings": (NGRAMS, 384),
        "content_embeddings": (NGRAMS, 768),
        "domain_embeddings": (NGRAMS, 384),
        "knowledge_base": (NGRAMS, 1536),
    }


def test_models_are_named_for_a_collection_or_for_all() -> None:
    made = models_of({"*": "all-MiniLM-L6-v2", "content_embeddings": "all-mpnet-base-v2", "knowledge_base": "x/y@100"})
    assert made[Collection.DOMAINS] == Model("all-MiniLM-L6-v2", 384, "1")
    assert made[Collection.CONTENT] == Model("all-mpnet-base-v2", 768, "1")
    assert made[Collection.KNOWLEDGE] == Model("x/y", 100, "1")
    assert models_of({"*": "text-embedding-ada-002"})[Collection.DOMAINS].dimension == 1536
    assert models_of({"*": "Qwen/Qwen3-Embedding-0.6B@512"})[Collection.DOMAINS].dimension == 512
    assert models_of({"*": f"{NGRAMS}@128"})[Collection.KNOWLEDGE].dimension == 128


@pytest.mark.parametrize(
    ("named", "reason"),
    [
        ({"nothing": "all-MiniLM-L6-v2"}, "no collection 'nothing'"),
        ({"*": "my-model"}, "length of the vectors of 'my-model' is not known"),
        ({"*": "my-model@many"}, "what follows @ is a number"),
        ({"*": "all-MiniLM-L6-v2@100"}, "makes vectors of 384, not of 100"),
        ({"*": "text-embedding-3-small@2000"}, "makes vectors of 1536, not of 2000"),
        ({"*": "Qwen3-Embedding-8B"}, "would be 4096 long"),
        ({"*": "clew-ngrams@4"}, "would be 4 long"),
    ],
)
def test_what_no_model_is_called_is_told(named: dict[str, str], reason: str) -> None:
    with pytest.raises(ConfigurationError, match=reason) as told:
        models_of(named)
    assert told.value.where == "CLEW_EMBEDDING_MODELS"


def test_a_model_that_is_nowhere_names_the_choices(tmp_path: Path) -> None:
    model = Model("all-MiniLM-L6-v2", 384, "1")
    with pytest.raises(ConfigurationError, match="neither built in") as told:
        embedder_of(model, Settings(data_dir=tmp_path))
    assert "CLEW_EMBEDDING_URL" in str(told.value)
    with pytest.raises(ConfigurationError, match="no model all-MiniLM-L6-v2 in this directory"):
        LocalEmbedder(tmp_path, model)
    (tmp_path / model.name).mkdir()
    with pytest.raises(ConfigurationError, match="can read the model") as nothing:
        LocalEmbedder(tmp_path, model)
    assert "sentence-transformers or fastembed" in str(nothing.value)


@pytest.mark.parametrize("name", ["..", ".", "a/..", "/"])
def test_a_models_name_leads_nowhere_else(tmp_path: Path, name: str) -> None:
    with pytest.raises(ConfigurationError):
        LocalEmbedder(tmp_path, Model(name, 384, "1"))


def test_a_login_does_not_belong_into_the_address(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path, embedding_url="http://me:secret@127.0.0.1/v1")  # type: ignore[arg-type]
    with pytest.raises(ConfigurationError, match="holds a login") as told:
        embedder_of(Model("m", 8, "1"), settings)
    assert "secret" not in str(told.value)
