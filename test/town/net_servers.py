"""The scripted servers of one street: `net_servers.py LIST.json`, a list of {address, port, kind, …} as net_truth.py makes them. One process,
in the street's network namespace. Prints "ready" when all listen."""

import asyncio
import json
import socket
import struct
import sys


async def until_closed(reader):
    while await reader.read(4096):
        pass


async def talk_say(service, reader, writer):
    writer.write(service["text"].encode("latin-1"))
    await until_closed(reader)


async def talk_page(service, reader, writer):
    await reader.readuntil(b"\r\n\r\n")
    writer.write(service["text"].encode())


async def talk_modbus(service, reader, writer):
    while True:
        transaction, protocol, length, unit = struct.unpack(">HHHB", await reader.readexactly(7))
        question = await reader.readexactly(length - 1)
        if question[:2] == b"\x2b\x0e":
            objects = b"".join(bytes([number, len(text)]) + text.encode() for number, text in enumerate(service["identity"]))
            answer = b"\x2b\x0e\x01\x01\x00\x00" + bytes([len(service["identity"])]) + objects
        else:
            answer = bytes([question[0] | 0x80, 1])
        writer.write(struct.pack(">HHHB", transaction, protocol, len(answer) + 1, unit) + answer)


def tpkt(payload):
    return struct.pack(">BBH", 3, 0, len(payload) + 4) + payload


def module_record(number, order, version):
    """28 bytes of list 0x0011: index, order number, type, version."""
    return struct.pack(">H20sHHH", number, order.ljust(20).encode(), 0, *version)


async def talk_s7(service, reader, writer):
    major, minor, patch = [int(part) for part in service["firmware"].split(".")]
    order = service["order"]
    while True:
        _, _, length = struct.unpack(">BBH", await reader.readexactly(4))
        question = await reader.readexactly(length - 4)
        if question[1] == 0xE0:
            writer.write(tpkt(bytes([17, 0xD0]) + question[4:6] + b"\x00\x01\x00" + question[7:]))
        elif question[4] == 1:
            writer.write(tpkt(b"\x02\xf0\x80\x32\x03\x00\x00" + question[7:9] + b"\x00\x08\x00\x00\x00\x00\xf0\x00\x00\x01\x00\x01\x00\xf0"))
        else:
            records = module_record(1, order, (1, 1)) + module_record(6, order, (1, 1)) + module_record(7, order, (0x5600 | major, minor << 8 | patch))
            data = struct.pack(">HHHH", 0x11, 0, 28, 3) + records
            body = b"\x00\x01\x12\x08\x12\x84\x01\x01\x00\x00\x00\x00" + struct.pack(">BBH", 0xFF, 9, len(data)) + data
            writer.write(tpkt(b"\x02\xf0\x80\x32\x07\x00\x00" + question[7:9] + struct.pack(">HH", 12, len(body) - 12) + body))


async def talk_fox(service, reader, writer):
    await reader.readuntil(b"};;\n")
    lines = ["fox.version=s:1.0", "id=i:1", "hostName=s:station", "hostAddress=s:192.0.2.10", "app.name=s:Station", f"app.version=s:{service['version']}",
             "vm.name=s:Java HotSpot(TM) Client VM", "os.name=s:QNX", "os.version=s:6.4.1", "lang=s:en", f"brandId=s:{service['brand']}", "hostId=s:Qnx-NPM6E-0000-0000-0000"]
    writer.write(("fox a 0 -1 fox hello\n{\n" + "\n".join(lines) + "\n};;\n").encode())
    await until_closed(reader)


TALKS = {"say": talk_say, "page": talk_page, "modbus": talk_modbus, "s7": talk_s7, "fox": talk_fox}


def bacnet_text(number, text):
    data = b"\x00" + text.encode()
    length = bytes([0x70 | len(data)]) if len(data) < 5 else bytes([0x75, len(data)])
    return bytes([0x29, number, 0x4E]) + length + data + b"\x4f"


def bacnet_answer(service, question):
    """To ReadPropertyMultiple of the device object: vendor, model, firmware."""
    if question[:2] != b"\x81\x0a" or question[6] >> 4 != 0:
        return None
    values = bacnet_text(121, service["vendor"]) + bacnet_text(70, service["model"]) + bacnet_text(44, service["firmware"])
    apdu = bytes([0x30, question[8], 14]) + b"\x0c\x02\x00\x00\x01\x1e" + values + b"\x1f"
    return b"\x81\x0a" + struct.pack(">H", 6 + len(apdu)) + b"\x01\x00" + apdu


class Datagrams(asyncio.DatagramProtocol):
    def __init__(self, service):
        self.service = service

    def connection_made(self, transport):
        self.transport = transport

    def datagram_received(self, data, peer):
        if answer := bacnet_answer(self.service, data):
            self.transport.sendto(answer, peer)


def bound(service):
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM if service.get("udp") else socket.SOCK_STREAM)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if service.get("ttl"):
        s.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, service["ttl"])  # accepted sockets and SYN-ACKs take it over
    s.bind((service["address"], service["port"]))
    s.setblocking(False)
    return s


async def serve(service):
    if service.get("udp"):
        return await asyncio.get_running_loop().create_datagram_endpoint(lambda: Datagrams(service), sock=bound(service))

    async def talk(reader, writer):
        try:
            await asyncio.wait_for(TALKS[service["kind"]](service, reader, writer), 60)
            await writer.drain()
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, asyncio.TimeoutError, struct.error, IndexError):
            pass
        writer.close()

    return await asyncio.start_server(talk, sock=bound(service))


async def main(path):
    with open(path) as file:
        services = json.load(file)
    kept = [await serve(service) for service in services]
    print("ready", flush=True)
    await asyncio.Event().wait()
    return kept


asyncio.run(main(sys.argv[1]))
