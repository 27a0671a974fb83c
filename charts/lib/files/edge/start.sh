#!/bin/sh
# Starts nginx with its logs masked and counted, and has it take up a renewed certificate. Usage: start.sh CONFIGURATION RUN
set -eu
configuration=$1 run=$2
here=$(dirname "$0")

counting="awk"
case $(awk -W version 2>&1 </dev/null) in
    mawk*) counting="awk -W interactive" ;;  # else it would wait until it has 4 kB to read
esac

rm -f "$run/log"
mkfifo "$run/log"
export LC_ALL=C
# Opened for reading and writing, so that neither side ever waits for the other to come. Should one of them end, people
# are served on, and both begin anew.
while :; do
    sed -u -E -f "$here/mask.sed" <>"$run/log" | $counting -v started="$(date +%s)" -f "$here/count.awk" || true
    sleep 1
done &
export TZ=UTC  # of the times in the logs

changed() { cksum "$CERTIFICATE" "$KEY" 2>/dev/null; }
(
    last=$(changed)
    while sleep 5; do
        echo tick 1<>"$run/log"
        now=$(changed)
        [ "$now" = "$last" ] || { last=$now; nginx -e stderr -c "$configuration" -p "$run" -s reload; }
    done
) &

exec nginx -e stderr -c "$configuration" -p "$run" -g 'daemon off;'
