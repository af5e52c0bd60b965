"""How each registry says what farm_truth.py's world holds, in its own form: reply(world, whose, server, query) -> (bytes, personal data sets).
Forms follow the registries' documentation and replies seen in public tests; nothing of a reply is copied from another project."""

import ipaddress
import pathlib
import re

import farm_sites
from farm_truth import REGISTRY_MAILBOXES

RPSL_WITH_VALUE = {"-V", "--client", "--charset", "-T", "--select-types", "-i", "--inverse", "-s", "--sources", "-t", "-q", "-v"}
RIR_NAMES = {"RIPE": ("RIPE Network Coordination Centre", "RIPE", "whois.ripe.net"), "APNIC": ("Asia Pacific Network Information Centre", "APNIC",
                                                            "whois.apnic.net"),
             "LACNIC": ("Latin American and Caribbean IP address Regional Registry", "LACNIC", "whois.lacnic.net"),
             "AFRINIC": ("African Network Information Center", "AFRINIC", "whois.afrinic.net"), "ARIN": ("American Registry for Internet Numbers", "ARIN",
                                                                         "whois.arin.net")}


def address_in(text):
    for word in re.split(r"[\s=/]+", text):
        try:
            return ipaddress.ip_address(word)
        except ValueError:
            continue
    return None


def fixture_text(block):
    lines = pathlib.Path(block.fixture).read_bytes().decode("utf-8", "replace").splitlines()
    return "\n".join(line for line in lines if not re.match(r"\[(Querying|Redirected to) |\[[a-z0-9.-]+\]$", line)) + "\n"


def cidr(block):
    return ", ".join(str(network) for network in block.networks())


def paragraphs(text, drop):
    """Without the RPSL objects of these classes."""
    return "\n\n".join(part for part in text.split("\n\n") if not re.match(rf"({'|'.join(drop)}):", part.lstrip("\n")))


# ---- ARIN ----

ARIN_HEAD = ("\n#\n# ARIN WHOIS data and services are subject to the Terms of Use\n# available at: https://www.arin.net/resources/registry/whois/tou/\n#\n"
             "# If you see inaccuracies in the results, please report at\n# https://www.arin.net/resources/registry/whois/inaccuracy_reporting/\n#\n\n")


def arin_net(block, name, kind, comments=()):
    low, high = block.range().split(" - ")
    return (f"\nNetRange:       {low} - {high}\nCIDR:           {cidr(block)}\nNetName:        {name}\nNetHandle:      NET-{block.number}-1\n"
            f"Parent:         NET (NET-0-0)\n"
            f"NetType:        {kind}\nOriginAS:       \nOrganization:   {{organisation}}\nRegDate:        2009-01-07\nUpdated:        2019-10-08\n"
            + "".join(f"Comment:        {line}\n" for line in comments) + f"Ref:            https://rdap.arin.net/registry/ip/{low}\n\n")


def poc(kind, number, name, mail):
    return (f"\n{kind}Handle: {name.upper()}{number}-ARIN\n{kind}Name:   {name.title()}\n{kind}Phone:  +1-555-555-0100 \n{kind}Email:  {mail}\n"
            f"{kind}Ref:    https://rdap.arin.net/registry/entity/{name.upper()}{number}-ARIN\n")


def organisation(name, ident, country):
    return (f"\nOrgName:        {name}\nOrgId:          {ident}\nAddress:        1 Example Street\nCity:           Example\nStateProv:      VA\n"
            f"PostalCode:     20151\n"
            f"Country:        {country}\nRegDate:        1997-12-22\nUpdated:        2019-04-11\nRef:            https://rdap.arin.net/registry/entity/{ident}\n\n")


def arin(world, block, query):
    # Without a flag a term is ambiguous; the server says how it took it.
    ambiguous = ("" if re.match(r"\s*[na] ", query) else f'#\n# Query terms are ambiguous.  The query is assumed to be:\n#     "n {query.strip()}"\n#\n'
                 f'# Use "?" to get help.\n#\n\n')
    head = ARIN_HEAD + ambiguous
    if block.fixture and block.registry == "ARIN":
        return fixture_text(block)
    if block.rir != "ARIN":
        return head + arin_stub(block) + ARIN_HEAD
    if block.registry == "RWHOIS":
        host = world.host_of(block)
        body = arin_net(block, "COLO-NET", "Direct Allocation").format(organisation=host["name"]) + organisation(host["name"], f"COLO-{block.number}", "US")
        body += f"\nReferralServer:  rwhois://{block.server}:4321\n" + poc("OrgAbuse", block.number, "abuse", host["abuse"])
        return head + body + ARIN_HEAD
    mails = block.holder.mails
    comments = []
    if block.form == "comment":
        comments = ["Reports of abuse and of intrusions are read at", mails["abuse"]]
    body = arin_net(block, f"NET-{block.number}", "Direct Allocation", comments).format(organisation=f"{block.holder.name} (ORG-{block.number})")
    body += organisation(block.holder.name, f"ORG-{block.number}", block.holder.country)
    if block.form == "resource":
        body += poc("RAbuse", block.number, "abuse", mails["abuse"]) + poc("OrgNOC", block.number, "noc", mails["noc"])
    else:
        body += poc("OrgTech", block.number, "noc", mails["noc"]) + poc("OrgAbuse", block.number, "abuse", mails["abuse"]) + poc("OrgNOC", block.number,
                                                                    "noc", mails["noc"])
    return head + body + ARIN_HEAD


