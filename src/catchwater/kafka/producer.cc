#include "catchwater/kafka/producer.h"

#include <string>
#include <string_view>
#include <utility>

#include "catchwater/base/error.h"
#include "catchwater/kafka/client.h"

namespace catchwater {
namespace {

constexpr int64_t kAnswerMs = 10'000;
constexpr int kDeliverMs = 60'000;
constexpr int kQueueFullWaitMs = 20;

class KafkaProducer final : public MessageProducer {
 public:
  explicit KafkaProducer(KafkaProducerOptions options) : options_(std::move(options)) {}
  ~KafkaProducer() override { Close(); }

  arrow::Status Check() override {
    ARROW_RETURN_NOT_OK(Connect());
    ARROW_ASSIGN_OR_RAISE(const auto topics, client_->Topics({options_.topic}, kAnswerMs));
    has_topic_ = !topics.empty() && topics.front().exists;
    if (has_topic_ || options_.create) return arrow::Status::OK();
    return NotFound("Topic does not exist; make it, or set `create: true` (partitions ",
                    options_.partitions, ", replication ", options_.replication,
                    "): ", options_.topic);
  }

  arrow::Status Send(const OutgoingMessage& message) override {
    ARROW_RETURN_NOT_OK(Prepare());
    while (true) {
      const auto code = Produce(message);
      if (code == RD_KAFKA_RESP_ERR_NO_ERROR) break;
      if (code == RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE) {
        return BadData("Message is longer than message.max.bytes, topic and bytes: ",
                       message.address, " ", message.payload.size());
      }
      if (code != RD_KAFKA_RESP_ERR__QUEUE_FULL) {
        return client_->ErrorOf(code, rd_kafka_err2str(code));
      }
      rd_kafka_poll(client_->get(), kQueueFullWaitMs);  // Back-pressure: until there is room.
      ARROW_RETURN_NOT_OK(Refused());
    }
    rd_kafka_poll(client_->get(), 0);
    return Refused();
  }

  arrow::Status Flush() override {
    if (client_ == nullptr) return arrow::Status::OK();
    const auto code = rd_kafka_flush(client_->get(), kDeliverMs);
    ARROW_RETURN_NOT_OK(Refused());
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR) return arrow::Status::OK();
    return client_->ErrorOf(code, "messages were not taken in time");
  }

  void Close() override {
    if (client_ == nullptr) return;
    rd_kafka_purge(client_->get(), RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
    rd_kafka_flush(client_->get(), 0);
    client_.reset();
  }

 private:
  /// Called by librdkafka while it is polled.
  static void OnReport(rd_kafka_t*, const rd_kafka_message_t* message, void* client) {
    if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR) return;
    auto* self = static_cast<KafkaProducer*>(static_cast<KafkaClient*>(client)->opaque());
    ++self->refused_count_;
    self->refused_code_ = message->err;
  }

  rd_kafka_resp_err_t Produce(const OutgoingMessage& message) {
    const std::string topic(message.address);
    const std::string_view key = message.key.value_or(std::string_view());
    // librdkafka's interface is of C: what it copies is not const there.
    void* const payload = const_cast<char*>(message.payload.data());
    void* const key_bytes = message.key ? const_cast<char*>(key.data()) : nullptr;
    if (message.id.empty()) {
      return rd_kafka_producev(client_->get(), RD_KAFKA_V_TOPIC(topic.c_str()),
                               RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
                               RD_KAFKA_V_VALUE(payload, message.payload.size()),
                               RD_KAFKA_V_KEY(key_bytes, key.size()), RD_KAFKA_V_END);
    }
    return rd_kafka_producev(
        client_->get(), RD_KAFKA_V_TOPIC(topic.c_str()), RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
        RD_KAFKA_V_VALUE(payload, message.payload.size()), RD_KAFKA_V_KEY(key_bytes, key.size()),
        RD_KAFKA_V_HEADER(kMessageIdName.data(), message.id.data(),
                          static_cast<ssize_t>(message.id.size())),
        RD_KAFKA_V_END);
  }

  arrow::Status Refused() const {
    if (refused_count_ == 0) return arrow::Status::OK();
    return client_->ErrorOf(refused_code_,
                            std::to_string(refused_count_) +
                                " messages were not taken: " + rd_kafka_err2str(refused_code_));
  }

  arrow::Status Connect() {
    if (client_ != nullptr) return arrow::Status::OK();
    ARROW_ASSIGN_OR_RAISE(
        client_,
        KafkaClient::Make(options_.connection,
                          {.kind = KafkaClient::Kind::kProducer,
                           .properties = {{"queue.buffering.max.kbytes", "16384"},
                                          {"linger.ms", "5"},
                                          {"compression.type", "lz4"},
                                          {"message.timeout.ms", std::to_string(kDeliverMs)}},
                           .fixed = {{"enable.idempotence", "true"}},
                           .prepare =
                               [](rd_kafka_conf_t* conf) {
                                 rd_kafka_conf_set_dr_msg_cb(conf, &KafkaProducer::OnReport);
                               },
                           .opaque = this}));
    return arrow::Status::OK();
  }

  arrow::Status Prepare() {
    if (is_prepared_) return arrow::Status::OK();
    ARROW_RETURN_NOT_OK(Check());
    if (!has_topic_) {
      ARROW_RETURN_NOT_OK(client_->CreateTopic(options_.topic, options_.partitions,
                                               static_cast<int16_t>(options_.replication),
                                               kAnswerMs));
    }
    is_prepared_ = true;
    return arrow::Status::OK();
  }

  const KafkaProducerOptions options_;
  std::unique_ptr<KafkaClient> client_;
  bool has_topic_ = false;
  bool is_prepared_ = false;
  int64_t refused_count_ = 0;
  rd_kafka_resp_err_t refused_code_ = RD_KAFKA_RESP_ERR_NO_ERROR;
};

}  // namespace

std::unique_ptr<MessageProducer> MakeKafkaProducer(KafkaProducerOptions options) {
  return std::make_unique<KafkaProducer>(std::move(options));
}

}  // namespace catchwater
