#!/usr/bin/env bash
# Ten times a second a SIGHUP, a reload, or a reload of a broken configuration, while messages stream
# through: nothing may be lost, doubled or overtaken, and neither memory nor open files may grow.
#
#   benches/hup.sh [SECONDS [RATE]]      # 600 and 200k
#
# `bongsu bench relay` sends at RATE over eight connections and checks the ids at the sink. Each good
# configuration has another action than the one before, a file, in front of the one that forwards,
# and an input that comes and goes. Prints the report, and then a curve: seconds, resident KiB, open
# files, reloads so far.
#
# BONGSU is the binary [target/release/bongsu].
set -euo pipefail
cd "$(dirname "$0")/.."

seconds=${1:-600} rate=${2:-200k}
bongsu=${BONGSU:-target/release/bongsu}
in=127.0.0.1:20934 out=127.0.0.1:20935 beside=20936
dir=$(mktemp -d)
changer=
trap '[ -z "$changer" ] || kill "$changer" 2>/dev/null || true; rm -rf "$dir"' EXIT

config() { # NUMBER
  echo 'module(load="imtcp")'
  echo "input(type=\"imtcp\" address=\"127.0.0.1\" port=\"${in#*:}\")"
  if [ $(($1 % 2)) = 0 ]; then
    echo "input(type=\"imtcp\" address=\"127.0.0.1\" port=\"$beside\")"
  fi
  cat <<END
template(name="raw" type="string" string="%rawmsg%\n")
if \$msg contains "bongsu-id=00000-000000001" then
  action(type="omfile" name="file-$1" file="$dir/some.log" fileCreateMode="06$((10 + $1 % 50))")
action(type="omfwd" target="${out%:*}" port="${out#*:}" protocol="tcp" template="raw"
       action.resumeRetryCount="-1")
END
}

# In one step: who reads meanwhile sees the old one or the new one.
put() {
  cat >"$dir/next.conf"
  mv "$dir/next.conf" "$dir/relay.conf"
}

change() { # One of three, ten times a second, for as long as the relay runs.
  until [ -s "$dir/pid" ]; do sleep 0.1; done
  sleep 1
  local pid n=0 begin=$SECONDS last=-1 now
  pid=$(cat "$dir/pid")
  while kill -0 "$pid" 2>/dev/null; do
    n=$((n + 1))
    case $((n % 3)) in
      0) kill -HUP "$pid" 2>/dev/null || return 0 ;;
      1) config $n | put && { kill -USR2 "$pid" 2>/dev/null || return 0; } ;;
      *) echo 'this is no configuration' | put && { kill -USR2 "$pid" 2>/dev/null || return 0; } ;;
    esac
    now=$(((SECONDS - begin) / 10))
    if [ $now != $last ]; then
      last=$now
      {
        echo -n "$((SECONDS - begin)) $(awk '/VmRSS/ { print $2 }' "/proc/$pid/status")"
        echo " $(ls "/proc/$pid/fd" | wc -l) $n"
      } >>"$dir/curve" 2>/dev/null || return 0
    fi
    sleep 0.1
  done
}

config 0 >"$dir/relay.conf"
change &
changer=$!

"$bongsu" bench relay --in $in --out $out --connections 8 --rate "$rate" --duration "$seconds" \
  -- sh -c 'exec "$0" -n -f "$1" -i "$2" >"$3" 2>&1' \
  "$bongsu" "$dir/relay.conf" "$dir/pid" "$dir/log" || {
  tail -20 "$dir/log" >&2
  exit 1
}
kill "$changer" 2>/dev/null || true
changer=
good=$(grep -c 'configuration was reloaded' "$dir/log" || true)
refused=$(grep -c 'configuration was not reloaded' "$dir/log" || true)
hups=$(grep -c 'was HUPed' "$dir/log" || true)
echo "reloads $good, refused $refused, SIGHUPs $hups"
if grep -E 'bug|BUG|panic' "$dir/log"; then exit 1; fi
echo "seconds, resident KiB, open files, changes"
cat "$dir/curve"
