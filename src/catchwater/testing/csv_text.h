/// \file
/// For tests of the CSV codec: made from its YAML, texts decoded in one line.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "catchwater/base/error.h"
#include "catchwater/codec/csv/csv_codec.h"
#include "catchwater/config/diagnostic.h"
#include "catchwater/config/environment.h"
#include "catchwater/config/yaml_tree.h"
#include "catchwater/testing/codec_conformance.h"
#include "catchwater/testing/decode_text.h"

namespace catchwater {

/// yaml: what stands under `codec:`, e.g. `csv: {header: false}`.
inline arrow::Result<std::unique_ptr<Codec>> MakeCsv(std::string_view yaml = "csv") {
  Registry registry;
  ARROW_RETURN_NOT_OK(RegisterCsvCodec(registry));
  Diagnostics diagnostics;
  const ConfigNode node = ParseYamlText("codec.yaml", yaml, Environment(), diagnostics);
  return registry.MakeCodec(node);
}

/// Rows as `1|a|null; 2|b|x`, then a line per dead letter: `line rule field: reason`.
inline std::string DecodeCsv(std::string_view yaml, const std::vector<Column>& columns,
                             std::string_view text) {
  auto codec = MakeCsv(yaml);
  if (!codec.ok()) return "error: " + codec.status().message();
  const auto decoded = DecodePartition(**codec, MakeOptions(columns), text);
  if (!decoded.ok()) return "error: " + decoded.status().message();
  std::string result = RowsAsText(*decoded->rows);
  for (const DeadLetter& letter : decoded->dead) {
    result += "\n" + std::to_string(letter.line) + " " + letter.rule + " " + letter.field + ": " +
              letter.reason + " `" + letter.raw + "`";
  }
  return result;
}

}  // namespace catchwater
