#include "analyse/device/classes.h"
#include "analyse/device/device.h"

/* The kind that a class is a kind of: whoever says the parent does not contradict the child. */
#define KIN(word, parent) {(word), (parent)},
static const struct {
    const char *word, *parent;
} kin[] = {
#include "analyse/device/kin.def"
};
#undef KIN

static const struct {
    const char *word, *title;
} classes[] = {
#define CLASS(word, title, help) {(word), (title)},
#include "analyse/device/classes.def"
#undef CLASS
};

const char *class_title(struct span word)
{
    for (size_t i = 0; i < sizeof classes / sizeof classes[0]; i++) {
        if (span_is(word, classes[i].word))
            return classes[i].title;
    }
    return NULL;
}

static const char *parent_of(struct span word)
{
    for (size_t i = 0; i < sizeof kin / sizeof kin[0]; i++) {
        if (span_is(word, kin[i].word))
            return kin[i].parent;
    }
    return NULL;
}

int class_rank(struct span word)
{
    if (class_title(word) == NULL)
        return 0;
    if (span_is(word, "other"))
        return 1;
    int rank = 2;
    for (const char *parent = parent_of(word); parent != NULL; parent = parent_of(span_text(parent)))
        rank++;
    return rank;
}

bool class_covers(struct span coarse, struct span fine)
{
    if (span_equal(coarse, fine) || span_is(coarse, "other"))
        return true;
    for (const char *parent = parent_of(fine); parent != NULL; parent = parent_of(span_text(parent))) {
        if (span_is(coarse, parent))
            return true;
    }
    return false;
}
