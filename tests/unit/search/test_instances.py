from __future__ import annotations

import io
import sys

import numpy as np
import pytest
from PIL import Image, ImageDraw

from eclip.errors import ConfigError, MissingExtraError
from eclip.search.instances import finder
from eclip.search.instances.boxes import distinct_boxes, overlaps
from eclip.search.instances.crops import region_picture, usual_aspect
from eclip.search.instances.finder import find_instances
from eclip.search.instances.merging import Finding, merged_findings
from eclip.search.instances.photos import MAX_PHOTO_SIDE, Photo, open_photo
from eclip.search.instances.regions import propose_regions
from eclip.search.results import Hit, Results

COLOURS = {"red": (220, 30, 30), "green": (30, 170, 60), "blue": (40, 60, 210), "grey": (128, 128, 128)}


def random_boxes(num_boxes: int) -> np.ndarray:
    corners = np.random.default_rng(0).integers(0, 30, (num_boxes, 2, 2))
    return np.concatenate([corners.min(axis=1), corners.max(axis=1) + 1], axis=1).astype(np.float64)


def pixels_of(box) -> set[tuple[int, int]]:
    left, top, right, bottom = (int(side) for side in box)
    return {(x, y) for x in range(left, right) for y in range(top, bottom)}


def test_overlaps_are_those_of_counted_pixels():
    boxes = random_boxes(12)
    sets = [pixels_of(box) for box in boxes]
    counted = [[len(one & other) / len(one | other) for other in sets] for one in sets]
    assert overlaps(boxes, boxes) == pytest.approx(np.array(counted))


def test_distinct_boxes_are_those_of_the_plain_loop():
    boxes = random_boxes(60)
    kept: list[int] = []
    for place, box in enumerate(boxes):
        if all(overlaps(box[None], boxes[[other]])[0, 0] <= 0.3 for other in kept):
            kept.append(place)
    assert distinct_boxes(boxes, max_overlap=0.3, max_boxes=60) == kept
    assert distinct_boxes(boxes, max_overlap=0.3, max_boxes=5) == kept[:5]
    assert distinct_boxes(boxes[:0], max_overlap=0.3, max_boxes=5) == []


def hit(product_id: str, score: float, same=()) -> Hit:
    nothing = dict.fromkeys(("title", "category", "price", "seller"))
    return Hit(product_id=product_id, score=score, row=0, same_product_ids=list(same), **nothing)


def finding(box, product_id: str, score: float, same=()) -> Finding:
    return Finding(box=np.array(box, dtype=np.float64), hits=[hit(product_id, score, same)])


def test_regions_that_tell_the_same_are_merged():
    best = finding((0, 0, 100, 100), "a", 0.9, same=["b"])
    part_with_another_listing_of_it = finding((50, 50, 100, 100), "b", 0.8, same=["a"])
    same_place = finding((0, 0, 100, 90), "c", 0.7)
    inside_it_something_else = finding((10, 10, 40, 40), "d", 0.6)
    second_copy = finding((200, 0, 300, 100), "a", 0.5)
    every = [second_copy, inside_it_something_else, same_place, part_with_another_listing_of_it, best]
    assert merged_findings(every, max_findings=9) == [best, inside_it_something_else, second_copy]
    assert merged_findings(every, max_findings=1) == [best]


def test_a_region_is_framed_in_the_colour_of_its_edge():
    picture = Image.new("RGB", (100, 60), "white")
    ImageDraw.Draw(picture).rectangle((20, 10, 59, 29), fill=COLOURS["grey"])
    ImageDraw.Draw(picture).rectangle((30, 15, 40, 20), fill=COLOURS["red"])
    for aspect, size in ((1, (44, 44)), (0.5, (44, 88)), (4, (88, 22))):
        frame = region_picture(picture, (20, 10, 60, 30), aspect=aspect)
        assert frame.size == size
        assert dict(map(reversed, frame.getcolors())) == {
            COLOURS["red"]: 11 * 6,
            COLOURS["grey"]: size[0] * size[1] - 11 * 6,
        }


def test_the_usual_shape_of_pictures():
    pictures = [encoded(Image.new("RGB", size)) for size in ((20, 30), (30, 30), (20, 30), (10, 90))]
    assert usual_aspect([*pictures, None]) == pytest.approx(2 / 3)
    assert usual_aspect(pictures[3:]) == 0.4  # a banner is no shape to frame by
    assert usual_aspect([None]) == 1


def encoded(picture, **options) -> bytes:
    out = io.BytesIO()
    picture.save(out, "JPEG", **options)
    return out.getvalue()


