#include "catchwater/crawl/object_file.h"

#include <array>
#include <utility>

#include <magic.h>
#include <openssl/evp.h>

#include "catchwater/base/error.h"

namespace catchwater {
namespace {

constexpr int64_t kPieceBytes = 1 << 20;
constexpr char kUnknownType[] = "application/octet-stream";

struct FreeDigest {
  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
};

std::string Hex(const unsigned char* bytes, size_t count) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  for (size_t i = 0; i < count; ++i) {
    text += kDigits[bytes[i] >> 4];
    text += kDigits[bytes[i] & 15];
  }
  return text;
}

}  // namespace

struct ObjectReader::Magic {
  magic_t cookie = nullptr;
  ~Magic() {
    if (cookie != nullptr) magic_close(cookie);
  }
};

ObjectReader::ObjectReader(std::unique_ptr<Magic> magic) : magic_(std::move(magic)) {}
ObjectReader::~ObjectReader() = default;

arrow::Result<std::unique_ptr<ObjectReader>> ObjectReader::Make() {
  auto magic = std::make_unique<Magic>();
  magic->cookie = magic_open(MAGIC_MIME_TYPE);
  if (magic->cookie == nullptr || magic_load(magic->cookie, nullptr) != 0) {
    const char* why = magic->cookie == nullptr ? nullptr : magic_error(magic->cookie);
    return NotFound("Table of file types cannot be loaded (Debian: libmagic1): ",
                    why == nullptr ? "no memory" : why);
  }
  return std::unique_ptr<ObjectReader>(new ObjectReader(std::move(magic)));
}

std::string ObjectReader::MediaTypeOf(std::string_view beginning) const {
  const char* type = magic_buffer(magic_->cookie, beginning.data(), beginning.size());
  return type == nullptr ? kUnknownType : type;
}

arrow::Result<ObjectFacts> ObjectReader::Read(Files& files, const std::string& path) {
  ARROW_ASSIGN_OR_RAISE(const auto input, files.OpenInput(path));
  ARROW_ASSIGN_OR_RAISE(const int64_t byte_count, input->GetSize());
  const std::unique_ptr<EVP_MD_CTX, FreeDigest> digest(EVP_MD_CTX_new());
  CATCHWATER_CHECK(digest != nullptr && EVP_DigestInit_ex(digest.get(), EVP_sha256(), nullptr) == 1,
                   "OpenSSL has SHA-256");
  ObjectFacts facts;
  while (facts.byte_count < byte_count) {
    ARROW_ASSIGN_OR_RAISE(const auto piece, input->ReadAt(facts.byte_count, kPieceBytes));
    if (piece->size() == 0) return Unavailable("File ends before its end: ", path);
    if (facts.byte_count == 0) facts.media_type = MediaTypeOf(std::string_view(*piece));
    EVP_DigestUpdate(digest.get(), piece->data(), static_cast<size_t>(piece->size()));
    facts.byte_count += piece->size();
  }
  std::array<unsigned char, EVP_MAX_MD_SIZE> bytes{};
  unsigned int length = 0;
  EVP_DigestFinal_ex(digest.get(), bytes.data(), &length);
  facts.sha256 = Hex(bytes.data(), length);
  return facts;
}

}  // namespace catchwater
