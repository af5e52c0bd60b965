/*
 * Commands that would fetch: wget, curl, tftp, ftpget, ftpput, nc, telnet, ssh. They say what the real ones say and state a download; nothing
 * connects anywhere. The file they leave is generated.
 */
#include "base/hash.h"
#include "observe/honeypot/shell/applets/common.h"

#include <inttypes.h>
#include <stdio.h>

struct url {
    struct span whole, scheme, host, path; /* host without user and port; path without '?' and '#' parts kept */
    unsigned port;
    bool known; /* a scheme that wget speaks */
};

static struct url parse_url(struct span text, bool tls)
{
    struct url u = {.whole = text, .scheme = span_text("http"), .port = 80, .known = true};
    const uint8_t *mark = text_in(text, "://");
    struct span rest = text;
    if (text.len > 0 && mark != NULL) {
        u.scheme = span_part(text, 0, (size_t)(mark - text.at));
        rest = span_part(text, u.scheme.len + 3, SIZE_MAX);
        if (span_is(u.scheme, "ftp"))
            u.port = 21;
        else if (span_is(u.scheme, "https") && tls)
            u.port = 443;
        else
            u.known = span_is(u.scheme, "http");
    }
    size_t slash = span_find(rest, '/'), query = span_find(rest, '?');
    size_t end = slash < query ? slash : query;
    struct span authority = span_part(rest, 0, end);
    u.path = span_part(rest, end, SIZE_MAX);
    size_t at = span_find(authority, '@');
    if (at < authority.len)
        authority = span_part(authority, at + 1, SIZE_MAX);
    u.host = authority;
    size_t colon = authority.len > 0 && authority.at[0] == '[' ? authority.len : span_find(authority, ':');
    uint64_t port;
    if (colon < authority.len) {
        u.host = span_part(authority, 0, colon);
        if (number_parse(span_part(authority, colon + 1, SIZE_MAX), &port) && port < 65536)
            u.port = (unsigned)port;
    }
    return u;
}

/* As large as bots are, the same for the same file. */
static size_t plausible_size(struct span name)
{
    uint32_t hash = (uint32_t)hash_seeded(0, name);
    bool script = name.len > 3 && span_equal(span_part(name, name.len - 3, 3), span_text(".sh"));
    return script ? 1200 + hash % 1800 : 38000 + hash % 90000;
}

/* A file that stands for what would have come. */
static int leave_file(struct run *run, struct span path, struct span name, size_t *ret_size)
{
    *ret_size = plausible_size(name);
    struct tree_stat old;
    bool there = tree_stat(run_tree(run), run_cwd(run), path, true, &old) == 0;
    int error = tree_generate(run_tree(run), run_cwd(run), path, *ret_size);
    /* A file that was there is overwritten and keeps its mode: loaders make one executable first. */
    if (error == 0 && there && old.type != TREE_DEVICE)
        (void)tree_chmod(run_tree(run), run_cwd(run), path, old.mode);
    run_sleep(run, 200 * USEC_PER_MSEC + (usec_t)*ret_size * 4);
    return error;
}

/* A download with its local path as an absolute one; standard output has none. */
static void state_download(struct run *run, const char *method, struct span url, struct span host, struct span target, struct span local)
{
    char path[TREE_PATH_MAX];
    bool file = local.len > 0 && !span_is(local, "-");
    if (file && tree_absolute(run_cwd(run), local, path) == 0)
        run_download(run, method, url, host, target, span_text(path));
    else
        run_download(run, method, url, host, target, file ? local : (struct span){0});
}

/* ---- wget */

struct wget {
    struct run *run;
    const struct options *o;
    bool quiet;
};

