#include "contact/forms.h"
#include "contact/form_kinds.h"

#include "base/err.h"

#include <errno.h>

static struct span part(const struct forms *f, size_t from, size_t to)
{
    if (to > f->text->len)
        to = f->text->len;
    return from < to ? span_of(f->text->data + from, to - from) : span_text("");
}

/* The last `max` bytes. */
static struct span tail(struct span text, size_t max)
{
    return text.len > max ? span_part(text, text.len - max, max) : text;
}

void forms_init(struct forms *f, struct page_work *w, const struct buf *text)
{
    *f = (struct forms){.work = w, .text = text, .button = -1};
    buf_init(&f->named, FORM_NAMED_MAX * 4);
    buf_init(&f->buttons, FORM_NAMED_MAX * 4);
}

static uint64_t uses_of(struct forms *f, struct span text, bool names)
{
    struct buf folded;
    buf_init(&folded, 0);
    words_fold(&folded, text, names);
    uint64_t uses = words_uses(f->work->words, buf_as_span(&folded));
    buf_done(&folded);
    return uses;
}

/* ---- what a field asks for ---- */

static const char *by_words(uint64_t uses, bool area, const char *otherwise)
{
    static const struct {
        enum word_use use;
        const char *asks;
    } order[] = {
        {WORD_ASK_CAPTCHA, "captcha"}, {WORD_ASK_PASSWORD, "password"}, {WORD_ASK_MAIL, "mail"},     {WORD_ASK_SEARCH, "search"},
        {WORD_ASK_USER, "user"},       {WORD_ASK_COMPANY, "company"},   {WORD_ASK_PHONE, "phone"},   {WORD_ASK_SUBJECT, "subject"},
        {WORD_ASK_NAME, "name"},       {WORD_ASK_WEBSITE, "website"},   {WORD_ASK_AMOUNT, "amount"}, {WORD_ASK_ADDRESS, "address"},
        {WORD_ASK_MESSAGE, "message"},
    };
    for (size_t i = 0; i < sizeof order / sizeof order[0] && !area; i++) {
        if (word_bit(uses, order[i].use))
            return order[i].asks;
    }
    return otherwise;
}

static bool is_one(struct span text, const char *const *list, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (span_is(text, list[i]))
            return true;
    }
    return false;
}

/* A field for text, of whichever type. */
static bool is_text(struct span type)
{
    static const char *const types[] = {"text", "email", "tel", "url", "search", "number", "date", "datetime-local", "month", "week", "time"};
    return is_one(type, types, sizeof types / sizeof types[0]);
}

static bool is_button(struct span type)
{
    static const char *const types[] = {"submit", "button", "image", "reset"};
    return is_one(type, types, sizeof types / sizeof types[0]);
}

/* The name says most; the label decides where the name says nothing, or when it speaks of the mail address a message goes to. */
static const char *asks_of(struct forms *f, const struct form_field *field)
{
    struct span type = field->type;
    if (span_is(type, "password"))
        return "password";
    if (span_is(type, "email"))
        return "mail";
    if (span_is(type, "search"))
        return "search";
    if (is_button(type) || span_is(type, "hidden") || span_is(type, "radio") || span_is(type, "file"))
        return "";
    uint64_t names = uses_of(f, field->name, true), label = uses_of(f, field->label, false);
    if (span_is(type, "checkbox"))
        return word_bit(names | label, WORD_ASK_REMEMBER) ? "remember" : "";
    if (span_is(type, "textarea"))
        return word_bit(names, WORD_ASK_CAPTCHA) && !word_bit(names, WORD_ASK_MESSAGE)   ? "captcha"
               : word_bit(names, WORD_ASK_ADDRESS) && !word_bit(names, WORD_ASK_MESSAGE) ? "address"
                                                                                         : "message";
    if (span_is(type, "tel"))
        return "phone";
    if (span_is(type, "url"))
        return "website";
    const char *by_name = by_words(names, false, "");
    if (span_is(type, "select"))
        return by_words(names | label, false, "");
    return by_name[0] != '\0' && strcmp(by_name, "message") != 0 ? by_name : by_words(label, false, by_name);
}

