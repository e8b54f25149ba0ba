/// \file
/// Members of records that no column reads.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <arrow/result.h>

#include "catchwater/batch/text_run.h"
#include "catchwater/codec/json/json_options.h"
#include "catchwater/codec/json/json_reader.h"
#include "catchwater/component/field_finder.h"

namespace catchwater {

/// Looks at the records' own members: one that a column reads a part of counts as read. One thread
/// at a time.
class JsonFieldFinder final : public FieldFinder {
 public:
  /// \retval kConfig if a column's `from` is no path
  static arrow::Result<std::unique_ptr<JsonFieldFinder>> Make(const JsonOptions& options,
                                                              const std::vector<Column>& columns);

  arrow::Result<std::span<const FoundField>> Find(const Block& block, const Batch& rows) override;

 private:
  JsonFieldFinder(FieldTree to_record, FieldTree known, const JsonOptions& options);

  void FindMembers(int64_t row, std::string_view text);
  /// Reads a key and its value. \return behind the value, or nullptr
  const char* TakeMember(int64_t row, const char* at, const char* end, uint32_t& hint);
  void Note(int64_t row, std::string_view name, const char* begin, const char* end);
  std::string_view Unescaped(std::string_view text);

  JsonReader to_record_;  // From the text of a row to its record.
  JsonReader any_;
  const FieldTree known_;
  const NullTokens null_tokens_;
  std::vector<JsonValue> record_;
  std::vector<FoundField> found_;
  std::deque<std::string> texts_;  // That had escape sequences.
};

}  // namespace catchwater
