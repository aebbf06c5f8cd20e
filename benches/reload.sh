#!/usr/bin/env bash
# A table of a million networks is read anew every second while messages stream through: nothing may
# be lost, doubled, overtaken or tagged by anything but one of the two tables.
#
#   benches/reload.sh [SECONDS [RATE]]      # 25 and 200k
#
# `bongsu bench relay` sends at RATE over eight connections from four addresses and checks the ids
# at the sink. Two files say `A-n` and `B-n` of address n, in two columns of one row; they take
# turns under the table's name, each time with a SIGHUP. Afterwards every line that the sink wrote
# is looked at: both columns agree, the number is the sender's, each connection's sequence goes up
# by one, and its table changes no more often than there were reloads.
#
# BONGSU is the binary [target/release/bongsu], NETWORKS the rows of a table [1000000]. The sink
# writes all that it gets to TMPDIR: 50 MB a second.
set -euo pipefail
cd "$(dirname "$0")/.."

seconds=${1:-25} rate=${2:-200k}
bongsu=${BONGSU:-target/release/bongsu}
networks=${NETWORKS:-1000000}
connections=8 sources=4
in=127.0.0.1:20924 out=127.0.0.1:20925
dir=$(mktemp -d)
editor=
trap '[ -z "$editor" ] || kill "$editor" 2>/dev/null || true; rm -rf "$dir"' EXIT

table() { # VERSION
  awk -v version="$1" -v networks="$networks" -v sources="$sources" 'BEGIN {
    print "prefix,tag,check"
    for (n = 1; n <= sources; n++)
      printf "127.0.0.%d/32,%s-%d,%s-%d\n", n, version, n, version, n
    # What is wider must lose against the rows above.
    print "127.0.0.0/8," version "-wide," version "-wide"
    for (n = sources + 1; n < networks; n++)
      printf "%d.%d.%d.%d/28,%s-%d,other\n", 10 + n / 1048576, n / 4096 % 256, n / 16 % 256,
        n % 16 * 16, version, n % 1000
  }'
}
table A >"$dir/A.csv"
table B >"$dir/B.csv"
ln -s A.csv "$dir/table.csv"

cat >"$dir/relay.conf" <<END
module(load="imtcp")
input(type="imtcp" address="127.0.0.1" port="${in#*:}")
lookup_table(name="net" file="$dir/table.csv")
template(name="tagged" type="string" string="<%PRI%>%\$!net!tag% %\$!net!check% %HOSTNAME%:%msg%\n")
set \$!net = lookup("net", \$fromhost-ip);
action(type="omfwd" target="${out%:*}" port="${out#*:}" protocol="tcp" template="tagged"
       action.resumeRetryCount="-1")
END

edit() { # Swaps the tables every second, for as long as the relay runs.
  local version=A
  until [ -s "$dir/pid" ]; do sleep 0.1; done
  sleep 2
  while sleep 1; do
    if [ $version = A ]; then version=B; else version=A; fi
    # Renamed over the old link: nobody finds no table.
    ln -s $version.csv "$dir/next"
    mv -T "$dir/next" "$dir/table.csv"
    # The relay takes its pid file away when it ends.
    { pid=$(cat "$dir/pid") && kill -HUP "$pid"; } 2>/dev/null || return 0
  done
}
edit &
editor=$!

"$bongsu" bench relay --in $in --out $out --connections $connections --sources $sources \
  --rate "$rate" --duration "$seconds" --output "$dir/out" --json \
  -- sh -c 'exec "$0" -n -f "$1" -i "$2" >"$3" 2>&1' \
  "$bongsu" "$dir/relay.conf" "$dir/pid" "$dir/log" >"$dir/report" 2>"$dir/errors" || {
  cat "$dir/errors" "$dir/report" "$dir/log" >&2
  exit 1
}
kill "$editor" 2>/dev/null || true
editor=

# The report has the figures of the run, then its counts once more as the total.
awk -v wanted="sent received lost duplicated reordered corrupted messages_per_second \
    cpu_us_per_message peak_rss_mib p50 p99 max" '
  BEGIN { split(wanted, names, " ") }
  match($0, /"[^"]+": *[0-9.]+/) {
    name = $1; gsub(/[":]/, "", name)
    value = $2; sub(/,/, "", value)
    if (!(name in seen)) seen[name] = value
  }
  END {
    for (n = 1; n in names; n++) printf "%s %s\n", names[n], seen[names[n]]
    exit seen["lost"] + seen["duplicated"] + seen["reordered"] + seen["corrupted"] > 0
  }' "$dir/report"

reloads=$(grep -c 'reloaded from file' "$dir/log" || true)
if grep 'could not be reloaded' "$dir/log"; then exit 1; fi
echo "reloads $reloads"

LC_ALL=C awk -v reloads="$reloads" -v connections="$connections" -v sources="$sources" '
  function bad(what) { if (++flaws <= 10) print what ": " $0 > "/dev/stderr" }
  {
    at = index($0, " bongsu-id=")
    if (!at) { bad("without an id"); next }
    connection = substr($0, at + 11, 5) + 0
    sequence = substr($0, at + 17, 12) + 0
    tag = substr($1, index($1, ">") + 1)
    version = substr(tag, 1, 1)
    if (tag != $2) bad("of two rows")
    if (tag != version "-" (connection % sources + 1) || version !~ /[AB]/) bad("of no table")
    if (sequence != next_one[connection]++) bad("lost, doubled or overtaken")
    if (version != last[connection]) {
      if (sequence) changes[connection]++
      last[connection] = version
    }
    lines++
  }
  END {
    for (c = 0; c < connections; c++) {
      n = changes[c] + 0
      if (c == 0 || n < least) least = n
      if (n > most) most = n
    }
    if (most > reloads || least == 0) {
      print "changes without a reload, or none" > "/dev/stderr"
      flaws++
    }
    printf "lines looked at %d\n", lines
    printf "changes of table, per connection: %d to %d\nflaws %d\n", least, most, flaws
    exit flaws > 0
  }' "$dir/out"
