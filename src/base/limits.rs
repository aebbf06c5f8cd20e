//! Bounds and defaults that more than one module knows, or that users meet, named with their units.
//! Nothing raises a `_MAX` past what is written here. What concerns one module alone stands there.

/// Default of `global(maxMessageSize=)` (rsyslog: 8096 since 6.3.4).
pub const MESSAGE_BYTES_DEFAULT: usize = 8096;
/// The largest `maxMessageSize` that is accepted.
pub const MESSAGE_BYTES_MAX: usize = 16 << 20;
/// Default of imtcp's `maxFrameSize` (rsyslog: 200000).
pub const TCP_FRAME_BYTES_DEFAULT: usize = 200_000;
/// rsyslog's ceiling for an octet count while it is read; further digits no longer change it.
pub const TCP_FRAME_COUNT_MAX: usize = 200_000_000;
/// One TCP read.
pub const TCP_READ_BYTES: usize = 256 << 10;
/// Datagrams that one `recvmmsg` takes.
pub const UDP_RING_MESSAGES: usize = 256;
/// Memory of one UDP ring; larger messages make it shorter.
pub const UDP_RING_BYTES: usize = 4 << 20;
/// Size of the file of messages that made the program panic; what is more is counted alone.
pub const QUARANTINE_BYTES_MAX: u64 = 16 << 20;
/// Memory that one action's queue may hold, in rendered bytes.
pub const ACTION_QUEUE_BYTES_DEFAULT: usize = 8 << 20;
/// Bytes of a segment of a queue's files, where `queue.maxFileSize` does not say.
pub const DISK_SEGMENT_BYTES_DEFAULT: u64 = 16 << 20;
/// Sources that are remembered (names, counters, hoisted rules) per shard.
pub const SOURCES_MAX: usize = 65_536;
/// Hoisted programs that are kept per shard and ruleset; beyond it they are made anew.
pub const RESIDUALS_MAX: usize = 65_536;
/// Bytes of a name in `dyn_stats()` and `percentile_stats()`; rsyslog has no bound.
pub const STATS_NAME_BYTES_MAX: usize = 8 << 10;
/// Names that one `percentile_stats()` holds; rsyslog has no bound.
pub const PERCENTILE_NAMES_MAX: usize = 10_000;
/// Values that one `percentile_stats()` holds, of all names together (8 bytes each).
pub const PERCENTILE_VALUES_MAX: usize = 4 << 20;
/// Depth of `call` and of nested blocks.
pub const SCRIPT_DEPTH_MAX: usize = 64;
/// Rounds of `foreach` that one message may take, those of inner ones included.
pub const FOREACH_ROUNDS_MAX: u32 = 1_000_000;
/// Text that an expression builds, bytes: what is beyond is cut off.
pub const SCRIPT_TEXT_BYTES_MAX: usize = 64 << 20;
/// Memory that such a text leaves behind for the next one, bytes.
pub const SCRIPT_TEXT_BYTES_KEPT: usize = 1 << 20;
/// Rulesets that one message may be sent through by `call_indirect`.
pub const INDIRECT_CALLS_MAX: u32 = 10_000;
/// Time that a normal stop may take to drain, in milliseconds.
pub const DRAIN_MS_DEFAULT: u64 = 10_000;
/// The most that it may be given, in seconds: a day.
pub const DRAIN_SECONDS_MAX: u64 = 86_400;
/// Depth of an expression, not counting chains of one operator.
pub const EXPRESSION_DEPTH_MAX: usize = 256;
/// Open files of one `dynaFile` action (rsyslog `dynaFileCacheSize` default: 10).
pub const DYNAFILE_CACHE_DEFAULT: usize = 10;
/// The most that `dynaFileCacheSize` is taken for.
pub const DYNAFILE_CACHE_MAX: usize = 10_000;
/// Threads of zstd for one file.
pub const ZSTD_WORKERS_MAX: u32 = 64;
/// Length of one `else if` chain.
pub const ELSE_IF_MAX: usize = 500;
/// Operators of one strength in a row, without parentheses.
pub const EXPRESSION_CHAIN_MAX: usize = 1_000;
/// Complaints about one configuration; what is beyond them is counted.
pub const DIAGNOSTICS_MAX: usize = 1_000;
/// Config text: one file, bytes.
pub const CONFIG_FILE_BYTES_MAX: usize = 64 << 20;
/// Config text: all files together, bytes.
pub const CONFIG_BYTES_MAX: usize = 512 << 20;
/// Text of one YAML file, bytes.
pub const YAML_BYTES_MAX: usize = 16 << 20;
/// Scalars, sequences and mappings of one YAML file.
pub const YAML_NODES_MAX: usize = 250_000;
/// Depth of YAML's sequences and mappings: two for each `else` of a chain, and what is around it.
pub const YAML_DEPTH_MAX: usize = 2 * ELSE_IF_MAX + 8 * SCRIPT_DEPTH_MAX;
/// Depth of groups in a regular expression, and of repetitions of repetitions.
pub const REGEX_DEPTH_MAX: usize = 100;
/// Parts of a regular expression, intervals written out.
pub const REGEX_NODES_MAX: usize = 65_536;
/// Steps of one search with a regular expression: about 0.1 s.
pub const REGEX_STEPS_MAX: usize = 1 << 24;
/// The same where it has back references, whose steps are dearer.
pub const REGEX_BACK_STEPS_MAX: usize = 1 << 18;
/// File of a lookup table, bytes.
pub const LOOKUP_FILE_BYTES_MAX: u64 = 512 << 20;
/// One row of a lookup table's file, bytes.
pub const LOOKUP_ROW_BYTES_MAX: usize = 1 << 20;
/// Rows of a lookup table.
pub const LOOKUP_ROWS_MAX: usize = 10_000_000;
/// Rows of a lookup table of regular expressions, which are tried one after the other.
pub const LOOKUP_REGEXES_MAX: usize = 10_000;
/// Depth of includes.
pub const INCLUDE_DEPTH_MAX: usize = 32;

const _: () = assert!(MESSAGE_BYTES_DEFAULT <= TCP_READ_BYTES);
const _: () = assert!(TCP_FRAME_BYTES_DEFAULT <= TCP_FRAME_COUNT_MAX);
