"""What an engine is made of, fetched from Maven's repository once and kept outside the tree: jars, and one class.

No distribution of these servers is to be had there, but all their jars are. A class beneath `java` starts a node of
them. It is compiled with a compiler from the same repository, so that a machine needs a Java runtime and Maven only.
"""

import fcntl
import hashlib
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Final

JAVA_SOURCES: Final = Path(__file__).parent / "java"
CACHE_VARIABLE: Final = "CLEW_TEST_CACHE"
_COMPILER: Final = ("org.eclipse.jdt", "ecj", "3.33.0")
_FETCHING_SECONDS: Final = 480
_POM: Final = """<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>clew.tests</groupId><artifactId>{name}</artifactId><version>1</version><packaging>pom</packaging>
  <dependencies>{dependencies}</dependencies>
  <build><plugins><plugin>
    <groupId>org.apache.maven.plugins</groupId><artifactId>maven-dependency-plugin</artifactId><version>3.6.1</version>
  </plugin></plugins></build>
</project>
"""

Coordinates = tuple[str, str, str]


@dataclass(frozen=True)
class Recipe:
    """An engine: its name and version, the package of its classes, what to fetch, and the plugins to load."""

    name: str
    version: str
    package: str
    artefacts: tuple[Coordinates, ...]
    plugins: tuple[str, ...]
    options: tuple[str, ...]
    source: str | None = "EngineNode.java"  # beneath `java`; None for what has a class that starts it
    main: str = "EngineNode"

    @property
    def key(self) -> str:
        """Changes with whatever the result depends on."""
        parts = [
            repr((self.version, self.package, self.artefacts)),
            *(
                (JAVA_SOURCES / name).read_text()
                for name in ((self.source, "log4j2.properties") if self.source else ())
            ),
            _POM,
            repr(_COMPILER),
        ]
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:12]


def class_path(recipe: Recipe) -> str:
    """Java's class path for the engine, fetched and compiled first where it is not there yet.

    Raises RuntimeError with what to install, or with what Maven said.
    """
    for program in ("java", "mvn"):
        if shutil.which(program) is None:
            raise RuntimeError(f"{program} is missing: install Debian's openjdk-17-jre-headless and maven")
    cache = Path(os.environ.get(CACHE_VARIABLE) or Path.home() / ".cache" / "clew-tests") / "engines"
    cache.mkdir(parents=True, exist_ok=True)
    place = cache / f"{recipe.name}-{recipe.version}-{recipe.key}"
    with (cache / f"{place.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (place / "complete").exists():
            shutil.rmtree(place, ignore_errors=True)
            _make(recipe, place)
            (place / "complete").touch()
    return f"{place / 'classes'}:{place / 'lib'}/*"


def jars(name: str, version: str, artefacts: tuple[Coordinates, ...]) -> Path:
    """The directory of an engine's jars and all they need, fetched first where it is not there yet.

    Raises RuntimeError with what to install, or with what Maven said.
    """
    for program in ("java", "mvn"):
        if shutil.which(program) is None:
            raise RuntimeError(f"{program} is missing: install Debian's openjdk-17-jre-headless and maven")
    cache = Path(os.environ.get(CACHE_VARIABLE) or Path.home() / ".cache" / "clew-tests") / "engines"
    cache.mkdir(parents=True, exist_ok=True)
    place = cache / f"{name}-{version}-{hashlib.sha256(repr((artefacts, _POM)).encode()).hexdigest()[:12]}"
    with (cache / f"{place.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (place / "complete").exists():
            shutil.rmtree(place, ignore_errors=True)
            _fetch(name, artefacts, place / "lib")
            (place / "complete").touch()
    return place / "lib"


def _make(recipe: Recipe, place: Path) -> None:
    _fetch(recipe.name, recipe.artefacts, place / "lib")
    if recipe.source is None:
        return
    _fetch("compiler", (_COMPILER,), place / "compiler")
    source = place / "source" / recipe.source
    source.parent.mkdir()
    source.write_text((JAVA_SOURCES / recipe.source).read_text().replace("ENGINE", recipe.package))
    compiler = ["java", "-cp", f"{place / 'compiler'}/*", "org.eclipse.jdt.internal.compiler.batch.Main"]
    jars = os.pathsep.join(map(str, sorted((place / "lib").glob("*.jar"))))
    _run([*compiler, "-17", "-nowarn", "-proc:none", "-cp", jars, "-d", str(place / "classes"), str(source)])
    shutil.copy(JAVA_SOURCES / "log4j2.properties", place / "classes")


def _fetch(name: str, artefacts: tuple[Coordinates, ...], to: Path) -> None:
    to.mkdir(parents=True)
    dependencies = "".join(
        f"<dependency><groupId>{group}</groupId><artifactId>{artefact}</artifactId><version>{version}</version>"
        "</dependency>"
        for group, artefact, version in artefacts
    )
    pom = to.parent / f"{name}.xml"
    pom.write_text(_POM.format(name=name, dependencies=dependencies))
    goal = ["dependency:copy-dependencies", "-DincludeScope=runtime", f"-DoutputDirectory={to}"]
    _run(["mvn", "--quiet", "--batch-mode", "--file", str(pom), *goal])


def _run(command: list[str]) -> None:
    try:
        subprocess.run(command, check=True, capture_output=True, text=True, timeout=_FETCHING_SECONDS)
    except subprocess.CalledProcessError as error:
        raise RuntimeError(f"{command[0]} failed: {(error.stdout + error.stderr)[-3000:]}") from error
