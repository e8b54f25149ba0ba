#include "catchwater/script/child_process.h"

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <sstream>
#include <string_view>

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "catchwater/base/error.h"

namespace catchwater {
namespace {

constexpr int kFirstOwn = 10;  // Behind all numbers that the child gives to its streams.
constexpr int kStartFailed = 127;

/// Between fork and exec only what is safe there; all of it is prepared before.
struct StartOrder {
  const char* program = nullptr;
  const char* folder = nullptr;
  char* const* arguments = nullptr;
  char* const* environment = nullptr;
  int64_t memory_bytes_max = 0;
  pid_t parent = 0;
  std::array<int, 4> files{};  // Become 0, 1, 2 and 3; the last tells what went wrong.
};

bool Limit(const StartOrder& start) {
  constexpr struct rlimit kNoCore = {0, 0};
  if (::setrlimit(RLIMIT_CORE, &kNoCore) != 0) return false;
  if (start.memory_bytes_max <= 0) return true;
  const auto bytes = static_cast<rlim_t>(start.memory_bytes_max);
  const struct rlimit memory = {bytes, bytes};
  return ::setrlimit(RLIMIT_AS, &memory) == 0;
}

bool TakeStreams(const StartOrder& start) {
  for (int i = 0; i < 4; ++i) {
    if (::dup2(start.files[static_cast<size_t>(i)], i) < 0) return false;
  }
  if (::fcntl(3, F_SETFD, FD_CLOEXEC) != 0) return false;
  return ::syscall(SYS_close_range, 4U, ~0U, 0U) == 0;
}

bool TakeDefaultSignals() {
  sigset_t none;
  sigemptyset(&none);
  for (const int signal : {SIGPIPE, SIGINT, SIGTERM, SIGHUP, SIGCHLD}) {
    if (::signal(signal, SIG_DFL) == SIG_ERR) return false;
  }
  return ::sigprocmask(SIG_SETMASK, &none, nullptr) == 0;
}

[[noreturn]] void Become(const StartOrder& start) {
  int told_at = start.files[3];
  // The parent may be gone before it was asked that its end be ours.
  const bool is_ready = ::setpgid(0, 0) == 0 && ::prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 &&
                        ::getppid() == start.parent &&
                        ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && TakeDefaultSignals();
  if (is_ready && TakeStreams(start)) {
    told_at = 3;
    if (::chdir(start.folder) == 0 && Limit(start)) {
      ::execve(start.program, start.arguments, start.environment);
    }
  }
  const int code = errno;
  static_cast<void>(!::write(told_at, &code, sizeof code));
  ::_exit(kStartFailed);
}

arrow::Result<std::string> FindProgram(const ChildOptions& options) {
  const std::string& name = options.command.front();
  std::string path;
  if (name.find('/') != std::string::npos) {
    path = name.starts_with('/') ? name : options.folder + "/" + name;
    if (::access(path.c_str(), X_OK) == 0) return path;
    return ConfigError("Program of a script is not there or may not be run, path: ", path);
  }
  std::string_view folders = "/usr/local/bin:/usr/bin:/bin";
  for (const std::string& variable : options.environment) {
    if (variable.starts_with("PATH=")) folders = std::string_view(variable).substr(5);
  }
  std::istringstream list{std::string(folders)};
  while (std::getline(list, path, ':')) {
    path += "/" + name;
    if (::access(path.c_str(), X_OK) == 0) return path;
  }
  return ConfigError("Program of a script is in no folder of PATH, program and PATH: ", name, " ",
                     folders);
}

struct Pair {
  Descriptor ours;
  Descriptor theirs;
};

/// Both ends lie behind the numbers that the child gives to its streams.
arrow::Result<Pair> Behind(std::array<int, 2> ends) {
  Pair pair{Descriptor(ends[0]), Descriptor(ends[1])};
  for (Descriptor* end : {&pair.ours, &pair.theirs}) {
    if (end->get() >= kFirstOwn) continue;
    const int moved = ::fcntl(end->get(), F_DUPFD_CLOEXEC, kFirstOwn);
    if (moved < 0) return SystemError(errno, "Cannot make a pipe, reason: ");
    *end = Descriptor(moved);
  }
  return pair;
}

arrow::Result<Pair> MakePipe(bool waits) {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) {
    return SystemError(errno, "Cannot make a pipe, reason: ");
  }
  ARROW_ASSIGN_OR_RAISE(Pair pair, Behind(ends));
  if (!waits) ::fcntl(pair.ours.get(), F_SETFL, O_NONBLOCK);
  return pair;
}

arrow::Result<Pair> MakeSocket() {
  std::array<int, 2> ends{};
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0) {
    return SystemError(errno, "Cannot make a socket, reason: ");
  }
  ARROW_ASSIGN_OR_RAISE(Pair pair, Behind(ends));
  ::fcntl(pair.ours.get(), F_SETFL, O_NONBLOCK);
  return pair;
}