def arin_stub(block):
    name, ident, server = RIR_NAMES[block.rir]
    mail = REGISTRY_MAILBOXES[block.rir]
    kind = [f"Allocated to {ident}", f"Early Registrations, Transferred to {ident}"][block.number % 2]
    comments = ["This IP address range is not registered in the ARIN database.", f"For details, refer to the {ident} Whois Database via {server.upper()}"]
    return (arin_net(block, f"{ident}-{block.number}", kind, comments).format(organisation=f"{name} ({ident})") + organisation(name, ident, "")
            + f"\nReferralServer:  whois://{server}\nResourceLink:  https://{server}\n" + poc("OrgAbuse", 3850, "abuse", mail) + poc("OrgTech", 3850,
                                                                        "tech", mail))


# ---- RPSL: RIPE, APNIC, AFRINIC and those that keep their data there ----

def flags_of(query):
    """(set of one-letter flags, key)"""
    flags, words, rest = set(), query.split(), []
    while words:
        word = words.pop(0)
        if word in RPSL_WITH_VALUE:
            if words:
                words.pop(0)
        elif word.startswith("--"):
            flags.add({"--no-referenced": "r", "--brief": "b", "--abuse-contact": "b", "--no-filtering": "B"}.get(word, ""))
        elif word.startswith("-") and len(word) > 1:
            flags |= set(word[1:])
        else:
            rest.append(word)
    return flags, " ".join(rest)


def attributes(*rows):
    return "".join(f"{(name + ':').ljust(16)}{value}\n" for name, value in rows if value is not None) + "\n"


def inetnum(block, source, more=()):
    name = "inetnum" if block.version == 4 else "inet6num"
    value = block.range() if block.version == 4 else cidr(block)
    return attributes((name, value), ("netname", f"TOWN-{block.number}"), ("descr", block.holder.name), ("country", block.holder.country), *more,
                      ("source", source))


def handle(block, letter, registry):
    return f"{letter}{block.number}-{registry}"


def person(block, letter, suffix, source, mail, unfiltered):
    return attributes(("person", "Town Person"), ("address", "1 Example Street"), ("phone", "+000 5555 0100"), ("e-mail", mail if unfiltered else None),
                      ("nic-hdl", handle(block, letter, suffix)), ("mnt-by", f"TOWN{block.number}-MNT"), ("source", source))


def role(block, letter, suffix, source, mail, abuse, unfiltered):
    return attributes(("role", f"{block.holder.name} Network Operation"), ("address", "1 Example Street"), ("e-mail", mail if unfiltered else None),
                      ("abuse-mailbox", abuse), ("nic-hdl", handle(block, letter, suffix)), ("mnt-by", f"TOWN{block.number}-MNT"), ("source", source))


def abuse_line(block, mail):
    shown = block.range() if block.version == 4 else cidr(block)
    return f"% Abuse contact for '{shown}' is '{mail}'\n\n" if mail else f"% No abuse contact registered for {shown}\n\n"


RIPE_HEAD = ("% This is the RIPE Database query service.\n% The objects are in RPSL format.\n%\n% The RIPE Database is subject to Terms and Conditions.\n"
             "% See https://docs.db.ripe.net/terms-conditions.html\n\n")
FILTERED = "% Note: this output has been filtered.\n%       To receive output for a database update, use the \"-B\" flag.\n\n"


