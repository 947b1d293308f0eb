# Airflow and the six stages that need no torch. Build from the project's root:
#   docker build -f docker/airflow.Dockerfile -t equipoise-airflow .
FROM python:3.11-slim
WORKDIR /opt/equipoise
COPY pyproject.toml README.md LICENSE ./
COPY docker/locks/cpu.txt docker/locks/cpu.txt
COPY pipeline pipeline
COPY dags dags
COPY sql sql
COPY evals evals
# The lock is a constraint here, so that only what these stages need is installed, at the versions that were tested together.
RUN pip install --no-cache-dir --constraint docker/locks/cpu.txt --editable ".[airflow,cluster]"
ENV AIRFLOW__CORE__DAGS_FOLDER=/opt/equipoise/dags AIRFLOW__CORE__LOAD_EXAMPLES=False EQUIPOISE_HOME=/var/lib/equipoise
RUN useradd --create-home equipoise && mkdir -p /var/lib/equipoise && chown equipoise /var/lib/equipoise
USER equipoise
