#!/usr/bin/env bash
# What reading a file costs a relay: a file in, TCP out, CPU per message and messages a second,
# beside the least that such work can cost (benches/tail.c) and rsyslogd.
#
#   benches/tail.sh [MESSAGES [RUNS]]      # 1000000 and 5
#
# Runs take turns, so that whatever else the machine does meets all of them. A row has the median,
# the least and the most of its runs. The file is whole before it comes to where the relay looks:
# it is in the page cache. Lines have 201 bytes with their LF.
#
# What it takes from the environment: benches/frame.sh.
messages=${1:-1000000}
# shellcheck source=benches/frame.sh
. "$(dirname "$0")/frame.sh"
port=20925
gcc -O2 -o "$dir/tail" benches/tail.c

corpus() { # MESSAGES
  awk -v all="$1" 'BEGIN {
    for (n = 0; n < all; n++) {
      line = sprintf("%09d 192.0.2.%d - - GET /articles/%d HTTP/1.1 200", n, n % 250, n * 7919 % 100000)
      while (length(line) < 200) line = line " Mozilla/5.0 (X11; Linux)"
      print substr(line, 1, 200)
    }
  }'
}
corpus "$messages" >"$dir/lines"
head -n $((messages / part)) "$dir/lines" >"$dir/part"

conf() { # NAME INPUT-PARAMETERS
  cat >"$dir/$1.conf" <<EOF
global(workDirectory="$dir/state")
module(load="imfile")
input(type="imfile" file="$dir/in/*.log" tag="web:" $2)
action(type="omfwd" target="127.0.0.1" port="$port" protocol="tcp")
EOF
}
conf plain 'addMetadata="off"'
conf metadata 'addMetadata="on"'
conf joined 'addMetadata="off" startmsg.regex="^[0-9]"'

# CPU of all threads, in nanoseconds.
cpu() { cat /proc/"$1"/task/*/schedstat | awk '{ n += $1 } END { printf "%d\n", n }'; }
drain() { "$dir/tail" drain "$port" "$1" >"$dir/took" & sink=$!; sleep 0.2; }
row() { # NAME CPU SECONDS MESSAGES
  awk -v c="$2" -v s="$3" -v n="$4" 'BEGIN { printf "%.4f %.2f\n", c / 1000 / n, n / s / 1e6 }' >>"$dir/$1.row"
}

least() {
  drain "$messages"
  local used; used=$("$dir/tail" send "$dir/lines" "$port")
  wait "$sink"; sink=
  row least "$used" "$(cat "$dir/took")" "$messages"
}

run() { # NAME FILE MESSAGES COMMAND…
  local name=$1 file=$2 count=$3
  shift 3
  rm -rf "$dir/in" "$dir/state"; mkdir "$dir/in" "$dir/state"
  # A message that may go on is told with the next one.
  case $name in *-joined) count=$((count - 1)) ;; esac
  drain "$count"
  "$@" >"$dir/said" 2>&1 &
  relay=$!
  sleep 1
  local start; start=$(cpu "$relay")
  ln "$file" "$dir/in/a.log"
  wait "$sink" || echo "$name: lines are missing" >&2
  sink=
  row "$name" $(($(cpu "$relay") - start)) "$(cat "$dir/took")" "$count"
  kill -TERM "$relay"; wait "$relay" 2>/dev/null || true
  relay=
}

for _ in $(seq "$runs"); do
  ! wanted least || least
  for how in plain metadata joined; do
    ! wanted "bongsu-$how" ||
      run "bongsu-$how" "$dir/lines" "$messages" "$bongsu" -n -i "$dir/pid" -f "$dir/$how.conf"
    [ -z "$rsyslogd" ] || ! wanted "rsyslogd-$how" ||
      run "rsyslogd-$how" "$dir/part" $((messages / part)) "$rsyslogd" -n -C -i "$dir/pid" -f "$dir/$how.conf"
  done
done
printf '%-20s %24s   %24s\n' '' 'CPU us/message' 'million messages/s'
printf '%-20s %8s%8s%8s   %8s%8s%8s\n' '' median least most median least most
for rows in "$dir"/*.row; do
  printf '%-20s %s   %s\n' "$(basename "$rows" .row)" "$(spread "$rows" 1 '%8.3f')" "$(spread "$rows" 2 '%8.2f')"
done
