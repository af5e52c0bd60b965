"""The registries' WHOIS servers, all of them in one process, each in its own form and with its own patience. `farm.py CONFIG.json` serves ports 43 and
4321 of whatever address it is asked at, prints `ready`, and answers `stats` on the socket farm.sock of the configuration's folder.

A registry counts as it says (farm_truth.LIMITS) on a clock that runs `speed` times as fast as the wall's. Who asks too much is told so, and not
answered for a while; who goes on is shut out for ever. What is counted over quota is what a real registry would have refused."""

import collections
import json
import os
import pathlib
import select
import socket
import sys
import threading
import time

import farm_replies
import farm_truth

MINUTE, DAY = 60 * 10**6, 86400 * 10**6
# Rates are counted over ten minutes, so that a few milliseconds on a busy machine are no violation when the clock is a thousand times too fast.
WINDOW = 10
DENIED = "%ERROR:201: access denied for 10.78.0.1\n%\n% {}\n% For more information, see\n% https://docs.db.ripe.net/FAQ/#why-did-i-receive-an-error-201-access-denied\n\n"
PASSED = DENIED.format("Queries from your IP address have passed the daily limit of controlled objects.\n"
                       "% Access from your host has been temporarily denied.")
TOO_MUCH = {"RIPE": PASSED, "AFRINIC": PASSED, "APNIC": PASSED, "ARIN": "\n#\n# Query rate limit exceeded. Please try again later.\n#\n",
            "LACNIC": "\n% Query rate limit exceeded\n\n", "NIC.br": "\n% Query rate limit exceeded.\n\n",
            "JPNIC": "[ Query refused: too many requests from your host. Please try again later. ]\n",
            "KRNIC": "# ENGLISH\n\nQuery rate limit exceeded. Please try again later.\n"}
# The line ends where it does.
NEVER_AGAIN = {"RIPE": DENIED.format("Sorry, access from your host has been permanently\n% denied because of a repeated excessive querying.")}
HOSTILE = {"rwhois.endless-talk.net": "endless", "rwhois.slow-talk.net": "slow", "rwhois.ring-one.net": "ring", "rwhois.ring-two.net": "ring",
           "rwhois.zero-bytes.net": "zeros", "rwhois.mute-talk.net": "mute"}


class Account:
    """What one registry knows of us."""

    def __init__(self, limit):
        self.limit = limit
        self.times, self.days, self.personal = collections.deque(), collections.deque(), collections.deque()
        self.personal_sum = 0
        self.open = self.most_open = self.queries = self.over = self.asked_while_shut = self.personal_all = 0
        self.shut_until = 0
        self.banned = False
        self.distinct, self.reasons = set(), []

    def exceeded(self, now, reason):
        self.over += 1
        self.reasons.append(reason)
        self.shut_until = max(self.shut_until, now + (DAY if reason == "personal" else 5 * MINUTE))
        if self.over >= self.limit.bans_after:
            self.banned = True

    def admit(self, now):
        """Whether a query that came now may be answered."""
        if self.banned or now < self.shut_until:
            self.asked_while_shut += 1
            if not self.banned:
                self.exceeded(now, "shut")
            return False
        for times, span, most, reason in ((self.times, WINDOW * MINUTE, WINDOW * self.limit.per_minute, "rate"), (self.days, DAY, self.limit.per_day, "day")):
            while times and times[0] <= now - span:
                times.popleft()
            if most and len(times) >= most:
                self.exceeded(now, reason)
                return False
        self.times.append(now)
        if self.limit.per_day:
            self.days.append(now)
        return True

    def take_personal(self, now, count):
        while self.personal and self.personal[0][0] <= now - DAY:
            self.personal_sum -= self.personal.popleft()[1]
        if self.limit.personal_per_day and count and self.personal_sum + count > self.limit.personal_per_day:
            self.exceeded(now, "personal")
            return False
        if count:
            self.personal.append((now, count))
        self.personal_sum += count
        self.personal_all += count
        return True

    def forgive(self):
        self.banned, self.shut_until = False, 0
        self.times.clear()
        self.days.clear()

    def stats(self):
        return {"queries": self.queries, "distinct": len(self.distinct), "over": self.over, "reasons": self.reasons, "banned": self.banned,
                "asked_while_shut": self.asked_while_shut,
                "personal": self.personal_all, "most_open": self.most_open}


