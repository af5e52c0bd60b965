#include "store/control.h"

#include "base/err.h"
#include "base/hash.h"
#include "base/text.h"
#include "record/types.h"
#include "store/schema.h"
#include "store/tally.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

enum { SENSORS_MAX = 65535 };

/* migrations[i] makes version i + 1 of version i. Released steps are never changed: add one. */
static const char *const migrations[SCHEMA_CONTROL_VERSION] = {
    "CREATE TABLE secret(name TEXT PRIMARY KEY,value BLOB NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE kind(number INTEGER PRIMARY KEY,name TEXT NOT NULL);"
    "CREATE TABLE transport(number INTEGER PRIMARY KEY,name TEXT NOT NULL);"
    "CREATE TABLE sensor(number INTEGER PRIMARY KEY,name TEXT NOT NULL UNIQUE,first INTEGER,last INTEGER);"
    "CREATE TABLE day(day INTEGER PRIMARY KEY,applied INTEGER NOT NULL,records INTEGER NOT NULL,first INTEGER,last INTEGER,"
    "sealed INTEGER NOT NULL,bytes INTEGER NOT NULL);"
    "CREATE TABLE rollup_port(hour INTEGER,kind INTEGER,transport INTEGER,port INTEGER,n INTEGER NOT NULL,first INTEGER,last INTEGER,"
    "PRIMARY KEY(hour,kind,transport,port)) WITHOUT ROWID;"
    "CREATE TABLE rollup_service(hour INTEGER,protocol TEXT,kind INTEGER,n INTEGER NOT NULL,PRIMARY KEY(hour,protocol,kind)) WITHOUT ROWID;"
    "CREATE TABLE rollup_source(day INTEGER,source_ip BLOB,connections INTEGER NOT NULL,sessions INTEGER NOT NULL,logins INTEGER NOT NULL,"
    "logins_ok INTEGER NOT NULL,commands INTEGER NOT NULL,downloads INTEGER NOT NULL,samples INTEGER NOT NULL,findings INTEGER NOT NULL,"
    "others INTEGER NOT NULL,first INTEGER,last INTEGER,PRIMARY KEY(day,source_ip)) WITHOUT ROWID;"
    "CREATE TABLE rollup_credential(day INTEGER,hash INTEGER,user TEXT,password TEXT,tried INTEGER NOT NULL,ok INTEGER NOT NULL,first INTEGER,"
    "last INTEGER,PRIMARY KEY(day,hash)) WITHOUT ROWID;"
    "CREATE TABLE rollup_command(day INTEGER,hash INTEGER,command TEXT,n INTEGER NOT NULL,first INTEGER,last INTEGER,PRIMARY KEY(day,hash)) "
    "WITHOUT ROWID;"
    "CREATE TABLE host(source_ip BLOB PRIMARY KEY,first INTEGER,last_day INTEGER,days INTEGER NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE sample(sha256 TEXT PRIMARY KEY,size INTEGER,architecture TEXT,origin TEXT,path TEXT,url TEXT,kept INTEGER NOT NULL,"
    "first INTEGER,last INTEGER,times INTEGER NOT NULL,sources INTEGER NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE sample_source(sha256 TEXT,source_ip BLOB,first INTEGER,PRIMARY KEY(sha256,source_ip)) WITHOUT ROWID;"
    "CREATE TABLE blob(sha256 TEXT PRIMARY KEY,size INTEGER,first INTEGER,last INTEGER) WITHOUT ROWID;"
    "CREATE TABLE task(key TEXT PRIMARY KEY,kind TEXT NOT NULL,input BLOB,state TEXT NOT NULL,due INTEGER NOT NULL,attempts INTEGER NOT NULL,"
    "attempts_max INTEGER NOT NULL,worker TEXT,lease INTEGER,deadline INTEGER,made INTEGER NOT NULL,ended INTEGER,result BLOB,error TEXT);"
    "CREATE INDEX task_due ON task(kind,state,due);"
    "CREATE INDEX task_deadline ON task(deadline) WHERE state='leased';"
    "CREATE TABLE place(analyst TEXT,day INTEGER,row INTEGER NOT NULL,PRIMARY KEY(analyst,day)) WITHOUT ROWID;"
    "CREATE TABLE rule_state(analyst TEXT PRIMARY KEY,state BLOB NOT NULL);"
    "CREATE TABLE pipeline(stream TEXT PRIMARY KEY,writer TEXT NOT NULL,number INTEGER NOT NULL,current INTEGER NOT NULL,appended INTEGER NOT NULL,"
    "committed INTEGER NOT NULL,records INTEGER NOT NULL,duplicates INTEGER NOT NULL,rejected INTEGER NOT NULL,dropped INTEGER NOT NULL,spooled "
    "INTEGER NOT NULL,"
    "accepted INTEGER NOT NULL,ended INTEGER NOT NULL,cut INTEGER NOT NULL,waiting INTEGER NOT NULL,first INTEGER,last INTEGER) WITHOUT ROWID;"
    "CREATE TABLE pipeline_refused(stream TEXT,reason TEXT,n INTEGER NOT NULL,PRIMARY KEY(stream,reason)) WITHOUT ROWID;",
    /* What active observation tells of hosts. */
    "CREATE INDEX task_lease ON task(lease);"
    "ALTER TABLE host ADD COLUMN asn INTEGER;ALTER TABLE host ADD COLUMN country TEXT;ALTER TABLE host ADD COLUMN ptr TEXT;"
    "ALTER TABLE host ADD COLUMN class TEXT;ALTER TABLE host ADD COLUMN class_rule TEXT;"
    "ALTER TABLE host ADD COLUMN maker TEXT;ALTER TABLE host ADD COLUMN maker_rule TEXT;"
    "ALTER TABLE host ADD COLUMN model TEXT;ALTER TABLE host ADD COLUMN model_rule TEXT;"
    "ALTER TABLE host ADD COLUMN firmware TEXT;ALTER TABLE host ADD COLUMN firmware_rule TEXT;"
    "ALTER TABLE host ADD COLUMN ics TEXT;ALTER TABLE host ADD COLUMN ics_rule TEXT;"
    "ALTER TABLE host ADD COLUMN residue TEXT;ALTER TABLE host ADD COLUMN residue_rule TEXT;"
    "ALTER TABLE host ADD COLUMN honeypot TEXT;ALTER TABLE host ADD COLUMN honeypot_rule TEXT;"
    "ALTER TABLE host ADD COLUMN conflicts TEXT;"
    "ALTER TABLE host ADD COLUMN hosts_at_least INTEGER;ALTER TABLE host ADD COLUMN hosts_reason TEXT;"
    "ALTER TABLE host ADD COLUMN first_attack INTEGER;ALTER TABLE host ADD COLUMN last_attack INTEGER;"
    "ALTER TABLE host ADD COLUMN first_probe INTEGER;ALTER TABLE host ADD COLUMN last_probe INTEGER;"
    "CREATE TABLE host_port(address BLOB,port INTEGER,transport INTEGER,protocol TEXT,state TEXT NOT NULL,ending TEXT,ttl INTEGER,first INTEGER,"
    "last INTEGER,digest INTEGER,summary TEXT,excerpt BLOB,PRIMARY KEY(address,port,transport)) WITHOUT ROWID;"
    "CREATE INDEX host_port_port ON host_port(port,state);"
    "CREATE TABLE host_banner(address BLOB,port INTEGER,transport INTEGER,digest INTEGER,first INTEGER,last INTEGER,n INTEGER NOT NULL,"
    "summary TEXT,excerpt BLOB,PRIMARY KEY(address,port,transport,digest)) WITHOUT ROWID;"
    "CREATE TABLE host_attack(address BLOB,port INTEGER,ttl INTEGER,n INTEGER NOT NULL,first INTEGER,last INTEGER,PRIMARY KEY(address,port,ttl)) "
    "WITHOUT ROWID;"
    "CREATE TABLE host_listing(address BLOB,port INTEGER,transport INTEGER,list TEXT,protocol TEXT,class TEXT,maker TEXT,model TEXT,firmware TEXT,"
    "ics TEXT,ttl INTEGER,summary TEXT,first INTEGER,last INTEGER,n INTEGER NOT NULL,PRIMARY KEY(address,port,transport,list)) WITHOUT ROWID;"
    "CREATE TABLE evidence(address BLOB,port INTEGER,transport INTEGER,hash INTEGER,field TEXT,rule TEXT,class TEXT,maker TEXT,model TEXT,"
    "firmware TEXT,ics TEXT,residue TEXT,honeypot TEXT,matched TEXT,certainty INTEGER,first INTEGER,last INTEGER,n INTEGER NOT NULL,"
    "PRIMARY KEY(address,port,transport,hash)) WITHOUT ROWID;"
    "CREATE INDEX evidence_class ON evidence(class) WHERE class IS NOT NULL;"
    "CREATE TABLE host_dial(day INTEGER,address BLOB,asn INTEGER,n INTEGER NOT NULL,ics INTEGER NOT NULL,neighbours INTEGER NOT NULL,last INTEGER,"
    "PRIMARY KEY(day,address)) WITHOUT ROWID;"
    "CREATE TABLE dialled(task TEXT,port INTEGER,transport INTEGER,PRIMARY KEY(task,port,transport)) WITHOUT ROWID;"
    "CREATE TABLE rollup_probe(day INTEGER,probe TEXT,step TEXT,word TEXT,n INTEGER NOT NULL,PRIMARY KEY(day,probe,step,word)) WITHOUT ROWID;",
    /* Whom to tell. */
    "CREATE TABLE quest(address BLOB,domain TEXT,id BLOB,outcome TEXT,reason TEXT,task TEXT,channels TEXT,contacts INTEGER,debts TEXT,domains TEXT,"
    "holder TEXT,block TEXT,ptr TEXT,not_before INTEGER,first INTEGER,last INTEGER,n INTEGER NOT NULL,PRIMARY KEY(address,domain)) WITHOUT ROWID;"
    "CREATE TABLE contact(number INTEGER PRIMARY KEY,id BLOB,address BLOB NOT NULL,domain TEXT NOT NULL,kind TEXT NOT NULL,value TEXT NOT NULL,"
    "quest BLOB,role TEXT,objection TEXT NOT NULL,there TEXT,match TEXT,rfc2142 INTEGER,word INTEGER,valid TEXT,flags TEXT,score INTEGER,"
    "choice TEXT NOT NULL,reason TEXT,mail_domain TEXT,first INTEGER,last INTEGER,UNIQUE(address,domain,kind,value));"
    "CREATE INDEX contact_id ON contact(id);CREATE INDEX contact_value ON contact(value);"
    "CREATE TABLE contact_origin(contact INTEGER,channel TEXT,found_for TEXT,objection TEXT,role TEXT,rank INTEGER,attribute TEXT,server TEXT,"
    "lookup TEXT,holder TEXT,block TEXT,evidence TEXT,quest BLOB,first INTEGER,last INTEGER,PRIMARY KEY(contact,channel,found_for,objection)) "
    "WITHOUT ROWID;"
    "CREATE TABLE registry(server TEXT PRIMARY KEY,state TEXT,refused INTEGER,back_off INTEGER,banned INTEGER,lifted INTEGER,refusals INTEGER NOT "
    "NULL,"
    "personal_most INTEGER NOT NULL,first INTEGER,last INTEGER) WITHOUT ROWID;"
    "CREATE TABLE registry_hour(server TEXT,hour INTEGER,begin INTEGER,dials INTEGER NOT NULL,questions INTEGER NOT NULL,personal INTEGER NOT NULL,"
    "refusals INTEGER NOT NULL,PRIMARY KEY(server,hour)) WITHOUT ROWID;"
    "CREATE TABLE block(address BLOB,bits INTEGER,channel TEXT,server TEXT,holder TEXT,expires INTEGER,told INTEGER,findings BLOB,"
    "PRIMARY KEY(address,bits,channel)) WITHOUT ROWID;"
    "CREATE TABLE quest_answer(quest BLOB,channel TEXT,server TEXT,holder TEXT,bits INTEGER NOT NULL,bad INTEGER NOT NULL,last INTEGER,"
    "PRIMARY KEY(quest,channel)) WITHOUT ROWID;"
    "CREATE TABLE resolution(address BLOB,name TEXT,type INTEGER,data TEXT,list TEXT,first INTEGER,last INTEGER,n INTEGER NOT NULL,"
    "PRIMARY KEY(address,name,type,data,list,first)) WITHOUT ROWID;"
    "CREATE INDEX resolution_data ON resolution(data,type) WHERE data<>'';"
    "CREATE TABLE manual(number INTEGER PRIMARY KEY,kind TEXT NOT NULL,value TEXT NOT NULL,role TEXT NOT NULL,scope TEXT NOT NULL,address BLOB,"
    "bits INTEGER,asn INTEGER,domain TEXT,entered INTEGER NOT NULL,expires INTEGER NOT NULL,note TEXT NOT NULL,who TEXT NOT NULL,"
    "UNIQUE(kind,value,scope));"
    "CREATE INDEX manual_address ON manual(address,bits);CREATE INDEX manual_domain ON manual(domain);"
    "CREATE TABLE account(url TEXT PRIMARY KEY,there TEXT NOT NULL,messages TEXT NOT NULL,owner TEXT NOT NULL,entered INTEGER NOT NULL,"
    "who TEXT NOT NULL) WITHOUT ROWID;",
};

