//! Control groups as kernels show them, in trees of files; and this machine's own.

mod captured;

use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use proptest::prelude::*;

use super::*;
use crate::exposition::{Page, encode};
use crate::kernel_files::Unparsed;
use crate::sources::processes::fake::{Fake, FakeProc};

/// All figures of a process's group.
fn read(proc_root: &Path, pid: u32) -> Result<Figures, CgroupError> {
    ControlGroup::open(proc_root, pid)?.read()
}

const OWN: u32 = 12;
const JVM: u32 = 21;

/// cgroup v2 of kernel 6.1 and later, with every controller and a limit of 2 GiB and 1.5 cores.
const V2: &[(&str, &str)] = &[
    ("cgroup.controllers", "cpuset cpu io memory hugetlb pids rdma misc\n"),
    ("cgroup.events", "populated 1\nfrozen 0\n"),
    ("memory.current", "1600000000\n"),
    ("memory.peak", "1900000000\n"),
    ("memory.max", "2147483648\n"),
    ("memory.swap.current", "4096\n"),
    ("memory.events", "low 0\nhigh 0\nmax 17\noom 3\noom_kill 2\noom_group_kill 1\n"),
    (
        "memory.stat",
        "anon 1200000000\nfile 350000000\nkernel 40000000\nkernel_stack 2000000\nfile_mapped 120000000\n\
         inactive_anon 0\ninactive_file 100000000\nactive_file 250000000\npgfault 123456\npgmajfault 78\n",
    ),
    (
        "cpu.stat",
        "usage_usec 90500000\nuser_usec 80250000\nsystem_usec 10250000\nnr_periods 1000\nnr_throttled 40\n\
         throttled_usec 2500000\nnr_bursts 0\nburst_usec 0\n",
    ),
    ("cpu.max", "150000 100000\n"),
    (
        "cpu.pressure",
        "some avg10=1.00 avg60=0.50 avg300=0.10 total=1500000\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=250000\n",
    ),
    (
        "memory.pressure",
        "some avg10=0.00 avg60=0.00 avg300=0.00 total=20\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=10\n",
    ),
    (
        "io.pressure",
        "some avg10=0.00 avg60=0.00 avg300=0.00 total=3000000\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=2000000\n",
    ),
    (
        "io.stat",
        "259:0 rbytes=1000 wbytes=2000 rios=3 wios=4 dbytes=0 dios=0\n253:1 \n\
         8:0 rbytes=10 wbytes=20 rios=1 wios=1 dbytes=0 dios=0\n",
    ),
    ("pids.current", "87\n"),
    ("pids.max", "max\n"),
];

/// cgroup v1, by controller.
const V1: &[(&str, &str)] = &[
    ("memory/memory.usage_in_bytes", "1600000000\n"),
    ("memory/memory.max_usage_in_bytes", "1900000000\n"),
    ("memory/memory.limit_in_bytes", "2147483648\n"),
    ("memory/memory.failcnt", "17\n"),
    ("memory/memory.oom_control", "oom_kill_disable 0\nunder_oom 0\noom_kill 2\n"),
    (
        "memory/memory.stat",
        "cache 1\nrss 2\nmapped_file 3\nswap 4\npgfault 5\npgmajfault 6\ninactive_file 7\n\
         hierarchical_memory_limit 2147483648\ntotal_cache 350000000\ntotal_rss 1200000000\n\
         total_rss_huge 0\ntotal_shmem 0\ntotal_mapped_file 120000000\ntotal_swap 4096\n\
         total_pgfault 123456\ntotal_pgmajfault 78\ntotal_inactive_file 100000000\n",
    ),
    ("cpu,cpuacct/cpuacct.usage", "90500000000\n"),
    ("cpu,cpuacct/cpuacct.stat", "user 8025\nsystem 1025\n"),
    ("cpu,cpuacct/cpu.stat", "nr_periods 1000\nnr_throttled 40\nthrottled_time 2500000000\n"),
    ("cpu,cpuacct/cpu.cfs_quota_us", "150000\n"),
    ("cpu,cpuacct/cpu.cfs_period_us", "100000\n"),
    (
        "blkio/blkio.throttle.io_service_bytes",
        "259:0 Read 1000\n259:0 Write 2000\n259:0 Sync 0\n259:0 Total 3000\n8:0 Read 10\n8:0 Write 20\nTotal 3030\n",
    ),
    ("pids/pids.current", "87\n"),
    ("pids/pids.max", "max\n"),
];

