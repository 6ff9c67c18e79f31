#!/bin/sh
# Build the models and, when all tests of dbt have passed, run the exports with the tag "dbt" on refreshed segments.
set -eu
dbt build
segment-exports run --tag dbt --refresh --wait
