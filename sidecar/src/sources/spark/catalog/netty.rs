//! What Netty's buffers take that blocks are fetched and served with
//! (`org.apache.spark.network.util.NettyMemoryMetrics`). What it has of each arena, with
//! `spark.shuffle.io.enableVerboseMetrics`, is not in here: that is for looking into Netty.

use super::Metric;
use super::table::{EXECUTOR, MetricsSource, gauge, source};

source! {
    NETTY: "NettyBlockTransfer." of EXECUTOR, "";
    gauge("shuffle-client.usedDirectMemory", "netty_block_transfer_client_direct_memory_bytes", "Direct memory of Netty for fetching blocks.");
    gauge("shuffle-client.usedHeapMemory", "netty_block_transfer_client_heap_memory_bytes", "Heap memory of Netty for fetching blocks.");
    gauge("shuffle-server.usedDirectMemory", "netty_block_transfer_server_direct_memory_bytes", "Direct memory of Netty for serving blocks.");
    gauge("shuffle-server.usedHeapMemory", "netty_block_transfer_server_heap_memory_bytes", "Heap memory of Netty for serving blocks.");
}

source! {
    EXTERNAL_SHUFFLE: "ExternalShuffle." of EXECUTOR, "";
    gauge("shuffle-client.usedDirectMemory", "external_shuffle_client_direct_memory_bytes", "Direct memory of Netty for fetching from an external shuffle service.");
    gauge("shuffle-client.usedHeapMemory", "external_shuffle_client_heap_memory_bytes", "Heap memory of Netty for fetching from an external shuffle service.");
}
