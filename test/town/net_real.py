"""Servers of Debian's packages, set up the way a small device has them."""

import shutil
import subprocess

import net_truth
from net import PYTHON

MODBUS = """
import sys, types
# There are no serial lines here, and the packages for them are only recommended by this one.
sys.modules["serial"], sys.modules["serial_asyncio"] = types.ModuleType("serial"), types.ModuleType("serial_asyncio")
sys.modules["serial_asyncio"].create_serial_connection = None
from pymodbus.datastore import ModbusSequentialDataBlock, ModbusServerContext, ModbusSlaveContext
from pymodbus.device import ModbusDeviceIdentification
from pymodbus.server import StartTcpServer
names = {{"VendorName": {vendor!r}, "ProductCode": {product!r}, "MajorMinorRevision": {revision!r}}}
block = ModbusSequentialDataBlock(0, [0] * 16)
StartTcpServer(context=ModbusServerContext(slaves=ModbusSlaveContext(hr=block), single=True),
               identity=ModbusDeviceIdentification(info_name=names), address=({address!r}, {port}))
"""


def program(*names):
    for name in names:
        for path in (shutil.which(name), shutil.which(name, path="/usr/sbin:/sbin:/usr/lib/openssh")):
            if path:
                return path
    raise AssertionError(f"{names[0]} is not installed: see packaging/test.list")


def telnetd(folder, house, port, service):
    (folder / "issue").write_text(service["issue"])
    login = folder / "login"
    login.write_text(f"#!/bin/sh\nwhile printf '%s' '{service['prompt']}'; do read -r user || exit; printf 'Password: '; read -r word || exit; sleep 1; done\n")
    login.chmod(0o755)
    return [program("busybox"), "telnetd", "-F", "-b", f"{house.address}:{port}", "-f", str(folder / "issue"), "-l", str(login)]


def busybox_httpd(folder, house, port, service):
    (folder / "index.html").write_text("<html><head><title>index</title></head></html>\n")
    (folder / "httpd.conf").write_text("/:admin:notknown\n")
    return [program("busybox"), "httpd", "-f", "-p", f"{house.address}:{port}", "-h", str(folder), "-c", str(folder / "httpd.conf"), "-r", service["realm"]]


def dropbear(folder, house, port, service):
    subprocess.run([program("dropbearkey"), "-t", "ed25519", "-f", str(folder / "key")], check=True, capture_output=True)
    return [program("dropbear"), "-F", "-E", "-p", f"{house.address}:{port}", "-r", str(folder / "key"), "-P", str(folder / "pid")]


def sshd(folder, house, port, service):
    subprocess.run(["mkdir", "-p", "/run/sshd"], check=True)
    subprocess.run([program("ssh-keygen"), "-q", "-t", "ed25519", "-N", "", "-f", str(folder / "key")], check=True)
    (folder / "conf").write_text(f"ListenAddress {house.address}\nPort {port}\nHostKey {folder}/key\nPidFile none\nUsePAM no\n")
    return [program("sshd"), "-D", "-e", "-f", str(folder / "conf")]


def vsftpd(folder, house, port, service):
    (folder / "empty").mkdir()
    conf = folder / "conf"
    conf.write_text(f"listen=YES\nbackground=NO\nlisten_address={house.address}\nlisten_port={port}\nanonymous_enable=NO\nlocal_enable=YES\n"
                    f"ftpd_banner={service['banner']}\nsecure_chroot_dir={folder}/empty\nxferlog_enable=NO\n")
    conf.chmod(0o600)
    return [program("vsftpd"), str(conf)]


def unpacked(name):
    """The start of the command of a program that could not be installed beside the others: see packaging/unpacked.list."""
    libraries = next(net_truth.UNPACKED.glob("usr/lib/*/libpcre2-posix*")).parent
    return ["/usr/bin/env", f"LD_LIBRARY_PATH={libraries}", str(net_truth.UNPACKED / "usr/sbin" / name)]


