"""List and download the objects of S3-compatible buckets."""
