use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;
use tokio::io::AsyncWriteExt as _;
use tokio::net::{TcpListener, TcpStream};

use super::*;
use crate::exposition::{Page, encode};
use crate::sources::spark::{Reason, Repairs, Wanted};

const CAPTURED: &str =
    include_str!("../../../../tests/fixtures/servlet/spark-3.5.6-executor.graphite");

fn run<T>(task: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(task)
}

/// What the store serves after it received these bytes.
fn received(bytes: &[u8]) -> (String, Repairs) {
    let store = Store::default();
    run(receive::receive(bytes, &store, Duration::from_secs(5))).unwrap();
    served(&store, None)
}

fn served(store: &Store, application_id: Option<&str>) -> (String, Repairs) {
    let (mut page, mut out) = (Page::new(), Vec::new());
    let application_id = application_id.map(str::to_owned);
    let wanted = Wanted { application_id, ..Wanted::default() };
    let repairs = store.write(Of::All, &wanted, &mut page);
    encode::text(&page, &mut out);
    (String::from_utf8(out).unwrap(), repairs)
}

#[test]
fn what_two_executors_pushed_is_served_with_its_last_values() {
    let (text, repairs) = received(CAPTURED.as_bytes());
    for sample in [
        "spark_executor_run_time_seconds_total{application_id=\"app-20261123073144-0000\",executor_id=\"0\"} ",
        "spark_executor_run_time_seconds_total{application_id=\"app-20261123073144-0000\",executor_id=\"1\"} ",
        "spark_executor_jvm_pool_used_bytes{application_id=\"app-20261123073144-0000\",executor_id=\"0\",pool=\"CodeHeap 'non-nmethods'\"} ",
        "spark_executor_jvm_direct_buffers{",
        "spark_executor_jvm_gc_collections_total{",
        "spark_executor_code_generator_compilation_time_seconds_count{",
        "spark_executor_netty_block_transfer_client_direct_memory_bytes{",
    ] {
        assert!(text.contains(&format!("\n{sample}")), "{sample}");
    }
    assert!(!text.contains("does not know"));
    assert_eq!(repairs, Repairs::default());
    // 192 names an executor; of 4 histograms max, mean, min and standard deviation are left out.
    let samples = text.lines().filter(|line| !line.starts_with('#'));
    assert_eq!(samples.count(), 2 * (192 - 16));
}

#[test]
fn the_last_value_of_a_name_counts() {
    let lines = "a.1.executor.runTime.count 1500 1\na.1.executor.runTime.count 2500 2\r\n\n";
    let (text, _) = received(lines.as_bytes());
    assert!(text.ends_with("spark_executor_run_time_seconds_total{executor_id=\"1\"} 2.5\n"));
}

#[test]
fn what_the_driver_pushes_is_the_drivers_and_its_timers_are_in_milliseconds() {
    let name = "a.driver.DAGScheduler.messageProcessingTime";
    let (text, _) = received(format!("{name}.p99 250.00 1\n{name}.m1_rate 3.79 1\n").as_bytes());
    let family = "spark_driver_dag_scheduler_message_processing_time_seconds";
    assert!(text.ends_with(&format!("{family}{{quantile=\"0.99\"}} 0.25\n")));
}

#[test]
fn the_pods_id_counts_unless_the_namespace_is_another_applications() {
    for (namespace, label) in
        [("nightly.etl", "other"), ("app-20261123073144-0000", "app-20261123073144-0000")]
    {
        let store = Store::default();
        let line = format!("{namespace}.1.executor.runTime.count 1 1\n");
        run(receive::receive(line.as_bytes(), &store, Duration::from_secs(5))).unwrap();
        assert!(store.last_push().is_some());
        let text = served(&store, Some("other")).0;
        assert!(text.contains(&format!("{{application_id=\"{label}\",")), "{text}");
    }
}

#[test]
fn a_namespace_may_be_empty_and_a_name_older_than_it() {
    let count = "spark_executor_run_time_seconds_total{executor_id=\"7\"} 1.5\n";
    let rows = "spark_executor_loader_source_rows{executor_id=\"7\"} 5\n";
    for prefix in ["", "app.1.", "v1.2.3."] {
        // The user's first: it waits until the next tells whose they are.
        for user in ["", "7."] {
            let user = if user.is_empty() { String::new() } else { format!("{prefix}{user}") };
            let lines = format!(
                "{user}LoaderSource.rows.count 5 1\n{prefix}7.executor.runTime.count 1500 1\n"
            );
            let (text, repairs) = received(lines.as_bytes());
            assert!(text.contains(count) && text.contains(rows), "{lines}{text}");
            assert_eq!(repairs, Repairs::default());
        }
    }
    let (text, _) = received(b"driver.DAGScheduler.job.allJobs 3 1\n");
    assert!(text.ends_with("spark_driver_dag_scheduler_jobs_total 3\n"), "{text}");
}

