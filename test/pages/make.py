#!/usr/bin/python3
"""The page set of test/bench/extract.py: pages in many languages and character sets, whose addresses stand there in every spelling that people use against
collectors, between things that only look like addresses. Writes pages/*.html and truth.json beside itself; the same each time.

All names are invented; domains are those of RFC 2606 and below.
"""
import base64
import json
import pathlib
import random

HERE = pathlib.Path(__file__).resolve().parent

# language, character sets, words: contact, "write to us", sales, technical matters, abuse, name, message, send, search, a sentence, words for "at" and "dot"
LANGUAGES = {
    "en": (["utf-8", "windows-1252", "iso-8859-1"], "Contact us|Write to us at|Sales|Technical questions|To report abuse|Your name|Message|Send|Search|Our workshop "
           "has repaired clocks since 1962. Visit us at clocks.example or call between nine and five.", "at", "dot"),
    "de": (["utf-8", "iso-8859-15", "windows-1252"], "Kontakt|Schreiben Sie uns|Verkauf|Technische Fragen|Missbrauch melden|Ihr Name|Nachricht|Absenden|Suche|Unsere "
           "Bäckerei öffnet täglich um sechs Uhr. Für größere Bestellungen rufen Sie bitte an.", "ät", "punkt"),
    "fr": (["utf-8", "iso-8859-15", "windows-1252"], "Contactez-nous|Écrivez-nous à|Ventes|Questions techniques|Signaler un abus|Votre nom|Message|Envoyer|Rechercher|Notre "
           "librairie vous accueille du mardi au samedi, près du théâtre.", "arobase", "point"),
    "es": (["utf-8", "iso-8859-1"], "Contacto|Escríbanos a|Ventas|Preguntas técnicas|Denunciar abuso|Su nombre|Mensaje|Enviar|Buscar|Nuestro taller está en la plaza "
           "mayor desde hace años.", "arroba", "punto"),
    "pt": (["utf-8", "iso-8859-1"], "Fale conosco|Escreva para|Vendas|Questões técnicas|Denunciar abuso|Seu nome|Mensagem|Enviar|Pesquisar|A nossa padaria abre às seis da "
           "manhã, todos os dias.", "arroba", "ponto"),
    "it": (["utf-8", "windows-1252"], "Contatti|Scriveteci a|Vendite|Domande tecniche|Segnalare abusi|Il suo nome|Messaggio|Invia|Cerca|La nostra officina è aperta dal "
           "lunedì al venerdì.", "chiocciola", "punto"),
    "nl": (["utf-8", "iso-8859-1"], "Contact|Schrijf ons|Verkoop|Technische vragen|Misbruik melden|Uw naam|Bericht|Versturen|Zoeken|Onze fietsenmaker zit al dertig jaar aan "
           "de gracht.", "apenstaartje", "punt"),
    "pl": (["utf-8", "iso-8859-2", "windows-1250"], "Kontakt|Napisz do nas|Sprzedaż|Pytania techniczne|Zgłoś nadużycie|Imię i nazwisko|Wiadomość|Wyślij|Szukaj|Nasza "
           "księgarnia mieści się przy rynku głównym.", "małpa", "kropka"),
    "cs": (["utf-8", "windows-1250", "iso-8859-2"], "Kontakt|Napište nám|Prodej|Technické dotazy|Hlášení zneužití|Jméno|Zpráva|Odeslat|Hledat|Naše hodinářství sídlí na "
           "náměstí už padesát let.", "zavináč", "tečka"),
    "hu": (["utf-8", "iso-8859-2"], "Kapcsolat|Írjon nekünk|Értékesítés|Műszaki kérdések|Visszaélés bejelentése|Az Ön neve|Üzenet|Küldés|Keresés|Műhelyünk a főtéren "
           "található.", "kukac", "pont"),
    "ru": (["utf-8", "windows-1251", "koi8-r"], "Контакты|Пишите нам|Отдел продаж|Технические вопросы|Сообщить о нарушении|Ваше имя|Сообщение|Отправить|Поиск|Наша "
           "мастерская чинит часы с 1962 года. Звоните с девяти до пяти.", "собака", "точка"),
    "uk": (["utf-8", "windows-1251"], "Контакти|Пишіть нам|Продаж|Технічні питання|Повідомити про порушення|Ваше ім'я|Повідомлення|Надіслати|Пошук|Наша майстерня "
           "працює щодня, крім неділі.", "равлик", "крапка"),
    "bg": (["windows-1251", "utf-8"], "Контакти|Пишете ни на|Продажби|Технически въпроси|Злоупотреби|Вашето име|Съобщение|Изпрати|Търсене|Нашата работилница е на "
           "главната улица.", "маймунка", "точка"),
    "el": (["iso-8859-7", "utf-8"], "Επικοινωνία|Γράψτε μας στο|Πωλήσεις|Τεχνικές ερωτήσεις|Καταγγελία|Όνομα|Μήνυμα|Αποστολή|Αναζήτηση|Το εργαστήριό μας βρίσκεται "
           "στην πλατεία.", "παπάκι", "τελεία"),
    "tr": (["windows-1254", "utf-8"], "İletişim|Bize yazın|Satış|Teknik sorular|Kötüye kullanım bildirimi|Adınız|Mesaj|Gönder|Ara|Atölyemiz çarşının girişindedir ve her "
           "gün açıktır.", "at", "nokta"),
    "ja": (["utf-8", "shift_jis", "euc-jp", "iso-2022-jp"], "お問い合わせ|メールでのご連絡は|販売部|技術的なご質問|不正利用の通報|お名前|メッセージ|送信|検索|当店は創業以来、時計の修理を行っております。お気軽に"
           "ご相談ください。営業時間は九時から五時までです。", "アットマーク", "ドット"),
    "ko": (["utf-8", "euc-kr"], "문의하기|이메일 문의|판매부|기술 문의|악용 신고|이름|내용|보내기|검색|저희 가게는 오랫동안 시계를 수리해 왔습니다. 편하게 연락해 주십시오.", "골뱅이", "점"),
    "zh-CN": (["utf-8", "gb2312", "gb18030", "gbk"], "联系我们|请写信至|销售部|技术问题|举报滥用|您的姓名|留言内容|提交|搜索|本店修理钟表已有六十年的历史，欢迎来电咨询。营业时间为上午九点至下午五点。", "艾特", "点"),
    "zh-TW": (["big5", "utf-8"], "聯絡我們|請來信至|業務部|技術問題|檢舉濫用|您的姓名|留言內容|送出|搜尋|本店修理鐘錶已有六十年的歷史，歡迎來電洽詢。", "小老鼠", "點"),
    "vi": (["utf-8"], "Liên hệ|Viết cho chúng tôi|Bán hàng|Câu hỏi kỹ thuật|Báo cáo lạm dụng|Họ và tên|Nội dung|Gửi|Tìm kiếm|Cửa hàng của chúng tôi mở cửa mỗi ngày.", "a còng", "chấm"),
    "id": (["utf-8"], "Hubungi kami|Tulis kepada kami|Penjualan|Pertanyaan teknis|Laporkan penyalahgunaan|Nama|Pesan|Kirim|Cari|Toko kami buka setiap hari.", "at", "dot"),
    "ar": (["utf-8", "windows-1256"], "اتصل بنا|راسلنا على|المبيعات|أسئلة تقنية|الإبلاغ عن إساءة|الاسم|الرسالة|إرسال|بحث|ورشتنا مفتوحة كل يوم.", "at", "dot"),
    "he": (["utf-8", "windows-1255"], "צור קשר|כתבו אלינו|מכירות|שאלות טכניות|דיווח על שימוש לרעה|שם|הודעה|שלח|חיפוש|הסדנה שלנו פתוחה בכל יום.", "שטרודל", "נקודה"),
    "th": (["windows-874", "utf-8"], "ติดต่อเรา|เขียนถึงเรา|ฝ่ายขาย|คำถามทางเทคนิค|แจ้งการละเมิด|ชื่อ|ข้อความ|ส่ง|ค้นหา|ร้านของเราเปิดทุกวัน", "at", "dot"),
    "sv": (["iso-8859-1", "utf-8"], "Kontakta oss|Skriv till oss|Försäljning|Tekniska frågor|Anmäl missbruk|Ditt namn|Meddelande|Skicka|Sök|Vår verkstad ligger vid "
           "ån sedan länge.", "snabel-a", "punkt"),
    "fi": (["iso-8859-15", "utf-8"], "Ota yhteyttä|Kirjoita meille|Myynti|Tekniset kysymykset|Ilmoita väärinkäytöstä|Nimesi|Viesti|Lähetä|Haku|Verstaamme on avoinna "
           "päivittäin.", "ät", "piste"),
}

