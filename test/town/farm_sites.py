"""The web of the world in farm_truth.py: sites of companies in many languages and character sets, devices' login pages, servers' default pages,
what passive DNS saw of their names, and what their registrars say. Each page's truth stands beside it."""

import collections
import dataclasses
import datetime
import html
import ipaddress
import json

# (language, character set, "contact", "name", "message", "search")
LANGUAGES = [("ja", "euc-jp", "お問い合わせ", "お名前", "お問い合わせ内容", "検索"), ("de", "utf-8", "Kontakt", "Name", "Nachricht", "Suche"),
             ("zh-CN", "gb18030", "联系我们", "姓名", "留言内容", "搜索"), ("ko", "euc-kr", "문의하기", "이름", "문의 내용", "검색"),
             ("ru", "windows-1251", "Контакты", "Имя", "Сообщение", "Поиск"), ("en", "utf-8", "Contact us", "Your name", "Message", "Search"),
             ("ja", "shift_jis", "お問合せ", "氏名", "内容", "サイト内検索"), ("es", "iso-8859-1", "Contacto", "Nombre", "Mensaje", "Buscar"),
             ("zh-TW", "big5", "聯絡我們", "姓名", "訊息內容", "搜尋"), ("fr", "iso-8859-15", "Contactez-nous", "Nom", "Message", "Rechercher"),
             ("pl", "iso-8859-2", "Kontakt", "Imię", "Wiadomość", "Szukaj"), ("pt", "utf-8", "Fale conosco", "Nome", "Mensagem", "Buscar"),
             ("tr", "windows-1254", "İletişim", "Adınız", "Mesajınız", "Ara"), ("vi", "utf-8", "Liên hệ", "Họ tên", "Nội dung", "Tìm kiếm")]
KINDS = ["company", "device", "hidden", "company", "default", "served", "company", "scripts", "robots", "hidden"]
SUFFIXES = ["com", "jp", "org", "com"]
PROXY_DOMAIN = "veil-of-names.com"
MAKERS = [("Umibe NVR", "support@umibe-cameras.com"), ("Brightwell Router", "support@brightwell-routers.com")]
REGISTRARS = ["whois.registrar-ichi.com", "whois.registrar-ni.com"]
SITE_NETWORK = "10.79.4.0/22"


@dataclasses.dataclass
class Site:
    number: int
    kind: str
    address: str           # the target's
    web: str               # where its domain's pages are
    domain: str            # "": nobody tied one to the address
    language: tuple
    top: list              # mailboxes on the top page
    page: list             # and on the contact page
    form: bool
    accounts: list         # URLs
    spelling: str
    security_txt: bool
    proxy: bool            # its registrar names a privacy proxy
    registrant: str
    registrar: str
    decoys: list           # domains that passive DNS ties to the address, but not well enough
    served: str = ""       # of a mail server: a domain it serves

    @property
    def shows(self):
        return self.kind in ("company", "hidden", "default", "served")

    def of_address(self):
        """What http://ADDRESS/ shows."""
        return {"company": "site", "device": "device", "default": "default", "scripts": "scripts", "robots": "robots"}.get(self.kind, "nothing")


