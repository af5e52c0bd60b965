"""Everybody is hostile: registries, name servers and web servers that do what they can against whoever asks them. `with HostilePlace(folder) as place:`
builds them in two network namespaces like farm_place.Place; what an address does follows from its last byte, see TARGETS. Run as a program it serves:
`farm_hostile.py FOLDER` prints `ready`."""

import asyncio
import contextlib
import gzip
import json
import pathlib
import socket
import ssl
import struct
import subprocess
import sys
import zlib

import farm_place
import farm_truth
import net

REGISTRY, OTHERS, RING_B = "10.79.0.10", "10.79.0.11", "10.79.0.12"  # of every registry's name; of the hosts they refer to
OWN = "10.78.0.1"  # who asks
BLOCK = "23.5.0."  # ARIN's, by the shipped tables
NASTY = "\x1b[2J\x1b]0;owned\x07\u202eevil\u2066\u200b\x00\x9b31m"  # screen, title, bidirectional text, NUL, C1
SHOWN = {0x1b, 0x07, 0x00, 0x7f, *range(0x80, 0xa0), *range(0x202a, 0x202f), *range(0x2066, 0x206a), 0x200e, 0x200f}  # must not be printed raw
HUGE = 100 << 20

# {last byte: what it does}, by the channel that meets it
WEB = {1: "endless", 2: "drip", 3: "large", 4: "gzip", 5: "deflate", 6: "br", 7: "nested", 8: "self", 9: "ping", 10: "to http://127.0.0.1/",
       11: "to http://169.254.169.254/latest/meta-data/", 12: "to file:///etc/passwd", 13: "to gopher://23.5.0.20:70/_x", 14: "to http://23.5.0.14:22/",
       15: "to http://10.0.0.5/", 16: f"to http://{OWN}/", 17: "robots", 18: "handshake", 19: "certificate", 20: "nasty", 21: "device", 22: "empty-gzip",
       23: "to http://[::ffff:127.0.0.1]/", 24: "to http://0x7f000001/", 25: "frames", 26: "head"}
WHOIS = {100: "whois://ring-a.hostile.net", 101: "whois://whois.arin.net", 102: "whois://n0.chain.net", 103: "whois://10.0.0.1",
         104: "whois://smtp.hostile.net:25", 105: "rwhois://ev\x1b[2Jil.hostile.net:4321", 106: "endless", 107: "drip", 108: "nasty",
         109: "rwhois://alias-a.hostile.net:4321", 110: "rwhois://meta.hostile.net:4321", 111: "rwhois://own.hostile.net:4321", 112: "zeros",
         113: "rwhois://mute.hostile.net:4321", 114: "whois://127.0.0.1"}
RDAP = {120: "nested", 121: "endless"}
ZONES = {130: "fat", 131: "many"}
DOMAINS = {"security-endless.net": "endless", "security-drip.net": "drip"}
ADDRESSES = {"ring-a.hostile.net": OTHERS, "ring-b.hostile.net": RING_B, "smtp.hostile.net": OTHERS, "mute.hostile.net": OTHERS,
             "meta.hostile.net": "169.254.169.254", "own.hostile.net": OWN}


def targets():
    return [BLOCK + str(n) for n in [*WEB, *WHOIS, *RDAP, *ZONES]]


# ---- names ----

def labels(name):
    return b"".join(bytes([len(label)]) + label.encode() for label in name.split(".") if label) + b"\0"