LOCALS = ["info", "contact", "sales", "abuse", "support", "j.smith", "office-2", "hello", "kundenservice", "press_team", "noc", "security", "maria.rossi", "admin", "web.master", "o",
          "team+web", "buero", "soporte", "2024", "shop24"]
DOMAINS = ["clocks.example", "shop.example.com", "example.org", "mail.bakery.example", "example.co.jp", "uhren-mayer.example", "north.example.net", "example.com.br", "a1.example",
           "example.co.uk", "workshop.example.org"]


def cover(mail, key=0x5a):
    return f"{key:02x}" + "".join(f"{byte ^ key:02x}" for byte in mail.encode())


def wide(text):
    return "".join(chr(ord(c) + 0xfee0) if "!" <= c <= "~" else c for c in text)


def dots(domain, dot):
    return domain.replace(".", dot)


def part(mail):
    return mail.split("@")


# Each spelling: (local, domain, the language's word for at and dot) -> HTML. Those of the second table need a character that a set may lack.
SPELLINGS = {
    "plain": lambda l, d, a, o: f"{l}@{d}",
    "plain-end-of-sentence": lambda l, d, a, o: f"{l}@{d}.",
    "angle": lambda l, d, a, o: f"Anna B. &lt;{l}@{d}&gt;",
    "capitals": lambda l, d, a, o: f"{l}@{d}".upper(),
    "mailto": lambda l, d, a, o: f'<a href="mailto:{l}@{d}">e-mail</a>',
    "mailto-subject": lambda l, d, a, o: f'<a href="MAILTO:{l}@{d}?subject=Hello&amp;body=x">e-mail</a>',
    "mailto-escaped": lambda l, d, a, o: f'<a href="mailto:{l.replace("+", "%2B")}%40{d}">e-mail</a>',
    "mailto-name": lambda l, d, a, o: f'<a href="mailto:Anna%20B.%20%3C{l}@{d}%3E">e-mail</a>',
    "mailto-entities": lambda l, d, a, o: '<a href="' + "".join(f"&#{ord(c)};" for c in f"mailto:{l}@{d}") + '">e-mail</a>',
    "entities": lambda l, d, a, o: "".join(f"&#{ord(c)};" for c in f"{l}@{d}"),
    "entities-hex": lambda l, d, a, o: "".join(f"&#x{ord(c):x};" for c in f"{l}@{d}"),
    "entity-at": lambda l, d, a, o: f"{l}&#64;{d}",
    "entity-commat": lambda l, d, a, o: f"{l}&commat;{dots(d, '&period;')}",
    "bracket": lambda l, d, a, o: f"{l}[at]{d}",
    "bracket-blanks": lambda l, d, a, o: f"{l} [at] {dots(d, ' [dot] ')}",
    "parenthesis": lambda l, d, a, o: f"{l}(at){d}",
    "parenthesis-both": lambda l, d, a, o: f"{l} (at) {dots(d, ' (dot) ')}",
    "parenthesis-inner-blanks": lambda l, d, a, o: f"{l} ( at ) {dots(d, ' ( dot ) ')}",
    "parenthesis-capitals": lambda l, d, a, o: f"{l}(AT){dots(d, '(DOT)')}",
    "brace": lambda l, d, a, o: f"{l}{{at}}{dots(d, '{dot}')}",
    "angle-at": lambda l, d, a, o: f"{l}&lt;at&gt;{dots(d, '&lt;dot&gt;')}",
    "bracket-sign": lambda l, d, a, o: f"{l}[@]{d}",
    "parenthesis-sign": lambda l, d, a, o: f"{l} (@) {d}",
    "parenthesis-a": lambda l, d, a, o: f"{l}(a){d}",
    "blanks": lambda l, d, a, o: f"{l} @ {d}",
    "words": lambda l, d, a, o: f"{l} at {dots(d, ' dot ')}",
    "words-capitals": lambda l, d, a, o: f"{l} AT {dots(d, ' DOT ')}",
    "underscores": lambda l, d, a, o: f"{l}_at_{dots(d, '_dot_')}",
    "dashes": lambda l, d, a, o: f"{l}-at-{dots(d, '-dot-')}",
    "sign-words": lambda l, d, a, o: f"{l}@{dots(d, '[dot]')}",
    "dot-in-brackets": lambda l, d, a, o: f"{l}@{dots(d, '[.]')}",
    "own-word": lambda l, d, a, o: f"{l} [{a}] {d}",
    "own-words": lambda l, d, a, o: f"{l} ({a}) {dots(d, f' ({o}) ')}",
    "cloudflare": lambda l, d, a, o: f'<a href="/cdn-cgi/l/email-protection" class="__cf_email__" data-cfemail="{cover(f"{l}@{d}")}">[email&#160;protected]</a>',
    "cloudflare-link": lambda l, d, a, o: f'<a href="/cdn-cgi/l/email-protection#{cover(f"{l}@{d}", 0x31)}"><span>e-mail</span></a>',
    "trap-invalid": lambda l, d, a, o: f"{l}@{d}.invalid",
    "trap-nospam-domain": lambda l, d, a, o: f"{l}@nospam.{d}",
    "trap-nospam-capitals": lambda l, d, a, o: f"{l}@NOSPAM{d}",
    "trap-nospam-local": lambda l, d, a, o: f"{l}NOSPAM@{d}",
    "trap-remove": lambda l, d, a, o: f"{l}@REMOVE-THIS.{d}",
    "trap-hidden": lambda l, d, a, o: f'{l}<span style="display:none">null</span>@{d}',
    "trap-hidden-class": lambda l, d, a, o: f'{l}@<b class="hp">spam.</b>{d}',
    "in-pieces": lambda l, d, a, o: f"<b>{l}</b><span>@</span><i>{d}</i>",
    "comments": lambda l, d, a, o: f"{l}<!-- no -->@<!-- spam -->{d}",
    "backwards": lambda l, d, a, o: f'<span style="unicode-bidi:bidi-override; direction: rtl">{f"{l}@{d}"[::-1]}</span>',
    "image-for-sign": lambda l, d, a, o: f'{l}<img src="at.gif" alt="@">{d}',
    "json-ld": lambda l, d, a, o: '<script type="application/ld+json">' + json.dumps({"@context": "https://schema.org", "@type": "Organization", "contactPoint": [
        {"@type": "ContactPoint", "email": f"{l}@{d}"}]}) + "</script>",
    "json-ld-mailto": lambda l, d, a, o: '<script type="application/ld+json">' + json.dumps({"@type": "LocalBusiness", "email": f"mailto:{l}@{d}"}) + "</script>",
    "microdata": lambda l, d, a, o: f'<meta itemprop="email" content="{l}@{d}">',
    "data-attribute": lambda l, d, a, o: f'<span data-email="{l}@{d}">e-mail</span>',
    "data-parts": lambda l, d, a, o: f'<span class="m" data-user="{l}" data-domain="{d}"></span>',
    "data-base64": lambda l, d, a, o: f'<span data-mail="{base64.b64encode(f"{l}@{d}".encode()).decode()}">e-mail</span>',
    "title": lambda l, d, a, o: f'<a href="/form" title="{l}@{d}">e-mail</a>',
    "image-text": lambda l, d, a, o: f'<img src="mail.png" alt="{l}@{d}">',
    "form-value": lambda l, d, a, o: f'<input type="hidden" name="recipient" value="{l}@{d}">',
    "no-scheme": lambda l, d, a, o: f'<a href="{l}@{d}">e-mail</a>',
    "wbr": lambda l, d, a, o: f"{l}<wbr>@<wbr>{d}",
    "noscript": lambda l, d, a, o: f"<noscript>{l} (at) {d}</noscript>",
    "glued-to-label": lambda l, d, a, o: f"<span>Mail</span><span>{l}@{d}</span><span>24 h</span>",
    "beside-a-link": lambda l, d, a, o: f'E-mail<a href="/form">{l}(at){d}</a>Form',
    "mailto-blanks": lambda l, d, a, o: f'<a href=" mailto: {l}@{d} ">e-mail</a>',
    "mailto-form": lambda l, d, a, o: f'<form action="mailto:{l}@{d}" method="post"><textarea name="t"></textarea></form>',
    "image-for-word": lambda l, d, a, o: f'{l}<img src="at.gif" alt="at">{d}',
    "dashes-blanks": lambda l, d, a, o: f"{l} -at- {dots(d, ' -dot- ')}",
    "dashes-around-sign": lambda l, d, a, o: f"{l}-@-{d}",
    "bracket-a-blanks": lambda l, d, a, o: f"{l} [a] {d}",
    "trap-in-label": lambda l, d, a, o: f"{l}@{d.rsplit('.', 1)[0]}NOSPAM.{d.rsplit('.', 1)[1]}",
    "trap-underscores": lambda l, d, a, o: f"{l}_NO_SPAM_@{d}",
    "option": lambda l, d, a, o: f"<select><option>{l}@{d}</option></select>",
}
BEYOND_ASCII = {
    "full-width-sign": lambda l, d, a, o: f"{l}＠{d}",
    "full-width": lambda l, d, a, o: wide(f"{l}@{d}"),
    "full-width-brackets": lambda l, d, a, o: f"{l}［at］{d}",
    "full-width-parenthesis": lambda l, d, a, o: f"{l}（at）{d}",
    "star": lambda l, d, a, o: f"{l}★{d}（★を@に変えてください）",
    "joined-to-text": lambda l, d, a, o: f"メール：{l}@{d}まで",
    "at-mark-in-brackets": lambda l, d, a, o: f"{l}(@マーク){d}",
    "square": lambda l, d, a, o: f"{l}■{d} ※■を＠に変えて送信してください。",
    "at-mark": lambda l, d, a, o: f"{l}アットマーク{d}",
}
SOFT = {"soft-hyphen": lambda l, d, a, o: f"{l}@&shy;{d}", "zero-width": lambda l, d, a, o: f"{l}&#8203;@&#8203;{d}"}
OF_KOREA = {"golbaengi": lambda l, d, a, o: f"{l}골뱅이{d}", "joined-to-korean": lambda l, d, a, o: f"메일은 {l}@{d}로 보내 주십시오"}
OF_CHINA = {"hash": lambda l, d, a, o: f"{l}#{d}（请将#换成@）", "joined-to-chinese": lambda l, d, a, o: f"邮箱：{l}@{d}，谢谢", "full-width-sign-zh": lambda l, d, a, o: f"信箱：{l}＠{d}。"}

