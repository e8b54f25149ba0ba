#include "catchwater/stream/detect/waiting_rows.h"

namespace catchwater {

void WaitingRows::Add(const WaitingRow& row) {
  Moment& moment = moments_[row.time_us];
  byte_count_ -= BytesOf(moment);
  moment.keys.push_back(row.key);
  moment.sources.push_back(row.source);
  moment.numbers.insert(moment.numbers.end(), row.numbers.begin(), row.numbers.end());
  byte_count_ += BytesOf(moment);
}

void WaitingRows::Save(StateWriter* state) const {
  state->Put(static_cast<uint64_t>(moments_.size()));
  for (const auto& [time_us, moment] : moments_) {
    state->Put(time_us);
    state->Put(static_cast<uint64_t>(moment.keys.size()));
    for (size_t i = 0; i < moment.keys.size(); ++i) {
      state->Put(moment.keys[i]);
      state->Put(moment.sources[i]);
    }
    for (const double number : moment.numbers) state->Put(number);
  }
}

void WaitingRows::Load(StateReader* state) {
  moments_.clear();
  byte_count_ = 0;
  std::vector<double> numbers(number_count_);
  for (uint64_t rest = state->GetCount(16); rest > 0; --rest) {
    Moment& moment = moments_[state->Get<int64_t>()];
    const uint64_t row_count = state->GetCount(8 + number_count_ * sizeof(double));
    for (uint64_t i = 0; i < row_count; ++i) {
      moment.keys.push_back(state->Get<uint32_t>());
      moment.sources.push_back(state->Get<uint32_t>());
    }
    for (uint64_t i = 0; i < row_count * number_count_; ++i) {
      moment.numbers.push_back(state->Get<double>());
    }
    byte_count_ += BytesOf(moment);
  }
}

}  // namespace catchwater
