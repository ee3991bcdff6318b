from __future__ import annotations

import json
import re
from importlib.resources import files
from pathlib import Path

import pytest
from fakeshop import fault
from fastapi.testclient import TestClient

from eclip.serve.app import create_app

PAGE = Path(str(files("eclip.serve") / "page"))
SCRIPTS = {path.name: path.read_text(encoding="utf-8") for path in sorted((PAGE / "js").iterdir())}
TEXTS = {
    language: json.loads((PAGE / "text" / f"{language}.json").read_text(encoding="utf-8")) for language in ("en", "ko")
}


def test_nothing_inline_and_nothing_from_outside(client):
    page = client.get("/").text
    assert re.findall(r"<script[^>]*>(.*?)</script>", page, re.DOTALL) == [""]
    assert "<style" not in page
    assert not re.search(r"\s(style|on\w+)=", page)
    styles = "".join(path.read_text(encoding="utf-8") for path in (PAGE / "css").iterdir())
    for text in (page, styles, *SCRIPTS.values()):
        outside = re.findall(r"(?:https?:)?//[a-z][\w.]*", re.sub(r"(?m)(^|\s)//.*$", "", text))
        assert set(outside) <= {"http://www.w3.org"}  # the name of SVG: nothing is loaded from there


@pytest.mark.parametrize("name", SCRIPTS)
def test_texts_of_feeds_never_become_markup(name):
    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function", SCRIPTS[name])


def test_every_file_that_the_page_names_is_served(client):
    page = client.get("/").text
    named = set(re.findall(r'(?:href|src)="(/page/[^"]+)"', page))
    named |= {f"/page/js/{name}" for text in SCRIPTS.values() for name in re.findall(r'"\./(\w+\.js)"', text)}
    assert {f"/page/js/{name}" for name in SCRIPTS} <= named
    assert len([name for name in named if name.endswith(".css")]) == len(list((PAGE / "css").iterdir()))
    for name in named:
        assert client.get(name).status_code == 200, name
    assert client.get("/page/js/main.js").headers["content-type"].startswith("text/javascript")
    fault(client.get("/page/index.html"), 404)
    fault(client.get("/page/../pages.py"), 404)


def test_a_file_is_not_sent_again_while_it_is_the_same(client):
    first = client.get("/page/js/main.js")
    again = client.get("/page/js/main.js", headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert client.get("/page/js/main.js", headers={"If-None-Match": '"other"'}).status_code == 200


def test_both_languages_say_the_same():
    english, korean = ({key.removesuffix(".one") for key in TEXTS[each]} for each in ("en", "ko"))
    assert {key.removesuffix(".other") for key in english} == {key.removesuffix(".other") for key in korean}
    for key, text in TEXTS["ko"].items():  # which has no form of its own for one
        assert set(re.findall(r"\{\w+\}", text)) == set(re.findall(r"\{\w+\}", TEXTS["en"][key])), key


def test_every_text_is_there_and_used():
    asked = set(re.findall(r'data-say(?:-label)?="([\w.]+)"', (PAGE / "index.html").read_text(encoding="utf-8")))
    code = "".join(SCRIPTS.values())
    quoted = set(re.findall(r'"([a-z]+\.[\w.-]+)"', code)) | asked
    stems = set(re.findall(r"`([a-z]+\.(?:[a-z]+\.)?)\$\{", code))
    for key in set(TEXTS["en"]):
        plain = re.sub(r"\.(one|other)$", "", key)
        assert plain in quoted or any(plain.startswith(stem) for stem in stems), key
    said = set(re.findall(r'\bsay\("([\w.]+)"', code)) | asked
    assert said <= {re.sub(r"\.(one|other)$", "", key) for key in TEXTS["en"]}


def test_corrections_are_offered_only_where_they_are_taken(client, desk):
    assert 'data-may-correct="no"' in client.get("/").text
    assert "view=review" not in client.get("/").text
    taking = TestClient(create_app(desk, allow_corrections=True)).get("/").text
    assert 'data-may-correct="yes"' in taking
    assert 'href="/?view=review"' in taking
