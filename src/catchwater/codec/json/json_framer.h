/// \file
/// Cuts the bytes of a file into JSON frames and finds out how they are told apart.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include <arrow/result.h>

#include "catchwater/codec/json/json_framing.h"
#include "catchwater/codec/json/json_options.h"
#include "catchwater/codec/json/json_plan.h"
#include "catchwater/component/codec.h"

namespace catchwater {

/// Any thread: there is no state besides the options.
class JsonFramer final : public Framer {
 public:
  JsonFramer(JsonOptions options, JsonPlans plans, int64_t frame_bytes_max);

  arrow::Result<Head> ReadHead(std::string_view bytes, bool is_end) override;
  int64_t Cut(std::string_view bytes, bool is_end) override;
  int64_t CutAfter(const Preamble* preamble, std::string_view bytes, bool is_end) override;
  int64_t Resync(std::string_view bytes) override;
  int64_t ResyncAfter(const Preamble* preamble, std::string_view bytes) override;
  /// True for documents too: their lines are worth telling.
  bool is_line_based() const override { return true; }

 private:
  struct Look;  // At the beginning of a partition.

  arrow::Result<Head> DecideAuto(const Look& look) const;
  arrow::Result<Head> DecideDocument(const Look& look) const;
  arrow::Result<Head> DecideByEnvelope(const Look& look, const JsonPlan& plan) const;

  const JsonOptions options_;
  const JsonPlans plans_;
  const int64_t frame_bytes_max_;
};

}  // namespace catchwater
