#!/usr/bin/env bash
# What rules cost a relay: CPU per message with and without them, Bongsu and rsyslogd side by side.
#
#   benches/rules.sh [MESSAGES [RUNS]]      # 2000000 and 5
#
# Each run is `bongsu bench relay`, over TCP, from four connections, as fast as it goes. Runs take
# turns (each configuration once, then each once more), so that whatever else the machine does meets
# all of them. A row has the median, the least and the most of its runs, and its ratio to the relay
# without a rule: of medians, and of the least, which other work disturbs least.
#
# What it takes from the environment: benches/frame.sh.
messages=${1:-2000000}
# shellcheck source=benches/frame.sh
. "$(dirname "$0")/frame.sh"
in=127.0.0.1:20914 out=127.0.0.1:20915

forward() { # TEMPLATE
  printf 'action(type="omfwd" target="%s" port="%s" protocol="tcp" template="%s"' \
    "${out%:*}" "${out#*:}" "$1"
  printf ' action.resumeRetryCount="-1")\n'
}

# Words that the corpus does not have; with an argument, two of the fifty are in some messages.
words() {
  awk -v hits="${1:-}" 'BEGIN {
    split("segfault panic oom-killer rollback deadlock corrupt intrusion malware ransom quarantine " \
      "exfiltration beacon brute spoofed replay revoked expired handshake checksum truncated " \
      "overrun underrun watchdog thermal throttling degraded rebuild failover split-brain quorum " \
      "fenced evicted throttled blacklist greylist tarpit honeypot sinkhole darknet crypto-miner " \
      "privilege lateral webshell traversal injection overflow underflow double-free stack " \
      "smashing", word, " ")
    if (hits) { word[13] = "Failed password"; word[38] = "GET /" }
    for (n = 1; n <= 50; n++)
      printf "if $msg contains \"%s\" then action(type=\"omfile\" file=\"/dev/null\")\n", word[n]
  }'
}

# A table of networks, or for rsyslogd of as many addresses; the loopback is in both.
awk 'BEGIN {
  print "prefix,value\n127.0.0.0/8,tenant-local"
  for (n = 1; n < 100000; n++)
    printf "%d.%d.%d.0/24,tenant-%d\n", 10 + n / 65536, n / 256 % 256, n % 256, n % 1000
}' >"$dir/networks.csv"
awk 'BEGIN {
  print "{\"version\":1,\"nomatch\":\"none\",\"type\":\"string\",\"table\":["
  for (n = 1; n < 100000; n++)
    printf "{\"index\":\"%d.%d.%d.1\",\"value\":\"tenant-%d\"},\n", 10 + n / 65536, n / 256 % 256, \
      n % 256, n % 1000
  print "{\"index\":\"127.0.0.1\",\"value\":\"tenant-local\"}]}"
}' >"$dir/addresses.json"

rules() { # NAME TABLE
  case $1 in
  none) forward RSYSLOG_SyslogProtocol23Format ;;
  sources)
    awk 'BEGIN {
      for (n = 0; n < 1000; n++)
        printf "if $fromhost-ip == \"10.0.%d.%d\" then { action(type=\"omfile\" " \
          "file=\"/dev/null\") stop }\n", n / 250, n % 250
    }'
    forward RSYSLOG_SyslogProtocol23Format
    ;;
  table)
    printf 'lookup_table(name="net" file="%s")\n' "$2"
    printf 'template(name="tagged" type="string" string="%s")\n' \
      '<%PRI%>1 %TIMESTAMP:::date-rfc3339% %HOSTNAME% %APP-NAME% %PROCID% %MSGID% %STRUCTURED-DATA% %$.t%:%msg%\n'
    printf 'set $.t = lookup("net", $fromhost-ip);\nif $.t == "tenant-666" then stop\n'
    forward tagged
    ;;
  words)
    words
    forward RSYSLOG_SyslogProtocol23Format
    ;;
  words-hit)
    words hits
    forward RSYSLOG_SyslogProtocol23Format
    ;;
  esac
}

names="none sources table words words-hit"
for name in $names; do
  input() { printf 'module(load="imtcp")\ninput(type="imtcp" port="%s"%s)\n' "${in#*:}" "$1"; }
  {
    input ' address="127.0.0.1"'
    rules "$name" "$dir/networks.csv"
  } >"$dir/bongsu-$name.conf"
  {
    input ' ruleset="relay"'
    rules "$name" "$dir/addresses.json" >"$dir/rules"
    grep -E '^(template|lookup_table)\(' "$dir/rules" || true
    # As a relay wants it: a queue whose only reader takes many messages at once.
    printf 'ruleset(name="relay" queue.type="FixedArray" queue.size="200000" '
    printf 'queue.dequeueBatchSize="2048" queue.workerThreads="1") {\n'
    grep -vE '^(template|lookup_table)\(' "$dir/rules"
    printf '}\n'
  } >"$dir/rsyslogd-$name.conf"
done

run() { # RELAY NAME: appends CPU µs a message
  local relay=$1 conf="$dir/$1-$2.conf" count=$messages
  local command=("$bongsu" -n -f "$conf" -i "$dir/pid")
  if [ "$relay" = rsyslogd ]; then
    command=("$rsyslogd" -n -C -f "$conf" -i "$dir/pid")
    count=$((messages / part))
  fi
  "$bongsu" bench relay --in $in --out $out --connections 4 --messages "$count" --json \
    -- "${command[@]}" >"$dir/report" 2>"$dir/errors" || {
    cat "$dir/errors" >&2
    exit 1
  }
  awk '/"lost"|"duplicated"|"reordered"|"corrupted"/ { gsub(/[^0-9]/, ""); bad += $0 }
    /cpu_us_per_message/ { gsub(/[^0-9.]/, ""); cpu = $0 }
    END { if (bad) print "lost or damaged" > "/dev/stderr"; print cpu; exit bad > 0 }' \
    "$dir/report" >>"$dir/cpu-$relay-$2"
}

relays=bongsu
[ -z "$rsyslogd" ] || relays="bongsu rsyslogd"
for ((turn = 0; turn < runs; turn++)); do
  for name in $names; do
    [ "$name" = none ] || wanted "$name" || continue
    for relay in $relays; do
      run "$relay" "$name"
    done
  done
done

printf '| relay | rules | CPU µs/message: median | least | most | ratio of medians | of the least |\n'
printf '|---|---|---|---|---|---|---|\n'
for relay in $relays; do
  for name in $names; do
    [ -e "$dir/cpu-$relay-$name" ] || continue
    sort -n "$dir/cpu-$relay-$name" | awk -v relay="$relay" -v name="$name" -v base="$dir/base" '
      { cpu[NR] = $1 }
      END {
        middle = cpu[int((NR + 1) / 2)]
        if (name == "none") print middle, cpu[1] > base
        else getline none < base
        if (name == "none") none = middle " " cpu[1]
        split(none, of, " ")
        printf "| %s | %s | %.3f | %.3f | %.3f | %.2f | %.2f |\n", relay, name, middle, cpu[1],
          cpu[NR], middle / of[1], cpu[1] / of[2]
      }'
  done
done
