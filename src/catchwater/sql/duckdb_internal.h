/// \file
/// DuckDB's C handles as owners, and its errors as ours. Private to sql/.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include <arrow/status.h>
#include <duckdb.h>

#include "catchwater/base/error.h"

namespace catchwater::duckdb_internal {

/// Calls DuckDB's destroy function, which takes the address of the handle.
template <auto kDestroy>
struct Destroy {
  template <typename Pointee>
  void operator()(Pointee* handle) const {
    kDestroy(&handle);
  }
};
template <typename Handle, auto kDestroy>
using Owned = std::unique_ptr<std::remove_pointer_t<Handle>, Destroy<kDestroy>>;

using Database = Owned<duckdb_database, duckdb_close>;
using Connection = Owned<duckdb_connection, duckdb_disconnect>;
using Config = Owned<duckdb_config, duckdb_destroy_config>;
using Prepared = Owned<duckdb_prepared_statement, duckdb_destroy_prepare>;
using Pending = Owned<duckdb_pending_result, duckdb_destroy_pending>;
using Extracted = Owned<duckdb_extracted_statements, duckdb_destroy_extracted>;
using LogicalType = Owned<duckdb_logical_type, duckdb_destroy_logical_type>;
using Chunk = Owned<duckdb_data_chunk, duckdb_destroy_data_chunk>;
using ArrowOptions = Owned<duckdb_arrow_options, duckdb_destroy_arrow_options>;
using ErrorData = Owned<duckdb_error_data, duckdb_destroy_error_data>;
using Value = Owned<duckdb_value, duckdb_destroy_value>;
using TableFunction = Owned<duckdb_table_function, duckdb_destroy_table_function>;

/// A result is a struct, not a handle: destroyed where it stands.
struct Result {
  Result() = default;
  Result(const Result&) = delete;
  Result& operator=(const Result&) = delete;
  ~Result() { duckdb_destroy_result(&raw); }
  duckdb_result raw{};
};

/// DuckDB's type of error -> our kind. What a query's text or rows cause is bad data.
inline ErrorKind KindOfDuckDb(duckdb_error_type type) {
  switch (type) {
    case DUCKDB_ERROR_INTERRUPT:
      return ErrorKind::kCancelled;
    case DUCKDB_ERROR_IO:
    case DUCKDB_ERROR_HTTP:
    case DUCKDB_ERROR_NETWORK:
    case DUCKDB_ERROR_OUT_OF_MEMORY:
      return ErrorKind::kUnavailable;
    case DUCKDB_ERROR_PERMISSION:
      return ErrorKind::kDenied;
    case DUCKDB_ERROR_INTERNAL:
    case DUCKDB_ERROR_FATAL:
      return ErrorKind::kInternal;
    default:
      return ErrorKind::kBadData;
  }
}

inline arrow::Status ErrorOf(duckdb_result& result) {
  const char* message = duckdb_result_error(&result);
  return MakeError(KindOfDuckDb(duckdb_result_error_type(&result)),
                   message != nullptr ? message : "DuckDB gave no reason");
}

inline arrow::Status ErrorOf(const ErrorData& error) {
  if (error == nullptr || !duckdb_error_data_has_error(error.get())) return arrow::Status::OK();
  return MakeError(KindOfDuckDb(duckdb_error_data_error_type(error.get())),
                   duckdb_error_data_message(error.get()));
}

/// What DuckDB refuses to prepare comes as a message alone: its first words tell the type.
inline arrow::Status PrepareError(const char* message) {
  if (message == nullptr) return BadData("DuckDB gave no reason");
  const std::string_view text = message;
  for (const auto& [words, kind] :
       {std::pair<std::string_view, ErrorKind>{"Permission Error", ErrorKind::kDenied},
        {"IO Error", ErrorKind::kUnavailable},
        {"HTTP Error", ErrorKind::kUnavailable},
        {"Out of Memory Error", ErrorKind::kUnavailable},
        {"INTERRUPT Error", ErrorKind::kCancelled},
        {"INTERNAL Error", ErrorKind::kInternal}}) {
    if (text.starts_with(words)) return MakeError(kind, message);
  }
  return BadData(message);
}

}  // namespace catchwater::duckdb_internal
