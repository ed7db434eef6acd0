"""Habits everybody knows, with the least share of sources they are taken to have however few sources are looked at.

In a small analysis everything looks rare. These are facts about honeypots anywhere (public write-ups of Mirai, the
default word lists of public tools, the banners of public libraries), not counts of anybody's data.
"""

from functools import cache
from typing import Final

import polars as pl

from clew.analysis.coordination import canonical
from clew.analysis.coordination.digests import digests, followed
from clew.analysis.coordination.kinds import BY_NAME

_USERS: Final = [
    "root",
    "admin",
    "user",
    "test",
    "ubuntu",
    "oracle",
    "postgres",
    "guest",
    "pi",
    "support",
    "ftpuser",
    "git",
    "mysql",
    "nagios",
    "hadoop",
    "deploy",
    "www-data",
    "tomcat",
    "jenkins",
    "ubnt",
    "dev",
    "minecraft",
    "es",
    "centos",
    "debian",
    "ec2-user",
    "administrator",
    "backup",
    "web",
    "server",
    "operator",
    "student",
    "sa",
    "default",
]
_PASSWORDS: Final = [
    "123456",
    "password",
    "admin",
    "root",
    "1234",
    "12345",
    "123456789",
    "test",
    "12345678",
    "qwerty",
    "123",
    "toor",
    "1",
    "raspberry",
    "ubuntu",
    "123123",
    "abc123",
    "P@ssw0rd",
    "admin123",
    "1q2w3e4r",
    "root123",
    "password1",
    "111111",
    "000000",
    "letmein",
    "changeme",
    "1qaz2wsx",
    "default",
    "support",
    "guest",
    "oracle",
    "postgres",
    "user",
    "666666",
    "888888",
    "1234567890",
    "welcome",
    "Passw0rd",
    "qwerty123",
    "server",
    "ftp",
    "git",
    "pass",
    "test123",
    "vizxv",
    "xc3511",
    "juantech",
    "anko",
    "7ujMko0admin",
    "hunt5759",
    "zlxx.",
    "Zte521",
    "jvbzd",
    "dreambox",
    "realtek",
    "54321",
    "ikwb",
    "klv123",
    "klv1234",
]
_COMMANDS: Final = (
    "uname -a", "uname -s -v -n -r -m", "uname -s -v -n -m", "uname -m", "uname", "whoami", "id", "w", "uptime",
    "nproc", "free -m", "ls", "ls -la", "ls -lh $(which ls)", "which ls", "cat /etc/passwd", "cat /proc/cpuinfo",
    "ps aux",
    "cat /proc/cpuinfo | grep name | wc -l", "cat /proc/cpuinfo | grep model | grep name | wc -l", "crontab -l", "top",
    "lscpu | grep Model", "df -h", "ifconfig", "hostname", "history -c", "exit", "unset HISTFILE", "pwd", "last",
    "cd /tmp", "cd /var/run", "cd /dev/shm", "cd ~", "rm -rf /tmp/*", "chmod 777 *", "history", "cat /etc/issue",
    "enable", "system", "shell", "sh", "linuxshell", "/bin/busybox ECCHI", "cat /proc/mounts; /bin/busybox ECCHI",
    "cd /dev/shm; cat .s || cp /bin/echo .s; /bin/busybox ECCHI", "tftp; wget; /bin/busybox ECCHI",
    "dd bs=52 count=1 if=.s || cat .s || while read i; do echo $i; done < .s", "rm .s; exit",
    "/bin/busybox wget; /bin/busybox tftp; /bin/busybox ECCHI", "cd /tmp || cd /var/run || cd /mnt || cd /root || cd /",
    "cd ~ && rm -rf .ssh && mkdir .ssh", "chmod -R go= ~/.ssh", "cat /proc/uptime 2 > /dev/null | cut -d. -f1",
    "/ip cloud print", "uname -s -m", 'echo -e "\\x6F\\x6B"', "export PATH=/usr/sbin:/usr/bin:/sbin:/bin",
)  # fmt: skip
_CLIENTS: Final = (
    "SSH-2.0-Go", "SSH-2.0-libssh2_1.10.0", "SSH-2.0-libssh_0.9.6", "SSH-2.0-libssh2_1.4.3", "SSH-2.0-paramiko_2.12.0",
    "SSH-2.0-libssh_0.11.1", "SSH-2.0-libssh2_1.11.0", "SSH-2.0-OpenSSH_7.4", "SSH-2.0-PUTTY", "SSH-2.0-libssh2_1.8.0",
    "Mozilla/5.0", "curl/7.88.1", "python-requests/2.31.0", "Go-http-client/1.1", "masscan/1.3", "zgrab/0.x",
)  # fmt: skip

_HOSTS: Final = (
    "raw.githubusercontent.com", "github.com", "gist.githubusercontent.com", "gitlab.com", "bitbucket.org",
    "pastebin.com", "transfer.sh", "cdn.discordapp.com", "bit.ly",
    "ipinfo.io", "ifconfig.me", "icanhazip.com", "ip-api.com", "file.io",
    "www.google.com", "google.com", "api.ipify.org",
    "checkip.amazonaws.com", "dl.dropboxusercontent.com", "paste.ee",
)  # fmt: skip

SHARES: Final = {
    "credential": 0.05, "secret": 0.05, "template": 0.05, "command": 0.10, "sequence": 0.05, "client": 0.10,
    "host": 0.10,
}  # fmt: skip
"""Least share of sources, by kind."""


@cache
def commonplace() -> pl.DataFrame:
    """Kind · value · share (Float64)."""
    steps = pl.DataFrame({"text": _COMMANDS}).select(canonical.steps(pl.col("text")).alias("text")).explode("text")
    common = pl.DataFrame({"value": digests(steps["text"].unique())})
    texts = {
        "credential": [
            f"{user}\x00{password}" for user in _USERS for password in (*_PASSWORDS, user, "", user + "123")
        ],
        "secret": [*_PASSWORDS, *_USERS],
        "template": [
            f"{word}{end}" for word in (*_PASSWORDS, *_USERS) for end in ("9", "@9", "#9", "!", "9!", "_9", ".9")
        ],
        "command": steps["text"].to_list(),
        "client": list(_CLIENTS),
        "host": list(_HOSTS),
    }
    values = {kind: digests(pl.Series("value", sorted(set(some)))) for kind, some in texts.items()}
    values["sequence"] = orders(common, common)
    return pl.concat(
        pl.DataFrame({"value": some}).select(
            pl.lit(BY_NAME[kind].number, pl.UInt8()).alias("kind"), "value", pl.lit(SHARES[kind]).alias("share")
        )
        for kind, some in values.items()
    )


def orders(before: pl.DataFrame, after: pl.DataFrame) -> pl.Series:
    """Digest of each command of one frame followed by each of the other."""
    pairs = before.join(after, how="cross", suffix="_after")
    return pl.Series("value", followed(pairs["value"], pairs["value_after"]), dtype=pl.UInt64)
