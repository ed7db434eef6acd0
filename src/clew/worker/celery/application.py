"""Celery, as it is set up here: queues, priorities, and a broker that is only a wake-up.

A message names a job by its ids and says nothing else. One that is lost is sent again, one that comes twice finds the
job taken, and one that somebody forged names at most a job that waits anyway.
"""

import ssl
from typing import Any, Final

from celery import Celery
from kombu.entity import Queue

from clew.domains.jobs.tables import QUEUES
from clew.kernel.cache.redis.connection import VARIABLE, connection_options
from clew.kernel.errors import ConfigurationError
from clew.kernel.settings import Settings

TASK: Final = "clew.job"
HIGHEST: Final = 10
STEPS: Final = tuple(range(HIGHEST))
_SEPARATOR: Final = "\x06\x16"  # kombu's, between a queue and a priority


def application(settings: Settings) -> Any:
    """The application. Raises ConfigurationError without a Redis."""
    if settings.redis_url is None:
        raise ConfigurationError(
            "Celery is told of jobs through Redis, and none is named",
            where="CLEW_JOB_RUNNER=celery",
            remedy=f"name one in {VARIABLE}, or set CLEW_JOB_RUNNER=server",
        )
    options = connection_options(settings)
    made: Any = Celery("clew", broker=settings.redis_url.get_secret_value(), backend=None, set_as_current=False)
    made.conf.update(
        accept_content=["json"],
        task_serializer="json",
        task_ignore_result=True,
        task_default_queue=QUEUES[0],
        task_queues=[Queue(name, routing_key=name) for name in QUEUES],
        task_create_missing_queues=False,
        worker_prefetch_multiplier=1,
        worker_enable_remote_control=False,
        worker_send_task_events=False,
        worker_hijack_root_logger=False,
        worker_redirect_stdouts=False,
        worker_cancel_long_running_tasks_on_connection_loss=False,
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,
        broker_pool_limit=4,
        broker_transport_options={
            "priority_steps": list(STEPS),
            "queue_order_strategy": "priority",
            "socket_connect_timeout": settings.redis_connect_seconds,
            "socket_keepalive": True,
            "health_check_interval": 5,
        },
    )
    if "ssl_cert_reqs" in options:
        made.conf.broker_use_ssl = {
            "ssl_cert_reqs": ssl.CERT_REQUIRED,
            "ssl_check_hostname": True,
            "ssl_min_version": ssl.TLSVersion.TLSv1_3,
            **({"ssl_ca_certs": options["ssl_ca_certs"]} if "ssl_ca_certs" in options else {}),
        }
    return made


def step_of(priority: int) -> int:
    """Celery's priority, of which 0 goes first, for one of ours, of which 10 does."""
    return HIGHEST - priority


def lists_of(queue: str) -> list[str]:
    """The keys under which Celery keeps a queue, one for each priority."""
    return [f"{queue}{_SEPARATOR}{step}" if step else queue for step in STEPS]