# What only looks like an address.
NOISE = [
    '<img src="/img/logo@2x.png" alt="logo">', '<img srcset="/a@1x.jpg 1x, /a@2x.jpg 2x" src="/a.jpg">',
    "<script>var m = 'webmaster' + '@' + 'script-only.example'; send('hidden@script-only.example');</script>",
    "<style>.x{background:url(icon@3x.png)} /* style@script-only.example */</style>", "<!-- old: comment@script-only.example -->",
    '<a href="https://social.example/@clockmaker">@clockmaker</a>', "@clockmaker@social.example", '<script src="https://cdn.example/npm/widget@5.1.3/dist/w.min.js"></script>',
    '<a href="https://user:secret@files.example/x">files</a>', "git@code.example:clocks/site.git is read over ssh://git@code.example/x", '<input type="email" name="e" placeholder="you@company.example">',
    "Meet us at clocks.example on Monday.", "2 kg @ 3.50 each", "sprite@2x.webp", '<a href="https://maps.example/@35.68,139.76,15z">map</a>', '<div style="background:url(bg@2x.jpg)"></div>',
    "<template><p>template@script-only.example</p></template>", '<button onclick="mail(\'click@script-only.example\')">x</button>', "C# and .NET @ work", "look at the dot com boom",
    '<a href="https://twitter.com/intent/tweet?text=a@b">share</a>', "<pre>root@www.example:~# ls</pre>", "Where: lunch at cafe.example", "In-Reply-To: &lt;CAF+1=x@mail.example&gt;",
    "$object@property.example", "Livraison chez librairie.example", '<a href="https://support.twitter.com/articles/1">help</a>',
]

