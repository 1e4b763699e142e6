# docker build --file deploy/docker/tools.Dockerfile --tag rendezvous-tools:0.1.0 .
# The `rendezvous` command: migrations, and the mail sink of a trial. It knows every service's
# migrations and consumers, and holds no server.

FROM python:3.11-slim AS build
WORKDIR /build
ENV UV_NO_CACHE=1 UV_COMPILE_BYTECODE=1 UV_PYTHON_DOWNLOADS=never VIRTUAL_ENV=/app
COPY deploy/docker/build.lock ./
RUN pip install --no-cache-dir --no-deps --require-hashes --requirement build.lock && uv venv /app
COPY deploy/docker/tools.lock ./
RUN uv pip install --no-deps --require-hashes --only-binary :all: --requirement tools.lock
COPY libs/contracts libs/contracts
COPY libs/service-kit libs/service-kit
COPY services/booking services/booking
COPY services/availability services/availability
COPY services/video services/video
COPY services/notify services/notify
COPY services/calendar-sync services/calendar-sync
COPY services/gateway services/gateway
COPY tools/rendezvous tools/rendezvous
RUN uv pip install --no-deps ./libs/contracts ./libs/service-kit \
    ./services/booking \
    ./services/availability \
    ./services/video \
    ./services/notify \
    ./services/calendar-sync \
    ./services/gateway \
    ./tools/rendezvous

FROM python:3.11-slim
RUN useradd --uid 10001 --user-group --no-create-home --shell /usr/sbin/nologin rendezvous \
    && install --directory --owner 10001 --group 10001 /mail
COPY --from=build /app /app
USER 10001:10001
ENV PATH=/app/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
ENTRYPOINT ["rendezvous"]
CMD ["--help"]
