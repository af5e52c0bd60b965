"""A world of registries for tests: who holds which block, how its registry tells so, whom a careful analyst would write to, and the paper's
tables 1 and 2 counted from that. Everything follows from a seed. The blocks lie in the five regional registries' real space, since that decides
who is asked; holders, domains and mailboxes are made up. farm.py answers for it, farm_dns.py names it, farm_web.py shows its pages."""

import bisect
import collections
import dataclasses
import ipaddress
import json
import pathlib
import random

import farm_sites

SERVERS = {  # name: (whose, port); 10.79.0.N in this order
    "whois.iana.org": "IANA", "whois.arin.net": "ARIN", "whois.ripe.net": "RIPE", "whois.apnic.net": "APNIC", "whois.lacnic.net": "LACNIC",
    "whois.afrinic.net": "AFRINIC", "whois.nic.ad.jp": "JPNIC", "whois.krnic.net": "KRNIC", "whois.kisa.or.kr": "KRNIC", "whois.nic.or.kr": "KRNIC",
    "whois.kr": "KRNIC", "whois.twnic.net": "TWNIC", "whois.twnic.net.tw": "TWNIC", "whois.registro.br": "NIC.br", "whois.nic.br": "NIC.br",
    "whois.irinn.in": "IRINN", "whois.cnnic.cn": "CNNIC", "ipwhois.cnnic.net.cn": "CNNIC", "whois.idnic.net": "IDNIC", "whois.vnnic.vn": "VNNIC",
    "whois.verisign-grs.com": "VERISIGN", "whois.crsnic.net": "VERISIGN", "whois.jprs.jp": "JPRS", "whois.pir.org": "PIR",
    "whois.publicinterestregistry.org": "PIR", "whois.registrar-ichi.com": "REGISTRAR", "whois.registrar-ni.com": "REGISTRAR",
}
RWHOIS = [f"rwhois.{name}.net" for name in ("kolo-hosting", "berg-servers", "tamarack-colo", "vela-cloud", "mudlark-vps")]
HOSTILE = ["rwhois.endless-talk.net", "rwhois.slow-talk.net", "rwhois.ring-one.net", "rwhois.ring-two.net", "rwhois.zero-bytes.net", "rwhois.mute-talk.net"]
RDAP = {"rdap.arin.net": ("ARIN", "/registry/"), "rdap.db.ripe.net": ("RIPE", "/"), "rdap.apnic.net": ("APNIC", "/"),
        "rdap.lacnic.net": ("LACNIC", "/rdap/"), "rdap.registro.br": ("NIC.br", "/"), "rdap.afrinic.net": ("AFRINIC", "/rdap/")}
NAMES = [*SERVERS, *RWHOIS, *HOSTILE, *RDAP]
ADDRESS_OF = {name: f"10.79.0.{10 + n}" for n, name in enumerate(NAMES)}
NAME_OF = {address: name for name, address in ADDRESS_OF.items()}
RESOLVER, NETWORK, OWN = "10.79.0.2", "10.79.0.0/16", "10.79.0.1"


@dataclasses.dataclass(frozen=True)
class Limit:
    """What a registry stands for, in its own time; 0 knows no limit. What is documented is as documented (RIPE's acceptable use: 1,000 personal data
    sets in 24 hours, AFRINIC's 5,000); the others are this farm's, of the size that users report."""
    per_minute: int = 0
    per_day: int = 0
    personal_per_day: int = 0
    at_once: int = 3
    bans_after: int = 3  # times that it was too much until the door stays shut


LIMITS = {"RIPE": Limit(personal_per_day=1000), "AFRINIC": Limit(per_minute=120, personal_per_day=5000), "ARIN": Limit(per_minute=120),
          "APNIC": Limit(per_minute=120), "LACNIC": Limit(per_minute=60), "NIC.br": Limit(per_minute=60), "JPNIC": Limit(per_minute=60),
          "KRNIC": Limit(per_minute=60), "TWNIC": Limit(per_minute=60), "VERISIGN": Limit(per_minute=120), "PIR": Limit(per_minute=60),
          "JPRS": Limit(per_minute=60), "REGISTRAR": Limit(per_minute=60)}
DEFAULT_LIMIT = Limit(per_minute=120)

