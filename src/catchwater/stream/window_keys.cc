#include "catchwater/stream/window_keys.h"

#include <algorithm>

#include "catchwater/batch/select_rows.h"

namespace catchwater {

arrow::Result<std::vector<uint32_t>> WindowKeys::Admit(Batch* batch, int64_t state_bytes,
                                                       StreamTally* tally) {
  const uint32_t known = count();
  const int64_t row_count = batch->rows->num_rows();
  arrow::ArrayVector columns;
  for (const std::string& column : columns_) {
    columns.push_back(batch->rows->GetColumnByName(column));
  }
  ARROW_ASSIGN_OR_RAISE(auto keys, index_.Assign(columns, row_count));
  tally->used = row_count;
  if (count() == known) return keys;
  auto limit = static_cast<uint32_t>(std::min(count_max_, int64_t{UINT32_MAX}));
  if (state_bytes > bytes_max_) limit = std::min(limit, known);
  if (count() <= limit) return keys;
  index_.Truncate(limit);
  std::vector<uint8_t> keep(keys.size());
  for (size_t row = 0; row < keys.size(); ++row) keep[row] = keys[row] < limit ? 1 : 0;
  std::erase_if(keys, [&](uint32_t key) { return key >= limit; });
  ARROW_ASSIGN_OR_RAISE(*batch, FilterBatch(*batch, keep));
  tally->used = static_cast<int64_t>(keys.size());
  tally->others.push_back({.bucket = Bucket::kFiltered,
                           .reason = "new_key_over_bound",
                           .row_count = row_count - tally->used});
  return keys;
}

void WindowKeys::Save(uint32_t from, StateWriter* state) const {
  state->Put(from);
  state->Put(uint64_t{count() - from});
  for (uint32_t key = from; key < count(); ++key) state->PutText(index_.encoded(key));
}

void WindowKeys::Load(StateReader* state) {
  const auto from = state->Get<uint32_t>();
  const uint64_t added = state->GetCount(sizeof(uint64_t));
  // Changes follow what they changed; a whole state follows nothing.
  if (from != count()) state->Fail();
  for (uint64_t key = 0; key < added; ++key) {
    // A key that is there twice would shift all that follow.
    if (index_.AssignEncoded(state->GetText()) != from + key) state->Fail();
  }
  if (!index_.CheckEncoded().ok()) state->Fail();
}

}  // namespace catchwater
