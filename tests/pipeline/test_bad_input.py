"""What a user gets wrong ends in exit status 2 and one clear line; what merely looks odd works."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from commandline import Result, done, eclip
from PIL import Image

WriteFeed = Callable[[str, str], Path]

TITLES = "id,title\n" + "".join(f"{row},Red canvas shoe number {row}\n" for row in range(40))


class TestFeeds:
    """`eclip prepare` on feeds that can't be read."""

    @pytest.mark.parametrize(
        ("name", "text", "words"),
        [
            ("empty.csv", "", "is empty"),
            ("header.csv", "id,title\n", "header but no rows"),
            ("empty.jsonl", "", "is empty"),
            ("empty.parquet", "", "is empty"),
            ("text.parquet", "no Parquet at all", "no readable Parquet"),
            ("feed.xlsx", "no sheet at all", "no readable Excel"),
            ("feed.foo", "nothing known", "unknown ending"),
            ("columns.csv", "id,colour\n1,red\n", "no title and no picture column"),
            ("broken.jsonl", "{\n[\n", "no row can be read"),
        ],
    )
    def test_unreadable_feed(self, write_feed: WriteFeed, tmp_path: Path, name: str, text: str, words: str) -> None:
        feed = write_feed(name, text)
        eclip("prepare", feed, "--store", tmp_path / "store").assert_fault(name, words)
        assert not (tmp_path / "store").exists()

    def test_no_such_feed(self, tmp_path: Path) -> None:
        eclip("prepare", tmp_path / "feed.csv", "--store", tmp_path / "store").assert_fault("no such file")
        eclip("run", tmp_path / "feed.csv", "--out", tmp_path / "out").assert_fault("no such file")
        assert list(tmp_path.iterdir()) == []

    def test_folder_as_feed(self, tmp_path: Path) -> None:
        eclip("prepare", tmp_path, "--store", tmp_path / "store").assert_fault("folder without feeds")

    def test_missing_column_is_named_with_those_that_are_there(self, write_feed: WriteFeed, tmp_path: Path) -> None:
        feed = write_feed("feed.csv", TITLES)
        outcome = eclip("prepare", feed, "--store", tmp_path / "store", "--columns", "title=titel")
        outcome.assert_fault("'titel'", "id, title", "did you mean 'title'?")

    def test_unknown_field_is_corrected(self, write_feed: WriteFeed, tmp_path: Path) -> None:
        feed = write_feed("feed.csv", TITLES)
        eclip("prepare", feed, "--store", tmp_path / "store", "--columns", "tilte=title").assert_fault("'title'")

    def test_no_such_picture_folder(self, write_feed: WriteFeed, tmp_path: Path) -> None:
        feed = write_feed("feed.csv", TITLES)
        eclip("prepare", feed, "--store", tmp_path / "store", "--images", tmp_path / "no").assert_fault("--images")

    def test_file_where_a_store_is_expected(self, write_feed: WriteFeed, tmp_path: Path) -> None:
        feed = write_feed("feed.csv", TITLES)
        eclip("prepare", feed, "--store", feed).assert_fault("is a file")
        eclip("prepare", feed, "--store", feed / "store").assert_fault("can't write")
        assert feed.read_text() == TITLES

    @pytest.mark.skipif(not Path("/proc/self").exists(), reason="no file system here that takes no folders")
    def test_a_file_system_that_takes_no_folders(self, write_feed: WriteFeed) -> None:
        feed = write_feed("feed.csv", TITLES)
        eclip("prepare", feed, "--store", "/proc/store").assert_fault("can't make a folder in /proc")

    def test_folder_of_other_things_is_left_alone(self, write_feed: WriteFeed, tmp_path: Path) -> None:
        feed = write_feed("feed.csv", TITLES)
        eclip("prepare", feed, "--store", tmp_path).assert_fault("holds feed.csv", "no part of a store")
        eclip("sample", tmp_path, "--products", 2).assert_fault("not empty")
        assert [path.name for path in tmp_path.iterdir()] == ["feed.csv"]