static void progress(struct run *run, struct span name, size_t size)
{
    char label[21];
    size_t len = name.len < 20 ? name.len : 20;
    memset(label, ' ', 20);
    if (len > 0)
        memcpy(label, name.at, len);
    label[20] = '\0';
    unsigned minor = busybox_minor(run);
    char bar[40], amount[24];
    size_t width = minor >= 20 ? 32 : 31;
    memset(bar, '*', width);
    bar[width] = '\0';
    if (size >= 100000)
        (void)snprintf(amount, sizeof amount, "%5zuk", size / 1024);
    else
        (void)snprintf(amount, sizeof amount, minor >= 20 ? "%6zu" : "%6zu ", size);
    run_error(run, minor >= 20 ? "\r%s 100%% |%s| %s  0:00:00 ETA\n" : "\r%s 100%% |%s|%s 00:00:00 ETA\n", label, bar, amount);
}

static int wget_open_fail(struct wget *w, struct span path, int error)
{
    run_error(w->run, "wget: can't open '%.*s': %s\n", TEXT(path), errno_text(error));
    return 1;
}

static struct span wget_target(struct wget *w, const struct url *u)
{
    struct span path = span_part(u->path, 0, span_find(u->path, '#'));
    struct span name = path_base(path);
    if (option(w->o, 'O'))
        return option_value(w->o, 'O');
    if (name.len == 0)
        name = span_text("index.html");
    return option(w->o, 'P') ? path_join(w->run, option_value(w->o, 'P'), name) : name;
}

static int wget_one(struct wget *w, struct span text)
{
    struct run *run = w->run;
    unsigned minor = busybox_minor(run);
    struct url u = parse_url(text, minor >= 23);
    struct span target = wget_target(w, &u);
    bool to_output = span_is(target, "-");
    state_download(run, "wget", u.whole, u.host, (struct span){0}, target);
    if (!u.known || u.host.len == 0) {
        run_error(run, "wget: not an http or ftp url: %.*s\n", TEXT(text));
        return 1;
    }
    char address[ADDR_TEXT_SIZE];
    host_address(u.host, address);
    if (!w->quiet)
        run_error(run, minor >= 9 ? "Connecting to %.*s (%s:%u)\n" : "Connecting to %.*s[%s]:%u\n", TEXT(u.host), address, u.port);
    if (option(w->o, 's'))
        return 0;
    size_t size = 0;
    if (!to_output) {
        struct tree_stat stat;
        bool there = tree_stat(run_tree(run), run_cwd(run), target, true, &stat) == 0;
        bool device = there && stat.type == TREE_DEVICE;
        if (there && stat.type == TREE_DIRECTORY)
            return wget_open_fail(w, target, -EISDIR);
        if (there && !device && !option(w->o, 'O') && !option(w->o, 'c'))
            return wget_open_fail(w, target, -EEXIST);
        int error = leave_file(run, target, path_base(u.path), &size);
        if (error < 0 && !device)
            return wget_open_fail(w, target, error);
        if (minor >= 31 && !w->quiet)
            run_error(run, "saving to '%.*s'\n", TEXT(target));
    } else {
        /* What would go to the next command or the terminal does not come: there is nothing to be had. */
        size = plausible_size(path_base(u.path));
        run_sleep(run, 300 * USEC_PER_MSEC);
        if (minor >= 31 && !w->quiet)
            run_error(run, "writing to stdout\n");
    }
    if (!w->quiet)
        progress(run, path_base(target), size);
    if (minor >= 31 && !w->quiet)
        run_error(run, to_output ? "written to stdout\n" : "'%.*s' saved\n", TEXT(target));
    return 0;
}

static int wget(struct run *run)
{
    struct options o;
    if (!options_parse(
            run, &o, "cqSsbO:o:P:Y:U:T:t:n:",
            "continue=c quiet=q spider=s server-response=S output-document=O output-file=o directory-prefix=P proxy=Y user-agent=U timeout=T tries=t "
            "header=n post-data=n post-file=n no-check-certificate=b no-cache=b background=b no-verbose=b passive-ftp=b"))
        return o.status;
    if (o.arg_count == 0)
        return run_usage(run);
    struct wget w = {.run = run, .o = &o, .quiet = option(&o, 'q')};
    int status = 0;
    for (size_t i = 0; i < o.arg_count && i < 32 && run_step(run, 1); i++)
        status |= wget_one(&w, o.args[i]);
    return status;
}

