"""The names of the world in farm_truth.py, served by BIND: registries' servers, mail domains with and without MX, sites' domains with SOA, NS and TXT,
reverse names of a few. write(world, folder, …) makes its configuration; `named -g -c FILE` runs it in the foreground."""

import ipaddress
import pathlib
import shutil

import farm_truth

NAMED = shutil.which("named") or "/usr/sbin/named"
MAIL_HOST = "72.14.180.25"  # where every mail host is said to be; nothing ever connects there


def records_of_mail(domain, state):
    name = domain + "."
    return {"mx": [f"{name} IN MX 10 mx.{name}", f"mx.{name} IN A {MAIL_HOST}"], "a": [f"{name} IN A {MAIL_HOST}"], "missing": [],
            "null": [f"{name} IN MX 0 ."],
            "hanging": [f"{name} IN MX 10 gone.{name}"]}[state]


def zone_head(name, contact):
    return ["$TTL 300", f"{name} IN SOA ns.town-root.net. {contact} 1 3600 600 86400 60", f"{name} IN NS ns.town-root.net."]


def root_zone(world):
    """One zone holds whatever has no zone of its own."""
    lines = zone_head(".", "root.town-root.net.") + [f"ns.town-root.net. IN A {farm_truth.RESOLVER}"]
    lines += [f"{name}. IN A {address}" for name, address in farm_truth.ADDRESS_OF.items()]
    apart = {domain for site in world.sites for domain in (site.domain, site.served) if domain}
    for domain, state in sorted(world.mail_dns.items()):
        if domain not in apart:
            lines += records_of_mail(domain, state)
    lines += [f"{ipaddress.ip_address(address).reverse_pointer}. IN PTR {name}." for address, (name, _) in world.reverse_names().items()]
    for site in world.sites:
        lines += [f"www.{decoy}. IN A {site.web}" for decoy in site.decoys] + [f"{decoy}. IN A {site.web}" for decoy in site.decoys]
    return lines


def site_zone(world, site, domain):
    name = domain + "."
    lines = zone_head(name, f"hostmaster.{name}") + [f"{name} IN A {site.web}",
                                                     f"www.{name} IN A {site.web}",
                                                    f"mail.{name} IN A {site.web}", f'{name} IN TXT "v=spf1 mx -all"']
    state = world.mail_dns[domain]
    return lines + [line for line in records_of_mail(domain, state) if state != "a"]


def write(world, folder):
    """The path of named's configuration."""
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    zones = [(".", root_zone(world))]
    for site in world.sites:
        zones += [(domain, site_zone(world, site, domain)) for domain in (site.domain, site.served) if domain]
    text = [f'options {{ directory "{folder}"; listen-on port 53 {{ {farm_truth.RESOLVER}; }}; listen-on-v6 {{ none; }}; recursion no; allow-query {{ any; }};',
            f'  dnssec-validation no; pid-file "{folder}/named.pid"; session-keyfile "{folder}/session.key"; managed-keys-directory "{folder}"; notify no; empty-zones-enable no; minimal-responses yes; }};',
            'controls { };']
    for number, (name, lines) in enumerate(zones):
        (folder / f"zone{number}").write_text("\n".join(lines) + "\n")
        text.append(f'zone "{name}" {{ type primary; file "zone{number}"; check-names ignore; check-integrity no; }};')
    path = folder / "named.conf"
    path.write_text("\n".join(text) + "\n")
    return path