class TestWhatCantBeTrainedOn:
    """Feeds that make a store, but no model."""

    def test_feed_without_pictures(self, write_feed: WriteFeed, tmp_path: Path) -> None:
        feed = write_feed("feed.csv", TITLES)
        done("prepare", feed, "--store", tmp_path / "store")
        outcome = eclip("train", tmp_path / "store", "--out", tmp_path / "model", "--recipe", "tiny")
        outcome.assert_fault("40 have a title, 0 a readable picture", "at least 16")
        assert not (tmp_path / "model").exists()

    def test_all_pictures_broken(self, write_feed: WriteFeed, tmp_path: Path) -> None:
        (tmp_path / "broken.jpg").write_bytes(b"\xff\xd8\xff and no more")
        rows = "".join(f"{row},Blue shirt number {row},broken.jpg\n" for row in range(40))
        feed = write_feed("feed.csv", "id,title,image\n" + rows)
        done("prepare", feed, "--store", tmp_path / "store")
        outcome = eclip("train", tmp_path / "store", "--out", tmp_path / "model", "--recipe", "tiny")
        outcome.assert_fault("0 a readable picture")

    def test_all_pictures_broken_and_no_titles(self, write_feed: WriteFeed, tmp_path: Path) -> None:
        feed = write_feed("feed.csv", "id,image\n1,none.jpg\n2,none.jpg\n")
        outcome = eclip("prepare", feed, "--store", tmp_path / "store")
        outcome.assert_fault("none of 2 rows can be kept", "no title and no picture")
        assert sorted(path.name for path in tmp_path.iterdir()) == ["feed.csv"]


@pytest.mark.slow
def test_korean_and_emoji_titles_work(write_feed: WriteFeed, tmp_path: Path) -> None:
    titles = ("빨간 원피스", "🔥🔥🔥", "무료배송 남성 셔츠 👕", "👟", "생활/건강 안약 10ml", "ㅋㅋㅋ", "🇰🇷 한정판")
    lines = []
    for row in range(48):
        Image.new("RGB", (24, 24), (5 * row, 255 - 5 * row, (37 * row) % 255)).save(tmp_path / f"{row}.png")
        lines.append(f"{row},{titles[row % len(titles)]} {'★' * (row // 7)},{row}.png\n")
    feed = write_feed("feed.csv", "상품번호,상품명,이미지\n" + "".join(lines))
    recipe = write_feed("recipe.toml", 'recipe = "tiny"\nimage_size = 32\nepochs = 1\n')
    done("run", feed, "--out", tmp_path / "out", "--recipe", recipe)
    model, store = tmp_path / "out" / "model", tmp_path / "out" / "store"
    assert "원피스" in done("search", store, "--model", model, "빨간 원피스", "--json").out
    assert done("search", store, "--model", model, "🔥", "--top-k", 3).status == 0
    done("embed", store, "--model", model, "--out", tmp_path / "vectors.parquet")
    assert pq.read_table(tmp_path / "vectors.parquet")["text_embedding"].null_count == 0