/* ---- a form's end ---- */

struct counts {
    unsigned text, areas, passwords, selects, boxes, radios, files, buttons, mails;
    bool name, message, subject, phone, user, search, company, address, website, captcha, amount, remember, search_type;
};

static void count(const struct form_field *field, struct counts *n)
{
    struct span type = field->type, asks = field->asks;
    n->text += is_text(type);
    n->areas += span_is(type, "textarea");
    n->passwords += span_is(type, "password");
    n->selects += span_is(type, "select");
    n->boxes += span_is(type, "checkbox");
    n->radios += span_is(type, "radio");
    n->files += span_is(type, "file");
    n->buttons += is_button(type);
    n->search_type = n->search_type || span_is(type, "search");
    n->name = n->name || span_is(asks, "name");
    n->mails += span_is(asks, "mail");
    n->message = n->message || span_is(asks, "message");
    n->subject = n->subject || span_is(asks, "subject");
    n->phone = n->phone || span_is(asks, "phone");
    n->user = n->user || span_is(asks, "user");
    n->search = n->search || span_is(asks, "search");
    n->company = n->company || span_is(asks, "company");
    n->address = n->address || span_is(asks, "address");
    n->website = n->website || span_is(asks, "website");
    n->captcha = n->captcha || span_is(asks, "captcha");
    n->amount = n->amount || span_is(asks, "amount");
    n->remember = n->remember || span_is(asks, "remember");
}

static void features_of_fields(const struct counts *n, unsigned hidden, bool post, bool *has)
{
    unsigned filled = n->text + n->areas + n->passwords + n->selects + n->boxes + n->radios + n->files;
    bool mail = n->mails > 0;
    has[FORM_HAS_ALWAYS] = true;
    has[FORM_HAS_TEXTAREA] = n->areas > 0;
    has[FORM_HAS_TEXTAREAS] = n->areas > 1;
    has[FORM_HAS_PASSWORD] = n->passwords > 0;
    has[FORM_HAS_PASSWORDS] = n->passwords > 1;
    has[FORM_HAS_TEXT_0] = n->text == 0;
    has[FORM_HAS_TEXT_1] = n->text == 1;
    has[FORM_HAS_TEXT_2] = n->text == 2;
    has[FORM_HAS_TEXT_3] = n->text == 3 || n->text == 4;
    has[FORM_HAS_TEXT_5] = n->text >= 5;
    has[FORM_HAS_SELECT] = n->selects > 0;
    has[FORM_HAS_SELECTS] = n->selects > 2;
    has[FORM_HAS_CHECKBOX] = n->boxes > 0;
    has[FORM_HAS_RADIO] = n->radios > 0;
    has[FORM_HAS_FILE] = n->files > 0;
    has[FORM_HAS_HIDDEN] = hidden > 3;
    has[FORM_HAS_NOTHING] = filled == 0;
    has[FORM_HAS_POST] = post;
    has[FORM_HAS_BUTTON] = n->buttons > 0;
    has[FORM_HAS_SEARCH_TYPE] = n->search_type;
    has[FORM_HAS_AREA_NO_PASSWORD] = n->areas > 0 && n->passwords == 0;
    has[FORM_HAS_AREA_AND_MAIL] = n->areas > 0 && mail;
    has[FORM_HAS_AREA_ALONE] = n->areas > 0 && n->text == 0;
    has[FORM_HAS_NAME_MAIL_MESSAGE] = n->name && mail && n->areas > 0;
    has[FORM_HAS_ONLY_MAIL] = n->text == 1 && mail && n->areas == 0 && n->passwords == 0;
    has[FORM_HAS_ONLY_MAIL_NAME] = n->text >= 2 && n->text <= 3 && mail && n->name && n->areas == 0 && n->passwords == 0;
    has[FORM_HAS_USER_PASSWORD] = n->passwords == 1 && n->text == 1 && n->areas == 0;
    has[FORM_HAS_ASK_NAME] = n->name;
    has[FORM_HAS_ASK_MAIL] = mail;
    has[FORM_HAS_ASK_MAILS] = n->mails > 1;
    has[FORM_HAS_ASK_MESSAGE] = n->message;
    has[FORM_HAS_ASK_SUBJECT] = n->subject;
    has[FORM_HAS_ASK_PHONE] = n->phone;
    has[FORM_HAS_ASK_USER] = n->user;
    has[FORM_HAS_ASK_SEARCH] = n->search;
    has[FORM_HAS_ASK_COMPANY] = n->company;
    has[FORM_HAS_ASK_ADDRESS] = n->address;
    has[FORM_HAS_ASK_WEBSITE] = n->website;
    has[FORM_HAS_ASK_CAPTCHA] = n->captcha;
    has[FORM_HAS_ASK_AMOUNT] = n->amount;
    has[FORM_HAS_ASK_REMEMBER] = n->remember;
}