# ---- whose space: first octets whose allocation holds nothing special ----
POOLS = {"ARIN": [23, 24, 50, 63, 64, 65, 67, 68, 69, 70, 73, 75, 76, 97, 99, 107, 173, 174, 184, 206, 207, 208, 209],
         "RIPE": [2, 5, 31, 37, 46, 77, 78, 79, 80, 82, 83, 84, 86, 87, 89, 90, 92, 93, 95, 109, 176, 178, 212, 213, 217],
         "APNIC": [14, 27, 36, 39, 42, 49, 58, 59, 60, 101, 103, 106, 110, 111, 113, 114, 115, 116, 117, 118, 119, 120, 121, 122, 123, 124, 125, 175,
                   180, 182, 183, 210, 211, 218, 219, 220, 221, 222],
         "LACNIC": [177, 179, 181, 186, 187, 189, 190, 200, 201], "AFRINIC": [41, 102, 105, 197]}
POOLS6 = {"ARIN": [0x2600, 0x2604, 0x2607], "RIPE": [0x2A01, 0x2A02, 0x2A04], "APNIC": [0x2401, 0x2402, 0x2404], "LACNIC": [0x2801, 0x2803, 0x2804],
          "AFRINIC": [0x2C0F]}
RIR = {"JPNIC": "APNIC", "KRNIC": "APNIC", "TWNIC": "APNIC", "IDNIC": "APNIC", "VNNIC": "APNIC", "CNNIC": "APNIC", "IRINN": "APNIC", "NIC.br": "LACNIC",
       "NIC.mx": "LACNIC", "RWHOIS": "ARIN"}
# (holder's registry, how it tells, in whose space it lies, how many of a thousand)
KINDS = [("ARIN", "org", "ARIN", 90), ("ARIN", "resource", "ARIN", 30), ("ARIN", "comment", "ARIN", 15), ("RWHOIS", "contact", "ARIN", 20),
         ("RWHOIS", "network", "ARIN", 15), ("RIPE", "line", "RIPE", 150), ("RIPE", "remark", "RIPE", 40), ("RIPE", "both", "RIPE", 30),
         ("RIPE", "role", "RIPE", 20), ("RIPE", "person", "RIPE", 200), ("RIPE", "line", "ARIN", 15), ("APNIC", "irt", "ARIN", 10), ("ARIN", "org", "RIPE",
                                                                     8), ("APNIC", "irt", "APNIC", 70),
         ("APNIC", "person", "APNIC", 20), ("ARIN", "org", "APNIC", 6), ("RIPE", "line", "APNIC", 6), ("JPNIC", "abuse", "APNIC", 50),
         ("JPNIC", "handle", "APNIC", 40), ("KRNIC", "customer", "APNIC", 50), ("KRNIC", "isp", "APNIC", 20), ("TWNIC", "one", "APNIC", 30),
         ("IDNIC", "irt", "APNIC", 25), ("VNNIC", "person", "APNIC", 25), ("CNNIC", "person", "APNIC", 45), ("IRINN", "irt", "APNIC", 25),
         ("LACNIC", "one", "LACNIC", 30), ("LACNIC", "three", "LACNIC", 15), ("NIC.mx", "one", "LACNIC", 20), ("NIC.br", "one", "LACNIC", 55),
         ("RIPE", "line", "LACNIC", 4), ("AFRINIC", "remark", "AFRINIC", 20), ("AFRINIC", "role", "AFRINIC", 30), ("RIPE", "line", "AFRINIC", 3)]
COUNTRIES = {"ARIN": ["US", "CA"], "RWHOIS": ["US"], "RIPE": ["DE", "FR", "GB", "NL", "RU", "SE", "PL", "IT", "ES", "CZ"], "APNIC": ["AU", "NZ", "SG", "HK"],
             "JPNIC": ["JP"], "KRNIC": ["KR"], "TWNIC": ["TW"], "IDNIC": ["ID"], "VNNIC": ["VN"], "CNNIC": ["CN"], "IRINN": ["IN"],
             "LACNIC": ["AR", "CO", "CL", "PE"], "NIC.mx": ["MX"], "NIC.br": ["BR"], "AFRINIC": ["ZA", "EG", "NG", "KE"]}
SUFFIX = {"US": "com", "CA": "ca", "DE": "de", "FR": "fr", "GB": "co.uk", "NL": "nl", "RU": "ru", "SE": "se", "PL": "pl", "IT": "it", "ES": "es",
          "CZ": "cz", "AU": "com.au", "NZ": "co.nz", "SG": "com.sg", "HK": "com.hk", "JP": "ne.jp", "KR": "co.kr", "TW": "com.tw", "ID": "net.id",
          "VN": "com.vn", "CN": "com.cn", "IN": "co.in", "AR": "com.ar", "CO": "com.co", "CL": "cl", "PE": "com.pe", "MX": "com.mx", "BR": "com.br",
          "ZA": "co.za", "EG": "com.eg", "NG": "com.ng", "KE": "co.ke"}
