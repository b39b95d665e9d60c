# The digest is python:3.12-slim as it was in September 2026; updates come as pull requests.
FROM python:3.12-slim@sha256:78387bc3881b8273120a12ebe6c1ab22b018ccc2c9adf565ae1ac9b536e184ea AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
RUN python -m venv /opt/openbell
ARG REQUIREMENTS=requirements.txt
COPY ${REQUIREMENTS} /tmp/requirements.txt
RUN /opt/openbell/bin/pip install --require-hashes -r /tmp/requirements.txt

FROM python:3.12-slim@sha256:78387bc3881b8273120a12ebe6c1ab22b018ccc2c9adf565ae1ac9b536e184ea AS run
ENV PATH=/opt/openbell/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    OPENBELL_DATA_DIR=/data \
    OPENBELL_HOST=0.0.0.0 \
    OPENBELL_ACCESS=token \
    OPENBELL_PORT=8501
RUN useradd --create-home --uid 10001 openbell \
    && mkdir /data /lake \
    && chown openbell:openbell /data /lake
COPY --from=build /opt/openbell /opt/openbell
WORKDIR /srv/openbell
COPY app ./app
COPY components ./components
COPY core ./core
COPY pages ./pages
COPY data/*.toml ./data/
USER openbell
VOLUME ["/data"]
EXPOSE 8501
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s --retries=3 \
    CMD ["python", "-c", "import urllib.request, os; urllib.request.urlopen(f\"http://127.0.0.1:{os.environ['OPENBELL_PORT']}/api/health/ready\", timeout=4)"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["python", "-m", "app"]
CMD ["serve"]
