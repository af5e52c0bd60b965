"""The houses of the small internet: who lives where, what each answers, and what it truly is. net.py builds it.

Streets lie 1 to 4 routers away from the hub and start from different TTLs; addresses are 10.77.STREET.HOUSE."""

import pathlib
from dataclasses import dataclass, field

HUB = "10.77.0.1"

# street: (routers between it and the hub, net.ipv4.ip_default_ttl)
STREETS = {1: (1, 64), 2: (2, 64), 3: (3, 128), 4: (4, 255), 5: (2, 64), 6: (1, 64), 8: (4, 64)}
GATE = "10.77.9.3"  # the gateway whose address two hosts share; four routers away, themselves one more
GATE_HOPS = 4
BLOCKED = "10.77.6.0/25"
OPTED_OUT = "10.77.6.200"


@dataclass
class House:
    name: str
    address: str
    class_: str
    maker: str
    ports: dict  # port -> how it is served; UDP when the service says so
    model: str = ""
    residue: str = ""
    honeypot: str = ""
    hosts: int = 1
    before: dict = field(default_factory=dict)  # what its ports said at an earlier time
    attacks: dict = field(default_factory=dict)  # our port it attacks -> TTL its packets arrive with; None: its own

    @property
    def street(self):
        return int(self.address.split(".")[2])


def say(text, arrives=None):
    return {"kind": "say", "text": text, "arrives": arrives}


def page(title="", server="", realm="", body="", headers=(), arrives=None):
    """A small device's front page; with a realm nobody gets in."""
    lines = ["HTTP/1.1 401 Unauthorized" if realm else "HTTP/1.1 200 OK"]
    lines += [f"Server: {server}"] if server else []
    lines += [f"WWW-Authenticate: {realm}"] if realm else []
    lines += [*headers, "Content-Type: text/html", "Connection: close"]
    text = f"<html><head><title>{title}</title></head><body>{body}</body></html>\n"
    return {"kind": "page", "text": "\r\n".join([*lines, f"Content-Length: {len(text.encode())}", "", text]), "arrives": arrives}


def modbus(vendor, product, revision, arrives=None):
    return {"kind": "modbus", "identity": [vendor, product, revision], "arrives": arrives}


def s7(order, firmware, arrives=None):
    return {"kind": "s7", "order": order, "firmware": firmware, "arrives": arrives}


def fox(brand, version, arrives=None):
    return {"kind": "fox", "brand": brand, "version": version, "arrives": arrives}


def bacnet(vendor, model, firmware, arrives=None):
    return {"kind": "bacnet", "udp": True, "vendor": vendor, "model": model, "firmware": firmware, "arrives": arrives}


def real(program, **settings):
    """A server of Debian's, set up as such a device has it."""
    return {"kind": "real", "program": program, "udp": program == "snmpd", **settings}


TELNET = "\xff\xfd\x01\xff\xfd\x1f\xff\xfb\x01\xff\xfb\x03"  # the options busybox's telnetd begins with
LOGIN = "\r\n{} login: "
WIFATCH = ("\r\nREINCARNA / Linux.Wifatch\r\n\r\nYour device has been infected by REINCARNA / Linux.Wifatch.\r\n\r\n"
           "We have no intent of damaging your device or harm your privacy in any way.\r\n\r\n"
           "Telnet and other backdoors have been closed to avoid further infection of\r\n"
           "this device. Please disable telnet, change root/admin passwords, and/or\r\nupdate the firmware.\r\n\r\n")

