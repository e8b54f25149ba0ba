/// \file
/// One connection to an AMQP 0.9.1 broker, driven by its owner: nothing is read or written but in
/// the calls that say so. The one source that knows librabbitmq is behind it.
///
/// Every queue that is read has a channel of its own, so that its delivery tags ascend by one.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <arrow/result.h>

#include "catchwater/amqp/connection_config.h"

namespace catchwater {

/// `x-...` arguments; whole numbers are sent as such, `true` and `false` as booleans.
using AmqpArguments = std::vector<std::pair<std::string, std::string>>;

/// A message as it was delivered. Views are valid until the next call of the connection.
struct AmqpMessage {
  uint16_t channel = 0;
  uint64_t tag = 0;  ///< Of the delivery, for Acknowledge.
  bool is_redelivered = false;
  std::string_view body{};
  std::string_view exchange{};
  std::string_view routing_key{};
  std::optional<std::string_view> message_id{};
  std::optional<std::string_view> correlation_id{};
  std::optional<std::string_view> reply_to{};
  std::optional<std::string_view> type{};
  std::optional<std::string_view> app_id{};
  std::optional<int64_t> sent_at_s{};      ///< The property `timestamp`, seconds since 1970.
  std::optional<int64_t> stream_offset{};  ///< Of a stream.
  const void* headers = nullptr;           ///< For AmqpHeader.
};
/// A header as text; nothing if there is none of the name, or it is a list or a map.
std::optional<std::string> AmqpHeader(const AmqpMessage& message, std::string_view name);

struct AmqpConsumeOptions {
  std::string queue{};
  uint16_t prefetch = 0;  ///< Messages that may wait for their acknowledgement; 0: any number.
  bool is_unacknowledged = false;  ///< The broker forgets a message when it sends it.
  /// Streams: an offset, or `first`, `next`; a time as seconds since 1970 in stream_time_s.
  std::optional<int64_t> stream_offset{};
  std::optional<int64_t> stream_time_s{};
  std::string stream_word{};
};

struct AmqpOutgoing {
  std::string_view exchange{};
  std::string_view routing_key{};
  std::string_view body{};
  std::string_view message_id{};      ///< Empty: none.
  std::string_view correlation_id{};  ///< Empty: none.
  bool is_persistent = true;
  bool is_mandatory = true;  ///< One that no queue would get is an error.
};

/// One thread at a time. After a failure it is made anew, except after kNotFound.
class AmqpConnection {
 public:
  /// \retval kDenied user, password, virtual host or TLS \retval kUnavailable
  /// \retval kConfig a TLS file cannot be used
  static arrow::Result<std::unique_ptr<AmqpConnection>> Connect(const AmqpOptions& options);
  virtual ~AmqpConnection() = default;

  /// \return how many messages wait in the queue \retval kNotFound, kDenied
  virtual arrow::Result<int64_t> CountMessages(const std::string& queue) = 0;
  /// \retval kNotFound, kDenied
  virtual arrow::Status FindExchange(const std::string& exchange) = 0;
  /// Makes a durable queue. \retval kConfig there is one with other arguments
  virtual arrow::Status MakeQueue(const std::string& queue, const AmqpArguments& arguments) = 0;
  /// Makes a durable exchange. type: `direct`, `topic`, `fanout`.
  virtual arrow::Status MakeExchange(const std::string& exchange, const std::string& type) = 0;
  virtual arrow::Status Bind(const std::string& queue, const std::string& exchange,
                             const std::string& routing_key) = 0;

  /// Begins to read. \return the channel
  virtual arrow::Result<uint16_t> Consume(const AmqpConsumeOptions& options) = 0;
  /// Waits up to wait_ms for a message. \return null if there is none
  /// \retval kUnavailable the connection or channel is lost \retval kNotFound the queue is gone
  virtual arrow::Result<const AmqpMessage*> Read(int64_t wait_ms) = 0;
  /// Acknowledges all messages of the channel up to the tag.
  virtual arrow::Status Acknowledge(uint16_t channel, uint64_t tag) = 0;
  /// The broker puts it into the dead-letter exchange of the queue, or drops it.
  virtual arrow::Status Reject(uint16_t channel, uint64_t tag) = 0;
  /// Tells the broker that we live, while nothing is read.
  virtual arrow::Status Beat() = 0;

  /// Sends; the broker's confirmation or refusal comes later. \return its tag: 1, 2, ...
  /// \retval kNotFound no queue would get one of the messages before
  virtual arrow::Result<uint64_t> Publish(const AmqpOutgoing& message) = 0;
  /// Takes confirmations that have come, waiting up to wait_ms for one.
  /// \retval kNotFound no queue would get a message
  virtual arrow::Status ReadConfirms(int64_t wait_ms) = 0;
  /// Neither confirmed nor refused.
  virtual int64_t outstanding_count() const = 0;
  /// The tag of the oldest of them; that of the next message if there is none.
  virtual uint64_t oldest_outstanding() const = 0;
  /// Those that the broker refused since the last call: a queue that would get them is full.
  virtual std::vector<uint64_t> TakeRefused() = 0;

  /// Says good-bye: the broker gives what is not acknowledged to others at once.
  virtual void Close() = 0;
};

}  // namespace catchwater
