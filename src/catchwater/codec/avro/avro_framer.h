/// \file
/// Where the blocks of a container file end.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <arrow/result.h>

#include "catchwater/avro/avro.h"
#include "catchwater/component/codec.h"

namespace catchwater {

/// The header of a container file.
struct AvroPreamble final : Preamble {
  AvroHeader header;
};

/// Each block of a container file is a frame; what is no container file is one message, whole.
/// Immutable.
class AvroFramer final : public Framer {
 public:
  /// \param has_messages bytes that begin otherwise may be a message
  explicit AvroFramer(bool has_messages) : has_messages_(has_messages) {}

  arrow::Result<Head> ReadHead(std::string_view bytes, bool is_end) override;
  int64_t Cut(std::string_view bytes, bool is_end) override;
  int64_t CutAfter(const Preamble* preamble, std::string_view bytes, bool is_end) override;
  int64_t Resync(std::string_view bytes) override;
  int64_t ResyncAfter(const Preamble* preamble, std::string_view bytes) override;
  bool is_line_based() const override { return false; }

 private:
  const bool has_messages_;
};

/// The byte count of the first frame: a block, or what is damaged up to and with the next sync
/// marker. 0: it does not end here. At the end of the file the last frame ends in any case.
size_t AvroFrameBytes(std::string_view bytes, std::string_view sync, bool is_end);

}  // namespace catchwater