struct sensor_entry {
    char name[RECORD_SENSOR_MAX]; /* zero-padded */
    int64_t number;
};

struct control {
    sqlite3 *db;
    struct tally sensors;
    struct hash_key key; /* of the table in memory */
    int64_t sensors_last;
};

/* What is known at compile time is in the database too, so that SQL alone reads well. */
static int name_things(sqlite3 *db)
{
    struct buf sql;
    buf_init(&sql, 65536);
    for (unsigned k = 0; k < KIND_LIMIT; k++) {
        if (kind_info(k) != NULL)
            buf_printf(&sql, "INSERT OR IGNORE INTO kind VALUES(%u,'%s');", k, kind_info(k)->name);
    }
    for (int t = TRANSPORT_NONE; t <= TRANSPORT_ICMP; t++)
        buf_printf(&sql, "INSERT OR IGNORE INTO transport VALUES(%d,'%s');", t, transport_name((enum transport)t));
    uint8_t secret[16];
    char hex[2 * sizeof secret + 1];
    if (getrandom(secret, sizeof secret, 0) != (ssize_t)sizeof secret)
        sql.error = -EIO;
    buf_printf(&sql, "INSERT OR IGNORE INTO secret VALUES('rollup',x'%s')", text_hex(span_of(secret, sizeof secret), hex));
    int r = sql.error != 0 ? sql.error : db_run(db, buf_cstr(&sql));
    buf_done(&sql);
    return r;
}

