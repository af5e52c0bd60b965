"""Web servers of the world in farm_truth.py: sites and devices on port 80, the registries' RDAP on port 443 with certificates of the test's own
authority. `farm_web.py CONFIG.json` prints `ready`; what was asked for is written to web.log in the configuration's folder."""

import asyncio
import ipaddress
import json
import pathlib
import ssl
import subprocess
import sys

import farm_sites
import farm_truth



# ---- an authority of our own ----

CERTIFIED = "webmaster@certified.net"


def make_authority(folder, world):
    """authority.pem is what clients trust, server.pem and server.key what RDAP servers and sites show. Needs openssl."""
    folder = pathlib.Path(folder)
    names = ",".join(f"DNS:{name}" for name in [*farm_truth.RDAP, *[site.domain for site in world.sites if site.security_txt and site.domain]])

    def openssl(*arguments):
        subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)
    (folder / "names").write_text(f"subjectAltName={names},email:{CERTIFIED}\nextendedKeyUsage=serverAuth\nbasicConstraints=critical,CA:FALSE\n")
    openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", "authority.key", "-out", "authority.pem", "-days",
            "3650",
            "-subj", "/CN=Town authority", "-addext", "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=critical,keyCertSign")
    openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", "server.key", "-out", "server.csr", "-subj", "/CN=rdap.town")
    openssl("x509", "-req", "-in", "server.csr", "-CA", "authority.pem", "-CAkey", "authority.key", "-CAcreateserial", "-out", "server.pem", "-days",
            "3650", "-extfile", "names")
    return folder / "authority.pem"


# ---- RDAP ----

def entity(name, roles, mail, inner=()):
    card = ["vcard", [["version", {}, "text", "4.0"], ["fn", {}, "text", name], ["kind", {}, "text", "group"], ["email", {}, "text", mail]]]
    row = {"objectClassName": "entity", "handle": name.upper().replace(" ", "-"), "vcardArray": card, "roles": roles}
    if inner:
        row["entities"] = list(inner)
    return row


def rdap_of(world, block):
    low, high = block.range().split(" - ")
    mails = world.told_by_rdap(block)
    inner = [entity("Abuse desk", ["abuse"], mails[0])]
    entities = [entity("Operations", ["technical"], mails[-1], inner)] if block.number % 2 else inner
    return {"rdapConformance": ["rdap_level_0"], "objectClassName": "ip network", "handle": f"TOWN-{block.number}", "startAddress": low, "endAddress": high,
            "ipVersion": f"v{block.version}", "name": f"TOWN-{block.number}", "country": block.holder.country, "type": "ASSIGNED PA", "status": ["active"],
            "notices": [{"title": "Terms", "description": ["Questions on this service: helpdesk@rdap-service.example"]}], "entities": entities,
            "cidr0_cidrs": [{f"v{n.version}prefix": str(n.network_address), "length": n.prefixlen} for n in block.networks()]}


def rdap_owner(block):
    """Which RDAP server holds it: national registries' blocks are with their region's."""
    return "NIC.br" if block.registry == "NIC.br" else block.rir