def proftpd(folder, house, port, service):
    (folder / "conf").write_text(f"""
ServerType standalone
UseIPv6 off
SocketBindTight on
DefaultAddress {house.address}
Port {port}
ServerIdent on "{service['banner']}"
User nobody
Group nogroup
UseReverseDNS off
WtmpLog off
SystemLog {folder}/log
ScoreboardFile {folder}/scoreboard
PidFile {folder}/pid
""")
    return [*unpacked("proftpd"), "-n", "-q", "-c", str(folder / "conf")]


def pure_ftpd(folder, house, port, service):
    return [*unpacked("pure-ftpd"), "-S", f"{house.address},{port}", "-H", "-g", str(folder / "pid")]


def page(folder, service):
    www = folder / "www"
    www.mkdir()
    (www / "index.html").write_text(f"<html><head><title>{service['title']}</title></head><body></body></html>\n")
    for path in (*folder.parents, folder, www):
        if str(path).startswith("/tmp/"):
            path.chmod(path.stat().st_mode | 0o111)
    (www / "index.html").chmod(0o644)
    www.chmod(0o755)
    return www


def nginx(folder, house, port, service, more=""):
    www = page(folder, service)
    (folder / "conf").write_text(f"""
daemon off; master_process off; pid {folder}/pid; error_log {folder}/error.log;
events {{ }}
http {{ access_log off; client_body_temp_path {folder}/t1; proxy_temp_path {folder}/t2; fastcgi_temp_path {folder}/t3; uwsgi_temp_path {folder}/t4;
  scgi_temp_path {folder}/t5; default_type text/html;
  server {{ listen {house.address}:{port}{' ssl' if more else ''}; root {www}; {more} }} }}
""")
    return [program("nginx"), "-c", str(folder / "conf"), "-p", str(folder)]


def nginx_tls(folder, house, port, service):
    subprocess.run([program("openssl"), "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30",
                    "-subj", service["subject"], "-keyout", str(folder / "key"), "-out", str(folder / "cert")], check=True, capture_output=True)
    return nginx(folder, house, port, service, f"ssl_certificate {folder}/cert; ssl_certificate_key {folder}/key;")


def lighttpd(folder, house, port, service):
    www = page(folder, service)
    (folder / "conf").write_text(f'server.bind = "{house.address}"\nserver.port = {port}\nserver.document-root = "{www}"\n'
                                 f'server.tag = "{service["server"]}"\nindex-file.names = ("index.html")\nmimetype.assign = (".html" => "text/html")\n')
    return [program("lighttpd"), "-D", "-f", str(folder / "conf")]


def mini_httpd(folder, house, port, service):
    www = page(folder, service)
    return [program("mini_httpd", "mini-httpd"), "-D", "-p", str(port), "-h", house.address, "-d", str(www), "-u", "nobody", "-i", str(folder / "pid")]


def snmpd(folder, house, port, service):
    (folder / "conf").write_text(f"agentaddress udp:{house.address}:{port}\nrocommunity public\nsysDescr {service['description']}\n"
                                 f"sysObjectID {service['object_id']}\n[snmp] persistentDir {folder}\n")
    return [program("snmpd"), "-f", "-Lf", str(folder / "log"), "-C", "-c", str(folder / "conf"), "-I", "-smux"]


def pymodbus(folder, house, port, service):
    return [PYTHON, "-c", MODBUS.format(address=house.address, port=port, **{k: service[k] for k in ("vendor", "product", "revision")})]


SERVERS = {"telnetd": telnetd, "busybox-httpd": busybox_httpd, "dropbear": dropbear, "sshd": sshd, "vsftpd": vsftpd, "proftpd": proftpd, "pure-ftpd": pure_ftpd, "nginx": nginx, "nginx-tls": nginx_tls,
           "lighttpd": lighttpd, "mini_httpd": mini_httpd, "snmpd": snmpd, "pymodbus": pymodbus}


def start_real(town, house, port, service):
    folder = town.folder / f"{house.address}-{port}"
    folder.mkdir()
    return town.start(SERVERS[service["program"]](folder, house, port, service), town.place_of(house))
