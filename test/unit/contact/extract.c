/* Pages: addresses in every spelling and what only looks like one, forms by what they ask, accounts, links, character sets, hostile pages. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/err.h"
#include "contact/extract.h"

#include "lists.h"

#include <time.h>

static struct book *book;
static struct arena arena;

static int begin(void **state)
{
    (void)state;
    book = shipped_book();
    return 0;
}

static int end(void **state)
{
    (void)state;
    book_close(book);
    return 0;
}

static struct page read_bytes(const char *type, struct span bytes)
{
    struct page page = {0};
    arena_init(&arena, 64 * 1024 * 1024);
    assert_int_equal(page_read(book, &arena, span_text("http://www.clocks.example/start/"), span_text(type), bytes, &page), 0);
    return page;
}

static struct page read_page(const char *html)
{
    return read_bytes("text/html; charset=utf-8", span_text(html));
}

/* ---- addresses ---- */

/* All addresses of a page in their order, with blanks between. */
static void expect(const char *html, const char *wanted)
{
    struct page page = read_page(html);
    struct buf got;
    buf_init(&got, 0);
    for (size_t i = 0; i < page.address_count; i++) {
        buf_text(&got, i > 0 ? " " : "");
        buf_span(&got, page.addresses[i].mail);
    }
    if (strcmp(buf_cstr(&got), wanted) != 0)
        fail_msg("%s\n  expected: %s\n  got:      %s", html, wanted, buf_cstr(&got));
    buf_done(&got);
    arena_done(&arena);
}