def test_a_photo_is_turned_upright_and_bounded():
    exif = Image.Exif()
    exif[0x0112] = 6  # lies on its side
    photo = open_photo(encoded(Image.new("RGB", (2400, 1200), "red"), exif=exif))
    assert (photo.width, photo.height) == (1200, 2400)
    assert photo.pixels.size == (MAX_PHOTO_SIDE // 2, MAX_PHOTO_SIDE)
    assert photo.scale == pytest.approx((2400 / MAX_PHOTO_SIDE, 2400 / MAX_PHOTO_SIDE))


@pytest.mark.parametrize("data", [b"", b"no picture", encoded(Image.new("RGB", (64, 64)))[:300]])
def test_what_is_no_photo_is_refused(data):
    with pytest.raises(ConfigError, match="the photo can't be read"):
        open_photo(data)


class ColourEncoder:
    """A picture's vector is its colour, the grey of the ground apart; remembers how many came at once."""

    digest = "m1"

    def __init__(self) -> None:
        self.seen: list[list] = []

    def encode_text(self, texts):
        raise AssertionError

    def encode_image(self, images):
        self.seen.append(list(images))
        means = np.stack([np.asarray(image, dtype=np.float32).mean(axis=(0, 1)) - 127 for image in images])
        return means / np.linalg.norm(means, axis=1, keepdims=True)


class ColourEngine:
    """Four products, each of one colour."""

    def search_encoded(self, query, vector):
        names = [name for name in COLOURS if name != "grey"]
        vectors = np.array([COLOURS[name] for name in names], dtype=np.float32) - 127
        scores = vectors @ vector / np.linalg.norm(vectors, axis=1)
        best = sorted(zip(scores, names, strict=True), reverse=True)[: query.top_k]
        return Results(hits=[hit(name, float(score)) for score, name in best], num_products=3)

    def picture(self, product_id, number=0):
        return encoded(Image.new("RGB", (20, 30)))


PLACES = {"red": (40, 40, 140, 160), "green": (300, 60, 420, 150), "blue": (180, 250, 260, 400)}


def colourful_scene(scale: int = 1):
    """Three things on a speckled grey ground."""
    noise = np.random.default_rng(0).integers(118, 138, (480, 480, 3)).astype(np.uint8)
    picture = Image.fromarray(noise)
    for name, (left, top, right, bottom) in PLACES.items():
        ImageDraw.Draw(picture).rectangle((left, top, right - 1, bottom - 1), fill=COLOURS[name])
    return picture.resize((480 * scale, 480 * scale), Image.Resampling.NEAREST)


def test_each_product_of_a_photo_is_found_in_the_photos_own_pixels(monkeypatch):
    boxes = np.array([(0, 0, 480, 480), *PLACES.values(), (45, 45, 140, 160)] + [(0, 0, 30, 30)] * 20, dtype=np.float64)
    monkeypatch.setattr(finder, "propose_regions", lambda picture, max_regions: boxes[:max_regions])
    encoder = ColourEncoder()
    photo = Photo(colourful_scene(), width=960, height=960)
    found = find_instances(photo, ColourEngine(), encoder, top_k=2, max_instances=3)
    assert {each.hits[0].product_id: each.box for each in found} == {
        name: tuple(2 * side for side in box) for name, box in PLACES.items()
    }
    assert all(each.confidence > 0.99 and len(each.hits) == 2 for each in found)
    assert [len(some) for some in encoder.seen] == [1, 16, 8]
    assert encoder.seen[0] == [photo.pixels]  # the whole, as a plain search would see it
    assert {round(each.width / each.height, 1) for some in encoder.seen[1:] for each in some} == {0.7}


def test_a_photo_of_which_nothing_is_proposed_is_searched_whole(monkeypatch):
    photo = Photo(Image.new("RGB", (50, 40), COLOURS["blue"]), width=50, height=40)
    (found,) = find_instances(photo, ColourEngine(), ColourEncoder(), max_regions=1)
    assert found.box == (0, 0, 50, 40)
    assert found.hits[0].product_id == "blue"


@pytest.mark.parametrize(
    "wrong", [{"max_instances": 0}, {"max_instances": 13}, {"max_regions": 0}, {"max_regions": 65}]
)
def test_numbers_out_of_range_are_refused(wrong):
    with pytest.raises(ConfigError, match=f"{next(iter(wrong))} is .* expected 1 to"):
        find_instances(Photo(Image.new("RGB", (8, 8)), 8, 8), ColourEngine(), ColourEncoder(), **wrong)


def test_regions_hold_the_things_of_a_scene():
    pytest.importorskip("cv2", reason="OpenCV with its contributed modules is not installed")
    picture = colourful_scene(2)
    regions = propose_regions(picture)
    assert tuple(regions[0]) == (0, 0, 960, 960)
    assert 3 < len(regions) <= 64
    assert (regions[:, :2] >= 0).all()
    assert (regions[:, 2:] <= 960).all()
    truth = 2.0 * np.array(list(PLACES.values()))
    assert overlaps(truth, regions).max(axis=1) == pytest.approx(np.ones(3), abs=0.25)
    assert (propose_regions(picture) == regions).all()
    assert len(propose_regions(picture, max_regions=3)) == 3
    assert len(propose_regions(Image.new("RGB", (1, 300)))) == 1  # nothing to tell apart


@pytest.mark.parametrize("present", [None, type(sys)("cv2")])
def test_without_opencv_it_is_said_what_to_install(present, monkeypatch):
    monkeypatch.setitem(sys.modules, "cv2", present)
    with pytest.raises(MissingExtraError, match=r"pip install 'eclip\[instances\]'"):
        propose_regions(Image.new("RGB", (64, 64)))