class Connection:
    def __init__(self, s, server, whose, account, when):
        self.socket, self.server, self.whose, self.account, self.when = s, server, whose, account, when
        self.got, self.out, self.after, self.sent = b"", b"", "close", 0


class Farm:
    def __init__(self, config):
        self.config = config
        self.world = farm_truth.World(**config["world"])
        self.speed = config.get("speed", 1)
        self.limits = {**farm_truth.LIMITS, **{name: farm_truth.Limit(**limit) for name, limit in config.get("limits", {}).items()}}
        self.accounts, self.connections, self.slow = {}, {}, []
        self.poll = select.epoll()
        self.log = open(pathlib.Path(config["folder"]) / "queries.log", "w", buffering=1 << 16)
        self.listeners = {}
        for port in (43, 4321):
            s = socket.socket()
            s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            s.bind(("0.0.0.0", port))
            s.listen(4096)
            s.setblocking(False)
            self.listeners[s.fileno()] = s
            self.poll.register(s, select.EPOLLIN)

    def now(self):
        return int(time.time() * 1e6 * self.speed)

    def account(self, whose, server):
        key = server if whose in ("REGISTRAR", "RWHOIS") else whose
        if key not in self.accounts:
            self.accounts[key] = Account(self.limits.get(whose, farm_truth.DEFAULT_LIMIT))
        return self.accounts[key]

    # ---- connections ----

    def accept(self, listener):
        while True:
            try:
                s, _ = listener.accept()
            except BlockingIOError:
                return
            s.setblocking(False)
            address, port = s.getsockname()
            server = farm_truth.NAME_OF.get(address, "")
            whose = "RWHOIS" if port == 4321 else farm_truth.SERVERS.get(server)
            if not server or whose is None:
                s.close()
                continue
            account = self.account(whose, server)
            account.open += 1
            account.most_open = max(account.most_open, account.open)
            connection = self.connections[s.fileno()] = Connection(s, server, whose, account, self.now())
            self.poll.register(s, select.EPOLLIN)
            if account.open > account.limit.at_once:
                account.exceeded(connection.when, "at once")
                text = f"%ERROR:306: connections exceeded\n%\n% Number of connections from a single IP address\n% has exceeded the maximum number allowed ({account.limit.at_once}).\n\n"
                self.say(connection, text.encode())
            elif whose == "RWHOIS":
                connection.after = "query"
                self.say(connection, f"%rwhois V-1.5:003fff:00 {server} (by Network Solutions, Inc. V-1.5.9.6)\r\n".encode())

    def close(self, connection):
        if self.connections.pop(connection.socket.fileno(), None) is not None:
            connection.account.open -= 1
            self.poll.unregister(connection.socket)
        connection.socket.close()

    def say(self, connection, data):
        connection.out += data
        self.write(connection)

    def write(self, connection):
        try:
            count = connection.socket.send(connection.out)
        except BlockingIOError:
            count = 0
        except OSError:
            return self.close(connection)
        connection.out = connection.out[count:]
        connection.sent += count
        if connection.after == "endless" and len(connection.out) < 4096 and connection.sent < 1 << 30:
            connection.out += b"network:Comment:and so on, and so on, and so on\r\n" * 1000
        if connection.out:
            self.poll.modify(connection.socket, select.EPOLLOUT)
        elif connection.after == "query":
            connection.after = "close"
            self.poll.modify(connection.socket, select.EPOLLIN)
        elif connection.after == "close":
            self.close(connection)

    def read(self, connection):
        try:
            data = connection.socket.recv(4096)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            return self.close(connection)
        connection.got += data
        while b"\n" in connection.got:
            line, connection.got = connection.got.split(b"\n", 1)
            text = line.decode("utf-8", "replace").strip()
            if connection.whose == "RWHOIS" and text.startswith("-rwhois"):
                continue
            return self.answer(connection, text)

    def answer(self, connection, query):
        account = connection.account
        account.queries += 1
        account.distinct.add((connection.server, query))
        now = self.now()
        if not account.admit(now):
            state = "banned" if account.banned else "limited"
            text = NEVER_AGAIN if account.banned else TOO_MUCH
            data = text.get(connection.whose, TOO_MUCH.get(connection.whose, "% Query rate limit exceeded. Please try again later.\n")).encode()
        elif connection.server in HOSTILE:
            state = HOSTILE[connection.server]
            self.be_hostile(connection, state, query)
            data = None
        else:
            data, personal = farm_replies.reply(self.world, connection.whose, connection.server, query)
            state = "good"
            if not account.take_personal(now, personal):
                state, data = "limited", TOO_MUCH.get(connection.whose, "% denied\n").encode()
        self.log.write(f"{now} {connection.whose} {connection.server} {state} {query}\n")
        if data is not None:
            self.say(connection, data)

    def be_hostile(self, connection, state, query):
        if state == "ring":
            other = "rwhois.ring-two.net" if "one" in connection.server else "rwhois.ring-one.net"
            area = ".".join(query.split()[-1].split("/")[0].split(".")[:3]) + ".0/24"
            self.say(connection, f"network:Class-Name:network\r\n%referral rwhois://{other}:4321/auth-area={area}\r\n%ok\r\n".encode())
        elif state == "zeros":
            self.say(connection, b"network:Abuse-Contact;I:ab\0use@ze\0ro.net\r\n\0\0\0\xff\xfe\xe2\x80\xaenetwork:Comment:\xc3\r\n" + bytes(2000)
                     + b"%ok\r\n")
        elif state == "endless":
            connection.after = "endless"
            self.say(connection, b"network:Class-Name:network\r\n")
        elif state == "slow":
            connection.after = "slow"
            self.slow.append(connection)
        else:
            connection.after = "mute"

    def tick(self):
        for connection in list(self.slow):
            if connection.socket.fileno() < 0 or connection.sent > 10000:
                self.slow.remove(connection)
            else:
                self.say(connection, b"n")

    def run(self):
        threading.Thread(target=self.control, daemon=True).start()
        print("ready", flush=True)
        next_tick = time.monotonic() + 1
        while True:
            for fd, events in self.poll.poll(0.5):
                if fd in self.listeners:
                    self.accept(self.listeners[fd])
                elif fd in self.connections:
                    connection = self.connections[fd]
                    if events & select.EPOLLOUT:
                        self.write(connection)
                    else:
                        self.read(connection)
            if time.monotonic() >= next_tick:
                next_tick = time.monotonic() + 1
                self.tick()
                self.log.flush()

    # ---- what the test asks ----

    def control(self):
        path = str(pathlib.Path(self.config["folder"]) / "farm.sock")
        if os.path.exists(path):
            os.unlink(path)
        server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        server.bind(path)
        server.listen(8)
        while True:
            peer, _ = server.accept()
            with peer:
                words = peer.recv(4096).decode().split(None, 2)
                if words and words[0] == "limit":  # limit WHOSE JSON: from now on
                    limit = farm_truth.Limit(**json.loads(words[2]))
                    self.limits[words[1]] = limit
                    if words[1] in self.accounts:
                        self.accounts[words[1]].limit = limit
                elif words and words[0] == "forgive":  # WHOSE: the operator wrote to them
                    self.accounts[words[1]].forgive()
                peer.sendall(json.dumps({key: account.stats() for key, account in sorted(self.accounts.items())}).encode())


if __name__ == "__main__":
    Farm(json.loads(pathlib.Path(sys.argv[1]).read_text())).run()
