# interpose in a container, as docs/install.md says. It is built of the source beside it: docker build -t interpose .
FROM python:3.13-slim

WORKDIR /usr/local/src/interpose
COPY pyproject.toml README.md LICENSE ./
COPY proxy ./proxy
RUN pip install --no-cache-dir .

RUN useradd --create-home --uid 1000 interpose && install --directory --owner=interpose --mode=700 /sessions
USER interpose
WORKDIR /sessions

# A listener must be told to serve more than the container itself: run --listen 0.0.0.0:8900
EXPOSE 8900
ENTRYPOINT ["interpose"]
CMD ["--help"]