/// A Spark process whose `/sys/fs/cgroup` has these files, in a group below the mounts.
fn spark(cgroup: &str, files: &[(&str, &str)]) -> FakeProc {
    let proc = FakeProc::new(OWN);
    proc.put(&Fake {
        owner: (65532, 65532),
        ..Fake::new(OWN, 0, "sidecar", "/emberscope-sidecar")
    });
    proc.put(&Fake { cgroup: cgroup.into(), ..Fake::new(JVM, 0, "java", "java") });
    for (name, text) in files {
        proc.file(&format!("{JVM}/root/sys/fs/cgroup/{name}"), text);
    }
    proc
}

fn base(proc: &FakeProc) -> PathBuf {
    proc.path().join(format!("{JVM}/root/sys/fs/cgroup"))
}

/// What both constants above say, as far as both versions can say it.
fn expected() -> Figures {
    Figures {
        memory: Memory {
            usage_bytes: Some(1_600_000_000),
            working_set_bytes: Some(1_500_000_000),
            peak_bytes: Some(1_900_000_000),
            limit_bytes: Some(2_147_483_648),
            rss_bytes: Some(1_200_000_000),
            cache_bytes: Some(350_000_000),
            mapped_file_bytes: Some(120_000_000),
            swap_bytes: Some(4096),
            page_faults: Some(123_456),
            major_page_faults: Some(78),
            limit_hits: Some(17),
            oom_kills: Some(2),
        },
        cpu: Cpu {
            usage_seconds: Some(90.5),
            user_seconds: Some(80.25),
            system_seconds: Some(10.25),
            periods: Some(1000),
            throttled_periods: Some(40),
            throttled_seconds: Some(2.5),
            quota_cores: Some(1.5),
        },
        pressure: Pressure::default(),
        storage: Storage { read_bytes: Some(1010), written_bytes: Some(2020) },
        pids: Pids { current: Some(87), limit: None },
    }
}

fn pressure() -> Pressure {
    let waiting = |waiting, stalled| Waiting {
        waiting_seconds: Some(waiting),
        stalled_seconds: Some(stalled),
    };
    Pressure { cpu: waiting(1.5, 0.25), memory: waiting(2e-5, 1e-5), io: waiting(3.0, 2.0) }
}

#[test]
fn a_v2_container_is_read_from_the_root_of_its_mount() {
    for cgroup in ["0::/../cri-containerd-abc.scope\n", "0::/\n", "0::/kubepods/podA/abc\n", ""] {
        let proc = spark(cgroup, V2);
        // A group below it that is called like a controller of v1.
        proc.file(&format!("{JVM}/root/sys/fs/cgroup/pids/pids.current"), "1\n");
        let figures = read(proc.path(), JVM).unwrap();
        assert_eq!(figures, Figures { pressure: pressure(), ..expected() }, "{cgroup}");
    }
}

#[test]
fn a_v1_container_says_the_same_in_other_words() {
    let cgroup = "9:cpu,cpuacct:/kubepods/podA/abc\n4:memory:/kubepods/podA/abc\n3:blkio:/kubepods/podA/abc\n2:pids:/kubepods/podA/abc\n";
    for cgroup in [cgroup, &cgroup.replace("cpu,cpuacct", "cpuacct,cpu"), ""] {
        let proc = spark(cgroup, V1);
        for name in ["cpu", "cpuacct"] {
            symlink("cpu,cpuacct", base(&proc).join(name)).unwrap();
        }
        assert_eq!(read(proc.path(), JVM).unwrap(), expected(), "{cgroup}");
    }
    // No links beside it, and the kernel's order is not the mount's.
    let proc = spark(&cgroup.replace("cpu,cpuacct", "cpuacct,cpu"), V1);
    assert_eq!(read(proc.path(), JVM).unwrap(), expected());
}

