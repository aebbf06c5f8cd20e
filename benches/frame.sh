# shellcheck shell=bash
# What benches/rules.sh, file.sh and tail.sh have in common: sourced by them, with the messages of
# a run and how many runs there are, as far as they were given.
#
# BONGSU is the binary [target/release/bongsu], RSYSLOGD the other one; empty leaves it out.
# ONLY is an expression that names of rows must match. RSYSLOG_PART: rsyslogd gets one message in
# so many [4].
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

runs=${2:-5}
bongsu=${BONGSU:-target/release/bongsu}
rsyslogd=${RSYSLOGD-rsyslogd}
part=${RSYSLOG_PART:-4}
dir=$(mktemp -d)
# Processes that are ended with the script.
relay= sink=
trap 'for p in $relay $sink; do kill -KILL "$p" 2>/dev/null || true; done; rm -rf "$dir"' EXIT

wanted() { [[ $1 =~ ${ONLY:-.} ]]; }

# The median, the least and the most of a column of a file, each printed by FORMAT.
spread() { # FILE COLUMN FORMAT
  sort -n -k "$2" "$1" |
    awk -v k="$2" -v f="$3" '{ v[NR] = $k } END { printf f f f, v[int((NR + 1) / 2)], v[1], v[NR] }'
}
