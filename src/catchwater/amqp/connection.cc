#include "catchwater/amqp/connection.h"

#include <algorithm>
#include <charconv>
#include <deque>
#include <memory>

#include <amqp.h>
#include <amqp_framing.h>
#include <amqp_ssl_socket.h>
#include <amqp_tcp_socket.h>
#include <sys/time.h>

#include "catchwater/amqp/errors.h"
#include "catchwater/amqp/table_internal.h"
#include "catchwater/base/clock.h"
#include "catchwater/base/error.h"

namespace catchwater {
namespace {

constexpr int kFrameBytesMax = 131'072;
constexpr uint16_t kControlChannel = 1;  // Questions, declarations and what is published.

std::string_view ViewOf(const amqp_bytes_t& bytes) {
  return {static_cast<const char*>(bytes.bytes), bytes.len};
}
struct timeval TimeOf(int64_t ms) {
  return {.tv_sec = ms / 1'000, .tv_usec = ms % 1'000 * 1'000};
}

const amqp_field_value_t* Find(const amqp_table_t& table, std::string_view name) {
  for (int i = 0; i < table.num_entries; ++i) {
    if (ViewOf(table.entries[i].key) == name) return &table.entries[i].value;
  }
  return nullptr;
}

std::optional<std::string> TextOf(const amqp_field_value_t& field) {
  switch (field.kind) {
    case AMQP_FIELD_KIND_UTF8:
    case AMQP_FIELD_KIND_BYTES:
      return std::string(ViewOf(field.value.bytes));
    case AMQP_FIELD_KIND_BOOLEAN:
      return field.value.boolean ? "true" : "false";
    case AMQP_FIELD_KIND_I8:
      return std::to_string(field.value.i8);
    case AMQP_FIELD_KIND_U8:
      return std::to_string(field.value.u8);
    case AMQP_FIELD_KIND_I16:
      return std::to_string(field.value.i16);
    case AMQP_FIELD_KIND_U16:
      return std::to_string(field.value.u16);
    case AMQP_FIELD_KIND_I32:
      return std::to_string(field.value.i32);
    case AMQP_FIELD_KIND_U32:
      return std::to_string(field.value.u32);
    case AMQP_FIELD_KIND_I64:
      return std::to_string(field.value.i64);
    case AMQP_FIELD_KIND_U64:
    case AMQP_FIELD_KIND_TIMESTAMP:
      return std::to_string(field.value.u64);
    case AMQP_FIELD_KIND_F32:
    case AMQP_FIELD_KIND_F64: {
      char text[32];
      const double number =
          field.kind == AMQP_FIELD_KIND_F64 ? field.value.f64 : double{field.value.f32};
      return std::string(text, std::to_chars(text, text + sizeof text, number).ptr);
    }
    default:
      return std::nullopt;
  }
}

struct StateDeleter {
  void operator()(amqp_connection_state_t state) const { amqp_destroy_connection(state); }
};
using State = std::unique_ptr<std::remove_pointer_t<amqp_connection_state_t>, StateDeleter>;

class Connection final : public AmqpConnection {
 public:
  explicit Connection(AmqpOptions options)
      : options_(std::move(options)), state_(amqp_new_connection()) {}
  ~Connection() override { DropMessage(); }

