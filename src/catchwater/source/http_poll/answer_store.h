/// \file
/// Answers on disk, from when they arrive until their rows are committed: one file each, with the
/// state of the polling after it. So answer and state are durable at once or not at all.
///
/// Invariants:
/// 1. Ordinals grow without gaps over all answers; an answer takes as many as its body has bytes
/// and
///    one more.
/// 2. The state of an item is that of its newest answer, or, once that is trimmed, of states.json.
/// Source: docs/guide/http-poll.md, what is durable when.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include <arrow/result.h>

#include "catchwater/io/files.h"
#include "catchwater/source/http_poll/poll_plan.h"

namespace catchwater {

struct PollAnswer {
  std::string item;     ///< Of the list; empty without one.
  std::string refusal;  ///< Not empty: the body is not to be decoded, and why.
  int64_t receive_us = 0;
  std::string body;
};

/// Any thread.
class AnswerStore {
 public:
  /// Makes the folder or reads what is in it. \retval kBadData a file is damaged, with its path
  static arrow::Result<std::unique_ptr<AnswerStore>> Open(Files& files, std::string folder);

  /// The identity of the ordinals: made with the folder.
  static arrow::Result<std::string> Identity(Files& files, const std::string& folder,
                                             const std::string& fresh);

  /// Returns when answer and state are durable.
  arrow::Status Append(const PollAnswer& answer, const PollState& state);
  PollState StateOf(const std::string& item) const;

  struct Place {
    uint64_t begin_ordinal = 0;
    uint64_t end_ordinal = 0;
  };
  /// The answer that begins at the ordinal or is the first behind it; nothing: none is there yet.
  std::optional<Place> Locate(uint64_t ordinal) const;
  /// \retval kBadData the file is damaged
  arrow::Result<PollAnswer> Read(const Place& place) const;

  /// Removes answers that end at or before the ordinal: their rows are committed.
  arrow::Status Trim(uint64_t ordinal);
  int64_t byte_count() const;  ///< On disk.

 private:
  AnswerStore(Files& files, std::string folder) : files_(files), folder_(std::move(folder)) {}
  arrow::Status Recover();
  arrow::Status WriteStates() const;
  std::string PathOf(uint64_t begin_ordinal) const;

  Files& files_;
  const std::string folder_;
  mutable std::mutex mutex_;  // Guards what follows.
  std::deque<Place> answers_;
  std::map<std::string, PollState> states_;  // By item.
  uint64_t next_ordinal_ = 0;
  int64_t byte_count_ = 0;
};

}  // namespace catchwater
