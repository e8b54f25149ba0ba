/// \file
/// Codec `lines`: each line is one row, as it stands.
///
/// Columns read `line` (the text without its line end) or `byte_offset` (where the line begins in
/// the partition), by `from` or, without one, by their own name.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <arrow/result.h>

#include "catchwater/component/codec.h"
#include "catchwater/component/registry.h"
#include "catchwater/config/describe.h"

namespace catchwater {

struct LinesConfig {
  bool skip_empty = false;
  std::vector<std::string> null_tokens;

  template <class Visitor>
  void Describe(Visitor& field) {
    field.Optional("skip_empty", skip_empty, "Lines without a character make no row.");
    field.Optional("null_tokens", null_tokens, "Lines that mean null.", Count{0, 100},
                   Example{"['-']"});
  }
};

/// Immutable.
class LinesCodec final : public Codec {
 public:
  explicit LinesCodec(LinesConfig config) : config_(std::move(config)) {}

  arrow::Result<std::unique_ptr<Framer>> MakeFramer(const DecodeOptions& options) const override;
  /// \retval kConfig if a column is neither `line` nor `byte_offset`
  arrow::Result<std::unique_ptr<Decoder>> MakeDecoder(const DecodeOptions& options) const override;
  /// Writes the column `line`, or the only column, which must be a string.
  /// \retval kConfig if there is no such column
  arrow::Result<std::unique_ptr<Encoder>> MakeEncoder(
      const std::shared_ptr<arrow::Schema>& schema) const override;

 private:
  const LinesConfig config_;
};

arrow::Status RegisterLinesCodec(Registry& registry);

}  // namespace catchwater
