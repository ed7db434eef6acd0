from pathlib import Path

import pytest

from clew.kernel.errors import ConfigurationError
from clew.kernel.settings import Settings, describe_settings, load_settings, unknown_variables


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for setting in describe_settings():
        monkeypatch.delenv(setting.environment, raising=False)
    monkeypatch.delenv("CLEW_CONFIG", raising=False)
    monkeypatch.setenv("CLEW_DATA_DIR", str(tmp_path))


def write_config(directory: Path, text: str) -> Path:
    path = directory / "clew.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_defaults_hold_without_file_and_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CLEW_DATA_DIR")
    settings = load_settings()
    assert settings.data_dir.name == "clew"
    assert settings.database_url is None
    assert settings.pool_size == 20
    assert settings.pool_overflow == 30
    assert settings.batch_bytes == 16 * 1024**2


def test_the_environment_wins_over_the_file_and_an_argument_over_both(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    write_config(tmp_path, 'pool_size = 5\npool_overflow = 6\nlog_level = "debug"\n')
    monkeypatch.setenv("CLEW_POOL_SIZE", "7")
    monkeypatch.setenv("CLEW_LOG_LEVEL", "error")
    settings = load_settings(log_level="warning")
    assert (settings.pool_overflow, settings.pool_size, settings.log_level) == (6, 7, "warning")


def test_sizes_may_be_written_with_units(tmp_path: Path) -> None:
    write_config(tmp_path, 'batch_bytes = "32MiB"\n')
    assert load_settings().batch_bytes == 32 * 1024**2


def test_an_unknown_key_is_refused_with_the_nearest_valid_one(tmp_path: Path) -> None:
    path = write_config(tmp_path, "pool_sise = 5\n")
    with pytest.raises(ConfigurationError) as caught:
        load_settings()
    assert "'pool_sise'" in str(caught.value)
    assert "'pool_size'" in str(caught.value)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize("name", ["CLEW_POOL_SIZE", "CLEW_BATCH_BYTES", "CLEW_LOG_FORMAT", "CLEW_DEFAULT_REGION"])
def test_a_wrong_variable_is_named(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(name, "-1")
    with pytest.raises(ConfigurationError) as caught:
        load_settings()
    assert caught.value.where == name


def test_a_wrong_value_in_the_file_is_named_with_the_file(tmp_path: Path) -> None:
    path = write_config(tmp_path, "pool_size = 0\n")
    with pytest.raises(ConfigurationError) as caught:
        load_settings()
    assert caught.value.where == f"{path}, pool_size"


def test_broken_toml_says_where(tmp_path: Path) -> None:
    path = write_config(tmp_path, "pool_size = \n")
    with pytest.raises(ConfigurationError, match="not valid TOML") as caught:
        load_settings()
    assert caught.value.where == str(path)


def test_a_config_file_that_is_named_must_exist(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("CLEW_CONFIG", str(tmp_path / "missing.toml"))
    with pytest.raises(ConfigurationError, match="does not exist"):
        load_settings()


def test_a_named_config_file_may_set_the_data_directory(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("CLEW_DATA_DIR")
    monkeypatch.setenv("CLEW_CONFIG", str(write_config(tmp_path, f'data_dir = "{tmp_path}/elsewhere"\n')))
    assert load_settings().data_dir == (tmp_path / "elsewhere").resolve()


def test_a_file_inside_the_data_directory_cannot_move_it(tmp_path: Path) -> None:
    write_config(tmp_path, 'data_dir = "/elsewhere"\n')
    with pytest.raises(ConfigurationError, match="CLEW_DATA_DIR"):
        load_settings()


def test_database_passwords_show_neither_in_errors_nor_in_the_settings_text(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLEW_DATABASE_URL", "mysql://someone:hunter2@host/database")
    with pytest.raises(ConfigurationError, match="postgresql://") as caught:
        load_settings()
    assert "hunter2" not in str(caught.value)
    monkeypatch.setenv("CLEW_DATABASE_URL", "postgresql://someone:hunter2@host/database")
    assert "hunter2" not in repr(load_settings())


def test_an_empty_variable_counts_as_unset(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    write_config(tmp_path, "pool_size = 5\n")
    monkeypatch.setenv("CLEW_POOL_SIZE", "")
    monkeypatch.setenv("CLEW_DATABASE_URL", "")
    assert load_settings().pool_size == 5
    assert load_settings().database_url is None


def test_every_setting_is_described_for_the_reference() -> None:
    described = {setting.name: setting for setting in describe_settings()}
    assert set(described) == set(Settings.model_fields)
    assert all(setting.description.endswith(".") and setting.type for setting in described.values())
    assert described["log_format"].type == "text | json"
    assert described["batch_bytes"].default == "16.0MiB"
    assert described["database_url"].default == "unset"
    assert described["pool_size"].environment == "CLEW_POOL_SIZE"


def test_misspelt_variables_are_found_for_doctor() -> None:
    environment = {"CLEW_DATABSE_URL": "x", "CLEW_POOL_SIZE": "1", "CLEW_CONFIG": "x", "PATH": "x"}
    assert list(unknown_variables(environment)) == [("CLEW_DATABSE_URL", "CLEW_DATABASE_URL")]