static void features_of_words(uint64_t uses, size_t first, bool *has)
{
    static const enum word_use order[] = {WORD_FORM_CONTACT, WORD_FORM_COMMENT,    WORD_FORM_SEARCH, WORD_FORM_LOGIN, WORD_FORM_REGISTER,
                                          WORD_FORM_RECOVER, WORD_FORM_NEWSLETTER, WORD_FORM_ORDER,  WORD_FORM_OTHER, WORD_FORM_AWAY};
    for (size_t i = 0; i < sizeof order / sizeof order[0]; i++)
        has[first + i] = word_bit(uses, order[i]);
}

/* A label element names its field by id; a label that stands around or before it was taken at once. */
static void give_labels(struct forms *f)
{
    for (size_t i = 0; i < f->field_count; i++) {
        for (size_t k = 0; k < f->label_count && f->ids[i].len > 0; k++) {
            if (span_equal(f->labels[k].of, f->ids[i]) && f->labels[k].text.len > 0) {
                f->fields[i].label = f->labels[k].text;
                break;
            }
        }
    }
}

static void form_end(struct forms *f)
{
    bool has[FORM_FEATURE_COUNT] = {false};
    struct counts n = {0};
    struct page_form *form = f->form;
    if (form == NULL)
        return;
    f->form = NULL;
    give_labels(f);
    for (size_t i = 0; i < f->field_count; i++) {
        f->fields[i].asks = span_text(asks_of(f, &f->fields[i]));
        count(&f->fields[i], &n);
    }
    form->field_count = f->field_count;
    form->fields = arena_alloc(f->work->arena, (f->field_count + 1) * sizeof *f->fields);
    if (form->fields == NULL) {
        f->work->error = -ENOMEM;
        return;
    }
    if (f->field_count > 0)
        memcpy((struct form_field *)(uintptr_t)form->fields, f->fields, f->field_count * sizeof *f->fields);
    struct span inside = part(f, f->start, f->text->len);
    struct span heading = f->heading_end > f->start || f->start - f->heading_end < 400 ? part(f, f->heading_start, f->heading_end) : span_text("");
    features_of_fields(&n, f->hidden, span_is(form->method, "post"), has);
    features_of_words(uses_of(f, buf_as_span(&f->named), true), FORM_HAS_NAMED_CONTACT, has);
    uint64_t buttons = uses_of(f, buf_as_span(&f->buttons), false);
    has[FORM_HAS_BUTTON_SEND] = word_bit(buttons, WORD_SEND);
    features_of_words(buttons, FORM_HAS_BUTTON_CONTACT, has);
    features_of_words(uses_of(f, span_part(inside, 0, 300), false) | uses_of(f, span_part(heading, 0, 120), false), FORM_HAS_TEXT_CONTACT, has);
    has[FORM_HAS_PAGE_CONTACT] = f->page_contact;
    has[FORM_HAS_PAGE_LOGIN] = f->page_login;
    form_judge(f->work, form, has);
    bool written = form->kind == FORM_CONTACT || form->kind == FORM_COMMENT;
    form->answerable = written && n.message && (n.mails > 0 || n.phone);
    if (f->work->watch != NULL)
        f->work->watch(f->work->watch_user, f->work->page->form_count - 1, has);
}

/* ---- tags ---- */

