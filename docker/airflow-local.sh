#!/usr/bin/env bash
# Airflow on loopback with this checkout's DAGs: scheduler, dag-processor and api-server, each a child of this script.
# `make up` calls it; Ctrl-C ends all three. AIRFLOW_HOME (default home/airflow) holds its database and logs.
set -euo pipefail
cd "$(dirname "$0")/.."
bin="$PWD/.venv/bin"
port=${PORT:-8080}
export AIRFLOW_HOME=${AIRFLOW_HOME:-$PWD/home/airflow}
export AIRFLOW__CORE__DAGS_FOLDER="$PWD/dags" AIRFLOW__CORE__LOAD_EXAMPLES=False AIRFLOW__CORE__PARALLELISM=${PARALLELISM:-4}
export AIRFLOW__API__HOST=127.0.0.1 AIRFLOW__API__PORT="$port" AIRFLOW__API__WORKERS=1
export AIRFLOW__CORE__EXECUTION_API_SERVER_URL="http://127.0.0.1:$port/execution/"
export AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS=${AIRFLOW_USERS:-admin:admin}
export EQUIPOISE_HOME=${EQUIPOISE_HOME:-$PWD/home}
mkdir -p "$AIRFLOW_HOME"
children=()
stop() { trap - EXIT INT TERM; for pid in "${children[@]}"; do kill "$pid" 2>/dev/null || true; done; wait; }
trap stop EXIT INT TERM
echo "== Airflow database in $AIRFLOW_HOME"
"$bin/airflow" db migrate >"$AIRFLOW_HOME/migrate.log" 2>&1
for part in api-server scheduler dag-processor; do
  "$bin/airflow" "$part" >"$AIRFLOW_HOME/$part.log" 2>&1 &
  children+=("$!")
done
echo "== http://127.0.0.1:$port (user admin, password in $AIRFLOW_HOME/simple_auth_manager_passwords.json.generated); Ctrl-C ends it"
wait -n
echo "one of the three ended; see $AIRFLOW_HOME/*.log" >&2
exit 1
