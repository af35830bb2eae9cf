"""Dockerfiles made up by a seeded generator: whole files, as projects have them."""

import random
from collections.abc import Iterator

_BASES = (
    *("debian:12", "debian", "ubuntu:22.04", "alpine:3.20", "alpine:latest", "node:22", "golang"),
    *("python:3.12-slim", "fedora:40", "centos:7", "opensuse/leap:15.6", "ghcr.io/org/app:1.2"),
    *("scratch", "ruby:3.3", "${BASE}", "registry.example.com/team/app"),
)
RUNS = (
    "apt-get update && apt-get install -y curl",
    "apt-get update && apt-get install -y --no-install-recommends curl=7.1 \\\n && rm -rf /x",
    "apt-get update && apt-get install -y git=1:2.39 \\\n && rm -r /var/lib/apt/lists/*",
    "apt-get install --yes gcc make",
    "set -eux; apt-get update; apt-get install -qq vim; rm -rf /var/lib/apt/lists/*",
    "apt update && apt install -y foo",
    "apk add --no-cache curl=8.1 bash",
    "apk update && apk add -U git",
    "apk --no-cache add --virtual .build gcc~12 && make && apk del .build",
    "yum install -y httpd-2.4 && yum clean all",
    "yum -y install httpd",
    "dnf install -y nginx && dnf clean all",
    "microdnf install -y tar-1.34",
    "zypper --non-interactive install curl && zypper clean -a",
    "zypper in -y vim=9",
    "pip install flask",
    "pip install --no-cache-dir -r requirements.txt",
    "python3 -m pip install --upgrade pip==24.0 wheel",
    "pip3 install 'uvicorn[standard]>=0.30' gunicorn",
    "npm install -g pnpm@9",
    "npm install express && npm run build",
    "npm ci --omit=dev",
    "yarn install --frozen-lockfile",
    "yarn install && yarn cache clean",
    "gem install bundler",
    "gem install rake:13.2 rails:7.1",
    "go install example.com/tool@latest && go build -o /app ./...",
    "go mod download",
    "cd /srv && make",
    "sudo make install",
    "useradd -m -u 1234567 app && chown -R app /srv",
    "wget https://example.com/a.tgz && tar xzf a.tgz",
    "wget -q -O - https://example.com/a.tgz | tar -xz",
    "curl -fsSL https://example.com/install.sh | bash -s -- -y",
    "curl -o /tmp/x https://example.com/x && wget -nv https://example.com/y",
    "ln -sf /bin/bash /bin/sh",
    "service nginx start && ps aux",
    'if [ "$MODE" = dev ]; then pip install -e .; else pip install .; fi',
    "for p in a b c; do apt-get install -y $p; done",
    "{ echo a; echo b; } > /etc/conf && chmod 600 /etc/conf",
    'echo "it\'s ${MODE:-x}" > /etc/motd',
    "mkdir -p /srv/app \\\n # a comment inside\n && touch /srv/app/x",
    "--mount=type=cache,target=/root/.cache/pip pip install flask==3.0",
    "--mount=type=cache,target=/var/cache/apk apk add curl=8",
    "--mount=type=secret,id=token cat /run/secrets/token",
    '["apt-get", "install", "-y", "curl"]',
    '["/bin/true"]',
    "<<EOF\napt-get install -y curl\nEOF\n",
    "export PIP_NO_CACHE_DIR=1 && pip install flask==3.0",
    "rm -rf /tmp/*",
    "true",
)
_OTHERS = (
    *(
        "WORKDIR /srv",
        "WORKDIR srv",
        "WORKDIR $HOME/app",
        "USER root",
        "USER app",
        "USER 1000:1000",
    ),
    *("COPY . .", "COPY a b /srv", "COPY a b /srv/", "COPY --chown=app:app src/ /srv/"),
    *("ADD app.tar.gz /srv/", "ADD src /srv/", "ADD https://example.com/x /x", "COPY x.tgz /srv/"),
    *("ENV A=1 B=2", "ENV A=1 B=$A", "ENV PATH=/opt/bin:$PATH", "ENV PIP_NO_CACHE_DIR=1"),
    *("ENV MY_TOKEN=x", "ARG VERSION=1", "ARG DB_PASSWORD", "LABEL org.example.a=b", "LABEL Bad=1"),
    *("EXPOSE 80 443", "EXPOSE 70000", "VOLUME /data", "STOPSIGNAL SIGTERM", "MAINTAINER someone"),
    *('SHELL ["/bin/bash", "-o", "pipefail", "-c"]', 'SHELL ["/bin/sh", "-c"]'),
    *("HEALTHCHECK CMD curl -f http://localhost/", "HEALTHCHECK NONE"),
    *("ONBUILD COPY . /src", "ONBUILD RUN cd /src && npm install", "ONBUILD RUN pip install x"),
    *("# just a comment", "", "# hadolint ignore=DL3008,DL3059", "# hadolint ignore=DL3013 # why"),
)
_ENDS = (
    *('CMD ["app"]', "CMD app --serve", 'ENTRYPOINT ["/app"]\nCMD ["-v"]', "ENTRYPOINT app"),
    *('CMD ["a"]\nCMD ["b"]', ""),
)


def dockerfiles(count: int) -> Iterator[str]:
    """`count` of them, always the same."""
    for seed in range(count):
        yield _dockerfile(random.Random(seed))


def _dockerfile(chance: random.Random) -> str:
    lines: list[str] = []
    if chance.random() < 0.3:
        lines += ["# syntax=docker/dockerfile:1", "ARG BASE=debian:12"]
    if chance.random() < 0.1:
        lines.append("# hadolint global ignore=DL3015,DL3006")
    names: list[str] = []
    for stage in range(chance.choice((1, 1, 1, 2, 2, 3))):
        bases = (*_BASES, *names, *names)
        name = f" AS {chance.choice(('build', 'base', 'app'))}{stage}" if stage < 2 else ""
        platform = chance.choice(("", "", "", "", "--platform=linux/amd64 "))
        lines.append(f"FROM {platform}{chance.choice(bases)}{name}")
        for _ in range(chance.randint(1, 9)):
            if chance.random() < 0.55:
                lines.append(f"RUN {chance.choice(RUNS)}")
            else:
                lines.append(chance.choice(_OTHERS))
        if names and chance.random() < 0.6:
            lines.append(f"COPY --from={chance.choice((*names, '0', 'nginx:1'))} /a /b")
        if name:
            names.append(name.split()[-1])
    lines.append(chance.choice(_ENDS))
    return "\n".join(lines) + "\n"
