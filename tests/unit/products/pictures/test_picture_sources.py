from __future__ import annotations

import base64
import io
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from eclip.products.pictures.loader import PictureLoader
from eclip.products.pictures.picture import PictureNotFetchedError, UnreadablePictureError
from eclip.products.pictures.sources import ObjectStorage, bucket_region, data_bytes, is_remote, named_picture


def a_png(colour: str = "red") -> bytes:
    out = io.BytesIO()
    image = Image.new("RGB", (60, 40), colour)
    image.paste("blue", (30, 0, 60, 40))
    image.save(out, format="PNG")
    return out.getvalue()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "feed"
    folder.mkdir()
    (folder / "a.png").write_bytes(a_png())
    (folder / "상품 1.png").write_bytes(a_png())
    (tmp_path / "secret.png").write_bytes(a_png())
    (folder / "link.png").symlink_to(tmp_path / "secret.png")
    return folder


@pytest.fixture
def loader(folder: Path) -> Iterator[PictureLoader]:
    with PictureLoader(folder, fetch_images="none") as loader:
        yield loader


def test_what_a_cell_may_name(loader: PictureLoader, folder: Path) -> None:
    data = a_png()
    sources = [
        data,
        {"bytes": data, "path": None},
        {"bytes": None, "path": "a.png"},
        "a.png",
        " ./a.png ",
        "상품 1.png",
    ]
    sources += [str(folder / "a.png"), f"file://{folder}/a.png", f"file://localhost{folder}/a.png", "file:a.png"]
    sources += [(folder / "상품 1.png").as_uri(), "data:image/png;base64," + base64.b64encode(data).decode()]
    for source in sources:
        picture = loader.read(source)
        assert picture is not None, source
        assert picture.encoded == data
    for empty in (None, "", "  ", b"", {"bytes": None, "path": None}):
        assert loader.read(empty) is None


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        *[(name, "leads out") for name in ("../secret.png", "link.png", "/etc/passwd", "../../etc/passwd")],
        *[(name, "leads out") for name in ("file:///etc/passwd", "file:../secret.png", "file://%2fetc/passwd")],
        ("b.png", "no such file"),
        ("ftp://example.org/a.png", "no such file"),
        (".", "not a file"),
        ("x" * 5000, "can't"),
        ("a\0", "can't"),
        ("data:image/png;base64", "without a comma"),
        ("data:image/png;base64,####", "bad base64"),
        ("data:text/plain,hello", "not a picture"),
    ],
)
def test_what_a_cell_may_not_name(loader: PictureLoader, source: str, reason: str) -> None:
    with pytest.raises(UnreadablePictureError, match=reason):
        loader.read(source)


@pytest.mark.parametrize("name", ["https://example.org/a.jpg", "//example.org/a.jpg", "s3://bucket/a.jpg", "HTTP://x/"])
def test_addresses_are_left_alone_when_nothing_is_to_be_fetched(loader: PictureLoader, name: str) -> None:
    assert is_remote(name)
    with pytest.raises(PictureNotFetchedError, match=r"^$"):
        loader.read(name)


def test_data_addresses() -> None:
    assert data_bytes("data:,a%20b") == b"a b"
    assert data_bytes("DATA:image/png;charset=x; Base64,aGVs\nbG8") == b"hello"
    assert data_bytes("data:;base64,-_-_") == b"\xfb\xff\xbf"
    assert data_bytes("data:;base64,aGVsbG8%3D") == b"hello"


def test_a_batch_reads_each_name_once(loader: PictureLoader) -> None:
    start = loader.batch()
    assert start("a.png") is start(" a.png ")
    assert start("a.png") is start({"path": "a.png"})
    assert start("a.png") is not loader.batch()("a.png")
    assert named_picture(7) == "7"


@pytest.fixture(scope="module")
def s3_endpoint() -> Iterator[str]:
    server_module = pytest.importorskip("moto.server", reason="moto stands in for S3")
    server = server_module.ThreadedMotoServer(port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def bucket(s3_endpoint: str, monkeypatch: pytest.MonkeyPatch) -> str:
    from pyarrow import fs

    for name, value in (
        *(("AWS_ACCESS_KEY_ID", "key"), ("AWS_SECRET_ACCESS_KEY", "secret"), ("AWS_ENDPOINT_URL", s3_endpoint)),
        ("AWS_REGION", "us-east-1"),
    ):
        monkeypatch.setenv(name, value)
    client = fs.S3FileSystem(endpoint_override=s3_endpoint, region="us-east-1", allow_bucket_creation=True)
    client.create_dir("pictures")
    with client.open_output_stream("pictures/상품/a 1.png") as file:
        file.write(a_png())
    return "pictures"


def test_pictures_come_from_object_storage(bucket: str, folder: Path) -> None:
    with PictureLoader(folder) as loader:
        picture = loader.read(f"s3://{bucket}/상품/a 1.png")
        assert picture is not None
        assert picture.encoded == a_png()
        for name in (f"s3://{bucket}/gone.png", "s3://no-such-bucket/a.png"):
            with pytest.raises(PictureNotFetchedError, match="no such object"):
                loader.read(name)
        with pytest.raises(PictureNotFetchedError, match="not s3://bucket/key"):
            loader.read(f"s3://{bucket}")


def test_object_storage_that_is_down_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "x")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    with pytest.raises(PictureNotFetchedError, match="does not answer"):
        ObjectStorage().fetch("s3://bucket/key")


def test_the_region_that_nobody_names_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    from pyarrow import fs

    for name in ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(fs, "resolve_s3_region", lambda bucket: f"home of {bucket}")
    assert bucket_region("pictures") == "home of pictures"
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    assert bucket_region("pictures") == "eu-west-1"
