"""Servers that are probed: any number of addresses of 127.0.0.0/8 at one port, each behaving as it is told, every connection counted; and a
capture of what passes the loopback interface."""

import asyncio
import collections
import itertools
import random
import socket
import struct
import threading
import time

SO_BINDTODEVICE = 25
SOL_PACKET, PACKET_OUTGOING, PACKET_STATISTICS = 263, 4, 6

# One connection a server met.
Meeting = collections.namedtuple("Meeting", "time address port source source_port")


class Quarter:
    """`with Quarter() as q: port = q.open(talk)`: from then on 127.x.y.z:port behaves as talk(reader, writer, meeting)."""

    def __init__(self):
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.met = []      # Meetings in their order
        self.ends = {}     # Meeting -> "fin" or "reset", however the client took leave; missing while it has not
        self.talks = {}    # (address, port) -> talk
        self.usual = {}    # port -> talk
        self.servers = []

    def run(self):
        asyncio.set_event_loop(self.loop)
        self.loop.run_forever()

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        asyncio.run_coroutine_threadsafe(self.end(), self.loop).result(30)
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(30)
        self.loop.close()

    async def end(self):
        for server in self.servers:
            server.close()
        mine = asyncio.current_task()
        tasks = [task for task in asyncio.all_tasks() if task is not mine]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def open(self, talk, port=0, ttl=None):
        """Every address of the loopback interface at that port, and no other interface's."""
        s = socket.socket()
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        s.setsockopt(socket.SOL_SOCKET, SO_BINDTODEVICE, b"lo")
        if ttl:
            s.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, ttl)
        s.bind(("0.0.0.0", port))
        s.listen(4096)
        s.setblocking(False)
        port = s.getsockname()[1]
        self.usual[port] = talk

        async def serve():
            self.servers.append(await asyncio.start_server(self.meet, sock=s, limit=1 << 20))
        asyncio.run_coroutine_threadsafe(serve(), self.loop).result(30)
        return port

    def behave(self, address, port, talk):
        self.talks[address, port] = talk

    async def meet(self, reader, writer):
        name, peer = writer.get_extra_info("sockname"), writer.get_extra_info("peername")
        if name is None or peer is None:  # reset before it was taken up: a connection all the same, whose peer nobody can tell
            writer.close()
            return
        meeting = Meeting(time.time(), name[0], name[1], *peer)
        self.met.append(meeting)
        try:
            await self.talks.get(name, self.usual[name[1]])(reader, writer, meeting)
            await writer.drain()
            while await reader.read(65536):
                pass
            self.ends[meeting] = "fin"
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            self.ends[meeting] = "fin" if reader.at_eof() and reader.exception() is None else "reset"
        finally:
            writer.close()

    def count(self, address=None, port=None):
        return len([m for m in self.met if address in (None, m.address) and port in (None, m.port)])

    def by_port(self):
        """{(address, port): connections}"""
        return collections.Counter((m.address, m.port) for m in self.met)


# ---- how a server behaves ----


def says(text, after=0.0):
    """A greeting, and nothing more."""
    async def talk(reader, writer, meeting):
        await asyncio.sleep(after)
        writer.write(text)
    return talk


def page(status=b"200 OK", headers=(), body=b"<html><title>page</title></html>"):
    """Whatever is asked for, HTTP answers this, and closes."""
    async def talk(reader, writer, meeting):
        await reader.readuntil(b"\r\n\r\n")
        lines = [b"HTTP/1.1 " + status, *headers, b"Content-Length: %d" % len(body), b"Connection: close"]
        writer.write(b"\r\n".join(lines) + b"\r\n\r\n" + body)
        writer.write_eof()
    return talk


async def silent(reader, writer, meeting):
    pass


def answers(first, pieces):
    """Waits for a question when `first` is False, then sends the pieces, as fast as they are taken: bytes, or a number of seconds to wait."""
    async def talk(reader, writer, meeting):
        if not first and not await reader.read(65536):
            return
        for piece in pieces():
            if isinstance(piece, bytes):
                writer.write(piece)
                await writer.drain()
                piece = 0
            await asyncio.sleep(piece)
    return talk


