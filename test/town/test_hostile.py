"""Hostile input against the real program: every conversation stays inside its caps, ends with a recorded reason, and costs nobody else his answer."""

import ctypes
import os
import pathlib
import re
import resource
import select
import shutil
import socket
import sqlite3
import struct
import time

import pytest
import town

pytestmark = pytest.mark.sanitized

# A sanitizer's shadow and quarantine are memory too, and its checks take their time.
SANITIZED = b"__asan_init" in town.PROGRAM.read_bytes() if town.PROGRAM.exists() else False
CPU_SECONDS = 60 if SANITIZED else 5
PEAK_KB = 48 * 1024  # one conversation: its arena, a line's memory, its files, its queues; and the journal's mapped ring
KEPT_KB = 24 * 1024  # what the allocator holds back after all of them

DEVICE = """\
# A router with every applet, room to write and no delays.
extends: _ralink
maker: Example
model: Router 1
class: router
hostname: router
values: {mac: "00:00:5e:00:53:01", soc: Ralink SoC, board: RT3052, core: "MIPS 24K V4.12", bogomips: "255.59"}
kernel: {release: 2.6.21, built: 2010-12-09 17:02:44 CST}
busybox: {version: 1.19.4, built: 2010-12-09 16:44:50 CST, size: 400K}
memory: 32M
login: "router login: "
banner: ""
applets: ["@all"]
delays: {banner: 0ms, password: 0ms, shell: 0ms, failed: 0ms}
mounts:
  - rootfs / rootfs rw 0 0
  - /dev/root / squashfs ro 0 0
  - proc /proc proc rw 0 0
  - tmpfs /tmp tmpfs rw 0 0
processes:
  - 1 root 1040 S init
  - 80 root 1032 S telnetd -l /bin/login
interfaces: ["br0 @{mac} 192.168.0.1/24"]
listening: [23]
"""
BUSYBOX_SIZE = 400 * 1024

IAC, SB, SE = b"\xff", b"\xff\xfa", b"\xff\xf0"
STILL = b"\r\necho still-$((40+2))\r\n"


# ---- what is sent ----


def lines(*texts):
    return [text.encode("latin1") + b"\r\n" for text in texts]