class TestRecipes:
    """`--recipe`, `--encoder`."""

    @pytest.mark.parametrize(
        ("text", "words"),
        [
            ("lr = ", "is not TOML"),
            ("optimizer.lr = -1", "optimizer.lr = -1"),
            ('optimizer.lr = "fast"', "lr = 'fast'"),
            ("optimizer.lr = true", "lr = True"),
            ("epochs = nan", "epochs = nan"),
            ("epochs = inf", "epochs = inf"),
            ("learning_rate = 1", "unknown field 'learning_rate'"),
            ('recipe = "huge"', "recipe = 'huge'"),
            ("batch.size = 2.5", "batch.size = 2.5"),
            ("batch.size = 1", "batch.size = 1"),
            ('image_size = "large"', "image_size = 'large'"),
            ("seed = -1", "seed = -1"),
            ('targets.kind = "clip"', "targets.kind = 'clip'"),
            ("augmentation.min_crop_share = 2", "augmentation.min_crop_share = 2"),
        ],
    )
    def test_impossible_recipe_file(self, write_feed: WriteFeed, tmp_path: Path, text: str, words: str) -> None:
        recipe = write_feed("recipe.toml", text)
        outcome = eclip("run", tmp_path / "feed.csv", "--out", tmp_path / "out", "--recipe", recipe)
        outcome.assert_fault("recipe.toml", words)
        assert not (tmp_path / "out").exists()

    @pytest.mark.parametrize("recipe", ["huge", "no-such-file.toml"])
    def test_unknown_recipe(self, tmp_path: Path, recipe: str) -> None:
        eclip("run", tmp_path / "feed.csv", "--out", tmp_path / "out", "--recipe", recipe).assert_fault(recipe)

    @pytest.mark.slow
    @pytest.mark.parametrize(
        ("encoder", "words"),
        [
            ("no-such-encoder", "'no-such-encoder' can't be made"),
            ("local-dir:no-such-folder", "not found"),
            ("ViT-B-32:no-such-weights", "not a known tag"),
        ],
    )
    def test_unknown_encoder(self, bare_store: Path, tmp_path: Path, encoder: str, words: str) -> None:
        outcome = eclip("train", bare_store, "--out", tmp_path / "model", "--recipe", "tiny", "--encoder", encoder)
        outcome.assert_fault(words)
        assert not (tmp_path / "model").exists()

    @pytest.mark.slow
    def test_options_that_exclude_each_other(self, result: Result, bare_store: Path, tmp_path: Path) -> None:
        train = ("train", bare_store, "--out", tmp_path / "model", "--recipe", result.recipe)
        eclip(*train, "--encoder", "ViT-B-32", "--set", "image_size=16").assert_fault("in patches of 32 pixels")
        outcome = eclip(*train, "--encoder", "ViT-B-32", "--init", result.out / "model")
        outcome.assert_fault("--encoder and --init exclude each other")

    @pytest.mark.slow
    def test_a_continued_model_keeps_the_size_of_its_pictures(
        self, result: Result, bare_store: Path, write_feed: WriteFeed, tmp_path: Path
    ) -> None:
        recipe = write_feed("recipe.toml", 'recipe = "tiny"\nimage_size = 64\n')
        arguments = ("train", bare_store, "--out", tmp_path / "model", "--recipe", recipe)
        outcome = eclip(*arguments, "--init", result.out / "model")
        outcome.assert_fault("image_size = 64", "--init", "pictures at 32")
        assert not (tmp_path / "model" / "eclip.json").exists()

    @pytest.mark.slow
    @pytest.mark.parametrize("encoder", ["hf-hub:timm/ViT-B-16-SigLIP", "ViT-B-32:laion2b_s34b_b79k"])
    def test_unreachable_hub_is_told_at_once(
        self, bare_store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, encoder: str
    ) -> None:
        from huggingface_hub import constants

        monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")  # the discard port: nobody listens
        monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
        started = time.monotonic()
        eclip("train", bare_store, "--out", tmp_path / "model", "--encoder", encoder).assert_fault("can't be reached")
        assert time.monotonic() - started < 15
        assert constants.HF_HUB_OFFLINE is False  # as it was