  arrow::Status Open();
  arrow::Result<int64_t> CountMessages(const std::string& queue) override;
  arrow::Status FindExchange(const std::string& exchange) override;
  arrow::Status MakeQueue(const std::string& queue, const AmqpArguments& arguments) override;
  arrow::Status MakeExchange(const std::string& exchange, const std::string& type) override;
  arrow::Status Bind(const std::string& queue, const std::string& exchange,
                     const std::string& routing_key) override;
  arrow::Result<uint16_t> Consume(const AmqpConsumeOptions& options) override;
  arrow::Result<const AmqpMessage*> Read(int64_t wait_ms) override;
  arrow::Status Acknowledge(uint16_t channel, uint64_t tag) override;
  arrow::Status Reject(uint16_t channel, uint64_t tag) override;
  arrow::Status Beat() override;
  arrow::Result<uint64_t> Publish(const AmqpOutgoing& message) override;
  arrow::Status ReadConfirms(int64_t wait_ms) override;
  int64_t outstanding_count() const override { return static_cast<int64_t>(outstanding_.size()); }
  std::vector<uint64_t> TakeRefused() override { return std::exchange(refused_tags_, {}); }
  uint64_t oldest_outstanding() const override {
    return outstanding_.empty() ? published_count_ + 1 : outstanding_.front();
  }
  void Close() override;

 private:
  arrow::Result<amqp_socket_t*> MakeSocket();
  arrow::Status OpenChannel(uint16_t channel);
  /// Of the answer to the question that was asked last.
  arrow::Status Answer(const std::string& what);
  arrow::Status StatusOf(const amqp_rpc_reply_t& reply, const std::string& what) const;
  arrow::Status StatusOf(int code, const std::string& what) const;
  /// What came instead of a message.
  arrow::Status TakeFrame(const amqp_frame_t& frame);
  arrow::Status TakeReturned(const amqp_basic_return_t& returned, uint16_t channel);
  arrow::Result<bool> ReadFrame(int64_t wait_ms, amqp_frame_t* frame);
  void FillMessage();
  void DropMessage();