static void addresses_in_every_spelling(void **state)
{
    (void)state;
    static const char *const spellings[] = {
        "info@example.com",
        "<p>E-Mail:info@example.com</p>",
        "Write to <b>info</b>@<i>example.com</i>!",
        "info&#64;example&#46;com",
        "&#105;nfo&#x40;example.com",
        "info&commat;example&period;com",
        "info＠example.com",
        "ｉｎｆｏ＠ｅｘａｍｐｌｅ．ｃｏｍ",
        "メールはinfo@example.comまでお願いします",
        "메일은 info@example.com로 보내 주십시오",
        "邮箱：info＠example。com",
        "info[at]example.com",
        "info [at] example [dot] com",
        "info(at)example(dot)com",
        "info ( at ) example ( dot ) com",
        "info((at))example.com",
        "info{at}example{dot}com",
        "info&lt;at&gt;example.com",
        "info<at>example<dot>com",
        "info(a)example.com",
        "info[@]example.com",
        "info (＠) example.com",
        "info［at］example.com",
        "info【at】example.com",
        "info @ example . com",
        "You can reach info at example dot com on weekdays",
        "INFO AT EXAMPLE DOT COM",
        "<td>info at example.com</td>",
        "<p>Email: info at example.com</p>",
        "info_at_example_dot_com",
        "info-at-example-dot-com",
        "info-at-example.com",
        "info |at| example |dot| com",
        "info*at*example.com",
        "info [ät] example [punkt] com",
        "info(arroba)example(punto)com",
        "info [chiocciola] example [punto] com",
        "info (zavináč) example (tečka) com",
        "info (małpa) example (kropka) com",
        "info [собака] example [точка] com",
        "info собака example точка com",
        "info골뱅이example.com",
        "infoアットマークexample.com",
        "infoあっとexampleどっとcom",
        "info＠マークexample.com",
        "info★example.com (★を@に変えてください)",
        "info■example.com ■ は @ です",
        "info#example.com（请将#换成@）",
        "info%40example.com",
        "info@example.com.invalid",
        "info@nospam.example.com",
        "info@NOSPAMexample.com",
        "infoNOSPAM@example.com",
        "info.nospam@example.com",
        "info@REMOVE-THIS.example.com",
        "info@removethis.example.com",
        "info@REMOVE.example.com",
        "info@example.comPlease",
        "info@example.com.Please write",
        "info@example.com--call us",
        "info@exam\xc2\xadple.com",
        "info&#8203;@example.com",
        "info<wbr>@example.com",
        "info<!-- x -->@<!-- y -->example.com",
        "info<span style='display:none'>x</span>@example.com",
        "<style>.n{display:none}</style>info@<span class=n>no.</span>example.com",
        "<span style='direction:rtl; unicode-bidi:bidi-override'>moc.elpmaxe@ofni</span>",
        "<bdo dir=rtl>moc.elpmaxe@ofni</bdo>",
        "info<img src=at.png alt='@'>example.com",
        "<a href='mailto:info@example.com?subject=x@y.zz'>mail</a>",
        "<a href='mailto:%69nfo%40example.com'>mail</a>",
        "<a href='mailto:Anna%20%3Cinfo@example.com%3E'>mail</a>",
        "<a href='MailTo: info@example.com'>mail</a>",
        "<a href='mailto:info[at]example.com'>mail</a>",
        "<a href='mailto:info@nospam.example.com'>info at example dot com</a>",
        "<a href='info@example.com'>mail</a>",
        "<a href='/cdn-cgi/l/email-protection#2a43444c456a4f524b475a464f04494547'>[email&#160;protected]</a>",
        "<span class=__cf_email__ data-cfemail=2a43444c456a4f524b475a464f04494547>[email protected]</span>",
        "<span data-mail='info@example.com'></span>",
        "<span data-email='aW5mb0BleGFtcGxlLmNvbQ=='></span>",
        "<span data-email='moc.elpmaxe@ofni'></span>",
        "<span data-user=info data-domain=example.com></span>",
        "<meta itemprop=email content=info@example.com>",
        "<img src=x.png alt='info@example.com'>",
        "<script type='application/ld+json'>{\"a\":[{\"email\":\"mailto:info@example.com\"}]}</script>",
        "<noscript>info (at) example.com</noscript>",
        "info (chez) example (point) com",
        "info[à]example.com",
        "info(at-mark)example.com",
        "info「@」example.com",
        "Anna <info(at)example.com>",
        "info-@-example.com (-@-を@に置換して下さい)",
        "zentrale: info(ÄT)example.com",
        "<td>info AT example.com</td>",
        "<td>info zavináč example.com</td>",
        "Adres: info małpa example.com, tel. 1",
        "info<img src=at.png alt=at>example<img src=d.png alt=dot>com",
        "info_NO_SPAM_@example.com",
        "Anna B.: info [a] example.com",
        "info -at- example -dot- com",
        "info -arroba- example.com",
        "info (παπάκι) example (τελεία) com",
        "info СОБАКА example ТОЧКА com",
        "info (равлик) example (крапка) com",
        "info [a còng] example.com",
        "info (שטרודל) example (נקודה) com",
        "info(@マーク)example.com",
        "info@exampleNOSPAM.com",
        "<a href=' mailto: info@example.com '>mail</a>",
        "<form action='mailto:info@example.com' method=post></form>",
        "<span>Mail</span><span>info@example.com</span><span>Phone</span>",
        "write to us<a href='#'>info(at)example.com</a>",
        "<b itemprop=email>info [at] example.com</b><b itemprop=telephone>123</b>",
        "info«at»example.com",
        "info \"at\" example.com",
        "info 'at' example.com",
        "info&amp;#64;example.com",
        "info[nospam]@example.com",
        "info@[remove]example.com",
        "info@_no_spam_example.com",
        "info@nospam_example.com",
        "info@antispam.example.com",
        "<a href='http://mailto:info@example.com'>mail</a>",
        "<svg><a xlink:href='mailto:info@example.com'><text>mail</text></a></svg>",
        "<script type='application/ld+json'>/*<![CDATA[*/ [{\"email\":[\"info@example.com\"],},] /*]]>*/</script>",
        "<script type='application/ld+json'>{\"email\":\"info@example.com\",}</script>",
    };
    bool good = true;
    for (size_t i = 0; i < sizeof spellings / sizeof spellings[0]; i++) {
        struct page page = read_page(spellings[i]);
        bool one = page.address_count == 1;
        struct span mail = one ? page.addresses[0].mail : span_text("");
        struct span local = mail_local(mail), domain = mail_domain(mail);
        one = one && (span_is(local, "info") || span_is(local, "INFO")) && span_is(domain, "example.com");
        if (!one)
            print_error("%s: %zu addresses, the first: %.*s\n", spellings[i], page.address_count,
                        (int)(page.address_count > 0 ? page.addresses[0].mail.len : 0),
                        page.address_count > 0 ? (const char *)page.addresses[0].mail.at : "");
        good = good && one;
        arena_done(&arena);
    }
    assert_true(good);
}

