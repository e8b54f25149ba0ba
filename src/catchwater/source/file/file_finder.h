/// \file
/// What files there are, which of them are complete, and who they are.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include <arrow/result.h>

#include "catchwater/base/clock.h"
#include "catchwater/component/codec.h"
#include "catchwater/component/source.h"
#include "catchwater/io/files.h"
#include "catchwater/source/file/content_hash.h"
#include "catchwater/source/file/glob.h"
#include "catchwater/source/file/path_attributes.h"

namespace catchwater {

struct FileFinderOptions {
  std::vector<std::string> patterns;
  std::string folder;  ///< Relative patterns begin here.
  PathPattern path_pattern;
  bool follow = false;
  int64_t complete_after_ms = 0;
  std::vector<std::string> identity_names;  ///< Attributes that are part of the identity.
};

/// An offer and how to open it.
struct FileOffer {
  Offer offer;
  std::string path;     ///< What Files opens.
  std::string failure;  ///< Not empty: it cannot be read, and why.
};

/// Remembers the hash of a file as long as inode, size and time stay. One thread at a time.
///
/// A followed file is known by its head and its first record, which do not change when it grows;
/// it is offered once there is a first record. Two followed files that begin alike and have the
/// same identity attributes are told apart by their path.
class FileFinder {
 public:
  /// framer may be null: then a followed file's first record is its first line.
  FileFinder(FileFinderOptions options, Files& files, const Clock& clock, Framer* framer);

  void SetIdentityNames(std::vector<std::string> names);

  /// \return the files that may be taken, sorted by path
  arrow::Result<std::vector<Offer>> Discover();
  /// False: the last Discover saw no file at all.
  bool has_found() const { return !known_.empty(); }
  /// Files that are not complete yet.
  int64_t pending_count() const { return pending_count_; }

  arrow::Result<std::string> FullHash(const Offer& offer);
  /// Spares FullHash a second reading.
  void KnowContent(const Offer& offer, const ContentHasher& content);
  /// How to open an offer of this path, also one that an earlier process made.
  FileOffer Resolve(const Offer& offer) const;

 private:
  struct Known {
    uint64_t inode = 0;
    int64_t byte_count = -1;
    int64_t modified_us = 0;
    int64_t unchanged_since_us = 0;  // Monotonic.
    uint64_t round = 0;              // The last Discover that saw it.
    std::string head_hash;           // Empty: not known yet.
    std::string full_hash;
    std::string failure;
    bool is_bounded = true;
    bool is_unreadable = false;  // Tried again by every Discover.
    std::shared_ptr<const Attributes> attributes;
  };

  Known& Remember(const FoundFile& file);
  /// What is known of the very file that was offered, or null.
  Known* FindKnown(const Offer& offer);
  bool IsComplete(const Known& known) const;
  arrow::Status Identify(const FoundFile& file, Known& known);
  /// \return how many first bytes identify a growing file, 0: it has no first record yet
  int64_t GrowingIdentityBytes(std::string_view head);
  static Offer MakeOffer(const std::string& path, const Known& known);
  Offer OfferUnreadable(const UnreadableFolder& folder);
  std::string RealPath(const std::string& path) const;
  void SeparateTwins(std::vector<Offer>& offers) const;
  void ForgetVanished();

  FileFinderOptions options_;
  Files& files_;
  const Clock& clock_;
  Framer* const framer_;
  std::unordered_map<std::string, Known> known_;  // By path; as many as there are files.
  uint64_t round_ = 0;
  int64_t pending_count_ = 0;
};

}  // namespace catchwater