#[test]
fn on_a_host_the_processs_own_group_is_read_and_not_the_mounts_root() {
    let of_v2: Vec<(String, &str)> = V2
        .iter()
        .map(|(name, text)| (format!("user.slice/spark.scope/{name}"), *text))
        .chain([
            ("cgroup.controllers".into(), "cpu memory\n"),
            ("cpu.stat".into(), "usage_usec 1\n"),
        ])
        .collect();
    let of_v2: Vec<(&str, &str)> =
        of_v2.iter().map(|(name, text)| (name.as_str(), *text)).collect();
    let proc = spark("0::/user.slice/spark.scope\n", &of_v2);
    assert_eq!(read(proc.path(), JVM).unwrap(), Figures { pressure: pressure(), ..expected() });

    let proc = spark(
        "4:memory:/spark\n3:pids:/\n",
        &[
            ("memory/memory.usage_in_bytes", "999\n"),
            ("memory/release_agent", "\n"),
            ("memory/spark/memory.usage_in_bytes", "5\n"),
            ("pids/pids.current", "4000\n"),
            ("pids/release_agent", "\n"),
        ],
    );
    let memory = Memory { usage_bytes: Some(5), ..Memory::default() };
    assert_eq!(read(proc.path(), JVM).unwrap(), Figures { memory, ..Figures::default() });
}

#[test]
fn a_path_that_leads_out_of_the_mount_is_not_followed() {
    let proc = spark("4:memory:/../../../../outside\n", &[("memory/memory.usage_in_bytes", "5\n")]);
    for outside in [proc.path().join("outside"), proc.path().join("21/outside")] {
        std::fs::create_dir_all(&outside).unwrap();
        std::fs::write(outside.join("memory.usage_in_bytes"), "666\n").unwrap();
    }
    assert_eq!(read(proc.path(), JVM).unwrap().memory.usage_bytes, Some(5));
    // Nor is a controller that is none.
    let proc = spark("4:memory,../../outside:/\n", &[("memory/memory.usage_in_bytes", "5\n")]);
    assert_eq!(read(proc.path(), JVM).unwrap().memory.usage_bytes, Some(5));
}

#[test]
fn a_mixture_gives_what_either_has() {
    let mut files: Vec<(&str, &str)> = V1.to_vec();
    files.extend([
        ("unified/cgroup.controllers", "\n"),
        ("unified/cgroup.events", "populated 1\n"),
        ("unified/cpu.stat", "usage_usec 1\nuser_usec 1\nsystem_usec 0\n"),
        ("unified/io.pressure", "some avg10=0.00 total=3000000\nfull avg10=0.00 total=2000000\n"),
    ]);
    let cgroup = "9:cpu,cpuacct:/podA/abc\n4:memory:/podA/abc\n0::/podA/abc\n";
    let figures = read(spark(cgroup, &files).path(), JVM).unwrap();
    let io = pressure().io;
    assert_eq!(figures, Figures { pressure: Pressure { io, ..Pressure::default() }, ..expected() });
    // The root of the unified tree is the machine's.
    files.retain(|(name, _)| *name != "unified/cgroup.events");
    assert_eq!(read(spark(cgroup, &files).path(), JVM).unwrap(), expected());
}

#[test]
fn what_an_older_kernel_or_an_unlimited_container_lacks_is_absent() {
    let older: Vec<(&str, &str)> = V2
        .iter()
        .filter(|(name, _)| !name.ends_with("pressure") && *name != "memory.peak")
        .map(|(name, text)| match *name {
            "memory.max" => ("memory.max", "max\n"),
            "cpu.max" => ("cpu.max", "max 100000\n"),
            "pids.max" => ("pids.max", "4194304\n"),
            name => (name, *text),
        })
        .collect();
    let figures = read(spark("0::/../abc\n", &older).path(), JVM).unwrap();
    let mut absent = expected();
    (absent.memory.limit_bytes, absent.memory.peak_bytes) = (None, None);
    (absent.cpu.quota_cores, absent.pids.limit) = (None, Some(4_194_304));
    assert_eq!(figures, absent);

    for (page_kib, unlimited) in [(4, "9223372036854771712\n"), (64, "9223372036854710272\n")] {
        let files = [
            ("memory/memory.usage_in_bytes", "5\n"),
            ("memory/memory.limit_in_bytes", unlimited),
            ("cpu/cpu.cfs_quota_us", "-1\n"),
            ("cpu/cpu.cfs_period_us", "100000\n"),
        ];
        let figures = read(spark("", &files).path(), JVM).unwrap();
        assert_eq!(figures.memory.limit_bytes, None, "pages of {page_kib} KiB");
        assert_eq!(figures.cpu.quota_cores, None);
    }
}