@pytest.mark.slow
class TestArtefacts:
    """A store or model that is none, or that does not fit the other."""

    @pytest.mark.parametrize("what", ["missing", "empty folder", "file"])
    def test_no_store(self, result: Result, tmp_path: Path, what: str) -> None:
        path = tmp_path / "store"
        if what == "empty folder":
            path.mkdir()
        elif what == "file":
            path.write_text("no store")
        model = result.out / "model"
        commands = (
            ("train", path, "--out", tmp_path / "model", "--recipe", result.recipe),
            ("embed", path, "--model", model) if what != "file" else ("fit", path, "--model", model),
            ("fit", path, "--model", model),
            ("evaluate", path, "--model", model, "--out", tmp_path / "report"),
            ("search", path, "--model", model, "shoe"),
            ("serve", path, "--model", model),
            ("enrich", result.feed, "--model", model, "--store", path, "--out", tmp_path / "enriched.parquet"),
        )
        for command in commands:
            eclip(*command).assert_fault(str(path), "eclip prepare")

    @pytest.mark.parametrize("what", ["missing", "empty folder", "file"])
    def test_no_model(self, result: Result, tmp_path: Path, what: str) -> None:
        path = tmp_path / "model"
        if what == "empty folder":
            path.mkdir()
        elif what == "file":
            path.write_text("no model")
        store = result.out / "store"
        for command in (
            ("embed", store, "--model", path),
            ("fit", store, "--model", path),
            ("evaluate", store, "--model", path, "--out", tmp_path / "report"),
            ("search", store, "--model", path, "shoe"),
            ("enrich", result.feed, "--model", path, "--out", tmp_path / "enriched.parquet"),
        ):
            eclip(*command).assert_fault(str(path), "eclip train")

    def test_damaged_model(self, result: Result, model: Path) -> None:
        weights = model / "open_clip_model.safetensors"
        weights.write_bytes(weights.read_bytes()[:-10])
        eclip("search", result.out / "store", "--model", model, "shoe").assert_fault("damaged")

    @pytest.mark.parametrize("vectors", ["none", "other"])
    def test_vectors_that_do_not_fit(
        self, result: Result, bare_store: Path, other_model: Path, tmp_path: Path, vectors: str
    ) -> None:
        model = other_model if vectors == "other" else result.out / "model"
        store = result.out / "store" if vectors == "other" else bare_store
        words = "vectors are of another model" if vectors == "other" else "no vectors in the store"
        for command in (
            ("fit", store, "--model", model),
            ("evaluate", store, "--model", model, "--out", tmp_path / "report"),
            ("search", store, "--model", model, "shoe"),
            ("serve", store, "--model", model),
            ("enrich", result.feed, "--model", model, "--store", store, "--out", tmp_path / "enriched.parquet"),
        ):
            eclip(*command).assert_fault(words, "run `eclip embed")

    def test_feed_needs_a_place_for_its_vectors(self, result: Result) -> None:
        eclip("embed", result.feed, "--model", result.out / "model").assert_fault("--out VECTORS.parquet")

    def test_unfinished_training_with_other_settings_is_kept(
        self, result: Result, bare_store: Path, tmp_path: Path
    ) -> None:
        from eclip.train.checkpoint import START

        arguments = ("train", bare_store, "--out", tmp_path / "model", "--recipe", result.recipe)
        done(*arguments, "--steps", 1)
        start = tmp_path / "model" / "run" / START
        start.write_text(start.read_text().replace('"finished": true', '"finished": false'))
        eclip(*arguments, "--steps", 2).assert_fault("unfinished run with other settings", "total_steps was 1")
        start.write_text(start.read_text().replace('"finished": false', '"finished": true'))
        assert "steps" in done(*arguments, "--steps", 2).out  # a finished one makes room

    def test_no_picture_to_search_with(self, result: Result, tmp_path: Path) -> None:
        ours = ("search", result.out / "store", "--model", result.out / "model")
        (tmp_path / "no-picture.jpg").write_text("no picture")
        eclip(*ours, "--image", tmp_path / "no-picture.jpg").assert_fault("picture can't be read")
        eclip(*ours, "--image", tmp_path / "missing.jpg").assert_fault("missing.jpg", "No such file")
        eclip(*ours, "--image", tmp_path).assert_fault("Is a directory")
        eclip(*ours).assert_fault("query is empty")


NEGATIVES = (
    ("sample", "OUT", "--products", "-1"),
    ("sample", "OUT", "--sellers", "0"),
    ("sample", "OUT", "--seed", "-1"),
    ("run", "FEED", "--out", "OUT", "--minutes", "-1"),
    ("run", "FEED", "--out", "OUT", "--minutes", "nan"),
    ("run", "FEED", "--out", "OUT", "--seed", "-1"),
    ("train", "STORE", "--out", "OUT", "--steps", "-1"),
    ("train", "STORE", "--out", "OUT", "--minutes", "inf"),
    ("train", "STORE", "--out", "OUT", "--seed", "-1"),
    ("fit", "STORE", "--model", "MODEL", "--seed", "-1"),
    ("evaluate", "STORE", "--model", "MODEL", "--out", "OUT", "--seed", "-1"),
    ("search", "STORE", "shoe", "--model", "MODEL", "--top-k", "-1"),
    ("demo", "--out", "OUT", "--products", "-1"),
)


