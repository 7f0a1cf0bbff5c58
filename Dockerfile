# `shortlist serve` over an index that is mounted at /index; docs/serving.md says how to run it.
FROM python:3.11-slim

# Where torch comes from, if not from where everything else does: a package index with its CPU build
# saves gigabytes of CUDA (pytorch.org says which).
ARG TORCH_INDEX=
# A mirror for everything else, if it is given.
ARG PIP_INDEX_URL

ENV PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_NO_CACHE_DIR=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1

WORKDIR /opt/shortlist

COPY constraints.txt ./
RUN if [ -n "$TORCH_INDEX" ]; then \
      python -m pip install -c constraints.txt --index-url "$TORCH_INDEX" torch; \
    fi

COPY pyproject.toml README.md LICENSE ./
COPY engine ./engine
COPY indexer ./indexer
COPY server ./server
RUN python -m pip install -c constraints.txt . && \
    useradd --system --create-home --uid 10001 shortlist && \
    install -d -o shortlist -g shortlist /index

# shortlist, by its number: what runs the image may want to see that it is not root.
USER 10001

# No model hub is needed, and none is asked.
ENV HF_HUB_OFFLINE=1 \
    SHORTLIST_INDEX=/index

VOLUME /index
EXPOSE 8000

HEALTHCHECK --interval=10s --timeout=5s --start-period=120s --retries=3 \
  CMD ["python", "-c", "from urllib.request import urlopen; urlopen('http://127.0.0.1:8000/readyz', timeout=4)"]

# Without a key in SHORTLIST_API_KEY, SHORTLIST_WRITE_KEY or SHORTLIST_API_KEY_FILE it does not start.
ENTRYPOINT ["shortlist"]
CMD ["serve", "--host", "0.0.0.0", "--port", "8000", "--log-format", "json"]
