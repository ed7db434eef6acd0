"""What loads keep is known before anything of the other views is imported, and is what the views say themselves."""

from pathlib import Path

import pytest

from clew.kernel.settings import Settings, load_settings
from clew.projections.registry import kept_by_loads, projections


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return load_settings(data_dir=tmp_path)


def test_loads_keep_what_says_so(settings: Settings) -> None:
    found = projections(settings)
    assert len({each.name for each in found}) == len(found) > 1
    assert [each.name for each in found if each.kept_by_loads] == [each.name for each in kept_by_loads(settings)]
