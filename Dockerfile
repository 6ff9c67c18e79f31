# One image for the pages, the workers, the clock and the sandbox: docker-compose.yml says who runs what.

FROM python:3.11-slim-bookworm AS packages
COPY requirements.lock /
RUN python -m venv /venv \
    && /venv/bin/pip install --no-cache-dir --disable-pip-version-check --require-hashes -r /requirements.lock

# The drivers of warehouses to install, such as --build-arg WAREHOUSES="clickhouse trino".
ARG WAREHOUSES=""
COPY drivers /drivers
RUN for warehouse in $WAREHOUSES; do \
        /venv/bin/pip install --no-cache-dir --disable-pip-version-check --require-hashes -r "/drivers/$warehouse.lock" \
        || exit 1; \
    done

FROM python:3.11-slim-bookworm
RUN useradd --system --uid 10001 --user-group --home-dir /data --shell /usr/sbin/nologin app \
    && install -d -m 0700 -o app -g app /data
COPY --from=packages /venv /venv
WORKDIR /app
COPY manage.py README.md CHANGELOG.md ./
COPY static static
COPY templates templates
COPY config config
COPY connections connections
COPY segments segments
COPY exports exports
ENV PATH=/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    DJANGO_SETTINGS_MODULE=config.settings \
    VAR_DIR=/data \
    STATIC_ROOT=/app/collected
# Collecting needs settings that can be read, not ones that can be used.
RUN SECRET_KEY=only-to-build DATABASE_URL=postgres://build/build python manage.py collectstatic --no-input --verbosity 0 \
    && python -m compileall -q config connections segments exports
USER app
VOLUME /data
EXPOSE 8000
CMD ["gunicorn", "--config", "config/gunicorn.py", "--bind", "0.0.0.0:8000", "config.wsgi"]
HEALTHCHECK --interval=30s --timeout=10s --start-period=30s CMD \
    ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:8000/healthz', timeout=5)"]
