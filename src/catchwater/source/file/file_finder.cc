#include "catchwater/source/file/file_finder.h"

#include <algorithm>
#include <array>
#include <set>
#include <utility>

#include "catchwater/base/error.h"
#include "catchwater/io/decompress.h"
#include "catchwater/io/store_path.h"

namespace catchwater {
namespace {

// Names that programs give to files they are still writing.
bool IsUnfinishedName(std::string_view path) {
  static constexpr std::array<std::string_view, 4> kSuffixes{".tmp", ".part", ".partial",
                                                             ".crdownload"};
  const std::string_view name = path.substr(path.rfind('/') + 1);
  if (name.starts_with('.')) return true;
  return std::any_of(kSuffixes.begin(), kSuffixes.end(),
                     [name](std::string_view suffix) { return name.ends_with(suffix); });
}

}  // namespace

FileFinder::FileFinder(FileFinderOptions options, Files& files, const Clock& clock, Framer* framer)
    : options_(std::move(options)), files_(files), clock_(clock), framer_(framer) {}

void FileFinder::SetIdentityNames(std::vector<std::string> names) {
  std::sort(names.begin(), names.end());
  options_.identity_names = std::move(names);
  known_.clear();
}

std::string FileFinder::RealPath(const std::string& path) const {
  const std::string& folder = options_.folder;
  if (path.starts_with('/') || IsStorePath(path) || folder.empty() || folder == ".") return path;
  return folder.ends_with('/') ? folder + path : folder + "/" + path;
}

arrow::Result<std::vector<Offer>> FileFinder::Discover() {
  ARROW_ASSIGN_OR_RAISE(const Found found, FindFiles(files_, options_.folder, options_.patterns));
  ++round_;
  pending_count_ = 0;
  std::vector<Offer> offers;
  offers.reserve(found.files.size() + found.unreadable.size());
  for (const FoundFile& file : found.files) {
    if (IsUnfinishedName(file.path)) continue;
    Known& known = Remember(file);
    if (known.head_hash.empty() || known.is_unreadable) {
      // An object is not seen before it is whole.
      if (!IsStorePath(file.entry.path) && !IsComplete(known)) {
        ++pending_count_;
        continue;
      }
      ARROW_RETURN_NOT_OK(Identify(file, known));
      if (known.head_hash.empty()) continue;  // A followed file without a first record.
    }
    offers.push_back(MakeOffer(file.path, known));
  }
  for (const UnreadableFolder& folder : found.unreadable) offers.push_back(OfferUnreadable(folder));
  if (options_.follow) SeparateTwins(offers);
  ForgetVanished();
  return offers;
}

FileFinder::Known& FileFinder::Remember(const FoundFile& file) {
  Known& known = known_[file.path];
  known.round = round_;
  const FileEntry& entry = file.entry;
  if (known.inode == entry.inode && known.byte_count == entry.byte_count &&
      known.modified_us == entry.modified_us) {
    return known;
  }
  auto attributes = std::move(known.attributes);
  if (!attributes) {
    attributes =
        std::make_shared<const Attributes>(PathAttributes(file.path, options_.path_pattern));
  }
  known = {.inode = entry.inode,
           .byte_count = entry.byte_count,
           .modified_us = entry.modified_us,
           .unchanged_since_us = clock_.MonotonicMicros(),
           .round = round_,
           .head_hash = "",
           .full_hash = "",
           .failure = "",
           .is_bounded = true,
           .is_unreadable = false,
           .attributes = std::move(attributes)};
  return known;
}

// By its own time, or, where that cannot be trusted (a clock ahead), by what we saw ourselves.
bool FileFinder::IsComplete(const Known& known) const {
  if (options_.follow || options_.complete_after_ms <= 0) return true;
  const int64_t wanted_us = options_.complete_after_ms * 1'000;
  return clock_.NowMicros() - known.modified_us >= wanted_us ||
         clock_.MonotonicMicros() - known.unchanged_since_us >= wanted_us;
}

arrow::Status FileFinder::Identify(const FoundFile& file, Known& known) {
  std::string head(static_cast<size_t>(std::min(known.byte_count, kHeadHashBytes)), '\0');
  auto input = files_.OpenInput(file.entry.path);
  arrow::Status status = input.status();
  if (input.ok()) {
    const auto got = (*input)->ReadAt(0, static_cast<int64_t>(head.size()), head.data());
    status = got.status();
    head.resize(got.ok() ? static_cast<size_t>(*got) : 0);
  }
  if (!status.ok()) {
    // It is offered all the same: so that it fails with its reason where people look for it.
    known.failure = status.message();
    known.is_unreadable = true;
    known.head_hash = HashContent("unreadable " + file.path, {}, {});
    return arrow::Status::OK();
  }
  known.is_unreadable = false;
  known.failure.clear();
  known.is_bounded = !options_.follow || DetectCompression(head) != Compression::kNone;
  if (!known.is_bounded) {
    const int64_t byte_count = GrowingIdentityBytes(head);
    if (byte_count == 0) return arrow::Status::OK();
    head.resize(static_cast<size_t>(byte_count));
  }
  known.head_hash = HashContent(head, *known.attributes, options_.identity_names);
  if (options_.path_pattern.is_empty()) return arrow::Status::OK();
  Attributes ignored;
  if (!options_.path_pattern.Match(file.path, ignored)) {
    known.failure = "Path does not match `pattern`: " + file.path;
  }
  return arrow::Status::OK();
}

int64_t FileFinder::GrowingIdentityBytes(std::string_view head) {
  int64_t first_frame = 0;
  if (framer_ != nullptr) {
    const auto found = framer_->ReadHead(head, /*is_end=*/false);
    if (found.ok() && found->needs_more) return 0;
    if (found.ok()) first_frame = found->byte_count;  // Else reading will say what is wrong.
  }
  const size_t line_end = head.find('\n', static_cast<size_t>(first_frame));
  if (line_end != head.npos) return static_cast<int64_t>(line_end) + 1;
  return static_cast<int64_t>(head.size()) == kHeadHashBytes ? kHeadHashBytes : 0;
}

Offer FileFinder::MakeOffer(const std::string& path, const Known& known) {
  return {.name = path,
          .incarnation = "",
          .attributes = known.attributes,
          .file = InputFileFacts{.path = path,
                                 .byte_count = known.byte_count,
                                 .head_hash = known.head_hash,
                                 .modified_us = known.modified_us,
                                 .inode = known.inode},
          .is_bounded = known.is_bounded};
}

// Offered so that it fails where people look for files.
Offer FileFinder::OfferUnreadable(const UnreadableFolder& folder) {
  const std::string name = folder.path + "/";
  Known& known = known_[name];
  known.round = round_;
  known.byte_count = 0;
  known.failure = folder.reason;
  known.head_hash = HashContent("unreadable " + name, {}, {});
  known.attributes = std::make_shared<const Attributes>();
  return MakeOffer(name, known);
}

void FileFinder::SeparateTwins(std::vector<Offer>& offers) const {
  std::set<std::string> seen;
  for (Offer& offer : offers) {
    if (offer.is_bounded || seen.insert(offer.file->head_hash).second) continue;
    offer.file->head_hash = HashContent(offer.file->head_hash + " " + offer.name, {}, {});
  }
}

void FileFinder::ForgetVanished() {
  std::erase_if(known_, [this](const auto& item) { return item.second.round != round_; });
}

FileFinder::Known* FileFinder::FindKnown(const Offer& offer) {
  const auto found = known_.find(offer.name);
  if (found == known_.end() || !offer.file) return nullptr;
  Known& known = found->second;
  const bool is_same = known.inode == offer.file->inode &&
                       known.byte_count == offer.file->byte_count &&
                       known.modified_us == offer.file->modified_us;
  return is_same ? &known : nullptr;
}

void FileFinder::KnowContent(const Offer& offer, const ContentHasher& content) {
  Known* known = FindKnown(offer);
  if (known == nullptr) return;
  known->full_hash = content.Finish(*known->attributes, options_.identity_names);
}

arrow::Result<std::string> FileFinder::FullHash(const Offer& offer) {
  if (!offer.is_bounded && offer.file) return offer.file->head_hash;
  Known* known = FindKnown(offer);
  if (known != nullptr && !known->failure.empty()) return known->head_hash;
  if (known != nullptr && !known->full_hash.empty()) return known->full_hash;
  ARROW_ASSIGN_OR_RAISE(auto input, files_.OpenInput(RealPath(offer.name)));
  const Attributes none;
  // Of what was offered, whatever came behind it since.
  const int64_t byte_count_max = offer.file ? offer.file->byte_count : INT64_MAX;
  ARROW_ASSIGN_OR_RAISE(std::string hash, HashFile(*input, byte_count_max,
                                                   offer.attributes ? *offer.attributes : none,
                                                   options_.identity_names));
  if (known != nullptr) known->full_hash = hash;
  return hash;
}

FileOffer FileFinder::Resolve(const Offer& offer) const {
  FileOffer resolved{.offer = offer, .path = RealPath(offer.name), .failure = ""};
  const auto known = known_.find(offer.name);
  if (known != known_.end()) resolved.failure = known->second.failure;
  if (!resolved.offer.attributes) {
    resolved.offer.attributes =
        std::make_shared<const Attributes>(PathAttributes(offer.name, options_.path_pattern));
  }
  return resolved;
}

}  // namespace catchwater
