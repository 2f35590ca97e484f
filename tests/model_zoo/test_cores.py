"""Cores are counted as this process may use them, not as the machine has them."""

import os

import pytest

from model_zoo import cores

V2, V1 = "0::/pod/box", "3:cpuset:/\n2:cpu,cpuacct:/pod\n0::/"


@pytest.fixture(autouse=True)
def machine(monkeypatch, tmp_path):
    """A machine of eight cores without control groups."""
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)), raising=False)
    monkeypatch.setattr(cores, "MEMBERSHIP", tmp_path / "cgroup")
    monkeypatch.setattr(cores, "GROUPS", tmp_path / "groups")
    cores.usable_cores.cache_clear()
    yield
    cores.usable_cores.cache_clear()


def write(folder, membership, files):
    (folder / "cgroup").write_text(membership + "\n")
    for name, text in files.items():
        file = folder / "groups" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text + "\n")


def test_without_a_quota_it_is_what_the_scheduler_allows():
    assert cores.usable_cores() == 8


def test_other_systems_count_all(monkeypatch):
    monkeypatch.delattr(os, "sched_getaffinity")
    monkeypatch.setattr(os, "cpu_count", lambda: 5)
    assert cores.usable_cores() == 5


@pytest.mark.parametrize(
    ("membership", "files", "expected"),
    [
        ("0::/", {"cpu.max": "200000 100000"}, 2),
        (V2, {"pod/box/cpu.max": "max 100000", "pod/cpu.max": "150000 100000"}, 2),
        (V2, {"pod/box/cpu.max": "50000 100000", "pod/cpu.max": "300000 100000"}, 1),
        (V2, {"cpu.max": "300000 100000"}, 3),
        (V2, {"pod/box/cpu.max": "max 100000"}, 8),
        (V2, {"cpu.max": "not a number"}, 8),
        ("0::/", {"cpu.max": "9900000 100000"}, 8),
        (
            V1,
            {
                "cpu,cpuacct/pod/cpu.cfs_quota_us": "400000",
                "cpu,cpuacct/pod/cpu.cfs_period_us": "100000",
            },
            4,
        ),
        (
            V1,
            {
                "cpu,cpuacct/cpu.cfs_quota_us": "-1",
                "cpu,cpuacct/cpu.cfs_period_us": "100000",
            },
            8,
        ),
    ],
)
def test_a_container_has_its_share(tmp_path, membership, files, expected):
    write(tmp_path, membership, files)
    assert cores.usable_cores() == expected
