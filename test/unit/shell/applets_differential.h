/* echo and printf */
"echo", "echo a  b", "echo -n x", "echo -e 'a\\tb\\n'", "echo -ne '\\x41\\x4g\\0101\\101\\n'", "echo -e 'a\\cb' c", "echo -e '\\q\\\"\\x'", "echo -E 'a\\n'",
"echo -neE 'a\\n'", "echo -nx a", "echo -- a", "echo -e 'end\\'", "echo -e '\\777\\8\\08'", "echo -e '\\a\\b\\f\\r\\v\\e' | od -c", "echo -ne '\\x00\\x7f\\xff' | od -c",
"echo -e '\\\\x41'", "busybox echo -en '\\x45\\x4c\\x46'", "echo -ne '\\x7f\\x45\\x4c\\x46\\x01\\x01\\x01\\x61\\x00' | wc -c",
"printf 'a%sb\\n' x y", "printf '%d %i %u %x %X %o %c|%5s|%-5s|\\n' 1 -2 3 255 255 8 abc r l", "printf '%d\\n' abc", "printf '%d\\n' 12x", "printf '%5.2f|%e|%g\\n' 3.14159 1.5 0.0001",
"printf '%b' 'a\\tb\\0101\\n'", "printf 'a\\cb'", "printf '%%\\n'", "printf '%*d|%-*d|\\n' 5 3 4 2", "printf '%s %s\\n' a b c", "printf", "printf '\\x41\\101\\n'", "printf '%s\\n'", "printf '%d'",
"printf '%08.3f|%+d|% d|%#x|%05d\\n' 3.14159 5 5 255 42", "printf '%.2s|\\n' abcdef", "printf \"%d\\n\" \"'A\"", "printf '%x\\n' -1", "printf '%d\\n' 0x1f 010",
/* test */
"[ 1 -eq 1 ]", "[ 1 -eq a ]", "[ a", "[ ]", "[ '' ]", "[ -n '' ]", "[ -z '' ]", "[ a = a -a b = b ]", "[ a = b -o b = b ]", "[ ! a = b ]", "[ '(' a = b ')' -o x ]", "test 1 2", "test a b c d e",
"test -f f && test -d d && test -L l && test -x d/s && test -s f && test -e l", "test -f d", "test -s empty", "[ -x f ]", "[ 5 -gt 3 ] && [ 3 -le 3 ] && [ -1 -lt 0 ]", "[ abc \\< abd ]", "[ ! ]", "[ = ]",
"[ -n a -a ! -z b ]", "[ 1 -lt ]", "[ x -foo y ]", "[ '(' 1 -eq 1 ]", "test '' -eq 1", "[ -t 1 ]", "[[ abc == a* ]]", "[ a == a ]", "[ -d ]", "[ f -ef l ]",
/* expr */
"expr 1 + 2", "expr 7 / 2 \\* 2", "expr 5 % 3 - 9", "expr 1 / 0", "expr abc : 'a\\(.\\)'", "expr abc : ab", "expr length abcd", "expr substr abcd 2 2", "expr index abc c", "expr 1 \\> 2", "expr a \\< b",
"expr '' \\| x", "expr 1 \\& 0", "expr", "expr 1 +", "expr a + 1", "expr '(' 1 + 2 ')' \\* 3", "expr 0", "expr x : y", "expr match abcd 'ab*'", "expr 1 2",
/* seq, names */
"seq 3", "seq 2 5", "seq 1 2 6", "seq 5 1", "seq -w 8 11", "seq -s, 3", "seq 1 .5 2", "seq -2 1", "seq a", "seq", "basename /a/b.c .c", "basename /a/b/", "basename /", "basename", "dirname /a/b", "dirname a", "dirname /",
"dirname /a", "dirname a/b/", "true", "false", "sleep 0", "sleep x", "sleep", "usleep 1", "yes | head -n 2", "yes a b | head -n 1",
/* cat, head, tail … */
"cat f", "cat f nox f", "cat d", "cat -n f f", "cat -b f", "cat -A n", "cat -e f", "cat -v r", "cat < f", "echo x | cat f -", "cat -Z", "head f", "head -n 1 f", "head -1 f", "head -n -1 f", "head -c 5 f", "head -c -3 f",
"head nox", "head d", "head f t", "head -q -n1 f t", "head -n x f", "head -v -n 1 f", "tail f", "tail -n 1 f", "tail -2 f", "tail +2 f", "tail -n +2 f", "tail -c 4 f", "tail -c +9 f", "tail nox", "tail d", "tail -n 0 f",
"tail -n 1 f t", "head -n 0 f", "tac f", "rev f", "rev nox", "nl c", "nl empty", "wc f", "wc f t", "wc -l f", "wc -c < f", "wc nox", "wc < f", "wc -w t", "wc -L t", "wc -lw f", "wc d", "echo a | tee x y; cat x y", "echo b | tee -a f; cat f",
"tee d < f",
/* cut, tr, sort, uniq … */
"cut -d: -f2 c", "cut -d: -f2- c", "cut -d: -f1,3 -s c", "cut -c2-3 f", "cut -c-2 f", "cut -b1 f", "cut -f1", "cut c", "cut -c a f", "cut -d: -f3,1 c", "cut -c1 nox", "tr a-y b-z < f", "tr -d o < f", "tr -s e < f", "tr a", "tr",
"echo 'Hello World' | tr '[:upper:]' '[:lower:]'", "echo hello | tr '[a-h]' X", "echo a1b2 | tr -cd '0-9\\n'", "echo a1b2 | tr -c 'a-z' '_'", "echo abc | tr abc x", "echo a.b | tr . '\\012'", "echo aabbcc | tr -s a-z", "echo aab | tr -s a x",
"echo abc | tr -d 'a-b'", "sort f", "sort -r f", "sort -n t", "sort -k2 t", "sort -k2n t", "sort -k2 -n -r t", "sort -u u", "sort -f u", "sort -t: -k2 c", "sort nox", "sort -k", "sort f t", "sort -c f", "sort -o out f; cat out", "sort -k1,1 t",
"sort -k1,1 -k2n t", "uniq u", "uniq -c u", "uniq -d u", "uniq -u u", "uniq -i u", "uniq -f 1 t", "uniq nox", "paste f t", "paste -s f", "paste -d, f t", "paste -s -d, f", "fold -w 2 f", "fold -w 0 f", "expand n", "cmp f f", "cmp f t", "cmp f nox", "cmp -s f t",
"diff f f", "diff f t", "diff f nox", "diff -q f t", "printf 'a\\nb\\nc\\n' > p; printf 'a\\nX\\nc\\n' > q; diff p q",
/* grep */
"grep o f", "grep -n o f", "grep -c o f", "grep -v o f", "grep -i ONE f", "grep -w one f", "grep -x on f", "grep -o 't.' f", "grep -l o f t", "grep -L o f t", "grep -q o f", "grep o nox f", "grep -s o nox", "grep -h o f t", "grep -H o f", "grep",
"grep '[' f", "grep -E '(a' f", "grep -E 'one|three' f", "egrep '^t(w|h)' f", "fgrep 'o' f", "grep -F 't.' f", "grep -e one -e two f", "grep -m 1 o f", "grep -A 1 one f", "grep -B 1 three f", "grep -C 1 two f", "grep '^$' f", "grep 'e*$' f", "grep '[[:alpha:]]o' f",
"grep -r one .", "grep one < f", "grep 'o\\(n\\)e' f", "grep 't\\{1,\\}' f", "grep -E 'e{2}' f", "grep '\\<two\\>' f", "grep -v x nox", "grep x d", "grep -E 'a?b*c+' f", "grep . empty", "ps | grep -c '[n]othing'", "grep '' f", "grep -E '^(one|two)$' f", "grep '[^o]$' f",
/* sed */
"sed 's/o/0/' f", "sed 's/o/0/g' f", "sed -n 2p f", "sed 2d f", "sed -n '/o/p' f", "sed '$d' f", "sed 's/\\(o\\)\\(n\\)/\\2\\1/' f", "sed 's/[aeiou]/<&>/g' f", "sed 'y/o/0/' f", "sed zz f", "sed s/x f", "sed 2q f", "sed '2,3d' f", "sed '/one/,/two/d' f", "sed -n '$=' f",
"sed 'a\\x' f", "sed '1i x' f", "sed '2c changed' f", "sed '1!d' f", "sed -e 1d -e 2d f", "sed -n 's/o/X/p' f", "sed 's/o/X/2' f", "sed -r 's/(t)(w|h)/\\2\\1/' f", "sed 's|/|_|g' f", "sed '/two/{s/t/T/;p}' f", "sed -n '1~2p' f", "sed '2,+1d' f", "sed nox", "sed p nox", "sed",
"sed -i 's/one/1/' f; cat f", "sed 'N;s/\\n/+/' f", "sed = f", "sed -n 'H;${x;s/\\n/,/g;p}' f", "sed ':a;s/e$//;ta' f", "echo 'a b c' | sed 's/ /\\n/g'", "echo aaa | sed 's/a*/x/g'", "echo abc | sed 's/b*/-/g'", "sed 's/e/E/;s/t/T/' f", "sed '/^$/d' f", "sed 5p f", "sed --help 2>&1 | head -c 7",
/* awk */
"awk '{print $1}' t", "awk '{print $2, $1}' t", "awk -F: '{print $2}' c", "awk '/a/{print $2}' t", "awk 'NR==2' f", "awk '{print NR\": \"$0}' f", "awk 'END{print NR}' f", "awk '$2 > 2 {print $1}' t", "awk 'BEGIN{print \"x\"}'", "awk '{print}' f", "awk -F: '$1==\"1\"{print $3}' c",
"awk '{print $NF}' t", "awk '!/o/' f",
/* hexdump, od, xxd, strings */
"hexdump r", "hexdump -C r", "hexdump -b f", "hexdump -c f", "hexdump -d f", "hexdump -o f", "hexdump -x f", "hexdump -v r", "hexdump -C -n 5 r", "hexdump -s 3 -n 4 -C r", "hexdump -e '16/1 \"%02x\" \"\\n\"' f", "hexdump -v -e '/1 \"%02x\"' f", "hexdump -e '1/4 \"%08x\\n\"' f",
"hexdump -e '\"%07.7_ax \" 8/2 \"%04x \" \"\\n\"' f", "hexdump -n 4 -e '4/1 \"%02x\" \"\\n\"' f", "hexdump -e '8/1 \"%02x \" \"  \" ' -e '8/1 \"%_p\" \"\\n\"' f", "hexdump nox", "hexdump d", "hexdump -e '4/1' f", "hexdump empty", "od f", "od -c r", "od -x f", "od -t x1 r", "od -An -tx1 f", "od -An -tu1 f",
"od -td4 f", "od -tx4 f", "od -b f", "od -N 3 -c f", "od -j 2 -c f", "od -a f", "od -d f", "od -tc -tx1 f", "od -v -t x1 r", "od -A x -t x1 f", "od -A d f", "od nox", "od empty", "od -t q f", "xxd f", "xxd -p r", "xxd -i f", "xxd -c 4 f", "xxd -g 1 f", "xxd -l 5 f", "xxd -s 2 f", "xxd -p f | xxd -r -p", "xxd nox",
"strings f", "strings -n 3 f", "strings -f f", "strings -o f", "strings -t x f", "strings nox", "strings r",
/* sums and encodings */
"md5sum f", "md5sum f nox d", "md5sum < f", "sha1sum f", "sha256sum f t", "sha512sum f", "sha3sum f", "md5sum f > m; md5sum -c m", "echo 'd41d8cd98f00b204e9800998ecf8427e  f' > m; md5sum -c m", "crc32 f", "base64 r", "base64 -w 20 r", "base64 -w 0 f", "echo aGVsbG8= | base64 -d", "base64 nox", "base64 d",
"head -c 100 r | base64 | base64 -d | md5sum",
/* files */
"cp nox y", "cp f nodir/x", "cp d e", "cp f", "cp f g; cat g", "cp f d; ls d", "cp -r d e; ls e", "cp f t d; ls d", "cp f t nodir", "cp f f", "mv nox y", "mv f g; ls", "mv f d; ls . d", "mv f nodir/x", "mv f t d; ls d", "mv a", "rm nox", "rm f; ls", "rm d", "rm -r d; ls", "rm -rf nox", "rm", "rm -f", "rm .", "rm -rf d f; ls", "mkdir d", "mkdir a/b/c", "mkdir -p a/b/c; ls a",
"mkdir", "mkdir -p d", "mkdir x y; ls -d x y", "rmdir nox", "rmdir d", "rmdir d/e; ls d", "rmdir f", "touch new; ls", "touch nod/x", "touch", "touch -c no; ls", "ln f f", "ln -s f f", "ln nox z", "ln -s nox z; cat z", "ln f hard; cat hard", "ln -sf t l; cat l", "ln -s f d; ls d", "chmod 777 nox", "chmod abc f", "chmod", "chmod 777",
"chmod 777 f; ls -l f | cut -c1-10", "chmod +x f; ls -l f | cut -c1-10", "chmod u=rwx,go-r f; ls -l f | cut -c1-10", "chmod a-w f; ls -l f | cut -c1-10", "chmod -R 700 d; ls -ld d/s | cut -c1-10", "chmod 4755 f; ls -l f | cut -c1-10", "chown root nox", "chown nouser f", "chown root:root f", "chown 0 f", "chgrp nogrp1 f", "unlink nox", "unlink f; ls f", "mknod x c 1",
"truncate -s 3 f; cat f", "link f z; cat z",
/* listing */
"ls", "ls -a", "ls -1", "ls -d d", "ls d", "ls nox", "ls f nox d", "ls -R d", "ls -F", "ls -p", "ls -r", "ls -A d", "ls -d d/", "ls *", "ls -S f t", "ls -Z", "ls l", "ls -l f | cut -c1-33", "readlink l", "readlink f", "readlink nox", "readlink -f l | sed 's/.*\\///'", "stat nox", "stat -c '%n %s %F %a %A %U' f l", "stat -c %N l", "du nox", "find nox",
"find . | sort", "find . -type f | sort", "find . -name '*s' ", "find . -type d -name d", "find . -maxdepth 1 -type f | sort", "find d -exec echo {} \\;", "find . -name f -o -name t | sort", "find . -name f -exec cat {} \\;", "find . -type l", "find . -foo", "find . -name", "find . ! -name f -type f | sort", "find . -empty -type f", "find . -size 0c -type f", "find d -type f -perm -100",
"find . -name d -prune -o -type f -print | sort", "find . -iname F", "find d/s d/e", "find . -type z", "find . -exec",
/* dd */
"dd if=f", "dd if=nox", "dd if=f bs=2 count=2", "dd if=f of=g bs=4; cat g", "dd if=f bs=1 skip=4 count=3", "dd bs=0 if=f", "dd foo=1", "dd if=f bs=abc", "dd bs=52 count=1 if=r", "echo hello | dd bs=2 count=1", "dd if=f of=d", "dd if=f bs=1k of=t conv=notrunc seek=0; cat t", "dd if=t of=f bs=1 seek=2 conv=notrunc; cat f", "dd if=/dev/zero bs=10 count=2 | wc -c", "dd if=f count=0",
"dd if=f bs=3 skip=1 2>/dev/null", "dd if=f conv=swab 2>/dev/null", "dd if=f ibs=3 obs=5 of=/dev/null", "dd if=empty", "dd if=f conv=foo", "dd if=d",
/* starting others */
"echo a b | xargs", "printf 'a b\\nc' | xargs echo X", "printf 'a b\\nc' | xargs -n 1 echo X", "printf 'a b\\nc\\n' | xargs -I {} echo '<{}>'", "printf \"a 'b c' d\" | xargs -n1 echo", "printf x | xargs nox", "printf 'a\\0b\\0' | xargs -0 -n1 echo", "xargs -r echo a", "echo f | xargs cat", "echo f t | xargs -t ls", "env A=1 sh -c 'echo $A'", "env nox", "timeout 5 echo a", "timeout 5 nox",
"setsid echo a", "setsid", "chroot /nox", "busybox nox", "busybox echo a", "busybox cat nox", "busybox sh -c 'echo a'", "sh -c 'echo $0 $1' x y", "sh nox", "sh d/s", "sh -c", "echo 'echo hi' | sh", "time", "watch",
/* processes and machine */
"kill", "kill 99999999", "kill abc", "kill -l 9", "kill -l TERM", "kill -FOO 1", "busybox kill 99999999", "busybox kill -l KILL", "killall", "killall noxnox", "killall -q noxnox", "killall -9 noxa noxb", "pidof noxnox", "pidof", "uname", "uname -s", "uname -z", "uname -o", "id", "id -u", "id -un", "id nox", "whoami", "groups", "date -d x", "date -d @0", "date -d '2020-01-02 03:04:05' +%s", "date -d @86400 '+%Y-%m-%d'",
"sysctl nox.y", "umount", "umount /nox", "insmod", "rmmod", "crontab -u nox -l 2>&1 | head -c 30", "passwd noxnox", "su noxnox", "tty", "clear | od -c", "which noxnox", "which", "nslookup", "telnet", "nc", "wget", "tftp", "ftpget", "ftpget x", "ftpput", "ping", "traceroute", "arping", "wget foo://x", "tar", "tar xf nox", "tar xzf f", "gzip nox", "gunzip f", "zcat f", "unzip nox", "unzip", "bunzip2 f", "tar tf f",
"sync", "mkswap", "hostname -z", "df -z", "sleep 0 0",