REAL = [
    House("recorder behind busybox telnetd", "10.77.1.10", "dvr", "AVTECH",
          {23: real("telnetd", issue="\nwelcome to AVTECH DVR\n\n", prompt="AVTECH login: ")}),
    House("busybox httpd with a password", "10.77.1.11", "dvr", "Hikvision", {80: real("busybox-httpd", realm="DVRNVRDVS")}),
    House("small board with dropbear", "10.77.1.12", "embedded", "", {22: real("dropbear")}),
    House("computer with openssh", "10.77.2.10", "server", "", {22: real("sshd")}),
    House("router with vsftpd", "10.77.2.11", "broadband-router", "AVM", {21: real("vsftpd", banner="FRITZ!Box7490 FTP server ready.")},
          model="FRITZ!Box7490"),
    House("set-top box with nginx", "10.77.2.12", "set-top-box", "", {80: real("nginx", title="OpenWebif")}),
    House("storage with lighttpd", "10.77.2.13", "nas", "Synology", {80: real("lighttpd", title="Synology DiskStation", server="lighttpd/1.4.28")}),
    House("camera with mini_httpd", "10.77.1.13", "ip-camera", "VIVOTEK", {80: real("mini_httpd", title="VIVOTEK Network Camera")}),
    House("firewall with a certificate", "10.77.2.14", "firewall", "Fortinet",
          {443: real("nginx-tls", title="login", subject="/C=US/O=Fortinet/OU=FortiGate/CN=FGT60D4614001234")}, model="FortiGate-60D"),
    House("router with snmpd", "10.77.2.15", "router", "MikroTik",
          {161: real("snmpd", description="RouterOS RB951G-2HnD", object_id=".1.3.6.1.4.1.14988.1")}, model="RB951G-2HnD"),
    House("controller with a Modbus server", "10.77.2.16", "plc", "Schneider Electric",
          {502: real("pymodbus", vendor="Schneider Electric", product="BMX P34 2020", revision="v2.1")}, model="BMX P34 2020"),
]
# Each of Debian's FTP servers refuses to be installed beside another; ./dev unpacks these two for the tests.
UNPACKED = pathlib.Path(__file__).resolve().parents[2] / "build" / "unpacked"
if UNPACKED.is_dir():
    REAL += [
        House("storage with proftpd", "10.77.2.17", "nas", "QNAP", {21: real("proftpd", banner="NASFTPD Turbo Station 1.3.5a Server (ProFTPD) [10.77.2.17]")}),
        House("computer with pure-ftpd", "10.77.2.18", "server", "", {21: real("pure-ftpd")}),
    ]

