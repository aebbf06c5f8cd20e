#!/bin/sh
# For omprog: confirms each line, and writes to the file that is named first what it got: its other
# arguments, the lines. One that holds `once` it refuses the first time.
log=$1
shift
for word in "$@"; do echo "[$word]" >>"$log"; done
refused=
echo OK
while IFS= read -r line; do
    printf '%s\n' "$line" >>"$log"
    case $line in
    *TRANSACTION* | MARK*) echo OK ;;
    *once*)
        if [ -z "$refused" ]; then
            refused=yes
            echo "not now"
        else
            echo OK
        fi
        ;;
    *defer*) echo DEFER_COMMIT ;;
    *) echo OK ;;
    esac
    echo "took ${#line} bytes" >&2
done
