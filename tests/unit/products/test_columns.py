from __future__ import annotations

import pytest

from eclip.errors import ConfigError, FeedError
from eclip.products.columns import parse_columns, resolve_columns


def test_standard_names_and_common_aliases_are_found() -> None:
    found = resolve_columns("", ["id", "productDisplayName", "Image Link", "image_bytes", "colour"])
    assert found.fields == {"product_id": "id", "title": "productDisplayName", "image": "image_bytes"}
    assert found.attributes == {}


def test_attributes_are_found_named_and_gathered() -> None:
    spec = "attributes=specs,attributes=colour,attributes.Season=s,Usage=u"
    found = resolve_columns(spec, ["title", "specs", "colour", "s", "u", "attributes"])
    assert found.attribute_columns == ("specs", "colour")
    assert found.attributes == {"season": "s", "usage": "u"}
    assert resolve_columns("", ["title", "attributes"]).attribute_columns == ("attributes",)


def test_a_column_mapped_by_the_user_is_not_taken_for_another_field() -> None:
    found = resolve_columns("model_id=catalog_id", ["title", "catalog_id"])
    assert found.fields == {"model_id": "catalog_id", "title": "title"}
    both = resolve_columns("model_id=catalog_id,catalog_id=catalog_id", ["title", "catalog_id"])
    assert both.fields["catalog_id"] == "catalog_id"
    assert "model_id" not in resolve_columns("", ["title", "catalog_id"]).fields


def test_a_field_can_be_switched_off() -> None:
    assert "brand" not in resolve_columns("brand=", ["title", "brand"]).fields


def test_a_comma_in_a_column_name_can_be_quoted() -> None:
    assert parse_columns('"title=name, long",brand=b') == [("title", "name, long"), ("brand", "b")]


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ("titel=name", "did you mean 'title'"),
        ("images=name", "did you mean 'image'"),
        ("split=name", "filled by eclip itself"),
        ("title", "not of the form"),
        ("=name", "not of the form"),
        ("attributes.=name", "lacks the attribute's name"),
        ("title=name,title=other", "twice"),
    ],
)
def test_bad_mappings_end_in_one_line(spec: str, expected: str) -> None:
    with pytest.raises(ConfigError, match=expected) as caught:
        resolve_columns(spec, ["name", "other"])
    assert "\n" not in str(caught.value)


def test_a_mapped_column_that_the_feed_lacks_lists_those_it_has() -> None:
    with pytest.raises(FeedError, match=r"'nmae'.*it has: name, brand.*did you mean 'name'"):
        resolve_columns("title=nmae", ["name", "brand"])


def test_neither_title_nor_picture_is_an_error() -> None:
    with pytest.raises(FeedError, match=r"no title and no picture column.*has: a, b"):
        resolve_columns("", ["a", "b"])
