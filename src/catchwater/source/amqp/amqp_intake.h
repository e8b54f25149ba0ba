/// \file
/// The thread that keeps an AMQP connection: receives into memory, acknowledges what is committed,
/// connects again. A thread of its own, although other rooms leave threads to `pipeline/`:
/// heartbeats must go on while the pipeline is blocked.
///
/// A session is the life of one connection: what it delivered can be acknowledged by no other.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <arrow/status.h>

#include "catchwater/amqp/connection.h"
#include "catchwater/base/bell.h"
#include "catchwater/base/clock.h"
#include "catchwater/base/random.h"
#include "catchwater/source/amqp/amqp_batch.h"

namespace catchwater {

/// A queue and, of a stream, where to go on.
struct AmqpReading {
  std::string queue;
  AmqpConsumeOptions start{};               ///< Of a stream that was never read.
  std::optional<uint64_t> next_offset{};    ///< Of a stream that was read.
  std::optional<uint64_t> previous_mark{};  ///< AmqpMark of the message before next_offset.
  bool is_confirmed = true;  ///< The intake's own: the stream goes on where it was read to.
};

struct AmqpIntakeOptions {
  AmqpOptions connection;
  bool is_stream = false;
  bool is_unacknowledged = false;
  uint16_t prefetch = 0;
  std::vector<std::string> fields;
  int64_t frame_bytes_max = 0;
  Bell* bell = nullptr;  ///< Rung when a message waits; null: nobody listens.
};

/// Start and Stop: one thread. The others: any thread.
class AmqpIntake {
 public:
  AmqpIntake(AmqpIntakeOptions options, std::vector<AmqpReading> readings, const Clock& clock,
             Random random)
      : options_(std::move(options)),
        readings_(std::move(readings)),
        clock_(clock),
        random_(random) {}
  ~AmqpIntake() { Stop(); }

  void Start();
  /// Sends what is to be acknowledged and closes the connection.
  void Stop();

  /// The oldest messages that wait.
  std::optional<AmqpBatch> Take();
  /// Of the connection now, counting from 1; 0: there was none yet.
  int64_t session() const;
  /// All messages of the queue up to the tag are committed. One of an ended session is let go.
  void Acknowledge(size_t queue, int64_t session, uint64_t tag);
  /// As Acknowledge, of one message: the broker gives it to the queue's dead-letter exchange.
  void Reject(size_t queue, int64_t session, uint64_t tag);

  /// What ends the intake for good: the broker refuses this client, or a stream is another one.
  arrow::Status failure() const;
  bool has_waiting() const;
  /// Since the last message or the connection; 0 without a connection.
  int64_t quiet_us() const;

 private:
  struct Answer {
    size_t queue = 0;
    uint64_t tag = 0;
    bool is_rejection = false;
  };
  void Run(std::stop_token stop);
  arrow::Status Serve(std::stop_token stop);
  arrow::Status Begin(AmqpConnection& connection);
  arrow::Status Wait(AmqpConnection& connection, std::stop_token stop);
  /// A stream that was read must still have its last message: the broker sends it at once.
  arrow::Status CheckConfirmed(int64_t now_us) const;
  arrow::Status Take(AmqpConnection& connection, const AmqpMessage& message);
  /// \return the offset from which on the message is the first one: its own, or that behind the
  /// last message if there never was one between them; nullopt if it was read before
  arrow::Result<std::optional<uint64_t>> TakeStreamPosition(AmqpReading& reading,
                                                            const AmqpMessage& message);
  /// Does the stream still have the message? The broker is asked by a connection of its own.
  arrow::Result<bool> HasMessage(const AmqpReading& reading, uint64_t offset) const;
  arrow::Status SendAnswers(AmqpConnection& connection);
  bool HasRoom() const;
  void Note(bool is_connected);

  const AmqpIntakeOptions options_;
  std::vector<AmqpReading> readings_;  // The thread only, once it runs.
  const Clock& clock_;
  Random random_;
  std::jthread thread_;

  // The thread only.
  bool was_connected_ = false;
  std::map<uint16_t, size_t> queue_of_channel_;
  std::vector<uint16_t> channels_;  // By queue.
  int64_t unacknowledged_ = 0;      // Of streams, since the last acknowledgement.
  int64_t beaten_us_ = 0;
  int64_t begun_us_ = 0;  // Of this session.
  size_t unconfirmed_count_ = 0;

  std::atomic<bool> has_answers_ = false;
  mutable std::mutex mutex_;  // Guards all below.
  arrow::Status failure_;
  int64_t session_ = 0;
  int64_t active_us_ = -1;  // Monotonic; -1: not connected.
  std::deque<AmqpBatch> waiting_;
  int64_t waiting_bytes_ = 0;
  std::vector<Answer> answers_;
};

}  // namespace catchwater
