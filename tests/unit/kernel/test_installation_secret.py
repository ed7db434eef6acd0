"""The installation's secret: made once, kept private, and the root of a key for each purpose."""

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from clew.kernel.errors import ConfigurationError
from clew.kernel.installation_secret import InstallationSecret
from clew.kernel.settings import Settings


def _settings(tmp_path: Path, secret_file: Path | None = None) -> Settings:
    return Settings(data_dir=tmp_path / "data", secret_file=secret_file)


def test_it_is_made_once_and_private(tmp_path: Path) -> None:
    first = InstallationSecret.of(_settings(tmp_path))
    path = tmp_path / "data" / "secrets" / "installation"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert InstallationSecret.of(_settings(tmp_path)).fingerprint == first.fingerprint
    assert [each.name for each in path.parent.iterdir()] == ["installation"]


def test_many_that_make_it_at_once_agree(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: InstallationSecret.of(_settings(tmp_path)).fingerprint, range(32)))
    assert len(set(found)) == 1


def test_each_purpose_has_a_key_of_its_own(tmp_path: Path) -> None:
    secret = InstallationSecret.of(_settings(tmp_path))
    assert len(secret.key("audit")) == 32
    assert secret.key("audit") == secret.key("audit")
    assert secret.key("audit") != secret.key("fields")
    other = InstallationSecret.of(_settings(tmp_path / "other"))
    assert other.key("audit") != secret.key("audit")
    assert secret.content.decode() not in repr(secret)


@pytest.mark.parametrize(
    ("content", "mode", "said"),
    [(b"short", 0o600, "32"), (b"x" * 5000, 0o600, "bytes"), (b"x" * 40, 0o644, "others"), (None, 0, "cannot be read")],
)
def test_what_cannot_serve_is_refused(tmp_path: Path, content: bytes | None, mode: int, said: str) -> None:
    path = tmp_path / "secret"
    if content is not None:
        path.write_bytes(content)
        path.chmod(mode)
    with pytest.raises(ConfigurationError, match=said) as refused:
        InstallationSecret.of(_settings(tmp_path, path))
    assert str(path) in str(refused.value.where)
