"""The page in a real Chromium: what a person does with mouse, keyboard, phone and screen reader."""

from __future__ import annotations

import importlib.util
import re
import shutil
import time
from pathlib import Path
from urllib.parse import unquote

import pytest
from drawnshop import HARM, HOSTILE_ID, make_store, served

from eclip.products.corrections import latest_corrections
from eclip.products.store import Store

expect = pytest.importorskip("playwright.sync_api", reason="needs playwright (extra dev)").expect

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
LAUNCH = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync", "--disable-dev-shm-usage"),
)
DESKTOP, PHONE = {"width": 1200, "height": 850}, {"width": 360, "height": 740}
VIEWS = ("/?q=red", f"/?product={HOSTILE_ID.replace('?', '%3F')}", "/?view=map", "/?view=review")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="needs a Chromium (Debian: chromium) to look at the page with"),
]


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    return make_store(tmp_path_factory.mktemp("shop"))


@pytest.fixture(scope="module")
def address(store):
    with served(store) as address:
        yield address


@pytest.fixture(scope="module")
def browser():
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=LAUNCH)
        yield browser
        browser.close()


@pytest.fixture
def visit(browser, address):
    """Opens the page; at the end no script may have failed."""
    contexts, faults = [], []

    def visit(path="/", *, viewport=DESKTOP, language="en-US", **options):
        context = browser.new_context(viewport=viewport, locale=language, reduced_motion="reduce", **options)
        context.set_default_timeout(15_000)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda fault: faults.append(str(fault)))
        page.on("console", lambda line: faults.append(line.text) if "Content Security Policy" in line.text else None)
        page.goto(address + path)
        page.wait_for_selector("main > *")
        return page

    yield visit
    for context in contexts:
        context.close()
    assert faults == []


def titles(page):
    page.wait_for_selector(".results .cards:not([aria-busy]) .title")
    return page.locator(".results .title").all_text_contents()


def has_count(page, count):
    expect(page.locator(".status strong")).to_have_text(re.compile(rf"^{count} product"))


def a_title(store, word_count=2):
    """Words of some listing that are plain Latin letters, and its id."""
    for row in Store.open(store).table(["product_id", "title"]).to_pylist():
        words = [word for word in (row["title"] or "").split() if word.isascii() and word.isalpha()]
        if len(words) >= word_count and row["product_id"] != HOSTILE_ID:
            return row["product_id"], " ".join(words[:word_count])
    raise AssertionError("no such title")


def test_search_by_words_and_back(visit, store):
    _, words = a_title(store)
    page = visit()
    assert len(titles(page)) == 24
    page.fill("#query", words)
    page.wait_for_url("**q=*")
    expect(page).to_have_title(f"Search: {words} · eclip")
    found = titles(page)
    assert words.split()[0].lower() in found[0].lower()
    page.click(".results .card .title")
    page.wait_for_selector(".product-head h1")
    assert page.inner_text(".product-head h1") == found[0]
    assert words in page.inner_text(".why")
    assert page.locator(".why mark").count() >= 1
    assert page.locator(".offer").count() >= 1
    page.wait_for_selector(".similar .card .title")
    page.go_back()
    assert titles(page) == found
    page.go_back()
    expect(page.locator("#query")).to_have_value("")


def test_filters_narrow_and_live_in_the_address(visit):
    page = visit()
    titles(page)
    first = page.locator(".tree li a").first
    name, count = first.inner_text().split("\n")
    first.click()
    page.wait_for_url("**category=*")
    has_count(page, count)
    assert page.inner_text(".chips") == name
    brand = page.locator(".choices label").first
    (brand_name, brand_count) = brand.inner_text().split("\n")
    brand.click()
    page.wait_for_url("**brand=*")
    page.reload()
    has_count(page, brand_count)
    assert set(page.locator(".results .brandline").all_text_contents()) == {brand_name}
    page.click(f"button:has-text('{brand_name}')")
    has_count(page, count)
    assert "brand" not in page.url


@pytest.mark.parametrize("way", ["choose", "paste", "drop"])
def test_search_by_picture(visit, store, tmp_path, way):
    opened = Store.open(store)
    row = next(row for row, image in enumerate(opened.images(range(30, 60)), 30) if image)
    wanted = opened.table(["product_id", "catalog_id"]).to_pylist()[row]
    picture = tmp_path / "picture.jpg"
    picture.write_bytes(opened.images([row])[0])
    page = visit()
    titles(page)
    if way == "choose":
        page.set_input_files("#picture", picture)
    else:
        give_picture(page, picture, way)
    expect(page.locator(".status")).to_contain_text("picture")
    page.wait_for_selector("#chosen:not([hidden])")
    best = page.get_attribute(".results .card", "data-id")
    catalogs = {
        each["product_id"]: each["catalog_id"] for each in opened.table(["product_id", "catalog_id"]).to_pylist()
    }
    assert best == wanted["product_id"] or catalogs[best] == wanted["catalog_id"] is not None
    page.click("#remove")
    expect(page.locator(".status")).not_to_contain_text("picture")


def give_picture(page, picture: Path, way: str) -> None:
    page.evaluate(
        """([bytes, way]) => {
          const given = new DataTransfer();
          given.items.add(new File([new Uint8Array(bytes)], "picture.jpg", { type: "image/jpeg" }));
          document.dispatchEvent(way === "paste"
            ? new ClipboardEvent("paste", { clipboardData: given, bubbles: true, cancelable: true })
            : new DragEvent("drop", { dataTransfer: given, bubbles: true, cancelable: true }));
        }""",
        [list(picture.read_bytes()), way],
    )


