#include "catchwater/mqtt/producer.h"

#include <stop_token>
#include <utility>

#include "catchwater/base/error.h"
#include "catchwater/mqtt/connection_config.h"

namespace catchwater {
namespace {

constexpr int64_t kOutstandingMax = 500;
constexpr int64_t kWaitMs = 20;

class MqttProducer final : public MessageProducer {
 public:
  MqttProducer(MqttProducerOptions options, const Clock& clock)
      : options_(std::move(options)), clock_(clock) {}

  arrow::Status Check() override { return CheckMqttBroker(options_.connection, options_.place); }

  arrow::Status Send(const OutgoingMessage& message) override {
    // Between two sendings there are no pings, and the broker ends a connection that is silent.
    const int64_t now_us = clock_.MonotonicMicros();
    const bool is_silent = now_us - sent_us_ > options_.connection.keep_alive_s * 1'000'000;
    if (connection_ != nullptr && is_silent && connection_->outstanding_count() == 0) Close();
    sent_us_ = now_us;
    if (connection_ == nullptr) {
      ARROW_ASSIGN_OR_RAISE(
          connection_, MqttConnection::Connect(options_.connection, nullptr, std::stop_token()));
    }
    std::string with_id;
    MqttMessage sent{.topic = message.address,
                     .payload = message.payload,
                     .qos = options_.qos,
                     .is_retained = options_.is_retained};
    if (options_.connection.is_version_5) {
      sent.id = message.id;
    } else if (!options_.id_field.empty() && !message.id.empty() &&
               message.payload.ends_with('}')) {
      with_id = message.payload.substr(0, message.payload.size() - 1);
      with_id += with_id.size() > 1 ? ",\"" : "\"";
      with_id += options_.id_field + "\":\"" + std::string(message.id) + "\"}";
      sent.payload = with_id;
    }
    ARROW_RETURN_NOT_OK(connection_->Publish(sent));
    return connection_->outstanding_count() >= kOutstandingMax ? Drain(kOutstandingMax / 2)
                                                               : arrow::Status::OK();
  }

  arrow::Status Flush() override { return connection_ == nullptr ? arrow::Status::OK() : Drain(0); }

  void Close() override {
    if (connection_ != nullptr) connection_->Disconnect();
    connection_.reset();
  }

 private:
  /// Waits until at most so many messages are not acknowledged.
  arrow::Status Drain(int64_t outstanding_count_max) {
    const int64_t end_us = clock_.MonotonicMicros() + options_.timeout_us;
    while (connection_->outstanding_count() > outstanding_count_max) {
      if (clock_.MonotonicMicros() > end_us) {
        return Unavailable("Broker does not acknowledge in time, messages: ",
                           connection_->outstanding_count());
      }
      ARROW_RETURN_NOT_OK(connection_->Write());
      if (connection_->outstanding_count() <= outstanding_count_max) break;
      ARROW_RETURN_NOT_OK(connection_->Read(kWaitMs, /*byte_count_max=*/1).status());
    }
    return arrow::Status::OK();
  }

  const MqttProducerOptions options_;
  const Clock& clock_;
  std::unique_ptr<MqttConnection> connection_;
  int64_t sent_us_ = 0;  // The last one.
};

}  // namespace

std::unique_ptr<MessageProducer> MakeMqttProducer(MqttProducerOptions options, const Clock& clock) {
  return std::make_unique<MqttProducer>(std::move(options), clock);
}

}  // namespace catchwater
