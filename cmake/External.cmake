# Which outside libraries a module links. Its users get them at link time; headers are in the
# system's include folder, except Arrow's (everybody's) and DuckDB's (of sql alone).
set(CATCHWATER_EXTERNAL_base catchwater_arrow date-tz fmt crypto pthread)
set(CATCHWATER_EXTERNAL_telemetry spdlog fmt)
set(CATCHWATER_EXTERNAL_security crypto)
set(CATCHWATER_EXTERNAL_io curl mosquitto xxhash z zstd ssl crypto)
set(CATCHWATER_EXTERNAL_config yaml-cpp)
set(CATCHWATER_EXTERNAL_sql catchwater_duckdb)
set(CATCHWATER_EXTERNAL_component xxhash)
set(CATCHWATER_EXTERNAL_amqp rabbitmq)
set(CATCHWATER_EXTERNAL_source_amqp xxhash)
set(CATCHWATER_EXTERNAL_spool xxhash)
set(CATCHWATER_EXTERNAL_source_http_poll xxhash)
set(CATCHWATER_EXTERNAL_source_http_push xxhash crypto)
set(CATCHWATER_EXTERNAL_stream xxhash)
set(CATCHWATER_EXTERNAL_pipeline xxhash)
set(CATCHWATER_EXTERNAL_avro z snappy zstd)
set(CATCHWATER_EXTERNAL_codec_json simdjson)
set(CATCHWATER_EXTERNAL_codec_regex re2)
set(CATCHWATER_EXTERNAL_codec_parquet xxhash zstd)
set(CATCHWATER_EXTERNAL_ledger sqlite3 xxhash)
set(CATCHWATER_EXTERNAL_kafka catchwater_rdkafka)
set(CATCHWATER_EXTERNAL_lake z snappy zstd xxhash)
set(CATCHWATER_EXTERNAL_crawl crypto magic)
set(CATCHWATER_EXTERNAL_postgres pq)
# Static: the shared library's constructor would run before ours, see mongo_sink.cc.
set(CATCHWATER_EXTERNAL_sink_mongo mongoc-static-1.0 bson-static-1.0 mongocrypt sasl2 icuuc ssl
  crypto snappy zstd z resolv)
set(CATCHWATER_EXTERNAL_transform_validate re2)
set(CATCHWATER_EXTERNAL_transform_deduplicate xxhash)
set(CATCHWATER_EXTERNAL_testing rapidcheck gmock gtest)

# Seen by the module's own sources and tests, not by its users.
set(CATCHWATER_PRIVATE_sql catchwater_duckdb_header)
set(CATCHWATER_PRIVATE_kafka catchwater_rdkafka_header)
set(CATCHWATER_PRIVATE_source_kafka catchwater_rdkafka_header)
set(CATCHWATER_PRIVATE_notify catchwater_rdkafka_header)
add_library(catchwater_mongoc_headers INTERFACE)
target_include_directories(catchwater_mongoc_headers SYSTEM INTERFACE
  /usr/include/libmongoc-1.0 /usr/include/libbson-1.0)
set(CATCHWATER_PRIVATE_sink_mongo catchwater_mongoc_headers)
# How Debian's libraries were built; their headers must be read the same way.
set(CATCHWATER_DEFINITIONS_base USE_OS_TZDB=1 ONLY_C_LOCALE=1 HAS_STRING_VIEW=1)
set(CATCHWATER_DEFINITIONS_telemetry SPDLOG_COMPILED_LIB SPDLOG_SHARED_LIB SPDLOG_FMT_EXTERNAL FMT_SHARED)
set(CATCHWATER_DEFINITIONS_codec_json SIMDJSON_THREADS_ENABLED=1)
# Where DuckDB's extensions lie when they are not installed beside the program. Of one source only:
# the path is a folder's own, so no other folder can share what is compiled with it.
set_source_files_properties("${CMAKE_SOURCE_DIR}/src/catchwater/cli/workspace.cc" PROPERTIES
  COMPILE_DEFINITIONS "CATCHWATER_EXTENSION_FOLDER=\"${CMAKE_SOURCE_DIR}/.deps/duckdb/extensions\"")
