#!/bin/sh
# Build the models and test them, import what they have built, and run the exports with the tag "dbt" on refreshed segments.
# "Shop" is the data source that reads the model of customers.
set -eu
dbt build
segment-exports import Shop --wait
segment-exports run --tag dbt --refresh --wait
