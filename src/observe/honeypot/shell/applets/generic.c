/*
 * The rest of what BusyBox lists: bots hardly call these, but a device that has them answers something. Each line says what it does when called:
 *   silent           succeeds without a word, whatever the arguments (daemons, settings of the machine)
 *   wants_arguments  prints its usage without arguments, else succeeds without a word
 *   wants_file       the last argument must be a file that can be opened
 *   wants_device     fails for want of the device it would open
 *   finds_nothing    fails without a word
 *   passes_through   copies its input
 */
#include "observe/honeypot/shell/applets/common.h"

static bool asks_help(struct run *run)
{
    return run->argc == 2 && span_is(run->argv[1], "--help");
}

static int silent(struct run *run)
{
    if (asks_help(run))
        (void)run_usage(run);
    return 0;
}

static int wants_arguments(struct run *run)
{
    if (asks_help(run)) {
        (void)run_usage(run);
        return 0;
    }
    return run->argc < 2 ? run_usage(run) : 0;
}

static int wants_file(struct run *run)
{
    if (asks_help(run)) {
        (void)run_usage(run);
        return 0;
    }
    struct span path = run->argv[run->argc - 1];
    struct tree_stat stat;
    if (run->argc < 2 || (path.len > 1 && path.at[0] == '-'))
        return run_usage(run);
    int error = tree_stat(run_tree(run), run_cwd(run), path, true, &stat);
    if (error < 0)
        run_error(run, "%.*s: can't open '%.*s': %s\n", TEXT(name_of(run)), TEXT(path), errno_text(error));
    return error < 0;
}

static int wants_device(struct run *run)
{
    if (asks_help(run)) {
        (void)run_usage(run);
        return 0;
    }
    bool clock = span_is(name_of(run), "hwclock");
    const char *device = clock                            ? "/dev/misc/rtc"
                         : span_is(name_of(run), "fbset") ? "/dev/fb0"
                         : span_is(name_of(run), "mt")    ? "/dev/tape"
                                                          : "/boot/System.map";
    run_error(run, "%.*s: can't open '%s': No such file or directory\n", TEXT(name_of(run)), device);
    return 1;
}

static int finds_nothing(struct run *run)
{
    return asks_help(run) || run->argc < 2 ? run_usage(run) : 1;
}

static int passes_through(struct run *run)
{
    if (asks_help(run)) {
        (void)run_usage(run);
        return 0;
    }
    const struct span *args = run->argv + 1;
    size_t files = 0;
    while (files + 1 < run->argc && (run->argv[files + 1].len == 0 || run->argv[files + 1].at[0] != '-'))
        files++;
    if (input_is_typed(run, args, files))
        return run_await_input(run, true);
    int status = 0;
    for (size_t i = 0; i < (files > 0 ? files : 1) && run_step(run, 1); i++) {
        struct input in;
        if (!input_open_warn(run, files > 0 ? args[i] : span_text("-"), true, &in)) {
            status = 1;
            continue;
        }
        (void)out_paid(run, in.bytes);
        input_close(&in);
    }
    return status;
}

/* Literals that stand side by side: NOLINTBEGIN(bugprone-macro-parentheses) */
#define GENERIC(identifier, text, function, synopsis) \
    const struct applet applet_##identifier = {.name = text, .run = function, .usage = text synopsis};
