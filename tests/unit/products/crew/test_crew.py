from __future__ import annotations

import errno
import os
import signal
import threading
import time
from contextlib import suppress
from pathlib import Path

import pyarrow as pa
import pytest

from eclip.errors import DiskError, FeedError, MissingExtraError
from eclip.products.crew import windows
from eclip.products.crew.crew import Crew, HiredCrew, Job, answer_here
from eclip.products.crew.parcels import Cleaned, pack_batch, pack_cleaned, unpack_batch, unpack_cleaned
from eclip.products.crew.runners import Workplace, workplace
from eclip.products.crew.work import Share, pack_settings
from eclip.products.dataset import DatasetWriter
from eclip.products.feeds import RawBatch
from eclip.products.listings import FeedPlan, plan_listings, planned_listings
from eclip.products.prepare import prepare_store
from eclip.products.titles.cleaner import RuleCounts

TITLES = (
    "<b>Red</b> Shirt",
    "FREE SHIPPING!! Blue Cup 500ml",
    "무료배송 리넨 셔츠",
    "BIG RED LEATHER BOOTS",
    "plain cup",
)


@pytest.fixture
def feed(tmp_path: Path) -> Path:
    rows = [f"{number},{TITLES[number % len(TITLES)]} {number},Home > Kitchen" for number in range(40)]
    rows[7] = '7,"never closed'
    (tmp_path / "feed.csv").write_text("\n".join(["id,title,category", *rows]), encoding="utf-8")
    return tmp_path / "feed.csv"


def plan_of(feed: Path) -> FeedPlan:
    return plan_listings(feed, fetch_images="none", skip_title_rules="learned")


def job_of(plan: FeedPlan, *, in_processes: bool) -> Job:
    settings = pack_settings(plan, Share(cleaners=2))
    return Job(token="a", source=plan.feed.source, settings=settings, in_processes=in_processes)


def parcels(plan: FeedPlan, batch_size: int = 10) -> list[bytes]:
    return [pack_batch(batch) for batch in plan.raw_batches(batch_size)]


class TestParcels:
    def test_a_batch_comes_out_as_it_went_in(self, tmp_path: Path) -> None:
        table = pa.table(
            {"a": ["x", None, "무"], "b": pa.array([b"1", None, b"\0" * 9]), "c": [{"d": [1]}, None, None]}
        )
        batch = RawBatch(
            table=table, rows=[4, 5, 6], faults=[None, "torn", None], file="b.csv", rows_before=3, folder=tmp_path
        )
        back = unpack_batch(pack_batch(batch))
        assert back == batch
        assert back.table.equals(table)

    def test_a_slice_travels_without_the_rest_of_its_table(self) -> None:
        table = pa.table({"a": [b"\1" * 1_000_000, b"\2", b"\3"]})
        assert len(pack_batch(RawBatch(table=table.slice(1, 1), rows=[2], faults=[None]))) < 10_000

    def test_an_error_is_raised_where_it_arrives(self) -> None:
        with pytest.raises(FeedError, match=r"shop\.csv, row 3: torn") as caught:
            unpack_cleaned(pack_cleaned(FeedError("torn", path="shop.csv", row=3)))
        assert caught.value.row == 3

    def test_counts_come_along(self) -> None:
        counts = RuleCounts(titles=2, changed={"html": 1}, examples={"html": [("<b>a</b>", "a")]})
        back = unpack_cleaned(pack_cleaned(Cleaned(pa.table({"a": [1]}), counts)))
        assert back.counts == counts


