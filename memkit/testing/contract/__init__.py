"""Contract tests of storages, by subject; `StorageContract` holds them all."""