std::vector<char*> Pointers(std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  for (std::string& text : texts) pointers.push_back(text.data());
  pointers.push_back(nullptr);
  return pointers;
}

/// \return errno of the child's start; 0: it runs
int WhatWentWrong(int told_at) {
  int code = 0;
  ssize_t read = 0;
  do {
    read = ::read(told_at, &code, sizeof code);
  } while (read < 0 && errno == EINTR);
  return read == sizeof code ? code : 0;
}

std::string Ending(int status) {
  if (WIFEXITED(status)) return "exit status " + std::to_string(WEXITSTATUS(status));
  const int signal = WTERMSIG(status);
  return "signal " + std::to_string(signal) + " (" + ::strsignal(signal) + ")";
}

}  // namespace

Descriptor::~Descriptor() {
  if (number_ >= 0) ::close(number_);
}

arrow::Result<std::unique_ptr<ChildProcess>> ChildProcess::Start(const ChildOptions& options) {
  CATCHWATER_CHECK(!options.command.empty(), "a command has a program");
  ARROW_ASSIGN_OR_RAISE(const std::string program, FindProgram(options));
  ARROW_ASSIGN_OR_RAISE(Pair input, MakeSocket());
  ARROW_ASSIGN_OR_RAISE(Pair output, MakePipe(/*waits=*/false));
  ARROW_ASSIGN_OR_RAISE(Pair errors, MakePipe(/*waits=*/false));
  ARROW_ASSIGN_OR_RAISE(Pair told, MakePipe(/*waits=*/true));
  std::vector<std::string> arguments = options.command;
  std::vector<std::string> environment = options.environment;
  const std::vector<char*> argument_list = Pointers(arguments);
  const std::vector<char*> environment_list = Pointers(environment);
  const StartOrder start{
      .program = program.c_str(),
      .folder = options.folder.c_str(),
      .arguments = argument_list.data(),
      .environment = environment_list.data(),
      .memory_bytes_max = options.memory_bytes_max,
      .parent = ::getpid(),
      .files = {input.theirs.get(), output.theirs.get(), errors.theirs.get(), told.theirs.get()}};
  const pid_t id = ::fork();
  if (id < 0) return SystemError(errno, "Cannot start another process, reason: ");
  if (id == 0) Become(start);
  ::setpgid(id, id);  // Whoever comes first: the group must be there before anybody ends it.
  std::unique_ptr<ChildProcess> child(
      new ChildProcess(id, std::move(input.ours), std::move(output.ours), std::move(errors.ours)));
  told.theirs = Descriptor();
  const int code = WhatWentWrong(told.ours.get());
  if (code == 0) return child;
  return ConfigError("Program of a script cannot be started, program and reason: ", program, ": ",
                     std::strerror(code));
}

ChildProcess::~ChildProcess() { static_cast<void>(End(/*wait_ms=*/0)); }

std::string ChildProcess::End(int wait_ms) {
  if (!ending_.empty()) return ending_;
  if (wait_ms > 0) {
    const Descriptor ends(static_cast<int>(::syscall(SYS_pidfd_open, id_, 0)));
    struct pollfd one = {.fd = ends.get(), .events = POLLIN, .revents = 0};
    if (ends.get() >= 0) static_cast<void>(::poll(&one, 1, wait_ms));
  }
  // Not reaped yet, so the number of the group is still nobody else's.
  ::kill(-id_, SIGKILL);
  int status = 0;
  while (::waitpid(id_, &status, 0) < 0 && errno == EINTR) {
  }
  ending_ = Ending(status);
  return ending_;
}

}  // namespace catchwater