static int remember_sensor(struct control *control, struct span name, int64_t number)
{
    char key[RECORD_SENSOR_MAX] = {0};
    memcpy(key, name.at, name.len < sizeof key ? name.len : sizeof key);
    struct sensor_entry *entry = tally_at(&control->sensors, &control->key, key, NULL);
    if (entry == NULL)
        return -ENOMEM;
    entry->number = number;
    if (number > control->sensors_last)
        control->sensors_last = number;
    return 0;
}

static int read_sensors(struct control *control)
{
    sqlite3_stmt *select = NULL;
    int r = db_prepare(control->db, &select, "SELECT number,name FROM sensor");
    while (r == 0) {
        r = db_row(select);
        if (r != 1)
            break;
        r = remember_sensor(control, db_span(select, 1), sqlite3_column_int64(select, 0));
    }
    (void)sqlite3_finalize(select);
    return r;
}

int control_open(struct control **ret, const char *path, struct buf *why)
{
    struct control *control = calloc(1, sizeof *control);
    if (control == NULL)
        return -ENOMEM;
    tally_init(&control->sensors, sizeof(struct sensor_entry), RECORD_SENSOR_MAX);
    int r = getrandom(&control->key, sizeof control->key, 0) == (ssize_t)sizeof control->key ? 0 : -EIO;
    if (r == 0)
        r = db_open(&control->db, path, DB_WRITE, why);
    if (r == 0) {
        int keep = 1;
        (void)sqlite3_file_control(control->db, "main", SQLITE_FCNTL_PERSIST_WAL, &keep);
        r = db_run(control->db, "PRAGMA page_size=8192; PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA cache_size=-32768;"
                                "PRAGMA wal_autocheckpoint=2048; PRAGMA journal_size_limit=33554432");
        if (r == 0)
            r = db_migrate(control->db, migrations, SCHEMA_CONTROL_VERSION);
        if (r == 0)
            r = name_things(control->db);
        if (r == 0)
            r = read_sensors(control);
        if (r == -ERR_VERSION && why != NULL)
            buf_printf(why, "%s was written by a newer version", path);
        else if (r != 0 && why != NULL)
            buf_printf(why, "%s: %s", path, sqlite3_errmsg(control->db));
    }
    if (r != 0) {
        control_close(control);
        return r;
    }
    *ret = control;
    return 0;
}