class Web:
    def __init__(self, config):
        self.world = farm_truth.World(**config["world"])
        self.folder = pathlib.Path(config["folder"])
        self.by_name, self.by_address = {}, {}
        for site in self.world.sites:
            self.by_address[site.address] = site
            for domain in (site.domain, site.served, *site.decoys):
                if domain:
                    self.by_name[domain] = self.by_name["www." + domain] = site
        self.log = open(self.folder / "web.log", "w", buffering=1)

    async def serve(self, reader, writer):
        try:
            local = writer.get_extra_info("sockname")
            request = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 20)
            lines = request.decode("latin-1").split("\r\n")
            method, path = (lines[0].split(" ") + ["", ""])[:2]
            headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:])}
            host = headers.get("host", "").lower().rsplit(":", 1)[0] if "]" not in headers.get("host", "") else ""
            self.log.write(json.dumps({"host": host, "port": local[1], "method": method, "path": path, "agent": headers.get("user-agent", "")}) + "\n")
            status, kind, body, more = self.rdap(host, path) if host in farm_truth.RDAP else self.page(host, path)
            head = f"HTTP/1.1 {status}\r\nServer: town\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n{more}\r\n"
            writer.write(head.encode() + (body if method != "HEAD" else b""))
            await writer.drain()
        except (asyncio.IncompleteReadError, asyncio.TimeoutError, asyncio.LimitOverrunError, ConnectionError, ssl.SSLError):
            pass
        finally:
            writer.close()

    def page(self, host, path):
        html, missing = "text/html", ("404 Not Found", "text/html", b"<html><body><h1>404 Not Found</h1></body></html>", "")
        site = self.by_name.get(host)
        if site is None:
            site = self.by_address.get(host)
            shown = site.of_address() if site else "nothing"
            domain = host
        else:
            domain = host.removeprefix("www.")
            shown = "site" if site.shows else site.kind
        if host.startswith("www.") and site is not None:
            return "301 Moved Permanently", html, b"", f"Location: http://{domain}{path}\r\n"
        if path == "/robots.txt":
            return ("200 OK", "text/plain", b"User-agent: *\nDisallow: /\n", "") if shown == "robots" else missing
        if path in ("/.well-known/security.txt", "/security.txt"):
            own = site is not None and site.security_txt and shown == "site" and domain == site.domain
            return ("200 OK", "text/plain; charset=utf-8", farm_sites.security_txt(site), "") if own and path.startswith("/.w") else missing
        if shown in ("site", "robots"):
            pages = {"/": farm_sites.top_page, "/contact.html": farm_sites.contact_page}
            # Every other site says its character set in the header, the rest on the page alone.
            kind = f"text/html; charset={site.language[1]}" if site.number % 2 else html
            return ("200 OK", kind, pages[path](site), "") if path in pages else missing
        if path == "/" and shown in ("device", "default", "scripts"):
            return "200 OK", html, {"device": farm_sites.device_page, "default": lambda _: farm_sites.DEFAULT_PAGE,
                                    "scripts": lambda _: farm_sites.SCRIPT_PAGE}[shown](site), ""
        return missing

    def rdap(self, host, path):
        kind = "application/rdap+json"
        whose, prefix = farm_truth.RDAP.get(host, ("", "/"))
        parts = path.removeprefix(prefix).split("/")
        block = None
        if path.startswith(prefix) and len(parts) >= 2 and parts[0] == "ip":
            try:
                block = self.world.find(ipaddress.ip_address(parts[1]))
            except ValueError:
                block = None
        if block is None:
            return "404 Not Found", kind, json.dumps({"errorCode": 404, "title": "not found", "description": []}).encode(), ""
        if rdap_owner(block) != whose:
            other = next(name for name, (owner, _) in farm_truth.RDAP.items() if owner == rdap_owner(block))
            return "302 Found", kind, b"", f"Location: https://{other}{farm_truth.RDAP[other][1]}ip/{parts[1]}\r\n"
        return "200 OK", kind, json.dumps(rdap_of(self.world, block)).encode(), ""

    async def run(self):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.folder / "server.pem", self.folder / "server.key")
        plain = await asyncio.start_server(self.serve, "0.0.0.0", 80, backlog=4096)
        secure = await asyncio.start_server(self.serve, "0.0.0.0", 443, ssl=context, backlog=4096)
        print("ready", flush=True)
        async with plain, secure:
            await asyncio.gather(plain.serve_forever(), secure.serve_forever())


def asked(folder):
    """What was asked for so far."""
    return [json.loads(line) for line in (pathlib.Path(folder) / "web.log").read_text().splitlines()]


if __name__ == "__main__":
    asyncio.run(Web(json.loads(pathlib.Path(sys.argv[1]).read_text())).run())