class Names(asyncio.DatagramProtocol):
    """Answers by itself: lies, loops, and more than fits."""

    def connection_made(self, transport):
        self.transport = transport

    def record(self, name, kind, data, ttl=0):
        return labels(name) + struct.pack(">HHIH", kind, 1, ttl, len(data)) + data

    def answers(self, name, kind):
        if name.startswith("alias-") and kind in (1, 28):
            other = name.replace("alias-a", "alias-x").replace("alias-b", "alias-a").replace("alias-x", "alias-b")
            return [self.record(name, 5, labels(other)), self.record(other, 5, labels(name))]
        if kind == 1 and name in ADDRESSES:
            return [self.record(name, 1, socket.inet_aton(ADDRESSES[name]))]
        if kind == 1 and name in farm_truth.RDAP:
            return [self.record(name, 1, socket.inet_aton(REGISTRY))]
        if kind == 1 and name.startswith(("whois.", "rwhois.")):
            return [self.record(name, 1, socket.inet_aton(REGISTRY))]
        if kind == 1 and name.endswith(".chain.net"):
            return [self.record(name, 1, socket.inet_aton(OTHERS))]
        if kind == 1 and name in DOMAINS:
            return [self.record(name, 1, socket.inet_aton(BLOCK + "200"))]
        if kind == 15 and name.endswith(("mail.net", "tp-link.com")):
            return [self.record(name, 15, b"\0\1" + labels("mx." + name))] * 500
        if kind == 1 and name.startswith("mx."):
            return [self.record(name, 1, socket.inet_aton("10.79.9.9"))]
        if kind == 16 and name.endswith("zone.hostile.net"):
            last = int(name.split(".")[0])
            if ZONES.get(last) == "fat":
                return [self.record(name, 16, (b"\xff" + b"a" * 255) * 240)]
            if ZONES.get(last) == "many":
                return [self.record(name, 16, bytes([40]) + f"abuse{n:05d}@mail.net and {NASTY}".encode("utf-8", "replace")[:40].ljust(40)) for n in range(900)]
        if kind == 12:
            return [self.record(name, 12, labels("www.-x-.hostile.net"))]
        return []

    def datagram_received(self, data, peer):
        at, parts = 12, []
        with contextlib.suppress(IndexError):
            while data[at]:
                parts.append(data[at + 1:at + 1 + data[at]].decode("latin-1").lower())
                at += 1 + data[at]
            kind = int.from_bytes(data[at + 1:at + 3], "big")
            found = self.answers(".".join(parts), kind)
            body, count = b"", 0
            for one in found:
                if len(body) + len(one) > 65000 - at:
                    break
                body, count = body + one, count + 1
            self.transport.sendto(data[:2] + (b"\x81\x80" if found else b"\x81\x83") + b"\0\1" + struct.pack(">HHH", count, 0, 0) + data[12:at + 5] + body, peer)


# ---- registries ----

def arin(address, more=""):
    low = address.rsplit(".", 1)[0]
    return (f"\n#\n# ARIN WHOIS data and services are subject to the Terms of Use\n#\n\nNetRange:       {address} - {address}\nCIDR:           {address}/32\n"
            f"NetName:        HOSTILE\nNetHandle:      NET-{low.replace('.', '-')}-1\nNetType:        Direct Allocation\nOrganization:   Hostile\n{more}\n"
            f"OrgName:        Hostile\nOrgId:          HOST-1\n\n")


async def whois(reader, writer):
    local, port = writer.get_extra_info("sockname")[:2]
    if port == 4321:
        writer.write(b"%rwhois V-1.5:003fff:00 hostile\r\n")
    line = (await asyncio.wait_for(reader.readline(), 30)).decode("latin-1").strip()
    address = next((word for word in line.replace("/", " ").split() if word.startswith(BLOCK)), BLOCK + "0")
    act = WHOIS.get(int(address.rsplit(".", 1)[1]), "")
    with open(whois.log, "a") as log:
        log.write(f"{local} {port} {address}\n")
    if local in (OTHERS, RING_B):
        await others(writer, address, act, "ring-a" if local == RING_B else "ring-b")
    elif "://" in act:
        writer.write(arin(address, f"ReferralServer:  {act}\nOrgAbuseEmail:  ").encode("latin-1"))
    elif act == "endless":
        await pour(writer, b"Comment:        and so on and so on\n" * 1000)
    elif act == "drip":
        await drip(writer)
    elif act == "nasty":
        mail = f"OrgAbuseEmail:  abuse@mail.net\nOrgTechEmail:   te{NASTY}ch@mail.net\nComment:        {NASTY} write to {NASTY}noc@mail.net{NASTY}\nOrgName: {NASTY}"
        writer.write(arin(address, mail).encode("utf-8"))
    elif act == "zeros":
        writer.write(bytes(200000) + b"\xff\xfe\xc3\x28\r\n" * 1000)
    else:
        writer.write(arin(address, "OrgAbuseEmail:  abuse@mail.net\n").encode())


async def others(writer, address, act, ring):
    """Who is referred to, and refers on."""
    if "mute" in act:
        await asyncio.sleep(60)
    elif "chain" in act:
        others.hop = getattr(others, "hop", 0) + 1
        writer.write(arin(address, f"ReferralServer:  whois://n{others.hop}.chain.net").encode())
    else:
        writer.write(arin(address, f"ReferralServer:  whois://{ring}.hostile.net").encode())


# ---- pages ----

async def pour(writer, part, most=1 << 40):
    sent = 0
    while sent < most and not writer.transport.is_closing():
        writer.write(part[:most - sent])
        sent += len(part)
        await writer.drain()
        await asyncio.sleep(0)  # others have their turn, however fast it is taken


async def drip(writer):
    while not writer.transport.is_closing():
        writer.write(b"x")
        await writer.drain()
        await asyncio.sleep(1)


