#include "contact/html.h"

#include <errno.h>
#include <myhtml/api.h>

enum { LARGE = 512 * 1024 };

struct reading {
    void (*hear)(void *user, const struct html_token *);
    void *user;
};

/* Elements that browsers show as blocks (HTML §15.3.3), and those whose text is not a part of the line around. */
static bool is_block(myhtml_tag_id_t id)
{
    static const bool blocks[MyHTML_TAG_LAST_ENTRY] = {
        [MyHTML_TAG_ADDRESS] = true,  [MyHTML_TAG_ARTICLE] = true,    [MyHTML_TAG_ASIDE] = true,    [MyHTML_TAG_BLOCKQUOTE] = true,
        [MyHTML_TAG_BODY] = true,     [MyHTML_TAG_BR] = true,         [MyHTML_TAG_BUTTON] = true,   [MyHTML_TAG_CAPTION] = true,
        [MyHTML_TAG_CENTER] = true,   [MyHTML_TAG_DD] = true,         [MyHTML_TAG_DETAILS] = true,  [MyHTML_TAG_DIALOG] = true,
        [MyHTML_TAG_DIR] = true,      [MyHTML_TAG_DIV] = true,        [MyHTML_TAG_DL] = true,       [MyHTML_TAG_DT] = true,
        [MyHTML_TAG_FIELDSET] = true, [MyHTML_TAG_FIGCAPTION] = true, [MyHTML_TAG_FIGURE] = true,   [MyHTML_TAG_FOOTER] = true,
        [MyHTML_TAG_FORM] = true,     [MyHTML_TAG_FRAME] = true,      [MyHTML_TAG_FRAMESET] = true, [MyHTML_TAG_H1] = true,
        [MyHTML_TAG_H2] = true,       [MyHTML_TAG_H3] = true,         [MyHTML_TAG_H4] = true,       [MyHTML_TAG_H5] = true,
        [MyHTML_TAG_H6] = true,       [MyHTML_TAG_HEAD] = true,       [MyHTML_TAG_HEADER] = true,   [MyHTML_TAG_HGROUP] = true,
        [MyHTML_TAG_HR] = true,       [MyHTML_TAG_HTML] = true,       [MyHTML_TAG_IFRAME] = true,   [MyHTML_TAG_LEGEND] = true,
        [MyHTML_TAG_LI] = true,       [MyHTML_TAG_MAIN] = true,       [MyHTML_TAG_MAP] = true,      [MyHTML_TAG_MENU] = true,
        [MyHTML_TAG_NAV] = true,      [MyHTML_TAG_OL] = true,         [MyHTML_TAG_OPTGROUP] = true, [MyHTML_TAG_OPTION] = true,
        [MyHTML_TAG_P] = true,        [MyHTML_TAG_PRE] = true,        [MyHTML_TAG_SCRIPT] = true,   [MyHTML_TAG_SECTION] = true,
        [MyHTML_TAG_SELECT] = true,   [MyHTML_TAG_SUMMARY] = true,    [MyHTML_TAG_TABLE] = true,    [MyHTML_TAG_TBODY] = true,
        [MyHTML_TAG_TD] = true,       [MyHTML_TAG_TEXTAREA] = true,   [MyHTML_TAG_TFOOT] = true,    [MyHTML_TAG_TH] = true,
        [MyHTML_TAG_THEAD] = true,    [MyHTML_TAG_TITLE] = true,      [MyHTML_TAG_TR] = true,       [MyHTML_TAG_UL] = true};
    return id < MyHTML_TAG_LAST_ENTRY && blocks[id];
}

