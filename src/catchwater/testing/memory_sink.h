/// \file
/// A sink whose target is a struct: what it has can be looked at, and it can be told to fail.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "catchwater/component/sink.h"

namespace catchwater::testing {

/// What outlives the sinks, like a server.
struct MemoryTarget {
  std::map<std::string, std::string> rows;  ///< By key; without a key by a running number.
  std::optional<DeliveryMark> mark;
  std::vector<std::string> columns;  ///< Of the last Open.
  bool has_key = true;               ///< The first column is the key.
  bool keeps_mark = true;
  bool needs_whole_commits = false;
  int opens = 0, restarts = 0, flushes = 0;
  arrow::Status open_answer;         ///< Of the next Opens.
  arrow::Status flush_answer;        ///< Of the next Flush only,
  bool flush_happens = false;        ///< which does its work all the same: the answer is lost.
  std::function<void()> on_flush{};  ///< In each Flush; empty: nothing.
};

/// Rows as text, `1|2026-...|name|null`: one for each, sorted.
std::vector<std::string> RowsOf(const MemoryTarget& target);

std::unique_ptr<Sink> MakeMemorySink(MemoryTarget& target,
                                     const std::shared_ptr<arrow::Schema>& schema);

}  // namespace catchwater::testing
