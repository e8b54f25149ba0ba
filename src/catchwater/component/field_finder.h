/// \file
/// Seam: the fields of records that no column reads, so that a table can take them up.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include <arrow/result.h>

#include "catchwater/batch/batch.h"
#include "catchwater/component/codec.h"

namespace catchwater {

/// What the format says of a value's type.
enum class FoundKind {
  kText,  ///< Nothing: CSV.
  kString,
  kBool,
  kInteger,
  kNumber,  ///< With a fraction or an exponent.
  kNested,  ///< An object or array, as its text.
};

/// A value that stands in a record and in no column. Nulls are not found.
struct FoundField {
  int64_t row = 0;
  std::string_view name{};
  std::string_view text{};  ///< Without quotes and escapes.
  FoundKind kind = FoundKind::kText;
};

/// One thread at a time; a pipeline makes one a lane.
class FieldFinder {
 public:
  virtual ~FieldFinder() = default;

  /// Finds the fields of rows that a decoder of the same codec made of the block. \pre the rows
  /// have their origins
  /// \return ascending by row; valid until the next call, while the block and the rows are there
  virtual arrow::Result<std::span<const FoundField>> Find(const Block& block,
                                                          const Batch& rows) = 0;
};

/// A codec is one, too, if its records name their fields. Immutable; any thread.
class FieldNamer {
 public:
  virtual ~FieldNamer() = default;
  /// \return null if these records do not: CSV without a header
  virtual arrow::Result<std::unique_ptr<FieldFinder>> MakeFieldFinder(
      const DecodeOptions& options) const = 0;
};

}  // namespace catchwater