static void several_addresses(void **state)
{
    (void)state;
    expect("a@example.com,b@example.com;c@example.com/d@example.com", "a@example.com b@example.com c@example.com d@example.com");
    expect("<a href='mailto:a@example.com,b@example.com?cc=c@example.com&amp;bcc=d@example.com'>x</a>",
           "a@example.com b@example.com c@example.com d@example.com");
    expect("<td>john [dot] smith [at] mail [dot] example [dot] co [dot] uk</td>", "john.smith@mail.example.co.uk");
    expect("INFO@Example.COM and info@example.com", "INFO@example.com");
    expect("kontakt@münchen.example", "kontakt@xn--mnchen-3ya.example");
    expect("почта@пример.рф", "почта@xn--e1afmkfd.xn--p1ai");
    expect("Anrufen: müller@example.de", "müller@example.de");
    expect("nospam@example.com", "nospam@example.com");
    expect("o'neil@example.com, à l'info@example.com", "o'neil@example.com info@example.com");
    expect("a★example.com（★を@に変えてください） b■example.com（■を@に変えてください）", "a@example.com b@example.com");
    expect("team7-at-example.com, j.doe-at-example.com", "team7@example.com j.doe@example.com");
    expect("john_dot_doe_at_example_dot_com", "john.doe@example.com");
    expect("<td>john . doe @ example . com</td>", "john.doe@example.com");
    expect("antispam@example.com", "antispam@example.com");
    expect("x.y-z_1+tag@sub-domain.example.museum", "x.y-z_1+tag@sub-domain.example.museum");
}

static void what_only_looks_like_an_address(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "<script>var a='info'+'@'+'example.com', b='x@example.com';</script>",
        "<style>/* x@example.com */</style>",
        "<!-- x@example.com -->",
        "<template>x@example.com</template>",
        "<a onclick=\"write('x@example.com')\">mail</a>",
        "<img src='logo@2x.png' srcset='a@2x.png 2x'>logo@2x.png sprite@3x.webp icons@2x.zip",
        "<input type=email placeholder='you@example.com'>",
        "@clockmaker@social.example and @clockmaker",
        "https://user:secret@files.example.com/x ssh://git@code.example.com/x //user@host.example.com",
        "git clone git@code.example.com:clocks/site.git",
        "sip:line1@pbx.example.com",
        "user@localhost user@192.0.2.1 a@b @ @@ x@y.z",
        "Meet us at example.com on Monday. Look at the dot com boom. Visit us at www.example.com.",
        "<li>Find more at example.com</li><li>Shop at example.com</li>",
        "Our stay-at-home.example.com offer; see section (a) example.com",
        "Lunch @ cafe.example.com today",
        "2 kg @ 3.50 each",
        "https://cdn.example.com/npm/pkg@5.1.3/dist/a.js",
        "user@host.invalid",
        "[email protected]",
        "root@www.example.com:~# ls [root@db.example.com ~]# id",
        "In-Reply-To: &lt;CAF+abc=xyz@mail.example.com&gt;",
        "$object@property.example.com",
        "Disponible : livre chez librairie.example.com",
        "Where: lunch at cafe.example.com",
        "<img src=c.gif alt='Рейтинг@Example.com'>",
        "write it as example@example.com, beispiel@example.com",
        "<input type=email name=e value='you@example.com' aria-label='name@example.com'><input name=f value='you@example.com'>",
        "<li>Find us at clocks.example.com</li><li>Lunch at cafe.example.com</li>",
        "Meet us at booth.five dot com",
        "Tickets at clocks dot com are cheap. Look us up at clocks dot org. Contact me at clocks dot com",
        "look_at_this.com",
        "<script type='application/ld+json'>{[[x@example.com]}</script><script type='application/ld+json'>]]</script>",
        "Злая собака дома точка рф",
        "more of shop.example.com @clockmaker.example.com",
        "<a href='https://maps.example.com/@35.68,139.76,15z'>map</a>",
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        expect(texts[i], "");
}

static void how_it_was_written_is_kept(void **state)
{
    (void)state;
    struct page page = read_page("<p>Verkauf: info (at) example (punkt) com, täglich</p>");
    assert_int_equal(page.address_count, 1);
    assert_true(span_is(page.addresses[0].written, "info (at) example (punkt) com"));
    assert_true(span_is(page.addresses[0].source, "text"));
    assert_true(span_is(page.addresses[0].evidence, "Verkauf: info (at) example (punkt) com, täglich"));
    arena_done(&arena);
}

/* ---- forms ---- */

