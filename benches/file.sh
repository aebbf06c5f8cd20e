#!/usr/bin/env bash
# What writing files costs a relay: TCP in, files out, CPU per message, beside the least that such
# work can cost (benches/file.c) and rsyslogd.
#
#   benches/file.sh [MESSAGES [RUNS]]      # 2000000 and 5
#
# Runs take turns, so that whatever else the machine does meets all of them. A row has the median,
# the least and the most of its runs, in CPU microseconds a message. `hosts` is a stream in which
# each message has another one of 1,000 host names, `senders` are 1,000 addresses.
#
# What it takes from the environment: benches/frame.sh. OUT is where files are written [a folder in /tmp].
messages=${1:-2000000}
# shellcheck source=benches/frame.sh
. "$(dirname "$0")/frame.sh"
port=20924 warm=20000
out=${OUT:-$dir/out}
gcc -O2 -o "$dir/limit" benches/file.c

input() {
  printf 'module(load="imtcp" maxSessions="2000")\n'
  printf 'input(type="imtcp" address="127.0.0.1" port="%s")\n' "$port"
}
{ input; printf 'action(type="omfile" file="%s/log")\n' "$out"; } >"$dir/one.conf"
{
  input
  printf 'template(name="n" type="string" string="%s/%%hostname%%.log")\n' "$out"
  printf 'action(type="omfile" dynaFile="n" dynaFileCacheSize="1000")\n'
} >"$dir/hosts.conf"
sed 's/hostname/fromhost-ip/' "$dir/hosts.conf" >"$dir/senders.conf"

# Messages of 226 bytes whose hosts take turns.
awk 'BEGIN {
  for (n = 0; n < 20000; n++) {
    line = sprintf("<134>Oct 11 22:14:15 host-%04d.example sshd[%d]: Accepted publickey for user%d", n * 7 % 1000, n, n)
    while (length(line) < 225) line = line " from 192.0.2.7 port 50022"
    print substr(line, 1, 225)
  }
}' >"$dir/corpus"

cpu() { awk '{ sub(/^.*\) /, ""); print ($12 + $13) * 1000000 / '"$(getconf CLK_TCK)"' }' "/proc/$1/stat"; }
written() { find "$out" -name '*log' -printf '%s\n' 2>/dev/null | awk '{ n += $1 } END { print n + 0 }'; }
listens() { grep -q ":$(printf %04X "$port") 00000000:0000 0A" /proc/net/tcp; }

send() { # SENDER-ARGUMENTS MESSAGES: sends, and waits until nothing more is written
  local before=-1 now
  # shellcheck disable=SC2086
  "$bongsu" bench send --to "127.0.0.1:$port" --corpus "$dir/corpus" --messages "$2" $1 >/dev/null 2>&1
  until now=$(written); [ "$now" = "$before" ]; do before=$now; sleep 0.5; done
}

run() { # NAME SENDER-ARGUMENTS MESSAGES COMMAND…: appends CPU µs a message to $dir/NAME.row
  local name=$1 how=$2 count=$3
  shift 3
  rm -rf "$out"; mkdir -p "$out"
  "$@" >"$dir/said" 2>&1 &
  relay=$!
  until listens; do sleep 0.05; done
  # First the files are made, which is not what is measured.
  send "$how" $warm
  local start; start=$(cpu "$relay")
  send "$how" "$count"
  awk -v a="$start" -v b="$(cpu "$relay")" -v n="$count" 'BEGIN { printf "%.3f\n", (b - a) / n }' >>"$dir/$name.row"
  kill -TERM "$relay"; wait "$relay" 2>/dev/null || true
  relay=
  local lines; lines=$(find "$out" -name '*log' -exec cat {} + | wc -l)
  [ "$lines" = $((count + warm)) ] || echo "$name: $lines lines of $((count + warm)) messages" >&2
}

for _ in $(seq "$runs"); do
  for how in one hosts senders; do
    many='--connections 4'; [ "$how" != senders ] || many='--sources 1000'
    ! wanted "limit-$how" || run "limit-$how" "$many" "$messages" "$dir/limit" "$port" "$out/log"
    ! wanted "bongsu-$how" || run "bongsu-$how" "$many" "$messages" "$bongsu" -n -i "$dir/pid" -f "$dir/$how.conf"
    [ -z "$rsyslogd" ] || ! wanted "rsyslogd-$how" ||
      run "rsyslogd-$how" "$many" $((messages / part)) "$rsyslogd" -n -C -i "$dir/pid" -f "$dir/$how.conf"
  done
  # The one file from as many senders, for comparison.
  ! wanted bongsu-one-of-senders ||
    run bongsu-one-of-senders '--sources 1000' "$messages" "$bongsu" -n -i "$dir/pid" -f "$dir/one.conf"
done
printf '%-24s %8s %8s %8s\n' 'CPU us/message' median least most
for row in "$dir"/*.row; do
  printf '%-24s%s\n' "$(basename "$row" .row)" "$(spread "$row" 1 ' %8.3f')"
done
