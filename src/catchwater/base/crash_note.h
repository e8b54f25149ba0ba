/// \file
/// What a process that ends by its own fault leaves behind: a small file with the signal and the
/// partition whose rows the faulting thread had in hand. One that is killed from outside (kill -9,
/// a power cut, want of memory) leaves none, so that the two can be told apart.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace catchwater {

struct CrashNote {
  int signal = 0;
  std::optional<int64_t> partition_id{};  ///< None: the thread worked on nothing from a source.
};

/// `<folder>/crash-<owner>`, all but letters, digits, `.` and `-` of the owner as `_`.
std::string CrashNotePath(std::string_view folder, std::string_view owner);

/// From now on SIGSEGV, SIGBUS, SIGFPE, SIGILL and SIGABRT write the note before they do what they
/// did. A signal that another process sends writes none. Once in a process.
void KeepCrashNote(const std::string& path);

/// nullopt: there is none, or not a whole one.
std::optional<CrashNote> ReadCrashNote(const std::string& path);

/// Says what the calling thread has in hand while this lives. Not nested.
/// Its first use in a thread after KeepCrashNote gives the thread a stack for signals, so that an
/// overflow of its own is noted, too.
class PartitionInHand {
 public:
  explicit PartitionInHand(int64_t partition_id);
  ~PartitionInHand();
  PartitionInHand(const PartitionInHand&) = delete;
  PartitionInHand& operator=(const PartitionInHand&) = delete;
};

}  // namespace catchwater