DEVICES = [
    House("recorder", "10.77.1.30", "dvr", "Hikvision", {80: page("index", "DNVRS-Webs", 'Digest realm="DS-7216HVI-ST", nonce="44b1"')},
          model="DS-7216HVI-ST"),
    House("recorder of cameras", "10.77.1.31", "nvr", "Hikvision",
          {23: say(LOGIN.format("DS-7732NI-E4")), 80: page("index", "webserver", 'Digest realm="DS-7732NI-E4", nonce="2b"')}, model="DS-7732NI-E4"),
    House("white box recorder", "10.77.1.32", "dvr", "XiongMai", {23: say("LocalHost login: "), 80: page("NETSurveillance WEB", "uc-httpd 1.0.0")}),
    House("recorder with a plain web", "10.77.1.33", "dvr", "TVT", {80: page("Login", "Cross Web Server")}),
    House("recorder by its title", "10.77.1.34", "dvr", "Dahua", {80: page("WEB SERVICE"), 23: say("\r\nDahua Technology HCVR\r\n\r\ndahua login: ")}),
    House("recorder for shops", "10.77.1.35", "dvr", "JUAN", {80: page("", "JAWS/1.0 Aug 21 2013")}),
    House("camera recorder", "10.77.1.36", "nvr", "Uniview", {23: say("\r\nNVR-302-16 B3221P05\r\n\r\nNVR login: ")}, model="NVR-302-16"),
    House("camera", "10.77.1.37", "ip-camera", "Axis",
          {21: say("220 AXIS P3301 Fixed Dome Network Camera 5.11 (Feb 11 2010) ready.\r\n"),
           80: page("", "", 'Digest realm="AXIS_00408CA1B2C3", nonce="0001"')}, model="P3301"),
    House("camera of a shop", "10.77.1.38", "ip-camera", "D-Link", {80: page("", "alphapd", 'Basic realm="DCS-932L_3F"')}, model="DCS-932L"),
    House("camera with a page", "10.77.1.39", "web-camera", "Yawcam", {8080: page("Yawcam", "yawcam")}),
    House("provider's router", "10.77.2.30", "broadband-router", "Huawei",
          {23: say("\r\nWelcome Visiting Huawei Home Gateway\r\nCopyright by Huawei Technologies Co., Ltd.\r\n\r\nLogin:"),
           80: page("", "", 'Digest realm="HG532e", nonce="1a"')}, model="HG532e"),
    House("wireless router", "10.77.2.31", "wireless-router", "TP-LINK",
          {80: page("", "Router Webserver", 'Basic realm="TP-LINK Wireless N Router WR841N"')}),
    House("modem", "10.77.2.32", "modem", "ZTE", {23: say("F668\r\n\rLogin: "), 80: page("F668", "Mini web server 1.0 ZTE corp 2005.")}, model="F668"),
    House("cable modem", "10.77.2.33", "modem", "ARRIS", {80: page("Touchstone Status")}),
    House("optical terminal", "10.77.2.34", "modem", "", {80: page("GPON Home Gateway")}),
    House("gateway", "10.77.2.35", "gateway", "Hitron", {23: say(LOGIN.format("CGNV4")), 80: page("Hitron Technologies")}, model="CGNV4"),
    House("radio", "10.77.2.36", "cpe", "Ubiquiti", {23: say("ubnt login: "), 80: page("airOS", headers=["Set-Cookie: AIROS_SESSIONID=8d; Path=/"])}),
    House("radio of a provider", "10.77.2.37", "cpe", "Redline",
          {23: say("\r\nRDL-3000 Ellipse  v3.10.09 Copyright (c) 2013 Redline Communications Inc.\r\n\r\nUsername: ")}, model="RDL-3000"),
    House("receiver", "10.77.2.38", "set-top-box", "Dream Multimedia",
          {23: say("\r\nopenpli 4.0 dm8000\r\n\r\ndm8000 login: "), 80: page("OpenWebif", "TwistedWeb/13.2.0")}, model="dm8000"),
    House("provider's receiver", "10.77.2.39", "set-top-box", "Infomir", {23: say(LOGIN.format("MAG254"))}, model="MAG254"),
    House("storage", "10.77.2.40", "nas", "QNAP",
          {21: say("220 NASFTPD Turbo Station 1.3.5a Server (ProFTPD) [10.77.2.40]\r\n"), 8080: page("QNAP Turbo NAS", "http server 1.0")}),
    House("adapter for telephones", "10.77.2.41", "voip", "Grandstream",
          {23: say("Grandstream HT-502  V1.1B Command Shell Copyright 2006-2012\r\nPassword: ")}, model="HT-502"),
    House("telephone", "10.77.2.42", "voip", "snom", {80: page("snom 320", "snom embedded")}, model="320"),
    House("mobile router", "10.77.2.43", "mobile-router", "Sierra Wireless", {80: page("::: ACEmanager :::")}),
    House("router", "10.77.2.44", "router", "MikroTik", {21: say("220 gw FTP server (MikroTik 6.40.5) ready\r\n"), 23: say("\r\nMikroTik v6.40.5 (bugfix)\r\nLogin: ")}),
    House("Windows machine", "10.77.3.10", "server", "Microsoft", {21: say("220 Microsoft FTP Service\r\n"), 80: page("IIS7", "Microsoft-IIS/7.5")}),
    House("time clock", "10.77.3.11", "access-control", "ZKTeco", {23: say("\r\nWelcome to Linux (ZEM510) for MIPS\r\nKernel 2.6.24 Treckle on an MIPS\r\nZEM510 login: ")},
          model="ZEM510"),
    House("printer", "10.77.4.10", "printer", "Ricoh",
          {21: say("220 RICOH Aficio MP C2051 FTP server (9.02.1) ready.\r\n"), 23: say("RICOH Maintenance Shell. \r\nUser access verification.\r\nlogin:")},
          model="Aficio MP C2051"),
    House("terminal server", "10.77.4.11", "terminal-server", "Lantronix",
          {23: say("*** Lantronix XPort Device Server ***\r\nMAC address 0080A38A1B2C\r\nSoftware version V6.6.0.2 (080926) XPTEXE\r\n\r\n")}),
    House("switch", "10.77.4.12", "switch", "D-Link",
          {23: say("\r\n\r\n                 DES-3526 Fast Ethernet Switch Command Line Interface\r\n\r\n                  Firmware: Build 6.00.B25\r\n\r\nUserName:")},
          model="DES-3526"),
    House("heat pump", "10.77.1.40", "heat-pump", "Alpha-InnoTec", {80: page("Luxtronik 2.0")}),
    House("solar logger", "10.77.1.41", "solar", "Solar-Log", {80: page("Solar-Log 500")}),
    House("fire alarm", "10.77.1.42", "fire-alarm", "", {80: page("Fire Alarm System")}),
    House("car park", "10.77.1.43", "parking", "", {80: page("Parking Management System")}),
    # What it said before names it; what was done to it since does not.
    House("recorder with a visitor", "10.77.1.50", "dvr", "AVTECH", {23: say(TELNET + WIFATCH)}, residue="wifatch",
          before={23: say("\r\nwelcome to AVTECH DVR\r\n\r\nAVTECH login: ")}),
    # Of somebody else's.
    House("somebody's honeypot", "10.77.1.51", "plc", "Siemens",
          {80: page("Overview - Siemens, SIMATIC, [empty]", headers=["Last-Modified: Tue, 19 May 1993 09:00:00 GMT"]),
           102: s7("6ES7 151-8AB01-0AB0", "3.2.6")}, honeypot="conpot"),
]

