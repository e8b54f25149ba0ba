/// \file
/// The simplest framer: a frame is a line with its line end; a head of some lines may come first.
#pragma once

#include <cstdint>
#include <string_view>

#include "catchwater/component/codec.h"

namespace catchwater {

/// Immutable.
class LineFramer final : public Framer {
 public:
  explicit LineFramer(int64_t head_line_count = 0) : head_line_count_(head_line_count) {}

  arrow::Result<Head> ReadHead(std::string_view bytes, bool is_end) override;
  int64_t Cut(std::string_view bytes, bool is_end) override;
  int64_t Resync(std::string_view bytes) override;
  bool is_line_based() const override { return true; }

 private:
  const int64_t head_line_count_;
};

}  // namespace catchwater