#[test]
fn what_waits_is_limited_and_kept_in_the_end() {
    let mut lines: Vec<_> = (0..2000).map(|n| format!("v1.2.7.my.x{n} 1 1\n")).collect();
    lines.push("v1.2.7.executor.runTime.count 1500 1\n".to_owned());
    let (text, repairs) = received(lines.concat().as_bytes());
    assert!(text.contains("spark_executor_my_x1{executor_id=\"7\"} 1\n"), "{text}");
    assert!(text.contains("spark_executor_run_time_seconds_total{executor_id=\"7\"} 1.5\n"));
    assert_eq!(repairs.count(Reason::TooMany), 2000 - 512);
}

#[test]
fn lines_that_are_none_are_counted_once() {
    let store = Store::default();
    let lines = b"a.1.executor.x\na.1.executor.x y 1\na.1.executor.x 1\nGET / HTTP/1.1\n\xff 1 1\n\
        nothing 1 1\n"
        .as_slice();
    run(receive::receive(lines, &store, Duration::from_secs(5))).unwrap();
    let (text, repairs) = served(&store, None);
    assert_eq!(text, "");
    let counts = [Reason::NoValue, Reason::NotANumber, Reason::Malformed].map(|r| repairs.count(r));
    assert_eq!(counts, [1, 2, 3]);
    assert_eq!(served(&store, None).1, Repairs::default());
    assert_eq!(store.last_push(), None);
    assert!(store.last_line().is_some());
}

#[test]
fn half_a_line_of_a_jvm_that_was_killed_while_it_reported_is_neither_served_nor_a_fault() {
    let (text, repairs) =
        received(b"a.1.JVMCPU.jvmCpuTime 1000000000 1\na.1.executor.runTime.count 12");
    assert!(text.ends_with("spark_executor_jvm_cpu_seconds_total{executor_id=\"1\"} 1\n"));
    assert!(!text.contains("run_time"), "{text}");
    assert_eq!(repairs, Repairs::default());
}

#[test]
fn a_line_without_end_is_skipped_and_the_next_is_read() {
    let mut bytes = vec![b'x'; 20_000];
    bytes.extend(b" 1 1\na.1.JVMCPU.jvmCpuTime 1000000000 1\n");
    let (text, repairs) = received(&bytes);
    assert!(text.ends_with("spark_executor_jvm_cpu_seconds_total{executor_id=\"1\"} 1\n"));
    let wrong: Vec<_> = repairs.iter().filter(|(_, count)| *count > 0).collect();
    assert_eq!(wrong, [(Reason::TooLong, 1)]);
}

#[test]
fn names_and_executors_are_limited_in_number() {
    let names: Vec<_> = (0..5000).map(|n| format!("a.1.plugin.x{n} 1 1\n")).collect();
    assert_eq!(received(names.concat().as_bytes()).1.count(Reason::TooMany), 5000 - 512);
    let executors: Vec<_> = (0..10).map(|n| format!("a.{n}.JVMCPU.jvmCpuTime 1 1\n")).collect();
    let (text, repairs) = received(executors.concat().as_bytes());
    assert_eq!((text.lines().count(), repairs.count(Reason::TooMany)), (2 + 8, 2));
}

#[test]
fn what_one_process_pushes_is_limited_in_bytes() {
    let lines = |executor, pad: &str| -> Vec<u8> {
        let lines: Vec<_> =
            (0..4096).map(|n| format!("a.{executor}.plugin.{pad}{n} 1 1\n")).collect();
        lines.concat().into_bytes()
    };
    for pad in ["x".repeat(3900), "x".repeat(100), String::new()] {
        let store = Store::default();
        for executor in 0..8 {
            let lines = lines(executor, &pad);
            run(receive::receive(&lines[..], &store, Duration::from_secs(5))).unwrap();
        }
        assert!(store.bytes() <= 8 * 512 * 1024, "{}", store.bytes());
        // Spark's own come first, with each new process.
        assert!(store.bytes() >= 8 * 200 * 1024, "{}", store.bytes());
    }
}

#[test]
fn what_waits_is_limited_in_bytes_too() {
    let store = Store::default();
    let mut connection = store::Connection::default();
    for number in 0..4096 {
        let line = format!("{}{number} 1 1", "x".repeat(3900));
        store.take_some(&mut connection, [line.as_bytes()].into_iter(), std::time::Instant::now());
        assert!(connection.bytes() < 128 * 1024, "{}", connection.bytes());
    }
}

#[test]
fn the_pods_driver_is_not_the_one_of_another_application() {
    let store = Store::default();
    for namespace in ["local-1795418699443", "spark-00000003aaaabbbbcccc"] {
        let line = format!("{namespace}.driver.DAGScheduler.job.allJobs 3 1\n");
        run(receive::receive(line.as_bytes(), &store, Duration::from_secs(5))).unwrap();
    }
    for (of_pod, served) in [
        (Some("spark-00000003aaaabbbbcccc"), Some("spark-00000003aaaabbbbcccc")),
        (Some("spark-00000003aaaabbbbdddd"), None),
        (None, Some("local-1795418699443")),
    ] {
        let wanted = Wanted { application_id: of_pod.map(str::to_owned), ..Wanted::default() };
        let (mut page, mut out) = (Page::new(), Vec::new());
        store.write(Of::Driver, &wanted, &mut page);
        encode::text(&page, &mut out);
        let text = String::from_utf8(out).unwrap();
        let ids: Vec<&str> = text.split("application_id=\"").skip(1).collect();
        assert_eq!(store.last_push_of_driver(&wanted).is_some(), served.is_some());
        assert_eq!(ids.len(), usize::from(served.is_some()), "{text}");
        assert!(ids.iter().zip(served).all(|(text, id)| text.starts_with(id)), "{text}");
    }
}

