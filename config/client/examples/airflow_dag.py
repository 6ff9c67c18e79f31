"""Run the exports with the tag "nightly" every night.

The connection "segment_exports" of Airflow has the address of the server as its host, and an API token as its
password. The client is installed beside the workers of Airflow.
"""

import pendulum
from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG

with DAG(
    dag_id="segment_exports",
    schedule="15 2 * * *",
    start_date=pendulum.datetime(2026, 1, 1, tz="Europe/Warsaw"),
    catchup=False,
    max_active_runs=1,
):
    # Exit code 2, Skipped or Canceled, skips the task; every other code but 0 fails it.
    BashOperator(
        task_id="run_exports",
        bash_command='segment-exports run --tag nightly --wait --key "{{ run_id }}-{{ ti.try_number }}"',
        env={
            "SEGMENT_EXPORTS_URL": "{{ conn.segment_exports.host }}",
            "SEGMENT_EXPORTS_TOKEN": "{{ conn.segment_exports.password }}",
        },
        append_env=True,
        skip_on_exit_code=2,
    )
