#include "observe/import/cowrie.h"

#include <stdlib.h>
#include <sys/random.h>

enum { BUCKETS = COWRIE_SESSIONS_MAX };

static void unlink_use(struct cowrie_map *map, struct cowrie_session *s)
{
    *(s->newer != NULL ? &s->newer->older : &map->newest) = s->older;
    *(s->older != NULL ? &s->older->newer : &map->oldest) = s->newer;
}

static void link_newest(struct cowrie_map *map, struct cowrie_session *s)
{
    s->newer = NULL;
    s->older = map->newest;
    *(map->newest != NULL ? &map->newest->newer : &map->oldest) = s;
    map->newest = s;
}

/* Takes the least recently used session out of the map, for another to live in. */
static struct cowrie_session *evict(struct cowrie_map *map)
{
    struct cowrie_session *s = map->oldest;
    struct cowrie_session **at = &map->buckets[s->hash % BUCKETS];
    while (*at != s)
        at = &(*at)->next;
    *at = s->next;
    unlink_use(map, s);
    return s;
}

struct cowrie_session *cowrie_session_get(struct cowrie_map *map, struct span sensor, struct span session)
{
    if (map->buckets == NULL) {
        map->buckets = calloc(BUCKETS, sizeof *map->buckets);
        if (map->buckets == NULL)
            return NULL;
        if (getrandom(&map->seed, sizeof map->seed, 0) != (ssize_t)sizeof map->seed)
            map->seed.a = (uintptr_t)map->buckets;
    }
    char key[sizeof((struct cowrie_session *)0)->key];
    sensor = span_part(sensor, 0, RECORD_SENSOR_MAX);
    session = span_part(session, 0, COWRIE_SESSION_TEXT_MAX);
    if (sensor.len > 0)
        memcpy(key, sensor.at, sensor.len);
    key[sensor.len] = '\0';
    if (session.len > 0)
        memcpy(key + sensor.len + 1, session.at, session.len);
    size_t len = sensor.len + 1 + session.len;
    uint64_t hash = hash_bytes(&map->seed, span_of(key, len));
    struct cowrie_session *s = map->buckets[hash % BUCKETS];
    while (s != NULL && (s->hash != hash || s->key_len != len || memcmp(s->key, key, len) != 0))
        s = s->next;
    if (s != NULL) {
        unlink_use(map, s);
        link_newest(map, s);
        return s;
    }
    if (map->count == COWRIE_SESSIONS_MAX)
        s = evict(map);
    else
        s = malloc(sizeof *s);
    if (s == NULL)
        return NULL;
    if (map->count < COWRIE_SESSIONS_MAX)
        map->count++;
    *s = (struct cowrie_session){.hash = hash, .key_len = len, .next = map->buckets[hash % BUCKETS]};
    memcpy(s->key, key, len);
    map->buckets[hash % BUCKETS] = s;
    link_newest(map, s);
    return s;
}

void cowrie_session_reset(struct cowrie_session *s)
{
    s->id = (struct id){0};
    s->source = s->destination = (struct endpoint){0};
    s->protocol[0] = '\0';
    s->logins = s->commands = s->downloads = s->samples = 0;
    s->logged_in = s->connected = false;
}

void cowrie_map_done(struct cowrie_map *map)
{
    for (struct cowrie_session *s = map->newest; s != NULL;) {
        struct cowrie_session *older = s->older;
        free(s);
        s = older;
    }
    free(map->buckets);
    *map = (struct cowrie_map){0};
}