const struct applet applet_wget = {
    .name = "wget",
    .run = wget,
    .usage =
        "wget [-c|--continue] [-s|--spider] [-q|--quiet] [-O|--output-document FILE]\n\t[--header 'header: value'] [-Y|--proxy on/off] [-P "
        "DIR]\n\t[-U|--user-agent AGENT] [-T SEC] URL...\n\nRetrieve files via HTTP or FTP\n\n\t-s\tSpider mode - only check file "
        "existence\n\t-c\tContinue retrieval of aborted transfer\n\t-q\tQuiet\n\t-P DIR\tSave to DIR (default .)\n\t-T SEC\tNetwork read timeout is "
        "SEC seconds\n\t-O FILE\tSave to FILE ('-' for stdout)\n\t-U STR\tUse STR for User-Agent header\n\t-Y\tUse proxy ('on' or 'off')"};

/* ---- curl */

static void curl_progress(struct run *run, size_t size)
{
    run_error(run, "  %% Total    %% Received %% Xferd  Average Speed   Time    Time     Time  Current\n"
                   "                                 Dload  Upload   Total   Spent    Left  Speed\n");
    run_error(run, "\r  0     0    0     0    0     0      0      0 --:--:-- --:--:-- --:--:--     0");
    run_error(run, "\r100 %5zu  100 %5zu    0     0  %5zu      0 --:--:-- --:--:-- --:--:-- %5zu\n", size, size, size * 2, size * 2);
}

static int curl(struct run *run)
{
    struct options o;
    if (!options_parse(
            run, &o, "sSLkfOo:vIX:d:H:A:u:T:m:x:e:F:b:c:iJ#4670G",
            "silent=s show-error=S location=L insecure=k fail=f remote-name=O output=o request=X data=d header=H user-agent=A user=u max-time=m "
            "proxy=x connect-timeout=m retry=m head=I verbose=v upload-file=T progress-bar=# http1.0=0")) {
        return o.status == 0 ? 0 : 2;
    }
    if (o.arg_count == 0) {
        run_error(run, "curl: try 'curl --help' or 'curl --manual' for more information\n");
        return 2;
    }
    bool to_file = option(&o, 'O') || option(&o, 'o');
    int status = 0;
    for (size_t i = 0; i < o.arg_count && i < 32 && run_step(run, 1); i++) {
        struct url u = parse_url(o.args[i], true);
        struct span name = path_base(u.path), target = option(&o, 'o') ? option_value(&o, 'o') : option(&o, 'O') ? name : (struct span){0};
        state_download(run, "curl", u.whole, u.host, (struct span){0}, target);
        if (!u.known) {
            run_error(run, "curl: (1) Protocol \"%.*s\" not supported or disabled in libcurl\n", TEXT(u.scheme));
            status = 1;
            continue;
        }
        if (option(&o, 'O') && !option(&o, 'o') && name.len == 0) {
            run_error(run, "curl: Remote file name has no length!\n");
            status = 23;
            continue;
        }
        size_t size = plausible_size(name);
        if (to_file && leave_file(run, target, name, &size) < 0) {
            run_error(run, "curl: (23) Failed writing body\n");
            status = 23;
            continue;
        }
        if (!option(&o, 's') && (to_file || !run->output_is_terminal))
            curl_progress(run, size);
    }
    return status;
}

const struct applet applet_curl = {.name = "curl", .run = curl};

/* ---- tftp and ftp */

static int transfer(struct run *run, const char *method, struct span host, struct span remote, struct span local)
{
    size_t size;
    bool to_output = span_is(local, "-");
    state_download(run, method, (struct span){0}, host, remote, local);
    int error = to_output ? 0 : leave_file(run, local, path_base(remote), &size);
    if (error < 0)
        run_error(run, "%s: can't open '%.*s': %s\n", method, TEXT(local), errno_text(error));
    return error < 0 ? 1 : 0;
}