void control_close(struct control *control)
{
    if (control == NULL)
        return;
    tally_done(&control->sensors);
    db_close(control->db);
    free(control);
}

sqlite3 *control_database(struct control *control)
{
    return control->db;
}

int control_begin(struct control *control)
{
    return db_run(control->db, "BEGIN IMMEDIATE");
}

int control_commit(struct control *control)
{
    return db_run(control->db, "COMMIT");
}

void control_rollback(struct control *control)
{
    if (sqlite3_get_autocommit(control->db) == 0)
        (void)db_run(control->db, "ROLLBACK");
}

/* Statements that are seldom used are made for the occasion: bind and step once. */
static int run_once(sqlite3 *db, const char *sql, const int64_t *numbers, size_t count, struct span text, bool bytes)
{
    sqlite3_stmt *statement = NULL;
    int r = db_prepare(db, &statement, sql);
    if (r == 0) {
        for (size_t i = 0; i < count; i++)
            (void)sqlite3_bind_int64(statement, (int)i + 1, numbers[i]);
        if (text.at != NULL && bytes)
            db_bind_bytes(statement, (int)count + 1, text);
        else if (text.at != NULL)
            db_bind_span(statement, (int)count + 1, text);
        r = db_done(statement);
    }
    (void)sqlite3_finalize(statement);
    return r;
}