static void name_of(struct forms *f, struct span text)
{
    buf_span(&f->named, span_part(text, 0, FORM_NAMED_MAX / 4));
    buf_byte(&f->named, ' ');
    f->named.error = 0; /* full: what is there will do */
}

static bool room(struct forms *f)
{
    struct page_work *w = f->work;
    if (f->fields == NULL) {
        f->fields = arena_alloc(w->arena, EXTRACT_FIELDS_MAX * sizeof *f->fields);
        f->labels = arena_alloc(w->arena, FORM_LABELS_MAX * sizeof *f->labels);
    }
    if (w->page->forms == NULL)
        w->page->forms = arena_alloc(w->arena, EXTRACT_FORMS_MAX * sizeof *w->page->forms);
    if (f->fields == NULL || f->labels == NULL || w->page->forms == NULL)
        w->error = -ENOMEM;
    if (w->page->form_count >= EXTRACT_FORMS_MAX)
        w->page->cut = true;
    return w->error == 0 && w->page->form_count < EXTRACT_FORMS_MAX;
}

static void form_begin(struct forms *f, const struct html_token *t)
{
    struct page_work *w = f->work;
    form_end(f);
    if (!room(f))
        return;
    f->form = &w->page->forms[w->page->form_count++];
    struct span action = html_attribute(t, "action"), method = html_attribute(t, "method");
    *f->form = (struct page_form){.method = span_text(starts_with_folded(method, "post") ? "post" : "get")};
    f->form->action = action.len > 0 ? page_url(w, action) : w->url;
    if (f->form->action.at == NULL)
        f->form->action = page_copy(w, action, 512);
    f->field_count = f->label_count = 0;
    f->hidden = 0;
    f->start = f->last_end = f->text->len;
    f->button = -1;
    f->in_label = f->in_button = false;
    f->label_for = (struct span){0};
    buf_clear(&f->named);
    buf_clear(&f->buttons);
    name_of(f, html_attribute(t, "id"));
    name_of(f, html_attribute(t, "name"));
    name_of(f, html_attribute(t, "class"));
    name_of(f, html_attribute(t, "title"));
    name_of(f, html_attribute(t, "aria-label"));
    struct span path = span_part(action, 0, FORM_NAMED_MAX / 4);
    size_t slashes = 0, at = 0, wanted = starts_with_folded(path, "http") ? 3 : 0;
    while (at < path.len && slashes < wanted)
        slashes += path.at[at++] == '/';
    name_of(f, span_part(path, at, path.len));
}

static struct span first_of(struct span a, struct span b)
{
    return a.len > 0 ? a : b;
}

static void put_button(struct forms *f, struct span text)
{
    buf_span(&f->buttons, span_part(text, 0, FORM_LABEL_MAX));
    buf_byte(&f->buttons, '\n');
    f->buttons.error = 0; /* as above */
}

/* Hidden fields by which systems tell their forms apart: Drupal's form_id, Shopify's form_type, Joomla's task, vBulletin's do. */
static bool is_dispatch(struct span name)
{
    static const char *const names[] = {"form_id", "form_type", "form-name", "formname", "form_name", "task",
                                        "option",  "do",        "act",       "action",   "mode",      "cmd"};
    return is_one(name, names, sizeof names / sizeof names[0]);
}

/* What stands before a field: its own line when that says what it asks for, since a heading may stand above; else all of it. */
static struct span label_before(struct forms *f, struct span before)
{
    size_t end = before.len;
    while (end > 0 && before.at[end - 1] <= ' ')
        end--;
    size_t start = end;
    while (start > 0 && before.at[start - 1] != '\n')
        start--;
    struct span line = span_part(before, start, end - start);
    return by_words(uses_of(f, line, false), false, "")[0] != '\0' ? line : before;
}