/* tftp HOST -c get FILE [LOCAL]: tftp-hpa's form, which BusyBox took over late. */
static bool tftp_hpa(struct run *run, int *ret_status)
{
    for (size_t i = 1; i + 2 < run->argc; i++) {
        if (!span_is(run->argv[i], "-c") || !span_is(run->argv[i + 1], "get"))
            continue;
        struct span remote = run->argv[i + 2], local = i + 3 < run->argc ? run->argv[i + 3] : path_base(remote), host = run->argv[1];
        for (size_t k = 1; k < run->argc; k++)
            if (run->argv[k].len > 0 && run->argv[k].at[0] != '-' && (k < i || k > i + 3)) {
                host = run->argv[k];
                break;
            }
        if (busybox_minor(run) >= 33) {
            *ret_status = transfer(run, "tftp", host, remote, local);
        } else {
            state_download(run, "tftp", (struct span){0}, host, remote, local);
            run_error(run, "tftp: invalid option -- 'c'\n");
            *ret_status = run_usage(run);
        }
        return true;
    }
    return false;
}

static int tftp(struct run *run)
{
    struct options o;
    int status = 0;
    if (tftp_hpa(run, &status))
        return status;
    if (!options_parse(run, &o, "gpl:r:b:", NULL))
        return o.status;
    struct span local = option_value(&o, 'l'), remote = option_value(&o, 'r');
    bool get = option(&o, 'g'), put = option(&o, 'p');
    if (o.arg_count == 0 || get == put || (local.len == 0 && remote.len == 0))
        return run_usage(run);
    if (remote.len == 0)
        remote = local;
    if (local.len == 0)
        local = path_base(remote);
    if (get)
        return transfer(run, "tftp", o.args[0], remote, local);
    struct tree_stat stat;
    int error = tree_stat(run_tree(run), run_cwd(run), local, true, &stat);
    if (error < 0) {
        run_error(run, "tftp: can't open '%.*s': %s\n", TEXT(local), errno_text(error));
        return 1;
    }
    run_sleep(run, 5 * USEC_PER_SEC);
    run_error(run, "tftp: timeout\n");
    return 1;
}

const struct applet applet_tftp = {.name = "tftp",
                                   .run = tftp,
                                   .usage = "tftp [OPTIONS] HOST [PORT]\n\nTransfer a file from/to tftp server\n\n\t-l FILE\tLocal FILE\n\t-r "
                                            "FILE\tRemote FILE\n\t-g\tGet file\n\t-p\tPut file\n\t-b SIZE\tTransfer blocks of SIZE octets"};

static int ftpget(struct run *run)
{
    struct options o;
    bool put = span_is(name_of(run), "ftpput");
    if (!options_parse(run, &o, "cvu:p:P:", "continue=c verbose=v username=u password=p port=P"))
        return o.status;
    if (o.arg_count < 2 || o.arg_count > 3)
        return run_usage(run);
    struct span host = o.args[0], first = o.args[1], second = o.arg_count > 2 ? o.args[2] : path_base(first);
    char address[ADDR_TEXT_SIZE];
    uint64_t port = 21;
    (void)number_parse(option_value(&o, 'P'), &port);
    host_address(host, address);
    if (option(&o, 'v'))
        run_error(run, "Connecting to %.*s (%s:%" PRIu64 ")\n", TEXT(host), address, port);
    if (put) {
        run_sleep(run, 3 * USEC_PER_SEC);
        run_error(run, "ftpput: can't connect to remote host (%s): Connection refused\n", address);
        return 1;
    }
    /* ftpget HOST LOCAL REMOTE, or HOST REMOTE */
    struct span local = o.arg_count > 2 ? first : path_base(first), remote = o.arg_count > 2 ? second : first;
    if (option(&o, 'v')) {
        struct span user = option(&o, 'u') ? option_value(&o, 'u') : span_text("anonymous");
        run_error(run,
                  "ftpget: cmd (null) (null)\nftpget: cmd USER %.*s\nftpget: cmd PASS %.*s\nftpget: cmd TYPE I (null)\nftpget: cmd PASV (null)\n",
                  TEXT(user), TEXT(option(&o, 'p') ? option_value(&o, 'p') : span_text("busybox")));
        run_error(run, "ftpget: cmd SIZE %.*s\nftpget: cmd RETR %.*s\nftpget: cmd (null) (null)\nftpget: cmd QUIT (null)\n", TEXT(remote),
                  TEXT(remote));
    }
    return transfer(run, "ftpget", host, remote, local);
}