@pytest.mark.parametrize("command", NEGATIVES, ids=" ".join)
def test_impossible_number(tmp_path: Path, command: tuple[str, ...]) -> None:
    places = {name: tmp_path / name for name in ("FEED", "STORE", "MODEL", "OUT")}
    eclip(*(places.get(word, word) for word in command)).assert_fault(command[-2], command[-1])
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def forbidden(tmp_path: Path) -> Iterator[Path]:
    """A folder that nobody may write to, not even root."""
    folder = tmp_path / "forbidden"
    folder.mkdir()
    if os.geteuid() != 0:
        folder.chmod(0o500)
        yield folder
        folder.chmod(0o700)
        return
    mount = shutil.which("mount")
    if mount is None or subprocess.run([mount, "-t", "tmpfs", "-o", "ro", "tmpfs", folder], check=False).returncode:
        pytest.skip("root may write anywhere, and nothing can be mounted here")
    yield folder
    subprocess.run(["umount", folder], check=True)


@pytest.mark.slow
class TestPlacesToWrite:
    """Places that can't be written are told before the work, not after it."""

    def commands(self, result: Result, place: Path) -> tuple[tuple[object, ...], ...]:
        model, store = result.out / "model", result.out / "store"
        return (
            ("run", result.feed, "--out", place / "out", "--recipe", result.recipe),
            ("train", store, "--out", place / "model", "--recipe", result.recipe),
            ("embed", result.feed, "--model", model, "--out", place / "vectors.parquet"),
            ("evaluate", store, "--model", model, "--out", place / "report"),
            ("enrich", result.feed, "--model", model, "--out", place / "enriched.parquet"),
        )

    def test_below_a_file(self, result: Result, tmp_path: Path) -> None:
        (tmp_path / "file").write_text("mine")
        for command in self.commands(result, tmp_path / "file"):
            eclip(*command).assert_fault(str(tmp_path / "file"), "is a file")
        assert (tmp_path / "file").read_text() == "mine"

    def test_file_for_a_folder(self, result: Result, tmp_path: Path) -> None:
        (tmp_path / "file").write_text("mine")
        for command in self.commands(result, tmp_path):
            if command[0] in ("run", "train", "evaluate"):
                place = command.index("--out") + 1
                replaced = (*command[:place], tmp_path / "file", *command[place + 1 :])
                eclip(*replaced).assert_fault("is a file")
        assert (tmp_path / "file").read_text() == "mine"

    def test_folder_for_a_file(self, result: Result, tmp_path: Path) -> None:
        for name in ("vectors.parquet", "enriched.parquet"):
            (tmp_path / name).mkdir()
        for command in self.commands(result, tmp_path):
            if command[0] in ("embed", "enrich"):
                eclip(*command).assert_fault("is a folder; name a file")

    def test_wrong_ending(self, result: Result, tmp_path: Path) -> None:
        for name in ("embed", "enrich"):
            arguments = (name, result.feed, "--model", result.out / "model", "--out", tmp_path / "table.txt")
            eclip(*arguments).assert_fault(".parquet")

    def test_forbidden_folder(self, result: Result, forbidden: Path) -> None:
        for command in self.commands(result, forbidden):
            eclip(*command).assert_fault(str(forbidden), "can't be written")
        eclip("prepare", result.feed, "--store", forbidden / "store").assert_fault("can't write")
        eclip("sample", forbidden / "shop", "--products", 2).assert_fault("can't write")

    def test_missing_folders_are_made(self, result: Result, tmp_path: Path) -> None:
        path = tmp_path / "not" / "there" / "yet.parquet"
        done("enrich", result.feed, "--model", result.out / "model", "--out", path)
        assert path.is_file()