int control_learn_sensor(struct control *control, int64_t number, struct span name)
{
    int r = run_once(control->db, "INSERT OR IGNORE INTO sensor(number,name) VALUES(?1,?2)", &number, 1, name, false);
    return r != 0 || sqlite3_changes(control->db) == 0 ? r : remember_sensor(control, name, number);
}

int control_sensor(struct control *control, struct span name, int64_t *ret_number)
{
    char key[RECORD_SENSOR_MAX] = {0};
    memcpy(key, name.at, name.len < sizeof key ? name.len : sizeof key);
    bool new;
    struct sensor_entry *entry = tally_at(&control->sensors, &control->key, key, &new);
    if (entry == NULL)
        return -ENOMEM;
    if (entry->number == 0) {
        if (control->sensors_last >= SENSORS_MAX)
            return -ERR_LIMIT;
        int64_t number = control->sensors_last + 1;
        int r = run_once(control->db, "INSERT INTO sensor(number,name) VALUES(?1,?2)", &number, 1, name, false);
        if (r != 0)
            return r;
        control->sensors_last = number;
        entry->number = number;
    }
    *ret_number = entry->number;
    return 0;
}

static const char day_columns[] = "SELECT day,applied,sealed,bytes FROM day";

static struct control_day read_day(sqlite3_stmt *select)
{
    return (struct control_day){.day = sqlite3_column_int64(select, 0),
                                .applied = sqlite3_column_int64(select, 1),
                                .sealed = sqlite3_column_int(select, 2) != 0,
                                .bytes = sqlite3_column_int64(select, 3)};
}

