#include "catchwater/stream/window_keys.h"

#include <algorithm>

#include "catchwater/batch/select_rows.h"

namespace catchwater {

arrow::Result<std::vector<uint32_t>> WindowKeys::Admit(Batch* batch, int64_t state_bytes,
                                                       StreamTally* tally) {
  const uint32_t known = count();
  const int64_t row_count = batch->rows->num_rows();
  ARROW_ASSIGN_OR_RAISE(auto keys, index_.Assign(*batch->rows, columns_));
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
  tally->Count(Bucket::kFiltered, "new_key_over_bound", row_count - tally->used);
  return keys;
}

void WindowKeys::Save(uint32_t from, StateWriter* state) const {
  state->Put(from);
  index_.Save(from, state);
}

void WindowKeys::Load(StateReader* state) {
  const auto from = state->Get<uint32_t>();
  // Changes follow what they changed; a whole state follows nothing.
  if (from != count()) state->Fail();
  index_.Load(state);
}

}  // namespace catchwater
