"""Web markup inside texts. Sellers also put brands into angle brackets ("<LG전자> 드럼세탁기"): those are no tags."""

from __future__ import annotations

import re

_ELEMENTS = (
    *("a", "abbr", "address", "article", "aside", "b", "bdi", "bdo", "big", "blockquote", "body", "br", "button"),
    *("caption", "center", "cite", "code", "col", "colgroup", "dd", "del", "details", "dfn", "div", "dl", "dt", "em"),
    *("embed", "fieldset", "figcaption", "figure", "font", "footer", "form", "frame", "h1", "h2", "h3", "h4", "h5"),
    *("h6", "head", "header", "hr", "html", "i", "iframe", "img", "input", "ins", "kbd", "label", "legend", "li"),
    *("link", "main", "mark", "meta", "nav", "noscript", "object", "ol", "option", "p", "param", "picture", "pre"),
    *("q", "s", "samp", "script", "section", "select", "small", "source", "span", "strike", "strong", "style", "sub"),
    *("summary", "sup", "svg", "table", "tbody", "td", "textarea", "tfoot", "th", "thead", "time", "title", "tr"),
    *("tt", "u", "ul", "var", "video", "wbr"),
)
TAG = re.compile(rf"<!--[^<>]*-->|<!doctype[^<>]*>|</?(?:{'|'.join(_ELEMENTS)})(?:[\s/][^<>]*)?>", re.IGNORECASE)
