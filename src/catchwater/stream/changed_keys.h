/// \file
/// Which keys changed since the state was saved.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace catchwater {

/// In the beginning everything must be saved. One thread at a time.
class ChangedKeys {
 public:
  void Resize(uint32_t key_count) { is_changed_.resize(key_count, 0); }
  void Mark(uint32_t key) {
    if (is_all_ || is_changed_[key] != 0) return;
    is_changed_[key] = 1;
    keys_.push_back(key);
  }
  /// The keys have other numbers: what was saved is of no use.
  void Renumber(uint32_t key_count) {
    is_changed_.assign(key_count, 0);
    keys_.clear();
    is_all_ = true;
  }
  void Saved() {
    for (const uint32_t key : keys_) is_changed_[key] = 0;
    keys_.clear();
    saved_count_ = static_cast<uint32_t>(is_changed_.size());
    is_all_ = false;
  }

  bool is_all() const { return is_all_; }
  std::span<const uint32_t> keys() const { return keys_; }
  /// Keys below were saved once.
  uint32_t saved_count() const { return saved_count_; }

 private:
  std::vector<uint8_t> is_changed_;  // By key.
  std::vector<uint32_t> keys_;
  uint32_t saved_count_ = 0;
  bool is_all_ = true;
};

}  // namespace catchwater
