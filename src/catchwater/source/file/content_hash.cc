#include "catchwater/source/file/content_hash.h"

#include <algorithm>

#define XXH_STATIC_LINKING_ONLY  // For the size of its state.
#include <xxhash.h>

#include "catchwater/base/hex.h"

namespace catchwater {
namespace {

constexpr int64_t kPortionBytes = 1 << 20;

std::string Hex(XXH128_hash_t hash) {
  XXH128_canonical_t canonical;
  XXH128_canonicalFromHash(&canonical, hash);
  return HexOf({reinterpret_cast<const char*>(canonical.digest), sizeof(canonical.digest)});
}

// The values are hashed together with the content's hash, each behind its length, so that no
// content can imitate them.
std::string WithAttributes(XXH128_hash_t content, const Attributes& attributes,
                           const std::vector<std::string>& identity_names) {
  std::string text = Hex(content);
  if (identity_names.empty()) return text;
  for (const std::string& name : identity_names) {
    for (const auto& [key, value] : attributes) {
      if (key != name) continue;
      text += "\n" + key + " " + std::to_string(value.size()) + " " + value;
    }
  }
  return Hex(XXH3_128bits(text.data(), text.size()));
}

}  // namespace

std::string HashContent(std::string_view bytes, const Attributes& attributes,
                        const std::vector<std::string>& identity_names) {
  return WithAttributes(XXH3_128bits(bytes.data(), bytes.size()), attributes, identity_names);
}

struct ContentHasher::State {
  XXH3_state_t xxh3;
};

ContentHasher::ContentHasher() : state_(std::make_unique<State>()) {
  XXH3_128bits_reset(&state_->xxh3);
}
ContentHasher::~ContentHasher() = default;

void ContentHasher::Add(std::string_view bytes) {
  XXH3_128bits_update(&state_->xxh3, bytes.data(), bytes.size());
  byte_count_ += static_cast<int64_t>(bytes.size());
}

std::string ContentHasher::Finish(const Attributes& attributes,
                                  const std::vector<std::string>& identity_names) const {
  return WithAttributes(XXH3_128bits_digest(&state_->xxh3), attributes, identity_names);
}

arrow::Result<std::string> HashFile(arrow::io::RandomAccessFile& file, int64_t byte_count_max,
                                    const Attributes& attributes,
                                    const std::vector<std::string>& identity_names) {
  ContentHasher hasher;
  const auto portion = std::make_unique_for_overwrite<char[]>(kPortionBytes);
  for (;;) {
    const int64_t wanted = std::min(kPortionBytes, byte_count_max - hasher.byte_count());
    ARROW_ASSIGN_OR_RAISE(const int64_t got,
                          file.ReadAt(hasher.byte_count(), wanted, portion.get()));
    if (got == 0) break;
    hasher.Add({portion.get(), static_cast<size_t>(got)});
  }
  return hasher.Finish(attributes, identity_names);
}

uint64_t HashTail(std::string_view bytes) { return XXH3_64bits(bytes.data(), bytes.size()); }

}  // namespace catchwater
