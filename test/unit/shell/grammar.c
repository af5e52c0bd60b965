/* Lines and what they answer, prompt included. */
#include "stage.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static const struct {
    const char *lines, *answer;
} talks[] = {
    /* lists */
    {"echo a", "a\n# "},
    {"", "# "},
    {"   ", "# "},
    {"# a comment", "# "},
    {"echo a # b", "a\n# "},
    {"echo a#b", "a#b\n# "},
    {"echo a; echo b", "a\nb\n# "},
    {"echo a;", "a\n# "},
    {"true && echo yes || echo no", "yes\n# "},
    {"false && echo yes || echo no", "no\n# "},
    {"false || true && echo both", "both\n# "},
    {"! true; echo $?", "1\n# "},
    {"! false && echo turned", "turned\n# "},
    {"echo a & echo b", "a\nb\n# "},
    {"false; echo $?; echo $?", "1\n0\n# "},
    /* quotes */
    {"echo 'a  b' \"c  d\" e\\ f", "a  b c  d e f\n# "},
    {"echo \"$HOME\" '$HOME' \\$HOME", "/ $HOME $HOME\n# "},
    {"echo \"a\\\"b\\n\"", "a\"b\\n\n# "},
    {"echo ''a\"\"b", "ab\n# "},
    {"echo \"\" x", " x\n# "},
    {"echo $NOTHING x", "x\n# "},
    {"echo a\\\nb", "> ab\n# "},
    {"echo 'a\nb'", "> a\nb\n# "},
    {"echo \"a\nb\"", "> a\nb\n# "},
    /* parameters */
    {"X=1; echo $X ${X}2", "1 12\n# "},
    {"X='a b'; echo $X \"$X\"", "a b a b\n# "},
    {"X='a  b'; echo $X \"$X\"", "a b a  b\n# "},
    {"echo ${NO:-d} ${NO-e} ${HOME:+set} ${NO:+set}.", "d e set .\n# "},
    {"echo ${NO:=v}$NO", "vv\n# "},
    {"X=/a/b/c.tar.gz; echo ${X##*/} ${X%/*} ${X%.*} ${X%%.*} ${X#*/} ${#X}", "c.tar.gz /a/b /a/b/c.tar /a/b/c a/b/c.tar.gz 13\n# "},
    {"X=aXbX; echo ${X/X/-} ${X//X/-} ${X:1:2} ${X: -1}", "a-bX a-b- Xb X\n# "},
    {"set -- a b 'c d'; echo $# $1 \"$3\"; for i in \"$@\"; do echo \"<$i>\"; done", "3 a c d\n<a>\n<b>\n<c d>\n# "},
    {"set -- a b; shift; echo $* $#", "b 1\n# "},
    {"echo $0", "-sh\n# "},
    {"echo ${NO?gone}; echo b", "-sh: NO: gone\n# "},
    {"X=1 Y=2; echo $X$Y", "12\n# "},
    {"VENDOR=x; echo $VENDOR; unset VENDOR; echo .$VENDOR.", "x\n..\n# "},
    {"readonly R=1; R=2; echo b", "-sh: R: is read only\n# "},
    {"echo ~ ~/x", "/ //x\n# "},
    {"set -- a b; IFS=-; echo \"$*\"", "a-b\n# "},
    {"X=a/b; echo ${X//\\//-}", "a-b\n# "},
    {"set -- a & echo $#\necho $#; (set -- b c); set -- d | true; X=$(shift; set -- e); echo $#", "0\n# 0\n0\n# "},
    {"A=1; export B=2; sh -c 'echo .$A.$B.'; C=3 sh -c 'echo $C'; echo .$C.", "..2.\n3\n..\n# "},
    /* substitution */
    {"echo $(echo a; echo b) `echo c`", "a b c\n# "},
    {"X=$(echo 'a  b'); echo \"$X\"", "a  b\n# "},
    {"echo $(echo $(echo $(echo deep)))", "deep\n# "},
    {"echo `echo \\`echo back\\``", "back\n# "},
    {"echo \"$(echo \"in ner\")\"", "in ner\n# "},
    {"X=$(false); echo $?", "1\n# "},
    {"(X=1; cd /tmp); echo .$X. $PWD", ".. /\n# "},
    {"{ X=1; cd /tmp; }; echo .$X. $PWD; cd", ".1. /tmp\n# "},
    {"echo $((1+2*3)) $((7/2)) $((1<<4)) $((5>3)) $((X=4)) $X $((X++)) $X $((0x10)) $((1?2:3))", "7 3 16 1 4 4 4 5 16 2\n# "},
    {"echo $((1/0)); echo b", "-sh: divide by zero\n# "},
    {"echo $(($)); echo b", "-sh: arithmetic syntax error\n# "},
    /* patterns */
    {"echo /bin/*s", "/bin/ls\n# "},
    {"echo /proc/[0-9]*", "/proc/1 /proc/12\n# "},
    {"echo /nothing*", "/nothing*\n# "},
    {"echo '/bin/*'", "/bin/*\n# "},
    {"echo /*/passwd", "/etc/passwd\n# "},
    {"cd /bin; echo c?t [a-d]*; cd /", "cat busybox cat\n# "},
    {"for dir in /proc/[0-9]*; do echo ${dir##*/}; done", "1\n12\n# "},
    /* compound commands */
    {"if true; then echo a; else echo b; fi", "a\n# "},
    {"if false; then echo a; elif true; then echo c; else echo b; fi", "c\n# "},
    {"if false\nthen echo a\nelse echo b\nfi", "> > > b\n# "},
    {"for i in 1 2 3; do echo $i; done", "1\n2\n3\n# "},
    {"for i in 1 2 3; do if [ $i = 2 ]; then continue; fi; echo $i; done", "1\n3\n# "},
    {"for i in 1 2 3; do [ $i = 2 ] && break; echo $i; done; echo end", "1\nend\n# "},
    {"for i in; do echo $i; done; echo none", "none\n# "},
    {"i=0; while [ $i -lt 3 ]; do echo $i; i=$((i+1)); done", "0\n1\n2\n# "},
    {"i=0; until [ $i = 2 ]; do i=$((i+1)); echo $i; done", "1\n2\n# "},
    {"case abc in x) echo x;; a*|b) echo a;; *) echo other;; esac", "a\n# "},
    {"case $HOME in\n/) echo root;;\nesac", "> > root\n# "},
    {"f() { echo f $1 $#; return 4; }; f a b; echo $?", "f a 2\n4\n# "},
    {"f() { local X=2; echo $X; }; X=1; f; echo $X", "2\n1\n# "},
    {"f() (cd /tmp; pwd); f; pwd", "/tmp\n/\n# "},
    {"eval 'echo a; echo b'", "a\nb\n# "},
    {"X=echo; $X hi; eval \"$X there\"", "hi\nthere\n# "},
    /* redirections */
    {"echo a > /tmp/f; echo b >> /tmp/f; cat /tmp/f; cat < /tmp/f", "a\nb\na\nb\n# "},
    {"echo a >/dev/null; echo $?", "0\n# "},
    {"nothere 2>/dev/null; echo $?", "127\n# "},
    {"nothere > /tmp/f 2>&1; cat /tmp/f", "-sh: nothere: not found\n# "},
    {"nothere &> /tmp/f; cat /tmp/f", "-sh: nothere: not found\n# "},
    {"{ echo a; echo b; } > /tmp/f; cat /tmp/f", "a\nb\n# "},
    {"cat < /nothere; echo $?", "-sh: can't open /nothere: no such file\n1\n# "},
    {"echo a > /nothere/x", "-sh: can't create /nothere/x: nonexistent directory\n# "},
    {"echo a > /etc/x", "-sh: can't create /etc/x: Read-only file system\n# "},
    {"echo a > /tmp", "-sh: can't create /tmp: Is a directory\n# "},
    {">/tmp/e; cat /tmp/e; echo $?", "0\n# "},
    {"cat << EOF\na $HOME\nb\nEOF", "> > > a /\nb\n# "},
    {"cat << 'EOF'\na $HOME\nEOF", "> > a $HOME\n# "},
    {"cat <<-E > /tmp/h\n\tx\n\tE\ncat /tmp/h", "> > # x\n# "},
    {"echo -e 'x\\ny' > /tmp/l; while read i; do echo \"<$i>\"; done < /tmp/l", "<x>\n<y>\n# "},
    /* pipes */
    {"echo abc | cat", "abc\n# "},
    {"echo abc | cat | cat | cat", "abc\n# "},
    {"echo 'a b' | while read x y; do echo $y $x; done", "b a\n# "},
    {"echo a | read X; echo .$X.", "..\n# "},
    {"false | true; echo $?; true | false; echo $?", "0\n1\n# "},
    {"! echo a | cat; echo $?", "a\n1\n# "},
    {"echo 'echo inner' | sh", "inner\n# "},
    /* look-up */
    {"nothere", "-sh: nothere: not found\n# "},
    {"./nothere", "-sh: ./nothere: not found\n# "},
    {"/etc", "-sh: /etc: Permission denied\n# "},
    {"/etc/passwd", "-sh: /etc/passwd: Permission denied\n# "},
    {"/bin/busybox MIRAI", "MIRAI: applet not found\n# "},
    {"busybox ECCHI; echo $?", "ECCHI: applet not found\n127\n# "},
    {"wget; tftp; /bin/busybox ECCHI", "-sh: wget: not found\n-sh: tftp: not found\nECCHI: applet not found\n# "},
    {"enable\nsystem\nshell", "-sh: enable: not found\n# -sh: system: not found\n# -sh: shell: not found\n# "},
    {"/bin/echo a; /bin/busybox echo b", "a\nb\n# "},
    {"cat /proc/cpuinfo", "system type : test\n# "},
    {"nvram get model; echo $?", "TEST-1\n3\n# "},
    {"vendord; echo $?; /bin/vendord -x; echo $?", "0\n0\n# "},
    {"/etc/rc.sh now", "started now\n# "},
    {"cp /bin/busybox /tmp/x; /tmp/x", "x: applet not found\n# "},
    {"echo() { printf 'mine\\n'; }; echo a", "mine\n# "},
    {"command -v cat; type cd", "cat\ncd is a shell builtin\n# "},
    {"cd /nothere; echo $?", "-sh: cd: can't cd to /nothere\n1\n# "},
    {"cd /tmp && pwd && cd - && cd", "/tmp\n/\n# "},
    {"cd /tmp || cd /var/run || cd /; pwd; cd /", "/tmp\n# "},
    /* errors of syntax */
    {"done", "-sh: syntax error: unexpected \"done\"\n# "},
    {"fi", "-sh: syntax error: unexpected \"fi\"\n# "},
    {"echo a | | b", "-sh: syntax error: unexpected \"|\"\n# "},
    {")", "-sh: syntax error: unexpected \")\"\n# "},
    {"echo a; ;; echo b", "-sh: syntax error: unexpected \";;\"\n# "},
    {"if true; do", "-sh: syntax error: unexpected \"do\" (expecting \"then\")\n# "},
    {"echo a > ; ls", "-sh: syntax error: unexpected \";\"\n# "},
    {"for 1 in a; do :; done", "-sh: syntax error: bad for loop variable\n# "},
    {"done; echo $?\necho $?", "-sh: syntax error: unexpected \"done\"\n# 2\n# "},
    {"eval 'echo ('; echo b", "-sh: syntax error: unexpected end of file (expecting \")\")\n# "},
    {"echo ${a b}", "-sh: syntax error: bad substitution\n# "},
    {":(){ :|:& };:", "-sh: syntax error: bad function name\n# "},
    /* scripts */
    {"sh -c 'echo $0 $1' zero one", "zero one\n# "},
    {"echo 'echo in $1; nothere' > /tmp/s; sh /tmp/s a", "in a\n/tmp/s: line 1: nothere: not found\n# "},
    {"echo 'exit 3' > /tmp/s; chmod 777 /tmp/s; /tmp/s; echo $?", "3\n# "},
    {"echo 'X=5' > /tmp/s; . /tmp/s; echo $X", "5\n# "},
    {"echo ls > /tmp/s; /tmp/s", "-sh: /tmp/s: Permission denied\n# "},
};

static void each_line_answers_as_ash_does(void **state)
{
    (void)state;
    size_t wrong = 0;
    for (size_t i = 0; i < sizeof talks / sizeof talks[0]; i++) {
        struct stage s;
        assert_int_equal(stage_open(&s, &stage_profile), 0);
        const char *said = stage_lines(&s, talks[i].lines);
        if (strcmp(said, talks[i].answer) != 0) {
            print_error("given    %s\nexpected %s\nsaid     %s\n", talks[i].lines, talks[i].answer, said);
            wrong++;
        }
        stage_close(&s);
    }
    assert_int_equal(wrong, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_line_answers_as_ash_does),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
