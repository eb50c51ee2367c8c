#!/bin/bash
# Writes the settings of the service, with its secrets, to memory: /run is a tmpfs.
set -euo pipefail
source /etc/birdhouse/sources
region=$(sed -n 's/^AWS_REGION=//p' /etc/birdhouse/settings)

secret() {
  aws secretsmanager get-secret-value --region "$region" --secret-id "$1" --query SecretString --output text
}

umask 077
mkdir -p /run/birdhouse
database=$(secret "$DATABASE_SECRET")
login=$(jq -r '(.username | @uri) + ":" + (.password | @uri)' <<<"$database")
{
  cat /etc/birdhouse/settings
  echo "DATABASE_URL=mysql://$login@$DATABASE_ADDRESS/birdhouse"
  echo "JWT_SECRETS=$(secret "$JWT_SECRET")"
  echo "SECOND_FACTOR_KEYS=$(secret "$SECOND_FACTOR_SECRET")"
  if [ -n "${REDIS_ADDRESS:-}" ]; then
    echo "REDIS_URL=rediss://:$(secret "$REDIS_SECRET")@$REDIS_ADDRESS"
  fi
} >/run/birdhouse/settings.new
mv /run/birdhouse/settings.new /run/birdhouse/settings