def ripe(world, block, query, flags):
    """(text, personal data sets)"""
    head = RIPE_HEAD + ("" if "B" in flags else FILTERED)
    foot = "% This query was served by the RIPE Database Query Service version 1.114 (TOWN)\n\n\n"
    if block is None or block.registry != "RIPE":
        low, high = "0.0.0.0 - 255.255.255.255".split(" - ") if block is None else block.range().split(" - ")
        return head + f"% Information related to '{low} - {high}'\n\n% No abuse contact registered for {low} - {high}\n\n" + attributes(
            ("inetnum", f"{low} - {high}"), ("netname", "NON-RIPE-NCC-MANAGED-ADDRESS-BLOCK"), ("descr", "IPv4 address block not managed by the RIPE NCC"),
            ("remarks", "------------------------------------------------------"), ("remarks", "For registration information,"), ("remarks",
                                                                        "you can consult the following sources:"),
            ("remarks", "IANA http://www.iana.org/assignments/ipv4-address-space"), ("remarks", "AFRINIC (Africa) http://www.afrinic.net/ whois.afrinic.net"),
            ("remarks", "APNIC (Asia Pacific) http://www.apnic.net/ whois.apnic.net"), ("remarks",
                                                                        "ARIN (Northern America) http://www.arin.net/ whois.arin.net"),
            ("remarks", "LACNIC (Latin America and the Carribean) http://www.lacnic.net/ whois.lacnic.net"), ("country", "EU # Country is really world wide"),
            ("admin-c", "IANA1-RIPE"), ("tech-c", "IANA1-RIPE"), ("status", "ALLOCATED UNSPECIFIED"), ("mnt-by", "RIPE-NCC-HM-MNT"), ("source",
                                                                        "RIPE")) + foot, 0
    if block.fixture:
        text = fixture_text(block)
        if flags & {"r", "b"}:
            return paragraphs(text, ["person", "role"]), 0
        return text, len(re.findall(r"^person:|^role:(?!(?:.*\n)+?abuse-mailbox:)", text, re.M))
    mails = block.holder.mails
    line = mails["abuse"] if block.form in ("line", "both") else None
    text = head + f"% Information related to '{block.range()}'\n\n" + abuse_line(block, line)
    remarks = [("remarks", "Security incidents and abuse: please write to"), ("remarks", mails["csirt"])] if block.form in ("remark", "both") else []
    technical = "P" if block.form == "person" else "T"
    text += inetnum(block, "RIPE", [("admin-c", handle(block, "P", "RIPE")), ("tech-c", handle(block, technical, "RIPE")), ("status", "ASSIGNED PA"),
                                    *remarks,
                                    ("mnt-by", f"TOWN{block.number}-MNT"), ("last-modified", "2019-08-10T21:09:05Z")])
    if flags & {"r", "b"}:
        return text + foot, 0
    objects, personal = ripe_objects(block, "P" if block.form == "person" else "PT", "B" in flags)
    return text + objects + foot, personal


def ripe_objects(block, letters, unfiltered):
    mails, text, personal = block.holder.mails, "", 0
    if "P" in letters:
        text += person(block, "P", "RIPE", "RIPE", mails.get("person"), unfiltered)
        personal += 1
    if "T" in letters:
        abuse = mails.get("abuse") if block.form == "role" else None
        text += role(block, "T", "RIPE", "RIPE", None, abuse, unfiltered)
        personal += abuse is None
    return text, personal


APNIC_HEAD = "% [whois.apnic.net]\n% Whois data copyright terms    http://www.apnic.net/db/dbcopyright.html\n\n"
APNIC_FOOT = "% This query was served by the APNIC Whois Service version 1.88.25 (WHOIS-TOWN)\n\n\n"
NIR_IN_APNIC = {"JPNIC": ("IRT-JPNIC-JP", "MAINT-JPNIC", "whois.nic.ad.jp"), "KRNIC": ("IRT-KRNIC-KR", "MNT-KRNIC-AP", "whois.kisa.or.kr"),
                "TWNIC": ("IRT-TWNIC-AP", "MAINT-TW-TWNIC", "whois.twnic.net"), "VNNIC": ("IRT-VNNIC-AP", "MAINT-VN-VNNIC", ""),
                "CNNIC": ("IRT-CNNIC-CN", "MAINT-CNNIC-AP", ""), "IDNIC": (None, "MNT-APJII-ID", ""), "IRINN": (None, "MAINT-IN-IRINN", "")}


def irt(name, source, mail, remark=None):
    return attributes(("irt", name), ("address", "1 Example Street"), ("e-mail", mail), ("abuse-mailbox", mail), ("auth", "# Filtered"), ("remarks", remark),
                      ("remarks", f"{mail} was validated on 2024-05-01"), ("mnt-by", "MAINT-" + name[4:]), ("last-modified",
                                                                                  "2024-05-01T06:31:02Z"), ("source", source))


def apnic_elsewhere(block):
    """What is not, or no longer, in APNIC's hands: three ways of saying so."""
    name, ident, server = RIR_NAMES[block.rir]
    if block.number % 3 == 0:
        rows = [("netname", "STUB-TOWN"), ("descr", f"Transferred to the {ident} region on 2018-07-09T13:20:11Z."), ("country", "ZZ"),
                ("admin-c", "STUB-AP"), ("tech-c", "STUB-AP"),
                ("mnt-by", "APNIC-STUB"), ("status", "ALLOCATED PORTABLE")]
    elif block.number % 3 == 1:
        rows = [("netname", "ERX-NETBLOCK"), ("descr", "Early registration addresses"), ("remarks", "Address ranges from this block were registered before"),
                ("remarks", f"the regional registries. See {server}"), ("country", "AU"), ("admin-c", "IANA1-AP"), ("tech-c", "IANA1-AP"), ("mnt-by",
                                                                            "MAINT-APNIC-AP"),
                ("status", "ALLOCATED PORTABLE")]
    else:
        rows = [("netname", f"IANA-NETBLOCK-{block.first >> 24}"), ("descr", "This network range is not allocated to APNIC."),
                ("remarks", "If your whois search has returned this message, then you have"),
                ("remarks", "searched the APNIC whois database for an address that is allocated by another Regional Internet Registry."), ("country",
                                                                            "AU"), ("mnt-by", "MAINT-APNIC-AP"), ("status", "ALLOCATED PORTABLE")]
    return f"% Information related to '{block.range()}'\n\n" + attributes(("inetnum", block.range()), *rows, ("source", "APNIC"))