static void forms_by_what_they_ask(void **state)
{
    (void)state;
    static const struct {
        const char *html;
        enum form_kind kind;
        bool answerable;
    } forms[] = {
        {"<h1>Contact us</h1><form method=post action=/contact><label>Name <input name=name></label><label>E-mail <input name=email></label>"
         "<textarea name=message></textarea><button>Send</button></form>",
         FORM_CONTACT, true},
        {"<h1>お問い合わせ</h1><form method=post action=mail.cgi>お名前<input name=n1>メールアドレス<input name=n2>お問い合わせ内容<textarea "
         "name=n3></textarea>"
         "<input type=submit value=送信></form>",
         FORM_CONTACT, true},
        {"<h3>Leave a reply</h3><form method=post action=/wp-comments-post.php id=commentform><input name=author><input name=email><input name=url>"
         "<textarea name=comment></textarea><input type=submit value='Post Comment'></form>",
         FORM_COMMENT, true},
        {"<form action=/search><input name=q><input type=submit value=Search></form>", FORM_SEARCH, false},
        {"<form method=post action=/login>User <input name=username> Password <input type=password name=pass><input type=checkbox name=remember> "
         "Remember me"
         "<button>Log in</button></form>",
         FORM_LOGIN, false},
        {"<form method=post action=/register><h2>Create an account</h2>Name<input name=username>E-mail<input name=email>Password<input type=password "
         "name=p1>"
         "Again<input type=password name=p2><button>Sign up</button></form>",
         FORM_REGISTRATION, false},
        {"<h2>Forgot your password?</h2><form method=post action=/password/reset>E-mail<input name=email><button>Reset password</button></form>",
         FORM_RECOVERY, false},
        {"<form method=post action=//list.example/subscribe>Newsletter <input name=EMAIL type=email><button>Subscribe</button></form>",
         FORM_NEWSLETTER, false},
        {"<form method=post action=/cart/add><input type=hidden name=product_id value=3>Quantity<input name=quantity value=1><button>Add to "
         "cart</button></form>",
         FORM_ORDER, false},
        {"<h2>Bestellung</h2><form method=post action=/bestellen>Name<input name=name>E-Mail<input name=mail>Anzahl<input name=anzahl>Bemerkungen"
         "<textarea name=text></textarea><button>Verbindlich bestellen</button></form>",
         FORM_ORDER, false},
        {"<form method=post action=/user/reset-it>User name or address<input name=name><input type=hidden name=form_id value=user_pass>"
         "<input type=submit value=Submit></form>",
         FORM_RECOVERY, false},
        {"<form class=wpforms-form method=post>Name<input name=f1>Email<input name=f2>Comment or Message<textarea name=f3></textarea>"
         "<button>Submit</button></form>",
         FORM_CONTACT, true},
        {"<form action=/thread/7/reply method=post><textarea name=text></textarea><input type=submit value='Post Reply'></form>", FORM_COMMENT,
         false},
        {"<form onsubmit='return f()'>Password<input type=password id=p><input type=button value='Log in'></form>", FORM_LOGIN, false},
    };
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        struct page page = read_page(forms[i].html);
        assert_int_equal(page.form_count, 1);
        if (page.forms[0].kind != forms[i].kind || page.forms[0].answerable != forms[i].answerable)
            fail_msg("%s\n  expected %s, got %s (%.*s)", forms[i].html, form_kind_text(forms[i].kind), form_kind_text(page.forms[0].kind),
                     (int)page.forms[0].evidence.len, (const char *)page.forms[0].evidence.at);
        arena_done(&arena);
    }
}

/* The fields are those of a contact form. */
static void forms_that_are_no_letters(void **state)
{
    (void)state;
    static const struct {
        const char *html;
        enum form_kind kind;
    } forms[] = {
        {"<h2>Job application</h2><form method=post enctype=multipart/form-data>Name<input name=a1>E-mail<input name=a2>Cover letter<textarea "
         "name=a3></textarea><input type=file name=a4><button>Apply</button></form>",
         FORM_OTHER},
        {"<h2>Edit profile</h2><form method=post>Name<input name=a1>E-mail<input name=a2>About me<textarea name=a3></textarea><button>Save "
         "changes</button></form>",
         FORM_OTHER},
        {"<form method=post><input name=w1 placeholder=이름><input type=password name=w2 placeholder=비밀번호><textarea name=w3 "
         "placeholder='댓글 입력'></textarea><button>등록</button></form>",
         FORM_COMMENT},
        {"<h2>Report an incident</h2><form method=post>E-mail<input name=a1>Source<input name=a2><select name=a3><option>Scan</select>Log "
         "lines<textarea name=a4></textarea><input type=file name=a5><button>Submit</button></form>",
         FORM_CONTACT},
        {"<form method=post><p>Odebírejte novinky</p><input name=m placeholder='Váš e-mail'><button>OK</button></form>", FORM_NEWSLETTER},
    };
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        struct page page = read_page(forms[i].html);
        assert_int_equal(page.form_count, 1);
        if (page.forms[0].kind != forms[i].kind)
            fail_msg("%s\n  expected %s, got %s", forms[i].html, form_kind_text(forms[i].kind), form_kind_text(page.forms[0].kind));
        arena_done(&arena);
    }
}

