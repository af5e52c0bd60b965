/*
 * Device profiles: what a honeypot pretends to be. Files in the folder conf/profiles, one YAML file each (+ `tree: DIR`), compiled by the supervisor
 * into one image that all edges share as a sealed memfd; an edge opens the image and gets structs whose spans point into it.
 */
#pragma once

#include "base/addr.h"
#include "base/buf.h"
#include "base/conf.h"

enum machine {
#define MACHINE(name, text, e_machine, elf_class, big_endian, help) MACHINE_##name,
#include "observe/honeypot/machines.def"
#undef MACHINE
    MACHINE_COUNT
};

struct machine_info {
    enum machine machine;
    const char *name;   /* "mipsel" as profiles write it */
    uint16_t e_machine; /* ELF */
    uint8_t elf_class;  /* 1: 32 bit, 2: 64 bit */
    bool big_endian;
    const char *help;
};
const struct machine_info *machine_info(enum machine);
int machine_by_name(struct span name, enum machine *ret);

enum auth_rule { AUTH_ANY, AUTH_LIST, AUTH_AFTER, AUTH_NEVER };

/* Where a terminal ends up after login. */
enum login_shell { LOGIN_SHELL_ASH, LOGIN_SHELL_CLI /* a vendor's command line, from which "sh", "shell", "system", "enable" lead to ash */ };

struct profile_pair {
    struct span name, value;
};

struct profile_answer {
    struct span command; /* the whole command line after expansion, words joined by one space */
    struct span output;  /* as bytes, "\n" line ends */
    int32_t status;
};

enum tree_type {
    TREE_FILE,
    TREE_DIRECTORY,
    TREE_LINK,
    TREE_DEVICE,
    TREE_BINARY /* content generated: an ELF of the machine */,
    TREE_APPLET /* a symbolic link to busybox; content is its target as readlink shows it, "../bin/busybox" */
};

struct profile_node { /* one path of the file tree; nodes are sorted by path, bytewise, directories before what they hold */
    struct span path; /* absolute, no trailing slash; "/" first */
    enum tree_type type;
    uint16_t mode;       /* permission bits */
    uint32_t size;       /* of a BINARY; else content.len */
    struct span content; /* file content, or the target of a link, or "c 1 3" of a device */
    usec_t changed;      /* 0: when the device booted (what lies in /proc, /dev, /var …) */
    bool writable;       /* it lies on a file system mounted rw: in a writable directory files can be made */
};

struct profile_process {
    uint32_t pid, parent;
    uint32_t size_kib;       /* VSZ; 0 for a kernel thread */
    struct span user, state; /* as ps prints them: "root", "SW<" */
    struct span command;     /* "/usr/sbin/telnetd -l /bin/login"; a kernel thread "[kthreadd]" */
    struct span executable;  /* where /proc/PID/exe points; empty for a kernel thread */
};

struct profile_interface {
    struct span name; /* "lo" first */
    uint8_t mac[6];
    struct addr address; /* all zero: none */
    uint8_t bits;        /* of the IPv4 prefix: 24 */
};

struct profile {
    struct span name;                /* file name without .yaml */
    struct span maker, model, class; /* as fingerprints' tables name classes: "IP camera", "DVR", "router" … */
    enum machine machine;
    struct span hostname;
    struct span kernel_release, kernel_version; /* uname -r, -v */
    struct span machine_text;                   /* uname -m: "armv5tejl", "mips" */
    struct span busybox_version;                /* "v1.16.1 (2013-05-17 14:02:51 CST)" */
    struct span libc;                           /* "uClibc" … */

    /* Telnet, in the order the device sends. */
    struct span telnet_options;         /* raw IAC sequences sent at once on connect; never empty */
    struct span telnet_will, telnet_do; /* option codes it agrees to: as server, from the client */
    struct span banner;                 /* before the first prompt, with the device's own line ends */
    struct span login_prompt, password_prompt;
    struct span failed;     /* after a wrong login */
    struct span motd;       /* after a good login, before the shell's own greeting */
    struct span prompt;     /* PS1 as shown, "# " */
    struct span cli_prompt; /* of LOGIN_SHELL_CLI */
    enum login_shell shell;
    bool greeting; /* ash prints the BusyBox greeting */
    usec_t banner_delay, password_delay, shell_delay, failed_delay;
    enum auth_rule auth;
    uint32_t auth_after;               /* AUTH_AFTER: accepted from this try on */
    uint32_t tries_max;                /* then the device hangs up */
    const struct profile_pair *logins; /* AUTH_LIST */
    size_t login_count;
    struct span login_home; /* working directory after login */

    const struct span *applets; /* busybox applets compiled in, sorted; others answer "applet not found" */
    size_t applet_count;
    const struct profile_pair *variables; /* environment of the login shell */
    size_t variable_count;
    const struct profile_answer *answers; /* extra commands this device knows (vendors' tools) */
    size_t answer_count;
    const struct profile_node *nodes;
    size_t node_count;

    const struct profile_process *processes; /* sorted by pid, the login shell among them, each with its /proc/PID in the tree */
    size_t process_count;
    uint32_t shell_pid; /* the login shell: $$, /proc/self */
    const struct profile_interface *interfaces;
    size_t interface_count;
    struct addr gateway; /* default route; all zero: none */
    uint32_t memory_kib; /* MemTotal */
    uint32_t period;     /* seconds between restarts; see profile_uptime */
};

/* How long the device has been up, in seconds: grows with the clock and starts again each `period`, so that it is the same for everybody. */
uint64_t profile_uptime(const struct profile *, usec_t now);

/* Compiling: reads every *.yaml of a folder (not those that start with '_': bases for `extends`). Errors are one line with file and line. */
int profiles_compile(const char *folder, struct buf *image, struct conf_error *error);

/* Opening an image (re-validated: offsets in bounds). The profiles live until profiles_close. */
struct profiles;
int profiles_open(struct profiles **ret, struct span image);
void profiles_close(struct profiles *);
size_t profiles_count(const struct profiles *);
const struct profile *profiles_at(const struct profiles *, size_t index); /* sorted by name */
const struct profile *profiles_by_name(const struct profiles *, struct span name);
/* By a stable hash of the attacker's address over all profiles (or those of a list of names, as "a,b,c"; NULL: all). */
const struct profile *profiles_by_hash(const struct profiles *, struct addr source, const char *names);

bool profile_has_applet(const struct profile *, struct span name);
/* The node of an exact path, or NULL (binary search). */
const struct profile_node *profile_node(const struct profile *, struct span path);
/* Bytes [offset, offset + len) of a BINARY node's content: a whole plausible ELF executable of the profile's machine: header, program
 * headers, sections, and code-like bytes derived from path and profile, the same at every reading. Returns how many were written. */
size_t profile_binary(const struct profile *, const struct profile_node *, size_t offset, uint8_t *to, size_t len);
