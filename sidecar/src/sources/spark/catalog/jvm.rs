//! What the JVM says of itself: `JVMCPU` always, `jvm` where `spark.metrics.conf.*.source.jvm.class`
//! names `JvmSource` (Dropwizard's memory, garbage collector and buffer pool sets).

use super::table::{BOTH, MetricsSource, gauge, rising, source};
use super::{Label, Metric, Unit};

source! {
    JVM_CPU: "JVMCPU." of BOTH, "";
    rising("jvmCpuTime" in ns, "jvm_cpu_seconds_total", "CPU time of the JVM.");
}

source! {
    JVM: "jvm." of BOTH, "";
    gauge("heap.used", "jvm_heap_used_bytes", "Heap that is in use.");
    gauge("heap.committed", "jvm_heap_committed_bytes", "Heap that the system has granted.");
    gauge("heap.max", "jvm_heap_max_bytes", "Heap that there may be; -1 where nothing bounds it.");
    gauge("heap.init", "jvm_heap_init_bytes", "Heap at the start.");
    gauge("heap.usage", "jvm_heap_usage_ratio", "Heap that is in use, of what there may be.");
    gauge("non-heap.used", "jvm_non_heap_used_bytes", "Memory outside the heap that is in use.");
    gauge("non-heap.committed", "jvm_non_heap_committed_bytes", "Memory outside the heap that the system has granted.");
    gauge("non-heap.max", "jvm_non_heap_max_bytes", "Memory outside the heap that there may be; -1 where nothing bounds it.");
    gauge("non-heap.init", "jvm_non_heap_init_bytes", "Memory outside the heap at the start.");
    gauge("non-heap.usage", "jvm_non_heap_usage_ratio", "Memory outside the heap that is in use, of what there may be or is granted.");
    gauge("total.used", "jvm_total_used_bytes", "Heap and other memory that is in use.");
    gauge("total.committed", "jvm_total_committed_bytes", "Heap and other memory that the system has granted.");
    gauge("total.max", "jvm_total_max_bytes", "Heap and other memory that there may be; -1 where nothing bounds it.");
    gauge("total.init", "jvm_total_init_bytes", "Heap and other memory at the start.");
    gauge("pools.<pool>.used", "jvm_pool_used_bytes", "Memory of a pool that is in use.").label(Label::Pool);
    gauge("pools.<pool>.committed", "jvm_pool_committed_bytes", "Memory of a pool that the system has granted.").label(Label::Pool);
    gauge("pools.<pool>.max", "jvm_pool_max_bytes", "Memory of a pool that there may be; -1 where nothing bounds it.").label(Label::Pool);
    gauge("pools.<pool>.init", "jvm_pool_init_bytes", "Memory of a pool at the start.").label(Label::Pool);
    gauge("pools.<pool>.usage", "jvm_pool_usage_ratio", "Memory of a pool that is in use, of what there may be or is granted.").label(Label::Pool);
    gauge("pools.<pool>.used-after-gc", "jvm_pool_used_after_gc_bytes", "Memory of a pool that was in use after the last collection.").label(Label::Pool);
    rising("<collector>.count", "jvm_gc_collections_total", "Collections of a garbage collector.").label(Label::Collector);
    rising("<collector>.time" in ms, "jvm_gc_collection_seconds_total", "Time of the collections of a garbage collector.").label(Label::Collector);
    gauge("direct.used", "jvm_direct_used_bytes", "Memory of direct buffers.");
    gauge("direct.capacity", "jvm_direct_capacity_bytes", "Capacity of direct buffers.");
    gauge("direct.count", "jvm_direct_buffers", "Direct buffers.");
    gauge("mapped.used", "jvm_mapped_used_bytes", "Memory of mapped buffers.");
    gauge("mapped.capacity", "jvm_mapped_capacity_bytes", "Capacity of mapped buffers.");
    gauge("mapped.count", "jvm_mapped_buffers", "Mapped buffers.");
}
