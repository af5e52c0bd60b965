#!/usr/bin/python3
"""What is found in web pages, and how fast: contact forms on labelled pages of half of the domains (the weights were made from the other half
and from the forms of test/pages/forms), mail addresses in every spelling on the page set of test/pages, and nothing on business pages that only scripts or file names hold.

Usage: extract.py [--train | --cross | --wrong]; NOROSHI_BUILD names the build folder, NOROSHI_SHARED where data/contact/html lies (labelled pages;
not part of the program). Exit status 1 when under a bar.
"""
import argparse
import hashlib
import html.parser
import json
import os
import pathlib
import re
import subprocess
import sys
import time
import urllib.parse

import bs4
import lxml.etree
import lxml.html

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from extract_model import train as model  # noqa: E402

FORMS_F1 = 0.92
RECALL = 0.98
PRECISION = 0.95
OWN_KINDS = 0.95
CONTACT_MARGIN = 0.4  # a form is one for contact when it is by this more than anything else; by cross-validation, too
OWN_COUNTS = 1  # of a form of ours beside one of the corpus, by cross-validation on the tuning half
PAGES_PER_CPU_SECOND = 1000

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("NOROSHI_BUILD", ROOT / "build"))
HTML = pathlib.Path(os.environ.get("NOROSHI_SHARED", ROOT.parent / "shared")) / "data" / "contact" / "html"
PAGES = ROOT / "test" / "pages"

# Labels of the corpus; X: not labelled, -: to be left out.
LABELS = {"c": "contact", "s": "search", "l": "login", "r": "registration", "p": "recovery", "m": "newsletter", "b": "order", "o": "other", "P": "other",
          "V": "other", "N": "other", "C": "other"}


def extract(pages, features=False):
    """pages: (file, URL, Content-Type, times). Returns {file: what was found} and the times."""
    lines = "".join(f"{file}\t{url}\t{type_}\t{times}\n" for file, url, type_, times in pages)
    command = [str(BUILD / "test" / "bench" / "bench-extract"), str(ROOT / "conf" / "lists" / "contact" / "words")] + (["--features"] if features else [])
    out = subprocess.run(command, input=lines.encode(), check=True, stdout=subprocess.PIPE).stdout.decode().splitlines()
    found = [json.loads(line) for line in out[:-1]]
    return {one["file"]: one for one in found}, json.loads(out[-1])


# ---- forms ----

def held_out(url):
    """Half of the domains, by a hash that stays."""
    host = urllib.parse.urlsplit(url).hostname or ""
    labels = host.split(".")
    take = 3 if len(labels) > 2 and len(labels[-2]) <= 3 and len(labels[-1]) == 2 else 2
    return hashlib.sha256(".".join(labels[-take:]).encode()).digest()[0] % 2 == 1


def labelled_forms():
    """[(held out, features, label, kind taken, page)] of all labelled forms."""
    folder = HTML / "formasaurus"
    index = json.loads((folder / "index.json").read_text())
    found, _ = extract([(folder / name, entry["url"], "", 1) for name, entry in sorted(index.items()) if (folder / name).is_file()], features=True)
    forms, unequal = [], 0
    for name, entry in sorted(index.items()):
        page = found.get(str(folder / name))
        if page is None:
            continue
        unequal += len(page["forms"]) != len(entry["forms"])
        for form, label in zip(page["forms"], entry["forms"]):
            if label in LABELS:
                forms.append((held_out(entry["url"]), form["features"], LABELS[label], form["kind"], name))
        forms += [(held_out(entry["url"]), [], LABELS[label], "none", name) for label in entry["forms"][len(page["forms"]):] if label in LABELS]
    return forms, unequal


def own_forms():
    """[(features, label, kind taken, page)] of the forms of test/pages/forms, whose first line names each form's kind (-: either will do)."""
    pages = sorted((PAGES / "forms").glob("*.html"))
    found, _ = extract([(path, "http://www.site.example/page", "", 1) for path in pages], features=True)
    forms = []
    for path in pages:
        labels = re.match("<!-- forms: (.*) -->", path.read_text()).group(1).split()
        taken = found[str(path)]["forms"]
        if len(labels) != len(taken):
            print(f"            {path.name}: {len(taken)} forms found of {len(labels)}")
        forms += [(form["features"], label, form["kind"], path.name) for label, form in zip(labels, taken) if label != "-"]
    return forms


def group(kind):
    """Contact and comment are one for the weights: they ask the same."""
    return "contact" if kind == "comment" else kind


def own_report(arguments):
    forms = own_forms()
    precision, recall, f1 = model.f1([(group(label) == "contact", group(kind) == "contact") for _, label, kind, _ in forms])
    same = sum(label == kind for _, label, kind, _ in forms)
    print(f"forms       own pages (tuned on): {len(forms)} forms, contact or comment precision {precision:.3f}, recall {recall:.3f}, F1 {f1:.3f}; all kinds right "
          f"{same / len(forms):.3f} (bar {OWN_KINDS})")
    if arguments.wrong:
        for has, label, kind, name in forms:
            if label != kind:
                print(f"own {name} label {label}, taken for {kind}:", " ".join(has))
    return same / len(forms) >= OWN_KINDS