#[test]
fn a_malformed_file_takes_nothing_but_its_own_figures_away() {
    // Any word for no limit is a word for no limit.
    let whole = |name: &str| name.starts_with("cgroup.") || name == "pids.max";
    for (name, _) in V2.iter().filter(|(name, _)| !whole(name)) {
        for bad in [
            "",
            "\n",
            "nonsense\n",
            "-5\n",
            "\u{0}\u{0}",
            "99999999999999999999999\n",
            "a b c=d total=\n",
        ] {
            let files: Vec<(&str, &str)> = V2
                .iter()
                .map(|(file, text)| (*file, if file == name { bad } else { text }))
                .collect();
            let figures = read(spark("0::/../abc\n", &files).path(), JVM).unwrap();
            if *name != "memory.current" {
                assert_eq!(figures.memory.usage_bytes, Some(1_600_000_000), "{name} {bad:?}");
            }
            if *name != "cpu.stat" {
                assert_eq!(figures.cpu.usage_seconds, Some(90.5), "{name} {bad:?}");
            }
            let complete = Figures { pressure: pressure(), ..expected() };
            assert_ne!(figures, complete, "{name} {bad:?}");
            if *name == "io.stat" && !bad.trim().is_empty() {
                assert_eq!(figures.storage, Storage::default(), "{bad:?}");
            }
            let group = ControlGroup::open(spark("0::/../abc\n", &files).path(), JVM);
            let group = group.unwrap();
            group.read().unwrap();
            assert_eq!(group.take_unparsed() == 0, bad.trim().is_empty(), "{name} {bad:?}");
            assert_eq!(group.take_unparsed(), 0);
        }
    }
}

/// What no kernel has written yet, what some write of ZFS and of multipath devices, and what is no
/// text.
const BAD_LINES: &str =
    "(unknown) rbytes=1 wbytes=2 rios=1 wios=1\n(unknown)\n\u{fffd}\u{0}\nnew_key word\n";

#[test]
fn a_line_that_cannot_be_read_leaves_the_rest_of_its_file_as_it_is() {
    for (files, cgroup) in [(V2, "0::/../abc\n"), (V1, "9:cpu,cpuacct:/podA/abc\n")] {
        let clean = read(spark(cgroup, files).path(), JVM).unwrap();
        for (bad, text) in files.iter().filter(|(name, _)| !name.starts_with("cgroup.")) {
            for mixed in [format!("{BAD_LINES}{text}"), format!("{text}{BAD_LINES}")] {
                let with = |(name, text): &(&'static str, &'static str)| {
                    (*name, if name == bad { mixed.clone() } else { (*text).to_owned() })
                };
                let all: Vec<(&str, String)> = files.iter().map(with).collect();
                let all: Vec<(&str, &str)> =
                    all.iter().map(|(name, text)| (*name, text.as_str())).collect();
                let proc = spark(cgroup, &all);
                let group = ControlGroup::open(proc.path(), JVM).unwrap();
                assert_eq!(group.read().unwrap(), clean, "{bad}");
                assert_eq!(group.take_unparsed(), 4, "{bad}");
            }
        }
    }
}

