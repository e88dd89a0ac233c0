#!/usr/bin/env bash
# Runs a command with TEST_SERVER, the URL of a new cluster of the PostgreSQL that Debian installs, and removes the cluster:
# bin/postgres-for-tests.sh sh -c 'npm run test:pg -- "$TEST_SERVER"'
set -euo pipefail

# A client's package has a folder of this form as well, with no server in it.
initdb="$(find /usr/lib/postgresql -path '*/bin/initdb' | sort -V | tail -n 1)"
binaries="${initdb%/initdb}"
folder="$(mktemp -d)"
as_owner=()
if [[ $(id -u) == 0 ]]; then
  chown postgres "$folder"
  as_owner=(setpriv --reuid postgres --regid postgres --init-groups)
fi
in_cluster() { (cd / && "${as_owner[@]}" "$@"); }
stop() {
  in_cluster "$binaries/pg_ctl" -D "$folder/data" -m immediate stop >/dev/null 2>&1 || true
  rm -rf "$folder"
}
trap stop EXIT

port="$(node -e 'const s = require("net").createServer().listen(0, "127.0.0.1", () => { console.log(s.address().port); s.close(); })')"
in_cluster "$binaries/initdb" -D "$folder/data" -U postgres --auth=trust --encoding=UTF8 --locale=C --no-sync >/dev/null
# Test data need not survive a crash.
cat >>"$folder/data/postgresql.conf" <<CONF
listen_addresses = '127.0.0.1'
port = $port
unix_socket_directories = ''
max_connections = 300
fsync = off
full_page_writes = off
CONF
in_cluster "$binaries/pg_ctl" -D "$folder/data" -l "$folder/log" -w start >/dev/null
TEST_SERVER="postgres://postgres@127.0.0.1:$port/postgres" "$@"
