/// \file
/// Where the lines of a text end.
#pragma once

#include <cstdint>
#include <string_view>

#include <arrow/result.h>

#include "catchwater/component/codec.h"

namespace catchwater {

/// Each line is a frame; a byte order mark stands before the first. Any thread.
class TextLineFramer final : public Framer {
 public:
  arrow::Result<Head> ReadHead(std::string_view bytes, bool is_end) override;
  int64_t Cut(std::string_view bytes, bool is_end) override;
  int64_t Resync(std::string_view bytes) override;
  bool is_line_based() const override { return true; }
};

}  // namespace catchwater