static void fields_of_a_form(void **state)
{
    (void)state;
    struct page page =
        read_page("<form action='../send?x=1#f' method=POST><label for=a>Your name</label><input id=a name=f1>"
                  "<input type=email name=f2 placeholder='E-mail'><select name=topic><option>a<option>b</select>Message:<textarea name=f3></textarea>"
                  "<input type=hidden name=t><input type=submit value=Send></form><form></form>");
    assert_int_equal(page.form_count, 2);
    const struct page_form *f = &page.forms[0];
    assert_true(span_is(f->action, "http://www.clocks.example/send?x=1"));
    assert_true(span_is(f->method, "post"));
    assert_int_equal(f->field_count, 6);
    assert_true(span_is(f->fields[0].label, "Your name") && span_is(f->fields[0].asks, "name") && span_is(f->fields[0].type, "text"));
    assert_true(span_is(f->fields[1].asks, "mail"));
    assert_true(span_is(f->fields[2].type, "select"));
    assert_true(span_is(f->fields[3].label, "Message:") && span_is(f->fields[3].asks, "message"));
    assert_true(span_is(f->fields[5].label, "Send"));
    assert_int_equal(page.forms[1].field_count, 0);
    arena_done(&arena);
}

/* ---- accounts ---- */

static void accounts_without_share_buttons(void **state)
{
    (void)state;
    struct page page = read_page(
        "<a href='https://www.facebook.com/ClockShop/'>f</a><a href='http://m.facebook.com/clockshop?ref=x'>f</a><a "
        "href='https://m.me/clockshop'>f</a>"
        "<a href='https://www.facebook.com/sharer.php?u=x'>s</a><a href='https://www.facebook.com/'>s</a>"
        "<a href='https://www.facebook.com/profile.php?id=100012345'>p</a><a href='https://www.facebook.com/pages/Clock/987654321'>p</a>"
        "<a href='https://twitter.com/#!/clocks'>t</a><a href='https://x.com/clocks'>t</a><a href='https://twitter.com/share?url=x'>s</a>"
        "<a href='https://twitter.com/intent/tweet?text=x'>s</a><a href='https://twitter.com/clocks/status/1'>post</a>"
        "<a href='https://www.linkedin.com/company/clock-shop/about/'>l</a><a href='https://www.instagram.com/p/abc/'>post</a>"
        "<a href='https://line.me/R/ti/p/@clock'>line</a><a href='https://mastodon.social/@clocks'>m</a><a rel=me "
        "href='https://own.example/@clocks'>m</a>"
        "<a href='https://support.twitter.com/articles'>h</a><a href='https://developers.facebook.com/docs'>d</a>"
        "<a href='https://wa.me/15551234567'>w</a><a href='https://t.me/share/url?url=x'>s</a><a href='https://www.youtube.com/watch?v=1'>v</a>");
    static const char *const wanted[] = {"facebook ClockShop",
                                         "facebook 100012345",
                                         "facebook 987654321",
                                         "x clocks",
                                         "linkedin clock-shop",
                                         "line clock",
                                         "mastodon clocks@mastodon.social",
                                         "mastodon clocks@own.example",
                                         "whatsapp 15551234567"};
    for (size_t i = 0; i < page.account_count && i < sizeof wanted / sizeof wanted[0]; i++) {
        char text[200];
        (void)snprintf(text, sizeof text, "%.*s %.*s", (int)page.accounts[i].network.len, (const char *)page.accounts[i].network.at,
                       (int)page.accounts[i].handle.len, (const char *)page.accounts[i].handle.at);
        assert_string_equal(text, wanted[i]);
    }
    assert_int_equal(page.account_count, sizeof wanted / sizeof wanted[0]);
    arena_done(&arena);
}

