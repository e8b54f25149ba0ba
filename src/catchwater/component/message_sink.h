/// \file
/// A sink whose target is a broker: each row is a JSON object, sent as one message.
///
/// At least once: a row is sent again after a crash between the broker's answer and the delivered
/// mark. Its message has an id that is the same whenever it comes, so that a reader can drop what
/// it has seen: `table:seq:file:row` of the lake, with the stream's name in the table's place for
/// results that come from a table, and its name and a hash of the row for those that do not.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <arrow/result.h>

#include "catchwater/component/context.h"
#include "catchwater/component/message_producer.h"
#include "catchwater/component/sink.h"

namespace catchwater {

struct MessageSinkOptions {
  std::vector<std::string> columns{};  ///< Of the message; empty: all.
  std::string address{};               ///< Topic or routing key; `{column}` is the row's value.
  std::string address_option{};        ///< Its name in the configuration.
  std::string address_forbidden{};     ///< Characters that it must not have.
  std::vector<std::string> key{};      ///< Columns whose values, with `|` between, are the key.
};

/// \retval kConfig a column is not there, or the address is malformed
arrow::Result<std::unique_ptr<Sink>> MakeMessageSink(std::unique_ptr<MessageProducer> producer,
                                                     const MessageSinkOptions& options,
                                                     const SinkContext& context);

}  // namespace catchwater