def features():
    return re.findall(r"^FEATURE\((\w+)", (ROOT / "src" / "contact" / "form_features.def").read_text(), re.M)


def cross(forms):
    """Half of the tuning half judged by the other, for choosing how weights are held small."""
    tuning = [form for form in forms if not form[0]]
    own = [(has, group(label), OWN_COUNTS) for has, label, _, _ in own_forms()]
    for penalty in (0.2, 0.5, 1.0, 2.0):
        pairs, right = [], 0
        for fold in range(5):
            inside = [form for form in tuning if hashlib.md5(form[4].split("-")[0].encode()).digest()[0] % 5 != fold]
            outside = [form for form in tuning if form not in inside]
            weights = model.train([(has, label, 1) for _, has, label, _, _ in inside] + own, features(), penalty, 150)
            for _, has, label, _, name in outside:
                kind = model.judge(weights, has)
                right += kind == label
                pairs.append((label == "contact", kind == "contact"))
        print(f"penalty {penalty}: contact or comment F1 {model.f1(pairs)[2]:.3f}, all kinds right {right / len(pairs):.3f}")


def forms_report(arguments):
    forms, unequal = labelled_forms()
    if arguments.cross:
        cross(forms)
    if arguments.train:
        tuning = [(has, label, 1) for out, has, label, _, _ in forms if not out]
        own = [(has, group(label), OWN_COUNTS) for has, label, _, _ in own_forms()]
        weights = model.train(tuning + own, features())
        weights["ALWAYS"][model.KINDS.index("contact")] -= CONTACT_MARGIN
        model.write(weights, ROOT / "src" / "contact" / "form_weights.def",
                    [f"{len(tuning)} labelled forms of Formasaurus' corpus (MIT), of half of its domains,", f"and {len(own)} of our own (test/pages/forms)"])
        tuning += own
        print(f"weights of {len(tuning)} forms written; build again")
        return True
    good = True
    for name, part in (("tuned on", [form for form in forms if not form[0]]), ("held out", [form for form in forms if form[0]])):
        pairs = [(label == "contact", kind in ("contact", "comment")) for _, _, label, kind, _ in part]
        same = sum(label == group(kind) for _, _, label, kind, _ in part)
        precision, recall, f1 = model.f1(pairs)
        print(f"forms       {name}: {len(part)} forms, contact or comment precision {precision:.3f}, recall {recall:.3f}, F1 {f1:.3f}; all kinds right "
              f"{same / len(part):.3f}" + (f" (bar F1 {FORMS_F1})" if name == "held out" else ""))
        good = name == "tuned on" or f1 >= FORMS_F1
    if unequal:
        print(f"            {unequal} pages whose forms are not as many as their labels")
    if arguments.wrong:
        for out, has, label, kind, name in forms:
            if (label == "contact") != (kind in ("contact", "comment")):
                print("held out" if out else "tuned on", name, f"label {label}, taken for {kind}:", " ".join(has))
    return good


# ---- addresses ----

def page_set():
    """[(file, URL, Content-Type, truth)] of test/pages."""
    truth = json.loads((PAGES / "truth.json").read_text())
    return [(PAGES / entry["file"], entry["url"], entry.get("type", ""), entry) for entry in truth]


def addresses_report(arguments):
    pages = page_set()
    found, _ = extract([(file, url, type_, 1) for file, url, type_, _ in pages])
    right = wrong = missed = charsets = 0
    by_spelling = {}
    for file, _, _, entry in pages:
        got = {mail.lower() for mail, _, _ in found[str(file)]["addresses"]}
        want = {mail.lower() for mail in entry["addresses"]}
        right += len(got & want)
        wrong += len(got - want)
        missed += len(want - got)
        charsets += found[str(file)]["charset"].lower() == entry["decided"]
        for mail, spelling in entry["addresses"].items():
            tried, hit = by_spelling.get(spelling, (0, 0))
            by_spelling[spelling] = (tried + 1, hit + (mail.lower() in got))
        if arguments.wrong and got != want:
            print(f"{file.name}: missed {sorted(want - got)}, beyond {sorted(got - want)}")
    recall, precision = right / (right + missed), right / (right + wrong)
    languages = {entry["language"] for *_, entry in pages}
    sets = {entry["charset"] for *_, entry in pages}
    print(f"addresses   {len(pages)} pages, {len(languages)} languages, {len(sets)} character sets (right on {charsets}), {len(by_spelling)} spellings: "
          f"recall {recall:.3f}, precision {precision:.3f} (bars {RECALL}, {PRECISION})")
    for spelling, (tried, hit) in sorted(by_spelling.items()):
        if hit < tried:
            print(f"            {spelling}: {hit} of {tried}")
    return recall >= RECALL and precision >= PRECISION and len(pages) >= 120