def apnic(world, block, query, flags):
    if block is None:
        return APNIC_HEAD + "%ERROR:101: no entries found\n%\n% No entries found in source APNIC.\n\n" + APNIC_FOOT
    if block.rir != "APNIC":
        return APNIC_HEAD + apnic_elsewhere(block) + APNIC_FOOT
    if block.fixture and block.registry == "IDNIC":
        return fixture_text(block)
    text = APNIC_HEAD + f"% Information related to '{block.range()}'\n\n"
    mails = block.holder.mails
    if block.registry in ("JPNIC", "KRNIC", "TWNIC"):
        return text + apnic_mirror(block) + APNIC_FOOT
    name, maintainer, _ = NIR_IN_APNIC.get(block.registry, (None, f"MAINT-TOWN-{block.number}", ""))
    own = name is None
    name = name or f"IRT-TOWN{block.number}-AP"
    contact = mails.get("abuse") if own and block.form == "irt" else None
    registry_mail = REGISTRY_MAILBOXES.get(block.registry) if not own else None
    shown = contact or registry_mail
    body = inetnum(block, "APNIC", [("admin-c", handle(block, "P", "AP")), ("tech-c", handle(block, "T", "AP")), ("mnt-by", maintainer),
                                    ("mnt-irt", name if shown else None),
                                    ("status", "ALLOCATED PORTABLE"), ("last-modified", "2019-04-01T03:17:52Z")])
    if shown:
        remark = "Please note that CNNIC is not an ISP and is not" if block.registry == "CNNIC" else None
        body += irt(name, "APNIC", shown, remark)
    if "r" not in flags and "b" not in flags:
        mail = mails["person"] if block.form == "person" else mails["abuse"]
        body += role(block, "T", "AP", "APNIC", mail, None, True) if block.number % 2 else person(block, "T", "AP", "APNIC", mail, True)
    text += (f"% Abuse contact for '{block.range()}' is '{shown}'\n\n" if shown else f"% No abuse contact registered for {block.range()}\n\n") + body
    if block.registry == "IDNIC":
        text += f"% Information related to '{block.range()}'\n\n" + body.replace("source:         APNIC", "source:         IDNIC")
    return text + APNIC_FOOT


def apnic_mirror(block):
    """APNIC keeps the national registry's allocation, and a copy of the assignment without its contacts."""
    name, maintainer, server = NIR_IN_APNIC[block.registry]
    mail = REGISTRY_MAILBOXES[block.registry]
    wide = ipaddress.ip_network((block.first, 16 if block.version == 4 else 32), strict=False)
    allocation = attributes(("inetnum", f"{wide[0]} - {wide[-1]}"), ("netname", f"{block.registry}-NET"), ("descr", f"{block.registry} allocation"),
                            ("country", block.holder.country),
                            ("admin-c", f"{block.registry}1-AP"), ("tech-c", f"{block.registry}1-AP"), ("mnt-irt", name), ("mnt-by",
                                                                                        maintainer), ("mnt-lower", maintainer), ("status", "ALLOCATED PORTABLE"),
                            ("source", "APNIC"))
    contact = attributes(("role", f"{block.registry} host master"), ("address", "1 Example Street"), ("e-mail", mail), ("nic-hdl", f"{block.registry}1-AP"),
                         ("mnt-by", maintainer), ("source", "APNIC"))
    copy = attributes(("inetnum", block.range()), ("netname", f"TOWN-{block.number}"), ("descr", block.holder.name), ("country", block.holder.country),
                      ("remarks", f"This information has been partially mirrored by APNIC from"), ("remarks",
                                                                                  f"{block.registry}. To obtain more specific information, please use the"),
                      ("remarks", f"{block.registry} WHOIS Gateway at"), ("remarks",
                                                                          f"{block.registry} whois server at {server}. (This defaults to"), ("remarks", "local language output, use the /e switch for English"),
                      ("remarks", "output)"), ("changed", f"apnic-ftp@{mail.split('@')[1]} 20200101"), ("source", block.registry))
    return (f"% Abuse contact for '{wide[0]} - {wide[-1]}' is '{mail}'\n\n" + allocation + irt(name, "APNIC", mail) + contact
            + f"% Information related to '{block.range()}'\n\n" + copy)


