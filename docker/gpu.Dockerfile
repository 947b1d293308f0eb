# A GPU worker: all stages, torch with CUDA, no scheduler. Build from the project's root:
#   docker build -f docker/gpu.Dockerfile -t equipoise-gpu .
FROM python:3.11-slim
WORKDIR /opt/equipoise
COPY pyproject.toml README.md LICENSE ./
COPY docker/locks docker/locks
COPY pipeline pipeline
COPY dags dags
COPY sql sql
COPY evals evals
RUN pip install --no-cache-dir --requirement docker/locks/gpu.txt && pip install --no-cache-dir --no-deps --editable . \
 && pip install --no-cache-dir --constraint docker/locks/cpu.txt ".[airflow]"
ENV AIRFLOW__CORE__DAGS_FOLDER=/opt/equipoise/dags EQUIPOISE_HOME=/var/lib/equipoise HF_HUB_OFFLINE=1
RUN useradd --create-home equipoise && mkdir -p /var/lib/equipoise && chown equipoise /var/lib/equipoise
USER equipoise
CMD ["airflow", "celery", "worker", "--queues", "gpu", "--concurrency", "1"]
