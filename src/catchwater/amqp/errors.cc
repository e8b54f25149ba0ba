#include "catchwater/amqp/errors.h"

#include <cstdint>
#include <string_view>

#include <amqp_framing.h>

#include "catchwater/base/error.h"

namespace catchwater {
namespace {

/// Code and text of a close that the broker sent; code 0 if the method is none.
struct Closed {
  uint16_t code = 0;
  std::string text;
};

Closed ClosedOf(const amqp_method_t& method) {
  const auto text = [](const amqp_bytes_t& bytes) {
    return std::string(static_cast<const char*>(bytes.bytes), bytes.len);
  };
  if (method.id == AMQP_CHANNEL_CLOSE_METHOD) {
    const auto& close = *static_cast<const amqp_channel_close_t*>(method.decoded);
    return {close.reply_code, text(close.reply_text)};
  }
  if (method.id == AMQP_CONNECTION_CLOSE_METHOD) {
    const auto& close = *static_cast<const amqp_connection_close_t*>(method.decoded);
    return {close.reply_code, text(close.reply_text)};
  }
  return {};
}

}  // namespace

arrow::Status AmqpConnectError(int code, const AmqpOptions& options) {
  const std::string reason = options.Address() + ": " + amqp_error_string2(code);
  switch (code) {
    case AMQP_STATUS_HOSTNAME_RESOLUTION_FAILED:
      return Unavailable("AMQP broker's host is not known; check `url`, broker and reason: ",
                         reason);
    case AMQP_STATUS_SSL_PEER_VERIFY_FAILED:
    case AMQP_STATUS_SSL_HOSTNAME_VERIFY_FAILED:
      return Denied("AMQP broker's certificate is refused; check `tls.ca` and the host name in ",
                    "`url`, broker and reason: ", reason);
    case AMQP_STATUS_SSL_CONNECTION_FAILED:
    case AMQP_STATUS_SSL_ERROR:
      return Denied("AMQP broker does not speak TLS on this port, refuses our certificate or is ",
                    "not trusted; use `amqp://` or its TLS port in `url`, and check `tls.ca` and ",
                    "`tls.certificate`, broker and reason: ", reason);
    default:
      return Unavailable("AMQP broker cannot be reached; check `url`, and that it runs, broker ",
                         "and reason: ", reason);
  }
}

arrow::Status AmqpLoginError(const amqp_rpc_reply_t& reply, const AmqpOptions& options) {
  if (reply.reply_type == AMQP_RESPONSE_SERVER_EXCEPTION) {
    const auto [code, text] = ClosedOf(reply.reply);
    const std::string reason = options.Address() + ": " + text;
    if (code == AMQP_ACCESS_REFUSED) {
      return Denied("AMQP broker refuses the login; check `user` and `password`, broker and ",
                    "answer: ", reason);
    }
    if (code == AMQP_NOT_ALLOWED) {
      return Denied("AMQP broker does not let the user into the virtual host; check what stands ",
                    "behind the port in `url`, virtual host, broker and answer: ", options.vhost,
                    " ", reason);
    }
    return Unavailable("AMQP broker refuses the connection, broker and answer: ", reason);
  }
  const std::string reason = options.Address() + ": " + amqp_error_string2(reply.library_error);
  // A TLS port answers plain bytes with an alert, which is no frame of AMQP, or hangs up.
  if (!options.has_tls && reply.library_error != AMQP_STATUS_TIMEOUT) {
    const std::string text =
        "AMQP broker hangs up before it greets; it may want `amqps://` in `url` on this port, "
        "broker and reason: " +
        reason;
    return reply.library_error == AMQP_STATUS_BAD_AMQP_DATA ? Denied(text) : Unavailable(text);
  }
  return Unavailable("AMQP broker does not greet; check `url`, broker and reason: ", reason);
}

arrow::Status AmqpReplyError(const amqp_rpc_reply_t& reply, const AmqpOptions& options,
                             const std::string& what) {
  if (reply.reply_type == AMQP_RESPONSE_NORMAL) return arrow::Status::OK();
  if (reply.reply_type != AMQP_RESPONSE_SERVER_EXCEPTION) {
    return Unavailable("AMQP connection is lost while ", what,
                       ", broker and reason: ", options.Address(), ": ",
                       amqp_error_string2(reply.library_error));
  }
  const auto [code, text] = ClosedOf(reply.reply);
  const std::string reason = what + ": " + text;
  // One that waited too long for our acknowledgement: it comes again.
  const bool is_late = text.find("timed out") != text.npos;
  if (is_late) return Unavailable("AMQP broker ended it, ", reason);
  switch (code) {
    case AMQP_NOT_FOUND:
      return NotFound("AMQP broker does not have it, ", reason);
    case AMQP_ACCESS_REFUSED:
      return Denied("AMQP broker does not allow it; give the user the right, ", reason);
    case AMQP_PRECONDITION_FAILED:
    case AMQP_NOT_ALLOWED:
    case AMQP_NOT_IMPLEMENTED:
      return ConfigError("AMQP broker refuses it; check `type` and `arguments`, ", reason);
    default:
      return Unavailable("AMQP broker ended it, broker and answer: ", options.Address(), " ",
                         reason);
  }
}

}  // namespace catchwater
