/// \file
/// `catchwater simulate --to`: made-up records to a broker, by several workers, at a rate.
#pragma once

#include <cstdint>
#include <string>

#include <arrow/result.h>

#include "catchwater/source/simulate/simulate_source.h"

namespace catchwater {

struct SendArguments {
  std::string to;     ///< `kafka://host:9092`, `mqtt://host:1883`, `amqp://host:5672/vhost`
  std::string topic;  ///< Topic, or routing key; `{sensor_id}` is the record's sensor.
  std::string exchange;
  std::string user;
  std::string password_env;  ///< Name of the variable that holds the password.
  std::string ca;
  bool create = false;
  int64_t workers = 1;
  double rate = 0;  ///< Records a second over all workers; 0: as fast as the broker takes them.
};

/// Sends all records; those of one sensor in order, by one worker. The first field is the key; each
/// record has an id that its feed, the seed and its number decide. \return how many were sent
/// \retval kConfig arguments that do not fit \retval kDenied, kNotFound, kUnavailable of the broker
arrow::Result<int64_t> SendSimulated(const SimulateConfig& config, const SendArguments& send);

}  // namespace catchwater
