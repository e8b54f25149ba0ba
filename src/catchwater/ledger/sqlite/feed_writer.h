/// \file
/// Adds the events of one transaction to the change feed.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include <arrow/result.h>

#include "catchwater/ledger/sqlite/connection.h"
#include "catchwater/ledger/sqlite/json_text.h"

namespace catchwater {

/// One transaction, one thread. The first event moves the clock, if the transaction has not done it
/// by itself: a reader of "seq > n" then never misses a change.
class FeedWriter {
 public:
  explicit FeedWriter(Connection& connection) : connection_(connection) {}
  FeedWriter(Connection& connection, int64_t seq) : connection_(connection), seq_(seq) {}

  /// The sequence number of this transaction.
  arrow::Result<int64_t> Seq();
  arrow::Status Add(std::string_view kind, std::string_view object, std::string_view body_json);
  arrow::Status AddWork(WorkMove::Kind kind, std::string_view path, const WorkEventBody& body);

 private:
  Connection& connection_;
  std::optional<int64_t> seq_;
  int64_t ordinal_next_ = 0;
};

/// Moves the clock by one. \return the new sequence number
arrow::Result<int64_t> MoveClock(Connection& connection);

}  // namespace catchwater