AFRINIC_HEAD = ("% This is the AfriNIC Whois server.\n"
                "% The AFRINIC whois database is subject to  the following terms of Use. See https://afrinic.net/whois/terms\n\n")


def afrinic(world, block, query, flags):
    head = AFRINIC_HEAD + ("" if "B" in flags else FILTERED)
    if block is None or block.registry != "AFRINIC":
        return head + "% Information related to '0.0.0.0 - 255.255.255.255'\n\n% No abuse contact registered for 0.0.0.0 - 255.255.255.255\n\n" + attributes(
            ("inetnum", "0.0.0.0 - 255.255.255.255"), ("netname", "IANA-BLK"), ("descr", "The whole IPv4 address space"), ("country",
                                                                        "EU # Country is really world wide"), ("org", "ORG-IANA1-AFRINIC"),
            ("admin-c", "IANA1-AFRINIC"), ("tech-c", "IANA1-AFRINIC"), ("status", "ALLOCATED UNSPECIFIED"), ("remarks",
                                                                        "The country is really worldwide."), ("mnt-by", "AFRINIC-HM-MNT"), ("source", "AFRINIC # Filtered")), 0
    if block.fixture:
        text = fixture_text(block)
        return (paragraphs(text, ["person", "role"]), 0) if flags & {"r", "b"} else (text, len(re.findall(r"^person:", text, re.M)))
    mails = block.holder.mails
    remarks = [("remarks", f"please send abuse reports to {mails['csirt']}")] if block.form == "remark" else []
    text = head + f"% Information related to '{block.range()}'\n\n" + abuse_line(block, None)
    text += inetnum(block, "AFRINIC # Filtered", [("org", f"ORG-{block.number}-AFRINIC"), ("admin-c", handle(block, "T", "AFRINIC")),
                                                  ("tech-c", handle(block, "T", "AFRINIC")), ("status", "ASSIGNED PA"), *remarks,
                                                  ("mnt-by", f"TOWN{block.number}-MNT")])
    if flags & {"r", "b"}:
        return text, 0
    return text + role(block, "T", "AFRINIC", "AFRINIC # Filtered", None, mails.get("abuse") if block.form == "role" else None, "B" in flags), 0


def rpsl_handle(world, registry, key, flags):
    """(text, personal data sets) of a role or person asked for by handle."""
    match = re.fullmatch(r"([PT])(\d+)-(RIPE|AP|AFRINIC)", key.strip(), re.I)
    if match is None or int(match[2]) >= len(world.blocks):
        return f"%ERROR:101: no entries found\n%\n% No entries found in source {registry}.\n\n", 0
    block, letter = world.blocks[int(match[2])], match[1].upper()
    if registry == "RIPE":
        objects, personal = ripe_objects(block, letter, "B" in flags)
        return RIPE_HEAD + f"% Information related to '{key}'\n\n" + objects, personal
    if registry == "AFRINIC":
        abuse = block.holder.mails.get("abuse") if block.form == "role" else None
        return AFRINIC_HEAD + role(block, letter, "AFRINIC", "AFRINIC # Filtered", None, abuse, "B" in flags), 0
    mail = block.holder.mails["person"] if block.form == "person" else block.holder.mails["abuse"]
    return APNIC_HEAD + person(block, letter, "AP", "APNIC", mail, True) + APNIC_FOOT, 1


# ---- LACNIC and NIC.br ----

LACNIC_HEAD = "\n% Joint Whois - whois.lacnic.net\n%  This server accepts single ASN, IPv4 or IPv6 queries\n \n"


def short(block):
    """LACNIC writes a prefix without its trailing zero octets."""
    network = block.networks()[0]
    text = str(network.network_address)
    if block.version == 4:
        while text.endswith(".0"):
            text = text[:-2]
    return f"{text}/{network.prefixlen}"


def lacnic_entry(block, extra):
    mails = block.holder.mails
    other = f"O{block.number}" if block.form == "three" else f"H{block.number}"
    nic = "nic-hdl-br" if extra else "nic-hdl"
    text = (f"inetnum:     {short(block)}\nstatus:      allocated\naut-num:     N/A\nowner:       {block.holder.name}\n"
            f"ownerid:     {block.holder.country}-TOWN{block.number}-LACNIC\nresponsible: Town Person\n"
            f"address:     1, Example, \ncountry:     {block.holder.country}\nphone:       +00  5550100 []\nowner-c:     {other}\ntech-c:      H{block.number}\nabuse-c:     H{block.number}\n"
            "created:     20130220\nchanged:     20130220\n\n")
    hosts = [(f"H{block.number}", mails["abuse"])] + ([(other, mails["person"])] if block.form == "three" else [])
    for name, mail in hosts:
        text += (f"{nic}:     {name}\nperson:      Town Person\ne-mail:      {mail.split('@')[0]}@{mail.split('@')[1].upper()}\naddress:     1, Example, \n"
                 f"country:     {block.holder.country}\nphone:       +00  5550100 []\ncreated:     20030303\nchanged:     20120105\n\n")
    return text