def endless(block):
    return lambda: itertools.repeat(block)


def slow(block, seconds):
    return lambda: itertools.chain.from_iterable(itertools.repeat((block, seconds)))


def storm():
    """Telnet options that never end, every option in every verb, and subnegotiations in between."""
    chance = random.Random(1)
    while True:
        yield b"".join(bytes([255, chance.choice((251, 252, 253, 254)), chance.randrange(256)]) for _ in range(2000)) + b"\xff\xfa\x18\x01\xff\xf0" * 50


class Modbus:
    """Counts what it is asked; answers the identification unless it is told to be silent."""

    def __init__(self, identity=(b"Example Works", b"EX-7", b"V2.3"), mute=False):
        self.identity, self.mute = identity, mute
        self.requests = []  # (address, function and what follows)

    async def talk(self, reader, writer, meeting):
        while head := await reader.read(1):
            head += await reader.readexactly(6)
            transaction, protocol, length, unit = struct.unpack(">HHHB", head)
            question = await reader.readexactly(length - 1)
            self.requests.append((meeting.address, question))
            if self.mute:
                continue
            objects = b"".join(bytes([number, len(text)]) + text for number, text in enumerate(self.identity))
            answer = b"\x2b\x0e\x01\x01\x00\x00" + bytes([len(self.identity)]) + objects
            writer.write(struct.pack(">HHHB", transaction, protocol, len(answer) + 1, unit) + answer)


# ---- what passes ----

FIN, SYN, RST, PSH, ACK = 1, 2, 4, 8, 16
Packet = collections.namedtuple("Packet", "time source source_port destination destination_port protocol flags sequence length")


class Capture:
    """`with Capture() as seen:` every IPv4 packet of the loopback interface of this network namespace, once."""

    def __init__(self):
        self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(3))
        self.socket.setsockopt(socket.SOL_SOCKET, 33, 64 << 20)  # SO_RCVBUFFORCE
        self.socket.bind(("lo", 3))
        self.socket.settimeout(0.1)
        self.packets = []
        self.ending = False
        self.thread = threading.Thread(target=self.read, daemon=True)

    def read(self):
        while True:
            try:
                data, where = self.socket.recvfrom(65535)
            except socket.timeout:
                if self.ending:
                    return
                continue
            if where[2] == PACKET_OUTGOING or len(data) < 20 or data[0] >> 4 != 4:  # each packet passes twice
                continue
            head = (data[0] & 15) * 4
            source_port, port, sequence, length, flags = 0, 0, 0, 0, 0
            if data[9] in (6, 17) and len(data) >= head + 8:
                source_port, port = struct.unpack_from(">HH", data, head)
            if data[9] == 6 and len(data) >= head + 20:
                sequence, flags = struct.unpack_from(">I", data, head + 4)[0], data[head + 13]
                length = struct.unpack_from(">H", data, 2)[0] - head - (data[head + 12] >> 4) * 4
            self.packets.append(Packet(time.time(), socket.inet_ntoa(data[12:16]), source_port, socket.inet_ntoa(data[16:20]), port, data[9], flags,
                                       sequence, length))

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        time.sleep(0.3)
        self.ending = True
        self.thread.join()
        lost = struct.unpack("II", self.socket.getsockopt(SOL_PACKET, PACKET_STATISTICS, 8))[1]
        self.socket.close()
        assert lost == 0, f"{lost} packets were not seen"

    def of(self, address):
        """Packets from or to it, ICMP about it included."""
        return [p for p in self.packets if address in (p.source, p.destination)]

    def begun(self, port):
        """SYNs to that port, repetitions included."""
        return [p for p in self.packets if p.protocol == 6 and p.destination_port == port and p.flags & (SYN | ACK) == SYN]