int control_day(struct control *control, usec_t day, struct control_day *ret)
{
    sqlite3_stmt *select = NULL;
    char sql[96];
    (void)snprintf(sql, sizeof sql, "%s WHERE day=%lld", day_columns, (long long)day);
    int r = db_prepare(control->db, &select, sql);
    if (r == 0)
        r = db_row(select);
    if (r == 1)
        *ret = read_day(select);
    (void)sqlite3_finalize(select);
    return r == 1 ? 0 : r == 0 ? -ERR_NOT_FOUND : r;
}

int control_days(struct control *control, struct control_day **ret, size_t *ret_count)
{
    struct control_day *days = NULL;
    size_t count = 0, room = 0;
    sqlite3_stmt *select = NULL;
    char sql[96];
    (void)snprintf(sql, sizeof sql, "%s ORDER BY day", day_columns);
    int r = db_prepare(control->db, &select, sql);
    while (r == 0 && (r = db_row(select)) == 1) {
        r = 0;
        if (count == room) {
            room = room == 0 ? 64 : room * 2;
            struct control_day *more = realloc(days, room * sizeof *more);
            if (more == NULL) {
                r = -ENOMEM;
                break;
            }
            days = more;
        }
        days[count++] = read_day(select);
    }
    (void)sqlite3_finalize(select);
    if (r < 0) {
        free(days);
        return r;
    }
    *ret = days;
    *ret_count = count;
    return 0;
}

int control_seal(struct control *control, usec_t day, bool sealed, int64_t bytes)
{
    const int64_t numbers[] = {day, sealed ? 1 : 0, bytes};
    return run_once(control->db,
                    "INSERT INTO day(day,applied,records,sealed,bytes) VALUES(?1,0,0,?2,?3) ON CONFLICT DO UPDATE SET sealed=?2,bytes=?3", numbers, 3,
                    (struct span){0}, false);
}

int control_forget_day(struct control *control, usec_t day, bool rollups)
{
    static const char *const always[] = {"DELETE FROM day WHERE day=?1", "DELETE FROM place WHERE day=?1"};
    static const char *const named[] = {"DELETE FROM rollup_source WHERE day=?1", "DELETE FROM rollup_credential WHERE day=?1",
                                        "DELETE FROM rollup_command WHERE day=?1", "DELETE FROM rollup_probe WHERE day=?1",
                                        "DELETE FROM host_dial WHERE day=?1"};
    int r = 0;
    for (size_t i = 0; i < sizeof always / sizeof always[0] && r == 0; i++)
        r = run_once(control->db, always[i], &day, 1, (struct span){0}, false);
    for (size_t i = 0; i < sizeof named / sizeof named[0] && r == 0 && rollups; i++)
        r = run_once(control->db, named[i], &day, 1, (struct span){0}, false);
    return r;
}

int control_place(struct control *control, usec_t day, int64_t *ret_row)
{
    char sql[96];
    (void)snprintf(sql, sizeof sql, "SELECT row FROM place WHERE analyst='rules' AND day=%lld", (long long)day);
    *ret_row = 0;
    return db_number(control->db, sql, ret_row);
}

int control_set_place(struct control *control, usec_t day, int64_t row)
{
    const int64_t numbers[] = {day, row};
    return run_once(control->db, "INSERT INTO place VALUES('rules',?1,?2) ON CONFLICT DO UPDATE SET row=max(row,?2)", numbers, 2, (struct span){0},
                    false);
}

int control_rule_state(struct control *control, struct buf *out)
{
    sqlite3_stmt *select = NULL;
    int r = db_prepare(control->db, &select, "SELECT state FROM rule_state WHERE analyst='rules'");
    if (r == 0)
        r = db_row(select);
    if (r == 1) {
        buf_span(out, db_span(select, 0));
        r = out->error;
    }
    (void)sqlite3_finalize(select);
    return r;
}

int control_set_rule_state(struct control *control, struct span state)
{
    return run_once(control->db, "INSERT INTO rule_state VALUES('rules',?1) ON CONFLICT DO UPDATE SET state=?1", NULL, 0, state, true);
}