def nic_br(world, block):
    head = ("\n% Copyright (c) Nic.br\n%  The use of the data below is only permitted as described in\n"
            "%  full by the terms of use at https://registro.br/termo/en.html ,\n%  being prohibited its distribution, commercialization or\n%  reproduction, in particular, to use it for advertising or\n%  any similar purpose.\n%  2024-05-01T10:00:00-03:00 - IP: 10.79.0.1\n\n")
    foot = ("% Security and mail abuse issues should also be addressed to\n% cert.br, http://www.cert.br/ , respectivelly to cert@cert.br\n"
            "% and mail-abuse@cert.br\n%\n% whois.registro.br accepts only direct match queries. Types\n% of queries are: domain (.br), registrant (tax ID), ticket,\n% provider, CIDR block, IP and ASN.\n")
    if block is None or block.registry != "NIC.br":
        return head + "% No match for IP\n\n" + foot
    return head + lacnic_entry(block, True) + foot


def lacnic(world, block, query):
    if block is None:
        return LACNIC_HEAD + "% LACNIC resource: whois.lacnic.net\n\n\n% Copyright LACNIC lacnic.net\n\n% Unallocated and unassigned in LACNIC block\n"
    if block.rir != "LACNIC" or block.registry == "NIC.br":
        inner, where = {"RIPE": (lambda: ripe(world, block, query, set())[0], "whois.ripe.net"),
                        "ARIN": (lambda: arin(world, block, f"n + {query}"), "whois.arin.net"),
                        "APNIC": (lambda: apnic(world, block, query, set()), "whois.apnic.net"), "AFRINIC": (lambda: afrinic(world, block, query, set())[0],
                                                                                    "whois.afrinic.net"),
                        "LACNIC": (lambda: nic_br(world, block), "whois.registro.br")}[block.rir]
        return f"% IP Client: 10.79.0.1\n" + "".join(f" {line}\n" if line else "\n" for line in inner().split("\n"))
    if block.fixture:
        return fixture_text(block)
    return (LACNIC_HEAD + "% LACNIC resource: whois.lacnic.net\n\n\n% Copyright LACNIC lacnic.net\n%  The data below is provided for information purposes\n"
            "%  and to assist persons in obtaining information about or\n%  related to AS and IP numbers registrations\n"
            "%  By submitting a whois query, you agree to use this data\n%  only for lawful purposes.\n%  2024-05-01 20:40:41 (-03 -03:00)\n\n" + lacnic_entry(block, False)
            + "% whois.lacnic.net accepts only direct match queries.\n% Types of queries are: POCs, ownerid, CIDR blocks, IP\n% and AS numbers.\n\n")


# ---- the national registries that answer themselves ----

JPNIC_HEAD = ("[ JPNIC database provides information regarding IP address and ASN. Its use   ]\n"
              "[ is restricted to network administration purposes. For further information,  ]\n[ use 'whois -h whois.nic.ad.jp help'. To only display English output,        ]\n[ add '/e' at the end of command, e.g. 'whois -h whois.nic.ad.jp xxx/e'.      ]\n\n")
JPNIC_NAMES = {"Network Information:": "Network Information: [ネットワーク情報]", "[Network Number]": "[IPネットワークアドレス]", "[Network Name]": "[ネットワーク名]",
               "[Organization]": "[組織名]",
               "[Administrative Contact]": "[管理者連絡窓口]", "[Technical Contact]": "[技術連絡担当者]", "[E-Mail]": "[電子メイル]", "[Last Update]": "[最終更新]", "[Reply Mail]": "[通知アドレス]",
               "[Group Handle]": "[グループハンドル]", "[Group Name]": "[グループ名]", "[Assigned Date]": "[割当年月日]", "[Nameserver]": "[ネームサーバ]"}


def japanese(text, english):
    if english:
        return text.encode("ascii")
    for word, japanese_word in JPNIC_NAMES.items():
        text = text.replace(word, japanese_word)
    return text.encode("iso-2022-jp")


def field(letter, name, value):
    return f"{letter} {f'[{name}]'.ljust(29)}{value}\n" if letter else f"{f'[{name}]'.ljust(32)}{value}\n"


