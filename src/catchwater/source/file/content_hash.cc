#include "catchwater/source/file/content_hash.h"

#include <xxhash.h>

#include "catchwater/base/error.h"

namespace catchwater {
namespace {

constexpr int64_t kPortionBytes = 1 << 20;

std::string Hex(XXH128_hash_t hash) {
  XXH128_canonical_t canonical;
  XXH128_canonicalFromHash(&canonical, hash);
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  for (const unsigned char byte : canonical.digest) {
    text += kDigits[byte >> 4];
    text += kDigits[byte & 15];
  }
  return text;
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

arrow::Result<std::string> HashFile(arrow::io::RandomAccessFile& file, const Attributes& attributes,
                                    const std::vector<std::string>& identity_names) {
  const std::unique_ptr<XXH3_state_t, XXH_errorcode (*)(XXH3_state_t*)> state(XXH3_createState(),
                                                                              &XXH3_freeState);
  CATCHWATER_CHECK(state != nullptr, "the hash state of 576 bytes must fit into memory");
  XXH3_128bits_reset(state.get());
  const auto portion = std::make_unique_for_overwrite<char[]>(kPortionBytes);
  for (int64_t offset = 0;;) {
    ARROW_ASSIGN_OR_RAISE(const int64_t got, file.ReadAt(offset, kPortionBytes, portion.get()));
    if (got == 0) break;
    XXH3_128bits_update(state.get(), portion.get(), static_cast<size_t>(got));
    offset += got;
  }
  return WithAttributes(XXH3_128bits_digest(state.get()), attributes, identity_names);
}

uint64_t HashTail(std::string_view bytes) { return XXH3_64bits(bytes.data(), bytes.size()); }

}  // namespace catchwater
