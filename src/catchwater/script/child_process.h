/// \file
/// Another program, started as a child of this one, with its three streams in our hands.
///
/// Invariants:
/// 1. The child has a process group of its own, and no open file but its three streams.
/// 2. When the object is gone its group was killed and the child reaped.
/// 3. If the thread that started it ends, whatever ends it, the kernel kills the child.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <arrow/result.h>
#include <sys/types.h>

namespace catchwater {

/// An open file, pipe or socket; closed with this object.
class Descriptor {
 public:
  explicit Descriptor(int number = -1) : number_(number) {}
  Descriptor(Descriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(number_, other.number_);
    return *this;
  }
  ~Descriptor();

  int get() const { return number_; }

 private:
  int number_;
};

struct ChildOptions {
  std::vector<std::string> command;  ///< The program, by path or as found in PATH; its arguments.
  std::string folder;  ///< It works there, and relative paths of programs begin there.
  std::vector<std::string> environment;  ///< `NAME=value`, and no other.
  int64_t memory_bytes_max = 0;          ///< Of its address space; 0: any.
};

/// Used by the thread that started it.
class ChildProcess {
 public:
  /// \retval kConfig there is no such program, or it cannot be started
  static arrow::Result<std::unique_ptr<ChildProcess>> Start(const ChildOptions& options);
  ~ChildProcess();
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;

  // Our ends; a read or write does not wait. Its input is a socket: one that is closed is an error
  // of send, not a signal.
  int input() const { return input_.get(); }
  int output() const { return output_.get(); }
  int errors() const { return errors_.get(); }
  pid_t id() const { return id_; }

  /// Waits up to wait_ms for its end, then kills what is left of its group and reaps it.
  /// \return how it ended, e.g. "exit status 3", "signal 9 (Killed)"
  std::string End(int wait_ms);

 private:
  ChildProcess(pid_t id, Descriptor input, Descriptor output, Descriptor errors)
      : id_(id), input_(std::move(input)), output_(std::move(output)), errors_(std::move(errors)) {}

  const pid_t id_;
  Descriptor input_;
  Descriptor output_;
  Descriptor errors_;
  std::string ending_;  // Empty: it was not reaped yet.
};

}  // namespace catchwater