def jpnic(world, query):
    english = query.strip().endswith("/e")
    key = re.sub(r"/e\s*$", "", query.strip()).removeprefix("NET ").strip()
    match = re.fullmatch(r"JP(\d{8})", key, re.I)
    if match is not None and int(match[1]) < len(world.blocks) and world.blocks[int(match[1])].registry == "JPNIC":
        block = world.blocks[int(match[1])]
        mail = block.holder.mails.get("noc", f"noc@{block.holder.domain}")
        return japanese(JPNIC_HEAD + "Group Contact Information:\n" + field("", "Group Handle", key.upper()) + field("", "Group Name", "Network Operation")
                        + field("", "E-Mail", mail)
                        + field("", "Organization", block.holder.name) + field("", "TEL", "03-5555-0100") + field("", "Last Update",
                                                                                    "2020/01/01 10:00:00(JST)")
                        + field("", "Reply Mail", f"reply{block.number}@{block.holder.domain}") + "\n", english)
    address = address_in(key)
    block = world.find(address) if address else None
    if block is None or block.registry != "JPNIC":
        return japanese(JPNIC_HEAD + "No match!!\n\nReference: RIR WHOIS servers\n  AFRINIC whois.afrinic.net\n  APNIC whois.apnic.net\n"
                        "  ARIN whois.arin.net\n  LACNIC whois.lacnic.net\n  RIPE NCC whois.ripe.net\n", english)
    abuse = field("o.", "Abuse", block.holder.mails["abuse"]) if block.form == "abuse" else ""
    group = f"JP{block.number:08d}"
    wide = ipaddress.ip_network((block.first, 16 if block.version == 4 else 32), strict=False)
    return japanese(JPNIC_HEAD + "Network Information:            \n" + field("a.", "Network Number", cidr(block))
                    + field("b.", "Network Name", f"TOWN{block.number}")
                    + field("g.", "Organization", block.holder.name) + field("m.", "Administrative Contact", group) + field("n.", "Technical Contact",
                                                                                group) + abuse
                    + field("p.", "Nameserver", f"ns1.{block.holder.domain}") + field("", "Assigned Date", "2003/01/01") + field("", "Return Date",
                                                                                "") + field("", "Last Update", "2020/01/01 12:00:00(JST)")
                    + f"                                \nLess Specific Info.\n----------\nTown Telecommunications\n                     [Allocation]                              {wide}\n\nMore Specific Info.\n----------\nNo match!!\n", english)


def krnic(world, address):
    block = world.find(address) if address else None
    if block is not None and block.fixture and block.registry == "KRNIC":
        return fixture_text(block)
    head = f"query : {address}\n\n\n# KOREAN(UTF8)\n\n"
    if block is None or block.registry != "KRNIC":
        return head + "해당 IP주소는 한국인터넷진흥원에서 할당한 주소가 아닙니다.\n\n# ENGLISH\n\nKRNIC is not an ISP but a National Internet Registry similar to APNIC.\nThe IP address was not allocated by KRNIC.\n\n- KISA/KRNIC WHOIS Service -\n"
    wide = ipaddress.ip_network((block.first, 13 if block.version == 4 else 32), strict=False)
    rows = []
    if block.form == "customer":
        rows.append((f"{wide[0]} - {wide[-1]} (/{wide.prefixlen})", "Hanbit Telecom", "HANBIT", world.isp_of(block)))
    low, high = block.range().split(" - ")
    rows.append((f"{low} - {high} (/{block.networks()[0].prefixlen})", block.holder.name, "CUSTOMER" if block.form == "customer" else "TOWN",
                 block.holder.mails["person"]))
    korean = english = ""
    for number, (place, name, service, mail) in enumerate(rows):
        korean += ("" if number == 0 else "조회하신 IPv4주소는 위의 관리대행자로부터 아래의 사용자에게 할당되었으며, 할당 정보는 다음과 같습니다.\n" + "-" * 80 + "\n\n\n")
        korean += (f"[ 네트워크 할당 정보 ]\nIPv4주소           : {place}\n기관명             : {name}\n"
                   + (f"서비스명           : {service}\n" if number == 0 else f"네트워크 구분      : {service}\n"))
        korean += (f"주소               : 서울특별시 예시로 1\n우편번호           : 00000\n할당일자           : 20090216\n\n이름               : IP주소 담당자\n"
                   f"전화번호           : +82-2-555-0100\n전자우편           : {mail}\n\n")
        english += "" if number == 0 else "-" * 80 + "\n\nMore specific assignment information is as follows.\n\n"
        english += (f"[ Network Information ]\nIPv4 Address       : {place}\nOrganization Name  : {name}\n"
                    + (f"Service Name       : {service}\n" if number == 0 else f"Network Type       : {service}\n"))
        english += (f"Address            : Seoul Example-ro 1\nZip Code           : 00000\nRegistration Date  : 20090216\n\nName               : IP Manager\n"
                    f"Phone              : +82-2-555-0100\nE-Mail             : {mail}\n\n")
    return (head + "조회하신 IPv4주소는 한국인터넷진흥원으로부터 아래의 관리대행자에게 할당되었으며, 할당 정보는 다음과 같습니다.\n\n" + korean
            + "\n# ENGLISH\n\nKRNIC is not an ISP but a National Internet Registry similar to APNIC.\n\n" + english + "\n\n- KISA/KRNIC WHOIS Service -\n")


