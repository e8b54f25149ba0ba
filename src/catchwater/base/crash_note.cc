#include "catchwater/base/crash_note.h"

#include <array>
#include <atomic>
#include <cctype>
#include <cstring>
#include <fstream>
#include <memory>

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include "catchwater/base/error.h"

namespace catchwater {
namespace {

constexpr std::array<int, 5> kFaults{SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};
constexpr int64_t kNothing = -1;
constexpr size_t kSignalStackBytes = 64 << 10;

// A signal handler has no other place to look than these. Written once, before `is_kept` is true.
std::array<char, 4096> note_path;
std::array<struct sigaction, kFaults.size()> actions_before;
std::atomic<bool> is_kept = false;

constinit thread_local int64_t partition_in_hand = kNothing;

/// The stack that a thread's signals are handled on.
class SignalStack {
 public:
  SignalStack() : bytes_(std::make_unique<char[]>(kSignalStackBytes)) {
    stack_t stack{};
    stack.ss_sp = bytes_.get();
    stack.ss_size = kSignalStackBytes;
    sigaltstack(&stack, nullptr);
  }
  ~SignalStack() {
    stack_t none{};
    none.ss_flags = SS_DISABLE;
    sigaltstack(&none, nullptr);
  }

 private:
  std::unique_ptr<char[]> bytes_;
};

/// "11 42\n" at the end of the buffer. Async-signal-safe.
char* AppendNumber(int64_t number, char* end) {
  const bool is_negative = number < 0;
  auto rest = static_cast<uint64_t>(is_negative ? -number : number);
  std::array<char, 24> digits;
  size_t count = 0;
  do {
    digits[count++] = static_cast<char>('0' + rest % 10);
    rest /= 10;
  } while (rest > 0);
  if (is_negative) *end++ = '-';
  while (count > 0) *end++ = digits[--count];
  return end;
}

/// Async-signal-safe.
void WriteNote(int signal) {
  std::array<char, 64> text;
  char* end = AppendNumber(signal, text.data());
  *end++ = ' ';
  end = AppendNumber(partition_in_hand, end);
  *end++ = '\n';
  const int file = open(note_path.data(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (file < 0) return;
  const ssize_t written = write(file, text.data(), static_cast<size_t>(end - text.data()));
  static_cast<void>(written);  // Half a note is none.
  close(file);
}

void OnFault(int signal, siginfo_t* details, void*) {
  // What the kernel finds has a positive code; abort() is a signal from ourselves.
  const bool is_own = details->si_code > 0 || details->si_pid == getpid();
  if (is_own) WriteNote(signal);
  for (size_t i = 0; i < kFaults.size(); ++i) {
    if (kFaults[i] == signal) sigaction(signal, &actions_before[i], nullptr);
  }
  raise(signal);  // Comes when this returns.
}

}  // namespace

std::string CrashNotePath(std::string_view folder, std::string_view owner) {
  std::string path = std::string(folder) + "/crash-";
  for (const char c : owner) {
    const bool is_plain = std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '.' || c == '-';
    path.push_back(is_plain ? c : '_');
  }
  return path;
}

void KeepCrashNote(const std::string& path) {
  CATCHWATER_CHECK(!is_kept, "one note a process");
  CATCHWATER_CHECK(path.size() < note_path.size(), "a path is shorter than PATH_MAX");
  std::memcpy(note_path.data(), path.c_str(), path.size() + 1);
  is_kept = true;
  struct sigaction action {};
  action.sa_sigaction = OnFault;
  action.sa_flags = SA_SIGINFO | SA_ONSTACK;
  sigemptyset(&action.sa_mask);
  for (size_t i = 0; i < kFaults.size(); ++i) sigaction(kFaults[i], &action, &actions_before[i]);
}

std::optional<CrashNote> ReadCrashNote(const std::string& path) {
  std::ifstream in(path);
  CrashNote note;
  int64_t partition_id = kNothing;
  if (!(in >> note.signal >> partition_id) || in.get() != '\n') return std::nullopt;
  if (partition_id != kNothing) note.partition_id = partition_id;
  return note;
}

PartitionInHand::PartitionInHand(int64_t partition_id) {
  if (is_kept.load(std::memory_order_relaxed)) {
    thread_local const SignalStack stack;
    static_cast<void>(stack);
  }
  partition_in_hand = partition_id;
}

PartitionInHand::~PartitionInHand() { partition_in_hand = kNothing; }

}  // namespace catchwater
