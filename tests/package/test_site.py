"""The site as it is built: in two languages, complete, without other hosts, and in a browser."""

import functools
import http.server
import importlib
import json
import os
import queue
import re
import shutil
import subprocess
import sys
import threading
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

pytestmark = pytest.mark.slow  # building the site takes 20 s
ROOT = Path(__file__).parents[2]
CHROMIUM = next(
    filter(None, map(shutil.which, ["chromium", "chromium-browser", "google-chrome"])), ""
)
PACKAGES = {
    "optimizers": "optimizers",
    "layers": "layers",
    "ops": "activations_and_ops",
    "losses": "losses",
    "backprop": "backprop_and_gradcheck",
    "gradient_check": "backprop_and_gradcheck",
    "callbacks": "callbacks",
    "monitoring": "monitoring",
    "monitoring.sinks": "monitoring",
    "plotting": "plotting",
}


class Page(HTMLParser):
    """What a page links to, what it loads, and the names that can be linked to in it."""

    def __init__(self, path):
        super().__init__()
        self.links, self.loads, self.names = [], [], set()
        self.alternates = {}
        self.feed(path.read_text("utf-8"))

    def handle_starttag(self, tag, attrs):
        of = dict(attrs)
        self.names |= {of["id"]} if "id" in of else set()
        if tag == "a" and "href" in of:
            self.links.append(of["href"])
            if "hreflang" in of:
                self.alternates[of["hreflang"]] = of["href"]
        elif tag == "link" and of.get("rel") in ("stylesheet", "icon", "preconnect", "preload"):
            self.loads.append(of["href"])
        elif tag in ("script", "img", "iframe", "source") and "src" in of:
            self.loads.append(of["src"])


