"""What generated attackers say: names, passwords, commands and clients, written by hand, and what combines them.

The lists are our own selection of what anyone who runs an SSH honeypot sees; no published list was copied. Order is
rank: the first of each is the most common.
"""

from dataclasses import dataclass
from functools import cached_property
from hashlib import md5
from random import Random

USERNAMES = (
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
    "teamspeak",
    "sysadmin",
    "steam",
    "zabbix",
    "ansible",
    "docker",
    "redis",
    "samba",
    "vagrant",
    "svn",
    "mongodb",
    "nginx",
    "apache",
    "testuser",
    "info",
    "sales",
    "monitor",
    "default",
    "service",
    "tech",
    "weblogic",
    "elastic",
    "kafka",
    "hduser",
    "demo",
    "supervisor",
    "odoo",
    "node",
    "vpn",
)

PASSWORDS = (
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
    "iloveyou",
    "welcome",
    "welcome1",
    "Passw0rd",
    "qwerty123",
    "dragon",
    "master",
    "monkey",
    "server",
    "ftp",
    "git",
    "deploy",
    "tomcat",
    "secret",
    "pass",
    "pass123",
    "test123",
    "Aa123456",
    "zaq12wsx",
    "!@#$%^",
    "vizxv",
    "xc3511",
    "juantech",
)

SUFFIXES = ("", "1", "123", "!", "2024", "2025", "@123", "1234", "#1", "01", "12", "321")

RECONNAISSANCE = (
    "uname -a",
    "whoami",
    "id",
    "uname -s -v -n -r -m",
    "cat /proc/cpuinfo | grep name | wc -l",
    "nproc",
    "free -m",
    "w",
    "uptime",
    "ls -la",
    "cat /etc/passwd",
    "ps aux",
    "ifconfig",
    "lscpu | grep Model",
    "df -h",
    "cat /proc/cpuinfo",
    "ls -lh $(which ls)",
    "which ls",
    "crontab -l",
    "top -bn1 | head -5",
    "netstat -tulpn",
    "cat /etc/os-release",
    "cat /proc/uptime",
    "history",
    "last",
    "hostname",
    "env",
    "pwd",
    "cat /etc/issue",
    "cat /proc/version",
    "ip addr",
    "dmidecode -t system",
    "lspci | grep -i vga",
    "nvidia-smi -q | head -20",
    "ls /home",
    "cat ~/.bash_history",
    "cat ~/.ssh/known_hosts",
    "mount",
    "echo -e 'ok'",
    "export PATH=/usr/sbin:/usr/bin:/sbin:/bin",
)

ACTIONS = (
    "cd /tmp",
    "rm -rf /tmp/*",
    "history -c",
    "exit",
    "unset HISTFILE",
    "cd /dev/shm",
    "mkdir -p ~/.ssh && chmod 700 ~/.ssh",
    "chattr -ia ~/.ssh/authorized_keys",
    "chmod 777 /tmp/.x",
    "./.x",
    "sh /tmp/.x",
    "nohup ./.x > /dev/null 2>&1 &",
    "pkill -9 xmrig",
    "killall -9 kdevtmpfsi",
    "echo 'nameserver 192.0.2.53' > /etc/resolv.conf",
    "iptables -F",
    "service iptables stop",
    "systemctl stop firewalld",
    "sudo su",
    "su -",
    "passwd",
    "apt-get install -y curl",
    "yum install -y wget",
    "python3 --version",
    "gcc --version",
    "dd bs=52 count=1 if=/proc/self/exe",
    "tar xzf a.tgz",
    "rm -f a.tgz",
    "ls -t",
    "touch /tmp/.probe",
)

MIRAI_OPENING = (
    "enable",
    "system",
    "shell",
    "sh",
    "/bin/busybox ECCHI",
    "cat /proc/mounts; /bin/busybox ECCHI",
    "cd /dev/shm; cat .s || cp /bin/echo .s; /bin/busybox ECCHI",
    "dd bs=52 count=1 if=.s || cat .s || while read i; do echo $i; done < .s",
    "/bin/busybox wget; /bin/busybox tftp; /bin/busybox ECCHI",
    "rm .s; exit",
)

UNKNOWN_TO_COWRIE = frozenset({"enable", "system", "shell", "dmidecode -t system", "systemctl stop firewalld"})
"""Commands the emulated shell does not have; the real one logs a second event for them."""