# A neighbourhood: adapters of one provider, all on an unusual port.
NEIGHBOURS = [House(f"adapter {n}", f"10.77.5.{10 + n}", "eoc-adapter", "", {2023: say(TELNET + "\r\nEoC Slave\r\nlogin: ")}) for n in range(6)]
NEIGHBOURS += [House(f"gateway {n}", f"10.77.5.{20 + n}", "gateway", "", {2023: say(TELNET + "\r\nResidential Gateway\r\nLogin: ")}) for n in range(4)]

# Nobody may send a packet to these: the first by the operator's list, the second by its owner's wish.
FORBIDDEN = [
    House("on the blocklist", "10.77.6.20", "dvr", "AVTECH", {23: say("\r\nwelcome to AVTECH DVR\r\n\r\nAVTECH login: ")}),
    House("opted out", OPTED_OUT, "dvr", "AVTECH", {23: say("\r\nwelcome to AVTECH DVR\r\n\r\nAVTECH login: ")}),
]

# The six rows of the fusion paper's table 2: TTLs as they arrive. Row C is made of real hosts; see Gate in net.py.
INDUSTRIAL = [
    House("A", "10.77.8.1", "building-automation", "Tridium",
          {23: say("Welcome to Microsoft Telnet Service\r\n\r\nlogin: ", 111), 47808: bacnet("Tridium", "NiagaraAX Station", "3.5.34", 111)}, attacks={445: 104}),
    House("B", "10.77.8.2", "", "",
          {21: say("220 ready\r\n", 50), 22: say("SSH-2.0-dropbear_0.52\r\n", 50), 80: page("", "Boa/0.94.13", arrives=50),
           502: modbus("WAGO", "750-841", "01.04.02", 50), 23: say("\r\nlogin: ", 51)}, attacks={23: 51}),
    House("C", GATE, "", "", {502: modbus("Schneider Electric", "EGX100", "v3.61"), 8080: page("PowerLogic EGX100", "Allegro-Software-RomPager/4.30")},
          hosts=2, attacks={3389: None, 445: None}),
    House("D", "10.77.8.4", "building-automation", "Tridium", {80: page("Niagara Login", "Niagara Web Server/3.6.31", arrives=117), 1911: fox("vykon", "3.6.31", 117)},
          attacks={445: 118}),
    House("E", "10.77.8.5", "building-automation", "Honeywell", {1911: fox("Webs", "3.5.34", 114), 3389: say("", 114)}, attacks={3389: 116}),
    House("F", "10.77.8.6", "", "",
          {23: say("\r\nlogin: ", 50), 80: page("Router", arrives=80), 102: s7("6ES7 315-2EH14-0AB0", "3.2.6", 15)}, hosts=3, attacks={445: 117}),
]

ALL = REAL + DEVICES + NEIGHBOURS + FORBIDDEN + INDUSTRIAL
BY_ADDRESS = {house.address: house for house in ALL}
assert len(BY_ADDRESS) == len(ALL)


def arriving(house, service):
    """The TTL with which the hub sees what this service sends."""
    if service.get("arrives"):
        return service["arrives"]
    if house.address == GATE:
        return 64 - GATE_HOPS - 1
    hops, ttl = STREETS[house.street]
    return ttl - hops