def bombs():
    """{coding: bytes that become 256 MiB of zeros}"""
    zeros, made = bytes(1 << 20), {}
    for name, bits in (("gzip", 31), ("deflate", 15)):
        packer = zlib.compressobj(9, zlib.DEFLATED, bits)
        made[name] = b"".join(packer.compress(zeros) for _ in range(256)) + packer.flush()
    # 16 MiB of zeros in 26 bytes (RFC 7932)
    made["br"] = bytes.fromhex("cbffff3f002400e2b14072effff2ffff0f8004401c1680eefd1f")
    made["nested"] = gzip.compress(made["gzip"])
    return made


NASTY_PAGE = (f"<html><head><title>{NASTY}</title></head><body><p>{NASTY}<a href='mailto:web{NASTY}master@mail.net'>mail</a> Write to contact@mail.net "
              f"{NASTY}</p><a href='/contact{NASTY}'>Contact {NASTY}</a><form method=post action='/{NASTY}'><input name=name><input name=email>"
              f"<textarea name=message></textarea></form></body></html>")
DEVICE = ("<html><head><title>TP-LINK Wireless Router</title></head><body><form><input name=username><input type=password name=password></form>"
          "<p>Copyright TP-LINK</p></body></html>")


async def web(reader, writer, packed):
    local, port = writer.get_extra_info("sockname")[:2]
    head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 30)
    path = head.split(b" ")[1].decode("latin-1")
    host = next((line[5:].strip().decode("latin-1") for line in head.split(b"\r\n") if line[:5].lower() == b"host:"), "")
    act = WEB.get(int(local.rsplit(".", 1)[1]), "")

    def say(status, more, body=b""):
        writer.write(f"HTTP/1.1 {status}\r\n{more}Connection: close\r\n\r\n".encode() + body)
    if local == REGISTRY:
        await rdap(writer, path, say)
    elif host in DOMAINS:
        if "security.txt" not in path:
            say("404 Not Found", "Content-Length: 0\r\n")
            return
        say("200 OK", "Content-Type: text/plain\r\n")
        await (pour(writer, b"Contact: mailto:security@mail.net\n" * 2000) if DOMAINS[host] == "endless" else drip(writer))
    elif path == "/robots.txt" and act != "robots":
        say("404 Not Found", "Content-Length: 0\r\n")
    elif act == "robots":
        say("200 OK", "Content-Type: text/plain\r\n" + (f"Content-Length: {HUGE}\r\n" if path == "/robots.txt" else ""))
        if path == "/robots.txt":
            await pour(writer, b"User-agent: *\nDisallow: /private\n" + b"# and so on\n" * 5000, HUGE)
    elif act in packed:
        coding = "gzip, gzip" if act == "nested" else act
        say("200 OK", f"Content-Type: text/html\r\nContent-Encoding: {coding}\r\nContent-Length: {len(packed[act])}\r\n", packed[act])
        await writer.drain()
    elif act.startswith("to "):
        say("302 Found", f"Location: {act[3:]}\r\nContent-Length: 0\r\n")
    elif act == "self":
        say("302 Found", f"Location: {path}\r\nContent-Length: 0\r\n")
    elif act == "ping":
        say("302 Found", f"Location: {'http' if port == 443 else 'https'}://{local}/?{len(path)}\r\nContent-Length: 0\r\n")
    elif act in ("endless", "drip", "large", "empty-gzip"):
        say("200 OK", "Content-Type: text/html\r\n" + {"large": f"Content-Length: {HUGE}\r\n", "empty-gzip": "Content-Encoding: gzip\r\n"}.get(act, ""))
        if act == "empty-gzip":
            writer.write(b"\x1f\x8b\x08\0\0\0\0\0\0\3")
        await (drip(writer) if act == "drip" else pour(writer, b"\0\0\0\xff\xff" * 10000 if act == "empty-gzip" else b"<p>and so on " * 5000, HUGE))
    elif act == "frames":
        page = "".join(f"<iframe src='/{path.strip('/')}{n}'></iframe><a href='/contact{path.strip('/')}{n}'>Contact</a>" for n in range(5000))
        say("200 OK", f"Content-Type: text/html\r\nContent-Length: {len(page)}\r\n", page.encode())
    elif act == "head":
        await pour(writer, b"HTTP/1.1 200 OK\r\n" + b"X-Header: and so on\r\n" * 5000)
    elif act == "nasty":
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\nServer: " + NASTY.replace("\0", "").encode() + b"\r\nConnection: close\r\n\r\n")
        writer.write(NASTY_PAGE.encode())
    elif act == "device":
        say("200 OK", f"Content-Type: text/html\r\nContent-Length: {len(DEVICE)}\r\n", DEVICE.encode())
    else:
        say("404 Not Found", "Content-Length: 0\r\n")


