/// \file
/// Seam: what sends messages to a broker. Behind it are Kafka, MQTT and AMQP; sinks and
/// `catchwater simulate` send through it.
#pragma once

#include <optional>
#include <string_view>

#include <arrow/status.h>

namespace catchwater {

/// Where brokers have a place for it (a header, a property), the id of a message has this name.
inline constexpr std::string_view kMessageIdName = "catchwater-id";

/// Views are needed during the call only.
struct OutgoingMessage {
  std::string_view address{};             ///< Topic or routing key.
  std::optional<std::string_view> key{};  ///< What decides the partition, where there are any.
  std::string_view payload{};
  std::string_view id{};  ///< The same whenever the message comes; empty: none.
};

/// After a failure it is made anew. One thread at a time.
class MessageProducer {
 public:
  virtual ~MessageProducer() = default;

  /// Looks whether the broker answers and goes with the settings. Changes nothing.
  /// \retval kConfig, kDenied, kNotFound naming the setting and what to do
  virtual arrow::Status Check() = 0;
  /// Takes a message; connects first, makes what the settings tell to make, and waits while too
  /// many are under way. \retval kBadData the broker has no place for such a message
  virtual arrow::Status Send(const OutgoingMessage& message) = 0;
  /// Waits until the broker has all that was taken.
  virtual arrow::Status Flush() = 0;
  /// Lets go of what the broker has not yet.
  virtual void Close() = 0;
};

}  // namespace catchwater
