"""Habits everybody knows, with the least share of sources they are taken to have however few sources are looked at.

In a small analysis everything looks rare. What is listed or ruled here are published facts, none of them counts of
anybody's data and none taken from this project's generators of test data:

- logins: the 61 pairs in the source of Mirai (Antonakakis et al., *Understanding the Mirai Botnet*, USENIX Security
  2017; the same list is in SecLists, Passwords/Malware/mirai-botnet.txt);
- passwords: those of Mirai, and the twenty most used ones of the UK's National Cyber Security Centre (2019);
- commands: a rule in place of a list. A utility of POSIX.1-2017 (IEEE Std 1003.1, Shell & Utilities) or of util-linux,
  procps and net-tools, used with options only, or with nothing but a file or folder that every Linux has (Filesystem
  Hierarchy Standard 3.0), says nothing of who types it; and what Mirai types first;
- hosts: sites of the LOTS project (*Living Off Trusted Sites*) that hold anybody's files.

Clients are not here: how common they are, the record itself tells.
"""

from typing import Final

import polars as pl

from clew.analysis.coordination.kinds import BY_NAME


def _words(text: str) -> list[str]:
    return text.split()


_MIRAI: Final = (
    "root:xc3511", "root:vizxv", "root:admin", "admin:admin", "root:888888", "root:xmhdipc", "root:default",
    "root:jauntech", "root:123456", "root:54321", "support:support", "root:", "admin:password", "root:root",
    "root:12345", "user:user", "admin:", "root:pass", "admin:20xbully", "root:1111", "admin:smcadmin", "admin:1111",
    "root:666666", "root:password", "root:1234", "root:klv123", "Administrator:admin", "service:service",
    "supervisor:supervisor", "guest:guest", "guest:12345", "admin1:password", "administrator:1234", "666666:666666",
    "888888:888888", "ubnt:ubnt", "root:klv1234", "root:Zte521", "root:hi3518", "root:jvbzd", "root:anko",
    "root:zlxx.", "root:7ujMko0vizxv", "root:7ujMko0admin", "root:system", "root:ikwb", "root:dreambox", "root:user",
    "root:realtek", "root:000000", "admin:1111111", "admin:1234", "admin:12345", "admin:54321", "admin:123456",
    "admin:7ujMko0admin", "admin:pass", "admin:meinsm", "tech:tech", "mother:fucker",
)  # fmt: skip
_MOST_USED: Final = (
    "123456", "123456789", "qwerty", "password", "111111", "12345678", "abc123", "1234567", "password1", "12345",
    "1234567890", "123123", "000000", "iloveyou", "1234", "1q2w3e4r5t", "qwertyuiop", "123", "monkey", "dragon",
)  # fmt: skip
_DEFAULTS: Final = ("pi:raspberry", "anonymous:anonymous@", "anonymous:guest", "ftp:ftp@", "sa:password")
_TRUSTED_SITES: Final = (
    "api.telegram.org", "bitbucket.org", "bit.ly", "cdn.discordapp.com", "codeload.github.com", "docs.google.com",
    "drive.google.com", "dropbox.com", "file.io", "firebasestorage.googleapis.com", "gist.githubusercontent.com",
    "github.com", "gitlab.com", "ghostbin.com", "hastebin.com", "mega.nz", "paste.ee", "pastebin.com",
    "raw.githubusercontent.com", "rentry.co", "s3.amazonaws.com", "sourceforge.net", "transfer.sh", "www.dropbox.com",
)  # fmt: skip
_UTILITIES: Final = (
    "alias", "arp", "awk", "bash", "bg", "cat", "cd", "chattr", "chmod", "chown", "cksum", "clear", "cmp", "command",
    "cp", "crontab", "curl", "cut", "date", "dd", "df", "diff", "dig", "dirname", "dmesg", "dmidecode", "du", "echo",
    "egrep", "env", "exit", "export", "expr", "false", "fg", "fgrep", "file", "find", "free", "ftpget", "getconf",
    "grep", "groups", "gunzip", "gzip", "head", "history", "hostname", "id", "ifconfig", "ip", "iptables", "kill",
    "killall", "last", "lastlog", "less", "ln", "logname", "ls", "lsb_release", "lscpu", "lsmod", "lspci", "lsusb",
    "man", "mkdir", "more", "mount", "mv", "nc", "netstat", "nohup", "nproc", "nslookup", "passwd", "ping", "pkill",
    "printf", "ps", "pwd", "reboot", "renice", "rm", "rmdir", "route", "sed", "sh", "sleep", "sort", "ss", "su",
    "sudo", "sync", "systemctl", "tail", "tar", "tee", "test", "tftp", "top", "touch", "tr", "true", "tty", "type",
    "ulimit", "umask", "uname", "uniq", "unset", "unxz", "uptime", "users", "vi", "vmstat", "w", "wc", "wget",
    "which", "who", "whoami", "xargs", "xz", "yes",
)  # fmt: skip
_EVERYWHERE: Final = (
    r"(?:/|~/?|\.\.?|\*|/(?:tmp|root|home|etc|proc|sys|dev|var|mnt|opt|bin|usr)(?:/\*?)?|/dev/(?:null|shm)/?|"
)
_FILES: Final = (
    r"/proc/(?:cpuinfo|meminfo|version|uptime|mounts|self/exe|\d+/exe)|/var/(?:run|tmp|log)/?\*?|"
    r"/etc/(?:passwd|shadow|group|hosts|issue|os-release|resolv\.conf|crontab|\*?release)|"
    r"aux|cpu|mem|\$\(which \w+\)|HISTFILE|PATH=[\w:/$]+|name|model|Model|processor|\w+ -[\w]+)"
)
_PLAIN: Final = (
    rf"^(?:/(?:usr/)?s?bin/)?(?:busybox )?(?:{'|'.join(_UTILITIES)})(?: +-{{1,2}}[\w=:,]*)*(?: +{_EVERYWHERE}{_FILES})*"
    r"(?: +-{1,2}[\w=:,]*)*(?: *[12]? ?>+ ?/dev/null)?$"
)
_DROPPED: Final = (
    r"^(?:(?:/bin/)?(?:ba|da)?sh +(?:\./)?|\./|(?:/bin/)?chmod +(?:\+x|[0-7]{1,4}|<number>) +(?:\./)?|"
    r"rm +(?:-\w+ +)?(?:\./)?|"
    r"(?:wget|curl)(?: +-{1,2}[\w=:,]*)* +)(?:<url>|<name>|\w[\w-]{0,15})(?:\.\w{1,5})?(?: *[12]? ?>+ ?/dev/null)?$"
)
"""What is done with a file just fetched: which one, the file's address and digest tell (kinds of their own)."""
_OPENING: Final = r"^(?:enable|system|shell|linuxshell|sh|(?:/bin/)?busybox(?: <name>)?|cat /proc/mounts)$"

