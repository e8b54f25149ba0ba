#include "catchwater/transform/enrich/lookup.h"

#include <bit>
#include <utility>

#include <arrow/array.h>
#include <arrow/scalar.h>

#include "catchwater/base/error.h"

namespace catchwater {
namespace {

std::string KeyText(const arrow::RecordBatch& rows, int64_t row,
                    const std::vector<std::string>& key) {
  std::string text;
  for (const std::string& column : key) {
    if (!text.empty()) text += ", ";
    const auto scalar = rows.GetColumnByName(column)->GetScalar(row);
    text += scalar.ok() ? (*scalar)->ToString() : "?";
  }
  return text;
}

bool HasNull(const arrow::ArrayVector& columns, int64_t row) {
  for (const auto& column : columns) {
    if (column->IsNull(row)) return true;
  }
  return false;
}

}  // namespace

size_t Lookup::SlotOf(const Hash128& key) const {
  const size_t mask = slots_.size() - 1;
  size_t slot = key.low & mask;
  while (slots_[slot].row != kMissing && slots_[slot].key != key) slot = (slot + 1) & mask;
  return slot;
}

arrow::Result<std::shared_ptr<const Lookup>> Lookup::Make(std::shared_ptr<arrow::RecordBatch> rows,
                                                          const std::vector<std::string>& key) {
  std::shared_ptr<Lookup> made(new Lookup());  // NOLINT: private constructor
  ARROW_ASSIGN_OR_RAISE(auto hasher, RowHasher::Make(*rows->schema(), key));
  std::vector<Hash128> hashes;
  hasher.Hash(*rows, hashes);
  made->slots_.resize(std::bit_ceil(hashes.size() * 2 + 2));
  arrow::ArrayVector key_columns;
  for (const std::string& column : key) key_columns.push_back(rows->GetColumnByName(column));
  for (size_t i = 0; i < hashes.size(); ++i) {
    if (HasNull(key_columns, static_cast<int64_t>(i))) continue;
    Slot& slot = made->slots_[made->SlotOf(hashes[i])];
    if (slot.row != kMissing) {
      return ConfigError("Key comes twice in the lookup: ",
                         KeyText(*rows, static_cast<int64_t>(i), key));
    }
    slot = {hashes[i], static_cast<int64_t>(i)};
  }
  made->rows_ = std::move(rows);
  return made;
}

int64_t Lookup::Find(std::span<const Hash128> hashes, std::span<int64_t> rows) const {
  CATCHWATER_CHECK(hashes.size() == rows.size(), "one row for each hash");
  int64_t missing_count = 0;
  for (size_t i = 0; i < hashes.size(); ++i) {
    rows[i] = slots_[SlotOf(hashes[i])].row;
    missing_count += rows[i] == kMissing ? 1 : 0;
  }
  return missing_count;
}

}  // namespace catchwater
