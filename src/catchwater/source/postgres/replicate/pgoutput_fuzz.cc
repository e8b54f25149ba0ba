// Fuzz target: any bytes as messages of a replication. Nothing may crash, what is read stands in
// the bytes, and a row of it is a JSON object.
#include "catchwater/source/postgres/replicate/pgoutput.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

#include <nlohmann/json.hpp>

#include "catchwater/base/error.h"
#include "catchwater/base/utf8.h"
#include "catchwater/source/postgres/replicate/change_json.h"
#include "catchwater/source/postgres/replicate/copy_row.h"

namespace catchwater {
namespace {

void CheckRow(const PgTuple& row, std::string_view bytes) {
  std::vector<ReplicatedColumn> columns;
  for (size_t i = 0; i < row.size(); ++i) {
    CATCHWATER_CHECK(row[i].text.empty() ||
                         (row[i].text.data() >= bytes.data() &&
                          row[i].text.data() + row[i].text.size() <= bytes.data() + bytes.size()),
                     "a value stands in the bytes");
    columns.push_back({.name = "c" + std::to_string(i)});
  }
  ChangeJson json("");
  json.SetColumns(columns);
  const std::string_view text = json.Row({.op = "insert"}, row, nullptr, /*is_key_only=*/false);
  CATCHWATER_CHECK(!IsValidUtf8(text) || nlohmann::json::accept(text), "a row is a JSON object");
}

void Run(std::string_view bytes) {
  std::string scratch;
  const auto copied = ParseCopyRow(bytes, &scratch);
  CATCHWATER_CHECK(copied.ok() || KindOf(copied.status()) == ErrorKind::kBadData,
                   "it is said what it is");
  const auto data = ParsePgWalData(bytes);
  const auto message = ParsePgOutput(data.ok() ? data->message : bytes);
  if (!message.ok()) {
    CATCHWATER_CHECK(KindOf(message.status()) == ErrorKind::kBadData, "it is said what it is");
    return;
  }
  const auto* change = std::get_if<PgChange>(&*message);
  if (change == nullptr) return;
  CATCHWATER_CHECK(change->kind != PgChange::Kind::kDelete || change->before,
                   "a removed row is named");
  CheckRow(change->after, bytes);
  if (change->before) CheckRow(*change->before, bytes);
}

}  // namespace
}  // namespace catchwater

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t byte_count) {
  catchwater::Run({reinterpret_cast<const char*>(bytes), byte_count});
  return 0;
}
