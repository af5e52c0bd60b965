"""A plain WHOIS client for the farm's own tests, and what the tests of contacts share."""

import contextlib
import socket

import farm_truth


def whois(server, query, port=43, timeout=5, enough=1 << 20):
    """The reply, at most about `enough` bytes of it; what came until `timeout` seconds of silence."""
    with socket.create_connection((farm_truth.ADDRESS_OF[server], port), timeout) as s:
        s.sendall(query.encode() + b"\r\n")
        data = b""
        with contextlib.suppress(socket.timeout):
            while len(data) < enough:
                more = s.recv(65536)
                if not more:
                    break
                data += more
    return data


def first_server(block):
    return {"ARIN": "whois.arin.net", "RIPE": "whois.ripe.net", "APNIC": "whois.apnic.net", "LACNIC": "whois.lacnic.net",
            "AFRINIC": "whois.afrinic.net"}[block.pool]


def question(server, what):
    """In the form that registry expects."""
    whose = farm_truth.SERVERS.get(server, "RWHOIS")
    return {"ARIN": f"n + {what}", "RIPE": f"-r {what}", "AFRINIC": f"-B {what}", "JPNIC": f"{what}/e"}.get(whose, what)


TYPES = {"A": 1, "NS": 2, "SOA": 6, "PTR": 12, "MX": 15, "TXT": 16}


def name_at(message, at):
    """(a name, where it ends)"""
    labels, end = [], None
    while message[at]:
        if message[at] >= 0xC0:
            end = end or at + 2
            at = (message[at] & 0x3F) << 8 | message[at + 1]
            continue
        labels.append(message[at + 1:at + 1 + message[at]].decode())
        at += 1 + message[at]
    return ".".join(labels), end or at + 1


def dns(kind, name, resolver=farm_truth.RESOLVER):
    """What is answered, as texts: addresses, names, an SOA's mailbox, an MX's preference and host."""
    question = b"".join(bytes([len(label)]) + label.encode() for label in name.split(".")) + b"\0" + TYPES[kind].to_bytes(2, "big") + b"\0\1"
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.settimeout(3)
        s.sendto(b"\x10\x01\x01\0\0\1\0\0\0\0\0\0" + question, (resolver, 53))
        message = s.recv(4096)
    found, at = [], 12 + len(question)
    for _ in range(int.from_bytes(message[6:8], "big")):
        _, at = name_at(message, at)
        type_, length = int.from_bytes(message[at:at + 2], "big"), int.from_bytes(message[at + 8:at + 10], "big")
        at += 10
        if type_ == TYPES[kind]:
            found.append({"A": lambda: socket.inet_ntoa(message[at:at + 4]), "NS": lambda: name_at(message, at)[0], "PTR": lambda: name_at(message, at)[0],
                          "SOA": lambda: name_at(message, name_at(message, at)[1])[0], "TXT": lambda: message[at + 1:at + length].decode(),
                          "MX": lambda: f"{int.from_bytes(message[at:at + 2], 'big')} {name_at(message, at + 2)[0]}"}[kind]())
        at += length
    return found