SHARES: Final = {
    "credential": 0.05, "secret": 0.05, "command": 0.10, "sequence": 0.05, "host": 0.10,
}  # fmt: skip
"""Least share of sources, by kind."""


def commonplace(glossary: pl.DataFrame) -> pl.DataFrame:
    """Kind · value · share (Float64) of those values of a glossary (kind · value · text) that everybody knows."""
    text = pl.col("text")
    before_after = text.str.split_exact(" → ", 1).struct
    defaults = [pair.replace(":", "\x00", 1) for pair in _DEFAULTS]
    logins = [pair.replace(":", "\x00", 1) for pair in _MIRAI]
    passwords = {pair.partition(":")[2] for pair in _MIRAI} | set(_MOST_USED)
    known = {
        "credential": text.is_in(logins) | _guessed_from_the_name(text) | text.is_in(defaults),
        "secret": text.is_in(sorted(passwords)),
        "command": plain_command(text),
        "sequence": plain_command(before_after.field("field_0")) & plain_command(before_after.field("field_1")),
        "host": text.is_in(_TRUSTED_SITES),
    }
    return pl.concat(
        glossary.filter(pl.col("kind") == BY_NAME[kind].number)
        .filter(is_known)
        .select("kind", "value", pl.lit(SHARES[kind]).alias("share"))
        for kind, is_known in known.items()
    )


def _guessed_from_the_name(login: pl.Expr) -> pl.Expr:
    """Whether a login's password is nothing, its user name, or that read backwards."""
    parts = login.str.split_exact("\x00", 1).struct
    name, password = parts.field("field_0").str.to_lowercase(), parts.field("field_1").str.to_lowercase()
    return ((password == "") | (password == name) | (password == name.str.reverse())).fill_null(value=False)


def plain_command(text: pl.Expr) -> pl.Expr:
    """Whether a canonical command says nothing of who types it."""
    return text.str.contains(_PLAIN) | text.str.contains(_OPENING) | text.str.contains(_DROPPED)
