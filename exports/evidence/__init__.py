"""Evidence of runs: results, list state and members as Parquet files, for warehouses and audits."""