REGISTRY_MAILBOXES = {"VNNIC": "hm-changed@vnnic.vn", "JPNIC": "hostmaster@nic.ad.jp", "KRNIC": "irt@nic.or.kr", "TWNIC": "hostmaster@twnic.net",
                      "CNNIC": "ipas@cnnic.cn", "IDNIC": "hostmaster@idnic.net", "IRINN": "irt@irinn.in", "APNIC": "search-apnic-not-arin@apnic.net",
                      "RIPE": "hostmaster@ripe.net", "LACNIC": "abuse@lacnic.net", "AFRINIC": "abusepoc@afrinic.net"}

SYLLABLES = "ka ri no ta mo su ven dal bor lin gra pel tor mi sa he zu lo fen wa".split()
FUNCTIONS = ["abuse"] * 9 + ["security", "noc", "hostmaster", "support", "kontakt", "cert"]
SURNAMES = ["lindqvist", "okafor", "tanaka", "moreau", "silveira", "novak", "dubois", "haddad", "kimura", "sorensen"]
# Mailbox names of RFC 2142, and words that say what a mailbox is for, as the mission's paper lists them. Written anew here: the test compares.
RFC2142 = set("info marketing sales support abuse noc security postmaster hostmaster usenet news webmaster www uucp ftp".split())
WORDS = RFC2142 | set("contact contacto contato kontakt contatto cert csirt".split())


@dataclasses.dataclass
class Holder:
    number: int
    country: str
    name: str
    domain: str
    mails: dict = dataclasses.field(default_factory=dict)  # part: address


@dataclasses.dataclass
class Block:
    number: int
    registry: str
    form: str
    pool: str
    version: int
    first: int
    last: int
    holder: Holder
    contacts: list  # every mailbox of it that is one, best first
    wrong: list     # mailboxes that stand in its answers and are not to be written to
    server: str = ""  # RWhois
    fixture: str = ""  # a real reply is used
    addresses: list = dataclasses.field(default_factory=list)

    @property
    def rir(self):
        return RIR.get(self.registry, self.registry)

    def networks(self):
        kind = ipaddress.IPv4Address if self.version == 4 else ipaddress.IPv6Address
        return list(ipaddress.summarize_address_range(kind(self.first), kind(self.last)))

    def range(self):
        kind = ipaddress.IPv4Address if self.version == 4 else ipaddress.IPv6Address
        return f"{kind(self.first)} - {kind(self.last)}"


# Real replies kept beside the checkout: address, registry, server's name if an RWhois, file, first and last address of the block as it says.
FIXTURES = [("46.161.62.245", "RIPE", "", "phuhn/whois_ripe46_161_62_245.txt", "46.161.62.128", "46.161.62.255"),
            ("62.239.237.1", "RIPE", "", "ipwhois/62.239.237.1.txt", "62.239.237.0", "62.239.237.255"),
            ("74.125.225.229", "ARIN", "", "ipwhois/74.125.225.229.txt", "74.125.0.0", "74.125.255.255"),
            ("67.229.101.42", "RWHOIS", "vault.krypt.com", "phuhn/whois_ns67_229_101_42.txt", "67.229.101.40", "67.229.101.47"),
            ("104.168.144.18", "RWHOIS", "rwhois.hostwinds.com", "phuhn/whois_ns104_168_144_18.txt", "104.168.144.18", "104.168.144.18"),
            ("196.11.240.215", "AFRINIC", "", "ipwhois/196.11.240.215.txt", "196.11.239.0", "196.11.246.255"),
            ("112.220.69.50", "KRNIC", "", "phuhn/whois_kr112_220_69_50.txt", "112.220.69.48", "112.220.69.55"),
            ("114.45.70.76", "TWNIC", "", "phuhn/whois_tw114_45_70_76.txt", "114.45.0.0", "114.45.255.255"),
            ("103.18.33.107", "IDNIC", "", "phuhn/whois_ap103_18_33_107.txt", "103.18.32.0", "103.18.33.255"),
            ("138.36.27.5", "LACNIC", "", "phuhn/whois_lac138_36_27_5.txt", "138.36.24.0", "138.36.27.255"),
            ("177.228.94.39", "NIC.mx", "", "phuhn/whois_lac177_228_94_39.txt", "177.224.0.0", "177.231.255.255"),
            ("200.57.141.161", "NIC.mx", "", "ipwhois/200.57.141.161.txt", "200.57.128.0", "200.57.159.255")]
