# Built in one image, run in another: the second has no npm, no sources and no root.
FROM python:3.11-slim AS build
WORKDIR /src
COPY requirements.txt requirements-build.txt ./
RUN python -m venv /opt/baygrid \
 && /opt/baygrid/bin/pip install --no-cache-dir --require-hashes -r requirements.txt \
 && pip install --no-cache-dir --require-hashes -r requirements-build.txt
COPY . .
RUN pip wheel --no-cache-dir --no-build-isolation --no-deps --wheel-dir /wheels . \
 && /opt/baygrid/bin/pip install --no-cache-dir --no-deps /wheels/baygrid-*.whl

FROM python:3.11-slim
RUN useradd --create-home --uid 10001 baygrid
COPY --from=build /opt/baygrid /opt/baygrid
USER baygrid
WORKDIR /home/baygrid
ENV PATH="/opt/baygrid/bin:$PATH" BAYGRID_ENV=production BAYGRID_HOST=0.0.0.0 BAYGRID_LOG_FORMAT=json
EXPOSE 8000
HEALTHCHECK CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/healthz', timeout=3)"]
CMD ["baygrid", "serve"]