/// `fixtures/reports/11-iostat-unknown-device`.
#[test]
fn a_device_without_a_name_is_left_out_and_the_others_count() {
    let traffic = |file: &str| {
        let mut unparsed = Unparsed::default();
        (v2::traffic(file.as_bytes(), &mut unparsed), unparsed.0)
    };
    let sum = |read, written| Storage { read_bytes: Some(read), written_bytes: Some(written) };
    let known = "259:0 rbytes=4096 wbytes=8192 rios=1 wios=2 dbytes=0 dios=0\n";
    let unknown = "(unknown) rbytes=77 wbytes=88 rios=1 wios=2 dbytes=0 dios=0\n";
    assert_eq!(traffic(&format!("{unknown}{known}")), (sum(4096, 8192), 1));
    assert_eq!(traffic(&format!("{known}{unknown}")), (sum(4096, 8192), 1));
    assert_eq!(traffic(unknown), (Storage::default(), 1));
    assert_eq!(traffic(""), (sum(0, 0), 0));
    // Devices without figures in front, and a figure that is none.
    assert_eq!(traffic(&format!("7:7 7:6 {known}8:0 \n")), (sum(4096, 8192), 0));
    assert_eq!(traffic(&format!("{known}8:0 rbytes=x wbytes=1\n")), (sum(4096, 8192), 1));
    let mut unparsed = Unparsed::default();
    let v1 = b"(unknown) Read 7\n259:0 Read 4096\n259:0 Write 8192\n259:0 Discard 0\nTotal 12288\n";
    assert_eq!((v1::traffic(v1, &mut unparsed), unparsed), (sum(4096, 8192), Unparsed(1)));
}

#[test]
fn a_group_that_is_held_stays_readable_when_its_process_is_gone_and_until_it_is_removed() {
    for (cgroup, files) in [("0::/../abc\n", V2), ("4:memory:/podA/abc\n", V1)] {
        let proc = spark(cgroup, files);
        let held = ControlGroup::open(proc.path(), JVM).unwrap();
        let aside = proc.path().join("aside");
        std::fs::rename(proc.path().join(JVM.to_string()), &aside).unwrap();
        assert_eq!(read(proc.path(), JVM).unwrap_err().reason(), "no_process");
        assert_eq!(held.read().unwrap().memory, expected().memory);
        assert_eq!(held.memory(), Some(expected().memory));
        // A removed group's files are open still, and give nothing.
        let group = aside.join("root/sys/fs/cgroup");
        for (name, _) in files {
            std::fs::write(group.join(name), "gone\n").unwrap();
        }
        assert_eq!(held.read().unwrap_err().reason(), "nothing_readable");
        assert_eq!(held.memory(), None);
    }
}

#[test]
fn the_reason_for_nothing_is_told() {
    let reason = |proc: &FakeProc, pid| read(proc.path(), pid).unwrap_err().reason();
    assert_eq!(reason(&spark("", V2), 999), "no_process");
    let without = spark("", &[]);
    std::fs::create_dir_all(without.path().join("21/root/sys/fs")).unwrap();
    assert_eq!(reason(&without, JVM), "no_cgroup_file_system");
    std::fs::create_dir_all(without.path().join("21/root/sys/fs/cgroup")).unwrap();
    assert_eq!(reason(&without, JVM), "no_cgroup_file_system");
    let machine = [("cgroup.controllers", "cpu\n"), ("cpu.stat", "usage_usec 1\n")];
    assert_eq!(reason(&spark("0::/\n", &machine), JVM), "root_cgroup");
    let empty = [("memory/tasks", "1\n")];
    assert_eq!(reason(&spark("", &empty), JVM), "nothing_readable");
}

