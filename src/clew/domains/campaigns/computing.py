"""Where analyses are worked out: the settings' choice, and the one engine that a process has.

Daft and Ray are imported only where a setting asks for them and the analysis is large enough; neither reports anything
to anybody (`analysis.coordination.untracked`). Workers of a cluster need the same release of Clew, which is asked for.
"""

import os
import socket
from threading import Lock
from typing import Final

import clew
from clew.analysis.coordination.compute import LOCAL, Compute
from clew.kernel.errors import ConfigurationError
from clew.kernel.settings import Settings

_KNOCK_SECONDS: Final = 5
_ANSWER_SECONDS: Final = 120
_lock: Final = Lock()
_running: dict[str, str] = {}
"""The engine of this process, once there is one, and where it is: Daft's runner is chosen once."""


def compute_of(settings: Settings, sessions: int) -> Compute:
    """Where an analysis of so many sessions is worked out.

    Raises ConfigurationError where Ray is not installed, not reached, or runs another release of Clew.
    """
    if settings.compute == "local" or sessions < settings.compute_least_sessions:
        return LOCAL
    with _lock:
        wanted: dict[str, str] = {settings.compute: settings.ray_address or "" if settings.compute == "ray" else ""}
        if not _running:
            _start(settings)
            _running.update(wanted)
        if _running != wanted:
            raise ConfigurationError(
                f"this process works analyses out by {next(iter(_running))} already",
                where="CLEW_COMPUTE",
                remedy="start a new process for another engine or cluster",
            )
    from clew.analysis.coordination.daft_compute import DaftCompute  # noqa: PLC0415 - loads Daft

    return DaftCompute()


def _start(settings: Settings) -> None:
    from clew.analysis.coordination.untracked import daft  # noqa: PLC0415 - loads Daft

    os.environ["RAY_DISABLE_DASHBOARD"] = "1"
    if settings.compute == "ray":
        _connect(settings.ray_address)
        daft.set_runner_ray(noop_if_initialized=True)
    else:
        daft.set_runner_native()


def _connect(address: str | None) -> None:
    from clew.analysis.coordination.untracked import SILENCE  # noqa: PLC0415 - loads Daft

    if not address:
        os.environ["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] = "0"  # no cluster: Ray listens on loopback, and nowhere else
    try:
        import ray  # type: ignore[import-untyped,unused-ignore] # noqa: PLC0415 - is an extra
    except ImportError as error:
        raise ConfigurationError(
            "Ray is not installed", where="CLEW_COMPUTE=ray", remedy="install it with `pip install 'clew[ray]'`"
        ) from error
    try:
        if address:
            _knock(address)
        ray.init(
            address=address or "local",
            include_dashboard=None if address else False,
            configure_logging=False,
            log_to_driver=False,
            runtime_env={"env_vars": SILENCE},
        )
    except (OSError, RuntimeError, ValueError) as error:
        raise ConfigurationError(
            f"Ray cannot be reached: {str(error).splitlines()[0] if str(error) else type(error).__name__}",
            where=f"CLEW_RAY_ADDRESS={address}" if address else "CLEW_COMPUTE=ray",
            remedy="start the cluster with `ray start --head`, or correct the address",
        ) from error
    try:
        theirs = ray.get(ray.remote(release).remote(), timeout=_ANSWER_SECONDS)
    except Exception as error:
        ray.shutdown()
        raise ConfigurationError(
            f"Ray's workers cannot load Clew: {type(error).__name__}",
            where="CLEW_COMPUTE=ray",
            remedy=f"install Clew {clew.__version__} with Daft where the workers run",
        ) from error
    if theirs != clew.__version__:
        ray.shutdown()
        raise ConfigurationError(
            f"Ray's workers run Clew {theirs}, this is {clew.__version__}",
            where="CLEW_COMPUTE=ray",
            remedy="install the same release on both",
        )


def _knock(address: str) -> None:
    """Ray itself waits for minutes for a cluster that is not there. Raises OSError, and ValueError for no address."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if not host or not port.isdecimal():
        raise ValueError("the address has to be host:port or ray://host:port")
    with socket.create_connection((host.strip("[]"), int(port)), timeout=_KNOCK_SECONDS):
        pass


def release() -> str:
    """The release of Clew that runs here, with all that its kernels need loaded."""
    import clew.analysis.coordination.daft_kernels  # noqa: PLC0415 - loads Daft

    return clew.__version__
