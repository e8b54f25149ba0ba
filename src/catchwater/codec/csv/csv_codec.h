/// \file
/// Codec `csv`: RFC 4180 with the usual freedoms. The grammar is told in csv_dialect_internal.h.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <arrow/status.h>

#include "catchwater/component/registry.h"
#include "catchwater/config/describe.h"

namespace catchwater {

enum class CsvMissingFields { kDeadLetter, kFillNull };
constexpr auto EnumWords(CsvMissingFields) {
  using Pair = std::pair<CsvMissingFields, std::string_view>;
  return std::array{Pair{CsvMissingFields::kDeadLetter, "dead_letter"},
                    Pair{CsvMissingFields::kFillNull, "fill_null"}};
}

enum class CsvExtraFields { kDeadLetter, kIgnore };
constexpr auto EnumWords(CsvExtraFields) {
  using Pair = std::pair<CsvExtraFields, std::string_view>;
  return std::array{Pair{CsvExtraFields::kDeadLetter, "dead_letter"},
                    Pair{CsvExtraFields::kIgnore, "ignore"}};
}

struct CsvConfig {
  bool header = true;
  std::string delimiter = ",";
  std::string quote = "\"";
  std::vector<std::string> null_tokens = {"", "\\N", "NA"};
  std::string comment;
  bool trim = false;
  int64_t skip_rows = 0;
  CsvMissingFields missing = CsvMissingFields::kDeadLetter;
  CsvExtraFields extra = CsvExtraFields::kDeadLetter;

  template <class Visitor>
  void Describe(Visitor& field) {
    field.Optional("header", header,
                   "The first record names the fields. Without it columns are taken in their "
                   "declared order, or by `from: \"#3\"`.");
    field.Optional("delimiter", delimiter, "Character between fields, or the word `tab`.",
                   Example{"';'"});
    field.Optional("quote", quote,
                   "Character around texts that hold delimiters or line ends, or the word `none`.");
    field.Optional("null_tokens", null_tokens,
                   "Texts that mean null. In string columns only when they are not quoted.",
                   Count{0, 100});
    field.Optional("comment", comment, "Lines that begin with this character are left out.",
                   Example{"'#'"});
    field.Optional("trim", trim, "Take blanks and tabs away around fields that are not quoted.");
    field.Optional("skip_rows", skip_rows, "Lines to leave out before the header.",
                   Bounds{0, 1'000'000});
    field.Optional("missing", missing,
                   "A record with too few fields is a dead letter, or the last columns are null.");
    field.Optional("extra", extra,
                   "A record with too many fields is a dead letter, or the last are left out.");
  }
  arrow::Status Check() const;
};

arrow::Status RegisterCsvCodec(Registry& registry);

}  // namespace catchwater