#[test]
fn queries_whose_names_fold_together_stay_two() {
    let (text, _) = received(
        b"app-1.driver.spark.streaming.orders-eu.inputRate-total 10.00 1\n\
          app-1.driver.spark.streaming.orders.eu.inputRate-total 400.00 1\n\
          app-1.driver.spark.streaming.returns-eu.inputRate-total 5.00 1\n",
    );
    let name = "spark_driver_structured_streaming_input_rows_per_second";
    for sample in [
        format!("{name}{{query=\"orders_eu\"}} 10\n"),
        format!("{name}{{query=\"orders.eu\"}} 400\n"),
        format!("{name}{{query=\"returns_eu\"}} 5\n"),
    ] {
        assert!(text.contains(&sample), "{sample}{text}");
    }
}

#[test]
fn names_in_any_script_and_of_signs_alone_are_told_apart() {
    let lines = "app-1.7.shop.订单 5 1\napp-1.7.shop.退款 6 1\napp-1.7.订单.数 8 1\n\
        app-1.7.shop.größe 9 1\napp-1.7.shop.% 10 1\napp-1.7.shop.+ 11 1\napp-1.7.-.% 12 1\n";
    let (text, repairs) = received(lines.as_bytes());
    for sample in [
        "shop_u8ba2_u5355{executor_id=\"7\"} 5",
        "shop_u9000_u6b3e{executor_id=\"7\"} 6",
        "u8ba2_u5355_u6570{executor_id=\"7\"} 8",
        "shop_gr_u00f6_u00df_e{executor_id=\"7\"} 9",
        "shop_u0025{executor_id=\"7\"} 10",
        "shop_u002b{executor_id=\"7\"} 11",
        "u002d_u0025{executor_id=\"7\"} 12",
    ] {
        assert!(text.contains(&format!("\nspark_executor_{sample}\n")), "{sample}\n{text}");
    }
    assert_eq!(repairs, Repairs::default());
}

#[test]
fn a_users_counter_may_go_down_and_a_meter_may_not() {
    let (text, _) = received(
        b"a.7.plugin.in_flight.count 4 1\na.7.plugin.requests.count 9 1\n\
          a.7.plugin.requests.m1_rate 0.5 1\n",
    );
    for line in [
        "# TYPE spark_executor_plugin_in_flight gauge",
        "spark_executor_plugin_in_flight{executor_id=\"7\"} 4",
        "# TYPE spark_executor_plugin_requests_total counter",
        "spark_executor_plugin_requests_total{executor_id=\"7\"} 9",
    ] {
        assert!(text.lines().any(|it| it == line), "{line}\n{text}");
    }
}

#[test]
fn a_silent_connection_is_closed() {
    run(async {
        let (_writer, reader) = tokio::io::duplex(64);
        let store = Store::default();
        let error = receive::receive(reader, &store, Duration::from_millis(20)).await.unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::TimedOut);
    });
}

#[test]
fn connections_are_limited_and_a_free_place_is_used_again() {
    run(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let store = Arc::new(Store::default());
        let server = tokio::spawn(serve(listener, Arc::clone(&store)));
        let mut open = Vec::new();
        for _ in 0..16 {
            open.push(TcpStream::connect(address).await.unwrap());
        }
        let one_more = TcpStream::connect(address).await.unwrap();
        let mut byte = [0];
        let read = tokio::time::timeout(Duration::from_secs(5), one_more.readable()).await;
        assert!(read.is_ok(), "the 17th connection is closed");
        assert!(!matches!(one_more.try_read(&mut byte), Ok(1..)));
        open.clear();
        // The places are free as soon as the server has seen the ends.
        for _ in 0..100 {
            let mut again = TcpStream::connect(address).await.unwrap();
            let _ = again.write_all(b"a.1.JVMCPU.jvmCpuTime 1 1\n").await;
            let _ = again.shutdown().await;
            tokio::time::sleep(Duration::from_millis(20)).await;
            if store.last_push().is_some() {
                break;
            }
        }
        assert!(store.last_push().is_some());
        server.abort();
    });
}

proptest! {
    #[test]
    fn any_bytes_in_any_pieces_are_survived(
        bytes in proptest::collection::vec(any::<u8>(), 0..600),
        size in 1usize..64,
    ) {
        let store = Store::default();
        let whole = bytes.clone();
        run(async {
            let (mut writer, reader) = tokio::io::duplex(size);
            let write = async move {
                writer.write_all(&whole).await.unwrap();
            };
            let read = receive::receive(reader, &store, Duration::from_secs(5));
            let ((), read) = tokio::join!(write, read);
            read.unwrap();
        });
        prop_assert_eq!(served(&store, None), received(&bytes));
    }
}