def make(world, count):
    """Sites at the first attackers of every so many blocks; their blocks' holders are somebody else."""
    rows = [block for block in world.blocks if block.version == 4 and not block.fixture and block.form != "hostile"]
    step = max(1, len(rows) // count) if count else 1
    sites = []
    for number, block in enumerate(rows[::step][:count]):
        kind = KINDS[number % len(KINDS)]
        language = LANGUAGES[number % len(LANGUAGES)]
        suffix = SUFFIXES[number % len(SUFFIXES)]
        word = "".join(world.random.choice(["hana", "ume", "kiri", "wald", "vela", "torn", "mado", "lund", "pico"]) for _ in range(2))
        domain = "" if kind == "device" else f"{word}{number:03d}.{suffix}"
        local = "info" if number % 3 else {"de": "kontakt", "pl": "kontakt", "es": "contacto", "en": "contact"}.get(language[0], "info")
        proxy = number % 4 == 1
        registrant = f"proxy{number}@{PROXY_DOMAIN}" if proxy else f"hostmaster@{domain}"
        site = Site(number, kind, str(ipaddress.IPv4Address(block.addresses[0])), f"10.79.{4 + number // 250}.{1 + number % 250}", domain,
                    language, [f"{local}@{domain}"], [f"{world.random.choice(['okafor', 'tanaka', 'novak'])}{number}@{domain}"] if number % 2 else [],
                    number % 5 != 2, [], ["plain", "mailto", "fullwidth", "brackets", "entities"][number % 5], number % 3 == 0, proxy, registrant,
                    REGISTRARS[number % 2], [])
        if number % 3 == 1:
            site.accounts = [f"https://www.facebook.com/{word}{number:03d}", f"https://x.com/{word}{number:03d}"]
        if kind == "device":
            site.top, site.page, site.form, site.accounts = [MAKERS[number % 2][1]], [], False, []
        if kind == "served":
            site.served = f"served{number:03d}.{suffix}"
        if domain:
            site.decoys = [f"rare{number:03d}.com", f"old{number:03d}.com", f"isp{number:03d}.net"]
        sites.append(site)
    for domain in [PROXY_DOMAIN, *[server.split(".", 1)[1] for server in REGISTRARS], *[maker[1].split("@")[1] for maker in MAKERS]]:
        world.mail_dns[domain] = "mx"
    for site in sites:
        for domain in (site.domain, site.served):
            if domain:
                world.name_mail_domain(domain)
                if world.mail_dns[domain] == "missing":
                    world.mail_dns[domain] = "a"  # the site's own address takes mail where there is no MX (RFC 5321)
    return sites


def of_pages(site, host):
    """[(kind, contact)] that the site under that name shows."""
    found = [("mail", mail) for mail in dict.fromkeys(site.top + site.page)]
    if site.form:
        found.append(("form", f"http://{host}/contact.html"))
    return found + [("account", account) for account in site.accounts]


def at_default_page():
    return [("mail", "webmaster@example.com")]


def pairs(sites):
    """{(channel, kind): {(address, contact, domain)}}"""
    found = collections.defaultdict(set)
    for site in sites:
        shown = site.of_address()
        if shown == "site":
            for kind, contact in of_pages(site, site.address):
                found["ip_web", kind].add((site.address, contact, ""))
        elif shown == "device":
            found["ip_web", "mail"].add((site.address, site.top[0], ""))
        elif shown == "default":
            for kind, contact in at_default_page():
                found["ip_web", kind].add((site.address, contact, ""))
        if not site.domain:
            continue
        for domain in [site.domain, site.served]:
            if domain and site.shows:
                for kind, contact in of_pages(site, domain):
                    found["domain_web", kind].add((site.address, contact, domain))
        if site.shows and site.security_txt:
            found["security_txt", "mail"].add((site.address, f"security@{site.domain}", site.domain))
        found["soa_rname", "mail"].add((site.address, f"hostmaster@{site.domain}", site.domain))
        found["domain_whois", "mail"].add((site.address, site.registrant, site.domain))
        if not site.domain.endswith(".jp"):
            found["domain_whois", "mail"].add((site.address, registrar_mail(site), site.domain))
    return found


def registrar_mail(site):
    return "abuse@" + site.registrar.split(".", 1)[1]


# ---- pages ----

def written(mail, spelling):
    local, domain = mail.split("@")
    return {"plain": f"<p>{mail}</p>", "mailto": f'<p><a href="mailto:{mail}?subject=web">mail</a></p>',
            "fullwidth": f"<p>{local}＠{domain}</p>", "brackets": f"<p>{local} [at] {domain.replace('.', ' [dot] ')}</p>",
            "entities": "<p>" + "".join(f"&#{ord(c)};" for c in mail) + "</p>"}[spelling]


def document(site, title, body):
    language, charset = site.language[:2]
    text = (f'<!DOCTYPE html>\n<html lang="{language}">\n<head>\n<meta charset="{charset}">\n<title>{title}</title>\n'
            f'<script>var tracker = "beacon@tracker-scripts.com";</script>\n</head>\n<body>\n{body}\n</body>\n</html>\n')
    return text.encode(charset, errors="xmlcharrefreplace")


def top_page(site):
    contact, search = html.escape(site.language[2]), html.escape(site.language[5])
    accounts = "".join(f'<a href="{account}">{account.split("/")[2]}</a>\n' for account in site.accounts)
    body = (f'<h1>{site.domain}</h1>\n'
            f'<form action="/find" method="get"><input type="search" name="q" placeholder="{search}"><input type="submit" value="{search}"></form>\n'
            f'<ul><li><a href="/">Home</a></li><li><a href="/contact.html">{contact}</a></li></ul>\n<img src="logo@2x.png" alt="">\n'
            '<a href="https://www.facebook.com/sharer/sharer.php?u=http%3A%2F%2Fa%2F">share</a>\n'
            f"{accounts}" + "".join(written(mail, site.spelling) for mail in site.top))
    return document(site, site.domain, body)


def contact_page(site):
    name, message = html.escape(site.language[3]), html.escape(site.language[4])
    form = (f'<form action="/send" method="post"><label for="n">{name}</label><input type="text" id="n" name="name">'
            '<label for="m">E-mail</label><input type="email" id="m" name="email">'
            f'<label for="t">{message}</label><textarea id="t" name="message" rows="8"></textarea><input type="submit"></form>') if site.form else ""
    return document(site, site.language[2], f"<h1>{html.escape(site.language[2])}</h1>\n{form}\n"
                    + "".join(written(mail, site.spelling) for mail in site.page))


def device_page(site):
    maker, mail = MAKERS[site.number % 2]
    return (f"<html><head><title>{maker} - Login</title></head><body><h2>{maker}</h2><form action='/login.cgi' method='post'>"
            "<input type='text' name='username'><input type='password' name='password'><input type='submit' value='Login'></form>"
            f"<p>Technical support: <a href='mailto:{mail}'>{mail}</a></p></body></html>").encode()


DEFAULT_PAGE = b"<html><body><h1>It works!</h1><p>The administrator of this server has not put anything here. Write to webmaster@example.com.</p></body></html>"
SCRIPT_PAGE = b"<!DOCTYPE html><html><head><title></title></head><body><div id='app'></div><script src='/app.js'></script></body></html>"


def security_txt(site):
    return (f"Contact: mailto:security@{site.domain}\nExpires: 2099-01-01T00:00:00Z\nPreferred-Languages: en\n").encode()


# ---- passive DNS ----

def resolutions(sites, now):
    """[(name, type, value, count, first, last)]: what a passive DNS database would tell."""
    day = 86400
    rows = []
    for site in sites:
        if not site.domain:
            continue
        host = f"mail.{site.domain}" if site.served else f"www.{site.domain}"
        rows.append((host, "A", site.address, 40 + site.number, now - 20 * day, now - 1 * day))
        if site.served:
            rows.append((site.served, "MX", f"10 {host}", 30, now - 20 * day, now - 2 * day))
        rare, old, isp = site.decoys
        octets = site.address.split(".")
        rows.append((f"www.{rare}", "A", site.address, 10, now - 9 * day, now - 3 * day))
        rows.append((f"www.{old}", "A", site.address, 900, now - 400 * day, now - 60 * day))
        spelled = ["-".join(octets), "-".join(reversed(octets)), "".join(f"{int(o):03d}" for o in octets), "".join(f"{int(o):02x}" for o in octets)]
        rows.append((f"host{spelled[site.number % 4]}.dyn.{isp}" if site.number % 4 >= 2 else f"{spelled[site.number % 4]}.dyn.{isp}", "A", site.address, 700,
                     now - 25 * day, now))
    return rows


def as_cof(rows):
    return "".join(json.dumps({"rrname": name, "rrtype": kind, "rdata": value, "count": count, "time_first": first, "time_last": last}) + "\n"
                   for name, kind, value, count, first, last in rows)


def as_dnsdb(rows):
    return "".join(json.dumps({"rrname": name + ".", "rrtype": kind, "rdata": [value + "." if kind == "MX" else value], "bailiwick": name + ".",
                               "count": count,
                               "time_first": first, "time_last": last}) + "\n" for name, kind, value, count, first, last in rows)


# ---- what registrars say ----

def date(days):
    return (datetime.datetime(2019, 1, 1) + datetime.timedelta(days)).strftime("%Y-%m-%dT%H:%M:%SZ")


def generic_reply(site, server, thin):
    """The form that ICANN asks of registrars; a thin registry leaves the contacts to them."""
    lines = [f"Domain Name: {site.domain.upper()}", f"Registry Domain ID: {site.number}_DOMAIN_X-VRSN", f"Registrar WHOIS Server: {site.registrar}",
             f"Registrar URL: http://www.{site.registrar.split('.', 1)[1]}", f"Updated Date: {date(site.number)}", f"Creation Date: {date(0)}",
             f"Registrar: {site.registrar.split('.')[1].title()} Inc.", f"Registrar IANA ID: {9000 + site.number % 2}",
             f"Registrar Abuse Contact Email: {registrar_mail(site)}", "Registrar Abuse Contact Phone: +1.5555550100",
             "Domain Status: clientTransferProhibited https://icann.org/epp#clientTransferProhibited"]
    if not thin:
        who = "Veil of Names Service" if site.proxy else site.domain.split(".")[0].title()
        for part in ("Registrant", "Admin", "Tech"):
            lines += [f"{part} Name: {who}", f"{part} Organization: {who}", f"{part} Street: 1 Example Street", f"{part} Country: US",
                      f"{part} Email: {site.registrant}"]
    lines += [f"Name Server: NS1.{site.domain.upper()}", "DNSSEC: unsigned",
              "URL of the ICANN Whois Inaccuracy Complaint Form: https://www.icann.org/wicf/", f">>> Last update of whois database: {date(2500)} <<<", "",
              "For more information on Whois status codes, please visit https://icann.org/epp"]
    return "\r\n".join(lines) + "\r\n"


def jprs_reply(site):
    return ("[ JPRS database provides information on network administration. Its use is    ]\n"
            "[ restricted to network administration purposes. For further information,     ]\n"
            "[ use 'whois -h whois.jprs.jp help'. To suppress Japanese output, add'/e'     ]\n"
            "[ at the end of command, e.g. 'whois -h whois.jprs.jp xxx/e'.                 ]\n\n"
            f"Domain Information:\n[Domain Name]                   {site.domain.upper()}\n\n[Registrant]                    {site.domain.split('.')[0].title()}\n\n"
            f"[Name Server]                   ns1.{site.domain}\n[Signing Key]                   \n\n[Created on]                    2019/01/01\n"
            "[Status]                        Active\n[Last Updated]                  2024/02/01 01:05:07 (JST)\n\nContact Information:\n"
            f"[Name]                          {site.domain.split('.')[0].title()}\n[Email]                         {site.registrant}\n"
            "[Web Page]                       \n[Postal code]                   100-0001\n[Postal Address]                Tokyo\n[Phone]                         03-5555-0100\n"
            "[Fax]                           \n\n")