for fixture in FIXTURES:
    if fixture[2]:
        ADDRESS_OF[fixture[2]] = f"10.79.0.{10 + len(ADDRESS_OF)}"
        NAME_OF[ADDRESS_OF[fixture[2]]] = fixture[2]


class World:
    def __init__(self, seed=1, addresses=3000, blocks=400, sites=60, shared=None, hostile=True, version6=0.04):
        self.random = random.Random(seed)
        self.holders, self.blocks, self.mail_dns = [], [], {}
        self.used = set()
        if shared is not None:
            self.add_fixtures(pathlib.Path(shared))
        self.add_blocks(blocks - len(self.blocks), version6)
        if hostile:
            for name in HOSTILE:
                self.add_block("RWHOIS", "hostile", "ARIN", 4, name)
        self.fill(addresses)
        self.index()
        self.sites = farm_sites.make(self, sites)
        of_sites = {domain for site in self.sites for domain in (site.domain, site.served)}
        for state in ("null", "missing", "hanging", "a"):  # even a small world has one of each
            for domain in sorted(self.mail_dns):
                if state in self.mail_dns.values():
                    break
                if self.mail_dns[domain] == "mx" and domain not in of_sites:
                    self.mail_dns[domain] = state

    # ---- making it ----

    def new_holder(self, country):
        number = len(self.holders)
        word = "".join(self.random.choice(SYLLABLES) for _ in range(3))
        holder = Holder(number, country, f"{word.capitalize()} Networks {number}", f"{word}{number:04d}.{SUFFIX[country]}")
        self.holders.append(holder)
        self.name_mail_domain(holder.domain)
        return holder

    def name_mail_domain(self, domain):
        """How its mail is delivered: MX, an address alone, nothing, null MX, an MX without address."""
        self.mail_dns[domain] = self.random.choices(["mx", "a", "missing", "null", "hanging"], [84, 7, 5, 2, 2])[0]

    def mail(self, holder, part):
        if part not in holder.mails:
            if part == "abuse":
                local = self.random.choice(FUNCTIONS)
            else:
                local = {"noc": "noc", "csirt": "security"}.get(part) or f"{self.random.choice(SURNAMES)}{holder.number}"
            holder.mails[part] = f"{local}@{holder.domain}"
        return holder.mails[part]

    def room(self, pool, version):
        """A place of its own: a /20, or a /40 of IPv6, and in it the block's first and last address."""
        while True:
            if version == 6:
                slot = self.random.choice(POOLS6[pool]) << 112 | self.random.getrandbits(16) << 96 | self.random.getrandbits(8) << 88
                size = 128 - self.random.choice([40, 44, 48])
            else:
                slot = self.random.choice(POOLS[pool]) << 24 | self.random.getrandbits(8) << 16 | self.random.getrandbits(4) << 12
                size = 32 - self.random.choice([20, 21, 22, 23, 24, 24, 24, 25, 26, 28, 29])
            if (version, slot) not in self.used:
                self.used.add((version, slot))
                return slot, slot + (1 << size) - 1

    def add_block(self, registry, form, pool, version, server=""):
        first, last = self.room(pool, version)
        odd = version == 4 and registry in ("RIPE", "AFRINIC", "APNIC") and self.random.random() < 0.1
        if odd:
            last = first + 3 * 256 - 1  # three /24, no prefix of its own; the fourth is somebody else's
        block = self.make_block(registry, form, pool, version, first, last, server)
        if odd:
            self.make_block(registry, form, pool, version, last + 1, last + 256, server)
        return block

    def make_block(self, registry, form, pool, version, first, last, server):
        holder = self.new_holder(self.random.choice(COUNTRIES[registry]))
        block = Block(len(self.blocks), registry, form, pool, version, first, last, holder, [], [], server)
        if registry == "RWHOIS" and not server:
            block.server = RWHOIS[block.number % len(RWHOIS)]
        self.fill_contacts(block)
        self.blocks.append(block)
        return block

    def add_blocks(self, count, version6):
        total = sum(kind[3] for kind in KINDS)
        left = 0.0
        for registry, form, pool, share in KINDS:
            left += count * share / total
            whole = max(1, int(left))
            left -= whole
            for _ in range(whole):
                of6 = registry in POOLS6 and pool == registry and self.random.random() < version6 * 3
                self.add_block(registry, form, pool, 6 if of6 else 4)

    def fill_contacts(self, block):
        """What the answers of its registries name, told apart as reference rules say."""
        def give(*parts):
            block.contacts += [self.mail(block.holder, part) for part in parts]
        registry, form = block.registry, block.form
        if registry == "RWHOIS":
            host = self.host_of(block)
            block.contacts.append(host["abuse"])
            if form != "hostile":
                give("abuse")
            if form == "contact":
                block.wrong.append(f"updates{block.number}@{block.holder.domain}")
        elif registry == "ARIN":
            give("abuse", "noc")
        elif registry == "RIPE":
            give(*{"line": ["abuse"], "remark": ["csirt"], "both": ["abuse", "csirt"], "role": ["abuse"], "person": ["person"]}[form])
        elif registry == "JPNIC":
            give("abuse" if form == "abuse" else "noc")
            block.wrong.append(f"reply{block.number}@{block.holder.domain}")
        elif registry == "KRNIC":
            give("person")
            if form == "customer":
                block.contacts.append(self.isp_of(block))
        elif registry == "LACNIC" and form == "three":
            give("abuse", "person")
        elif registry == "AFRINIC":
            give("csirt" if form == "remark" else "abuse")
        elif form == "person":
            give("person")
        else:
            give("abuse")
        block.contacts = list(dict.fromkeys(block.contacts))
        own = REGISTRY_MAILBOXES.get(registry)
        if registry in ("VNNIC", "JPNIC", "KRNIC", "TWNIC", "CNNIC"):
            block.wrong.append(own)
        if block.pool == "ARIN" and block.rir != "ARIN":
            block.wrong.append(REGISTRY_MAILBOXES[block.rir])
        if block.registry == "NIC.br":
            block.wrong += ["cert@cert.br", "mail-abuse@cert.br"]

    def host_of(self, block):
        """The provider above, who has the ARIN entry and runs the RWhois server."""
        name = ".".join(block.server.split(".")[1:])
        if name not in self.mail_dns:
            self.mail_dns[name] = "mx"
        return {"name": name.split(".")[0].title(), "abuse": f"abuse@{name}"}

    def isp_of(self, block):
        """One of five that KRNIC's customers belong to."""
        domain = f"hanbit{block.number % 5}-telecom.co.kr"
        if domain not in self.mail_dns:
            self.mail_dns[domain] = "mx"
        return f"abuse@{domain}"

    def add_fixtures(self, shared):
        folder = shared / "contact" / "ip-whois"
        gold = {row["file"]: row for row in json.loads((folder / "gold.dev.json").read_text())}
        for address, registry, server, file, first, last in FIXTURES:
            row = gold.get(file)
            if row is None or not (folder / file).exists():
                continue
            holder = Holder(len(self.holders), "", f"as recorded for {address}", row["primary"][0].split("@")[1].lower())
            self.holders.append(holder)
            numbers = [int(ipaddress.ip_address(text)) for text in (first, last)]
            block = Block(len(self.blocks), registry, "fixture", RIR.get(registry, registry), 4, *numbers, holder, [], [], server, str(folder / file))
            if server:
                self.fill_contacts(dataclasses.replace(block, form="hostile", contacts=block.contacts))  # the entry of the provider above
                block.contacts.append(self.host_of(block)["abuse"])
            text = (folder / file).read_text(errors="replace")
            block.contacts += [normal(as_written(text, mail)) for mail in row["primary"] + row["secondary"]]
            block.contacts = list({mail.lower(): mail for mail in block.contacts}.values())
            block.wrong = [normal(mail) for mail in row["not_contact"]]
            block.addresses.append(int(ipaddress.ip_address(address)))
            for mail in block.contacts:
                self.mail_dns.setdefault(mail.split("@")[1], "mx")
            self.used |= {(4, number & ~0xFFF) for number in range(numbers[0], numbers[1] + 1, 4096)}
            self.blocks.append(block)

    def fill(self, count):
        """Every block has an attacker at least, some have very many. A fixture has its one."""
        rows = [block for block in self.blocks if not block.fixture]
        room = {block.number: min(block.last - block.first + 1, 400) for block in rows}
        want = {block.number: 1 for block in rows}
        left = count - len(self.blocks)
        assert left >= 0, "more blocks than addresses"
        open_rows = list(rows)
        while left > 0:
            assert open_rows, "too few blocks for so many addresses"
            block = self.random.choice(open_rows)
            more = min(left, int(self.random.paretovariate(1.1)), room[block.number] - want[block.number])
            want[block.number] += more
            left -= more
            if want[block.number] >= room[block.number]:
                open_rows.remove(block)
        for block in rows:
            span = min(block.last - block.first + 1, 1 << 32)
            block.addresses = [block.first + offset for offset in self.random.sample(range(span), want[block.number])]

    def index(self):
        self.starts = {}
        for version in (4, 6):
            rows = sorted((block for block in self.blocks if block.version == version), key=lambda block: block.first)
            self.starts[version] = ([block.first for block in rows], rows)
            for one, other in zip(rows, rows[1:]):
                assert one.last < other.first, "blocks overlap"

    # ---- asking it ----

    def find(self, address):
        """The block that holds an ipaddress object, or None."""
        starts, rows = self.starts[address.version]
        at = bisect.bisect_right(starts, int(address)) - 1
        return rows[at] if at >= 0 and int(address) <= rows[at].last else None

    def targets(self):
        """{address as text: block}"""
        found = {}
        for block in self.blocks:
            kind = ipaddress.IPv4Address if block.version == 4 else ipaddress.IPv6Address
            for number in block.addresses:
                found[str(kind(number))] = block
        return found

    def reverse_names(self):
        """{address: (name, domain)} of the few that have one: their holder's."""
        return {address: (f"host{number}.{block.holder.domain}", block.holder.domain) for number,
                (address, block) in enumerate(sorted(self.targets().items()))
                if number % 7 == 0 and block.version == 4}

    def exists(self, mail):
        return self.mail_dns.get(mail.split("@")[1], "missing") in ("mx", "a")

    def told_by_rdap(self, block):
        """An abuse desk, and every second time somebody above it."""
        return block.contacts[:2] if block.number % 2 else block.contacts[:1]

    def pairs(self, channels=None):
        """{(channel, kind): {(address, contact, domain it was found for)}}"""
        found = collections.defaultdict(set)
        for address, block in self.targets().items():
            for mail in block.contacts:
                found["ip_whois", "mail"].add((address, mail, ""))
            found["rdap", "mail"] |= {(address, mail, "") for mail in self.told_by_rdap(block)}
        for (channel, kind), rows in farm_sites.pairs(self.sites).items():
            found[channel, kind] |= rows
        return {key: rows for key, rows in found.items() if channels is None or key[0] in channels}