FORMS = {
    "contact": '<form action="/send" method="post"><label>{name}<input name="name"></label><label>E-mail<input name="email"></label><textarea name="message"></textarea>'
               '<button>{send}</button></form>',
    "search": '<form action="/search"><input name="q"><input type="submit" value="{search}"></form>',
    "login": '<form action="/login" method="post"><input name="user"><input type="password" name="pass"><input type="submit" value="Login"></form>',
    "": "",
}


CODECS = {"windows-874": "cp874"}  # by Python's name
# As browsers take the older names.
DECIDED = {"iso-8859-1": "windows-1252", "gb2312": "gbk"}


def can(text, charset):
    try:
        text.encode(CODECS.get(charset, charset))
        return True
    except UnicodeEncodeError:
        return False


def page(language, charset, words, entries, noise, form, declare):
    contact, write, sales, technical, abuse, name, message, send, search, sentence = words
    labels = [write, sales, technical, abuse]
    meta = {"meta": f'<meta charset="{charset}">', "http-equiv": f'<meta http-equiv="Content-Type" content="text/html; charset={charset}">'}.get(declare, "")
    lines = [f'<!DOCTYPE html>\n<html lang="{language}"><head>{meta}<title>{contact}</title><style>.hp {{ display: none }}</style></head><body>',
             f"<h1>{contact}</h1>", f"<p>{sentence}</p>"]
    for i, html in enumerate(entries):
        lines.append([f"<p>{labels[i % 4]}: {html}</p>", f"<table><tr><td>{labels[i % 4]}</td><td>{html}</td></tr></table>", f"<ul><li>{labels[i % 4]}: {html}</li></ul>",
                      f"<div>{labels[i % 4]}<br>{html}<br></div>"][i % 4])
        lines.append(noise[i])
    lines.append(FORMS[form].format(name=name, send=send, search=search, message=message))
    lines.append(f"<p>{sentence}</p></body></html>\n")
    return "\n".join(lines)


