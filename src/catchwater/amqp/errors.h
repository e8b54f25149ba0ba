/// \file
/// What librabbitmq and the broker say, in words that name the setting to change.
#pragma once

#include <string>

#include <amqp.h>
#include <arrow/status.h>

#include "catchwater/amqp/connection_config.h"

namespace catchwater {

/// Of opening the socket, TLS included. \retval kDenied TLS does not fit \retval kUnavailable
arrow::Status AmqpConnectError(int code, const AmqpOptions& options);
/// Of the login. \retval kDenied user, password, virtual host, or a port for TLS
arrow::Status AmqpLoginError(const amqp_rpc_reply_t& reply, const AmqpOptions& options);
/// Of all that comes later. \param what was done, e.g. "making queue a"
/// \retval kNotFound, kDenied, kConfig of a refusal \retval kUnavailable the connection is lost
arrow::Status AmqpReplyError(const amqp_rpc_reply_t& reply, const AmqpOptions& options,
                             const std::string& what);

}  // namespace catchwater
