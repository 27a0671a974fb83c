#!/bin/sh
# Starts nginx with its logs masked, and has it take up a renewed certificate. Usage: start.sh CONFIGURATION RUN
set -eu
configuration=$1 run=$2
here=$(dirname "$0")

rm -f "$run/log"
mkfifo "$run/log"
# Opened for reading and writing, so that neither side ever waits for the other to come.
LC_ALL=C sed -u -E -f "$here/mask.sed" <>"$run/log" &
export TZ=UTC  # of the times in the logs

changed() { cksum "$CERTIFICATE" "$KEY" 2>/dev/null; }
(
    last=$(changed)
    while sleep 60; do
        now=$(changed)
        [ "$now" = "$last" ] || { last=$now; nginx -e stderr -c "$configuration" -p "$run" -s reload; }
    done
) &

exec nginx -e stderr -c "$configuration" -p "$run" -g 'daemon off;'
