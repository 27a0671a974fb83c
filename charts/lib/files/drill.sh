#!/bin/sh
# The restore drill: the newest base backup and the log up to a moment a few minutes ago are fetched into an empty
# folder, a PostgreSQL is started on them, and what it holds is looked at. Nothing of the cell is touched.
# Usage: drill.sh FOLDER, with ENDPOINT, BUCKET, SERVER, BACK (minutes) and S3 keys in the environment.
set -eu
folder=$1
data=$folder/data sockets=$folder/run
mkdir -p "$sockets"
began=$(date +%s)
until=$(date -u -d "@$((began - BACK * 60))" '+%Y-%m-%d %H:%M:%S+00')

say() { printf '{"event":"drill","step":"%s","seconds":%d}\n' "$1" "$(($(date +%s) - began))"; }

# The newest base backup that had ended by then.
newest=$(barman-cloud-backup-list --endpoint-url "$ENDPOINT" --format json "s3://$BUCKET/" "$SERVER" |
    python3 -c '
import datetime, json, sys
until = datetime.datetime.fromisoformat(sys.argv[1])
def ended(one):
    said = datetime.datetime.fromisoformat(one["end_time_iso"])
    return said if said.tzinfo else said.replace(tzinfo=datetime.timezone.utc)
found = [one for one in json.load(sys.stdin)["backups_list"] if one["status"] == "DONE" and ended(one) <= until]
print(max(found, key=ended)["backup_id"] if found else "")' "$until")
[ -n "$newest" ] || { echo "no base backup ended before $until" >&2; exit 1; }
barman-cloud-restore --endpoint-url "$ENDPOINT" "s3://$BUCKET/" "$SERVER" "$newest" "$data"
chmod 700 "$data"
say restored

# A server in recovery may not be smaller than the one that wrote the log.
size() { pg_controldata "$data" | sed -n "s/^$1 setting: *//p"; }
cat >"$folder/postgresql.conf" <<END
listen_addresses = ''
unix_socket_directories = '$sockets'
hba_file = '$folder/hba.conf'
ident_file = '$folder/ident.conf'
max_connections = $(size max_connections)
max_worker_processes = $(size max_worker_processes)
max_wal_senders = $(size max_wal_senders)
max_prepared_transactions = $(size max_prepared_xacts)
max_locks_per_transaction = $(size max_locks_per_xact)
archive_mode = off
restore_command = 'barman-cloud-wal-restore --endpoint-url $ENDPOINT s3://$BUCKET/ $SERVER %f %p'
recovery_target_time = '$until'
recovery_target_action = promote
END
echo 'local all all trust' >"$folder/hba.conf"
: >"$folder/ident.conf"
: >"$data/recovery.signal"
# What the cell's own server was told does not count here.
rm -f "$data/standby.signal"
: >"$data/postgresql.auto.conf"
pg_ctl -D "$data" -o "-c config_file=$folder/postgresql.conf" -l "$folder/log" -w -t 86400 start >/dev/null ||
    { tail -n 20 "$folder/log" >&2; exit 1; }

ask() { psql -X -q -A -t -v ON_ERROR_STOP=1 -h "$sockets" -U postgres -d cellcast -c "$1"; }
while [ "$(ask 'select pg_is_in_recovery()')" = t ]; do sleep 1; done
say recovered

# Every table is read to its end.
tables=$(ask "select count(*) from pg_tables where schemaname = 'public'")
rows=0
for table in $(ask "select format('%I', tablename) from pg_tables where schemaname = 'public'"); do
    rows=$((rows + $(ask "select count(*) from $table")))
done
revision=$(ask 'select version_num from alembic_version')
pg_ctl -D "$data" -m fast -w stop >/dev/null
[ "$tables" -gt 0 ] && [ "$rows" -gt 0 ] || { echo "the restored database is empty" >&2; exit 1; }
printf '{"event":"drill","step":"done","seconds":%d,"until":"%s","backup":"%s","revision":"%s","tables":%d,"rows":%d}\n' \
    "$(($(date +%s) - began))" "$until" "$newest" "$revision" "$tables" "$rows"