#[test]
fn figures_are_written_with_help_and_base_units() {
    let mut page = Page::new();
    let figures = Figures { pressure: pressure(), ..expected() };
    figures.write("spark-kubernetes-driver", &mut page);
    assert_eq!(page.drop_duplicates(), 0);
    assert_eq!(page.families().len(), 27);
    let samples = page.families().iter().map(|family| family.samples.len());
    assert_eq!(samples.sum::<usize>(), 28);
    let mut text = Vec::new();
    encode::text(&page, &mut text);
    let text = String::from_utf8(text).unwrap();
    for line in [
        "spark_container_memory_working_set_bytes{container=\"spark-kubernetes-driver\"} 1500000000",
        "spark_container_cpu_cfs_throttled_seconds_total{container=\"spark-kubernetes-driver\"} 2.5",
        "spark_container_pressure_cpu_stalled_seconds_total{container=\"spark-kubernetes-driver\"} 0.25",
        "spark_container_memory_failures_total{container=\"spark-kubernetes-driver\",failure_type=\"pgmajfault\"} 78",
        "# TYPE spark_container_oom_kills_total counter",
        "# TYPE spark_container_cpu_quota_cores gauge",
    ] {
        assert!(text.lines().any(|found| found == line), "{line} is not in\n{text}");
    }
    let mut nothing = Page::new();
    Figures::default().write("x", &mut nothing);
    assert!(nothing.is_empty());
}

#[test]
fn this_machine_tells_the_truth_about_this_process() {
    match read(Path::new("/proc"), std::process::id()) {
        Ok(figures) => {
            assert_ne!(figures, Figures::default());
            let memory = figures.memory;
            if let (Some(usage), Some(working_set)) = (memory.usage_bytes, memory.working_set_bytes)
            {
                assert!(working_set > 0 && working_set <= usage, "{working_set} of {usage}");
            }
            if let (Some(usage), Some(peak)) = (memory.usage_bytes, memory.peak_bytes) {
                assert!(peak > 0 && usage > 0);
            }
            if let Some(seconds) = figures.cpu.usage_seconds {
                assert!(seconds > 0.0);
            }
        }
        // A machine whose processes are all in the root group, or that has no groups at all.
        Err(error) => {
            assert!(["root_cgroup", "no_cgroup_file_system"].contains(&error.reason()), "{error}");
        }
    }
}

proptest! {
    #[test]
    fn any_bytes_are_survived(bytes in proptest::collection::vec(any::<u8>(), 0..300), lines in "(some|full|8:0|Total|Read|anon|user|max| |=|total=|rbytes=|[0-9]{1,25}|\n){0,40}") {
        read_as_each_file(&bytes);
        read_as_each_file(lines.as_bytes());
    }

    #[test]
    fn pressure_is_read_as_it_is_written(some in 0u64..1 << 50, full in proptest::option::of(0u64..1 << 50), average in 0u32..10_000) {
        let line = |name, total| format!("{name} avg10={average}.00 avg60=0.12 avg300=0.00 total={total}\n");
        let text = line("some", some) + &full.map(|full| line("full", full)).unwrap_or_default();
        let waiting = v2::pressure(text.as_bytes(), &mut Unparsed::default());
        prop_assert_eq!(waiting.waiting_seconds, Some(some as f64 / 1e6));
        prop_assert_eq!(waiting.stalled_seconds, full.map(|full| full as f64 / 1e6));
    }

    #[test]
    fn traffic_is_the_sum_over_devices_in_both_versions(devices in proptest::collection::vec((0u16..300, 0u16..300, 0u64..1 << 40, 0u64..1 << 40), 0..20)) {
        let read: u64 = devices.iter().map(|device| device.2).sum();
        let written: u64 = devices.iter().map(|device| device.3).sum();
        let lines = |line: fn(&(u16, u16, u64, u64)) -> String| -> String { devices.iter().map(line).collect::<Vec<_>>().concat() };
        let of_v2 = lines(|(major, minor, read, written)| format!("{major}:{minor} rbytes={read} wbytes={written} rios=1 wios=2 dbytes=7 dios=1\n"));
        let of_v1 = lines(|(major, minor, read, written)| format!("{major}:{minor} Read {read}\n{major}:{minor} Write {written}\n{major}:{minor} Total 1\n")) + "Total 1\n";
        let sum = Storage { read_bytes: Some(read), written_bytes: Some(written) };
        let mut unparsed = Unparsed::default();
        prop_assert_eq!(&v2::traffic(of_v2.as_bytes(), &mut unparsed), &sum);
        prop_assert_eq!(v1::traffic(of_v1.as_bytes(), &mut unparsed), sum);
        prop_assert_eq!(unparsed, Unparsed(0));
    }
}
