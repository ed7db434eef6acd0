"""A redis.conf for those who run Redis for Clew: what it does when it is full, what it keeps, and whom it lets in."""

from typing import Final

RIGHTS: Final = (
    "~* &* -@all +@read +@write +@blocking +@pubsub +@scripting +@transaction +@connection -@dangerous +info +time"
)
"""What the user that Clew and Celery sign in as needs, as an ACL rule."""

_TEXT: Final = """\
# Settings of Redis for Clew. Everything in it can be lost: the record and the state of jobs are in PostgreSQL.

# Full, it gives up what was used longest ago instead of refusing writes.
maxmemory {memory}
maxmemory-policy allkeys-lru

# A restart finds limits and caches again: snapshots, and a log that is flushed every second.
save 900 1
save 300 10
save 60 10000
appendonly yes
appendfsync everysec

# Only who has a password comes in, and only by TLS. Put certificates there, and passwords in place of these.
protected-mode yes
port 0
tls-port 6379
tls-cert-file /etc/redis/redis.crt
tls-key-file /etc/redis/redis.key
tls-ca-cert-file /etc/redis/ca.crt
tls-auth-clients no
tls-protocols "TLSv1.3"
user default off
user clew on >CHANGE-THIS-PASSWORD {rights}

# A follower of live events that does not read is cut off; it comes back and reads what it missed.
client-output-buffer-limit pubsub 32mb 8mb 60
tcp-keepalive 60
timeout 0
maxclients 10000
"""


def redis_conf(memory: str = "8gb") -> str:
    """The file's text, for so much memory as Redis writes it (such as 512mb)."""
    return _TEXT.format(memory=memory, rights=RIGHTS)