  const AmqpOptions options_;
  const State state_;
  bool is_open_ = false;
  bool is_confirming_ = false;
  uint16_t last_channel_ = kControlChannel;
  amqp_envelope_t envelope_{};
  bool has_envelope_ = false;
  AmqpMessage message_;
  uint64_t published_count_ = 0;
  std::deque<uint64_t> outstanding_;  // Tags that are not confirmed, ascending.
  std::vector<uint64_t> refused_tags_;
  arrow::Status refused_;  // No queue gets a message that was published.
};

arrow::Result<amqp_socket_t*> Connection::MakeSocket() {
  if (!options_.has_tls) return amqp_tcp_socket_new(state_.get());
  amqp_socket_t* socket = amqp_ssl_socket_new(state_.get());
  if (socket == nullptr) return Unavailable("TLS cannot be set up, broker: ", options_.Address());
  const AmqpTlsConfig& tls = options_.tls;
  amqp_ssl_socket_set_verify_peer(socket, tls.verify);
  amqp_ssl_socket_set_verify_hostname(socket, tls.verify);
  amqp_ssl_socket_set_ssl_versions(socket, AMQP_TLSv1_2, AMQP_TLSvLATEST);
  const std::string ca = tls.ca.empty() ? "/etc/ssl/certs/ca-certificates.crt" : tls.ca;
  if (amqp_ssl_socket_set_cacert(socket, ca.c_str()) != AMQP_STATUS_OK &&
      (!tls.ca.empty() || tls.verify)) {
    return ConfigError("`tls.ca` cannot be used, file: ", ca);
  }
  if (!tls.certificate.empty() &&
      amqp_ssl_socket_set_key(socket, tls.certificate.c_str(), tls.key.c_str()) != AMQP_STATUS_OK) {
    return ConfigError("`tls.certificate` and `tls.key` cannot be used, files: ", tls.certificate,
                       " ", tls.key);
  }
  return socket;
}

arrow::Status Connection::Open() {
  ARROW_ASSIGN_OR_RAISE(amqp_socket_t * socket, MakeSocket());
  struct timeval timeout = TimeOf(options_.timeout_ms);
  const int code = amqp_socket_open_noblock(socket, options_.host.c_str(), options_.port, &timeout);
  if (code != AMQP_STATUS_OK) return AmqpConnectError(code, options_);
  amqp_set_handshake_timeout(state_.get(), &timeout);
  amqp_set_rpc_timeout(state_.get(), &timeout);
  AmqpTable properties(AmqpArguments{});
  properties.Add("product", "catchwater");
  properties.Add("connection_name", options_.name);
  const amqp_table_t client = properties.get();
  const amqp_rpc_reply_t reply = amqp_login_with_properties(
      state_.get(), options_.vhost.c_str(), /*channel_max=*/0, kFrameBytesMax, options_.heartbeat_s,
      &client, AMQP_SASL_METHOD_PLAIN, options_.user.c_str(), options_.password.Reveal().c_str());
  if (reply.reply_type != AMQP_RESPONSE_NORMAL) return AmqpLoginError(reply, options_);
  is_open_ = true;
  return OpenChannel(kControlChannel);
}

arrow::Status Connection::OpenChannel(uint16_t channel) {
  amqp_channel_open(state_.get(), channel);
  return Answer("opening a channel");
}

arrow::Status Connection::StatusOf(const amqp_rpc_reply_t& reply, const std::string& what) const {
  return AmqpReplyError(reply, options_, what);
}

arrow::Status Connection::StatusOf(int code, const std::string& what) const {
  if (code == AMQP_STATUS_OK) return arrow::Status::OK();
  return AmqpReplyError({.reply_type = AMQP_RESPONSE_LIBRARY_EXCEPTION, .library_error = code},
                        options_, what);
}

// A question that is refused costs the channel: the next one needs another of the number.
arrow::Status Connection::Answer(const std::string& what) {
  const amqp_rpc_reply_t reply = amqp_get_rpc_reply(state_.get());
  arrow::Status status = StatusOf(reply, what);
  if (reply.reply_type != AMQP_RESPONSE_SERVER_EXCEPTION ||
      reply.reply.id != AMQP_CHANNEL_CLOSE_METHOD) {
    return status;
  }
  amqp_channel_close_ok_t closed{};
  if (amqp_send_method(state_.get(), kControlChannel, AMQP_CHANNEL_CLOSE_OK_METHOD, &closed) !=
      AMQP_STATUS_OK) {
    return status;
  }
  amqp_maybe_release_buffers(state_.get());
  amqp_channel_open(state_.get(), kControlChannel);
  static_cast<void>(amqp_get_rpc_reply(state_.get()));
  return status;
}

arrow::Result<int64_t> Connection::CountMessages(const std::string& queue) {
  const amqp_queue_declare_ok_t* found = amqp_queue_declare(
      state_.get(), kControlChannel, BytesOf(queue), /*passive=*/1, /*durable=*/0, /*exclusive=*/0,
      /*auto_delete=*/0, amqp_empty_table);
  if (found == nullptr) {
    const arrow::Status status = Answer("looking for queue " + queue);
    return status.ok() ? Unavailable("Broker gives no answer about queue: ", queue) : status;
  }
  return int64_t{found->message_count};
}

arrow::Status Connection::FindExchange(const std::string& exchange) {
  amqp_exchange_declare(state_.get(), kControlChannel, BytesOf(exchange), BytesOf(""),
                        /*passive=*/1, /*durable=*/0, /*auto_delete=*/0, /*internal=*/0,
                        amqp_empty_table);
  return Answer("looking for exchange " + exchange);
}

arrow::Status Connection::MakeQueue(const std::string& queue, const AmqpArguments& arguments) {
  AmqpTable table(arguments);
  amqp_queue_declare(state_.get(), kControlChannel, BytesOf(queue), /*passive=*/0, /*durable=*/1,
                     /*exclusive=*/0, /*auto_delete=*/0, table.get());
  return Answer("making queue " + queue);
}

arrow::Status Connection::MakeExchange(const std::string& exchange, const std::string& type) {
  amqp_exchange_declare(state_.get(), kControlChannel, BytesOf(exchange), BytesOf(type),
                        /*passive=*/0, /*durable=*/1, /*auto_delete=*/0, /*internal=*/0,
                        amqp_empty_table);
  return Answer("making exchange " + exchange);
}

arrow::Status Connection::Bind(const std::string& queue, const std::string& exchange,
                               const std::string& routing_key) {
  amqp_queue_bind(state_.get(), kControlChannel, BytesOf(queue), BytesOf(exchange),
                  BytesOf(routing_key), amqp_empty_table);
  return Answer("binding queue " + queue + " to exchange " + exchange);
}

arrow::Result<uint16_t> Connection::Consume(const AmqpConsumeOptions& options) {
  const uint16_t channel = ++last_channel_;
  ARROW_RETURN_NOT_OK(OpenChannel(channel));
  amqp_basic_qos(state_.get(), channel, /*prefetch_size=*/0, options.prefetch, /*global=*/0);
  ARROW_RETURN_NOT_OK(StatusOf(amqp_get_rpc_reply(state_.get()), "setting `prefetch`"));
  AmqpTable arguments(AmqpArguments{});
  const std::string offset = options.stream_offset ? std::to_string(*options.stream_offset) : "";
  constexpr std::string_view kOffset = "x-stream-offset";
  if (options.stream_offset) {
    arguments.Add(kOffset, offset);
  } else if (options.stream_time_s) {
    arguments.AddTime(kOffset, *options.stream_time_s);
  } else if (!options.stream_word.empty()) {
    arguments.Add(kOffset, options.stream_word);
  }
  amqp_basic_consume(state_.get(), channel, BytesOf(options.queue), amqp_empty_bytes,
                     /*no_local=*/0, /*no_ack=*/options.is_unacknowledged, /*exclusive=*/0,
                     arguments.get());
  ARROW_RETURN_NOT_OK(StatusOf(amqp_get_rpc_reply(state_.get()), "reading queue " + options.queue));
  return channel;
}

void Connection::DropMessage() {
  if (has_envelope_) amqp_destroy_envelope(&envelope_);
  has_envelope_ = false;
}

void Connection::FillMessage() {
  const amqp_basic_properties_t& properties = envelope_.message.properties;
  message_ = {.channel = envelope_.channel,
              .tag = envelope_.delivery_tag,
              .is_redelivered = envelope_.redelivered != 0,
              .body = ViewOf(envelope_.message.body),
              .exchange = ViewOf(envelope_.exchange),
              .routing_key = ViewOf(envelope_.routing_key)};
  const amqp_flags_t flags = properties._flags;
  if (flags & AMQP_BASIC_MESSAGE_ID_FLAG) message_.message_id = ViewOf(properties.message_id);
  if (flags & AMQP_BASIC_CORRELATION_ID_FLAG) {
    message_.correlation_id = ViewOf(properties.correlation_id);
  }
  if (flags & AMQP_BASIC_REPLY_TO_FLAG) message_.reply_to = ViewOf(properties.reply_to);
  if (flags & AMQP_BASIC_TYPE_FLAG) message_.type = ViewOf(properties.type);
  if (flags & AMQP_BASIC_APP_ID_FLAG) message_.app_id = ViewOf(properties.app_id);
  if (flags & AMQP_BASIC_TIMESTAMP_FLAG) {
    message_.sent_at_s = static_cast<int64_t>(properties.timestamp);
  }
  if ((flags & AMQP_BASIC_HEADERS_FLAG) == 0) return;
  message_.headers = &properties.headers;
  const amqp_field_value_t* offset = Find(properties.headers, "x-stream-offset");
  if (offset != nullptr && offset->kind == AMQP_FIELD_KIND_I64) {
    message_.stream_offset = offset->value.i64;
  }
}

arrow::Result<const AmqpMessage*> Connection::Read(int64_t wait_ms) {
  DropMessage();
  amqp_maybe_release_buffers(state_.get());
  const struct timeval timeout = TimeOf(wait_ms);
  const amqp_rpc_reply_t reply = amqp_consume_message(state_.get(), &envelope_, &timeout, 0);
  if (reply.reply_type == AMQP_RESPONSE_NORMAL) {
    has_envelope_ = true;
    FillMessage();
    return &message_;
  }
  if (reply.reply_type == AMQP_RESPONSE_LIBRARY_EXCEPTION) {
    if (reply.library_error == AMQP_STATUS_TIMEOUT) return nullptr;
    if (reply.library_error == AMQP_STATUS_UNEXPECTED_STATE) {
      amqp_frame_t frame;
      ARROW_ASSIGN_OR_RAISE(const bool has_frame, ReadFrame(/*wait_ms=*/0, &frame));
      if (has_frame) ARROW_RETURN_NOT_OK(TakeFrame(frame));
      return nullptr;
    }
  }
  return StatusOf(reply, "reading");
}

arrow::Result<bool> Connection::ReadFrame(int64_t wait_ms, amqp_frame_t* frame) {
  const struct timeval timeout = TimeOf(wait_ms);
  const int code = amqp_simple_wait_frame_noblock(state_.get(), frame, &timeout);
  if (code == AMQP_STATUS_TIMEOUT) return false;
  ARROW_RETURN_NOT_OK(StatusOf(code, "reading"));
  return true;
}

arrow::Status Connection::TakeFrame(const amqp_frame_t& frame) {
  if (frame.frame_type != AMQP_FRAME_METHOD) return arrow::Status::OK();
  const amqp_method_t& method = frame.payload.method;
  switch (method.id) {
    case AMQP_CONNECTION_CLOSE_METHOD:
    case AMQP_CHANNEL_CLOSE_METHOD:
      return StatusOf({.reply_type = AMQP_RESPONSE_SERVER_EXCEPTION, .reply = method}, "reading");
    case AMQP_BASIC_CANCEL_METHOD:
      return Unavailable("Broker ended the reading; the queue may be gone or moving, broker: ",
                         options_.Address());
    case AMQP_BASIC_RETURN_METHOD:
      return TakeReturned(*static_cast<const amqp_basic_return_t*>(method.decoded), frame.channel);
    case AMQP_BASIC_ACK_METHOD: {
      const auto& ack = *static_cast<const amqp_basic_ack_t*>(method.decoded);
      if (!ack.multiple) {
        const auto found =
            std::lower_bound(outstanding_.begin(), outstanding_.end(), ack.delivery_tag);
        if (found != outstanding_.end() && *found == ack.delivery_tag) outstanding_.erase(found);
        return arrow::Status::OK();
      }
      while (!outstanding_.empty() && outstanding_.front() <= ack.delivery_tag) {
        outstanding_.pop_front();
      }
      return arrow::Status::OK();
    }
    case AMQP_BASIC_NACK_METHOD: {
      const auto& nack = *static_cast<const amqp_basic_nack_t*>(method.decoded);
      const auto behind = std::ranges::upper_bound(outstanding_, nack.delivery_tag);
      const auto first = nack.multiple ? outstanding_.begin()
                                       : std::ranges::lower_bound(outstanding_, nack.delivery_tag);
      refused_tags_.insert(refused_tags_.end(), first, behind);
      outstanding_.erase(first, behind);
      return arrow::Status::OK();
    }
    default:
      return arrow::Status::OK();
  }
}

arrow::Status Connection::TakeReturned(const amqp_basic_return_t& returned, uint16_t channel) {
  const std::string routing_key(ViewOf(returned.routing_key));
  const std::string exchange(ViewOf(returned.exchange));
  amqp_message_t message;
  const amqp_rpc_reply_t reply = amqp_read_message(state_.get(), channel, &message, 0);
  if (reply.reply_type == AMQP_RESPONSE_NORMAL) amqp_destroy_message(&message);
  refused_ = NotFound(
      "No queue gets the message; bind one to the exchange, set `create: true`, or `mandatory: "
      "false` to let such messages go, exchange and routing key: `",
      exchange, "` `", routing_key, "`");
  return refused_;
}

arrow::Status Connection::Acknowledge(uint16_t channel, uint64_t tag) {
  return StatusOf(amqp_basic_ack(state_.get(), channel, tag, /*multiple=*/1), "acknowledging");
}

arrow::Status Connection::Reject(uint16_t channel, uint64_t tag) {
  return StatusOf(amqp_basic_reject(state_.get(), channel, tag, /*requeue=*/0), "rejecting");
}

arrow::Status Connection::Beat() {
  amqp_frame_t frame{};
  frame.channel = 0;
  frame.frame_type = AMQP_FRAME_HEARTBEAT;
  return StatusOf(amqp_send_frame(state_.get(), &frame), "sending a heartbeat");
}

arrow::Result<uint64_t> Connection::Publish(const AmqpOutgoing& message) {
  ARROW_RETURN_NOT_OK(refused_);
  if (!is_confirming_) {
    amqp_confirm_select(state_.get(), kControlChannel);
    ARROW_RETURN_NOT_OK(Answer("asking for confirmations"));
    is_confirming_ = true;
  }
  if (message.routing_key.size() > 255) {
    return BadData("Routing key is longer than 255 bytes, its beginning: ",
                   message.routing_key.substr(0, 100));
  }
  amqp_basic_properties_t properties{};
  properties._flags = AMQP_BASIC_CONTENT_TYPE_FLAG | AMQP_BASIC_DELIVERY_MODE_FLAG;
  properties.content_type = BytesOf("application/json");
  properties.delivery_mode = message.is_persistent ? 2 : 1;
  if (!message.message_id.empty()) {
    properties._flags |= AMQP_BASIC_MESSAGE_ID_FLAG;
    properties.message_id = BytesOf(message.message_id);
  }
  if (!message.correlation_id.empty()) {
    properties._flags |= AMQP_BASIC_CORRELATION_ID_FLAG;
    properties.correlation_id = BytesOf(message.correlation_id);
  }
  ARROW_RETURN_NOT_OK(
      StatusOf(amqp_basic_publish(state_.get(), kControlChannel, BytesOf(message.exchange),
                                  BytesOf(message.routing_key), message.is_mandatory,
                                  /*immediate=*/0, &properties, BytesOf(message.body)),
               "publishing"));
  outstanding_.push_back(++published_count_);
  return published_count_;
}

arrow::Status Connection::ReadConfirms(int64_t wait_ms) {
  amqp_frame_t frame;
  while (true) {
    amqp_maybe_release_buffers(state_.get());
    ARROW_ASSIGN_OR_RAISE(const bool has_frame, ReadFrame(wait_ms, &frame));
    if (!has_frame) return arrow::Status::OK();
    ARROW_RETURN_NOT_OK(TakeFrame(frame));
    wait_ms = 0;
  }
}

void Connection::Close() {
  if (!is_open_) return;
  is_open_ = false;
  DropMessage();
  static_cast<void>(amqp_connection_close(state_.get(), AMQP_REPLY_SUCCESS));
}

}  // namespace

std::optional<std::string> AmqpHeader(const AmqpMessage& message, std::string_view name) {
  if (message.headers == nullptr) return std::nullopt;
  const auto* field = Find(*static_cast<const amqp_table_t*>(message.headers), name);
  return field == nullptr ? std::nullopt : TextOf(*field);
}

arrow::Result<std::unique_ptr<AmqpConnection>> AmqpConnection::Connect(const AmqpOptions& options) {
  auto connection = std::make_unique<Connection>(options);
  ARROW_RETURN_NOT_OK(connection->Open());
  return std::unique_ptr<AmqpConnection>(std::move(connection));
}

}  // namespace catchwater