PAYLOAD_NAMES = ("x86", "arm7", "mips", "mpsl", "bins.sh", "a.tgz", "update.sh", "xmr", "sshd", "kworker", "w.sh", "ok")


@dataclass(frozen=True)
class Client:
    """An SSH client: what it announces and the algorithms it offers, which are what hassh fingerprints."""

    version: str
    exchanges: tuple[str, ...]
    keys: tuple[str, ...]
    ciphers: tuple[str, ...]
    digests: tuple[str, ...]
    compressions: tuple[str, ...] = ("none",)

    @cached_property
    def algorithms(self) -> str:
        """The text hassh is computed from: key exchange; encryption; message authentication; compression."""
        lists = (self.exchanges, self.ciphers, self.digests, self.compressions)
        return ";".join(",".join(names) for names in lists)

    @cached_property
    def hassh(self) -> str:
        """MD5 of the offered algorithms (Salesforce's hassh)."""
        return md5(self.algorithms.encode(), usedforsecurity=False).hexdigest()


EXCHANGES = (
    "curve25519-sha256",
    "curve25519-sha256@libssh.org",
    "ecdh-sha2-nistp256",
    "ecdh-sha2-nistp384",
    "ecdh-sha2-nistp521",
    "diffie-hellman-group-exchange-sha256",
    "diffie-hellman-group16-sha512",
    "diffie-hellman-group14-sha256",
    "diffie-hellman-group14-sha1",
    "diffie-hellman-group1-sha1",
)
KEYS = ("ssh-ed25519", "ecdsa-sha2-nistp256", "rsa-sha2-512", "rsa-sha2-256", "ssh-rsa", "ssh-dss")
CIPHERS = (
    "chacha20-poly1305@openssh.com",
    "aes128-gcm@openssh.com",
    "aes256-gcm@openssh.com",
    "aes128-ctr",
    "aes192-ctr",
    "aes256-ctr",
    "aes256-cbc",
    "aes128-cbc",
    "3des-cbc",
)
DIGESTS = ("hmac-sha2-256-etm@openssh.com", "hmac-sha2-256", "hmac-sha2-512", "hmac-sha1", "hmac-sha1-96", "hmac-md5")

VERSIONS = (
    "SSH-2.0-Go",
    "SSH-2.0-libssh2_1.10.0",
    "SSH-2.0-libssh_0.9.6",
    "SSH-2.0-libssh2_1.4.3",
    "SSH-2.0-paramiko_2.12.0",
    "SSH-2.0-OpenSSH_7.4",
    "SSH-2.0-libssh_0.10.5",
    "SSH-2.0-PUTTY",
    "SSH-2.0-OpenSSH_8.2p1 Ubuntu-4ubuntu0.5",
    "SSH-2.0-AsyncSSH_2.1.0",
    "SSH-2.0-JSCH-0.1.54",
    "SSH-2.0-ZGrab ZGrab SSH Survey",
    "SSH-2.0-Nmap-SSH2-Hostkey",
    "SSH-2.0-OpenSSH_9.6",
    "SSH-2.0-phpseclib_1.0",
    "SSH-2.0-russh_0.40.1",
    "SSH-2.0-makiko",
    "SSH-2.0-TrileadSSH2Java_213",
)


def offer(version: str, random: Random) -> Client:
    """A client of that name with algorithms of its own choice and order, hence most likely a hassh of its own."""

    def some(names: tuple[str, ...], least: int) -> tuple[str, ...]:
        return tuple(random.sample(names, random.randint(least, len(names))))

    return Client(version, some(EXCHANGES, 3), some(KEYS, 2), some(CIPHERS, 3), some(DIGESTS, 2))


def clients(random: Random) -> list[Client]:
    """The clients in common use: each version with up to three builds, most common first."""
    return [offer(version, random) for build in range(3) for version in VERSIONS if build == 0 or random.random() < 0.5]


def credentials(random: Random, count: int) -> list[tuple[str, str]]:
    """`count` distinct pairs, common ones first: root with common passwords, then combinations further down."""
    pairs = dict.fromkeys(("root", password) for password in PASSWORDS[:40])
    pairs |= {(name, name): None for name in USERNAMES}
    while len(pairs) < count:
        name = USERNAMES[min(int(random.expovariate(0.06)), len(USERNAMES) - 1)]
        stem = name if random.random() < 0.3 else random.choice(PASSWORDS)
        pairs[name, stem + random.choice(SUFFIXES)] = None
    return list(pairs)[:count]