const struct applet applet_ftpget = {.name = "ftpget",
                                     .run = ftpget,
                                     .usage = "ftpget [OPTIONS] HOST [LOCAL_FILE] REMOTE_FILE\n\nDownload a file via FTP\n\n\t-c\tContinue previous "
                                              "transfer\n\t-v\tVerbose\n\t-u USER\tUsername\n\t-p PASS\tPassword\n\t-P NUM\tPort"};
const struct applet applet_ftpput = {.name = "ftpput",
                                     .run = ftpget,
                                     .usage = "ftpput [OPTIONS] HOST [REMOTE_FILE] LOCAL_FILE\n\nUpload a file to a FTP "
                                              "server\n\n\t-v\tVerbose\n\t-u USER\tUsername\n\t-p PASS\tPassword\n\t-P NUM\tPort"};

/* ---- connections that fail after a while */

static int refused(struct run *run, struct span host)
{
    char address[ADDR_TEXT_SIZE];
    host_address(host, address);
    run_sleep(run, 2 * USEC_PER_SEC);
    run_error(run, "%.*s: can't connect to remote host (%s): Connection refused\n", TEXT(name_of(run)), address);
    return 1;
}

static int nc(struct run *run)
{
    struct options o;
    if (!options_parse(run, &o, "lp:w:i:f:e:nvuzk", NULL))
        return o.status;
    if (option(&o, 'l')) {
        if (!option(&o, 'p'))
            return run_usage(run);
        run_sleep(run, 10 * USEC_PER_SEC);
        return 0;
    }
    if (o.arg_count < 2)
        return run_usage(run);
    /* `nc HOST PORT > FILE` fetches. */
    if (!run->output_is_terminal) {
        state_download(run, "nc", (struct span){0}, o.args[0], o.args[1], (struct span){0});
        run_sleep(run, USEC_PER_SEC);
        return 0;
    }
    return refused(run, o.args[0]);
}

const struct applet applet_nc = {
    .name = "nc",
    .run = nc,
    .usage =
        "nc [-iN] [-wN] [-l] [-p PORT] [-f FILE|IPADDR PORT] [-e PROG]\n\nOpen a pipe to IP:PORT or FILE\n\n\t-l\tListen mode, for inbound "
        "connects\n\t-p PORT\tLocal port\n\t-w SEC\tConnect timeout\n\t-i SEC\tDelay interval for lines sent\n\t-e PROG\tRun PROG after connect"};

static int telnet(struct run *run)
{
    struct options o;
    if (!options_parse(run, &o, "al:", NULL))
        return o.status;
    return o.arg_count == 0 ? run_usage(run) : refused(run, o.args[0]);
}

const struct applet applet_telnet = {.name = "telnet", .run = telnet, .usage = "telnet [-a] [-l USER] HOST [PORT]\n\nConnect to telnet server"};

static int ssh(struct run *run)
{
    struct options o;
    if (!options_parse(run, &o, "+p:l:i:o:L:R:D:yNfgTtvqCc:F:", NULL))
        return 255;
    if (o.arg_count == 0) {
        run_error(run, "Dropbear client v0.52\nUsage: %.*s [options] [user@]host[/port][,[user@]host/port],...] [command]\n", TEXT(name_of(run)));
        return 1;
    }
    size_t at = span_find(o.args[0], '@');
    struct span host = at < o.args[0].len ? span_part(o.args[0], at + 1, SIZE_MAX) : o.args[0];
    run_sleep(run, 3 * USEC_PER_SEC);
    run_error(run, "%.*s: connection to %.*s:22 exited: Connect failed: Connection refused\n", TEXT(name_of(run)), TEXT(host));
    return 1;
}

const struct applet applet_ssh = {.name = "ssh", .run = ssh};
const struct applet applet_dbclient = {.name = "dbclient", .run = ssh};
