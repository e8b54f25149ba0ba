/// \file
/// What a JSON codec is told, after parsing; shared by framer, decoder and encoder.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <arrow/result.h>

#include "catchwater/batch/column.h"
#include "catchwater/codec/json/json_path.h"
#include "catchwater/codec/json/json_plan.h"

namespace catchwater {

enum class JsonFormat { kAuto, kNdjson, kArray, kDocument };

struct JsonOptions {
  JsonPath path{};
  JsonFormat format = JsonFormat::kAuto;
  int32_t depth_max = 64;
  std::vector<std::string> null_tokens{};
};

/// The plan for a document, by its first character. Immutable.
struct JsonPlans {
  JsonPlan main;
  /// `auto` without a path: a document that is an array holds records.
  std::shared_ptr<const JsonPlan> array;

  const JsonPlan& For(char first) const { return first == '[' && array ? *array : main; }

  static arrow::Result<JsonPlans> Make(const JsonOptions& options,
                                       const std::vector<Column>& columns);
};

}  // namespace catchwater