class Shown(html.parser.HTMLParser):
    """What is not script, style or comment: text, and attributes but those that name files."""

    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.text, self.inside = [], None

    def handle_starttag(self, tag, attrs):
        if tag in ("script", "style") and dict(attrs).get("type") != "application/ld+json":
            self.inside = tag
        for name, value in attrs:
            if value and (name not in ("src", "srcset", "style") and not name.startswith("on")):
                self.text.append(urllib.parse.unquote(value))
                if name == "data-cfemail" or "email-protection#" in value:
                    code = bytes.fromhex(value.rsplit("#", 1)[-1])
                    self.text.append(bytes(b ^ code[0] for b in code[1:]).decode(errors="replace"))

    def handle_endtag(self, tag):
        if tag == self.inside:
            self.inside = None

    def handle_data(self, data):
        if self.inside is None:
            self.text.append(data)


def webstruct_report(arguments):
    files = sorted(path for path in (HTML / "webstruct").rglob("*") if path.is_file())
    found, _ = extract([(path, "http://business.example/", "", 1) for path in files])
    bad = total = 0
    for path in files:
        shown = Shown()
        shown.feed(path.read_bytes().decode("utf-8", "replace"))
        text = re.sub(r"[^a-z0-9@]+", "", " ".join(shown.text).lower())
        for mail, source, written in found[str(path)]["addresses"]:
            total += 1
            parts = [re.sub(r"[^a-z0-9]+", "", part.lower()) for part in mail.split("@")]
            if not all(part in text for part in parts):
                bad += 1
                print(f"            {path.name}: {mail} ({source}) stands in nothing that is shown")
            elif arguments.wrong:
                print(f"            {path.name}: {mail} ({source}) {written}")
    print(f"webstruct   {len(files)} pages, {total} addresses, {bad} that only scripts or file names hold (bar 0)")
    return bad == 0


# ---- speed ----

def rate_report(name, pages, bar=""):
    best = None
    for _ in range(3):
        _, times = extract(pages)
        best = times if best is None or times["read"] < best["read"] else best
    rates = {key: best["pages"] / best[key] if best[key] else 0 for key in ("read", "myhtml", "gumbo")}
    print(f"speed       {name}: {best['pages']} pages of {best['bytes'] / best['pages'] / 1000:.1f} kB: {rates['read']:,.0f} pages per CPU second"
          f"{bar}; parsing alone: MyHTML {rates['myhtml']:,.0f}, gumbo {rates['gumbo']:,.0f}")
    return rates["read"]


MAIL = re.compile(r"[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+")


def by_lxml(page):
    tree = lxml.html.document_fromstring(page)
    for element in tree.xpath("//script|//style"):
        element.drop_tree()
    return set(MAIL.findall(tree.text_content())) | {href for href in tree.xpath("//a/@href") if href.startswith("mailto:")}, tree.forms


def by_soup(page):
    soup = bs4.BeautifulSoup(page, "lxml")
    for element in soup(["script", "style"]):
        element.decompose()
    return set(MAIL.findall(soup.get_text())) | {a["href"] for a in soup.find_all("a", href=True) if a["href"].startswith("mailto:")}, soup.find_all("form")


def peer_report(name, pages, ours):
    """What a script of a few lines does in the same run: it finds plain addresses, mailto: and the forms, and judges nothing."""
    read = [page.read_bytes() for page in pages]
    for peer, reader, some in (("lxml", by_lxml, read), ("Beautiful Soup over lxml", by_soup, read[::4])):
        begin = time.process_time()
        for page in some:
            try:
                reader(page)
            except (ValueError, lxml.etree.LxmlError):
                pass  # an empty page
        rate = len(some) / (time.process_time() - begin)
        print(f"peer        {name}: {peer}, plain addresses and forms unjudged: {rate:,.0f} pages per CPU second; ours {ours / rate:.1f} times that")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--train", action="store_true", help="make the weights anew from the tuning half")
    parser.add_argument("--cross", action="store_true", help="cross-validate on the tuning half")
    parser.add_argument("--wrong", action="store_true", help="print what was taken wrongly")
    arguments = parser.parse_args()
    subprocess.run(["ninja", "-C", str(BUILD), "test/bench/bench-extract"], check=True, stdout=subprocess.DEVNULL)
    good = True
    if (HTML / "formasaurus").is_dir():
        good = forms_report(arguments) and good
        if arguments.train:
            return 0
        good = webstruct_report(arguments) and good
    else:
        print(f"skipped: {HTML} is not there: forms, business pages")
    good = own_report(arguments) and good
    good = addresses_report(arguments) and good
    rate = rate_report("page set", [(file, url, type_, 20) for file, url, type_, _ in page_set()], f" (bar {PAGES_PER_CPU_SECOND:,})")
    good = rate >= PAGES_PER_CPU_SECOND and good
    peer_report("page set", [file for file, *_ in page_set()], rate)
    if (HTML / "formasaurus").is_dir():
        whole = sorted((HTML / "formasaurus" / "html").iterdir())
        rate = rate_report("whole pages of the forms' corpus", [(path, "http://site.example/", "", 1) for path in whole])
        peer_report("whole pages of the forms' corpus", whole, rate)
    return int(not good)


if __name__ == "__main__":
    sys.exit(main())
