# DuckDB's static libraries (.deps/duckdb). Only src/catchwater/sql sees its header. The archives
# refer to each other in circles, hence the group. Extensions are loaded at run time by path, from
# .deps/duckdb/extensions, in the order avro, httpfs, iceberg.
set(duckdb_root "${CMAKE_SOURCE_DIR}/.deps/duckdb")
if(NOT EXISTS "${duckdb_root}/duckdb.h")
  message(FATAL_ERROR "DuckDB is not there. Run: tools/setup build")
endif()
set(duckdb_archives)
foreach(name
    duckdb_static duckdb_generated_extension_loader autocomplete_extension core_functions_extension
    icu_extension json_extension parquet_extension tpcds_extension tpch_extension duckdb_fastpforlib
    duckdb_fmt duckdb_fsst duckdb_hyperloglog duckdb_mbedtls duckdb_miniz duckdb_pg_query duckdb_re2
    duckdb_skiplistlib duckdb_utf8proc duckdb_yyjson duckdb_zstd)
  list(APPEND duckdb_archives "${duckdb_root}/lib/lib${name}.a")
endforeach()
add_library(catchwater_duckdb INTERFACE)
target_link_libraries(catchwater_duckdb INTERFACE
  -Wl,--start-group ${duckdb_archives} -Wl,--end-group pthread dl m)
add_library(catchwater_duckdb_header INTERFACE)
target_include_directories(catchwater_duckdb_header SYSTEM INTERFACE "${duckdb_root}")
target_compile_definitions(catchwater_duckdb_header INTERFACE DUCKDB_STATIC_BUILD)