async def rdap(writer, path, say):
    act = RDAP.get(int(path.rsplit(".", 1)[-1]) if path.rsplit(".", 1)[-1].isdigit() else 0, "")
    kind = "Content-Type: application/rdap+json\r\n"
    if act == "nested":
        body = b'{"entities":[' * 100000 + b"]}" * 100000
        say("200 OK", kind + f"Content-Length: {len(body)}\r\n", body)
    elif act == "endless":
        say("200 OK", kind)
        await pour(writer, b'{"objectClassName":"ip network","remarks":[' + b'{"description":["abuse@mail.net"]},' * 2000)
    else:
        say("404 Not Found", "Content-Length: 0\r\n")


# ---- serving ----

def guarded(serve, *more):
    async def run(reader, writer):
        try:
            await serve(reader, writer, *more)
            await writer.drain()
        except (asyncio.IncompleteReadError, asyncio.TimeoutError, asyncio.LimitOverrunError, OSError, ssl.SSLError):
            pass
        finally:
            writer.close()
    return run


async def mute(reader, writer):
    await asyncio.sleep(120)
    writer.close()


async def serve(folder):
    loop = asyncio.get_running_loop()
    packed = bombs()
    whois.log = folder / "asked"
    plain, fat = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    plain.load_cert_chain(folder / "server.pem", folder / "server.key")
    fat.load_cert_chain(folder / "fat.pem", folder / "server.key")
    await loop.create_datagram_endpoint(Names, local_addr=(farm_truth.RESOLVER, 53))
    started = []
    for address in (REGISTRY, OTHERS, RING_B):
        for port in (43, 4321, 25):
            started.append(await asyncio.start_server(guarded(whois), address, port, backlog=512))
    started.append(await asyncio.start_server(guarded(web, packed), REGISTRY, 443, ssl=plain))
    for last in [*WEB, 200]:
        act = WEB.get(last, "")
        if act != "handshake":
            for port in (80, 22):
                started.append(await asyncio.start_server(guarded(web, packed), BLOCK + str(last), port))
        if act == "handshake":
            started.append(await asyncio.start_server(mute, BLOCK + str(last), 443))
        else:
            started.append(await asyncio.start_server(guarded(web, packed), BLOCK + str(last), 443, ssl=fat if act == "certificate" else plain))
    print("ready", flush=True)
    await asyncio.sleep(3600)


class HostilePlace(farm_place.Place):
    """Whoever asks lives at OWN; there is no route but to the hostile ones."""

    def __init__(self, folder):
        super().__init__(folder, {"seed": 1, "addresses": 60, "blocks": 40, "sites": 0, "shared": None}, speed=1000)

    def build(self):
        here, there = self.namespace, self.registries
        local = [farm_truth.NETWORK, BLOCK + "0/24", "169.254.169.254/32", "10.0.0.0/24"]
        net.ip_batch([f"netns add {here}", f"netns add {there}", f"link add name out netns {here} type veth peer name in netns {there}"])
        net.ip_batch(["link set lo up", "link set in up", "addr add 10.78.0.2/30 dev in", f"addr add {farm_truth.RESOLVER}/32 dev lo",
                      *[f"route add local {prefix} dev lo" for prefix in local]], there)
        net.ip_batch(["link set lo up", "link set out up", f"addr add {OWN}/30 dev out", *[f"route add {prefix} via 10.78.0.2" for prefix in local]], here)

    def __enter__(self):
        farm_place.atexit.register(self.end)
        self.folder.mkdir(parents=True, exist_ok=True)
        for part in [self.folder, *self.folder.parents]:
            if str(part).startswith("/tmp/"):
                part.chmod(part.stat().st_mode | 0o111)
        try:
            self.build()
            farm_place.farm_web.make_authority(self.folder, self.world)
            self.make_fat()
            self.start("hostile", [net.PYTHON, str(pathlib.Path(__file__).resolve()), str(self.folder)])
        except BaseException:
            self.end()
            raise
        return self

    def make_fat(self):
        """A certificate of about 70 KB that names 1,800 mailboxes."""
        names = ",".join(f"email:fat{n:05d}@a-domain-of-some-length.mail.net" for n in range(1800))
        (self.folder / "fat.names").write_text(f"subjectAltName={names}\n")
        subprocess.run(["openssl", "x509", "-req", "-in", "server.csr", "-CA", "authority.pem", "-CAkey", "authority.key", "-CAcreateserial", "-out", "fat.pem",
                        "-days", "3650", "-extfile", "fat.names"], cwd=self.folder, check=True, capture_output=True)

    def write_targets(self):
        path = self.folder / "targets"
        path.write_text("\n".join([*targets(), *DOMAINS]) + "\n")
        path.chmod(0o644)
        return path


if __name__ == "__main__":
    asyncio.run(serve(pathlib.Path(sys.argv[1])))