def as_written(text, mail):
    """The labels are in lower case; the local part of an address is whatever its reply says."""
    at = text.lower().find(mail.lower())
    return text[at:at + len(mail)] if at >= 0 else mail


def normal(mail):
    local, _, domain = mail.partition("@")
    return f"{local}@{domain.lower()}"


def table1(world, channels=None):
    """{(channel, kind): (pairs, how many of them no other channel found)}"""
    pairs = world.pairs(channels)
    merged = {key: {(address, contact.lower()) for address, contact, _ in rows} for key, rows in pairs.items()}
    met = collections.Counter(pair + (key[1],) for key, rows in merged.items() for pair in rows)
    return {key: (len(rows), sum(met[pair + (key[1],)] == 1 for pair in rows)) for key, rows in merged.items()}


def table2(world, channels=None):
    """{channel: (collected, exists, matches, RFC 2142, word, valid)} of mail pairs. (2) matches: the mailbox's domain is one that was tied to the address or, where
    none was, that of its reverse name."""
    tied = {address: {domain} for address, (_, domain) in world.reverse_names().items()}
    for site in world.sites:
        if site.domain:
            tied[site.address] = {domain for domain in (site.domain, site.served) if domain}
    table = {}
    for (channel, kind), rows in world.pairs(channels).items():
        if kind != "mail":
            continue
        counts = [0] * 6
        for address, mail in {(address, mail.lower()) for address, mail, _ in rows}:
            local, domain = mail.split("@")
            facts = [True, world.exists(mail), domain in tied.get(address, ()), local in RFC2142, any(word in local for word in WORDS)]
            facts.append(facts[1] and any(facts[2:]))
            counts = [count + fact for count, fact in zip(counts, facts)]
        table[channel] = tuple(counts)
    return table