def usable(language, charset, at, dot):
    table = dict(SPELLINGS)
    if not can(at + dot, charset) or at == "at":
        table.pop("own-word")
        table.pop("own-words")
    if language == "ja":
        table.update(BEYOND_ASCII)
    if language == "ko":
        table.update(OF_KOREA, **{"full-width-sign": BEYOND_ASCII["full-width-sign"]})
    if language.startswith("zh"):
        table.update({"full-width": BEYOND_ASCII["full-width"]})
    if language == "zh-CN":
        table.update(OF_CHINA)
    table.update(SOFT)
    return table


def main():
    dice = random.Random(20260815)
    folder = HERE / "html"
    folder.mkdir(exist_ok=True)
    for old in folder.iterdir():
        old.unlink()
    truth, turn = [], {}
    for round_ in range(6):
        for language, (charsets, text, at, dot) in LANGUAGES.items():
            charset = charsets[round_ % len(charsets)]
            words = text.split("|")
            table = usable(language, charset, at, dot)
            names = sorted(table, key=lambda name: (turn.get(name, 0), dice.random()))[:4]
            addresses, entries = {}, []
            for name in names:
                turn[name] = turn.get(name, 0) + 1
                mail = f"{dice.choice(LOCALS)}@{dice.choice(DOMAINS)}"
                while mail in addresses or (mail.split("@")[0] in ("o", "2024") and name in ("words", "words-capitals")):
                    mail = f"{dice.choice(LOCALS)}@{dice.choice(DOMAINS)}"
                addresses[mail] = name
                entries.append(table[name](*part(mail), at, dot))
            noise = [one if can(one, charset) else "" for one in dice.sample(NOISE, 4)]
            declare = ["meta", "http-equiv", "type", "none", "meta", "type"][round_] if charset not in ("windows-874", "windows-1256", "windows-1255", "iso-8859-7") else "meta"
            html = page(language, charset, words, entries, noise, dice.choice(list(FORMS)), declare)
            name = f"{language.lower()}-{round_ + 1}.html"
            (folder / name).write_bytes(html.encode(CODECS.get(charset, charset), "xmlcharrefreplace"))
            entry = {"file": f"html/{name}", "url": f"http://www.{language.lower()}.example/contact", "language": language, "charset": charset, "decided": DECIDED.get(charset, charset), "addresses": addresses}
            if declare == "type":
                entry["type"] = f"text/html; charset={charset}"
            truth.append(entry)
    (HERE / "truth.json").write_text(json.dumps(truth, indent=1, ensure_ascii=False) + "\n")
    print(f"{len(truth)} pages, {len(LANGUAGES)} languages, {len({e['charset'] for e in truth})} character sets, {len(turn)} spellings")


if __name__ == "__main__":
    main()