static void accounts_in_other_spellings(void **state)
{
    (void)state;
    static const struct {
        const char *url, *handle;
    } cases[] = {{"https://www.facebook.com/clocks/photos/", "clocks"},
                 {"https://www.facebook.com/clocks/photos/12345", NULL},
                 {"https://instagram.com/_u/clocks", "clocks"},
                 {"https://instagr.am/clocks", "clocks"},
                 {"http://twitter.com/clocks%20", "clocks"},
                 {"https://line.naver.jp/ti/p/@clocks", "clocks"},
                 {"https://mstdn.example/users/clocks", "clocks@mstdn.example"},
                 {"https://mastodon.example/web/@clocks", "clocks@mastodon.example"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char html[200];
        (void)snprintf(html, sizeof html, "<a href='%s'>follow</a>", cases[i].url);
        struct page page = read_page(html);
        bool good = cases[i].handle == NULL ? page.account_count == 0 : page.account_count == 1 && span_is(page.accounts[0].handle, cases[i].handle);
        if (!good)
            fail_msg("%s: %zu accounts, %.*s", cases[i].url, page.account_count, page.account_count > 0 ? (int)page.accounts[0].handle.len : 0,
                     page.account_count > 0 ? (const char *)page.accounts[0].handle.at : "");
        arena_done(&arena);
    }
}

/* ---- links ---- */

static void links_by_words_and_segments(void **state)
{
    (void)state;
    static const struct {
        const char *html;
        bool contact;
    } cases[] = {{"<a href=/c>Зв’язатися з нами</a>", true},
                 {"<a href=/c>Stuur ons een bericht</a>", true},
                 {"<a href=/br/fale-conosco>x</a>", true},
                 {"<a href=/fi/ota_yhteytta/>x</a>", true},
                 {"<a href=/lien-he>x</a>", true},
                 {"<a href=/cgi/postmail/>x</a>", true},
                 {"<a href=/feedback.php>x</a>", true},
                 {"<a href=/c>Contact lenses</a>", false},
                 {"<a href=/c>Kontaktlinsen</a>", false},
                 {"<a href=/c>コンタクトレンズ</a>", false},
                 {"<a href=/c>Contactless payment</a>", false},
                 {"<a href=/a-clock>x</a>", false}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct page page = read_page(cases[i].html);
        if ((page.link_count == 1) != cases[i].contact)
            fail_msg("%s: %zu links", cases[i].html, page.link_count);
        arena_done(&arena);
    }
}

static void links_to_contact_pages(void **state)
{
    (void)state;
    struct page page = read_page(
        "<base href='http://www.clocks.example/de/'><a href=about>About us</a><a href='kontakt.php#form'>Schreiben</a><a href='/c'>Contact</a>"
        "<a href='#contact'>Contact</a><a href='mailto:a@example.com'>Contact</a><a href='/i'><img src=x alt='お問い合わせ'></a>"
        "<button onclick=\"location.href='/b'\">Contact form</button><a href=/x>Clocks</a><iframe src=/frame></iframe>");
    static const char *const wanted[] = {"http://www.clocks.example/c",        "http://www.clocks.example/b",
                                         "http://www.clocks.example/i",        "http://www.clocks.example/de/kontakt.php",
                                         "http://www.clocks.example/de/about", "http://www.clocks.example/frame"};
    assert_int_equal(page.link_count, sizeof wanted / sizeof wanted[0]);
    for (size_t i = 0; i < page.link_count; i++) {
        if (!span_is(page.links[i].url, wanted[i]))
            fail_msg("link %zu: %.*s, expected %s", i, (int)page.links[i].url.len, (const char *)page.links[i].url.at, wanted[i]);
    }
    assert_true(span_is(page.links[0].reason, "contact"));
    arena_done(&arena);
    page = read_page("<meta http-equiv=refresh content='0; url=&quot;/en/index.html&quot;'>");
    assert_int_equal(page.link_count, 1);
    assert_true(span_is(page.links[0].url, "http://www.clocks.example/en/index.html") && span_is(page.links[0].reason, "refresh"));
    arena_done(&arena);
}

static void urls_are_joined(void **state)
{
    (void)state;
    static const struct {
        const char *reference, *url;
    } cases[] = {{"a", "http://h.example/d/a"},
                 {"/a?b#c", "http://h.example/a?b"},
                 {"../../a", "http://h.example/a"},
                 {"//o.example/x", "http://o.example/x"},
                 {"?q", "http://h.example/d/e?q"},
                 {"", "http://h.example/d/e?f"},
                 {" a\tb\n", "http://h.example/d/ab"},
                 {"\\a\\b", "http://h.example/a/b"},
                 {"https://o.example", "https://o.example/"},
                 {"a b", "http://h.example/d/a%20b"},
                 {"javascript:x", NULL},
                 {"ftp://h.example/", NULL},
                 {"mailto:a@b", NULL},
                 {"http://", NULL}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct span url = {0};
        arena_init(&arena, 1024 * 1024);
        int r = url_join(&arena, span_text("http://h.example/d/e?f#g"), span_text(cases[i].reference), &url);
        if (r != (cases[i].url != NULL ? 0 : -ERR_MALFORMED) || (r == 0 && !span_is(url, cases[i].url)))
            fail_msg("%s: %d %.*s", cases[i].reference, r, (int)url.len, url.len > 0 ? (const char *)url.at : "");
        arena_done(&arena);
    }
}

/* ---- character sets ---- */

/* Nobody says the set: the top-level domain hints at it. */
static void character_sets_by_domain(void **state)
{
    (void)state;
    static const char *const urls[][2] = {
        {"http://www.clocks.sa/", "WINDOWS-1256"}, {"http://www.clocks.com.ar/", "WINDOWS-1252"}, {"http://www.clocks.example/", "WINDOWS-1252"}};
    for (size_t i = 0; i < sizeof urls / sizeof urls[0]; i++) {
        struct page page = {0};
        arena_init(&arena, 64 * 1024 * 1024);
        assert_int_equal(page_read(book, &arena, span_text(urls[i][0]), span_text(""), span_text("<p>Atenci\xf3n</p>"), &page), 0);
        assert_true(span_is(page.charset, urls[i][1]));
        arena_done(&arena);
    }
}

static void character_sets(void **state)
{
    (void)state;
    static const struct {
        const char *type, *bytes, *charset, *title;
    } cases[] = {
        {"text/html; charset=EUC-KR", "<title>\xb9\xae\xc0\xc7</title>", "EUC-KR", "문의"},
        {"", "<meta charset=shift_jis><title>\x96\xe2\x82\xa2\x8d\x87\x82\xed\x82\xb9</title>", "SHIFT_JIS", "問い合わせ"},
        {"", "<meta http-equiv=content-type content='text/html; charset=iso-2022-jp'><title>\x1b$BLd$$9g$o$;\x1b(B</title>", "ISO-2022-JP",
         "問い合わせ"},
        {"", "\xef\xbb\xbf<title>\xc3\xa9</title>", "UTF-8", "é"},
        {"", "<title>\xc3\xa9</title>", "UTF-8", "é"},
        {"text/html; charset=iso-8859-1", "<title>\x93\xe9\x94</title>", "WINDOWS-1252", "“é”"},
        {"", "<meta charset=windows-1250><title>Přihlášení uživatele</title>žluťoučký kůň", "UTF-8", "Přihlášení uživatele"},
        {"text/html; charset=utf-8",
         "<title>a\xff"
         "b\xe4\xb8</title>",
         "UTF-8",
         "a\xef\xbf\xbd"
         "b\xef\xbf\xbd"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct page page = read_bytes(cases[i].type, span_text(cases[i].bytes));
        if (!span_is(page.charset, cases[i].charset) || !span_is(page.title, cases[i].title))
            fail_msg("%zu: %.*s, %.*s", i, (int)page.charset.len, (const char *)page.charset.at, (int)page.title.len, (const char *)page.title.at);
        arena_done(&arena);
    }
}

/* ---- whole pages ---- */

static void sixteen_bits_that_nobody_declared(void **state)
{
    (void)state;
    static const char text[] = "<p>E-Mail: info@example.com</p>";
    for (unsigned big = 0; big < 2; big++) {
        uint8_t bytes[2 * sizeof text] = {0};
        for (size_t i = 0; i + 1 < sizeof text; i++)
            bytes[2 * i + big] = (uint8_t)text[i];
        struct page page = read_bytes("text/html", span_of(bytes, 2 * (sizeof text - 1)));
        assert_int_equal(page.address_count, 1);
        assert_true(span_is(page.addresses[0].mail, "info@example.com"));
        arena_done(&arena);
    }
}

/* The server says Latin-1 of all it has: the page's own word is taken where it is whole in it, and only there. */
static void latin_1_over_a_page_of_two_bytes(void **state)
{
    (void)state;
    struct page page =
        read_bytes("text/html; charset=iso-8859-1", span_text("<meta charset=Shift_JIS><p>\x83\x81\x81\x5b\x83\x8b\x83\x81\x81\x5b\x83\x8b"
                                                              "\x83\x81\x83\x8b\x83\x81\x83\x8b\x83\x81: info\x81\x97"
                                                              "example.com</p>"));
    assert_int_equal(page.address_count, 1);
    assert_true(span_is(page.charset, "SHIFT_JIS") || span_is(page.charset, "Shift_JIS"));
    arena_done(&arena);
    page = read_bytes("text/html; charset=iso-8859-1", span_text("<meta charset=Shift_JIS><p>caf\xe9 cr\xe8me \xe0 la carte: info@example.com</p>"));
    assert_true(span_starts(page.charset, "WINDOWS") || span_starts(page.charset, "windows"));
    arena_done(&arena);
}

static void pages_that_need_scripts_and_device_pages(void **state)
{
    (void)state;
    struct page page = read_page(
        "<title>App</title><div id=root></div><noscript>You need to enable JavaScript to run this app.</noscript><script src=a.js></script>");
    assert_true(page.needs_scripts);
    arena_done(&arena);
    page = read_page("<title>RouterOS router configuration page</title><form><input name=user><input type=password></form>");
    assert_true(!page.needs_scripts && span_is(page.maker, "MikroTik"));
    arena_done(&arena);
    page = read_page("<title>Clocks</title><p>We repair clocks since a long time, in the middle of the old town; come and see.</p>");
    assert_true(!page.needs_scripts && page.maker.len == 0);
    arena_done(&arena);
}

static double seconds(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Twice the bytes must not take four times as long; sanitizers make all of it slow, so the bound is wide. */
static void hostile_pages_are_bounded(void **state)
{
    (void)state;
    static const char *const units[] = {"<div>",
                                        "<b><i>",
                                        "<form>",
                                        "<a b c d ",
                                        "<a href='mailto:",
                                        "@",
                                        "a@",
                                        "a@b.",
                                        "a@example.com ",
                                        " at ",
                                        "[at]",
                                        "(((",
                                        "((at))",
                                        "<input>",
                                        "<table><tr><td>",
                                        "&#64;",
                                        "&amp",
                                        "<script>",
                                        "<!--",
                                        "<style>.a{display:none}",
                                        "\xef\xbc\xa0",
                                        "a[at]b[dot]",
                                        "<a href='https://facebook.com/x",
                                        "<a href=/contact>contact</a>",
                                        "<span style='display:none'>",
                                        "<bdo dir=rtl>x",
                                        "★",
                                        "x★y ",
                                        "-at-",
                                        "{\"a\":[",
                                        "<select><option>",
                                        "<label for=a>",
                                        "\xe2\x80\xae",
                                        " . ",
                                        "<x y='"};
    enum { SIZE = 1024 * 1024 };
    uint8_t *bytes = malloc(SIZE);
    assert_non_null(bytes);
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        size_t len = strlen(units[i]);
        for (size_t at = 0; at < SIZE; at++)
            bytes[at] = (uint8_t)units[i][at % len];
        double start = seconds();
        (void)read_bytes("text/html; charset=utf-8", span_of(bytes, SIZE));
        arena_done(&arena);
        double took = seconds() - start;
        if (took > 6)
            fail_msg("%s: %.1f s for 1 MiB", units[i], took);
        if (getenv("NOROSHI_SHOW_TIMES") != NULL)
            print_message("%-30s %.3f s\n", units[i], took);
    }
    free(bytes);
}

static void a_page_that_is_too_large_is_cut(void **state)
{
    (void)state;
    size_t size = EXTRACT_PAGE_MAX + 100;
    uint8_t *bytes = malloc(size);
    assert_non_null(bytes);
    memset(bytes, 'x', size);
    memcpy(bytes, "<p>a@example.com</p>", 20);
    memcpy(bytes + size - 20, "<p>b@example.com</p>", 20);
    struct page page = read_bytes("", span_of(bytes, size));
    assert_true(page.cut);
    assert_int_equal(page.address_count, 1);
    arena_done(&arena);
    free(bytes);
}

static void nul_and_bidi_bytes_do_no_harm(void **state)
{
    (void)state;
    static const char bytes[] = "<p>in\0fo@exam\xe2\x80\xaeple.com</p><title>a\0b</title>";
    struct page page = read_bytes("text/html; charset=utf-8", span_of(bytes, sizeof bytes - 1));
    assert_int_equal(page.address_count, 1);
    assert_true(span_is(page.addresses[0].mail, "info@example.com"));
    assert_true(span_is(page.title, "ab"));
    arena_done(&arena);
    page = read_bytes("", span_text(""));
    assert_int_equal(page.address_count + page.form_count + page.link_count, 0);
    arena_done(&arena);
    page = read_bytes("text/plain", span_text("Contact: info@example.com\n"));
    assert_int_equal(page.address_count, 1);
    arena_done(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses_in_every_spelling),
        cmocka_unit_test(several_addresses),
        cmocka_unit_test(what_only_looks_like_an_address),
        cmocka_unit_test(how_it_was_written_is_kept),
        cmocka_unit_test(forms_by_what_they_ask),
        cmocka_unit_test(forms_that_are_no_letters),
        cmocka_unit_test(fields_of_a_form),
        cmocka_unit_test(accounts_without_share_buttons),
        cmocka_unit_test(accounts_in_other_spellings),
        cmocka_unit_test(links_to_contact_pages),
        cmocka_unit_test(links_by_words_and_segments),
        cmocka_unit_test(urls_are_joined),
        cmocka_unit_test(character_sets),
        cmocka_unit_test(character_sets_by_domain),
        cmocka_unit_test(sixteen_bits_that_nobody_declared),
        cmocka_unit_test(latin_1_over_a_page_of_two_bytes),
        cmocka_unit_test(pages_that_need_scripts_and_device_pages),
        cmocka_unit_test(hostile_pages_are_bounded),
        cmocka_unit_test(a_page_that_is_too_large_is_cut),
        cmocka_unit_test(nul_and_bidi_bytes_do_no_harm),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