/* NOLINTEND(bugprone-macro-parentheses) */
/* clang-format off */
GENERIC(acpid, "acpid", silent, " [-df] [-c CONFDIR] [-l LOGFILE] [-a ACTIONFILE]")
GENERIC(adjtimex, "adjtimex", silent, " [-q] [-o OFF] [-f FREQ] [-p TCONST] [-t TICK]")
GENERIC(ar, "ar", wants_file, " [-o] [-v] [-p] [-t] [-x] ARCHIVE FILES")
GENERIC(arping, "arping", wants_arguments, " [-fqbDUA] [-c CNT] [-w TIMEOUT] [-I IFACE] [-s SRC_IP] DST_IP")
GENERIC(ascii, "ascii", silent, "")
GENERIC(bbconfig, "bbconfig", silent, "")
GENERIC(bc, "bc", silent, " [-sqlw] FILE...")
GENERIC(beep, "beep", silent, " [-f FREQ] [-l LEN] [-d DELAY] [-r COUNT] [-n]")
GENERIC(blkdiscard, "blkdiscard", wants_file, " [-o OFS] [-l LEN] [-s] DEVICE")
GENERIC(blockdev, "blockdev", wants_file, " OPTION BLOCKDEV")
GENERIC(brctl, "brctl", wants_arguments, " COMMAND [BRIDGE [INTERFACE]]")
GENERIC(chattr, "chattr", wants_arguments, " [-R] [-+=AacDdijsStTu] [-v VERSION] FILE...")
GENERIC(chpst, "chpst", wants_arguments, " [-vP012] [-u USER[:GRP]] PROG ARGS")
GENERIC(chvt, "chvt", wants_arguments, " N")
GENERIC(comm, "comm", wants_file, " [-123] FILE1 FILE2")
GENERIC(cpio, "cpio", wants_arguments, " [-dmvu] [-F FILE] [-ti]")
GENERIC(crond, "crond", silent, " -fbS -l N -d N -L LOGFILE -c DIR")
GENERIC(cryptpw, "cryptpw", silent, " [OPTIONS] [PASSWORD] [SALT]")
GENERIC(cttyhack, "cttyhack", wants_arguments, " [PROG ARGS]")
GENERIC(dc, "dc", silent, " [EXPRESSION]...")
GENERIC(deallocvt, "deallocvt", silent, " [N]")
GENERIC(depmod, "depmod", silent, " [-n]")
GENERIC(devmem, "devmem", wants_arguments, " ADDRESS [WIDTH [VALUE]]")
GENERIC(dhcprelay, "dhcprelay", wants_arguments, " CLIENT_IFACE[,CLIENT_IFACE2]... SERVER_IFACE [SERVER_IP]")
GENERIC(dnsd, "dnsd", silent, " [-dvs] [-c CONFFILE] [-t TTL_SEC] [-p PORT] [-i ADDR]")
GENERIC(dos2unix, "dos2unix", passes_through, " [-ud] [FILE]")
GENERIC(dpkg, "dpkg", wants_arguments, " [-ilCPru] [-F OPT] PACKAGE")
GENERIC(dpkg_deb, "dpkg-deb", wants_file, " [-cefxX] FILE [DIR]")
GENERIC(dumpkmap, "dumpkmap", silent, "")
GENERIC(dumpleases, "dumpleases", wants_file, " [-r|-a] [-d] [-f LEASEFILE]")
GENERIC(ed, "ed", silent, " [FILE]")
GENERIC(eject, "eject", silent, " [-t] [-T] [DEVICE]")
GENERIC(envdir, "envdir", wants_arguments, " DIR PROG ARGS")
GENERIC(envuidgid, "envuidgid", wants_arguments, " USER PROG ARGS")
GENERIC(ether_wake, "ether-wake", wants_arguments, " [-b] [-i IFACE] [-p aa:bb:cc:dd[:ee:ff]/a.b.c.d] MAC")
GENERIC(factor, "factor", silent, " [NUMBER]...")
GENERIC(fakeidentd, "fakeidentd", silent, " [-fiw] [-b ADDR] [STRING]")
GENERIC(fallocate, "fallocate", wants_arguments, " [-o OFS] -l LEN FILE")
GENERIC(fatattr, "fatattr", wants_arguments, " [-+rhsvda] FILE...")
GENERIC(fbset, "fbset", wants_device, " [OPTIONS] [MODE]")
GENERIC(fdflush, "fdflush", wants_arguments, " DEVICE")
GENERIC(fdformat, "fdformat", wants_file, " [-n] DEVICE")
GENERIC(fdisk, "fdisk", silent, " [-ul] [-C CYLINDERS] [-H HEADS] [-S SECTORS] [-b SSZ] DISK")
GENERIC(findfs, "findfs", finds_nothing, " LABEL=label or UUID=uuid")
GENERIC(flash_eraseall, "flash_eraseall", wants_file, " [-jNq] MTD_DEVICE")
GENERIC(flash_lock, "flash_lock", wants_file, " MTD_DEVICE OFFSET SECTORS")
GENERIC(flash_unlock, "flash_unlock", wants_file, " MTD_DEVICE")
GENERIC(flashcp, "flashcp", wants_file, " -v FILE MTD_DEVICE")
GENERIC(freeramdisk, "freeramdisk", wants_file, " DEVICE")
GENERIC(fsck, "fsck", silent, " [-ANPRTV] [-t FSTYPE] [FS_OPTS] [BLOCKDEV]...")
GENERIC(fsck_minix, "fsck.minix", wants_file, " [-larvsmf] BLOCKDEV")
GENERIC(fsfreeze, "fsfreeze", wants_arguments, " --[un]freeze MOUNTPOINT")
GENERIC(fstrim, "fstrim", wants_arguments, " [OPTIONS] MOUNTPOINT")
GENERIC(fsync, "fsync", wants_arguments, " [-d] FILE...")
GENERIC(ftpd, "ftpd", silent, " [-wvS] [-t N] [-T N] [DIR]")
GENERIC(fuser, "fuser", wants_arguments, " [OPTIONS] FILE or PORT/PROTO")
GENERIC(getopt, "getopt", wants_arguments, " [OPTIONS] [--] OPTSTRING PARAMS")
GENERIC(getty, "getty", wants_arguments, " [OPTIONS] BAUD_RATE[,BAUD_RATE]... TTY [TERMTYPE]")
GENERIC(hdparm, "hdparm", wants_arguments, " [OPTIONS] [DEVICE]")
GENERIC(httpd, "httpd", silent, " [-ifv[v]] [-c CONFFILE] [-p [IP:]PORT] [-u USER[:GRP]] [-r REALM] [-h HOME]")
GENERIC(hwclock, "hwclock", wants_device, " [-r|--show] [-s|--hctosys] [-w|--systohc] [-l] [-u] [-f FILE]")
GENERIC(i2cdetect, "i2cdetect", wants_arguments, " -l | -F I2CBUS | [-ya] [-q|-r] I2CBUS [FIRST LAST]")
GENERIC(i2cdump, "i2cdump", wants_arguments, " [-fy] [-r FIRST-LAST] [-a] BUS ADDR [MODE]")
GENERIC(i2cget, "i2cget", wants_arguments, " [-fay] BUS CHIP-ADDRESS [DATA-ADDRESS [MODE]]")
GENERIC(i2cset, "i2cset", wants_arguments, " [-fy] [-m MASK] BUS CHIP-ADDRESS DATA-ADDRESS [VALUE] ... [MODE]")
GENERIC(i2ctransfer, "i2ctransfer", wants_arguments, " [-fay] I2CBUS { rLENGTH[@ADDR] | wLENGTH[@ADDR] DATA... }...")
GENERIC(ifdown, "ifdown", wants_arguments, " [-anmvf] [-i FILE] IFACE...")
GENERIC(ifup, "ifup", wants_arguments, " [-anmvf] [-i FILE] IFACE...")
GENERIC(inetd, "inetd", silent, " [-fe] [-q N] [-R N] [CONFFILE]")
GENERIC(inotifyd, "inotifyd", wants_arguments, " PROG FILE1[:MASK]...")
GENERIC(iostat, "iostat", silent, " [-c] [-d] [-t] [-z] [-k|-m] [ALL|BLOCKDEV...] [INTERVAL [COUNT]]")
GENERIC(ipcalc, "ipcalc", wants_arguments, " [-bnmphs] ADDRESS[/PREFIX] [NETMASK]")
GENERIC(ipcrm, "ipcrm", silent, " [-MQS key] [-mqs id]")
GENERIC(ipcs, "ipcs", silent, " [[-smq] -i SHMID] | [[-asmq] [-tcplu]]")
GENERIC(killall5, "killall5", silent, " [-l] [-SIG] [-o PID]...")
GENERIC(klogd, "klogd", silent, " [-c N] [-n]")
GENERIC(last, "last", silent, " [-f FILE]")
GENERIC(linux32, "linux32", silent, " [PROG ARGS]")
GENERIC(linux64, "linux64", silent, " [PROG ARGS]")
GENERIC(linuxrc, "linuxrc", silent, "")
GENERIC(loadfont, "loadfont", silent, " < font")
GENERIC(loadkmap, "loadkmap", silent, " < keymap")
GENERIC(logger, "logger", silent, " [-s] [-t TAG] [-p PRIO] [MESSAGE]")
GENERIC(logread, "logread", silent, " [-f]")
GENERIC(logsave, "logsave", wants_arguments, " LOGFILE PROG ARGS")
GENERIC(losetup, "losetup", silent, " [-o OFS] LOOPDEV FILE - associate loop devices")
GENERIC(lpd, "lpd", wants_arguments, " SPOOLDIR [HELPER [ARGS]]")
GENERIC(lsattr, "lsattr", silent, " [-Radlpv] [FILE]...")
GENERIC(lsof, "lsof", silent, "")
GENERIC(lspci, "lspci", silent, " [-mk]")
GENERIC(lsscsi, "lsscsi", silent, "")
GENERIC(lsusb, "lsusb", silent, "")
GENERIC(makedevs, "makedevs", wants_arguments, " [-d device_table] rootdir")
GENERIC(makemime, "makemime", wants_arguments, " [OPTIONS] [FILE]...")
GENERIC(mdev, "mdev", silent, " [-s]")
GENERIC(mesg, "mesg", silent, " [y|n]")
GENERIC(microcom, "microcom", wants_arguments, " [-d DELAY] [-t TIMEOUT] [-s SPEED] [-X] TTY")
GENERIC(mim, "mim", silent, " [-f FILE] [SHELL_OPTIONS] [TARGET] ...")
GENERIC(mkdosfs, "mkdosfs", wants_file, " [-v] [-n LABEL] BLOCKDEV [KBYTES]")
GENERIC(mke2fs, "mke2fs", wants_file, " [-Fn] [-b BLK_SIZE] [-i INODE_RATIO] [-I INODE_SIZE] [-m RESERVED_PERCENT] [-L LABEL] BLOCKDEV [KBYTES]")
GENERIC(mkfs_ext2, "mkfs.ext2", wants_file, " [-Fn] [-b BLK_SIZE] [-i INODE_RATIO] [-I INODE_SIZE] [-m RESERVED_PERCENT] [-L LABEL] BLOCKDEV [KBYTES]")
GENERIC(mkfs_minix, "mkfs.minix", wants_file, " [-c | -l FILE] [-nXX] [-iXX] BLOCKDEV [KBYTES]")
GENERIC(mkfs_vfat, "mkfs.vfat", wants_file, " [-v] [-n LABEL] BLOCKDEV [KBYTES]")
GENERIC(mkpasswd, "mkpasswd", silent, " [OPTIONS] [PASSWORD] [SALT]")
GENERIC(mkswap, "mkswap", wants_file, " [-L LBL] BLOCKDEV [KBYTES]")
GENERIC(modinfo, "modinfo", wants_arguments, " [-adlpn0] [-F keyword] MODULE")
GENERIC(mpstat, "mpstat", silent, " [-A] [-I SUM|CPU|ALL|SCPU] [-u] [-P num|ALL] [INTERVAL [COUNT]]")
GENERIC(mt, "mt", wants_device, " [-f device] opcode value")
GENERIC(nameif, "nameif", wants_arguments, " [-s] [-c FILE] [IFNAME HWADDR]...")
GENERIC(nanddump, "nanddump", wants_file, " [-o] [--bb=padbad|skipbad] [-s ADDR] [-l LEN] [-f FILE] MTD_DEVICE")
GENERIC(nandwrite, "nandwrite", wants_file, " [-p] [-s ADDR] MTD_DEVICE [FILE]")
GENERIC(nbd_client, "nbd-client", wants_arguments, " { [-b BLKSIZE] [-N NAME] [-t SEC] [-p] HOST [PORT] | -d } BLOCKDEV")
GENERIC(nmeter, "nmeter", wants_arguments, " [-d MSEC] FORMAT_STRING")
GENERIC(nologin, "nologin", silent, "")
GENERIC(nsenter, "nsenter", wants_arguments, " [OPTIONS] [PROG ARGS]")
GENERIC(ntpd, "ntpd", wants_arguments, " [-dnqNwl] [-S PROG] [-p PEER]")
GENERIC(nuke, "nuke", wants_arguments, " DIR...")
GENERIC(openvt, "openvt", wants_arguments, " [-c N] [-sw] [PROG ARGS]")
GENERIC(partprobe, "partprobe", silent, " DEVICE...")
GENERIC(patch, "patch", passes_through, " [-RNE] [-p N] [-i DIFF] [ORIGFILE [PATCHFILE]]")
GENERIC(pipe_progress, "pipe_progress", passes_through, "")
GENERIC(pivot_root, "pivot_root", wants_arguments, " NEW_ROOT PUT_OLD")
GENERIC(pmap, "pmap", wants_arguments, " [-xq] PID...")
GENERIC(popmaildir, "popmaildir", wants_arguments, " [OPTIONS] MAILDIR [CONN_HELPER ARGS]")
GENERIC(powertop, "powertop", silent, "")
GENERIC(pscan, "pscan", wants_arguments, " [-cb] [-p MIN_PORT] [-P MAX_PORT] [-t TIMEOUT] [-T MIN_RTT] HOST")
GENERIC(pwdx, "pwdx", wants_arguments, " PID...")
GENERIC(raidautorun, "raidautorun", wants_file, " DEVICE")
GENERIC(rdate, "rdate", wants_arguments, " [-s/-p] HOST")
GENERIC(rdev, "rdev", silent, "")
GENERIC(readahead, "readahead", wants_arguments, " [FILE]...")
GENERIC(readprofile, "readprofile", wants_device, " [OPTIONS]")
GENERIC(reformime, "reformime", passes_through, " [OPTIONS]")
GENERIC(renice, "renice", wants_arguments, " [-n] PRIORITY [[-p|g|u] ID...]...")
GENERIC(resume, "resume", wants_arguments, " BLOCKDEV [OFFSET]")
GENERIC(rpm, "rpm", wants_arguments, " -i PACKAGE.rpm; rpm -qp[ildc] PACKAGE.rpm")
GENERIC(rpm2cpio, "rpm2cpio", wants_file, " PACKAGE.rpm")
GENERIC(rtcwake, "rtcwake", wants_arguments, " [-aul] [-d DEV] [-m MODE] [-s SEC | -t TIME]")
GENERIC(run_init, "run-init", wants_arguments, " [-d CAP,CAP...] [-n] [-c CONSOLE_DEV] NEW_ROOT NEW_INIT [ARGS]")
GENERIC(run_parts, "run-parts", wants_arguments, " [-a ARG]... [-u UMASK] [--reverse] [--test] [--exit-on-error] [--list] DIRECTORY")
GENERIC(runlevel, "runlevel", silent, " [FILE]")
GENERIC(rx, "rx", wants_arguments, " FILE")
GENERIC(script, "script", silent, " [-afq] [-t[FILE]] [-c PROG] [OUTFILE]")
GENERIC(scriptreplay, "scriptreplay", wants_file, " TIMINGFILE [TYPESCRIPT [DIVISOR]]")
GENERIC(sendmail, "sendmail", passes_through, " [-tv] [-f SENDER] [-amLOGIN 4<user_pass.txt | -auUSER -apPASS] [RECIPIENT_EMAIL]...")
GENERIC(setconsole, "setconsole", silent, " [-r] [DEVICE]")
GENERIC(setfont, "setfont", wants_arguments, " FONT [-m MAPFILE] [-C TTY]")
GENERIC(setkeycodes, "setkeycodes", wants_arguments, " SCANCODE KEYCODE...")
GENERIC(setpriv, "setpriv", wants_arguments, " [OPTIONS] PROG ARGS")
GENERIC(setuidgid, "setuidgid", wants_arguments, " USER PROG ARGS")
GENERIC(shred, "shred", wants_arguments, " [-fuz] [-n N] [-s SIZE] FILE...")
GENERIC(shuf, "shuf", passes_through, " [-n NUM] [-o FILE] [-z] [FILE | -e [ARG...] | -i L-H]")
GENERIC(slattach, "slattach", wants_arguments, " [-ehmLF] [-c SCRIPT] [-s BAUD] [-p PROTOCOL] SERIAL_DEVICE")
GENERIC(smemcap, "smemcap", silent, " >SMEMDATA.TAR")
GENERIC(softlimit, "softlimit", wants_arguments, " [-a BYTES] [-m BYTES] [-d BYTES] [-s BYTES] [-l BYTES] PROG ARGS")
GENERIC(split, "split", wants_arguments, " [OPTIONS] [INPUT [PREFIX]]")
GENERIC(ssl_client, "ssl_client", wants_arguments, " [-e] -s FD [-r FD] [-n SNI]")
GENERIC(stty, "stty", silent, " [-a|g] [-F DEVICE] [SETTING]...")
GENERIC(sulogin, "sulogin", silent, " [-t N] [TTY]")
GENERIC(sum, "sum", wants_file, " [-rs] [FILE]...")
GENERIC(sv, "sv", wants_arguments, " [-v] [-w SEC] CMD SERVICE_DIR...")
GENERIC(svc, "svc", wants_arguments, " [-udopchaitkx] SERVICE_DIR...")
GENERIC(svlogd, "svlogd", wants_arguments, " [-tttv] [-r C] [-R CHARS] [-l MATCHLEN] [-b BUFLEN] DIR...")
GENERIC(svok, "svok", wants_arguments, " SERVICE_DIR")
GENERIC(swapoff, "swapoff", wants_arguments, " [-a] [DEVICE]")
GENERIC(swapon, "swapon", wants_file, " [-a] [-e] [-d[POL]] [-p PRI] [DEVICE]")
GENERIC(switch_root, "switch_root", wants_arguments, " [-c CONSOLE_DEV] NEW_ROOT NEW_INIT [ARGS]")
GENERIC(sync, "sync", silent, "")
GENERIC(syslogd, "syslogd", silent, " [OPTIONS]")
GENERIC(taskset, "taskset", wants_arguments, " [-p] [HEXMASK] PID | PROG ARGS")
GENERIC(tc, "tc", silent, " OBJECT CMD [dev STRING]")
GENERIC(tcpsvd, "tcpsvd", wants_arguments, " [-hEv] [-c N] [-C N[:MSG]] [-b N] [-u USER] [-l NAME] IP PORT PROG")
GENERIC(telnetd, "telnetd", silent, " [OPTIONS]")
GENERIC(tftpd, "tftpd", silent, " [-cr] [-u USER] [DIR]")
GENERIC(ts, "ts", passes_through, " [-is] [STRFTIME]")
GENERIC(ttysize, "ttysize", silent, " [w] [h]")
GENERIC(tunctl, "tunctl", silent, " [-f device] [-t name | -d name] [-u owner] [-g group] [-b]")
GENERIC(tune2fs, "tune2fs", wants_arguments, " [-c MAX_MOUNT_COUNT] [-i DAYS] [-C MOUNT_COUNT] [-L LABEL] BLOCKDEV")
GENERIC(ubiattach, "ubiattach", wants_arguments, " -m MTD_NUM [-d UBI_NUM] [-O VID_HDR_OFF] UBI_CTRL_DEV")
GENERIC(ubidetach, "ubidetach", wants_arguments, " -d UBI_NUM UBI_CTRL_DEV")
GENERIC(ubimkvol, "ubimkvol", wants_arguments, " -N NAME [-s SIZE | -m] UBI_DEVICE")
GENERIC(ubirename, "ubirename", wants_arguments, " UBI_DEVICE OLD_VOLNAME NEW_VOLNAME [OLD2 NEW2]...")
GENERIC(ubirmvol, "ubirmvol", wants_arguments, " -n VOLID / -N VOLNAME UBI_DEVICE")
GENERIC(ubirsvol, "ubirsvol", wants_arguments, " -n VOLID -s SIZE UBI_DEVICE")
GENERIC(ubiupdatevol, "ubiupdatevol", wants_arguments, " -t UBI_DEVICE | [-s SIZE] UBI_DEVICE IMG_FILE")
GENERIC(udhcpc, "udhcpc", silent, " [-fbqRB] [-a[MSEC]] [-t N] [-T SEC] [-A SEC|-n] [-i IFACE] [-P PORT] [-s PROG] [-p PIDFILE]")
GENERIC(udhcpd, "udhcpd", silent, " [-fS] [-I ADDR] [-P PORT] [CONFFILE]")
GENERIC(udpsvd, "udpsvd", wants_arguments, " [-hEv] [-c N] [-u USER] [-l NAME] IP PORT PROG")
GENERIC(uevent, "uevent", silent, " [PROG ARGS]")
GENERIC(unexpand, "unexpand", passes_through, " [-fa] [-t N] [FILE]...")
GENERIC(unix2dos, "unix2dos", passes_through, " [-ud] [FILE]")
GENERIC(unshare, "unshare", wants_arguments, " [OPTIONS] [PROG ARGS]")
GENERIC(uudecode, "uudecode", wants_file, " [-o OUTFILE] [INFILE]")
GENERIC(uuencode, "uuencode", wants_arguments, " [-m] [FILE] STORED_FILENAME")
GENERIC(vconfig, "vconfig", wants_arguments, " COMMAND [OPTIONS]")
GENERIC(volname, "volname", silent, " [DEVICE]")
GENERIC(wall, "wall", silent, " [FILE]")
GENERIC(watchdog, "watchdog", wants_arguments, " [-t N[ms]] [-T N[ms]] [-F] DEV")
GENERIC(zcip, "zcip", wants_arguments, " [OPTIONS] IFACE SCRIPT")
GENERIC(zforce, "zforce", wants_arguments, " FILE...")
/* clang-format on */