/* What it returns is the context of the next call. */
static void *heard(myhtml_tree_t *tree, myhtml_token_node_t *node, void *context)
{
    struct reading *r = context;
    struct html_attribute attributes[HTML_ATTRIBUTES_MAX];
    struct html_token token = {.attributes = attributes};
    myhtml_tag_id_t id = myhtml_token_node_tag_id(node);
    size_t len = 0;
    if (id == MyHTML_TAG__TEXT) {
        const char *text = myhtml_token_node_text(node, &len);
        token.kind = HTML_TEXT;
        token.text = span_of(text, text != NULL ? len : 0);
        if (token.text.len > 0)
            r->hear(r->user, &token);
        return context;
    }
    if (id == MyHTML_TAG__COMMENT || id == MyHTML_TAG__DOCTYPE || id == MyHTML_TAG__END_OF_FILE || id == MyHTML_TAG__UNDEF)
        return context;
    const char *name = myhtml_tag_name_by_id(tree, id, &len);
    token.tag = span_of(name, name != NULL ? len : 0);
    token.block = is_block(id);
    token.kind = myhtml_token_node_is_close(node) ? HTML_CLOSE : HTML_OPEN;
    myhtml_tree_attr_t *at = token.kind == HTML_OPEN ? myhtml_token_node_attribute_first(node) : NULL;
    for (; at != NULL && token.attribute_count < HTML_ATTRIBUTES_MAX; at = myhtml_attribute_next(at)) {
        size_t key_len = 0, value_len = 0;
        const char *key = myhtml_attribute_key(at, &key_len), *value = myhtml_attribute_value(at, &value_len);
        if (key == NULL)
            continue;
        attributes[token.attribute_count++] =
            (struct html_attribute){.name = span_of(key, key_len), .value = span_of(value, value != NULL ? value_len : 0)};
    }
    r->hear(r->user, &token);
    return context;
}

/* How much of the page can be given to a parser that keeps a hundred bytes for every tag and attribute, of which two bytes can make one. */
static size_t bounded(struct span html)
{
    size_t markup = 0;
    bool inside = false;
    if (html.len <= HTML_MARKUP_MAX)
        return html.len;
    for (size_t i = 0; i < html.len; i++) {
        uint8_t c = html.at[i];
        if (c == '<')
            inside = true;
        else if (c == '>')
            inside = false;
        else if (!inside || (c > ' ' && c != '"' && c != '\'' && c != '/' && c != '='))
            continue;
        if (++markup > HTML_MARKUP_MAX)
            return i;
    }
    return html.len;
}

/*
 * The parser, kept between pages, since making one costs a third of reading a page. It holds nothing of a page when html_read returns, and is given
 * up after a large one. Roles have one thread.
 */
static struct {
    myhtml_t *html;
    myhtml_tree_t *tree;
} kept;

static void give_up(void)
{
    if (kept.tree != NULL)
        (void)myhtml_tree_destroy(kept.tree);
    if (kept.html != NULL)
        (void)myhtml_destroy(kept.html);
    kept.tree = NULL;
    kept.html = NULL;
}

static int make(void)
{
    if (kept.tree != NULL)
        return 0;
    kept.html = myhtml_create();
    if (kept.html != NULL && myhtml_init(kept.html, MyHTML_OPTIONS_PARSE_MODE_SINGLE, 1, 0) == MyHTML_STATUS_OK)
        kept.tree = myhtml_tree_create();
    if (kept.tree != NULL && myhtml_tree_init(kept.tree, kept.html) == MyHTML_STATUS_OK)
        return 0;
    give_up();
    return -ENOMEM;
}

int html_read(struct span utf8, void (*hear)(void *user, const struct html_token *), void *user, bool *ret_cut)
{
    struct reading reading = {.hear = hear, .user = user};
    size_t len = bounded(utf8);
    *ret_cut = len < utf8.len;
    if (make() != 0)
        return -ENOMEM;
    myhtml_tree_parse_flags_set(kept.tree, MyHTML_TREE_PARSE_FLAGS_WITHOUT_BUILD_TREE);
    myhtml_callback_after_token_done_set(kept.tree, heard, &reading);
    myhtml_status_t status = len > 0 ? myhtml_parse(kept.tree, MyENCODING_UTF_8, (const char *)utf8.at, len) : MyHTML_STATUS_OK;
    myhtml_callback_after_token_done_set(kept.tree, NULL, NULL);
    if (status != MyHTML_STATUS_OK || len > LARGE)
        give_up();
    else
        myhtml_tree_clean(kept.tree);
    return status == MyHTML_STATUS_OK ? 0 : -ENOMEM;
}
