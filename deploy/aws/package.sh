#!/bin/bash
# Makes RELEASE.tar.gz of the commit that is checked out, with its packages for Linux on x64, and stores it in the
# bucket, if one is given: ./package.sh RELEASE [BUCKET]
set -euo pipefail
release=$1
cd "$(dirname "$0")/../.."
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
git archive HEAD | tar -x -C "$folder" --exclude=test --exclude=bench
(cd "$folder" && npm ci --omit=dev --no-audit --no-fund --os=linux --cpu=x64 --libc=glibc)
tar -czf "$release.tar.gz" -C "$folder" .
[ $# -lt 2 ] || aws s3 cp "$release.tar.gz" "s3://$2/$release.tar.gz"
