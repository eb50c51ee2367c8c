#!/bin/bash
# Runs once on a new machine, as root, with the artefact in /srv/birdhouse. Builds nothing.
set -euo pipefail
cd /srv/birdhouse
dnf install -y --quiet jq logrotate amazon-cloudwatch-agent
id birdhouse >/dev/null 2>&1 ||
  useradd --system --home-dir /srv/birdhouse --shell /usr/sbin/nologin birdhouse
chown -R birdhouse: /srv/birdhouse
install -m 0644 deploy/systemd/birdhouse.service /etc/systemd/system/
install -m 0644 deploy/systemd/birdhouse.logrotate /etc/logrotate.d/birdhouse
install -D -m 0644 deploy/aws/machine/birdhouse.conf /etc/systemd/system/birdhouse.service.d/aws.conf
install -m 0644 deploy/aws/machine/birdhouse-reload.* /etc/systemd/system/
cat >/etc/birdhouse/prometheus.yaml <<END
global:
  scrape_interval: 1m
scrape_configs:
  - job_name: birdhouse
    static_configs:
      - targets: [$(seq -s ', ' -f "'127.0.0.1:%g'" 9464 $((9463 + $(nproc))))]
END
/opt/aws/amazon-cloudwatch-agent/bin/amazon-cloudwatch-agent-ctl -a fetch-config -m ec2 -s \
  -c file:/srv/birdhouse/deploy/aws/machine/agent.json
systemctl daemon-reload
systemctl enable --now birdhouse.service birdhouse-reload.timer
curl --silent --show-error --fail --retry 60 --retry-all-errors --retry-delay 2 http://127.0.0.1:3000/livez