def test_a_corrected_category_is_kept(visit, store):
    product_id, _ = a_title(store)
    page = visit(f"/?product={product_id}")
    page.click("[data-field=category] .correction button")
    page.fill("[data-field=category] form input", "Garden > Gnomes")
    page.click("[data-field=category] form button[type=submit]")
    expect(page.locator("[data-field=category] .value")).to_have_text("Garden > Gnomes")
    page.reload()
    page.wait_for_selector(".product-head")
    assert page.inner_text("[data-field=category] .value") == "Garden > Gnomes"
    page.goto(page.url.split("?")[0] + "?category=Garden")
    titles(page)
    assert page.inner_text(".status strong") == "1 product"
    assert latest_corrections(Store.open(store).corrections())[product_id]["category"] == "Garden > Gnomes"


def kept(store, count):
    """What the store holds, once so many more corrections of categories have come."""
    for _ in range(100):
        said = latest_corrections(Store.open(store).corrections())
        if sum("category" in each for each in said.values()) >= count:
            return said
        time.sleep(0.1)
    raise AssertionError(f"not {count} corrections")


def test_review_by_keyboard(visit, store):
    before = sum("category" in each for each in kept(store, 0).values())
    page = visit("/?view=review")
    page.wait_for_selector(".doubt")
    first = page.get_attribute(".doubt h2 a", "href")
    answer = page.inner_text(".doubt .answer")
    page.focus(".doubt")
    page.keyboard.press("a")
    expect(page.locator(".doubt h2 a")).not_to_have_attribute("href", first)
    second = page.get_attribute(".doubt h2 a", "href")
    other = page.inner_text(".doubt-choices li:nth-child(2) span:not(.count)")
    page.keyboard.press("2")
    expect(page.locator(".doubt h2 a")).not_to_have_attribute("href", second)
    said = kept(store, before + 2)
    ids = [unquote(href.removeprefix("/?product=")) for href in (first, second)]
    assert [said[each]["category"] for each in ids] == [answer, other]
    page.keyboard.press("e")
    page.keyboard.type("Nowhere")
    page.keyboard.press("Enter")
    expect(page.locator(".progress")).to_contain_text("4 of")
    assert "Nowhere" in {each.get("category") for each in kept(store, before + 3).values()}


def tab_to(page, name):
    for _ in range(12):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.className") == name:
            return
    raise AssertionError(f"no {name} within 12 steps")


def test_the_whole_way_by_keyboard(visit):
    page = visit()
    titles(page)
    for _ in range(3):  # out of the search box, to the first thing on the page
        page.keyboard.press("Shift+Tab")
        if page.evaluate("document.activeElement.className") == "skip":
            break
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"
    page.keyboard.press("/")
    page.keyboard.type("red")
    page.keyboard.press("Enter")
    expect(page).to_have_title("Search: red · eclip")
    titles(page)
    tab_to(page, "past")  # over the filters
    page.keyboard.press("Enter")
    tab_to(page, "title")
    page.keyboard.press("Enter")
    page.wait_for_selector(".product-head h1")
    assert page.evaluate("document.activeElement.id") == "main"


def test_korean_is_remembered(visit, address):
    page = visit("/?q=red", language="ko-KR")
    titles(page)
    assert page.get_attribute("html", "lang") == "ko"
    assert page.inner_text("#places a") == "쇼핑"
    assert "상품" in page.inner_text(".status")
    page.click("#language")
    expect(page.locator("html")).to_have_attribute("lang", "en")
    assert page.inner_text("#places a") == "Shop"
    page.reload()
    titles(page)
    assert page.get_attribute("html", "lang") == "en"


def test_the_map_is_wandered_by_keyboard(visit):
    page = visit("/?view=map")
    page.wait_for_selector(".near .card .title")
    page.focus("canvas")
    before = page.locator(".near .title").all_text_contents()
    for key in ("+", "+", "+", "ArrowRight"):
        page.keyboard.press(key)
    expect(page.locator(".near .title")).not_to_have_text(before)
    page.keyboard.press("0")
    page.wait_for_timeout(100)
    page.keyboard.press("Enter")
    page.wait_for_selector(".product-head h1")


def test_texts_that_mean_harm_stay_texts(visit):
    page = visit(VIEWS[1])
    page.wait_for_selector(".product-head h1")
    assert HARM in page.inner_text(".raw")
    assert page.inner_text("[data-field='attributes.note'] .value") == HARM
    page.goto(page.url.split("?")[0])
    titles(page)
    assert HARM in page.locator(".choices label span:not(.count)").all_text_contents()
    assert page.evaluate("window.wasHarmed") is None


@pytest.mark.parametrize(("viewport", "scheme"), [(DESKTOP, "light"), (PHONE, "dark")])
def test_screen_readers_and_narrow_screens(visit, address, viewport, scheme):
    """axe-core finds no serious fault in any view, and nothing hangs over the edge."""
    axe = importlib.util.find_spec("axe_playwright_python")
    assert axe is not None
    assert axe.origin is not None
    script = (Path(axe.origin).parent / "axe.min.js").read_text(encoding="utf-8")
    page = visit(viewport=viewport, color_scheme=scheme)
    for path in VIEWS:
        page.goto(address + path)
        page.wait_for_selector(".card .title, .doubt h2")
        page.wait_for_load_state("networkidle")
        page.evaluate(script)
        found = page.evaluate("axe.run(document, { resultTypes: ['violations'] })")["violations"]
        grave = [fault for fault in found if fault["impact"] in ("serious", "critical")]
        assert [(path, fault["id"], [node["html"] for node in fault["nodes"]][:3]) for fault in grave] == []
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path