def many(piece, count):
    """`piece` that often, in blocks: a gigabyte is never held."""
    each = max(1, 65536 // len(piece))
    block = piece * each
    for _ in range(count // each):
        yield block
    yield piece * (count % each)


def gigabyte(piece):
    return many(piece, (1 << 30) // len(piece))


# ---- the stage ----


def device_folder(folder):
    folder.mkdir()
    shutil.copy(town.SOURCE / "conf" / "profiles" / "_ralink.yaml", folder)
    (folder / "router.yaml").write_text(DEVICE)
    return folder


def start(base, **options):
    """The program with the device above; options by their names under honeypot."""
    for folder in [base, *base.parents]:
        if str(folder).startswith("/tmp/") and folder.owner() == base.owner():
            folder.chmod(folder.stat().st_mode | 0o111)
    settings = {"profiles": device_folder(base / "profiles"), "connections_per_peer": 1000}
    others = {name: options.pop(name) for name in ("listeners", "before", "port") if name in options}
    settings.update(options)
    options = ["log.level=debug"] + [f"honeypot.{name}={value}" for name, value in settings.items()]
    return town.Noroshi(base / "data", profile="router", options=options, **others)


def cpu_seconds(pid):
    return int(pathlib.Path(f"/proc/{pid}/schedstat").read_text().split()[0]) / 1e9


def kilobytes(pid, name):
    return int(re.search(rf"^{name}:\s+(\d+)", pathlib.Path(f"/proc/{pid}/status").read_text(), re.M)[1])


def rows(n, table, columns, where="1", values=()):
    found = []
    for day in sorted((n.data / "days").glob("*.db")):
        with sqlite3.connect(f"file:{day}?mode=ro", uri=True, timeout=20) as db:
            try:
                found += db.execute(f"SELECT {columns} FROM {table} WHERE {where}", values).fetchall()
            except sqlite3.OperationalError as error:
                assert "no such table" in str(error)
    return found


def ending(n, port, wait=60):
    """Why the conversation from this port of ours ended, once its closing record is stored."""
    end = time.monotonic() + wait
    while time.monotonic() < end:
        found = rows(n, "session", "event_reason", "source_port = ?", (port,))
        if found:
            assert len(found) == 1
            return found[0][0]
        time.sleep(0.02)
    raise AssertionError("no closing record")


def port_of(visitor):
    return visitor.socket.getsockname()[1]


def log_is_clean(n):
    text = n.log.read_bytes()
    assert re.search(rb"[^\n\x20-\x7e]", text) is None, text
    assert b"ERROR: " not in text and b"runtime error" not in text, text.decode(errors="replace")


class Stage:
    """A running program, one neighbour who is logged in all the time, and the attackers one after the other."""

    def __init__(self, n):
        self.n = n
        self.edge = n.roles()["edge.0"]
        self.peak = kilobytes(self.edge, "VmHWM")
        self.kept = kilobytes(self.edge, "RssAnon")
        self.neighbour = town.Telnet(n.port, timeout=60)
        self.neighbour.login()
        self.asked = 0

    def judge(self, cpu):
        """After an attack: nothing crashed, nothing grew, nothing stood still."""
        assert self.n.roles().get("edge.0") == self.edge, self.n.log.read_text(errors="replace")[-2000:]
        log_is_clean(self.n)
        assert cpu_seconds(self.edge) - cpu < CPU_SECONDS
        if not SANITIZED:
            assert kilobytes(self.edge, "VmHWM") - self.peak < PEAK_KB
            assert kilobytes(self.edge, "RssAnon") - self.kept < KEPT_KB

    def ask(self):
        self.asked += 1
        self.neighbour.say(b"echo neighbour-$((%d+0))\r\n" % self.asked)

    def answered(self):
        assert self.neighbour.until(b"\nneighbour-%d\r\n# " % self.asked) is not None

    def attack(self, pieces, login=True, goes_on=False, reset=False):
        """Sends the pieces, all that is answered is read; the neighbour asks in the middle of it. Returns (reason, output's end, output's length)."""
        cpu = cpu_seconds(self.edge)
        visitor = town.Telnet(self.n.port, timeout=60)
        if login:
            visitor.login()
        seen, count = self.exchange(visitor, pieces, goes_on)
        port = port_of(visitor)
        visitor.close()
        self.answered()
        reason = ending(self.n, port)
        self.judge(cpu)
        return reason, seen, count

    def exchange(self, visitor, pieces, goes_on):
        """To the end of the connection. `goes_on`: the shell must still answer, and is then left."""
        s, asked, seen, count, out = visitor.socket, False, b"", 0, b""
        pieces, farewell = iter(pieces), [b"exit\r\n", STILL] if goes_on else []
        s.setblocking(False)
        awaiting, shut, limit = b"", False, time.monotonic() + 120
        while True:
            assert time.monotonic() < limit, (count, seen[-200:])
            if not out and not awaiting and not shut:
                out = next(pieces, None)
                if out is None and farewell:
                    out = farewell.pop()
                    awaiting = b"\nstill-42\r\n" if farewell else b""
                if out is None:
                    shut = True
                    s.shutdown(socket.SHUT_WR)
            readable, writable, _ = select.select([s], [s] if out else [], [], 5)
            try:
                if writable:
                    out = out[s.send(out) :]
                if readable:
                    more = s.recv(1 << 18)
                    if not more:
                        break
                    count += len(more)
                    seen = (seen + more)[-65536:]
            except (BrokenPipeError, ConnectionResetError):
                break
            if not asked:
                asked = True
                self.ask()
            if awaiting and awaiting in seen:
                awaiting = b""
        assert not awaiting and not farewell, seen[-500:]
        return seen, count


@pytest.fixture(scope="module")
def stage(tmp_path_factory):
    n = start(tmp_path_factory.mktemp("hostile"), login_timeout="60s", idle_timeout="60s", session_timeout="30m")
    with n:
        made = Stage(n)
        yield made
        made.neighbour.close()
    log_is_clean(n)
    total = [row for row in n.report("pipeline") if row["stream"] == "total"][0]
    assert total["accepted"] == total["stored"] and total["lost"] == total["dropped"] == total["waiting"] == total["cut"] == 0, total


# ---- one conversation each ----

WORK, INPUT, OUTPUT, MEMORY, OPTIONS, CLOSED = "work limit", "input limit", "output limit", "memory limit", "option limit", "peer closed"
ON = "goes on"

# name: (what is sent, after the login?, how it ends, or ON: the shell answers as before)
CASES = {
    # bytes without end
    "a gigabyte of lines": (lambda: gigabyte(b"A" * 60000 + b"\r\n"), True, INPUT),
    "a gigabyte of short lines": (lambda: gigabyte(b"AAAA\r\n"), True, WORK),
    "a gigabyte without a line end": (lambda: gigabyte(b"A"), True, INPUT),
    "a gigabyte without a line end before the login": (lambda: gigabyte(b"A"), False, INPUT),
    "a gigabyte of empty names": (lambda: gigabyte(b"\r\n"), False, OUTPUT),
    "a gigabyte of NUL": (lambda: gigabyte(b"\0"), True, INPUT),
    "a gigabyte of backspaces": (lambda: gigabyte(b"a\b\x15\x17\x1b[A"), True, INPUT),
    "a million options": (lambda: many(IAC + b"\xfb\x22" + IAC + b"\xfd\x63", 500000), False, OPTIONS),
    "a million options after the login": (lambda: many(IAC + b"\xfb\x22" + IAC + b"\xfd\x63", 500000), True, OPTIONS),
    "a million commands": (lambda: many(IAC + b"\xf6", 1000000), True, OPTIONS),
    "a million subnegotiations": (lambda: many(SB + b"\x18\0abc" + SE, 1000000), False, OPTIONS),
    "a subnegotiation without end": (lambda: [SB + b"\x18\0", *gigabyte(b"x")][:400], False, INPUT),
    "a subnegotiation of IACs": (lambda: [SB + b"\x18\0", *many(IAC + IAC, 10_000_000)], False, INPUT),
    "ten megabytes of a line": (lambda: [*many(b"x", 10_000_000), b"\r\n"], True, ON),
    "ten megabytes of a name": (lambda: [*many(b"x", 10_000_000), b"\r\npassword\r\n"], False, CLOSED),
    # loops
    "while true": (lambda: lines("while true; do :; done"), True, WORK),
    "while true with output": (lambda: lines("while true; do echo x; done"), True, WORK),
    "while true with much output": (lambda: lines("while true; do echo " + "x" * 2000 + "; done"), True, WORK),
    "nested loops": (lambda: lines("for a in 1 2 3 4 5 6 7 8 9; do " * 8 + ":" + "; done" * 8), True, WORK),
    "for over a million numbers": (lambda: lines("for i in $(seq 1 1000000); do echo $i; done"), True, WORK),
    "loops in the background": (lambda: many(b"while :; do :; done &\r\n", 3000), True, WORK),
    "many loops and interrupts": (lambda: many(b"while :; do :; done\r\n\x03", 3000), True, WORK),
    "a fork bomb": (lambda: lines(":(){ :|:& };:"), True, ON),
    "a fork bomb with a name": (lambda: lines("a(){ a|a; }; a"), True, WORK),
    "a fork bomb in the background": (lambda: lines("a(){ a|a & }; a"), True, ON),
    "a function that calls itself": (lambda: lines("a(){ eval a; }; a"), True, WORK),
    "a script that runs itself": (lambda: lines("echo 'sh /tmp/s & sh /tmp/s' > /tmp/s; sh /tmp/s"), True, WORK),
    "shells in shells": (lambda: many(b"sh\r\n", 5000), True, CLOSED),
    "xargs of xargs": (lambda: lines("yes | xargs -n1 sh -c 'yes|xargs echo'"), True, WORK),
    "eval of itself": (lambda: lines("a='eval \"$a\"'; eval \"$a\""), True, WORK),
    "find that finds for each": (lambda: lines("find / -exec find / \\;"), True, WORK),
    # nesting
    "deep quoting": (lambda: lines("echo " + '"$(' * 10000 + ')"' * 10000), True, WORK),
    "open quotes by the line": (lambda: [*lines("echo '"), *many(b"x" * 1000 + b"\r\n", 100000)], True, MEMORY),
    "parentheses": (lambda: lines("(" * 60000), True, WORK),
    "a hundred thousand parentheses": (lambda: [*many(b"(", 100000), b"\r\n"], True, WORK),
    "substitutions": (lambda: lines("$(" * 30000), True, WORK),
    "parameters": (lambda: lines("${" * 30000), True, WORK),
    "backticks": (lambda: lines("`" * 60001), True, CLOSED),
    "braces": (lambda: lines("{ " * 30000), True, WORK),
    "ifs by the line": (lambda: [*lines("if true; then"), *many(b"x\r\n", 20000)], True, WORK),
    "a here-document without end": (lambda: [*lines("cat <<EOF"), *many(b"x" * 1000 + b"\r\n", 100000)], True, MEMORY),
    "many here-documents": (lambda: [*lines("cat " + "<<A " * 10000), *many(b"x\r\n", 20000)], True, CLOSED),
    "long pipes": (lambda: lines("yes" + " | cat" * 4000), True, WORK),
    "long lists": (lambda: [b":;" * 9000 + b"\r\n", b"false||" * 2000 + b":\r\n", b":&" * 9000 + b"\r\n"], True, ON),
    # arithmetic, words, variables
    "large numbers": (lambda: lines("echo $((9999999999999999999**99)) $((-9223372036854775808/-1)) $((1<<9999999)) $((1%0))", "echo $((2**99**99**99))"), True, ON),
    "deep arithmetic": (lambda: lines("echo $((" + "(" * 20000 + "1))"), True, WORK),
    "variables of variables": (lambda: lines("a='b+b'; b='c+c'; c='a+a'; echo $((a))"), True, ON),
    "doubling": (lambda: [*lines("a=aaaaaaaaaa"), *many(b"a=$a$a\r\n", 64)], True, ON),
    "doubling in a loop": (lambda: lines("a=x; while :; do a=$a$a; done"), True, WORK),
    "doubling arguments": (lambda: lines("set -- " + "a " * 4000, 'while :; do set -- "$@" "$@"; done'), True, MEMORY),
    "variables without end": (lambda: lines("i=0; while :; do eval v$i=xxxxxxxxxxxxxxxxxxxxxxxx; i=$((i+1)); done"), True, MEMORY),
    "functions without end": (lambda: lines("i=0; while :; do eval \"f$i(){ echo " + "a" * 1000 + '; }"; i=$((i+1)); done'), True, MEMORY),
    "a long separator": (lambda: lines("IFS=" + "abcdefgh" * 7000, "a=" + "y" * 60000, "echo " + "$a" * 300), True, WORK),
    "patterns against a long word": (lambda: lines("x=" + "a" * 20000, "while :; do case $x in *a*a*a*a*a*a*b) ;; esac; done"), True, WORK),
    "trimming a long word": (lambda: lines("x=" + "a" * 20000, "while :; do y=${x%%*b*}${x//*b/c}; done"), True, WORK),
    "globs": (lambda: lines("echo /*/*/*/*/*/*", "echo /*/" + "*a" * 200 + "b"), True, ON),
    "many globs": (lambda: lines("echo " + "/*/* " * 1000), True, WORK),
    # programs
    "cat /dev/zero": (lambda: lines("cat /dev/zero"), True, WORK),
    "cat /dev/urandom through head": (lambda: lines("cat /dev/urandom | head -c 1073741824 > /dev/null", "head -c 1G /dev/urandom | wc"), True, ON),
    "yes": (lambda: lines("yes"), True, WORK),
    "seq": (lambda: lines("seq 1 1000000000000"), True, WORK),
    "sorting what is endless": (lambda: many(b"yes | sort | md5sum\r\n", 2000), True, WORK),
    "dd of a hundred gigabytes": (lambda: lines("dd if=/dev/zero of=/tmp/x bs=1M count=100000", "dd if=/dev/zero of=/tmp/x bs=1 count=1 seek=99999999999"), True, ON),
    "a file grown by lines": (lambda: many(b"echo xxxxxxxxxxxxxxxxxxxx >> /tmp/file\r\n", 100000), True, WORK),
    "a file grown in a loop": (lambda: lines("while :; do cat /bin/busybox >> /tmp/file; done"), True, WORK),
    "ten thousand files": (lambda: [b"echo x > /tmp/f%d\r\n" % i for i in range(10000)], True, ON),
    "copies without end": (lambda: lines("i=0; while :; do cp /bin/busybox /tmp/b$i; echo x >> /tmp/b$i; i=$((i+1)); done"), True, WORK),
    "a path of ten thousand names": (lambda: lines("mkdir -p /tmp/" + "a/" * 10000, "ls /tmp/" + "../tmp/" * 9000, "cat " + "/a" * 30000), True, ON),
    "directories in directories": (lambda: [b"cd /tmp\r\n", *many(b"mkdir aaaaaaaaaaaaaaaaaaaaaaaa; cd aaaaaaaaaaaaaaaaaaaaaaaa\r\n", 3000)], True, ON),
    "links in circles": (lambda: lines("cd /tmp; ln -s b a; ln -s a b; cat a; mkdir x; ln -s . x/y; ls x" + "/y" * 100), True, ON),
    "a directory moved into itself": (lambda: lines("mkdir /tmp/a; mv /tmp/a /tmp/a/b; cp -r /tmp /tmp/a; mv /tmp/a /tmp/b; rm -rf /tmp /"), True, ON),
    "a pattern against long lines": (lambda: lines("echo " + "a" * 30000 + " > /tmp/a; grep -E '(a*)*(a*)*(a*)*b' /tmp/a; grep -E '(a{1,255}){1,255}' /tmp/a"), True, ON),
    "patterns against endless lines": (lambda: many(b"yes aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa | grep -E '(a|aa)*b'\r\n", 2000), True, WORK),
    "sed that grows": (lambda: lines("echo a | sed ':a;s/.*/&&/;ta'"), True, WORK),
    "sed that collects": (lambda: lines("yes aaaaaaaaaaaaaaaa | sed ':a;N;s/\\(a*\\n\\)*b//;ba' | wc"), True, WORK),
    "awk that counts fields": (lambda: lines("yes '" + "a " * 500 + "' | awk '{print " + "NF,$499," * 2000 + "NF}'"), True, WORK),
    "awk that prints much": (lambda: lines("yes | awk '{print \"" + "a" * 50000 + "\"}' | wc"), True, WORK),
    "printf of a large width": (lambda: lines("printf %999999999d 1 > /dev/null; printf '%*d' 99999999 1 > /dev/null; printf %.999999999f 1 > /dev/null"), True, ON),
    "printf again and again": (lambda: lines("printf '" + "%5000d" * 5000 + "' 1", "while :; do printf %99999d 1; done > /dev/null"), True, WORK),
    "digests without end": (lambda: many(b"md5sum /bin/busybox /bin/busybox\r\n", 2000), True, WORK),
    "digests of many": (lambda: lines("sha512sum " + "/bin/busybox " * 4000 + "; md5sum /dev/zero"), True, WORK),
    "hexdump without end": (lambda: lines("while :; do hexdump -C /bin/busybox > /dev/null; done"), True, WORK),
    "busybox a thousand times": (lambda: many(b"cat /bin/busybox\r\n", 1000), True, WORK),
    "what is typed, kept": (lambda: [b"cat > /tmp/x\r\n", *many(b"x" * 1000 + b"\r\n", 20000)], True, MEMORY),
    "sorting what is typed": (lambda: [b"sort\r\n", *many(b"a" * 100 + b"\r\n", 120000)], True, CLOSED),
}


@pytest.mark.parametrize("name", CASES)
def test_a_conversation_stays_inside_its_caps(stage, name):
    pieces, login, end = CASES[name]
    reason, seen, _ = stage.attack(pieces(), login, goes_on=end == ON)
    assert reason == ("logout" if end == ON else end), seen[-300:]


def test_what_is_asked_before_a_half_close_is_answered(stage):
    reason, seen, count = stage.attack(lines("echo first; cat /bin/busybox; echo; echo last-$((1+1))"))
    assert b"\nlast-2\r\n" in seen and count > BUSYBOX_SIZE
    assert reason == CLOSED
    # Even when the answer takes its time.
    reason, seen, _ = stage.attack(lines("sleep 1; echo late-$((1+1))"))
    assert b"\nlate-2\r\n" in seen
    assert reason == CLOSED


LONG_ANSWERS = {
    "yes": 32 << 10,
    "while true; do echo " + "x" * 2000 + "; done": 2 << 20,
    "cat /dev/zero": 4 << 20,
    "hexdump -C /bin/busybox": 1 << 20,
}


@pytest.mark.parametrize("line, least", LONG_ANSWERS.items())
def test_long_answers_reach_who_reads_them(stage, line, least):
    # What is counted as answered is what came, to the byte.
    cpu, count = cpu_seconds(stage.edge), 0
    with socket.create_connection(("127.0.0.1", stage.n.port), 60) as s:
        port = s.getsockname()[1]
        s.sendall(b"root\r\nadmin\r\n" + line.encode() + b"\r\nexit\r\n")
        while more := s.recv(1 << 18):
            count += len(more)
    assert ending(stage.n, port) in (WORK, "logout")
    assert rows(stage.n, "session", "destination_bytes", "source_port = ?", (port,)) == [(count,)]
    assert count > least
    stage.ask()
    stage.answered()
    stage.judge(cpu)


def test_a_shell_within_the_shell_waits_for_a_long_answer(stage):
    # The long answer is said before the inner shell begins, also when it comes from a substitution.
    for command in ("sh $(cat /bin/busybox /bin/busybox >&2)", "sh $(cat /bin/busybox >&2); echo back", "(sh $(yes >&2))"):
        visitor = town.Telnet(stage.n.port, timeout=60)
        visitor.login()
        visitor.say(command.encode() + b"\r\n")
        for _ in range(5):
            stage.ask()
            stage.answered()
        visitor.say(b"echo inner-$((1+1))\r\nexit\r\nexit\r\n")
        port = port_of(visitor)
        seen, _ = stage.exchange(visitor, [], False)
        stage.answered()
        visitor.close()
        assert ending(stage.n, port) == ("logout" if "yes" not in command else WORK)
        assert (b"\ninner-2\r\n" in seen) == ("yes" not in command)
        stage.judge(cpu_seconds(stage.edge))


@pytest.mark.parametrize("pieces", [lines("echo a"), lines("while true; do cat /bin/busybox; done"), lines("sleep 60"), [b"cat > /tmp/x\r\nabc"], [SB + b"\x18\0abc"]])
@pytest.mark.parametrize("login", [False, True])
def test_a_reset_ends_a_conversation_anywhere(stage, pieces, login):
    cpu = cpu_seconds(stage.edge)
    visitor = town.Telnet(stage.n.port, timeout=60)
    if login:
        visitor.login()
    for piece in pieces:
        visitor.say(piece)
    visitor.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    port = port_of(visitor)
    visitor.close()
    stage.ask()
    stage.answered()
    assert ending(stage.n, port) == "peer reset"
    stage.judge(cpu)


def test_who_never_reads_costs_no_more_than_others(stage):
    cpu, before = cpu_seconds(stage.edge), kilobytes(stage.edge, "VmRSS")
    visitors = [town.Telnet(stage.n.port, timeout=60) for _ in range(24)]
    endless = [b"cat /bin/busybox\r\n" * 1000, b"while :; do cat /bin/busybox; done\r\n", b"while :; do echo " + b"x" * 4000 + b"; done\r\n", b"yes\r\n" * 1000]
    for i, visitor in enumerate(visitors):
        visitor.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        visitor.login()
        visitor.say(endless[i % len(endless)])
    for _ in range(20):
        stage.ask()
        stage.answered()
    if not SANITIZED:
        assert kilobytes(stage.edge, "VmRSS") - before < len(visitors) * 2048
    ports = [port_of(visitor) for visitor in visitors]
    for visitor in visitors:
        visitor.close()
    for port in ports:
        assert ending(stage.n, port) in (CLOSED, "peer reset", WORK, OUTPUT)
    stage.judge(cpu)


def test_hard_work_is_done_in_turns(stage):
    # All of it comes in one piece; the neighbour is answered again and again before it is through.
    cpu = cpu_seconds(stage.edge)
    visitor = town.Telnet(stage.n.port, timeout=60)
    visitor.login()
    visitor.say(b"yes | sort | md5sum\r\n" * 2000)
    visitor.socket.setblocking(False)
    for _ in range(4):
        stage.ask()
        stage.answered()
        try:
            while True:
                assert visitor.socket.recv(65536), "it was all done at once"
        except BlockingIOError:
            pass
    port = port_of(visitor)
    visitor.close()
    assert ending(stage.n, port) in (CLOSED, "peer reset", WORK)
    stage.judge(cpu)


NASTY = b"\x1b]0;owned\x07\x1b[2J\x9b31mev\0il\x85\xc2\x9b\xff\xfe\xe2\x80\xae"


def harmless(text):
    """What a terminal may be shown: no control characters, neither C0 nor C1, no bidirectional overrides."""
    return re.search("[\0-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", text) is None


def test_records_and_reports_of_nasty_bytes_are_harmless(stage):
    cpu = cpu_seconds(stage.edge)
    doubled = NASTY.replace(IAC, IAC + IAC)
    visitor = town.Telnet(stage.n.port, timeout=60)
    visitor.until(b"ogin:")
    visitor.say(SB + b"\x18\0" + doubled + SE)  # its terminal
    visitor.say(SB + b"\x27\0\0USER\x01-f " + doubled + b"\x03" + doubled + b"\x01x" + SE)  # its variables
    visitor.say(b"ro" + doubled + b"ot\r\0")
    assert visitor.until(b"assword") is not None
    visitor.say(b"pass" + doubled + b"word\r\n")
    assert visitor.until(b"# ") is not None
    visitor.say(b"echo " + doubled + b"\r\nprintf '\\033]0;x\\007' > '/tmp/" + doubled + b"'; wget http://192.0.2.1/" + doubled + b"\r\nexit\r\n")
    while visitor.socket.recv(65536):
        pass
    port = port_of(visitor)
    visitor.close()
    assert ending(stage.n, port) == "logout"
    stage.judge(cpu)
    # Text is UTF-8 without NUL, as the database's users expect it.
    ((session,),) = rows(stage.n, "session", "lower(hex(session))", "source_port = ?", (port,))
    for kind, least in {"login": 1, "command": 3, "client": 2, "session": 1, "download": 1}.items():
        found = rows(stage.n, kind, "*", "lower(hex(session)) = ?", (session,))
        assert len(found) >= least, (kind, found)
        assert not [value for row in found for value in row if isinstance(value, str) and "\0" in value]
    (name,) = [row["noroshi.session"] for row in stage.n.report("sessions") if row["source.port"] == port]
    ((user, password),) = rows(stage.n, "login", "user_name, noroshi_password", "source_port = ?", (port,))
    assert user.startswith("ro") and user.endswith("ot") and password.startswith("pass") and password.endswith("word")
    end = time.monotonic() + 60
    while not stage.n.report("samples") and time.monotonic() < end:
        time.sleep(0.1)  # what reports read is written about once a second
    # Whatever shows them escapes them.
    for words in (["report", "credentials"], ["report", "commands"], ["report", "attackers"], ["report", "sessions"], ["report", "samples"],
                  ["show", "session", name], ["show", "session", name, "--replay"], ["show", "host", "127.0.0.1"]):
        done = town.call(*words, data=stage.n.data)
        assert done.returncode == 0, (words, done.stderr)
        assert harmless(done.stdout + done.stderr), (words, done.stdout)
    for words in (["report", "credentials", "--json"], ["export", "ecs"], ["export", "cowrie"]):
        done = town.call(*words, data=stage.n.data)
        assert done.returncode == 0, (words, done.stderr)
        assert harmless(done.stdout), words
    login = [row for row in stage.n.report("credentials") if row["noroshi.password"] == password]
    assert len(login) == 1


# ---- time ----


def test_every_conversation_ends_in_time(tmp_path):
    plain, relayed = town.free_port(), town.free_port()
    listeners = (f'[{{service: telnet, listen: "127.0.0.1:{plain}", profile: router}},'
                 f' {{service: telnet, listen: "127.0.0.1:{relayed}", profile: router, relays: ["127.0.0.0/8"]}}]')
    with start(tmp_path, listeners=listeners, port=plain, login_timeout="3s", idle_timeout="5s", session_timeout="9s") as n:
        edge = n.roles()["edge.0"]
        relay = town.Telnet(relayed, timeout=60)
        relay.say(b"PROXY TCP4 192")
        cpu = cpu_seconds(edge)
        cases = {
            "nothing at all": (False, None, "login time-out"),
            "a byte now and then for a name": (False, b"x", "login time-out"),
            "names without end": (False, b"\r\n", "login time-out"),
            "nothing after the login": (True, None, "idle"),
            "a byte now and then": (True, b"x", "too long"),
            "an option now and then": (True, IAC + b"\xf1", "too long"),
            "a command now and then": (True, b"echo a\r\n", "too long"),
            "sleeping": (True, [b"sleep 100000\r\n"], "idle"),
            "sleeping and sleeping": (True, [b"while :; do sleep 1; echo a; done\r\n"], WORK),
            "never reading": (True, [b"cat /bin/busybox\r\n" * 1000], "idle"),  # more than any socket's buffer takes
        }
        visitors = {}
        for name, (login, text, _) in cases.items():
            visitors[name] = visitor = town.Telnet(n.port, timeout=60)
            if login:
                visitor.login()
            if isinstance(text, list):
                visitor.say(text[0])
        waiting = set(cases) - {"never reading"}
        deadline = time.monotonic() + 60
        while waiting and time.monotonic() < deadline:
            for name in list(waiting):
                text, s = cases[name][1], visitors[name].socket
                try:
                    if isinstance(text, bytes):
                        s.send(text)
                    while select.select([s], [], [], 0)[0]:
                        if not s.recv(65536):
                            raise ConnectionResetError
                except (ConnectionResetError, BrokenPipeError):
                    waiting.remove(name)
            time.sleep(0.2)
        assert not waiting
        assert relay.until(b"login") is None
        relay.close()
        for name, (_, _, reason) in cases.items():
            assert ending(n, port_of(visitors[name])) == reason, name
            visitors[name].close()
        assert n.roles()["edge.0"] == edge
        assert cpu_seconds(edge) - cpu < CPU_SECONDS
    assert refusals(n) == {"relay header missing": 1}
    log_is_clean(n)


def test_the_smallest_limits_work(tmp_path):
    with start(tmp_path, input_max="1K", output_max="1K", memory_per_session="16K", transcript_max="0") as n:
        edge = n.roles()["edge.0"]
        reasons = {}
        for pieces in ([], lines("echo " + "a" * 600), lines("cat /bin/busybox"), lines("echo a") * 100, lines("a=" + "a" * 500, "b=$a$a$a; c=$b$b$b")):
            with town.Telnet(n.port, timeout=60) as visitor:
                visitor.login()
                try:
                    for piece in [*pieces, b"exit\r\n"]:
                        visitor.say(piece)
                    while visitor.socket.recv(65536):
                        pass
                except (BrokenPipeError, ConnectionResetError):
                    pass
                reasons[pieces[0][:20] if pieces else b""] = ending(n, port_of(visitor))
        assert n.roles()["edge.0"] == edge
    assert list(reasons.values()) == ["logout", OUTPUT, OUTPUT, OUTPUT, "logout"], reasons
    log_is_clean(n)


# ---- relays ----


def proxy_v1(source="192.0.2.7", destination="198.51.100.1", ports="40000 23", family="TCP4"):
    return f"PROXY {family} {source} {destination} {ports}\r\n".encode()


V2 = b"\r\n\r\n\0\r\nQUIT\n"


def proxy_v2(command=0x21, family=0x11, body=None):
    if body is None:
        body = socket.inet_aton("192.0.2.8") + socket.inet_aton("198.51.100.1") + struct.pack(">HH", 40001, 23)
    return V2 + bytes([command, family]) + struct.pack(">H", len(body)) + body


def refusals(n):
    """{reason: connections}; as records, once the program has stopped."""
    found = {}
    for reason, count in rows(n, "refusal", "event_reason, noroshi_count"):
        found[reason] = found.get(reason, 0) + count
    return found


def refused(n):
    return [row for row in n.report("pipeline") if row["stream"] == "total"][0]["refused"]


def seen_of(port, data=b"", source=None, slowly=False, host="127.0.0.1"):
    """What somebody who only sends this is answered before the end of the connection, up to a login prompt."""
    seen = b""
    with socket.create_connection((host, port), 60, source_address=(source, 0) if source else None) as s:
        try:
            for piece in [data[i : i + 1] for i in range(len(data))] if slowly else [data]:
                s.sendall(piece)
            while b"login: " not in seen:
                more = s.recv(4096)
                if not more:
                    break
                seen += more
        except ConnectionResetError:
            pass
    return seen


def test_relays_are_believed_and_nobody_else(tmp_path):
    plain, relayed = town.free_port(), town.free_port()
    listeners = (f'[{{service: telnet, listen: "127.0.0.1:{plain}", profile: router}},'
                 f' {{service: telnet, listen: "127.0.0.1:{relayed}", profile: router, relays: ["127.0.0.0/16"]}}]')
    six = socket.inet_pton(socket.AF_INET6, "2001:db8::7") + socket.inet_pton(socket.AF_INET6, "2001:db8::1") + struct.pack(">HH", 40002, 23)
    good = {
        ("192.0.2.7", 40000): proxy_v1(),
        ("2001:db8::9", 40003): proxy_v1("2001:db8::9", "2001:db8::1", "40003 23", "TCP6"),
        ("192.0.2.8", 40001): proxy_v2(),
        ("2001:db8::7", 40002): proxy_v2(family=0x21, body=six),
        ("192.0.2.10", 40004): proxy_v2(body=socket.inet_aton("192.0.2.10") + socket.inet_aton("198.51.100.1") + struct.pack(">HH", 40004, 23) + b"\x04\0\x01x" * 100),
    }
    own_word = [b"PROXY UNKNOWN\r\n", b"PROXY UNKNOWN ffff:: ffff:: 1 2\r\n", proxy_v2(command=0x20), proxy_v2(family=0x31, body=b"/x" * 108)]
    bad = [
        proxy_v1("999.0.2.7"), proxy_v1(ports="99999 23"), proxy_v1(ports="-1 23"), proxy_v1(ports="1 23 4"), proxy_v1(family="TCP6"), proxy_v1("\x1b[2J"),
        b"PROXY TCP4 " + b"1" * 100000, b"PROXY TCP4 \r\r\n", proxy_v2(command=0x31), proxy_v2(command=0x2F), proxy_v2(family=0xFF), proxy_v2(body=b"short"),
        V2 + b"\x21\x11\xff\xff" + b"x" * 65535,
    ]
    missing = [b"root\r\n", b"\r\n\r\n\r\n", b"\0", IAC + b"\xfd\x01", b"PROXYTCP4 ", b"GET / HTTP/1.0\r\n\r\n"]
    with start(tmp_path, listeners=listeners) as n:
        edge = n.roles()["edge.0"]
        for header in [*good.values(), *own_word]:
            assert b"login: " in seen_of(relayed, header + b"root\r\n", source="127.0.0.2"), header
        assert b"login: " in seen_of(relayed, proxy_v2(), source="127.0.0.3", slowly=True)
        for header in [*bad, *missing]:
            assert seen_of(relayed, header, source="127.0.0.2") == b"", header
        for header in (proxy_v1(), proxy_v2(), b"root\r\n", b""):
            assert seen_of(relayed, header, source="127.1.0.2") == b""
        for header in (proxy_v1(), proxy_v2()):
            seen_of(plain, header)
            with socket.create_connection(("127.0.0.1", plain), 60) as s:
                s.sendall(header)
                while s.recv(4096):
                    pass
        for header in (b"PROXY", b"PROXY TCP4 192.0.2.7", V2[:11], proxy_v2()[:20]):  # gone in the middle
            with socket.create_connection(("127.0.0.1", relayed), 60, source_address=("127.0.0.2", 0)) as s:
                s.sendall(header)
        assert b"login: " in seen_of(plain)
        assert n.roles()["edge.0"] == edge
    log_is_clean(n)
    expected = {"relay header malformed": len(bad), "relay header missing": len(missing) + 4, "not a relay": 4, "relay header unexpected": 4}
    assert refusals(n) == expected
    assert refused(n) == sum(expected.values())
    found = {(address(packed), port) for packed, port in rows(n, "connection", "source_ip, source_port", "noroshi_relay_ip IS NOT NULL")}
    assert set(good) <= found
    assert rows(n, "session", "count(*)", "event_reason = 'relay header unexpected'") == [(4,)]
    # Somebody who speaks for himself alone is recorded as himself.
    assert len(rows(n, "connection", "1", "noroshi_relay_ip IS NOT NULL")) == len(good) + len(own_word) + 1


def address(packed):
    return socket.inet_ntop(socket.AF_INET if len(packed) == 4 else socket.AF_INET6, packed)


# ---- limits ----


def is_served(visitor):
    try:
        return visitor.until(b"login: ") is not None
    except ConnectionResetError:
        return False


def test_refused_connections_are_counted_one_by_one(tmp_path):
    first, second = town.free_port(), town.free_port()
    listeners = "[" + ", ".join(f'{{service: telnet, listen: "127.0.0.1:{port}", profile: router}}' for port in (first, second)) + "]"
    with start(tmp_path, listeners=listeners, connections_per_peer=8, connections_per_service=16, connections=24) as n:
        edge = n.roles()["edge.0"]
        visitors = []

        def come(port, source, count):
            made = [town.Telnet(port, timeout=60, source=(source, 0)) for _ in range(count)]
            served = [visitor for visitor in made if is_served(visitor)]
            visitors.extend(served)
            return len(served)

        assert come(first, "127.0.0.2", 13) == 8  # 5 over the limit of one address
        assert come(second, "127.0.0.2", 2) == 0  # wherever it comes to
        assert come(first, "127.0.0.3", 8) == 8
        assert come(first, "127.0.0.4", 3) == 0   # over the limit of the service
        assert come(second, "127.0.0.5", 8) == 8
        assert come(second, "127.0.0.6", 4) == 0  # over the limit of all
        for visitor in visitors[:8]:
            visitor.socket.shutdown(socket.SHUT_WR)
            while visitor.socket.recv(4096):
                pass
        assert come(first, "127.0.0.2", 2) == 2  # there is room again
        assert n.roles()["edge.0"] == edge
        for visitor in visitors:
            visitor.close()
    assert refusals(n) == {"peer limit": 7, "service limit": 3, "global limit": 4}
    assert refused(n) == 14
    total = [row for row in n.report("pipeline") if row["stream"] == "total"][0]
    assert total["accepted"] == total["stored"] == 26
    log_is_clean(n)


def test_a_peer_behind_a_relay_is_limited_by_his_own_address(tmp_path):
    port = town.free_port()
    listeners = f'[{{service: telnet, listen: "127.0.0.1:{port}", profile: router, relays: ["127.0.0.1/32"]}}]'
    with start(tmp_path, listeners=listeners, connections_per_peer=2) as n:
        visitors = []
        for source, served in [("192.0.2.7", True), ("192.0.2.7", True), ("192.0.2.7", False), ("192.0.2.8", True)]:
            visitor = town.Telnet(port, timeout=60)
            visitor.say(proxy_v1(source))
            assert is_served(visitor) == served
            visitors.append(visitor)
        for visitor in visitors:
            visitor.close()
    assert refusals(n) == {"peer limit": 1}


FILES_MAX = 64


def few_files():
    """For the program alone: even root may not raise the limit again."""
    if os.geteuid() == 0:
        ctypes.CDLL(None).prctl(24, 24, 0, 0, 0)  # PR_CAPBSET_DROP, CAP_SYS_RESOURCE
    resource.setrlimit(resource.RLIMIT_NOFILE, (FILES_MAX, FILES_MAX))


def test_running_out_of_descriptors_is_survived_and_counted(tmp_path):
    with start(tmp_path, before=few_files) as n:
        edge = n.roles()["edge.0"]
        neighbour = town.Telnet(n.port, timeout=60)
        neighbour.login()
        visitors = [town.Telnet(n.port, timeout=60) for _ in range(2 * FILES_MAX)]
        served = [visitor for visitor in visitors if is_served(visitor)]
        assert 0 < len(served) < FILES_MAX
        neighbour.say(b"echo still-$((40+2))\r\n")
        assert neighbour.until(b"\nstill-42\r\n") is not None
        cpu = cpu_seconds(edge)
        time.sleep(0.5)
        assert cpu_seconds(edge) - cpu < 0.25  # it does not turn in circles
        ports = [port_of(visitor) for visitor in served]
        for visitor in visitors:
            visitor.close()
        for port in ports:
            ending(n, port)
        with town.Telnet(n.port, timeout=60) as late:
            late.login()
        neighbour.close()
        assert n.roles()["edge.0"] == edge
    assert refusals(n) == {"no descriptors": len(visitors) - len(served)}
    assert refused(n) == len(visitors) - len(served)
    log_is_clean(n)


def test_a_listener_of_version_six(tmp_path):
    if not pathlib.Path("/proc/net/if_inet6").exists():
        pytest.skip("this machine has no IPv6")
    port = town.free_port()
    listeners = f'[{{service: telnet, listen: "[::1]:{port}", profile: router}}]'
    with start(tmp_path, listeners=listeners, connections_per_peer=2) as n:
        with town.Telnet(port, host="::1", timeout=60) as visitor:
            visitor.login()
            visitor.say(b"echo still-$((40+2))\r\n")
            assert visitor.until(b"\nstill-42\r\n") is not None
            with town.Telnet(port, host="::1", timeout=60) as second, town.Telnet(port, host="::1", timeout=60) as third:
                assert is_served(second) and not is_served(third)
            source = port_of(visitor)
    session = [row for row in n.report("sessions") if row["source.port"] == source]
    assert [(row["source.ip"], row["destination.ip"], row["destination.port"]) for row in session] == [("::1", "::1", port)]
    assert refusals(n) == {"peer limit": 1}