class TestWholeFeed:
    @pytest.mark.parametrize("in_processes", [False, True])
    def test_same_tables_and_counts_as_one_batch_after_the_other(
        self, feed: Path, in_processes: bool, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(windows, "SMALL_FEED_ROWS", 0 if in_processes else 10**9)
        plain, many = plan_of(feed), plan_of(feed)
        expected = list(planned_listings(plain, batch_size=3))
        found = list(windows.cleaned_listings(many, batch_size=3))
        assert [table.to_pylist() for table in found] == [table.to_pylist() for table in expected]
        assert many.titles.to_json() == plain.titles.to_json()
        assert plain.titles.counts.changed

    def test_no_process_is_left_when_the_reader_stops_early(self, feed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(windows, "SMALL_FEED_ROWS", 0)
        hired: list[int] = []
        real = Crew.close
        monkeypatch.setattr(Crew, "close", lambda self: (hired.extend(self.pids()), real(self)))
        tables = windows.cleaned_listings(plan_of(feed), batch_size=3)
        next(tables)
        tables.close()
        assert hired
        assert not [pid for pid in hired if Path(f"/proc/{pid}").exists()]

    def test_a_fault_of_the_feed_ends_it(self, feed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        plan = plan_of(feed)

        def batches(self: FeedPlan, batch_size: int) -> object:
            yield next(plan.feed.batches(batch_size))
            raise FeedError("gone", path="feed.csv")

        monkeypatch.setattr(FeedPlan, "raw_batches", batches)
        with pytest.raises(FeedError, match="gone"):
            list(windows.cleaned_listings(plan, batch_size=3))


class TestDeath:
    def test_a_batch_whose_process_is_killed_is_cleaned_by_another(self, feed: Path) -> None:
        plan = plan_of(feed)
        with HiredCrew(job_of(plan, in_processes=True)) as crew:
            first, second, *_ = parcels(plan)
            unpack_cleaned(crew.answer(first))
            (pid,) = crew.pids()
            os.kill(pid, signal.SIGKILL)
            assert unpack_cleaned(crew.answer(second)).listings["row"].to_pylist() == list(range(11, 21))
            assert crew.pids() != [pid]

    def test_a_batch_that_ends_every_process_ends_in_one_line(self, feed: Path) -> None:
        plan = plan_of(feed)
        with HiredCrew(job_of(plan, in_processes=True)) as crew:
            killed: list[int] = []
            done = threading.Event()

            def kill_all() -> None:
                while not done.is_set():
                    for pid in set(crew.pids()) - set(killed):
                        os.kill(pid, signal.SIGKILL)
                        killed.append(pid)
                    time.sleep(0.005)

            killer = threading.Thread(target=kill_all)
            killer.start()
            try:
                with pytest.raises(FeedError, match=r"feed.csv: rows 1 to 10 ended .* 2 times \(killed;"):
                    unpack_cleaned(crew.answer(parcels(plan)[0]))
            finally:
                done.set()
                killer.join()
            assert len(killed) == 2
            assert crew.pids() == []

    @pytest.mark.slow
    def test_processes_that_were_killed_while_idle_are_no_fault_of_a_batch(self, feed: Path) -> None:
        plan = plan_of(feed)
        with HiredCrew(job_of(plan, in_processes=True)) as crew:
            both = [threading.Thread(target=crew.answer, args=(parcel,)) for parcel in parcels(plan)[:2]]
            for thread in both:
                thread.start()
            for thread in both:
                thread.join()
            pids = crew.pids()
            assert len(pids) == 2
            for pid in pids:
                os.kill(pid, signal.SIGKILL)
            for cleaner in crew._idle:
                cleaner._process.wait(10)
            assert unpack_cleaned(crew.answer(parcels(plan)[2])).listings.num_rows == 10

    def test_closing_frees_who_waits(self, feed: Path) -> None:
        plan = plan_of(feed)
        with HiredCrew(job_of(plan, in_processes=True)) as crew:
            answers: list[bytes] = []
            waiting = threading.Thread(target=lambda: answers.append(crew.answer(parcels(plan)[0])))
            waiting.start()
            while not crew.pids():
                time.sleep(0.001)
            crew.close()
            waiting.join(20)
            assert not waiting.is_alive()
        with pytest.raises(FeedError, match="cleaning was stopped"):
            unpack_cleaned(answers[0])

    def test_the_process_ends_with_its_parent(self, feed: Path) -> None:
        plan = plan_of(feed)
        with HiredCrew(job_of(plan, in_processes=True)) as crew:
            unpack_cleaned(crew.answer(parcels(plan)[0]))
            (cleaner,) = crew._idle
            assert cleaner._process.stdin is not None
            cleaner._process.stdin.close()  # as when the parent is killed
            assert cleaner._process.wait(10) == 0


def test_a_bug_tells_where_it_sits(feed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("eclip.products.crew.work.clean_batch", lambda *_: 1 / 0)
    plan = plan_of(feed)
    with HiredCrew(job_of(plan, in_processes=False)) as crew, pytest.raises(RuntimeError, match="ZeroDivisionError"):
        unpack_cleaned(crew.answer(parcels(plan)[0]))


def test_a_machine_of_a_cluster_keeps_one_crew(feed: Path) -> None:
    plan = plan_of(feed)
    parcel, job = parcels(plan)[0], job_of(plan, in_processes=False)
    other = Job(token="b", source="", settings=job.settings, in_processes=False)
    from eclip.products.crew.crew import _crews

    for each in (job, job, other):
        unpack_cleaned(answer_here(each, parcel))
    assert list(_crews) == ["b"]
    _crews.pop("b").close()


def test_ray_that_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "ray", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'eclip\[ray\]'"), workplace("ray"):
        pass


class TestLeavingEarly:
    def test_ctrl_c_of_a_terminal_does_not_reach_the_processes(self, feed: Path) -> None:
        with HiredCrew(job_of(plan_of(feed), in_processes=True)) as crew:
            cleaner = crew._take()
            assert cleaner is not None
            assert os.getpgid(cleaner.pid) != os.getpgid(0)  # from the start on: it may still be loading

    def test_threads_begin_no_batch_after_the_end(self, feed: Path) -> None:
        plan = plan_of(feed)
        with HiredCrew(job_of(plan, in_processes=False)) as crew:
            unpack_cleaned(crew.answer(parcels(plan)[0]))
        with pytest.raises(FeedError, match="cleaning was stopped"):
            unpack_cleaned(crew.answer(parcels(plan)[1]))

    def test_a_fault_while_writing_leaves_no_process_however_long_it_is_looked_at(
        self, feed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(windows, "SMALL_FEED_ROWS", 0)
        hired: list[int] = []
        real = Crew.close
        monkeypatch.setattr(Crew, "close", lambda self: (hired.extend(self.pids()), real(self)))

        def full(*_: object) -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

        monkeypatch.setattr(DatasetWriter, "append", full)
        with pytest.raises(DiskError) as looked_at:
            prepare_store(feed, tmp_path / "store", fetch_images="none", skip_title_rules="learned")
        assert looked_at.value.__traceback__
        assert hired
        assert not [pid for pid in hired if Path(f"/proc/{pid}").exists()]

    def test_a_cluster_of_ours_is_told_to_end_and_not_asked_again(self, monkeypatch: pytest.MonkeyPatch) -> None:
        asked, ended = [], threading.Event()

        def ask_window(*_: object) -> list[bytes]:
            asked.append(1)
            assert ended.wait(60)
            raise RuntimeError("the actor died")

        monkeypatch.setattr("eclip.products.crew.frames.ask_window", ask_window)
        place = Workplace(None, cores=1, is_cluster=True, end_queries=ended.set)
        job = Job(token="", source="", settings=b"", in_processes=True)
        with suppress(KeyboardInterrupt), windows.window_threads(place) as threads:
            window = threads.submit(windows._clean, place, job, [])
            raise KeyboardInterrupt
        assert isinstance(window.exception(), RuntimeError)
        assert len(asked) == 1

    def test_nobody_waits_for_a_cluster_of_others(self) -> None:
        freed = threading.Event()
        place = Workplace(None, cores=1, is_cluster=True)
        with suppress(KeyboardInterrupt), windows.window_threads(place) as threads:
            window = threads.submit(freed.wait, 60)
            raise KeyboardInterrupt
        assert not window.done()
        freed.set()
        assert window.result()
