"""Scoring of an archive of photos into Parquet (see `run`); needs the extra `scale`."""