def twnic(world, address):
    block = world.find(address) if address else None
    if block is None or block.registry != "TWNIC":
        return "\n   No Found\n"
    if block.fixture:
        return fixture_text(block)
    mail = block.holder.mails["abuse"]
    return (f"\n   Netname: TOWN{block.number}-NET\n   Netblock: {cidr(block)}\n\n   Administrator contact:\n      {mail}\n\n   Technical contact:\n"
            f"      {mail}\n")


def rwhois(world, server, address):
    block = world.find(address) if address else None
    if block is None or block.registry != "RWHOIS" or block.server != server or block.form == "hostile":
        return "%error 230 No Objects Found\n"
    if block.fixture:
        return "\n".join(line for line in fixture_text(block).split("\n") if not line.startswith("%rwhois"))
    name = cidr(block)
    common = (f"network:Class-Name:network\nnetwork:ID:NET-{block.number}\nnetwork:Auth-Area:{name}\nnetwork:Network-Name:Customer\n"
              f"network:IP-Network:{name}\nnetwork:IP-Network-Block:{block.range()}\n"
              f"network:Organization;I:{block.holder.name}\nnetwork:Country-Code:US\n")
    mail = block.holder.mails["abuse"]
    if block.form == "contact":
        return common + f"network:Updated-By:updates{block.number}@{block.holder.domain}\ncontact:POC-Name:Operations\ncontact:Abuse-Name:Abuse\ncontact:Abuse-Email:{mail}\n%ok\n"
    return common + f"network:Tech-Contact;I:{mail}\nnetwork:Admin-Contact;I:{mail}\nnetwork:Abuse-Contact;I:{mail}\n\n%ok\n"


# ---- names ----

def domain_reply(world, whose, server, query):
    key = query.strip().lower().split()[-1].lstrip("=").split("/")[0] if query.strip() else ""
    site = next((site for site in world.sites if site.domain == key), None)
    if whose == "JPRS":
        return farm_sites.jprs_reply(site) if site and key.endswith(".jp") else "No match!!\n\nWith JPRS WHOIS, you can query the following domain name information\nsponsored by JPRS.\n"
    if site is None or (whose == "REGISTRAR" and site.registrar != server) or (whose == "PIR") != key.endswith(".org") and whose != "REGISTRAR":
        return f'No match for "{key.upper()}".\r\n>>> Last update of whois database: 2024-05-01T00:00:00Z <<<\r\n'
    return farm_sites.generic_reply(site, server, whose == "VERISIGN")


def iana(block):
    if block is None:
        return "% IANA WHOIS server\n% for more information on IANA, visit http://www.iana.org\n% This query returned 0 objects.\n"
    where = RIR_NAMES[block.pool][2]
    return (f"% IANA WHOIS server\n% for more information on IANA, visit http://www.iana.org\n% This query returned 1 object\n\nrefer:        {where}\n\n"
            f"inetnum:      {block.networks()[0]}\norganisation: {block.pool}\nstatus:       ALLOCATED\n\nwhois:        {where}\n\nsource:       IANA\n\n")


def reply(world, whose, server, query):
    """(bytes, personal data sets in it)"""
    if whose in ("VERISIGN", "JPRS", "PIR", "REGISTRAR"):
        return domain_reply(world, whose, server, query).encode(), 0
    flags, key = flags_of(query) if whose in ("RIPE", "APNIC", "AFRINIC", "IRINN", "IDNIC", "CNNIC", "VNNIC") else (set(), query)
    address = address_in(key)
    block = world.find(address) if address else None
    if whose == "JPNIC":
        return jpnic(world, query), 0
    if whose in ("RIPE", "AFRINIC", "APNIC", "IRINN", "IDNIC", "CNNIC", "VNNIC"):
        if address is None:
            text, personal = rpsl_handle(world, whose if whose in ("RIPE", "AFRINIC") else "APNIC", key, flags)
        elif whose in ("RIPE", "AFRINIC"):
            text, personal = (ripe if whose == "RIPE" else afrinic)(world, block, query, flags)
        else:
            text, personal = apnic(world, block, query, flags), 0
        return text.encode(), personal
    if whose == "ARIN":
        return (arin(world, block, query) if block else ARIN_HEAD + f"No match found for {query.strip()}.\n" + ARIN_HEAD).encode(), 0
    if whose == "NIC.br" and address is None:
        return domain_reply(world, "REGISTRAR", server, query).encode(), 0
    text = {"LACNIC": lambda: lacnic(world, block, key.strip()), "NIC.br": lambda: nic_br(world, block), "KRNIC": lambda: krnic(world, address),
            "TWNIC": lambda: twnic(world, address),
            "RWHOIS": lambda: rwhois(world, server, address), "IANA": lambda: iana(block)}[whose]()
    return text.encode("iso-8859-1", "replace") if whose in ("LACNIC", "NIC.br") else text.encode(), 0