static void field_begin(struct forms *f, const struct html_token *t)
{
    struct page_work *w = f->work;
    struct span type = html_attribute(t, "type"), id = html_attribute(t, "id"), name = html_attribute(t, "name");
    if (f->field_count == EXTRACT_FIELDS_MAX)
        return;
    struct form_field *field = &f->fields[f->field_count];
    *field = (struct form_field){0};
    if (html_is(t, "input") || html_is(t, "button")) {
        struct buf lower;
        buf_init(&lower, 64);
        words_fold(&lower, span_part(type, 0, 20), false);
        field->type = lower.len > 0 ? page_copy(w, buf_as_span(&lower), 20) : span_text(html_is(t, "input") ? "text" : "submit");
        buf_done(&lower);
    } else {
        field->type = span_text(html_is(t, "select") ? "select" : "textarea");
    }
    if (html_is(t, "input") && !is_text(field->type) && !is_button(field->type) && !span_is(field->type, "hidden") &&
        !span_is(field->type, "password") && !span_is(field->type, "checkbox") && !span_is(field->type, "radio") && !span_is(field->type, "file"))
        field->type = span_text("text"); /* as browsers take what they do not know */
    f->hidden += span_is(field->type, "hidden");
    if (span_is(field->type, "hidden") && is_dispatch(name))
        name_of(f, html_attribute(t, "value"));
    field->name = page_copy(w, first_of(name, id), FORM_ID_MAX);
    struct span label = html_attribute(t, "aria-label");
    label = first_of(label, html_attribute(t, "placeholder"));
    label = first_of(label, html_attribute(t, "title"));
    if (is_button(field->type))
        label = first_of(html_attribute(t, "value"), first_of(html_attribute(t, "alt"), label));
    struct span before = tail(part(f, f->in_label ? f->label_start : f->last_end, f->text->len), FORM_LABEL_MAX);
    if (!is_button(field->type) && !span_is(field->type, "hidden"))
        label = label.len > 0 ? label : label_before(f, before);
    else if (is_button(field->type))
        put_button(f, label);
    field->label = page_copy(w, label, FORM_LABEL_MAX);
    f->ids[f->field_count] = page_copy(w, id, FORM_ID_MAX);
    if (!span_is(field->type, "hidden"))
        f->last_end = f->text->len;
    f->button = html_is(t, "button") ? (int)f->field_count : -1;
    f->button_start = f->text->len;
    f->field_count++;
}

static void element_end(struct forms *f, const struct html_token *t)
{
    struct page_work *w = f->work;
    if (html_is(t, "label") && f->in_label) {
        f->in_label = false;
        if (f->label_for.len > 0 && f->label_count < FORM_LABELS_MAX)
            f->labels[f->label_count++] =
                (struct form_label){.of = f->label_for, .text = page_copy(w, part(f, f->label_start, f->text->len), FORM_LABEL_MAX)};
    } else if (html_is(t, "button") && f->button >= 0) {
        struct span text = part(f, f->button_start, f->text->len);
        put_button(f, text);
        if (f->fields[f->button].label.len == 0)
            f->fields[f->button].label = page_copy(w, text, FORM_LABEL_MAX);
        f->button = -1;
        f->last_end = f->text->len;
    } else if (html_is(t, "select") || html_is(t, "textarea")) {
        f->last_end = f->text->len;
    }
}

void forms_token(struct forms *f, const struct html_token *t)
{
    bool open = t->kind == HTML_OPEN;
    if ((t->tag.len == 2 && t->tag.at[0] == 'h' && t->tag.at[1] >= '1' && t->tag.at[1] <= '6') || html_is(t, "legend")) {
        if (open)
            f->heading_start = f->text->len;
        f->heading_end = f->text->len;
    }
    if (html_is(t, "form")) {
        if (open)
            form_begin(f, t);
        else
            form_end(f);
        return;
    }
    if (f->form == NULL || f->work->error != 0)
        return;
    if (!open) {
        element_end(f, t);
    } else if (html_is(t, "label")) {
        f->in_label = true;
        f->label_start = f->text->len;
        f->label_for = page_copy(f->work, html_attribute(t, "for"), FORM_ID_MAX);
    } else if (html_is(t, "input") || html_is(t, "select") || html_is(t, "textarea") || html_is(t, "button")) {
        field_begin(f, t);
    }
}

void forms_done(struct forms *f)
{
    form_end(f);
    buf_done(&f->named);
    buf_done(&f->buttons);
}
