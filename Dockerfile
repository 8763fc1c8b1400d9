# One image for the API and the workers; docker-compose.yml says which command each runs.
FROM python:3.11-slim-bookworm AS build
WORKDIR /src
# gcc only while building: fastparquet and the like ship wheels, a few small packages do not on every platform.
RUN apt-get update && apt-get install -y --no-install-recommends gcc g++ && rm -rf /var/lib/apt/lists/*
RUN python -m venv /venv
COPY pyproject.toml constraints.txt README.md LICENSE ./
COPY core core
COPY adapters adapters
COPY indexer indexer
COPY graph graph
COPY rag rag
COPY api api
COPY evaluation evaluation
RUN /venv/bin/pip install --no-cache-dir -c constraints.txt '.[offline]'

FROM python:3.11-slim-bookworm
RUN useradd --create-home --uid 10001 kinograph && mkdir /data && chown kinograph /data
COPY --from=build /venv /venv
ENV PATH=/venv/bin:$PATH KINOGRAPH_HOME=/data PYTHONUNBUFFERED=1
USER kinograph
WORKDIR /data
VOLUME /data
EXPOSE 8765
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:8765/healthz', timeout=2)"]
# Published ports are open to the network, so this asks for KINOGRAPH_API_KEY: docker run -e KINOGRAPH_API_KEY=… …
CMD ["kinograph", "serve", "--host", "0.0.0.0"]