def build(folder):
    built = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)],
        cwd=ROOT,
        env=os.environ | {"NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert built.returncode == 0, built.stderr[-3000:]
    assert "WARNING" not in built.stderr


@pytest.fixture(scope="module")
def site(once):
    """The folder of the site."""
    folder, _ = once(build)
    return folder


@pytest.fixture(scope="module")
def pages(site):
    return {p.relative_to(site).as_posix(): Page(p) for p in sorted(site.rglob("*.html"))}


def test_every_page_is_there_in_both_languages(pages):
    korean = {name.removeprefix("ko/") for name in pages if name.startswith("ko/")}
    english = {name for name in pages if not name.startswith("ko/")} - {"404.html"}
    assert korean == english
    assert {"index.html", "guides/monitor.html", "api/optimizers.html"} <= english


def test_the_korean_pages_are_in_korean(site):
    for page in (site / "ko").glob("**/*.html"):
        text = page.read_text("utf-8")
        assert '<html lang="ko"' in text
        article = text.split("<article", 1)[1].split("</article>")[0]
        name = page.relative_to(site / "ko").as_posix()
        if name != "architecture.html" and not name.startswith("source/"):
            assert len(re.findall("[가-힣]{2,}", article)) > 10, name


def test_the_switch_leads_to_the_same_page_in_the_other_language(site, pages):
    for name, page in pages.items():
        if name == "404.html":
            continue
        plain = name.removeprefix("ko/")
        found = {k: (site / name).parent.joinpath(v).resolve() for k, v in page.alternates.items()}
        assert found == {"en": site / plain, "ko": site / "ko" / plain}, name


def test_links_lead_somewhere(site, pages):
    lost = []
    for name, page in pages.items():
        for link in page.links + page.loads:
            to = urlsplit(link)
            if to.scheme in ("http", "https", "mailto", "data") or name == "404.html":
                continue
            path = (
                (site / name).parent.joinpath(unquote(to.path)).resolve()
                if to.path
                else site / name
            )
            target = path.relative_to(site.resolve()).as_posix() if path.is_file() else None
            if target is None or (
                to.fragment and target in pages and unquote(to.fragment) not in pages[target].names
            ):
                lost.append((name, link))
    assert lost == []


def test_nothing_is_loaded_from_another_host(site, pages):
    for name, page in pages.items():
        assert [x for x in page.loads if urlsplit(x).netloc] == [], name
    for sheet in site.rglob("*.css"):
        assert not re.search(r"(@import|url\()\s*[\"']?(https?:)?//", sheet.read_text("utf-8")), (
            sheet
        )


@pytest.mark.parametrize("package", PACKAGES)
@pytest.mark.parametrize("language", ["", "ko/"])
def test_every_public_name_is_in_the_reference(package, language, pages):
    module = importlib.import_module(f"keras_course_ext.{package}")
    names = pages[f"{language}api/{PACKAGES[package]}.html"].names
    ends = {name.rpartition(".")[2] for name in names if name.startswith("keras_course_ext.")}
    assert {n for n in module.__all__ if n not in ("sinks", *ends)} == set()


def test_examples_are_shown_as_code(site):
    text = (site / "api/optimizers.html").read_text("utf-8")
    assert "Default(" not in re.sub("<[^>]+>", "", text)
    assert text.count(">Examples:<") >= 30
    assert "<p>Example:" not in text


def test_both_languages_can_be_searched(site):
    index = json.loads((site / "search/search_index.json").read_text("utf-8"))
    assert {"en", "ko"} <= set(index["config"]["lang"])
    at = {entry["location"].split("#")[0] for entry in index["docs"]}
    assert {"guides/monitor.html", "ko/guides/monitor.html", "api/optimizers.html"} <= at
    assert not [location for location in at if "source/" in location]


SEARCHES = {"vanishing": "index.html", "기울기": "ko/index.html", "NesterovMomentum": "index.html"}
# Loads pages as wide as a phone, reports what is wider, and searches.
HARNESS = """<!doctype html><body><script>
const report = {wide: [], hosts: []};
const frame = document.createElement("iframe");
document.body.append(frame);
const load = (url) => new Promise((done) => { frame.onload = done; frame.src = BASE + url; });
const wait = (ms) => new Promise((done) => setTimeout(done, ms));
(async () => {
  frame.style = "width: 400px; height: 900px";
  for (const url of PAGES) {
    await load(url);
    const width = frame.contentDocument.documentElement.scrollWidth;
    if (width > 400) report.wide.push([url, width]);
    for (const entry of frame.contentWindow.performance.getEntriesByType("resource"))
      if (new URL(entry.name).host !== location.host) report.hosts.push(entry.name);
  }
  frame.style = "width: 1280px; height: 900px";
  for (const [query, url] of SEARCHES) {
    await load(url);
    const all = (selector) => [...frame.contentDocument.querySelectorAll(selector)];
    all("#__search")[0].click();
    const input = all(".md-search__input")[0];
    input.value = query;
    for (let i = 0; i < 100 && !all(".md-search-result__link").length; i++) {
      input.dispatchEvent(new frame.contentWindow.KeyboardEvent("keyup", {key: "a"}));
      await wait(100);
    }
    report[query] = all(".md-search-result__link").map((a) => a.getAttribute("href"));
  }
  await fetch(ADDRESS + "/report", {method: "POST", mode: "no-cors", body: JSON.stringify(report)});
})();
</script>"""


class Server(http.server.ThreadingHTTPServer):
    """Serves a folder on this machine, and takes one report."""

    def __init__(self, folder):
        handler = functools.partial(Handler, directory=str(folder))
        super().__init__(("127.0.0.1", 0), handler)
        self.report, self.harness = queue.Queue(), b""


class Handler(http.server.SimpleHTTPRequestHandler):
    def do_GET(self):
        if self.path != "/harness":
            super().do_GET()
            return
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.end_headers()
        self.wfile.write(self.server.harness)

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(204)
        self.end_headers()
        self.server.report.put(json.loads(body))

    def log_message(self, *args):
        pass


def look(site, profile, pages, *, from_disk):
    """Have Chromium load pages, search, and report; from a server, or from the disk."""
    options = ["--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={profile}"]
    # Of the disk every file is an origin of its own; the harness has to see into the pages.
    options += ["--remote-debugging-port=0", "--allow-file-access-from-files"]
    with Server(site) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_address[1]}"
        text = HARNESS
        for name, value in {
            "PAGES": pages,
            "SEARCHES": list(SEARCHES.items()),
            "ADDRESS": address,
            "BASE": site.as_uri() + "/" if from_disk else "/",
        }.items():
            text = text.replace(name, json.dumps(value))
        server.harness = text.encode()
        url = f"{address}/harness"
        if from_disk:
            (profile / "harness.html").write_bytes(server.harness)
            url = (profile / "harness.html").as_uri()
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        with subprocess.Popen([CHROMIUM, *options, url], **quiet) as browser:
            try:
                return server.report.get(timeout=120)
            finally:
                browser.terminate()
                server.shutdown()


@pytest.fixture(scope="module")
def report(site, pages, once):
    """What Chromium says of the Korean pages, whose tables and code are those of the English."""

    def look_from_a_server(profile):
        names = [n for n in pages if n.startswith("ko/") and "source/" not in n]
        return look(site, profile, names, from_disk=False)

    return once(look_from_a_server)[1]


@pytest.fixture(scope="module")
def report_from_disk(site, once):
    def look_from_disk(profile):
        return look(site, profile, [], from_disk=True)

    return once(look_from_disk)[1]


BROWSER = pytest.mark.skipif(not CHROMIUM, reason="there is no Chromium on this machine")


@BROWSER
def test_nothing_is_wider_than_a_phone(report):
    assert report["wide"] == []


@BROWSER
def test_a_browser_asks_no_other_host(report):
    assert report["hosts"] == []


@BROWSER
@pytest.mark.parametrize(
    ("query", "page"),
    [
        ("vanishing", "first_five_minutes.html"),
        ("기울기", "ko/guides/monitor.html"),
        ("NesterovMomentum", "api/optimizers.html"),
    ],
)
def test_search_finds(query, page, report, report_from_disk):
    assert any(page in link for link in report[query])
    assert any(page in link for link in report_from_disk[query])
